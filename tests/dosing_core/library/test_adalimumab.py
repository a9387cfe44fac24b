"""Adalimumab: under the skin, week by week, with antibodies that multiply its clearance."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from bedside import HOUR, NOW, asked, median, option

from dosing_core import recommend
from dosing_core.case import Case, Dose, Level, Measurement, Regimen, Sign

FORTNIGHT = Regimen(dose_mg=40, interval_h=336, route="subcutaneous")
RUNNING = tuple(
    Dose(time=NOW - timedelta(weeks=ago), amount_mg=40, route="subcutaneous", source=f"d{ago}")
    for ago in range(20, 0, -2)
)


def _asked(
    level: float | None = None, antibodies: bool | None = None, crp: float = 7.9, **facts: Any
) -> Case:
    case = asked("adalimumab", facts.pop("regimen", FORTNIGHT), **{"kg": 94, **facts})
    found: dict[str, Any] = {"c_reactive_protein": (Measurement(value=crp, time=NOW - HOUR, source="crp"),)}
    if antibodies is not None:
        sign = Sign(name="anti_drug_antibodies", present=antibodies, time=NOW - HOUR, source="x")
        found["signs"] = (sign,)
    levels = () if level is None else (Level(time=NOW - HOUR, value_mg_L=level, source="level"),)
    return case.model_copy(update={"subject": case.subject.model_copy(update=found), "levels": levels})


def test_the_average_is_dose_over_clearance_and_antibodies_divide_it() -> None:
    """Nader 2017 at 94 kg, CRP 7.9 mg/L: 40 mg / 14 days / 0.667 L/day = 4.28 mg/L, 103 mg·h/L a day."""
    without, beside = (recommend(_asked(antibodies=present)) for present in (False, True))

    assert median(option(without, "as_ordered"), "auc24") == pytest.approx(102.8, rel=0.01)
    assert median(option(beside, "as_ordered"), "auc24") == pytest.approx(102.8 / 6.76, rel=0.01)


def test_the_trough_is_that_of_one_compartment_with_slow_uptake() -> None:
    """By the textbook's sum of two exponentials, with typical values; the median of a skewed spread lies
    within a tenth of it."""
    ka, ke, tau = 0.195, 0.667 / 13.5, 14.0
    each = [np.exp(-k * tau) / (1 - np.exp(-k * tau)) for k in (ke, ka)]
    typical = 40 / 13.5 * ka / (ka - ke) * (each[0] - each[1])

    answer = recommend(_asked(antibodies=False))

    assert median(option(answer, "as_ordered"), "trough") == pytest.approx(typical, rel=0.1)


def test_the_labelled_dose_stands_until_a_level_speaks() -> None:
    assert recommend(_asked()).outcome == "agree"


def test_a_low_trough_calls_for_every_week_and_no_more() -> None:
    answer = recommend(_asked(2.5, antibodies=False, doses=RUNNING[:-1]))
    advised = option(answer, "recommended").regimen

    assert advised.route == "subcutaneous"
    assert advised.daily_dose_mg == pytest.approx(40 / 7)


def test_a_trough_that_is_enough_is_left_alone() -> None:
    assert recommend(_asked(11.0, antibodies=False, doses=RUNNING[:-1])).outcome == "agree"


def test_by_mouth_or_without_a_crp_it_is_not_answered() -> None:
    by_mouth = Regimen(dose_mg=40, interval_h=336, route="oral")
    unknown = asked("adalimumab", FORTNIGHT, kg=94)

    assert recommend(_asked(regimen=by_mouth)).outcome == "out_of_scope"
    assert recommend(unknown).outcome == "insufficient"
