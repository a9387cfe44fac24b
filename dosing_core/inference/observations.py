"""Measured levels, and how likely they are under a predicted concentration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from dosing_core.case import Level
from dosing_core.kinetics.history import hours
from dosing_core.population.individual import FloatArray, ResidualError

LEAST_ERROR = 1e-3
"""Project policy: no level is believed more exactly than to 0.1 % of itself, finer than any assay. It only
acts where a proportional error would vanish with the prediction, and keeps the likelihood finite there."""


@dataclass(frozen=True, eq=False)
class Observations:
    """Levels as arrays."""

    time: FloatArray
    """[n_levels] h from now."""
    value: FloatArray
    """[n_levels] mg/L, positive."""

    def __len__(self) -> int:
        return len(self.time)

    def without(self, index: int) -> Observations:
        """All levels but the one at ``index``."""
        return Observations(np.delete(self.time, index), np.delete(self.value, index))


def observations(levels: Sequence[Level], now: datetime) -> Observations:
    """The levels of a case, in their order."""
    return Observations(
        time=np.array([hours(level.time, now) for level in levels], dtype=np.float64),
        value=np.array([level.value_mg_L for level in levels], dtype=np.float64),
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
