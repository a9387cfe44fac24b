"""The page behind a card, drawn from the ledger: the stored question and answer, nothing computed anew."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, jsonify, render_template, request

from cds_hooks.errors import Problem, UnknownRecommendation
from cds_hooks.ledger import Ledger
from cds_hooks.ledger.records import FeedbackRecord, StoredRecommendation
from cds_hooks.pages.curve_picture import Picture, Row, main_curve, pictures, rows
from cds_hooks.pages.note_text import note
from cds_hooks.protocol.outcome import operation_outcome
from cds_hooks.settings import Settings
from cds_hooks.wording import REQUESTS, ROLES, Wording, figure, headline, minutes, percent, plain, verdict
from dosing_core.case import Case, Metric
from dosing_core.recommendation import Curve, Recommendation, RegimenOption

Guard = Callable[[], Response | None]
"""Decides who may look: None lets the request pass, a response is sent instead of the page."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""The page holds clinical facts: it is not cached, not framed, and its address is told to nobody."""

NUMBER_AND_UNIT = re.compile(r"(?<=\d) (?=[a-z%])")
"""The blank at which no line may break: a dose that ends a line without its unit is misread."""

MOST_DOSES = 60
"""Given doses that are listed, the last ones: three weeks at three a day."""


@dataclass(frozen=True)
class ShownCurve:
    """One curve: drawn in two sizes, and as a table."""

    curve: Curve
    pictures: tuple[Picture, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class KeyFigure:
    """One number of the regimen to follow, and where that is a change, what the order as written gives."""

    name: str
    value: str
    before: str
    unit: str


def blueprint(settings: Settings, ledger: Ledger, guard: Guard | None = None) -> Blueprint:
    """``GET /recommendations/<id>``, and the page's style and script under ``/pages/``.

    Without a ``guard`` the application itself must decide who sees ``/recommendations/``.
    """
    pages = Blueprint(
        "pages", __name__, template_folder="templates", static_folder="static", static_url_path="/pages"
    )

    @pages.before_request
    def let_in() -> Response | None:
        return None if guard is None or request.endpoint == "pages.static" else guard()

    @pages.after_request
    def protect(response: Response) -> Response:
        if request.endpoint != "pages.static":
            response.headers.update(HEADERS)
        return response

    @pages.app_template_filter("hold")
    def hold(text: str) -> str:
        return NUMBER_AND_UNIT.sub("\N{NO-BREAK SPACE}", text)

    @pages.get("/recommendations/<recommendation_id>")
    def show(recommendation_id: str) -> str:
        stored = ledger.recommendation(recommendation_id)
        if stored is None:
            raise UnknownRecommendation(recommendation_id)
        return render(stored, ledger.feedback_for(recommendation_id), settings)

    @pages.errorhandler(UnknownRecommendation)
    def unknown(error: UnknownRecommendation) -> tuple[Response | str, int]:
        kinds = ["text/html", "application/json", "application/fhir+json"]
        if request.accept_mimetypes.best_match(kinds) in kinds[1:]:
            return jsonify(operation_outcome(Problem("no recommendation has this id", code="not-found"))), 404
        return render_template("pages/unknown.html"), 404

    return pages


def render(stored: StoredRecommendation, feedback: tuple[FeedbackRecord, ...], settings: Settings) -> str:
    """The page as HTML. Needs an application context; raises ``pydantic.ValidationError`` if what was
    stored is not what this version writes."""
    case = Case.from_bytes(stored.case)
    recommendation = Recommendation.from_bytes(stored.recommendation)
    wording = Wording(settings.zone, case.now, recommendation.display)
    said, look = verdict(recommendation)
    return render_template(
        "pages/recommendation.html",
        id=stored.id,
        case=case,
        answer=recommendation,
        feedback=feedback,
        wording=wording,
        headline=headline(recommendation, wording),
        outcome=said,
        look=look,
        key_figures=key_figures(recommendation, wording),
        options=shown_options(recommendation),
        metrics=shown_metrics(recommendation),
        curves=shown_curves(recommendation, wording),
        doses=case.doses[-MOST_DOSES:],
        note=note(recommendation, case, wording, stored.id),
        roles=ROLES,
        requests=[REQUESTS[name] for name in recommendation.requests],
        figure=figure,
        minutes=minutes,
        percent=percent,
        plain=plain,
    )


def shown_options(recommendation: Recommendation) -> tuple[RegimenOption, ...]:
    """The recommended regimen first: on a narrow screen one column stands beside the row labels."""
    return tuple(sorted(recommendation.options, key=lambda option: option.role != "recommended"))


def shown_metrics(recommendation: Recommendation) -> tuple[Metric, ...]:
    """The metrics that any option predicts, the target's first."""
    found = dict.fromkeys(e.metric for option in recommendation.options for e in option.exposures)
    first = recommendation.target.metric if recommendation.target else None
    return tuple(sorted(found, key=lambda metric: metric != first))


def shown_curves(recommendation: Recommendation, wording: Wording) -> tuple[ShownCurve, ...]:
    """The curve to look at first, then the other options' curves in their order."""
    first = main_curve(recommendation)
    others = [curve for curve in recommendation.curves if curve is not first]
    return tuple(
        ShownCurve(curve, pictures(recommendation, curve, wording), rows(curve, wording.now))
        for curve in ([first, *others] if first else [])
        if curve.points
    )


def key_figures(recommendation: Recommendation, wording: Wording) -> tuple[KeyFigure, ...]:
    """The regimen to follow in three numbers, beside the order as written where that is another regimen."""
    target = recommendation.target
    ordered = recommendation.option("as_ordered")
    followed = recommendation.option("recommended") or ordered
    if target is None or followed is None or followed.inside is None or followed.above is None:
        return ()
    before = ordered if ordered and ordered.regimen != followed.regimen else None
    low, high = wording.bounds(target)

    def figures(option: RegimenOption | None) -> tuple[str, str, str]:
        if option is None or option.inside is None or option.above is None:
            return "", "", ""
        return _median(option, target.metric, wording), percent(option.inside), percent(option.above)

    names = (wording.metric(target.metric, target), f"Chance of {low}–{high}", f"Chance above {high}")
    units = (wording.unit(target.metric, target), "", "")
    rows = zip(names, figures(followed), figures(before), units, strict=True)
    return tuple(KeyFigure(*row) for row in rows if row[1])


def _median(option: RegimenOption, metric: Metric, wording: Wording) -> str:
    medians = (e.estimate.median for e in option.exposures if e.metric == metric)
    return next((wording.value(metric, median) for median in medians), "")
