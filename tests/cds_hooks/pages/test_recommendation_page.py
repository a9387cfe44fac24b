"""The page behind a card says what was stored, to everyone who may look, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import hand_built
import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from hand_built import HOUR, NOW

from cds_hooks import wording
from cds_hooks.ledger import Ledger
from cds_hooks.ledger.records import FeedbackRecord, StoredRecommendation
from cds_hooks.pages.recommendation import blueprint
from cds_hooks.settings import Settings
from dosing_core import recommend
from dosing_core.case import Case, Finding, Measurement, Order, Phenotype, Regimen, Subject
from dosing_core.recommendation import Display, NextLevel, PlanStep, Recommendation, Target


class Html(HTMLParser):
    """The elements of a page with their attributes, its visible text, and what was never closed."""

    VOID = frozenset({"meta", "link", "br", "hr", "img", "input"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.table_rows: list[list[str]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "tr":
            self.table_rows.append([])
        if tag in {"td", "th"}:
            self.table_rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.text += data.replace("\N{NO-BREAK SPACE}", " ")
        if {"td", "th"} & set(self.open):
            self.table_rows[-1][-1] += data.replace("\N{NO-BREAK SPACE}", " ").strip()

    def named(self, tag: str) -> Iterator[dict[str, str]]:
        return (attributes for name, attributes in self.elements if name == tag)


Show = Callable[..., str]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    yield opened
    opened.close()


def client(ledger: Ledger, guard: Callable[[], Response | None] = lambda: None) -> FlaskClient:
    app = Flask("page")
    app.register_blueprint(blueprint(Settings(timezone="Europe/Berlin"), ledger, guard))
    return app.test_client()


@pytest.fixture
def show(ledger: Ledger) -> Show:
    """The page of one recommendation, as text."""

    def page(recommendation: Recommendation, case: Case | None = None, ident: str = "r1") -> str:
        _store(ledger, recommendation, case or hand_built.case(), ident)
        response = client(ledger).get(f"/recommendations/{ident}")
        assert response.status_code == 200
        return response.get_data(as_text=True)

    return page


def _store(ledger: Ledger, recommendation: Recommendation, case: Case, ident: str = "r1") -> None:
    ledger.store_recommendation(
        StoredRecommendation(
            id=ident,
            request_id="q1",
            created_at=NOW,
            drug=recommendation.drug,
            outcome=recommendation.outcome,
            engine=recommendation.engine,
            case=case.to_bytes(),
            recommendation=recommendation.to_bytes(),
            cards=(f"card-{ident}",),
        )
    )


def _tacrolimus() -> Recommendation:
    """Tacrolimus is read in ng/mL, a thousand times its mg/L."""
    regimen = Regimen(dose_mg=5, interval_h=12, route="oral")
    options = (hand_built.option("as_ordered", regimen, 0.12, 0.2, 0.0),)
    return hand_built.change(
        drug="tacrolimus",
        outcome="agree",
        display=Display(drug_name="tacrolimus", concentration_unit="ng/mL", concentration_factor=1000),
        options=options,
        target=Target(metric="trough", low=0.005, high=0.01, source="project policy"),
        levels=(),
        curves=(),
        next_level=None,
    )


EVERY_KIND = {
    "change": hand_built.change,
    "no dose": hand_built.without_weight,
    "tacrolimus": _tacrolimus,
    "avoid": lambda: Recommendation(outcome="avoid", drug="x", reason="No.", engine="e"),
}


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_every_kind_of_answer_is_a_sound_page_without_gaps(show: Show, kind: str) -> None:
    page = show(EVERY_KIND[kind]())
    html = Html(page)
    ids = Counter(attributes["id"] for _, attributes in html.elements if "id" in attributes)
    referred = {
        name
        for _, attributes in html.elements
        for key in ("aria-labelledby", "aria-describedby")
        for name in attributes.get(key, "").split()
    }

    assert page.startswith("<!doctype html>")
    assert html.open == []
    assert [name for name, count in ids.items() if count > 1] == []
    assert referred <= set(ids)
    assert "None" not in html.text
    assert "Undefined" not in html.text
    assert [tag for tag, _ in html.elements].count("h1") == 1


def test_nothing_inline_that_the_policy_of_the_page_forbids(show: Show) -> None:
    html = Html(show(hand_built.change()))

    assert [a for _, a in html.elements if "style" in a or any(name.startswith("on") for name in a)] == []
    assert all(attributes.get("src") for attributes in html.named("script"))
    assert list(html.named("style")) == []


def test_pictures_have_a_name_and_the_table_says_what_they_show(show: Show) -> None:
    answer = hand_built.change()
    html = Html(show(answer))
    pictures = [attributes for attributes in html.named("svg") if attributes.get("role") == "img"]
    tabled = {
        row[0].removesuffix(" (predicted)").removesuffix("(predicted)"): row[1:] for row in html.table_rows
    }
    point = answer.curves[1].points[-1]

    assert len(pictures) == 6, "three curves, wide and narrow"
    assert all(len(picture["aria-labelledby"].split()) == 2 for picture in pictures)
    # the last point lies 48 h after 09:00 UTC, which is 10:00 in Berlin
    assert tabled["Thu 26 Nov, 10:00"][0] == f"{answer.curves[2].points[-1].median:.1f}"
    assert point.time == NOW + 48 * HOUR


def test_text_from_the_record_cannot_become_markup(show: Show) -> None:
    script = "<script>alert(1)</script>"
    page = show(
        hand_built.change(
            reason=script,
            warnings=(script,),
            missing=(Finding(kind="note", about="levels", detail=script, source=script),),
        ),
        hand_built.case(indication=script),
    )

    assert script not in page
    assert "&lt;script&gt;alert(1)" in page


def test_the_options_stand_side_by_side_with_what_each_does(show: Show) -> None:
    rows = {row[0]: row[1:] for row in Html(show(hand_built.change())).table_rows if row}
    chance = next(cells for name, cells in rows.items() if name.startswith("Chance of AUC24 400–600"))
    exposure = next(cells for name, cells in rows.items() if name.startswith("AUC24 at steady state"))

    assert chance == ["84 %", "27 %", "6 %"]  # the recommended one first, where a phone shows one
    assert rows["above 600"] == ["8 %", "71 %", "under 1 %"]
    assert [cell.split("(")[0] for cell in exposure] == ["489", "652", "326"]


def test_an_order_beyond_all_models_shows_no_figures_of_exposure(show: Show) -> None:
    """1,000 g: half a million mg·h/L would lend it dignity, and the first day's area as much."""
    answer = hand_built.change()
    absurd = answer.options[0].model_copy(update={"exposures": ()})
    html = Html(show(hand_built.change(options=(absurd, *answer.options[1:]))))
    rows = {row[0]: row[1:] for row in html.table_rows if row}
    areas = [cells for name, cells in rows.items() if name.startswith("AUC")]

    assert [cells[1] for cells in areas] == ["–", "–"]
    assert "As ordered, 1,000 mg" not in html.text


