"""Sirolimus: the label's proportion from a trough, and what keeps it from speaking."""

from __future__ import annotations

from typing import Any

import pytest
from bedside import asked, by_mouth, given, option

from dosing_core import recommend
from dosing_core.recommendation import Recommendation

KIDNEY = ["kidney_transplant"]


def _answer(daily_mg: float, ng_mL: float | None, after_h: float = 23.8, **facts: Any) -> Recommendation:
    regimen = by_mouth(daily_mg, 24)
    levels = {} if ng_mL is None else {0.2: ng_mL / 1000}
    doses = given(regimen, 20, after_h + 0.2)
    return recommend(
        asked("sirolimus", regimen, **{"conditions": KIDNEY, "doses": doses, "levels": levels, **facts})
    )


def test_the_new_dose_is_the_present_one_times_aim_over_trough() -> None:
    """2 · 12 / 7 = 3.43, in tablets of half a milligram."""
    answer = _answer(2, 7)

    assert answer.outcome == "recommend"
    assert option(answer, "recommended").regimen.dose_mg == pytest.approx(3.5)


def test_a_low_trough_never_more_than_doubles_the_dose() -> None:
    """2 · 12 / 3 = 8, held to 4."""
    assert option(_answer(2, 3), "recommended").regimen.dose_mg == pytest.approx(4)


def test_a_high_trough_lowers_the_dose() -> None:
    """5 · 12 / 30 = 2."""
    assert option(_answer(5, 30), "recommended").regimen.dose_mg == pytest.approx(2)


@pytest.mark.parametrize("trough", [8.2, 12, 19.5])
def test_inside_the_range_the_order_stands(trough: float) -> None:
    assert _answer(2, trough).outcome == "agree"


def test_a_level_that_is_no_trough_is_not_used() -> None:
    answer = _answer(2, 31, after_h=3)

    assert answer.outcome == "insufficient"
    assert answer.options == ()
    assert "no trough" in answer.reason
    assert answer.next_level is not None


def test_without_a_level_nothing_is_proposed() -> None:
    answer = _answer(2, None)

    assert answer.outcome == "insufficient"
    assert "level" in answer.reason


@pytest.mark.parametrize("azole", ["voriconazole", "posaconazole"])
@pytest.mark.parametrize("trough", [None, 11])
def test_beside_a_strong_inhibitor_no_dose_is_worked_out(azole: str, trough: float | None) -> None:
    """A trough inside the range may still be on its way up elevenfold."""
    answer = _answer(2, trough, takes={azole: 400})

    assert answer.outcome == "insufficient"
    assert answer.options == ()
    assert "CYP3A4" in answer.reason


@pytest.mark.parametrize("organ", ["liver_transplant", "lung_transplant"])
def test_other_organs_are_refused_by_the_label(organ: str) -> None:
    answer = _answer(2, 5, conditions=[organ])

    assert answer.outcome == "out_of_scope"
    assert "advised against" in answer.reason
