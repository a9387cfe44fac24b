"""Levetiracetam in intensive care: only where creatinine clearance was measured."""

from __future__ import annotations

import math

import pytest
from bedside import HOUR, NOW, median, option
from long_term import asked

from dosing_core import recommend
from dosing_core.case import Measurement
from dosing_core.library import load_drug

MODEL = load_drug("levetiracetam").models[0]
INFUSED = {"route": "iv", "over_h": 0.25}


def clears(rate: float, ago: float = 5) -> tuple[Measurement, ...]:
    """A creatinine clearance measured in urine, mL/min."""
    return (Measurement(value=rate, time=NOW - ago * HOUR, source="urine"),)


@pytest.mark.parametrize(("rate", "clearance"), [(120, 4.5), (200, 7.0861)])
def test_the_published_clearances_are_reached(rate: float, clearance: float) -> None:
    assert MODEL.evaluate({"CRCL": rate})["CL"] == pytest.approx(clearance, rel=1e-5)


def test_area_is_dose_over_clearance() -> None:
    answer = recommend(asked("levetiracetam", 1000, 12, measured_gfr=clears(120), **INFUSED))

    assert median(option(answer, "as_ordered"), "auc24") == pytest.approx(2000 / 4.5, rel=0.02)


def test_fast_kidneys_get_more_but_not_beyond_the_label() -> None:
    usual, fast = (
        recommend(asked("levetiracetam", 500, 12, measured_gfr=clears(rate), **INFUSED)) for rate in (60, 185)
    )
    low, high = (option(one, "recommended").regimen.daily_dose_mg for one in (usual, fast))

    assert 1000 < low <= high <= 3000
    assert option(fast, "recommended").inside.value < option(usual, "recommended").inside.value


def test_a_low_trough_teaches() -> None:
    answer = recommend(
        asked(
            "levetiracetam",
            1000,
            12,
            taken=6,
            last_h_ago=11.5,
            levels={0.2: 4.0},
            measured_gfr=clears(110),
            **INFUSED,
        )
    )
    clearance = next(one for one in answer.parameters if one.name == "clearance")

    assert clearance.estimate.median > 1.1 * clearance.typical


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"measured_gfr": clears(100, 72)},
        {"measured_gfr": clears(40)},
        {"measured_gfr": clears(100), "route": "oral", "over_h": 0.0},
        {"measured_gfr": clears(100), "conditions": ({"name": "crrt", "source": "x"},)},
        {"measured_gfr": clears(100), "age": 12},
    ],
)
def test_what_the_model_does_not_hold_for_is_refused(facts: dict[str, object]) -> None:
    answer = recommend(asked("levetiracetam", 500, 12, **(INFUSED | facts)))  # type: ignore[arg-type]

    assert answer.outcome in ("insufficient", "out_of_scope")
    assert not any(one.role == "recommended" for one in answer.options)


@pytest.mark.parametrize(("kg", "rate"), [(40, 55), (140, 238)])
def test_extremes_get_finite_answers_inside_the_limits(kg: float, rate: float) -> None:
    answer = recommend(asked("levetiracetam", kg=kg, measured_gfr=clears(rate), **INFUSED))

    for one in answer.options:
        assert one.regimen.daily_dose_mg <= min(3000, 60 * kg)
        assert all(math.isfinite(exposure.estimate.median) for exposure in one.exposures)
