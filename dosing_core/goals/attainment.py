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

    inside: float
    above: float
    below: float


def attainment(exposures: FloatArray, target: Target) -> tuple[Attainment, ...]:
    """Chances of each regimen over equally likely particles; ``exposures`` [n_regimens, n].

    Both limits belong to the target.
    """
    above = np.mean(exposures > target.high, axis=1)
    below = np.mean(exposures < target.low, axis=1)
    inside = np.maximum(1.0 - above - below, 0.0)
    return tuple(
        Attainment(*chances) for chances in zip(inside.tolist(), above.tolist(), below.tolist(), strict=True)
    )


def with_error(probability: float, effective: float) -> Chance:
    """The probability with its Monte-Carlo standard error: that of a share of ``effective`` particles."""
    return Chance(
        value=probability, standard_error=math.sqrt(probability * (1.0 - probability) / max(effective, 1.0))
    )