def test_concentrations_are_in_the_unit_of_the_drug(show: Show) -> None:
    """0.12 mg·h/L over thirty is a trough of 0.004 mg/L, which is 4 ng/mL."""
    html = Html(show(_tacrolimus()))
    trough = next(row for row in html.table_rows if row and row[0].startswith("Trough at steady state"))

    assert "ng/mL" in trough[0]
    assert trough[1].startswith("4.0(")
    assert "Trough 5–10 ng/mL" in html.text


def test_facts_tell_their_age_from_when_the_question_was_asked(show: Show) -> None:
    rows = {row[0]: row[1:] for row in Html(show(hand_built.change())).table_rows if row}

    assert rows["Creatinine"][0] == "0.9 mg/dL"
    assert rows["Creatinine"][1].startswith("3 hours ago")
    assert rows["Creatinine"][2] == "Observation/creatinine-5"


def test_red_flags_and_warnings_come_before_the_figures(show: Show) -> None:
    text = Html(show(hand_built.change(red_flags=("Creatinine doubled.",)))).text

    assert text.index("Creatinine doubled.") < text.index("Above 600 mg·h/L kidney") < text.index("Options")


def test_a_level_set_aside_is_named_and_the_dose_with_it(show: Show) -> None:
    level = hand_built.change().levels[0].model_copy(update={"used": False, "plausible": False})
    answer = hand_built.change(levels=(level,), without_flagged=hand_built.OTHER)
    text = Html(show(answer)).text

    assert "implausible, not used" in text
    assert "set aside, the regimen would be 1,000 mg every 24 h" in " ".join(text.split())


def test_feedback_stands_on_the_page_of_its_recommendation(ledger: Ledger) -> None:
    _store(ledger, hand_built.change(), hand_built.case())
    ledger.record_feedback(
        FeedbackRecord(
            "card-r1", "overridden", NOW, reason_display="Clinical judgement", comment="<i>late</i>"
        )
    )
    page = client(ledger).get("/recommendations/r1").get_data(as_text=True)

    assert "Clinical judgement" in page
    assert "&lt;i&gt;late" in page


def test_the_page_names_how_to_replay_it(show: Show) -> None:
    assert "dosewright replay r1" in Html(show(hand_built.change())).text


def test_a_measurement_beyond_what_was_used_does_not_leak_onto_the_page(show: Show) -> None:
    """The page shows what the answer rests on; what the core did not use stays in the ledger."""
    subject = Subject(
        age_years=67.5, weight=(Measurement(value=81, time=NOW - HOUR, source="Observation/secret-weight"),)
    )

    assert "secret-weight" not in show(hand_built.change(), hand_built.case(subject=subject))


def test_an_unknown_id_is_a_page_for_people_and_an_outcome_for_programs(ledger: Ledger) -> None:
    page = client(ledger).get("/recommendations/none", headers={"Accept": "text/html"})
    outcome = client(ledger).get("/recommendations/none", headers={"Accept": "application/fhir+json"})

    assert (page.status_code, outcome.status_code) == (404, 404)
    assert "No such recommendation" in page.get_data(as_text=True)
    assert Html(page.get_data(as_text=True)).open == []
    assert outcome.get_json()["resourceType"] == "OperationOutcome"


