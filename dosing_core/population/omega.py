"""Covariance matrices of random effects from what a model file says about them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from dosing_core.population.individual import FloatArray
from dosing_core.population.variability import Correlation, Covariance, Variability

SMALLEST_RATIO = 1e-10
"""Project policy: a correlation matrix whose least eigenvalue is below this is singular for any solver."""


def covariance_of(
    effects: Sequence[str],
    variability: Mapping[str, Variability],
    correlations: Sequence[Correlation],
    covariances: Sequence[Covariance],
) -> FloatArray:
    """[d, d] covariance of these effects, in this order; pairs that are not all among them are left out."""
    variance = np.array([variability[name].omega_variance for name in effects], dtype=np.float64)
    matrix: FloatArray = np.diag(variance)
    for correlation in correlations:
        if set(correlation.between) <= set(effects):
            i, j = (effects.index(name) for name in correlation.between)
            matrix[i, j] = matrix[j, i] = correlation.value * math.sqrt(variance[i] * variance[j])
    for covariance in covariances:
        if set(covariance.between) <= set(effects):
            i, j = (effects.index(name) for name in covariance.between)
            matrix[i, j] = matrix[j, i] = covariance.value
    return matrix


def check(
    place: str,
    variability: Mapping[str, Variability],
    correlations: Sequence[Correlation],
    covariances: Sequence[Covariance],
) -> None:
    """Raises ``ValueError`` if pairs are wrong or twice, or if the matrix is not positive definite."""
    pairs = [frozenset(one.between) for one in correlations] + [frozenset(one.between) for one in covariances]
    if any(len(pair) != 2 or not pair <= set(variability) for pair in pairs) or len(set(pairs)) != len(pairs):
        raise ValueError(f"correlations must name pairs of different parameters in {place}, each once")
    if not pairs:
        return  # a diagonal of variances, each checked to be above 0
    matrix = covariance_of(tuple(variability), variability, correlations, covariances)
    deviation = np.sqrt(np.diag(matrix))
    if np.linalg.eigvalsh(matrix / np.outer(deviation, deviation)).min() <= SMALLEST_RATIO:
        raise ValueError(f"{place}: the covariance of the random effects is not positive definite")
