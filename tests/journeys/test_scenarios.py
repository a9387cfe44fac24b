"""Every scenario, all the way through: a hook call in, cards out, held against what a sensible answer does.

Each question is put twice: with the record prefetched, and with a FHIR server and a token to read it. What
the fields of an answer mean is in ``tests/scenario.py``.
"""

from __future__ import annotations

import html
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hook_call import Service, hook_call
from journeys.record_server import TOKEN, serving
from scenario import Scenario, read_scenario, scenario_paths

from dosing_core.recommendation import Recommendation, RegimenOption
from fhir_adapters.order import read_order

LOUDNESS = ("info", "warning", "critical")
SCENARIOS = [read_scenario(path) for path in scenario_paths()]
ANSWERABLE = [scenario for scenario in SCENARIOS if scenario.question.record == "any"]


@dataclass(frozen=True)
class Heard:
    """What came back: the cards, and the recommendation behind them as the ledger holds it."""

    scenario: Scenario
    cards: tuple[dict[str, Any], ...]
    recommendation: Recommendation | None
    call_outcome: str

    @property
    def words(self) -> str:
        """Summaries, details and labels as a reader sees them, without the Markdown that carries them."""
        labels = [s["label"] for card in self.cards for s in card.get("suggestions", ())]
        texts = [card[name] for card in self.cards for name in ("summary", "detail") if name in card]
        return _shown("\n".join([*texts, *labels]))

    @property
    def changed_orders(self) -> list[dict[str, Any]]:
        """The orders as suggestions would write them."""
        return [
            action["resource"]
            for card in self.cards
            for suggestion in card.get("suggestions", ())
            for action in suggestion["actions"]
            if action["type"] == "update"
        ]

    @property
    def advised(self) -> RegimenOption | None:
        """The regimen that is stood by: the recommended one, or an order as written that is agreed to."""
        if self.recommendation is None:
            return None
        recommended = self.recommendation.option("recommended")
        if recommended is None and self.recommendation.outcome == "agree":
            return self.recommendation.option("as_ordered")
        return recommended


def _shown(markdown: str) -> str:
    text = re.sub(r"\\([\\`*_\[\]|~!#])", r"\1", markdown.replace("**", ""))
    return html.unescape(text).replace("\u2060", "")


