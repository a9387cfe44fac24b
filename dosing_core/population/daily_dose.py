"""How much of the drug itself a day, for models whose clearance depends on it (autoinduction, saturation).

The past is told by the doses as given, in blocks of three days; the future by the order. The model's
clearance is that of this daily dose also for other regimens that are compared: a limit that the answer names.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from dosing_core.case import Case

BLOCK = timedelta(hours=72)
"""Project policy: long enough that doses at uneven hours do not move the mean, short against induction."""
SAME = 0.03
"""Project policy: blocks that differ by less are one, as doses are not given to the minute."""
_DAY = timedelta(hours=24)


def blocks(case: Case) -> list[tuple[datetime, float]]:
    """(start, mg/day) of the doses up to ``case.now``; empty with doses at fewer than two instants."""
    doses = [dose for dose in case.doses if dose.time <= case.now]
    if not doses:
        return []
    starts: list[int] = []
    for place, dose in enumerate(doses):
        if not starts or dose.time - doses[starts[-1]].time >= BLOCK:
            starts.append(place)
    found: list[tuple[datetime, float]] = []
    for start, stop in zip(starts, [*starts[1:], len(doses) - 1], strict=True):
        span = doses[stop].time - doses[start].time
        if span <= timedelta(0):
            continue  # a last dose alone closes the block before it
        amount = sum(dose.amount_mg for dose in doses[start:stop]) * (_DAY / span)
        if not found or abs(amount / found[-1][1] - 1.0) > SAME:
            found.append((doses[start].time, amount))
    return found


def daily_dose_at(case: Case, time: datetime, *, as_given: bool = False) -> float | None:
    """mg/day at an instant: as given before ``case.now``, as ordered from then on; each stands in for the
    other where it is not on record. None if neither is. ``as_given``: what was given lately goes on, whatever
    is ordered."""
    given = blocks(case)
    ordered = case.order.regimen.daily_dose_mg if case.order.regimen else None
    if time >= case.now and ordered is not None and not (as_given and given):
        return ordered
    if not given:
        return ordered
    past = [amount for start, amount in given if start <= time]
    return past[-1] if past else given[0][1]


def changes(case: Case) -> set[datetime]:
    """Instants at which the daily dose changes."""
    return {start for start, _ in blocks(case)[1:]} | {case.now}
