"""The descent to a mode in numpy, on any prediction: an independent check of the kernels in ``descent``."""

from __future__ import annotations

import numpy as np

from dosing_core.inference.descent import (
    HESSIAN_STEP,
    ITERATIONS,
    LEAST_CURVATURE,
    LONGEST_STEP,
    MOST_DAMPING,
    NEAR,
    NEWTON_STEPS,
    STEEPNESS,
    STEP,
)
from dosing_core.inference.observations import LEAST_ERROR, Observations, variance
from dosing_core.kinetics import Prediction
from dosing_core.population.individual import FloatArray, Individual


class Surface:
    """The objective with its slope, for many points at once."""

    def __init__(
        self, individual: Individual, observations: Observations, predict: Prediction, lower: FloatArray
    ) -> None:
        self.individual = individual
        self.observed = observations.value
        self.predict = predict
        self.lower = lower
        d = individual.dimension
        self._neighbours = np.concatenate([np.zeros((1, d)), STEP * np.eye(d), -STEP * np.eye(d)])

    def at(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Objective [n], gradient [n, d] and Fisher matrix [n, d, d] at z [n, d].

        Where the prediction overflows the objective is infinite, so no step is taken there.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            return self._at(z)

    def _at(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        n, d = z.shape
        points = (z[:, None, :] + self._neighbours).reshape(-1, d)
        eta = np.einsum("ij,nj->ni", self.lower, points)
        predicted = self.predict(self.individual.parameters(eta)).reshape(n, 2 * d + 1, -1)
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


def descend(surface: Surface, z: FloatArray) -> tuple[FloatArray, FloatArray, int]:
    """Levenberg-Marquardt on the Fisher matrix, all starts in lockstep.

    Returns where each start ended, its objective, and the steps taken.
    """
    n, d = z.shape
    objective, gradient, fisher = surface.at(z)
    damping = np.full(n, 1e-3)
    for iteration in range(ITERATIONS):
        at = np.flatnonzero((np.abs(gradient).max(axis=1) > NEAR) & (damping < MOST_DAMPING))
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


def finish(surface: Surface, z: FloatArray) -> tuple[FloatArray, float, float, FloatArray]:
    """Newton steps on the Hessian by central differences of the gradient: as the kernel of the same name."""
    d = len(z)
    objective, gradient, fisher = (part[0] for part in surface.at(z[None]))
    covariance = np.linalg.inv(fisher)
    for _ in range(NEWTON_STEPS):
        shifts = HESSIAN_STEP * np.concatenate([np.eye(d), -np.eye(d)])
        slopes = surface.at(z + shifts)[1]
        hessian = (slopes[:d] - slopes[d:]) / (2.0 * HESSIAN_STEP)
        hessian = 0.5 * (hessian + hessian.T)
        if not np.all(np.isfinite(hessian)) or np.linalg.eigvalsh(hessian)[0] <= LEAST_CURVATURE:
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
    return z, float(objective), float(np.abs(gradient).max()), covariance