@contextmanager
def _nobody() -> Iterator[str]:
    """An address at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening, so a connection is refused
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/fhir"


def _ask(scenario: Scenario, way: str, directory: Path) -> Heard:
    record = scenario.question.record
    if way == "prefetched":
        service = Service(directory, scenario.now)
        return _heard(scenario, service, hook_call(scenario))
    failing = record if record in {"unauthorised", "slow"} else "answers"
    server = _nobody() if record == "down" else serving(scenario.resources, failing)  # type: ignore[arg-type]
    with server as base:
        timeout = 0.3 if record == "slow" else 10
        service = Service(directory, scenario.now, allow_fhir_servers=[base], fhir_timeout=timeout)
        lent = {
            "access_token": TOKEN,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "s",
            "subject": "c",
        }
        body = hook_call(scenario, prefetch=False, fhirServer=base, fhirAuthorization=lent)
        return _heard(scenario, service, body)


def _heard(scenario: Scenario, service: Service, body: dict[str, Any]) -> Heard:
    cards = tuple(service.ask(body)["cards"])
    (call,) = service.ledger.calls()
    stored = service.ledger.recommendations_of(call.request_id)
    service.ledger.close()
    recommendation = Recommendation.from_bytes(stored[0].recommendation) if stored else None
    return Heard(scenario, cards, recommendation, call.outcome)


WAYS = [
    pytest.param((scenario, way), id=f"{scenario.slug}-{way}")
    for scenario in SCENARIOS
    for way in (("prefetched", "fetched") if scenario.question.record == "any" else ("fetched",))
]


@pytest.fixture(scope="module", params=WAYS)
def heard(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Heard:
    scenario, way = request.param
    return _ask(scenario, way, tmp_path_factory.mktemp("scenario"))


def test_the_outcome_is_one_that_a_clinician_would_accept(heard: Heard) -> None:
    outcome = heard.recommendation.outcome if heard.recommendation else None

    assert outcome in heard.scenario.answer.outcome, heard.words
    assert heard.call_outcome in {"cards", "silent"}


def test_the_card_is_as_loud_as_it_should_be(heard: Heard) -> None:
    indicators = [card["indicator"] for card in heard.cards]
    gravest = max(indicators, key=LOUDNESS.index) if indicators else None

    assert gravest in heard.scenario.answer.indicator, heard.words


def test_the_cards_say_what_must_be_said(heard: Heard) -> None:
    unsaid = [pattern for pattern in heard.scenario.answer.says if not re.search(pattern, heard.words)]

    assert unsaid == [], heard.words


def test_the_cards_do_not_say_what_must_not_be_said(heard: Heard) -> None:
    said = [pattern for pattern in heard.scenario.answer.never_says if re.search(pattern, heard.words)]

    assert said == [], heard.words


def test_the_dose_is_one_that_a_clinician_would_accept(heard: Heard) -> None:
    expected, advised = heard.scenario.answer.daily_dose_mg, heard.advised
    if expected is None:
        assert advised is None
        assert heard.changed_orders == []
        return
    low, high = expected
    if advised is None:
        assert low == 0, "a dose is expected and none was given"
    else:
        assert low <= advised.regimen.daily_dose_mg <= high


def test_the_dose_is_not_raised_where_that_would_harm(heard: Heard) -> None:
    if not heard.scenario.answer.not_above_ordered or heard.recommendation is None:
        return
    reading = read_order(heard.scenario.question.order, patient_id=heard.scenario.patient_id)
    assert reading.order.regimen is not None
    ceiling = reading.order.regimen.daily_dose_mg
    offered = [
        option.regimen.daily_dose_mg
        for option in heard.recommendation.options
        if option.role == "recommended"
    ]

    assert all(daily <= ceiling for daily in offered)


def test_a_loading_dose_is_offered_where_it_should_be(heard: Heard) -> None:
    expected = heard.scenario.answer.loading_dose_mg
    if expected is None:
        return
    assert heard.advised is not None
    assert heard.advised.loading_dose_mg is not None
    assert expected[0] <= heard.advised.loading_dose_mg <= expected[1]


def test_the_next_level_comes_in_time(heard: Heard) -> None:
    expected = heard.scenario.answer.next_level_within_h
    if expected is None:
        return
    assert heard.recommendation is not None
    assert heard.recommendation.next_level is not None
    hours = (heard.recommendation.next_level.time - heard.scenario.now) / timedelta(hours=1)

    assert expected[0] <= hours <= expected[1]


def test_what_is_missing_is_named(heard: Heard) -> None:
    if heard.scenario.answer.missing:
        assert heard.recommendation is not None
        named = {finding.about for finding in heard.recommendation.missing}
        assert set(heard.scenario.answer.missing) <= named


def test_each_level_is_used_or_doubted_as_it_should_be(heard: Heard) -> None:
    expectations = heard.scenario.answer.levels
    if not expectations:
        return
    assert heard.recommendation is not None
    reviews = sorted(heard.recommendation.levels, key=lambda review: review.time)
    assert len(reviews) == len(expectations)
    for expected, review in zip(expectations, reviews, strict=True):
        assert expected.used in (None, review.used)
        assert expected.plausible in (None, review.plausible)
        if expected.hours_after_dose is not None:
            assert review.hours_after_dose is not None
            assert expected.hours_after_dose[0] <= review.hours_after_dose <= expected.hours_after_dose[1]


def test_an_accepted_suggestion_orders_what_its_label_says(heard: Heard) -> None:
    """The changed order, read back as any order, is one of the regimens that were judged."""
    regimens = [option.regimen for option in heard.recommendation.options] if heard.recommendation else []
    for order in heard.changed_orders:
        reading = read_order(order, patient_id=heard.scenario.patient_id)
        assert reading.order.regimen in regimens
        assert {name: order[name] for name in ("id", "subject", "intent")} == {
            name: heard.scenario.question.order[name] for name in ("id", "subject", "intent")
        }


def test_nothing_identifies_the_patient(heard: Heard) -> None:
    patient = next(r for r in heard.scenario.resources if r["resourceType"] == "Patient")
    names = [
        part for name in patient.get("name", ()) for part in (name.get("family"), *name.get("given", ()))
    ]

    assert TOKEN not in str(heard.cards)
    assert not [name for name in filter(None, names) if name in heard.words]
    assert str(patient.get("birthDate")) not in heard.words


@pytest.mark.parametrize("scenario", ANSWERABLE, ids=lambda scenario: scenario.slug)
def test_prefetched_or_fetched_the_answer_is_the_same(scenario: Scenario, tmp_path: Path) -> None:
    heard = []
    for way in ("prefetched", "fetched"):
        directory = tmp_path / way
        directory.mkdir()
        heard.append(_ask(scenario, way, directory))

    assert heard[0].words == heard[1].words
    assert heard[0].changed_orders == heard[1].changed_orders
