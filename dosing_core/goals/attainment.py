"""The chances of being inside, above and below the target, with the error of computing them."""

from __future__ import annotations

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


def attainment(exposure: FloatArray, target: Target, effective: float) -> Attainment:
    """Chances over equally likely particles [n].

    ``effective`` is the effective number of independent particles (at most n); the standard error is that of
    a share of so many, √(p(1 − p) / effective). Both limits belong to the target.
    """
    count = max(1.0, min(float(len(exposure)), effective))
    above = float(np.mean(exposure > target.high))
    below = float(np.mean(exposure < target.low))
    return Attainment(
        inside=_chance(max(0.0, 1.0 - above - below), count),
        above=_chance(above, count),
        below=_chance(below, count),
    )


def _chance(value: float, count: float) -> Chance:
    return Chance(value=value, standard_error=float(np.sqrt(value * (1.0 - value) / count)))
