"""Carboplatin by Calvert: published doses, the cap, limits, and what stops the answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dosing_core import recommend
from dosing_core.case import (
    Case,
    Condition,
    Dose,
    EffectMeasurement,
    Goal,
    Measurement,
    Order,
    Regimen,
    Subject,
)  # fmt: skip
from dosing_core.library import load_drug
from dosing_core.recommendation import Recommendation

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
RULE = load_drug("carboplatin").rules[-1]
MG_MIN_ML = 0.06
"""mg·min/mL in one mg·h/L: 60 min/h over 1,000 mL/L."""


def at(value: float, days: float = 1.0) -> tuple[Measurement, ...]:
    return (Measurement(value=value, time=NOW - timedelta(days=days), source="x"),)


def asked(
    dose_mg: float | None = 750.0, auc: float | None = None, order: Order | None = None, **subject: Any
) -> Recommendation:
    person: dict[str, Any] = {
        "age_years": 60.0,
        "sex": "female",
        "weight": at(70.0),
        "height": at(168.0),
        "creatinine": at(0.8),
    }
    regimen = None
    if dose_mg is not None:
        regimen = Regimen(dose_mg=dose_mg, interval_h=24, route="iv", duration_h=1, once=True)
    goal = None
    if auc is not None:
        low, high = 0.95 * auc / MG_MIN_ML, 1.05 * auc / MG_MIN_ML
        goal = Goal(metric="cumulative_auc", low=low, high=high, source="protocol")
    own = Order(drug="carboplatin", kind="single", route="iv", regimen=regimen, source="draft")
    return recommend(Case(now=NOW, subject=Subject(**{**person, **subject}), order=order or own, goal=goal))


@pytest.mark.parametrize(
    ("auc", "gfr", "dose"),
    [(5, 10, 175), (5, 125, 750), (4, 60, 340), (7, 125, 1050), (6, 90, 690)],
)
def test_the_formula_gives_the_published_doses(auc: float, gfr: float, dose: float) -> None:
    """The first two of public calculators with unit tests, the others by hand: AUC · (GFR + 25)."""
    followed = RULE.follows({"GFR": gfr, "aim": auc})

    assert followed is not None
    assert followed[1]["dose"] == pytest.approx(dose)


def test_the_dose_follows_the_estimate_at_the_patients_own_surface() -> None:
    """CKD-EPI 2021 of a woman of 60 y with 0.8 mg/dL: 142 · (0.8/0.7)^-1.2 · 0.9938^60 · 1.012 = 84.3; Du
    Bois's surface is 1.794 m²; so 87.4 mL/min and 562 mg for an AUC of 5."""
    answer = asked(dose_mg=None, auc=5)

    (advised,) = answer.options
    assert answer.outcome == "recommend"
    assert advised.regimen.dose_mg == pytest.approx(562, abs=8)
    assert advised.regimen.once
    assert advised.by_rule is not None
    assert advised.by_rule.exposure == pytest.approx(5 / MG_MIN_ML, rel=0.01)


def test_an_estimate_above_the_cap_counts_as_125_and_the_answer_says_so() -> None:
    answer = asked(dose_mg=1100, age_years=30.0, creatinine=at(0.45))

    advised = answer.option("recommended")
    assert advised is not None
    assert advised.regimen.dose_mg == 750
    assert any("counted as 125 mL/min" in text for text in answer.why)
    assert "counted as 125" in answer.rules[-1].working[0]


def test_a_measured_filtration_comes_before_the_estimate_and_has_no_cap() -> None:
    """150 mL/min measured: 5 · 175 = 875 mg, where the estimate gives 562 mg; both stand side by side."""
    answer = asked(dose_mg=None, auc=5, measured_gfr=at(150.0, days=3))

    advised = answer.option("recommended")
    assert advised is not None
    assert advised.regimen.dose_mg == pytest.approx(875, abs=5)
    _, spoke, beside = answer.rules
    assert (spoke.spoke, beside.spoke) == (True, False)
    assert beside.regimen is not None
    assert beside.regimen.dose_mg == pytest.approx(562, abs=8)
    other = answer.option("alternative")
    assert other is not None
    assert other.regimen == beside.regimen


