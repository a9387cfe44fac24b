"""The mode of the posterior: Fisher scoring from five starts at once, Newton's method to finish.

Objective, in whitened random effects z with eta = L z and omega = L L'::

    0.5 z'z + sum over levels of 0.5 ((y - f)² / v + log v)

The Fisher matrix ``I + J' (1/v + 0.5 (v'/v)²) J`` is always positive definite. The arithmetic is in
``descent``; which of the ends are modes worth knowing is decided here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from dosing_core.inference import descent, reference
from dosing_core.inference.observations import Observations
from dosing_core.inference.points import normal_points
from dosing_core.kinetics import DoseTable, Prediction
from dosing_core.population.individual import FloatArray, Individual

STARTS = 4
"""Quasi-random starts beside the prior mode: the mode nearest to the prior's need not be the highest."""
SPREAD = 1.5
"""Standard deviations of the prior that the starts are spread over."""
APART = 0.05
"""Two minima further apart than this in z are two modes."""
WORTH_REPORTING = 6.0
"""A mode is reported while its density is within a factor exp(6) of the best."""


@dataclass(frozen=True, eq=False)
class Mode:
    """One local maximum of the posterior density."""

    z: FloatArray
    """[d] whitened."""
    eta: FloatArray
    """[d] random effects."""
    objective: float
    gradient_norm: float
    covariance: FloatArray
    """[d, d] of z: inverse of the Hessian, or of the Fisher matrix where that is not positive definite."""


@dataclass(frozen=True, eq=False)
class MapEstimate:
    """The best mode, and the others worth knowing."""

    eta: FloatArray
    """[d]."""
    objective: float
    gradient_norm: float
    iterations: int
    modes: tuple[Mode, ...]
    """Best first; at least one."""


def whitening(omega: FloatArray) -> FloatArray:
    """L with L L' = omega; also for an omega that is only semidefinite."""
    try:
        lower = np.asarray(np.linalg.cholesky(omega), dtype=np.float64)
    except np.linalg.LinAlgError:
        value, vector = np.linalg.eigh(omega)
        lower = np.asarray(vector * np.sqrt(np.maximum(value, 0.0)), dtype=np.float64)
    return np.ascontiguousarray(lower)


def map_estimate(
    individual: Individual,
    doses: DoseTable,
    observations: Observations,
    predict: Prediction | None = None,
) -> MapEstimate:
    """The most probable random effects given the levels.

    ``predict`` replaces the compiled kernels (as a check, or to compare times). Without levels, the prior's
    mode.
    """
    d = individual.dimension
    if d == 0 or len(observations) == 0:
        mode = Mode(np.zeros(d), np.zeros(d), 0.0, 0.0, np.eye(d))
        return MapEstimate(mode.eta, 0.0, 0.0, 0, (mode,))
    lower = whitening(individual.omega)
    if predict is None:
        return modes_of(descent.problem(individual, doses, observations, lower))
    surface = reference.Surface(individual, observations, predict, lower)
    return _modes(lower, partial(reference.descend, surface), partial(reference.finish, surface))


def modes_of(problem: descent.Problem) -> MapEstimate:
    """The same for levels that are already laid out."""
    return _modes(problem.lower, partial(descent.descend, problem), partial(descent.finish, problem))


def _modes(
    lower: FloatArray,
    descend: Callable[[FloatArray], tuple[FloatArray, FloatArray, int]],
    finish: Callable[[FloatArray], tuple[FloatArray, float, float, FloatArray]],
) -> MapEstimate:
    """Descend from all starts, finish where they end apart, and keep what is worth reporting."""
    d = len(lower)
    starts = np.concatenate([np.zeros((1, d)), SPREAD * normal_points("prior", STARTS, d).normal])
    ends, objectives, iterations = descend(starts)
    modes: list[Mode] = []
    for start in np.argsort(objectives, kind="stable"):
        if all(_distance(ends[start], mode.z) > APART for mode in modes):
            z, objective, gradient_norm, covariance = finish(ends[start])
            eta = descent.to_eta(lower, z.reshape(1, d))[0]
            if all(_distance(z, mode.z) > APART for mode in modes):
                modes.append(Mode(z, eta, objective, gradient_norm, covariance))
    modes.sort(key=lambda mode: mode.objective)
    best = modes[0]
    settled = [
        mode
        for mode in modes
        if mode is best or (mode.gradient_norm < 1e-4 and mode.objective < best.objective + WORTH_REPORTING)
    ]
    return MapEstimate(best.eta, best.objective, best.gradient_norm, iterations, tuple(settled))


def _distance(one: FloatArray, other: FloatArray) -> float:
    return math.sqrt(float(np.sum((one - other) ** 2)))
