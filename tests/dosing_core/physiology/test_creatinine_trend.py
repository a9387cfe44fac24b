"""The KDIGO criteria of a moving creatinine, at their edges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dosing_core.case import Measurement
from dosing_core.physiology.creatinine_trend import creatinine_trend

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def _creatinine(*hours_ago_and_value: tuple[float, float]) -> list[Measurement]:
    return [
        Measurement(value=value, time=NOW - timedelta(hours=hours), source=f"Observation/{hours:g}")
        for hours, value in hours_ago_and_value
    ]


def test_a_rise_of_0_3_within_48_hours_is_rising() -> None:
    """KDIGO: 0.9 to 1.3 mg/dL in 40 h is stage 1."""
    trend = creatinine_trend(_creatinine((42, 0.9), (2, 1.3)), NOW)

    assert (trend.direction, trend.criterion, trend.stage) == ("rising", "absolute", 1)
    assert trend.earlier is not None
    assert trend.later is not None
    assert (trend.earlier.source, trend.later.source) == ("Observation/42", "Observation/2")


def test_the_edge_of_0_3_counts_in_spite_of_binary_fractions() -> None:
    """1.3 − 1.0 is 0.30000000000000004 and 1.4 − 1.1 is 0.2999999999999998 in floating point."""
    assert creatinine_trend(_creatinine((30, 1.1), (1, 1.4)), NOW).direction == "rising"
    assert creatinine_trend(_creatinine((30, 1.1), (1, 1.39)), NOW).direction == "steady"


def test_the_same_rise_over_three_days_is_not_acute() -> None:
    assert creatinine_trend(_creatinine((73, 1.1), (1, 1.4)), NOW).direction == "steady"


@pytest.mark.parametrize(("value", "hours", "stage"), [(1.5, 96, 1), (2.4, 96, 2), (3.1, 120, 3)])
def test_one_and_a_half_times_within_a_week_is_rising(value: float, hours: float, stage: int) -> None:
    """KDIGO stages 1, 2 and 3 by ratio to a baseline of 1.0 mg/dL."""
    trend = creatinine_trend(_creatinine((hours + 1, 1.0), (1, value)), NOW)

    assert (trend.direction, trend.criterion, trend.stage) == ("rising", "relative", stage)


def test_a_climb_in_steps_shows_where_it_started() -> None:
    """0.8, 1.3, 1.9 mg/dL in three days: 2.4 times, stage 2."""
    trend = creatinine_trend(_creatinine((72, 0.8), (48, 1.3), (3, 1.9)), NOW)

    assert trend.earlier is not None
    assert trend.earlier.value == 0.8
    assert (trend.direction, trend.stage) == ("rising", 2)


def test_a_falling_creatinine_is_named_so() -> None:
    trend = creatinine_trend(_creatinine((72, 3.0), (24, 2.2), (2, 1.6)), NOW)

    assert (trend.direction, trend.criterion) == ("falling", "relative")


def test_after_a_peak_the_fall_decides() -> None:
    trend = creatinine_trend(_creatinine((150, 0.9), (72, 3.2), (2, 1.9)), NOW)

    assert trend.direction == "falling"


def test_after_a_trough_the_rise_decides() -> None:
    trend = creatinine_trend(_creatinine((150, 3.2), (72, 0.9), (2, 1.9)), NOW)

    assert trend.direction == "rising"


@pytest.mark.parametrize(
    "values", [[], [(2.0, 1.0)], [(300.0, 0.8), (2.0, 1.0)], [(400.0, 0.8), (200.0, 1.9)]]
)
def test_one_value_in_a_week_says_nothing_about_a_trend(values: list[tuple[float, float]]) -> None:
    assert creatinine_trend(_creatinine(*values), NOW).direction == "unknown"


def test_values_after_now_are_not_looked_at() -> None:
    measurements = _creatinine((24, 1.0), (2, 1.05), (-5, 2.5))

    assert creatinine_trend(measurements, NOW).direction == "steady"
