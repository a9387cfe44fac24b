"""Kernel that makes individual parameters from random effects: ``Individual.parameters``, compiled.

Inference calls it for each block of points that it asks about, inside its own kernels.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from dosing_core.kinetics.compiled import compiled
from dosing_core.population.individual import (
    LOG_NORMAL,
    LOGIT_NORMAL,
    NORMAL,
    BoolArray,
    FloatArray,
    Individual,
    IntArray,
)


class Effects(NamedTuple):
    """Typical values of one patient and how random effects change them."""

    typical: FloatArray
    """[n_rows, n_parameters]."""
    eta_index: IntArray
    """[n_parameters] the effect that acts at all times, or -1."""
    eta_acts: BoolArray
    """[n_rows, d]."""
    occasion_index: IntArray
    """[n_rows, n_parameters] the effect of the row's occasion, or -1."""
    transform: IntArray
    """[n_parameters]."""
    shape: FloatArray
    """[n_parameters] of Box and Cox."""


def effects(individual: Individual) -> Effects:
    """The same of an ``Individual``, with what it leaves out filled in."""
    n_rows, n_parameters = individual.typical.shape
    acts, occasion = individual.eta_acts, individual.occasion_index
    transform, shape = individual.transform, individual.shape
    return Effects(
        np.ascontiguousarray(individual.typical, dtype=np.float64),
        np.ascontiguousarray(individual.eta_index, dtype=np.int64),
        np.ones((n_rows, individual.dimension), np.bool_) if acts is None else np.ascontiguousarray(acts),
        np.full((n_rows, n_parameters), -1) if occasion is None else np.ascontiguousarray(occasion, np.int64),
        np.zeros(n_parameters, np.int64) if transform is None else np.ascontiguousarray(transform, np.int64),
        np.ones(n_parameters) if shape is None else np.ascontiguousarray(shape, np.float64),
    )


@compiled
def changed(kind: int, shape: float, typical: float, effect: float, factor: float) -> float:
    """A typical value under one random effect; ``factor`` is the effect's exponential."""
    if kind == LOG_NORMAL:
        return typical * factor
    if kind == NORMAL:
        return typical + effect
    if kind == LOGIT_NORMAL:
        return 1.0 / (1.0 + (1.0 / typical - 1.0) / factor)
    return typical * math.exp(math.expm1(shape * effect) / shape)  # BOX_COX


@compiled
def individual_parameters(effects: Effects, eta: FloatArray) -> FloatArray:
    """Parameters [n, n_rows, n_parameters] for random effects eta [n, d]."""
    n, d = eta.shape
    n_rows, n_parameters = effects.typical.shape
    result = np.empty((n, n_rows, n_parameters))
    factor = np.empty(d)
    for i in range(n):
        for j in range(d):
            factor[j] = math.exp(eta[i, j])
        for row in range(n_rows):
            for k in range(n_parameters):
                always, now = effects.eta_index[k], effects.occasion_index[row, k]
                if always >= 0 and not effects.eta_acts[row, always]:
                    always = -1
                value = effects.typical[row, k]
                if always >= 0 or now >= 0:
                    effect, times = 0.0, 1.0
                    if always >= 0:
                        effect, times = eta[i, always], factor[always]
                    if now >= 0:
                        effect, times = effect + eta[i, now], times * factor[now]
                    value = changed(effects.transform[k], effects.shape[k], value, effect, times)
                result[i, row, k] = value
    return result
