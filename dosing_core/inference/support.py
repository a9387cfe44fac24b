"""The posterior of a prior of finitely many points: the same points, weighed by what they say of the levels.

Bayes' theorem is then a sum, without any approximation (Jelliffe et al., Ther Drug Monit 1998;20:346). Where
the levels leave only few points standing, the answer would claim to know the patient exactly; then each point
becomes a small cloud, and the method says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dosing_core.inference.prior import densified
from dosing_core.inference.summaries import effective_sample_size
from dosing_core.population.individual import FloatArray, SupportPoints

LEAST_POINTS = 20.0
"""Project policy: with fewer effective points, 5 % of the weight is less than one point."""
POINTS, CLOUDS = "support points", "support points, densified"


class Weighed(NamedTuple):
    """Points and what the levels make of them."""

    method: str
    eta: FloatArray
    """[n, d]."""
    weight: FloatArray
    """[n], sum 1."""
    levels: FloatArray
    """[n, n_levels] log density of each level."""
    log_evidence: float
    effective: float


def weighed(
    support: SupportPoints, lower: FloatArray, levels: Callable[[FloatArray], FloatArray], count: int
) -> Weighed:
    """``levels``: random effects [n, d] to the log density of each of ``count`` levels."""
    found = _by(POINTS, support, levels)
    if count == 0 or found.effective >= min(LEAST_POINTS, 0.5 * len(support.probability)):
        return found
    return _by(CLOUDS, densified(support, lower), levels)


def _by(method: str, support: SupportPoints, levels: Callable[[FloatArray], FloatArray]) -> Weighed:
    eta = np.ascontiguousarray(support.eta)
    each = levels(eta)
    with np.errstate(divide="ignore"):
        log_weight = np.log(support.probability) + each.sum(axis=1)
    top = float(log_weight.max())
    weight = np.exp(log_weight - top)
    total = float(weight.sum())
    weight /= total
    return Weighed(method, eta, weight, each, top + math.log(total), effective_sample_size(weight))
