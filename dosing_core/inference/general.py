"""The levels' density and its modes around any prediction, by the same rules as ``closed``.

Python only leads: each round is one call of the prediction for all points together and a few kernels. The
prediction may be an adaptive solver, whose error differs from one accuracy to the next; so differences are
wider than in ``closed``, both sides of each stand side by side, and second derivatives come from differences
of slopes.
"""

from __future__ import annotations

import numpy as np

from dosing_core.inference import descent
from dosing_core.inference.likelihood import Likelihood, densities, likelihood
from dosing_core.inference.observations import Observations
from dosing_core.kinetics import Prediction
from dosing_core.kinetics.parameters import effects, individual_parameters
from dosing_core.population.individual import FloatArray, Individual

STEP = 1e-3
"""Difference in z: wide enough for a solver that is exact to 1e-6."""
TOGETHER = 2
"""Points in a row that an adaptive solver must take through the same steps: the two sides of a difference."""


class Surface:
    """The objective and its slope over whitened random effects, for many points at once."""

    def __init__(
        self, individual: Individual, observations: Observations, predict: Prediction, lower: FloatArray
    ) -> None:
        self.lower = lower
        self._effects = effects(individual)
        self._levels: Likelihood = likelihood(individual, observations)
        self._predict = predict

    def by(self, predict: Prediction) -> Surface:
        """The same surface by another prediction, such as a coarser one."""
        other = object.__new__(Surface)
        other.lower, other._effects, other._levels = self.lower, self._effects, self._levels
        other._predict = predict
        return other

    def eta(self, z: FloatArray) -> FloatArray:
        """Random effects [n, d]."""
        return descent.to_eta(self.lower, z)

    def predicted(self, z: FloatArray) -> FloatArray:
        """[n, n_levels] in the outputs' units."""
        with np.errstate(all="ignore"):
            found = self._predict(individual_parameters(self._effects, self.eta(z)))
        return np.ascontiguousarray(found, dtype=np.float64)

    def densities(self, z: FloatArray) -> FloatArray:
        """[n, n_levels] weighted log density of each level; finite also where the prediction overflows."""
        return densities(self._levels, self.predicted(z))

    def at(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Objective [n], gradient [n, d] and Fisher matrix [n, d, d] at z [n, d].

        Where the prediction overflows the objective is infinite, so no step is taken there.
        """
        n, d = z.shape
        objective, gradient, fisher = np.empty(n), np.empty((n, d)), np.empty((n, d, d))
        predicted = self.predicted(descent.neighbours(z, STEP))
        descent.slopes(self._levels, predicted, STEP, z, objective, gradient, fisher)
        return objective, gradient, fisher


Ends = tuple[FloatArray, FloatArray, FloatArray, FloatArray, int]
"""z [k, d], objective [k], largest slope [k], covariance of z [k, d, d], best first, and the steps taken."""


def modes(fine: Surface, coarse: Surface, starts: FloatArray) -> Ends:
    """Descend from all starts [n, d] on the coarse surface, finish on the fine one where they end apart, and
    keep the modes worth reporting."""
    ends, objectives, iterations = _descend(coarse, starts)
    found: list[tuple[FloatArray, float, float, FloatArray]] = []
    for start in np.argsort(objectives, kind="stable"):
        if found and not np.isfinite(objectives[start]):
            break
        if all(descent.distance(ends[start], one[0]) > descent.APART for one in found):
            end = _finish(fine, ends[start])
            if all(descent.distance(end[0], one[0]) > descent.APART for one in found):
                found.append(end)
    found.sort(key=lambda one: one[1])
    best = found[0]
    kept = [
        one
        for one in found
        if one is best or (one[2] < descent.SETTLED and one[1] < best[1] + descent.WORTH_REPORTING)
    ]
    z, objective, slope, covariance = zip(*kept, strict=True)
    return np.stack(z), np.array(objective), np.array(slope), np.stack(covariance), iterations


def _descend(surface: Surface, starts: FloatArray) -> tuple[FloatArray, FloatArray, int]:
    """Where each start ends, its objective, and the steps taken.

    A start that comes close to a better one would only follow it: it is given up, at an infinite objective.
    """
    n, d = starts.shape
    z = starts.copy()
    objective, gradient, fisher = surface.at(z)
    damping, trial = np.full(n, descent.FIRST_DAMPING), np.empty((n, d))
    active = np.empty(n, dtype=np.int64)
    for iteration in range(descent.ITERATIONS):
        count = descent.propose(z, gradient, fisher, damping, trial, active)
        if count == 0:
            return z, objective, iteration
        new = surface.at(trial[:count])
        descent.accept(count, active, z, objective, gradient, fisher, damping, trial, *new)
        descent.give_up(z, objective, damping)
    return z, objective, descent.ITERATIONS


def _finish(surface: Surface, start: FloatArray) -> tuple[FloatArray, float, float, FloatArray]:
    """Newton steps from near a mode: the mode, its objective, largest slope, and covariance of z there.

    The Hessian of the start serves all steps: it is the dear part, and near a mode it hardly changes.
    """
    d = len(start)
    z = start.reshape(1, d)
    shifts = STEP * np.concatenate([np.eye(d), -np.eye(d)])
    objective, gradient, fisher = surface.at(np.concatenate([z, z + shifts]))
    objective, gradient, fisher, around = objective[:1], gradient[:1], fisher[:1], gradient[1:]
    hessian = (around[:d] - around[d:]) / (2.0 * STEP)
    hessian = np.ascontiguousarray(0.5 * (hessian + hessian.T))
    lower = np.empty((d, d))
    regular = bool(descent.factor(hessian, descent.LEAST_CURVATURE, lower))
    covariance = descent.inverse_of(hessian if regular else fisher[0])
    for _ in range(descent.NEWTON_STEPS):
        if descent.steepest(gradient[0]) < descent.NEAR * descent.SETTLED:
            break
        trial = z - np.einsum("ij,j->i", covariance, gradient[0])
        new_objective, new_gradient, _ = surface.at(trial)
        if not new_objective[0] <= objective[0] + 1e-12 * (1.0 + abs(objective[0])):
            break
        z, objective, gradient = trial, new_objective, new_gradient
    return z[0], float(objective[0]), float(descent.steepest(gradient[0])), covariance
