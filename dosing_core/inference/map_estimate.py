"""The mode of the posterior: Fisher scoring from five starts at once, Newton's method to finish.

Objective, in whitened random effects z with eta = L z and omega = L L'::

    0.5 z'z + sum over levels of 0.5 ((y - f)² / v + log v)

The Fisher matrix ``I + J' (1/v + 0.5 (v'/v)²) J`` is always positive definite. All starts and all neighbours
for central differences go through one call of the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dosing_core.inference.observations import LEAST_ERROR, Observations, variance
from dosing_core.inference.points import normal_points
from dosing_core.kinetics import DoseTable, Prediction, prediction
from dosing_core.population.individual import FloatArray, Individual

STARTS = 4
"""Quasi-random starts beside the prior mode: the mode nearest to the prior's need not be the highest."""
SPREAD = 1.5
"""Standard deviations of the prior that the starts are spread over."""
STEP = 1e-4
"""Central difference in z: its error is about 1e-9 of the slope, for a kernel exact to 1e-14."""
HESSIAN_STEP = 1e-3
NEAR = 1e-3
"""Largest gradient at which Fisher scoring, which converges linearly, hands over to Newton's method."""
STEEPNESS = 1e-8
"""Largest gradient of a finished mode."""
ITERATIONS = 80
LONGEST_STEP = 4.0
"""Prior standard deviations that one step may go: a level far off must not throw a start to where the model
overflows."""
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
    return lower


def to_eta(lower: FloatArray, z: FloatArray) -> FloatArray:
    """eta [..., d] = L z. Without BLAS, so that the bytes do not depend on its threads."""
    eta: FloatArray = np.einsum("ij,...j->...i", lower, z)
    return eta


def map_estimate(
    individual: Individual,
    doses: DoseTable,
    observations: Observations,
    predict: Prediction | None = None,
) -> MapEstimate:
    """The most probable random effects given the levels.

    ``predict`` replaces the compiled kernel (as a check, or to compare times). Without levels, the prior's
    mode.
    """
    d = individual.dimension
    if d == 0 or len(observations) == 0:
        mode = Mode(np.zeros(d), np.zeros(d), 0.0, 0.0, np.eye(d))
        return MapEstimate(mode.eta, 0.0, 0.0, 0, (mode,))
    if predict is None:
        predict = prediction(individual, doses, observations.time)
    surface = _Surface(individual, observations, predict)
    starts = np.concatenate([np.zeros((1, d)), SPREAD * normal_points("prior", STARTS, d).normal])
    ends, objectives, iterations = _descend(surface, starts)
    modes: list[Mode] = []
    for start in np.argsort(objectives, kind="stable"):
        if all(np.linalg.norm(ends[start] - mode.z) > APART for mode in modes):
            mode = _finish(surface, ends[start])
            if all(np.linalg.norm(mode.z - other.z) > APART for other in modes):
                modes.append(mode)
    modes.sort(key=lambda mode: mode.objective)
    best = modes[0]
    settled = [
        mode
        for mode in modes
        if mode is best or (mode.gradient_norm < 1e-4 and mode.objective < best.objective + WORTH_REPORTING)
    ]
    return MapEstimate(best.eta, best.objective, best.gradient_norm, iterations, tuple(settled))