def test_who_may_not_look_sees_nothing_but_the_style(ledger: Ledger) -> None:
    _store(ledger, hand_built.change(), hand_built.case())
    refused = client(ledger, lambda: Response("sign in", 401))

    assert refused.get("/recommendations/r1").status_code == 401
    assert refused.get("/recommendations/none").status_code == 401
    assert refused.get("/pages/page.css").status_code == 200


def test_the_page_is_never_cached_framed_or_told_of(ledger: Ledger) -> None:
    _store(ledger, hand_built.change(), hand_built.case())
    headers = client(ledger).get("/recommendations/r1").headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_the_first_line_names_a_loading_dose(show: Show) -> None:
    """A loading dose that only the table mentions would be missed."""
    answer = hand_built.change()
    load = {"loading_dose_mg": 1750.0, "loading_duration_h": 3.0}
    ordered, advised = answer.options[0], answer.options[1].model_copy(update=load)
    heading = "Vancomycin: 1,000 mg every 12 h → load 1,750 mg, then 750 mg every 12 h"
    fitting = hand_built.option("as_ordered", hand_built.ORDERED, 512, 0.81, 0.1)
    kept = fitting.model_copy(update={**load, "role": "recommended"})

    assert heading in Html(show(hand_built.change(options=(ordered, advised)))).text
    agreed = Html(show(hand_built.change(outcome="agree", options=(fitting, kept)), ident="r2")).text
    assert "Vancomycin: 1,000 mg every 12 h fits; load 1,750 mg first" in agreed
    assert "after a loading dose of 1,750 mg over 3 h, 1,000 mg every 12 h: AUC24 512" in agreed


def test_three_numbers_say_what_changes_and_stand_alone_where_nothing_does(show: Show) -> None:
    ordered = hand_built.change().options[:1]
    changed = "".join(Html(show(hand_built.change())).text.split())
    same = "".join(Html(show(hand_built.change(outcome="agree", options=ordered), ident="r2")).text.split())

    assert "AUC24652→to489mg·h/LChanceof400–60027%→to84%Chanceabove60071%→to8%" in changed
    assert "AUC24652mg·h/LChanceof400–60027%Chanceabove60071%" in same


def test_the_plan_for_the_next_level_is_a_table(show: Show) -> None:
    """0.005 mg/L are 5 ng/mL; the step that changes nothing says ``stay``."""
    stay = Regimen(dose_mg=3, interval_h=12, route="oral")
    more = Regimen(dose_mg=4, interval_h=12, route="oral")
    steps = (
        PlanStep(low=None, high=0.005, regimen=more, stay=False, chance=0.1),
        PlanStep(low=0.005, high=None, regimen=stay, stay=True, chance=0.9),
    )
    planned = _tacrolimus().model_copy(
        update={"plan": steps, "next_level": NextLevel(time=NOW, reason="Soon.")}
    )
    rows = {row[0]: row[1:] for row in Html(show(planned)).table_rows if row}

    assert rows["below 5.0"] == ["4 mg every 12 h", "10 %"]
    assert rows["above 5.0"] == ["stay", "90 %"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "The order fits"),
        ({"hold": "Hold the next dose and repeat the level."}, "Hold the next dose"),
        ({"left_out": ("level of 14 arb'U: not used",)}, "Not all of the record could be used"),
        ({"levels": "flagged"}, "A level needs a look"),
    ],
)
def test_the_tick_stands_only_where_nothing_is_open(show: Show, changes: dict[str, Any], said: str) -> None:
    """A green line above a level that nobody believes would be read as an all-clear."""
    if changes.get("levels"):
        level = hand_built.change().levels[0].model_copy(update={"plausible": False, "used": False})
        changes = {"levels": (level,)}
    fits = hand_built.option("as_ordered", hand_built.ORDERED, 512, 0.81, 0.1)
    page = show(hand_built.change(outcome="agree", options=(fits,), **changes))

    assert said in Html(page).text
    assert ('class="head agree"' in page) == (changes == {})


@pytest.mark.parametrize(
    ("drug", "gene", "phenotype", "headline"),
    [
        ("citalopram", "CYP2C19", "Poor Metabolizer", "Citalopram: another drug first"),
        ("capecitabine", "DPYD", "Intermediate Metabolizer", "Capecitabine: another dose or closer watching"),
        ("codeine", "CYP2D6", "Normal Metabolizer", "Codeine: no objection by the genes"),
        ("abacavir", "HLA-B", "*57:01 positive", "Avoid abacavir"),
    ],
)
def test_where_only_genes_spoke_no_dose_is_said_to_fit(
    drug: str, gene: str, phenotype: str, headline: str
) -> None:
    """The dose of such a drug is not read, so nothing may be said of it."""
    subject = Subject(phenotypes=(Phenotype(gene=gene, phenotype=phenotype, source="p"),))
    said = recommend(Case(now=NOW, subject=subject, order=Order(drug=drug, source="o")))

    assert wording.headline(said, wording.Wording(ZoneInfo("UTC"), NOW, said.display)) == headline
