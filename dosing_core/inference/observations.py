"""Measured levels as inference takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from dosing_core.case import Level
from dosing_core.errors import InvalidObservation
from dosing_core.kinetics.history import hours
from dosing_core.population.individual import FloatArray, IntArray

EXACT, BELOW, ABOVE = 0, -1, 1
"""What a level says of the true measurement: it is the value, or it is below or above it."""


@dataclass(frozen=True, eq=False)
class Observations:
    """Levels as arrays. What is left out is: exact values of output 0, which all count in full."""

    time: FloatArray
    """[n_levels] h from now."""
    value: FloatArray
    """[n_levels] in the output's unit (mg/L for a concentration), positive."""
    output: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """[n_levels] which output of the structure was measured."""
    limit: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """[n_levels] ``EXACT``, or the measurement is ``BELOW`` or ``ABOVE`` the value."""
    weight: FloatArray = field(default_factory=lambda: np.empty(0))
    """[n_levels] power to which a level's likelihood is raised: 1 in full, 0 not at all."""
    error: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """[n_levels] place in ``Individual.residuals`` of the error of each; left out: that of its output."""

    def __post_init__(self) -> None:
        """Fill in what was left out. Raises ``InvalidObservation`` for what no level can be."""
        n = len(self.time)
        self._fill("time", self.time, np.float64)
        self._fill("value", self.value, np.float64)
        self._fill("output", self.output if len(self.output) else np.zeros(n), np.int64)
        self._fill("limit", self.limit if len(self.limit) else np.zeros(n), np.int64)
        self._fill("weight", self.weight if len(self.weight) else np.ones(n), np.float64)
        self._fill("error", self.error if len(self.error) else self.output, np.int64)
        if any(len(getattr(self, name)) != n for name in _FIELDS):
            raise InvalidObservation(0, "times, values and the rest are not equally many")
        sound = np.isfinite(self.time) & np.isfinite(self.value) & np.isfinite(self.weight)
        sound &= (self.weight >= 0.0) & (np.abs(self.limit) <= 1) & (self.output >= 0) & (self.error >= 0)
        if not sound.all():
            raise InvalidObservation(int(np.argmin(sound)), "a number of it is not finite or out of range")

    def _fill(self, name: str, values: FloatArray | IntArray, kind: type) -> None:
        object.__setattr__(self, name, np.ascontiguousarray(values, dtype=kind))

    def __len__(self) -> int:
        return len(self.time)

    def only(self, indices: Sequence[int]) -> Observations:
        """The levels at ``indices``, in that order."""
        at = np.array(indices, dtype=np.int64)
        return Observations(
            self.time[at], self.value[at], self.output[at], self.limit[at], self.weight[at], self.error[at]
        )

    def without(self, index: int) -> Observations:
        """All levels but the one at ``index``."""
        return self.only([i for i in range(len(self)) if i != index])

    def joined(self, other: Observations) -> Observations:
        """These levels, then the other ones."""
        pairs = ((getattr(self, name), getattr(other, name)) for name in _FIELDS)
        return Observations(*(np.concatenate(pair) for pair in pairs))


_FIELDS = ("time", "value", "output", "limit", "weight", "error")
_LIMITS = {"exact": EXACT, "below": BELOW, "above": ABOVE}


def observations(levels: Sequence[Level], now: datetime) -> Observations:
    """The levels of a case, in their order."""
    return Observations(
        time=np.array([hours(level.time, now) for level in levels], dtype=np.float64),
        value=np.array([level.value_mg_L for level in levels], dtype=np.float64),
        limit=np.array([_LIMITS[level.limit] for level in levels], dtype=np.int64),
    )
