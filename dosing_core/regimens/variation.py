"""Variation within a patient from occasion to occasion that the model leaves out.

A model without it knows next week's exposure too well. The drug file may give its size; every predicted
exposure then carries an independent log-normal factor with median 1, so that intervals and chances widen and
nothing else moves. It never sharpens what the levels say.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.special import ndtri

from dosing_core.population.individual import FloatArray

GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)
"""Multiples of it, modulo 1, fill the unit interval evenly from the first few on, whatever the order of the
particles."""


@lru_cache(maxsize=16)
def occasion_factors(cv: float, n: int) -> FloatArray:
    """Fixed factors [n] for equally likely particles; ``cv`` is the coefficient of variation, 0 for none."""
    if cv == 0.0:
        return np.ones(n)
    shares = (0.5 + GOLDEN * np.arange(n)) % 1.0
    spread = math.sqrt(math.log1p(cv * cv))
    factors: FloatArray = np.exp(spread * ndtri(np.clip(shares, 0.5 / n, 1.0 - 0.5 / n)))
    factors.flags.writeable = False
    return factors
