"""Doses as arrays: what was given, and what a regimen would give.

Times are hours from the case's ``now`` (the past is negative), amounts mg, lengths of infusion h.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from dosing_core.case import Dose, Regimen
from dosing_core.population.individual import FloatArray


@dataclass(frozen=True, eq=False)
class DoseTable:
    """Doses in order of time, one entry of each array a dose."""

    time: FloatArray
    """h, when the dose is swallowed or its infusion starts."""
    amount: FloatArray
    """mg."""
    duration: FloatArray
    """h; 0 for a bolus or an oral dose."""
    depot: NDArray[np.bool_]
    """True if the dose is swallowed, so goes through the depot; then ``duration`` is not read."""

    def __len__(self) -> int:
        return len(self.time)

    def joined(self, other: DoseTable) -> DoseTable:
        """Both tables' doses, in order of time."""
        time = np.concatenate([self.time, other.time])
        order = np.argsort(time, kind="stable")
        return DoseTable(
            time=time[order],
            amount=np.concatenate([self.amount, other.amount])[order],
            duration=np.concatenate([self.duration, other.duration])[order],
            depot=np.concatenate([self.depot, other.depot])[order],
        )

    def before(self, time: float) -> DoseTable:
        """The doses that start before ``time`` (h)."""
        kept = self.time < time
        return DoseTable(self.time[kept], self.amount[kept], self.duration[kept], self.depot[kept])


def no_doses() -> DoseTable:
    """A table without doses."""
    return DoseTable(np.empty(0), np.empty(0), np.empty(0), np.empty(0, dtype=np.bool_))


def hours(time: datetime, now: datetime) -> float:
    """Hours from ``now`` to ``time``, negative if it is past."""
    return (time - now).total_seconds() / 3600.0


def dose_table(doses: Sequence[Dose], now: datetime) -> DoseTable:
    """The recorded doses as arrays, sorted by time."""
    ordered = sorted(doses, key=lambda dose: dose.time)
    return DoseTable(
        time=np.array([hours(dose.time, now) for dose in ordered], dtype=np.float64),
        amount=np.array([dose.amount_mg for dose in ordered], dtype=np.float64),
        duration=np.array([dose.duration_h for dose in ordered], dtype=np.float64),
        depot=np.array([dose.route != "iv" for dose in ordered], dtype=np.bool_),
    )


def train(
    regimen: Regimen,
    first_h: float,
    count: int,
    loading_mg: float | None = None,
    loading_duration_h: float | None = None,
) -> DoseTable:
    """``count`` doses of ``regimen``, the first at ``first_h``.

    A loading dose takes the place of the first dose: ``loading_mg`` over ``loading_duration_h`` (the
    regimen's own duration if that is None). Maintenance follows one interval after it.
    """
    amount = np.full(count, regimen.dose_mg)
    duration = np.full(count, regimen.duration_h)
    if loading_mg is not None and count > 0:
        amount[0] = loading_mg
        if loading_duration_h is not None:
            duration[0] = loading_duration_h
    return DoseTable(
        time=first_h + regimen.interval_h * np.arange(count, dtype=np.float64),
        amount=amount,
        duration=duration,
        depot=np.full(count, regimen.route != "iv"),
    )
