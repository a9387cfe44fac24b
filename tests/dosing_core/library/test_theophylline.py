"""Theophylline from aminophylline: the salt, the smoke and the macrolide."""

from __future__ import annotations

import math

import pytest
from bedside import HOUR, NOW, median, option
from long_term import asked, beside

from dosing_core import recommend
from dosing_core.case import Sign
from dosing_core.library import load_drug

MODEL = load_drug("theophylline").models[0]
INFUSED = {"route": "iv", "over_h": 0.5, "kg": 65}


def test_the_papers_typical_values_are_reached() -> None:
    """61.4 mL/h/kg and 0.485 L/kg at 42.5 mmHg."""
    values = MODEL.evaluate({"WT": 1, "HEP": 0})

    assert values["CLtheophylline"] == pytest.approx(0.0614, abs=5e-5)
    assert values["Vtheophylline"] == pytest.approx(0.485, abs=5e-4)


def test_a_dose_counts_as_four_fifths_of_it() -> None:
    """750 mg of aminophylline a day are 600 mg of theophylline over 3.99 L/h: 150 mg·h/L."""
    answer = recommend(asked("theophylline", 250, 8, **INFUSED))

    assert median(option(answer, "as_ordered"), "auc24") == pytest.approx(600 / (0.0614 * 65), rel=0.02)


def test_a_sick_liver_asks_for_less() -> None:
    liver = ({"name": "liver_disease", "source": "x"},)
    well, ill = (
        recommend(asked("theophylline", 250, 8, conditions=conditions, **INFUSED))
        for conditions in ((), liver)
    )

    assert ill.parameters[0].typical / well.parameters[0].typical == pytest.approx(math.exp(-0.525), rel=1e-3)
    assert option(ill, "recommended").regimen.daily_dose_mg < 750


def test_smoking_and_its_end_count() -> None:
    """Clearance is 40 % higher in smokers (Cusack 1980)."""
    smokes = Sign(name="smoker", present=True, time=NOW - 900 * HOUR, source="x")
    stops = Sign(name="smoker", present=False, time=NOW - 48 * HOUR, source="x")
    other = recommend(asked("theophylline", 250, 8, **INFUSED))
    smoker = recommend(asked("theophylline", 250, 8, signs=(smokes,), **INFUSED))
    stopped = recommend(asked("theophylline", 250, 8, signs=(smokes, stops), **INFUSED))
    areas = [median(option(one, "as_ordered"), "auc24") for one in (other, smoker)]

    assert areas[0] / areas[1] == pytest.approx(1.4, rel=0.05)
    assert stopped.changing == ("Tobacco smoking was stopped 2 days ago: levels are expected to rise.",)
    assert any("where it stops" in text for text in stopped.warnings)


def test_a_macrolide_is_spoken_of() -> None:
    answer = recommend(
        asked("theophylline", 250, 8, taken=9, last_h_ago=7, beside=[beside("clarithromycin", 24)], **INFUSED)
    )

    assert answer.changing == ("Clarithromycin was started 24 h ago: levels are expected to rise.",)


@pytest.mark.parametrize(
    "facts",
    [{"age": 20}, {"kg": None}, {"kg": 120}, {"route": "oral", "over_h": 0.0}, {"over_h": 8.0}],
)
def test_what_the_model_does_not_hold_for_is_refused(facts: dict[str, object]) -> None:
    answer = recommend(asked("theophylline", 250, 8, **(INFUSED | facts)))  # type: ignore[arg-type]

    assert answer.outcome in ("insufficient", "out_of_scope")
    assert not any(one.role == "recommended" for one in answer.options)


@pytest.mark.parametrize(("kg", "age"), [(30, 79), (99, 23)])
def test_extremes_get_finite_answers_inside_the_limits(kg: float, age: float) -> None:
    answer = recommend(asked("theophylline", age=age, **(INFUSED | {"kg": kg})))

    for one in answer.options:
        assert one.regimen.daily_dose_mg <= min(1125, 20 * kg)
        assert all(math.isfinite(exposure.estimate.median) for exposure in one.exposures)
