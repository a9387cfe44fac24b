"""Busulfan: clearance by hand, the first day against the rest, the whole course as the aim."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bedside import asked, given, infusion, median, option

from dosing_core import recommend
from dosing_core.case import Case
from dosing_core.library import load_drug

DAILY = infusion(70, 24, 3)
CHILD: dict[str, Any] = {"age": 5, "kg": 18, "cm": 108, "creatinine": 0.3}
(MODEL,) = load_drug("busulfan").models


def _asked(levels: dict[float, float] | None = None, **facts: Any) -> Case:
    values = {**CHILD, "regimen": DAILY, **facts}
    if levels:
        values |= {"doses": given(values["regimen"], 1, 23), "levels": levels}
    return asked("busulfan", **values)


def _course(clearance: float, doses: list[float]) -> float:
    """Area of a course of daily infusions: dose over clearance, which is 13.5 % less after 24 h."""
    first, rest = doses[0], sum(doses[1:])
    return first / clearance + rest / (0.865 * clearance)


def test_units_and_the_labels_rule_are_those_of_the_worked_examples() -> None:
    """1,125 µmol·min/L are 4.618 mg·h/L; three days of 22.0, 21.5 and 20.8 leave 13.7 to 36.7 for one."""
    target = load_drug("busulfan").targets[-1].range
    given_so_far = 22.0 + 21.5 + 20.8

    label = load_drug("busulfan").targets[0].range
    per_dose = [bound * 246.3 / 60 / 1e3 for bound in (900, 1350)]

    assert per_dose[0] / 900 * 1125 == pytest.approx(4.618, rel=0.002)
    assert (label.low / 4, label.high / 4) == pytest.approx(per_dose, rel=0.005)
    assert (target.low - given_so_far, target.high - given_so_far) == pytest.approx((13.7, 36.7), abs=0.05)


def test_the_course_of_a_typical_child_is_dose_over_clearance() -> None:
    values = MODEL.evaluate({"AGE": 5, "FFMJ": 16.47, "MALE": 1})
    answer = recommend(_asked())
    expected = _course(values["CL"], [70] * 4)
    ordered = option(answer, "as_ordered")

    assert median(ordered, "cumulative_auc") == pytest.approx(expected, rel=0.05)


def test_clearance_per_weight_is_near_what_others_found() -> None:
    """Balis 2025: 0.205, Lawson 2020: 0.22 L/h/kg; an infant clears less for its size than it will at two
    years (Savic 2013: 1.7-fold from six weeks on)."""
    child = MODEL.evaluate({"AGE": 8, "FFMJ": 22.0, "MALE": 0})
    infant, toddler = (MODEL.evaluate({"AGE": age, "FFMJ": 8.0, "MALE": 1}) for age in (0.12, 2.0))

    assert 0.18 < child["CL"] / 26 < 0.27
    assert toddler["FMAT"] / infant["FMAT"] == pytest.approx(1.7, abs=0.2)


def test_the_labelled_dose_stands_for_the_first_day() -> None:
    assert recommend(_asked()).outcome == "agree"


@pytest.mark.parametrize(("factor", "less"), [(1.6, True), (0.75, False)])
def test_levels_of_the_first_day_move_the_days_that_are_left(factor: float, less: bool) -> None:
    """Levels are those of a child with 4.0 L/h and 12.5 L, times a factor."""
    k, since = 4.0 / 12.5, {20.0: 0.0, 18.0: 2.0, 16.0: 4.0, 14.0: 6.0}
    end = 70 / 3 / 4.0 * (1 - np.exp(-3 * k))
    levels = {ago: float(factor * end * np.exp(-k * after)) for ago, after in since.items()}
    answer = recommend(_asked(levels))
    advised = answer.option("recommended")

    assert advised is not None
    assert (advised.regimen.dose_mg < 70) == less
    assert advised.regimen.interval_h == 24
    assert 78 <= median(advised, "cumulative_auc") <= 101


def test_adults_are_not_answered_and_a_decimal_point_is_named() -> None:
    assert recommend(_asked(age=35, kg=70, cm=175)).outcome == "out_of_scope"
    assert recommend(_asked(regimen=infusion(700, 24, 3))).broken_limits
