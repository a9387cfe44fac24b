"""The chances of being inside, above and below the target, with the error of computing them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dosing_core.population.individual import FloatArray
from dosing_core.recommendation import Chance, Target


@dataclass(frozen=True)
class Attainment:
    """Chances that sum to one."""

    inside: Chance
    above: Chance
    below: Chance


def attainment(exposures: FloatArray, target: Target, effective: float) -> tuple[Attainment, ...]:
    """Chances of each regimen over equally likely particles; ``exposures`` [n_regimens, n].

    ``effective`` is the effective number of independent particles (at most n); the standard error is that of
    a share of so many, √(p(1 − p) / effective). Both limits belong to the target.
    """
    count = max(1.0, min(float(exposures.shape[1]), effective))
    above = np.mean(exposures > target.high, axis=1)
    below = np.mean(exposures < target.low, axis=1)
    inside = np.maximum(1.0 - above - below, 0.0)
    return tuple(
        Attainment(_chance(i, count), _chance(a, count), _chance(b, count))
        for i, a, b in zip(inside.tolist(), above.tolist(), below.tolist(), strict=True)
    )


def _chance(value: float, count: float) -> Chance:
    return Chance(value=value, standard_error=math.sqrt(value * (1.0 - value) / count))