class _Surface:
    """The objective with its slope, for many points at once."""

    def __init__(self, individual: Individual, observations: Observations, predict: Prediction) -> None:
        self.individual = individual
        self.observed = observations.value
        self.predict = predict
        self.lower = whitening(individual.omega)
        d = individual.dimension
        self._neighbours = np.concatenate([np.zeros((1, d)), STEP * np.eye(d), -STEP * np.eye(d)])

    def eta(self, z: FloatArray) -> FloatArray:
        return to_eta(self.lower, z)

    def at(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Objective [n], gradient [n, d] and Fisher matrix [n, d, d] at z [n, d].

        Where the prediction overflows the objective is infinite, so no step is taken there.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            return self._at(z)

    def _at(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        n, d = z.shape
        points = (z[:, None, :] + self._neighbours).reshape(-1, d)
        predicted = self.predict(self.individual.parameters(self.eta(points))).reshape(n, 2 * d + 1, -1)
        f = predicted[:, 0]
        slope = (predicted[:, 1 : d + 1] - predicted[:, d + 1 :]) / (2.0 * STEP)
        residual = self.individual.residual
        v = variance(residual, f, self.observed)
        free = v > (LEAST_ERROR * self.observed) ** 2
        dv = np.where(free, 2.0 * residual.proportional**2 * f, 0.0)
        miss = self.observed - f
        objective = 0.5 * np.sum(z**2, axis=1) + 0.5 * np.sum(miss**2 / v + np.log(v), axis=1)
        pull = -miss / v + 0.5 * dv / v * (1.0 - miss**2 / v)
        gradient = z + np.einsum("ndm,nm->nd", slope, pull)
        weight = 1.0 / v + 0.5 * (dv / v) ** 2
        fisher = np.eye(d) + np.einsum("ndm,nm,nem->nde", slope, weight, slope)
        return np.where(np.isfinite(objective), objective, np.inf), gradient, fisher


def _descend(surface: _Surface, z: FloatArray) -> tuple[FloatArray, FloatArray, int]:
    """Levenberg-Marquardt on the Fisher matrix, all starts in lockstep.

    Returns where each start ended, its objective, and the steps taken.
    """
    n, d = z.shape
    objective, gradient, fisher = surface.at(z)
    damping = np.full(n, 1e-3)
    for iteration in range(ITERATIONS):
        at = np.flatnonzero((np.abs(gradient).max(axis=1) > NEAR) & (damping < 1e10))
        if len(at) == 0:
            return z, objective, iteration
        matrix = fisher[at].copy()
        matrix[:, np.arange(d), np.arange(d)] *= 1.0 + damping[at, None]
        step = np.linalg.solve(matrix, gradient[at, :, None])[:, :, 0]
        length = np.sqrt(np.sum(step**2, axis=1, keepdims=True))
        trial = z[at] - step * np.minimum(1.0, LONGEST_STEP / np.maximum(length, LONGEST_STEP))
        new_objective, new_gradient, new_fisher = surface.at(trial)
        better = new_objective < objective[at]
        took, kept = at[better], at[~better]
        z[took], objective[took] = trial[better], new_objective[better]
        gradient[took], fisher[took] = new_gradient[better], new_fisher[better]
        damping[took] = np.maximum(damping[took] * 0.1, 1e-12)
        damping[kept] *= 10.0
    return z, objective, ITERATIONS


def _finish(surface: _Surface, z: FloatArray) -> Mode:
    """Up to six Newton steps on the Hessian by central differences of the gradient."""
    d = len(z)
    objective, gradient, fisher = (part[0] for part in surface.at(z[None]))
    covariance = np.linalg.inv(fisher)
    for _ in range(6):
        shifts = HESSIAN_STEP * np.concatenate([np.eye(d), -np.eye(d)])
        slopes = surface.at(z + shifts)[1]
        hessian = (slopes[:d] - slopes[d:]) / (2.0 * HESSIAN_STEP)
        hessian = 0.5 * (hessian + hessian.T)
        if not np.all(np.isfinite(hessian)) or np.linalg.eigvalsh(hessian)[0] <= 1e-6:
            covariance = np.linalg.inv(fisher)
            break
        covariance = np.linalg.inv(hessian)
        if np.abs(gradient).max() < STEEPNESS:
            break
        trial = z - np.einsum("ij,j->i", covariance, gradient)
        new_objective, new_gradient, new_fisher = (part[0] for part in surface.at(trial[None]))
        if not new_objective <= objective + 1e-12 * (1.0 + abs(objective)):
            break
        z, objective, gradient, fisher = trial, new_objective, new_gradient, new_fisher
    return Mode(z, surface.eta(z), float(objective), float(np.abs(gradient).max()), covariance)