def test_a_measured_area_of_the_last_cycle_comes_first_and_scales_the_dose_that_gave_it() -> None:
    """600 mg gave 6 mg·min/mL, so 500 mg give 5 (linear elimination; by hand)."""
    given = Dose(time=NOW - timedelta(days=21), amount_mg=600, route="iv", duration_h=1, source="d")
    area = EffectMeasurement(name="carboplatin_auc", value=6.0, time=NOW - timedelta(days=20), source="e")
    order = Order(drug="carboplatin", kind="single", route="iv", source="draft")
    goal = Goal(metric="cumulative_auc", low=4.75 / MG_MIN_ML, high=5.25 / MG_MIN_ML, source="protocol")
    person = Subject(age_years=60.0, sex="female", weight=at(70.0), height=at(168.0), creatinine=at(0.8))
    answer = recommend(Case(now=NOW, subject=person, order=order, goal=goal, doses=(given,), effects=(area,)))

    advised = answer.option("recommended")
    assert advised is not None
    assert advised.regimen.dose_mg == 500
    assert [rule.spoke for rule in answer.rules] == [True, False, False]


def test_an_old_measurement_gives_way_to_the_estimate() -> None:
    answer = asked(dose_mg=None, auc=5, measured_gfr=at(150.0, days=200))

    assert answer.options[0].regimen.dose_mg == pytest.approx(562, abs=8)


def test_no_chance_is_claimed() -> None:
    for option in asked().options:
        assert (option.inside, option.above, option.expected_loss, option.exposures) == (None, None, None, ())


def test_without_an_aim_an_order_inside_the_range_stands_and_the_ends_are_told() -> None:
    answer = asked(dose_mg=600)

    assert answer.outcome == "agree"
    assert "no aim is on record" in answer.reason
    ends = {one.otherwise: one.regimen_otherwise for one in answer.assumptions if one.about == "aim"}
    low, high = ends["For 4 mg·min/mL"], ends["For 7 mg·min/mL"]
    assert low is not None
    assert high is not None
    assert high.dose_mg / low.dose_mg == pytest.approx(7 / 4, rel=0.02)


def test_an_aim_that_was_set_leaves_a_twentieth_of_room() -> None:
    exact = asked(dose_mg=None, auc=6).options[0].regimen.dose_mg

    assert asked(dose_mg=round(exact * 1.04), auc=6).outcome == "agree"
    assert asked(dose_mg=round(exact * 1.2), auc=6).outcome == "recommend"
    assert asked(dose_mg=round(exact * 0.8), auc=6).outcome == "recommend"


def test_what_would_change_the_dose_is_told_with_the_dose() -> None:
    """Half again the creatinine lowers filtration, and with it the dose."""
    changed = {one.about: one for one in asked(auc=5).assumptions if one.effect is not None}

    assert changed["creatinine"].effect is not None
    assert changed["weight"].effect is not None
    assert changed["creatinine"].effect < -0.1
    assert abs(changed["weight"].effect) < abs(changed["creatinine"].effect)


@pytest.mark.parametrize(
    ("subject", "outcome", "said"),
    [
        ({"creatinine": ()}, "insufficient", "creatinine"),
        ({"creatinine": at(0.8, days=30)}, "insufficient", "creatinine"),
        ({"height": ()}, "insufficient", "height"),
        ({"weight": ()}, "insufficient", "weight"),
        ({"age_years": 12.0}, "out_of_scope", "18"),
        ({"conditions": (Condition(name="crrt", source="c"),)}, "out_of_scope", "renal replacement"),
        ({"creatinine": (*at(0.8, days=2), *at(1.5, days=0.5))}, "insufficient", "creatinine rises"),
    ],
)
def test_what_is_missing_or_moving_stops_the_answer(subject: Any, outcome: str, said: str) -> None:
    answer = asked(**subject)

    assert answer.outcome == outcome
    assert said in answer.reason
    assert answer.option("recommended") is None


def test_a_dose_beyond_every_limit_is_a_broken_limit_and_a_slip_is_grave() -> None:
    assert [limit.grave for limit in asked(dose_mg=1200).broken_limits] == [False, False]
    assert any(limit.grave for limit in asked(dose_mg=7500).broken_limits)


def test_a_cycle_that_repeats_keeps_its_interval() -> None:
    regimen = Regimen(dose_mg=1000, interval_h=504, route="iv", duration_h=1)
    order = Order(drug="carboplatin", route="iv", regimen=regimen, source="draft")
    answer = asked(order=order, auc=5)

    advised = answer.option("recommended")
    assert advised is not None
    assert (advised.regimen.interval_h, advised.regimen.once) == (504, False)


def test_the_patient_is_told_which_facts_the_dose_rests_on() -> None:
    said = asked(dose_mg=None, auc=5).for_patient

    assert "creatinine" in said
    assert "Your doctor decides" in said
