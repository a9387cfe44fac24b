"""When the doses of one instruction fall: at an interval, at hours of the day, on days of the week, or at
single times.

A regular interval is what a dose can be judged by. What is not regular but says plainly when doses fall is
understood too: not to judge an order, but to know which doses it has asked for. What says neither is a
problem, never an approximation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from decimal import Decimal
from functools import cache
from itertools import islice, pairwise, takewhile
from typing import Any

from fhir_adapters.elements import codings, member, moment, number, text, wordings
from fhir_adapters.terminology.tables import table
from fhir_adapters.terminology.units import as_written, quantity, unit
from fhir_adapters.terminology.words import folded

_SHORTEST, _LONGEST = Decimal("0.5"), Decimal(24 * 366)
"""Hours between doses; outside it is a fault or no dosing (project policy)."""
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_UNEVEN = 120
"""Minutes by which the gaps between listed times of day may differ (project policy: ward rounds)."""
MOST_INSTANTS = 5000
"""Doses that one instruction is followed for: more than two years of six a day. Project policy."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Timetable:
    """When doses fall, as far as it is understood."""

    interval_h: Decimal | None = None
    """Hours between doses where they are evenly spaced."""
    clocks: tuple[time, ...] = ()
    """Times of day, ascending, of doses that are given at these."""
    weekdays: frozenset[int] = frozenset()
    """Days of the week with a dose, Monday 0; empty: every day."""
    events: tuple[datetime, ...] = ()
    """Single instants, ascending."""
    count: int | None = None
    """So many doses and no more."""
    start: datetime | None = None
    end: datetime | None = None
    length: timedelta | None = None
    """How long it lasts from its start, where no end is written."""
    vague: bool = False
    """True if it begins or ends on a day of which the hour is not written."""
    problems: tuple[str, ...] = ()
    """Why nothing is understood of when doses fall."""
    irregular: str = ""
    """Why there is no even interval, where it is known all the same when doses fall."""

    @property
    def once(self) -> bool:
        """A single dose."""
        return self.count == 1

    def until(self, start: datetime) -> datetime | None:
        """When an instruction that begins at ``start`` ends by its own words; None if it does not say."""
        if self.end is not None:
            return self.end
        if self.length is not None:
            return start + self.length
        if self.count is not None and self.interval_h is not None:
            return start + self.count * timedelta(hours=float(self.interval_h))
        return None

    def instants(self, start: datetime, last: datetime, zone: tzinfo) -> tuple[datetime, ...]:
        """When doses fell from ``start`` to ``last``, both included, in order. Hours of the day are of
        ``zone``."""
        ends = self.until(start)
        fallen = (
            one
            for one in takewhile(lambda one: one <= last, self._from(start, last, zone))
            if start <= one and (ends is None or one < ends or one in (start, self.end))
        )
        most = MOST_INSTANTS if self.count is None else min(MOST_INSTANTS, self.count)
        return tuple(islice(fallen, most))

    def _from(self, start: datetime, last: datetime, zone: tzinfo) -> Iterator[datetime]:
        if self.events:
            yield from self.events
        elif self.once:
            yield start
        elif self.clocks or self.weekdays:
            yield from self._by_day(start, last, zone)
        elif self.interval_h is not None:
            step = timedelta(hours=float(self.interval_h))
            for place in range(MOST_INSTANTS):
                yield start + place * step

    def _by_day(self, start: datetime, last: datetime, zone: tzinfo) -> Iterator[datetime]:
        """By the local clock, so that a dose at eight stays at eight when the clocks change."""
        first = start.astimezone(zone)
        clocks = self.clocks or (first.time().replace(tzinfo=None),)
        for place in range((last - start).days + 2):
            day = first.date() + timedelta(days=place)
            if not self.weekdays or day.weekday() in self.weekdays:
                yield from (datetime.combine(day, clock, zone) for clock in clocks)


