"""When each record of a subject happens, and from when its covariates hold.

NONMEM works through records in their order, also at one instant: a level that stands after a bolus of the
same time sees it, and so does one at the time of an additional dose (ADDL). Where order matters, a later
record is put ``MOMENT`` after the earlier one, which no assay notices.

Covariates (and the occasion) hold

- ``last_observation_carried_forward``: from their record on, until the next record;
- ``next_observation_carried_backward``: from the record before up to and with their own record. So does
  NONMEM, which advances to a record with that record's parameters.

Either way a record's own dose (bioavailability, lag) and level see the record's own covariates.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from dosing_core.evaluation.records import DoseRecord, Event, Reset, Sample

BACKWARD = "next_observation_carried_backward"
MOMENT = 1e-9
"""h; four microseconds. A rate of 10 per hour changes a concentration by a part in a hundred million."""
DAY = 24.0


@dataclass(frozen=True)
class Timeline:
    """A subject's records on one clock that never runs back, in h."""

    time: tuple[float, ...]
    """Of each record."""
    row_time: tuple[float, ...]
    """Start of each row; the first is ``-inf``."""
    row_record: tuple[int, ...]
    """A record that has the row's covariates."""
    begins: tuple[int, ...]
    """Records at which everything before is wiped out; the first record is one."""


def wipes_out(event: Event) -> bool:
    """True for a record from which on nothing of what was before is there."""
    return isinstance(event, Reset) or (
        isinstance(event, DoseRecord) and (event.resets or event.steady_state == 1)
    )


def timeline(
    events: Sequence[Event], covariates: Sequence[Hashable], hours: float, interpolation: str
) -> Timeline:
    """``covariates`` are what each record's row depends on; ``hours`` are in the dataset's unit of time.

    A clock that starts anew at a reset goes on by whole days.
    """
    time: list[float] = []
    row_time, row_record = [-math.inf], [0]
    begins = [0]
    offset = 0.0
    for k, event in enumerate(events):
        at = event.time * hours + offset
        begin = wipes_out(event)
        changed = k > 0 and covariates[k] != covariates[k - 1]
        if k > 0:
            before = time[-1]
            if begin:
                begins.append(k)
                if event.time < events[k - 1].time:
                    days = math.ceil((before - at) / DAY)
                    offset, at = offset + DAY * days, at + DAY * days
            after = before + max(MOMENT, 8.0 * math.ulp(before))
            if begin or changed or (isinstance(event, Sample) and _jumps(events[k - 1], event)):
                at = max(at, after)
            else:
                at = max(at, before)
            if isinstance(event, Sample) and _on_additional(events[begins[-1] : k], event):
                at += max(MOMENT, 8.0 * math.ulp(at))
            if changed:
                row_time.append(after if interpolation == BACKWARD else at)
                row_record.append(k)
        time.append(at)
    return Timeline(tuple(time), tuple(row_time), tuple(row_record), tuple(begins))


def _on_additional(earlier: Sequence[Event], sample: Sample) -> bool:
    """True where a sample falls on an additional dose that enters at once."""
    for dose in earlier:
        if isinstance(dose, DoseRecord) and dose.additional and dose.rate == 0:
            steps = (sample.time - dose.time) / dose.interval
            if 1 <= round(steps) <= dose.additional and math.isclose(steps, round(steps), rel_tol=1e-12):
                return True
    return False


def _jumps(event: Event, sample: Sample) -> bool:
    """True where a dose that enters at once stands just before a sample of the same time."""
    return isinstance(event, DoseRecord) and event.rate == 0 and event.time == sample.time
