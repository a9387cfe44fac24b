"""Vedolizumab: linear and saturable elimination side by side, by hand where one of them rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from bedside import NOW, asked, median, option

from dosing_core import recommend
from dosing_core.case import Case, Dose, Level, Regimen
from dosing_core.library import load_drug

WEEK = 168.0


def _every(weeks: float) -> Regimen:
    return Regimen(dose_mg=300, interval_h=weeks * WEEK, route="iv", duration_h=0.5)


def _asked(regimen: Regimen | None = None, **facts: Any) -> Case:
    values: dict[str, Any] = {
        "kg": 70,
        "albumin": 40,
        "age": 40,
        "conditions": ["ulcerative_colitis"],
        **facts,
    }
    return asked("vedolizumab", regimen or _every(8), **values)


def _given(*weeks_ago: float) -> tuple[Dose, ...]:
    return tuple(
        Dose(time=NOW - timedelta(weeks=ago), amount_mg=300, route="iv", duration_h=0.5, source=f"d{ago}")
        for ago in weeks_ago
    )


def test_the_half_life_is_the_published_one() -> None:
    """Rosario 2015: 25.4 days at high concentrations, from 0.159 L/day, 3.19 L, 1.65 L and 0.12 L/day."""
    (model,) = load_drug("vedolizumab").models
    v = model.evaluate({"WT": 70, "ALB": 40, "FCAL": 700, "AGE": 40, "CD": 0, "ADA": 0})
    out, there, back = v["CLL"] / v["V1"], v["Q"] / v["V1"], v["Q"] / v["V2"]
    slowest = min(-np.linalg.eigvals(np.array([[-out - there, back], [there, -back]])).real)

    assert np.log(2) / slowest == pytest.approx(25.4, abs=0.2)


def test_the_mean_of_the_labelled_regimens_is_near_what_a_trial_found() -> None:
    """ECCO 2019: means of 32.2 mg/L every 8 and 59.6 every 4 weeks, in people of whom many cleared faster
    than the reference; within a third of it."""
    answer = recommend(_asked())
    eight = median(option(answer, "as_ordered"), "auc24") / 24
    four = next(one for one in answer.options if one.regimen.interval_h == 4 * WEEK)

    assert eight == pytest.approx(32.2, rel=0.33)
    assert median(four, "auc24") / 24 == pytest.approx(59.6, rel=0.33)


def test_the_labelled_dose_stands_until_a_level_speaks() -> None:
    assert recommend(_asked()).outcome == "agree"


def test_a_low_trough_shortens_the_interval_and_leaves_the_dose() -> None:
    level = Level(time=NOW - timedelta(hours=1), value_mg_L=5.0, source="level")
    case = _asked(doses=_given(38, 36, 32, 24, 16, 8)).model_copy(update={"levels": (level,)})
    advised = option(recommend(case), "recommended").regimen

    assert advised.dose_mg == 300
    assert advised.interval_h < 8 * WEEK


def test_no_albumin_no_answer() -> None:
    assert recommend(_asked(albumin=None)).outcome == "insufficient"
