"""What treatment is running, and when its next dose is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from dosing_core.case import Case, Dose, Regimen
from dosing_core.library.products import Induction

HOUR = timedelta(hours=1)
RUNNING_H, RUNNING_INTERVALS = 72.0, 1.5
"""A treatment whose last dose is older than so many hours and so many of the longest usual intervals has
stopped, unless the order says that it runs. Project policy: the longest interval of drugs given by the hour
is 48 h, and a dose may be late by half an interval."""
SNAP = 0.25
"""Gaps within this fraction of a usual interval are that interval: doses are not given to the minute. Project
policy."""
ORDERED_AHEAD_H = 48.0
"""An order of a running treatment that starts later than this or than the longest usual interval says nothing
about the dose that is due now, and what is known today may not hold for any. Project policy."""


OFF_SCHEDULE_H = 96.0
"""A first dose this far from its planned day still follows the plan. Project policy: infusions two and four
weeks apart are moved by some days, never by half of that."""


@dataclass(frozen=True)
class Timing:
    """The running treatment, if there is one, and the first dose that this answer decides on."""

    running: bool
    present: Regimen | None
    """What the patient is on, from the doses as given; None if nothing runs or nothing is on record."""
    first_dose_at: datetime
    first_h: float
    """h from now to it."""
    starts_h: float = 0.0
    """h from now to the start that the order names; 0 if it names none or one that is past."""

    ahead_h: float = ORDERED_AHEAD_H
    """h that an order may lie ahead."""
    beginning: bool = False
    """True while the first doses of a treatment, which have times of their own, are not all given."""

    @property
    def far_ahead(self) -> bool:
        """True if the order starts so late that today's facts may not hold then."""
        return self.starts_h > self.ahead_h


def still_running_h(usual_intervals_h: Sequence[float]) -> float:
    """h since its last dose for which a treatment still counts as running."""
    return max(RUNNING_H, RUNNING_INTERVALS * max(usual_intervals_h))


def timing(
    case: Case, doses: Sequence[Dose], usual_intervals_h: Sequence[float], induction: Induction | None = None
) -> Timing:
    """Read the treatment from past doses (usable ones, in order of time) and the order.

    The next dose is due one present interval after the last one, or when ``induction`` has it, never before;
    at once if nothing runs or the dose is overdue. A later start that the order names is respected, unless a
    treatment goes on until then.
    """
    last = doses[-1] if doses else None
    recent = last is not None and (case.now - last.time) / HOUR <= still_running_h(usual_intervals_h)
    running = case.order.running or recent
    present = None
    due = case.now
    if running and last is not None:
        interval = present_interval(doses, case.order.regimen, usual_intervals_h)
        present = Regimen(
            dose_mg=last.amount_mg, interval_h=interval, route=last.route, duration_h=last.duration_h
        )
        due = max(due, last.time + (_until_next(doses, induction, case.order.regimen) or interval) * HOUR)
    elif running:
        present = case.order.regimen
    start = case.order.start or case.now
    starts_h = max((start - case.now) / HOUR, 0.0)
    ahead_h = max(ORDERED_AHEAD_H, *usual_intervals_h)
    if starts_h <= ahead_h or not running:
        due = max(due, start)
    beginning = not running or (
        induction is not None
        and len(doses) < len(induction.starts)
        and _until_next(doses, induction, case.order.regimen) is not None
    )
    return Timing(running, present, due, (due - case.now) / HOUR, starts_h, ahead_h, beginning)


def _until_next(doses: Sequence[Dose], induction: Induction | None, ordered: Regimen | None) -> float | None:
    """Hours from the last dose to the next one by the schedule of a treatment's first doses; None if that is
    over or these doses do not follow it.

    Of a treatment of which the record may hold only the end, the gaps tell: they must be those of the
    schedule from its first dose on.
    """
    if induction is None or not 1 <= len(doses) <= len(induction.starts):
        return None
    given = [(dose.time - doses[0].time) / HOUR for dose in doses]
    planned = induction.starts[: len(given)]
    off = (abs(one - wanted) for one, wanted in zip(given, planned, strict=True))
    if max(off) > OFF_SCHEDULE_H:
        return None
    if len(given) < len(induction.starts):
        return induction.starts[len(given)] - given[-1]
    return induction.pause_h or (ordered.interval_h if ordered else None)


def present_interval(
    doses: Sequence[Dose], ordered: Regimen | None, usual_intervals_h: Sequence[float]
) -> float:
    """Hours between doses as they are given: the median of the last gaps, at a usual interval if near one.

    With a single dose on record, the interval as ordered, else the preferred one.
    """
    recent = doses[-6:]
    gaps = [
        (later.time - earlier.time) / HOUR for earlier, later in pairwise(recent) if later.time > earlier.time
    ]
    if not gaps:
        return ordered.interval_h if ordered else usual_intervals_h[0]
    gap = median(gaps)
    nearest = min(usual_intervals_h, key=lambda usual: abs(usual - gap))
    return nearest if abs(nearest - gap) <= SNAP * nearest else gap
