"""What weighted particles say: quantiles, probabilities with their error, and whether to trust them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dosing_core.population.individual import FloatArray


def quantile(values: FloatArray, weights: FloatArray, q: float | Sequence[float]) -> FloatArray:
    """Weighted quantiles along axis 0 of ``values`` [n, ...]; result [len(q), ...], or [...] for one ``q``.

    Each particle stands at the middle of its weight and quantiles are interpolated between them.
    """
    wanted = np.atleast_1d(np.asarray(q, dtype=np.float64))
    columns = values.reshape(len(values), -1)
    result = np.empty((len(wanted), columns.shape[1]))
    for column in range(columns.shape[1]):
        order = np.argsort(columns[:, column])
        sorted_weights = weights[order]
        position = np.cumsum(sorted_weights) - 0.5 * sorted_weights
        result[:, column] = np.interp(wanted * weights.sum(), position, columns[order, column])
    shaped = result.reshape((len(wanted), *values.shape[1:]))
    return shaped[0] if np.ndim(q) == 0 else shaped


def effective_sample_size(weights: FloatArray) -> float:
    """Kish: how many equally weighted particles would be worth as much; ``weights`` sum to 1."""
    return float(1.0 / np.sum(weights**2))


def chance(event: FloatArray, weights: FloatArray, effective: float | None = None) -> tuple[float, float]:
    """Probability of an event [n] (0/1 or a probability a particle) and its Monte-Carlo standard error.

    ``effective``: effective sample size that the particles were thinned from, where that is smaller than
    their own.
    """
    event = np.asarray(event, dtype=np.float64)
    probability = float(np.clip(np.sum(weights * event), 0.0, 1.0))
    worth = effective_sample_size(weights)
    if effective is not None:
        worth = min(worth, effective)
    spread = float(np.sum(weights * (event - probability) ** 2))
    return probability, math.sqrt(max(spread, 0.0) / worth)


def psis(log_ratios: FloatArray) -> tuple[FloatArray, float]:
    """Pareto smoothing of importance weights: smoothed weights that sum to 1, and k-hat.

    The largest weights are replaced by the expected order statistics of a generalised Pareto distribution
    fitted to them; k-hat is its shape. Vehtari et al., J Mach Learn Res 2024;25:72; fit after Zhang and
    Stephens, Technometrics 2009;51:316.
    """
    n = len(log_ratios)
    weights = np.exp(log_ratios - np.max(log_ratios))
    tail = int(min(math.ceil(n / 5), math.ceil(3.0 * math.sqrt(n))))
    parted = np.argpartition(weights, n - tail - 1) if tail < n else np.arange(n)
    cutoff = float(weights[parted[n - tail - 1]]) if tail < n else 0.0
    largest = np.sort(parted[n - tail :])
    largest = largest[np.argsort(weights[largest], kind="stable")]
    excess = weights[largest] - cutoff
    if tail < 5 or not excess[-1] > 0.0:
        return weights / weights.sum(), -math.inf if tail >= 5 else math.inf
    shape, scale = _generalised_pareto(excess[excess > 0.0])
    if np.isfinite(shape) and np.all(excess > 0.0):
        p = (np.arange(tail) + 0.5) / tail
        if abs(shape) < 1e-12:
            smooth = -scale * np.log1p(-p)
        else:
            smooth = scale * np.expm1(-shape * np.log1p(-p)) / shape
        weights[largest] = np.minimum(cutoff + smooth, 1.0)
    return weights / weights.sum(), float(shape)


def _generalised_pareto(excess: FloatArray) -> tuple[float, float]:
    """Shape k and scale of a generalised Pareto distribution for ascending positive ``excess``."""
    n = len(excess)
    if n < 5:
        return math.inf, math.nan
    grid = 30 + math.floor(math.sqrt(n))
    quartile = excess[math.floor(n / 4 + 0.5) - 1]
    theta = 1.0 / excess[-1] + (1.0 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))) / (3.0 * quartile)
    shapes = np.mean(np.log1p(-theta[:, None] * excess), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        profile = n * (np.log(-theta / shapes) - shapes - 1.0)
    profile = np.where(np.isfinite(profile), profile, -np.inf)
    weight = np.exp(profile - profile.max())
    best = float(np.sum(theta * weight) / weight.sum())
    shape = float(np.mean(np.log1p(-best * excess)))
    # Weakly informative prior of Vehtari et al., appendix C: ten observations at k = 0.5.
    return (n * shape + 5.0) / (n + 10.0), -shape / best
