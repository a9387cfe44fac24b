"""Occasions: stretches of time within which a person's parameters keep their day's form.

Each occasion with effects of its own has a label; rows of an individual split where one starts. Older
occasions and those without a label stand at typical values: they tell least of the present, and each costs
the posterior dimensions.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from dosing_core.population.variability import Occasions

MOST_EFFECTS = 23
"""Most random effects of one person, between people and occasions together: what the stored points serve."""
FUTURE = "future occasion"
"""Label of the occasion that starts now: what the next doses will meet."""
_R = TypeVar("_R")


@dataclass(frozen=True)
class Occasion:
    """From ``start`` (h) until the next one starts. An empty label: no effects of its own."""

    start: float
    label: str


def starts(spec: Occasions, doses: Sequence[float], levels: Sequence[float], midnight: float) -> list[float]:
    """When occasions start, h, each once and in order, by a rule that needs no column of a dataset.

    ``doses`` and ``levels`` are times in h, in order; ``midnight`` is that of any day. What comes before the
    first start belongs to the first occasion.
    """
    if not doses and not levels:
        return []
    match spec.by:
        case "dosing_interval":
            return sorted(set(doses))
        case "day":
            every = [*doses, *levels]
            first = midnight + 24.0 * math.floor((min(every) - midnight) / 24.0)
            days = int((max(every) - first) // 24.0) + 1
            return [first + 24.0 * day for day in range(days)]
    found: list[float] = []
    last = -math.inf
    for level in levels:
        if level - last >= spec.visit_h:
            before = bisect.bisect_left(doses, level)
            start = doses[before - 1] if before else level
            if not found or start > found[-1]:
                found.append(start)
        last = level
    return found


def in_a_case(
    spec: Occasions,
    doses: Sequence[float],
    levels: Sequence[float],
    midnight: float,
    most: int,
) -> tuple[Occasion, ...]:
    """Occasions of a patient, hours from now: the last ``most`` with levels have a label, as has the future.

    ``most`` may be 0; then only the future has effects of its own.
    """
    begun = [start for start in starts(spec, doses, levels, midnight) if start < 0.0]
    # A level at the very start was drawn before the dose that starts it.
    with_levels = sorted({max(bisect.bisect_left(begun, level) - 1, 0) for level in levels if begun})
    own = with_levels[-most:] if most else []
    ranks = {place: rank for rank, place in enumerate(own, 1)}
    past = [
        Occasion(start, f"occasion {ranks[place]}" if place in ranks else "")
        for place, start in enumerate(begun)
    ]
    return (*past, Occasion(0.0, FUTURE))


def split(
    times: Sequence[float], rows: Sequence[_R], occasions: Sequence[Occasion]
) -> tuple[list[float], list[_R], list[str]]:
    """Rows split where an occasion starts: times (the first stays ``-inf``), rows and the label of each.

    Neighbours that are alike in row and label are one.
    """
    marks = sorted({*times, *(occasion.start for occasion in occasions[1:])})
    new_times: list[float] = []
    new_rows: list[_R] = []
    labels: list[str] = []
    begins = [occasion.start for occasion in occasions]
    for mark in marks:
        row = rows[bisect.bisect_right(times, mark) - 1]
        label = occasions[max(bisect.bisect_right(begins, mark) - 1, 0)].label if occasions else ""
        if new_rows and new_rows[-1] == row and labels[-1] == label:
            continue
        new_times.append(mark)
        new_rows.append(row)
        labels.append(label)
    return new_times, new_rows, labels