def read_timing(timing: Any) -> Timetable:
    """Read a FHIR Timing; absent parts are no problem as long as the rest says when doses fall."""
    repeat: Any = member(timing, "repeat")
    start, end, length, vague, problem = _bounds(repeat)
    events = _events(timing)
    count, counted = number(member(repeat, "count")), member(repeat, "countMax") is None
    shared: dict[str, Any] = {
        "start": start,
        "end": end,
        "length": length,
        "vague": vague,
        "count": int(count) if count is not None and counted and 0 < count == int(count) else None,
    }
    problems: list[str] = [problem] if problem else []
    if events:
        return Timetable(
            events=events,
            **shared,
            problems=tuple(problems),
            irregular="it lists single times instead of an interval",
        )
    if shared["count"] == 1:
        return Timetable(**shared, problems=tuple(problems))
    for name in ("frequencyMax", "periodMax", "countMax"):
        if member(repeat, name) not in (None, [], 0):
            return Timetable(**shared, problems=(*problems, "the interval is a range"))
    weekdays, odd_days = _weekdays(repeat)
    if odd_days:
        return Timetable(**shared, problems=(*problems, "the days of the week are not understood"))
    clocks = _clocks(repeat)
    repeated = _repeated(repeat, problems)
    coded = _coded(member(timing, "code"))
    if problems:
        return Timetable(**shared, problems=tuple(problems))
    if weekdays:
        return _on_days(repeat, weekdays, clocks, shared)
    if repeated is not None and coded is not None and repeated != coded:
        said = f"its timing says both every {as_written(repeated)} h and every {as_written(coded)} h"
        return Timetable(**shared, problems=(said,))
    interval = repeated if repeated is not None else coded
    if interval is None and clocks:
        interval = Decimal(24) / len(clocks)
    if interval is None and (meals := _words_of_day(repeat)):
        interval = Decimal(24) / meals
    if interval is None:
        return Timetable(**shared, problems=("no interval between doses is written",))
    if clocks and not _even(clocks, interval):
        fits = interval * len(clocks) == 24
        said = "its times of day do not fit a regular interval"
        if not fits:
            return Timetable(**shared, problems=(said,))
        return Timetable(clocks=clocks, **shared, irregular=said)
    if _words_of_day(repeat) > 1 and interval * _words_of_day(repeat) != 24:
        return Timetable(**shared, problems=("its times of day do not fit a regular interval",))
    daily = clocks if interval * len(clocks) == 24 else ()
    return Timetable(interval_h=interval, clocks=daily, **shared)


def _bounds(repeat: Any) -> tuple[datetime | None, datetime | None, timedelta | None, bool, str]:
    """Start, end and length of the instruction, whether an hour is missing, and what is not understood."""
    period = member(repeat, "boundsPeriod")
    start, end = moment(member(period, "start")), moment(member(period, "end"))
    length: timedelta | None = None
    problem = ""
    if (written := member(repeat, "boundsDuration")) is not None:
        read = quantity(written)
        seconds = read.in_dimension("time") if read else None
        if seconds is None or seconds <= 0 or (read is not None and read.comparator):
            problem = "how long it is to be given is not understood"
        else:
            length = timedelta(seconds=float(seconds))
    elif member(repeat, "boundsRange") is not None:
        problem = "how long it is to be given is a range"
    return (
        start.instant if start and start.exact else None,
        end.instant if end and end.exact else None,
        length,
        any(one is not None and not one.exact for one in (start, end)),
        problem,
    )


def _events(timing: Any) -> tuple[datetime, ...]:
    listed = member(timing, "event")
    read = [moment(one) for one in listed] if isinstance(listed, list) else [moment(listed)] if listed else []
    if not read or not all(one and one.exact for one in read):
        return ()
    return tuple(sorted({one.instant for one in read if one is not None}))


def _weekdays(repeat: Any) -> tuple[frozenset[int], bool]:
    """Days of the week, and whether something else is written in their place."""
    listed = member(repeat, "dayOfWeek")
    if listed in (None, []):
        return frozenset(), False
    words = [listed] if isinstance(listed, str) else listed if isinstance(listed, list) else [None]
    known = [DAYS.index(one) for one in words if one in DAYS]
    return frozenset(known), len(known) != len(words)


def _clocks(repeat: Any) -> tuple[time, ...]:
    """Times of day, ascending; empty if one of them is not understood, which ``_repeated`` says."""
    listed = member(repeat, "timeOfDay")
    listed = [listed] if isinstance(listed, str) else listed if isinstance(listed, list) else []
    found = [_CLOCK.match(one) if isinstance(one, str) else None for one in listed]
    return tuple(sorted({time(int(one[1]), int(one[2])) for one in found if one})) if all(found) else ()


