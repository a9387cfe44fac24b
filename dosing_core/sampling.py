"""When to draw the next level: rules of the drug file, set against the doses that are coming.

A trough, half an hour before a dose, is easy to time and to read. So the advised level is the first trough
that falls into the window after the start or the change; it never comes later than the window's end.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from dosing_core import phrases
from dosing_core.case import Regimen
from dosing_core.library.schema import DrugFile
from dosing_core.recommendation import NextLevel

HOUR = timedelta(hours=1)
_ROUNDING = 1e-9


def after_change(
    drug_file: DrugFile, regimen: Regimen, first_dose_at: datetime, now: datetime, why: str
) -> NextLevel:
    """The level after a start or a change of dose, and the latest time at which it still helps in time."""
    rule = drug_file.sampling
    earliest = first_dose_at + rule.after_start.low * HOUR
    latest = max(first_dose_at + rule.after_start.high * HOUR, now)
    time = _trough_from(first_dose_at, regimen.interval_h, earliest, rule.before_dose_h.value)
    return NextLevel(time=max(min(time, latest), now), latest=latest, reason=f"{why} {rule.advice}".strip())


def while_unmeasured(
    drug_file: DrugFile, interval_h: float, started: datetime, next_dose_at: datetime, now: datetime
) -> NextLevel:
    """The first level of a treatment that runs without a usable one: the first trough in the window after its
    start, and if that has passed, the next one."""
    rule = drug_file.sampling
    earliest, before = started + rule.after_start.low * HOUR, rule.before_dose_h.value * HOUR
    waits = max(0, math.ceil((earliest - next_dose_at) / HOUR / interval_h - _ROUNDING))
    time = max(next_dose_at + waits * interval_h * HOUR - before, now)
    latest = max(started + rule.after_start.high * HOUR, time)
    return NextLevel(time=time, latest=latest, reason=f"No level speaks yet. {rule.advice}".strip())


def while_stable(drug_file: DrugFile, regimen: Regimen, next_dose_at: datetime, now: datetime) -> NextLevel:
    """The next level of a treatment that fits and goes on."""
    rule = drug_file.sampling
    earliest = now + (rule.when_stable.value - 24.0) * HOUR
    often = phrases.every(24.0 * round(rule.when_stable.value / 24.0))
    time = _trough_from(next_dose_at, regimen.interval_h, earliest, rule.before_dose_h.value)
    return NextLevel(
        time=max(time, now),
        reason=f"Exposure fits: a level {often} or so, sooner if {_what_moves(drug_file)} change.",
    )


def _what_moves(drug_file: DrugFile) -> str:
    """What would change exposure before the next routine level."""
    return "kidneys or other drugs" if drug_file.rising_creatinine else "illness, weight or other drugs"


def red_flag(drug_file: DrugFile, next_dose_at: datetime | None, now: datetime) -> NextLevel:
    """The level while a red flag stands: before another dose is given, within a day at the latest."""
    return _before_the_next_dose(
        drug_file, next_dose_at, now, "Before another dose is given, then daily while the red flag stands."
    )


def before_more(drug_file: DrugFile, next_dose_at: datetime, now: datetime) -> NextLevel:
    """The level that says when to go on after one that was far too high."""
    return _before_the_next_dose(
        drug_file, next_dose_at, now, "Before another dose is given: it says when to go on."
    )


def in_place_of_flagged(drug_file: DrugFile, next_dose_at: datetime, now: datetime) -> NextLevel:
    """The level that shows whether a flagged one was real: the next trough, within a day at the latest."""
    return _before_the_next_dose(
        drug_file, next_dose_at, now, "To replace the level that was left out; chart its true time."
    )


def _before_the_next_dose(
    drug_file: DrugFile, next_dose_at: datetime | None, now: datetime, reason: str
) -> NextLevel:
    rule = drug_file.sampling
    latest = now + rule.red_flag_within_h.value * HOUR
    time = now
    if next_dose_at is not None:
        time = min(max(next_dose_at - rule.before_dose_h.value * HOUR, now), latest)
    return NextLevel(time=time, latest=latest, reason=reason)


def _trough_from(
    first_dose_at: datetime, interval_h: float, earliest: datetime, before_dose_h: float
) -> datetime:
    """The first trough at or after ``earliest`` that follows a dose, less the time to draw it.

    A trough that would be due just before ``earliest`` counts: half an hour decides nothing.
    """
    doses = max(1, math.ceil((earliest - first_dose_at) / HOUR / interval_h - _ROUNDING))
    return first_dose_at + (doses * interval_h - before_dose_h) * HOUR
