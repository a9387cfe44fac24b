"""Kernels of the proposal: a mixture of the standard normal prior and multivariate t distributions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dosing_core.inference.map_estimate import whitening
from dosing_core.inference.points import FREEDOM
from dosing_core.kinetics.compiled import compiled
from dosing_core.population.individual import FloatArray


@dataclass(frozen=True, eq=False)
class T:
    """A multivariate t distribution of ``FREEDOM`` degrees of freedom."""

    centre: FloatArray
    """[d]."""
    covariance: FloatArray
    """[d, d] of the normal distribution that is stretched."""

    def draw(self, normal: FloatArray, stretch: FloatArray) -> FloatArray:
        """Points [n, d] from standard points (see ``points.Points``)."""
        lower = whitening(self.covariance)
        return _spread(self.centre, lower, np.ascontiguousarray(normal), np.ascontiguousarray(stretch))

    @property
    def log_constant(self) -> float:
        """Log density at the centre."""
        d = len(self.centre)
        return (
            math.lgamma(0.5 * (FREEDOM + d))
            - math.lgamma(0.5 * FREEDOM)
            - 0.5 * d * math.log(FREEDOM * math.pi)
            - 0.5 * float(np.linalg.slogdet(self.covariance)[1])
        )


def log_mixture(z: FloatArray, from_prior: int, proposals: list[tuple[T, int]]) -> FloatArray:
    """[n] log density of the mixture in which each component has so many of the points z [n, d]."""
    counts = np.array([from_prior, *(count for _, count in proposals)], dtype=np.float64)
    return _log_mixture(
        z,
        np.stack([proposal.centre for proposal, _ in proposals]),
        np.stack([np.linalg.inv(proposal.covariance) for proposal, _ in proposals]),
        np.array([proposal.log_constant for proposal, _ in proposals]),
        np.log(counts / counts.sum()),
    )


@compiled
def _spread(centre: FloatArray, lower: FloatArray, normal: FloatArray, stretch: FloatArray) -> FloatArray:
    n, d = normal.shape
    z = np.empty((n, d))
    for i in range(n):
        for j in range(d):
            total = 0.0
            for k in range(d):
                total += lower[j, k] * normal[i, k]
            z[i, j] = centre[j] + total * stretch[i]
    return z


@compiled
def log_prior(z: FloatArray) -> FloatArray:
    """[n] standard normal log density of z [n, d]."""
    n, d = z.shape
    density = np.empty(n)
    for i in range(n):
        square = 0.0
        for k in range(d):
            square += z[i, k] * z[i, k]
        density[i] = -0.5 * (square + d * math.log(2.0 * math.pi))
    return density


@compiled
def _log_mixture(
    z: FloatArray, centres: FloatArray, precisions: FloatArray, constants: FloatArray, log_shares: FloatArray
) -> FloatArray:
    """The terms' logarithms are summed relative to the largest, so that none vanishes far out."""
    n, d = z.shape
    mixed = log_prior(z)
    terms, away = np.empty(len(log_shares)), np.empty(d)
    for i in range(n):
        terms[0] = log_shares[0] + mixed[i]
        for part in range(len(constants)):
            distance = 0.0
            for j in range(d):
                away[j] = z[i, j] - centres[part, j]
                for k in range(j):
                    distance += 2.0 * away[j] * precisions[part, j, k] * away[k]
                distance += precisions[part, j, j] * away[j] * away[j]
            fall = -0.5 * (FREEDOM + d) * math.log1p(distance / FREEDOM)
            terms[part + 1] = log_shares[part + 1] + constants[part] + fall
        top = terms.max()
        total = 0.0
        for term in terms:
            total += math.exp(term - top)
        mixed[i] = top + math.log(total)
    return mixed


@compiled
def moments(z: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean [d] and covariance [d, d] of points z [n, d] with weights [n] that sum to 1."""
    n, d = z.shape
    mean, spread = np.zeros(d), np.zeros((d, d))
    for i in range(n):
        for j in range(d):
            mean[j] += weight[i] * z[i, j]
    for i in range(n):
        for j in range(d):
            for k in range(j + 1):
                spread[j, k] += weight[i] * (z[i, j] - mean[j]) * (z[i, k] - mean[k])
    for j in range(d):
        for k in range(j):
            spread[k, j] = spread[j, k]
    return mean, spread
