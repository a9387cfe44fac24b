"""When the next level is due: counted by hand from the doses that are coming."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dosing_core import sampling
from dosing_core.case import Regimen
from dosing_core.library import load_drug

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
VANCOMYCIN = load_drug("vancomycin")
TACROLIMUS = load_drug("tacrolimus")


def _every(interval_h: float) -> Regimen:
    return Regimen(dose_mg=1000, interval_h=interval_h, route="iv", duration_h=2)


@pytest.mark.parametrize(("interval", "hours"), [(8, 23.5), (12, 23.5), (24, 23.5), (48, 47.5)])
def test_the_first_level_is_a_trough_within_24_to_48_h(interval: float, hours: float) -> None:
    level = sampling.after_change(VANCOMYCIN, _every(interval), NOW, NOW, "")

    assert (level.time - NOW) / HOUR == hours
    assert level.latest == NOW + 48 * HOUR


def test_a_level_never_lies_in_the_past_or_after_its_latest_time() -> None:
    level = sampling.after_change(VANCOMYCIN, _every(96), NOW, NOW, "")

    assert level.latest is not None
    assert NOW <= level.time <= level.latest


def test_after_a_change_tacrolimus_waits_two_days_for_a_trough() -> None:
    """First new dose in 11.5 h; troughs lie 12 h apart from then on: the one at 48 h is drawn at 59 h."""
    regimen = Regimen(dose_mg=8, interval_h=12, route="oral")
    level = sampling.after_change(TACROLIMUS, regimen, NOW + 11.5 * HOUR, NOW, "")

    assert (level.time - NOW) / HOUR == 59


def test_a_dose_that_fits_is_checked_after_about_a_week() -> None:
    level = sampling.while_stable(VANCOMYCIN, _every(12), NOW + 1 * HOUR, NOW)

    assert 6 * 24 <= (level.time - NOW) / HOUR <= 7 * 24


@pytest.mark.parametrize(("due_in", "hours"), [(0.2, 0), (1.0, 0.5), (40, 24), (None, 0)])
def test_under_a_red_flag_the_level_comes_before_the_next_dose_and_within_a_day(
    due_in: float | None, hours: float
) -> None:
    due = None if due_in is None else NOW + due_in * HOUR
    level = sampling.red_flag(VANCOMYCIN, due, NOW)

    assert (level.time - NOW) / HOUR == hours


@pytest.mark.parametrize(
    ("started", "due_in", "hours"), [(30, 2, 1.5), (10, 2, 13.5), (24, 0, 0), (200, 11, 10.5)]
)
def test_a_running_treatment_without_a_level_gets_one_at_the_first_trough_after_a_day(
    started: float, due_in: float, hours: float
) -> None:
    """Started 10 h ago with a dose in 2 h: that trough comes after 12 h, the next one after 24 h counts."""
    due = NOW + due_in * HOUR
    level = sampling.while_unmeasured(VANCOMYCIN, 12, NOW - started * HOUR, due, NOW)

    assert (level.time - NOW) / HOUR == hours
    assert level.latest is not None
    assert level.time <= level.latest
