"""Whether creatinine is steady, by the criteria of KDIGO 2012 (Kidney Int Suppl 2:1–138, section 2.1): a rise
of at least 0.3 mg/dL within 48 h, or to at least 1.5 times an earlier value within 7 days.

While it is not, no steady-state estimate of kidney function holds; ``kinetic_gfr`` is for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from dosing_core.case import Measurement

ABSOLUTE_RISE_MG_DL = 0.3
ABSOLUTE_WINDOW = timedelta(hours=48)
RELATIVE_RISE = 1.5
RELATIVE_WINDOW = timedelta(days=7)
_ROUNDING = 1e-9
"""Creatinine is charted to two decimals: 1.3 − 1.0 must count as 0.3."""


@dataclass(frozen=True)
class CreatinineTrend:
    """Whether creatinine is steady, and the two measurements that show it is not."""

    direction: Literal["rising", "falling", "steady", "unknown"]
    """``unknown``: fewer than two measurements in the last 7 days, so nothing can be said."""
    criterion: Literal["absolute", "relative"] | None = None
    """``absolute``: 0.3 mg/dL within 48 h. ``relative``: 1.5 times within 7 days; named if both hold."""
    earlier: Measurement | None = None
    later: Measurement | None = None
    stage: Literal[1, 2, 3] | None = None
    """KDIGO stage of a rise by the ratio of ``later`` to ``earlier`` (3 also from 4.0 mg/dL)."""


def creatinine_trend(measurements: Sequence[Measurement], now: datetime) -> CreatinineTrend:
    """How creatinine moved up to ``now``, judged on its latest measurement.

    Rising: the latest value stands above an earlier one by either criterion. Falling: it stands below an
    earlier one by the same margins. Where both hold, the turn that came later decides. Measurements are in
    order of time; later ones than ``now`` are not looked at.
    """
    known = [measurement for measurement in measurements if measurement.time <= now]
    if not known or now - known[-1].time > RELATIVE_WINDOW:
        return CreatinineTrend("unknown")
    latest = known[-1]
    week = [m for m in known[:-1] if latest.time - m.time <= RELATIVE_WINDOW]
    if not week:
        return CreatinineTrend("unknown")
    two_days = [m for m in week if latest.time - m.time <= ABSOLUTE_WINDOW]

    rise = _rise(min(week, key=_value), min(two_days, key=_value, default=None), latest)
    fall = _fall(max(week, key=_value), max(two_days, key=_value, default=None), latest)
    if rise and fall and rise.earlier and fall.earlier:
        return rise if rise.earlier.time > fall.earlier.time else fall
    return rise or fall or CreatinineTrend("steady")


def _value(measurement: Measurement) -> float:
    return measurement.value


def _rise(week: Measurement, two_days: Measurement | None, latest: Measurement) -> CreatinineTrend | None:
    """The rise from the lowest value of the week or of the last two days, if it is one."""
    if latest.value >= RELATIVE_RISE * week.value - _ROUNDING:
        return CreatinineTrend("rising", "relative", week, latest, _stage(week, latest))
    if two_days and latest.value - two_days.value >= ABSOLUTE_RISE_MG_DL - _ROUNDING:
        return CreatinineTrend("rising", "absolute", two_days, latest, _stage(two_days, latest))
    return None


def _fall(week: Measurement, two_days: Measurement | None, latest: Measurement) -> CreatinineTrend | None:
    """The fall from the highest value of the week or of the last two days, if it is one."""
    if RELATIVE_RISE * latest.value <= week.value + _ROUNDING:
        return CreatinineTrend("falling", "relative", week, latest)
    if two_days and two_days.value - latest.value >= ABSOLUTE_RISE_MG_DL - _ROUNDING:
        return CreatinineTrend("falling", "absolute", two_days, latest)
    return None


def _stage(earlier: Measurement, later: Measurement) -> Literal[1, 2, 3]:
    ratio = later.value / earlier.value
    if ratio >= 3.0 - _ROUNDING or later.value >= 4.0:
        return 3
    return 2 if ratio >= 2.0 - _ROUNDING else 1
