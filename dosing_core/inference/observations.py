"""Measured levels, and how likely they are under a predicted concentration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from dosing_core.case import Level
from dosing_core.kinetics.history import hours
from dosing_core.population.individual import FloatArray, IntArray, ResidualError

LEAST_ERROR = 1e-3
"""Project policy: no level is believed more exactly than to 0.1 % of itself, finer than any assay. It only
acts where a proportional error would vanish with the prediction, and keeps the likelihood finite there."""


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

    def __post_init__(self) -> None:
        n = len(self.time)
        for name, fill in (("output", np.zeros(n, np.int64)), ("limit", np.zeros(n, np.int64))):
            if len(getattr(self, name)) == 0:
                object.__setattr__(self, name, fill)
        if len(self.weight) == 0:
            object.__setattr__(self, "weight", np.ones(n))

    def __len__(self) -> int:
        return len(self.time)

    def only(self, indices: Sequence[int]) -> Observations:
        """The levels at ``indices``, in that order."""
        at = np.array(indices, dtype=np.int64)
        return Observations(self.time[at], self.value[at], self.output[at], self.limit[at], self.weight[at])

    def without(self, index: int) -> Observations:
        """All levels but the one at ``index``."""
        return self.only([i for i in range(len(self)) if i != index])


_LIMITS = {"exact": EXACT, "below": BELOW, "above": ABOVE}


def observations(levels: Sequence[Level], now: datetime) -> Observations:
    """The levels of a case, in their order."""
    return Observations(
        time=np.array([hours(level.time, now) for level in levels], dtype=np.float64),
        value=np.array([level.value_mg_L for level in levels], dtype=np.float64),
        limit=np.array([_LIMITS[level.limit] for level in levels], dtype=np.int64),
    )


def variance(residual: ResidualError, predicted: FloatArray, observed: FloatArray) -> FloatArray:
    """Variance of a level, (mg/L)²: additive and proportional error are independent."""
    combined = residual.additive**2 + (residual.proportional * predicted) ** 2
    return np.maximum(combined, (LEAST_ERROR * observed) ** 2)


def log_likelihood(residual: ResidualError, predicted: FloatArray, observed: FloatArray) -> FloatArray:
    """Log density of each level under a normal residual error; shapes broadcast to ``predicted``."""
    v = variance(residual, predicted, observed)
    density: FloatArray = -0.5 * ((observed - predicted) ** 2 / v + np.log(2.0 * np.pi * v))
    return density