def _on_days(
    repeat: Any, weekdays: frozenset[int], clocks: tuple[time, ...], shared: dict[str, Any]
) -> Timetable:
    """Doses on days of the week, at the listed times or once on each day."""
    said = "the interval between doses is not regular"
    often, period = number(member(repeat, "frequency") or 1), number(member(repeat, "period") or 1)
    measure = unit(text(member(repeat, "periodUnit")) or "d")
    seconds = period * measure.factor if period and measure and measure.dimension == "time" else None
    weekly = seconds == 7 * 86400 and often is not None
    a_day = seconds == 86400 and often is not None
    per_day = len(clocks) or 1
    if not (weekly and often in (1, len(weekdays) * per_day)) and not (a_day and often == per_day):
        return Timetable(**shared, problems=(said,))
    if len(weekdays) == 7 and _even(clocks, Decimal(24) / per_day):
        return Timetable(interval_h=Decimal(24) / per_day, clocks=clocks, **shared)
    if len(weekdays) == 1 and per_day == 1:
        return Timetable(interval_h=Decimal(168), clocks=clocks, weekdays=weekdays, **shared)
    return Timetable(clocks=clocks, weekdays=weekdays, **shared, irregular=said)


def _repeated(repeat: Any, problems: list[str]) -> Decimal | None:
    """Hours between doses from frequency and period; None if no period is written."""
    period, frequency = number(member(repeat, "period")), member(repeat, "frequency")
    often = number(1 if frequency is None else frequency)
    measure = unit(text(member(repeat, "periodUnit")) or "")
    listed = member(repeat, "timeOfDay")
    if isinstance(listed, list) and listed and not _clocks(repeat):
        problems.append("its times of day are not understood")
        return None
    if period is None:
        return None
    if measure is None or measure.dimension != "time" or often is None or often <= 0 or period <= 0:
        problems.append("the interval between doses is not understood")
        return None
    for name in ("timeOfDay", "when"):
        several = member(repeat, name)
        if isinstance(several, list) and len(several) > 1 and len(several) != often:
            if member(repeat, "dayOfWeek") not in (None, []):
                continue
            problems.append("its times of day do not fit a regular interval")
            return None
    interval = period * measure.factor / 3600 / often
    if not _SHORTEST <= interval <= _LONGEST:
        problems.append("the interval between doses is not understood")
        return None
    return interval


def _words_of_day(repeat: Any) -> int:
    """How many times of day are written in words (morning, bedtime, with meals); what o'clock they are is
    the ward's."""
    listed = member(repeat, "when")
    if isinstance(listed, str):
        return 1
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        return 0
    three_meals = sum(3 if one in ("C", "AC", "PC") else 1 for one in listed)
    return three_meals if len(listed) == 1 else len(listed)


def _even(clocks: tuple[time, ...], interval: Decimal) -> bool:
    """Whether times of day are about as far apart as the interval says."""
    if len(clocks) < 2:
        return True
    minutes = [one.hour * 60 + one.minute for one in clocks]
    gaps = [after - before for before, after in pairwise([*minutes, minutes[0] + 1440])]
    return max(gaps) - min(gaps) <= _UNEVEN and interval * len(clocks) == 24


@cache
def _spelt() -> Mapping[str, Decimal]:
    timings = table("timings")
    built = {
        spelling.format(hours): Decimal(hours)
        for hours in timings["every"]
        for spelling in (
            "q{}h",
            "every {} h",
            "every {} hr",
            "every {} hrs",
            "every {} hours",
            "every {} hour",
        )
    }
    return built | {word: Decimal(hours) for word, hours in timings["texts"].items()}


def frequencies() -> tuple[str, ...]:
    """Every way of writing in words how often a dose is given, lower case."""
    return tuple(_spelt())


def _coded(code: Any) -> Decimal | None:
    """Hours between doses from the timing's code or its words; None if they are not understood or several."""
    timings = table("timings")
    found = {
        Decimal(timings["codes"][c.code])
        for c in codings(code)
        if c.system == timings["system"] and c.code in timings["codes"]
    }
    if not found:
        found = {_spelt()[folded(said)] for said in wordings(code) if folded(said) in _spelt()} | {
            Decimal(timings["codes"][said.strip()])
            for said in wordings(code)
            if said.strip() in timings["codes"]
        }
    return found.pop() if len(found) == 1 else None
