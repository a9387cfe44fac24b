"""Kernels of inference: the levels' density, its slope, and the way down to a mode, all in one call each.

``reference.py`` beside this file descends by the same rules in numpy, on any prediction.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from dosing_core.inference.observations import LEAST_ERROR, Observations
from dosing_core.kinetics import DoseTable, lockstep
from dosing_core.kinetics.compiled import compiled
from dosing_core.kinetics.events import build_events, rows_at
from dosing_core.population.individual import BoolArray, FloatArray, Individual, IntArray

STEP = 1e-4
"""Central difference in z: its error is about 1e-9 of the slope, for a kernel exact to 1e-14."""
HESSIAN_STEP = 1e-3
NEAR = 1e-3
"""Largest gradient at which Fisher scoring, which converges linearly, hands over to Newton's method."""
STEEPNESS = 1e-8
"""Largest gradient of a finished mode."""
ITERATIONS = 80
NEWTON_STEPS = 6
LONGEST_STEP = 4.0
"""Prior standard deviations that one step may go: a level far off must not throw a start to where the model
overflows."""
LEAST_CURVATURE = 1e-6
"""Of a Hessian's smallest eigenvalue. Below, the Fisher matrix takes its place."""
MOST_DAMPING = 1e10


class Problem(NamedTuple):
    """One patient's levels as the kernels take them."""

    lower: FloatArray
    """[d, d] random effects are ``lower`` times z."""
    typical: FloatArray
    """[n_rows, 7]."""
    eta_index: IntArray
    """[7]."""
    eta_acts: BoolArray
    """[n_rows, d]."""
    event_time: FloatArray
    event_kind: IntArray
    event_value: FloatArray
    event_index: IntArray
    depot_time: FloatArray
    depot_amount: FloatArray
    depot_row: IntArray
    binding: FloatArray
    """[n_levels, 2], capacity 0 where nothing binds."""
    observed: FloatArray
    """[n_levels] mg/L."""
    error: FloatArray
    """[2] additive, mg/L, and proportional."""


def problem(individual: Individual, doses: DoseTable, levels: Observations, lower: FloatArray) -> Problem:
    """Lay out one patient's events and levels once; ``lower`` times its transpose is omega."""
    events = build_events(individual, doses, levels.time)
    acts = individual.eta_acts
    if acts is None:
        acts = np.ones((len(individual.row_time), individual.dimension), dtype=np.bool_)
    nothing = np.tile([0.0, 1.0], (len(levels), 1))
    binding = individual.binding
    residual = individual.residual
    return Problem(
        lower=np.ascontiguousarray(lower),
        typical=np.ascontiguousarray(individual.typical),
        eta_index=np.ascontiguousarray(individual.eta_index, dtype=np.int64),
        eta_acts=np.ascontiguousarray(acts),
        event_time=events.time,
        event_kind=events.kind,
        event_value=events.value,
        event_index=events.index,
        depot_time=events.depot_time,
        depot_amount=events.depot_amount,
        depot_row=events.depot_row,
        binding=nothing
        if binding is None
        else np.ascontiguousarray(binding[rows_at(individual, levels.time)]),
        observed=np.ascontiguousarray(levels.value, dtype=np.float64),
        error=np.array([residual.additive, residual.proportional]),
    )


@compiled
def to_eta(lower: FloatArray, z: FloatArray) -> FloatArray:
    """eta [n, d] = lower z, for z [n, d]."""
    n, d = z.shape
    eta = np.empty((n, d))
    for i in range(n):
        for j in range(d):
            total = 0.0
            for k in range(d):
                total += lower[j, k] * z[i, k]
            eta[i, j] = total
    return eta


@compiled
def predictions(problem: Problem, z: FloatArray) -> FloatArray:
    """Measured concentration [n, n_levels] that whitened random effects z [n, d] predict, mg/L."""
    n, n_rows = len(z), len(problem.typical)
    parameters = np.empty((n, n_rows, 7))
    factors = np.exp(to_eta(problem.lower, z))
    for i in range(n):
        for row in range(n_rows):
            for k in range(7):
                effect = problem.eta_index[k]
                acts = effect >= 0 and problem.eta_acts[row, effect]
                parameters[i, row, k] = problem.typical[row, k] * (factors[i, effect] if acts else 1.0)
    f = lockstep.run(
        parameters,
        problem.event_time,
        problem.event_kind,
        problem.event_value,
        problem.event_index,
        problem.depot_time,
        problem.depot_amount,
        problem.depot_row,
        len(problem.observed),
        bool(0),  # A literal False would compile a kernel of its own.
    )
    for i in range(n):
        for level in range(f.shape[1]):
            kinetic = f[i, level]
            f[i, level] = kinetic * (1.0 + problem.binding[level, 0] / (kinetic + problem.binding[level, 1]))
    return f


@compiled
def level_densities(problem: Problem, z: FloatArray) -> FloatArray:
    """[n, n_levels] log density of each level; -1e300 where the prediction overflows."""
    density = predictions(problem, z)
    for i in range(len(z)):
        for level in range(density.shape[1]):
            f, y = density[i, level], problem.observed[level]
            v = problem.error[0] ** 2 + (problem.error[1] * f) ** 2
            v = max(v, (LEAST_ERROR * y) ** 2)
            value = -0.5 * ((y - f) ** 2 / v + math.log(2.0 * math.pi * v))
            density[i, level] = value if math.isfinite(value) else -1e300
    return density


@compiled
def slopes(
    problem: Problem, z: FloatArray, objective: FloatArray, gradient: FloatArray, fisher: FloatArray
) -> None:
    """Fill objective [n], gradient [n, d] and Fisher matrix [n, d, d] at z [n, d].

    Where the prediction overflows the objective is infinite, so no step is taken there.
    """
    n, d = z.shape
    around = 2 * d + 1
    points = np.empty((n * around, d))
    for i in range(n):
        for k in range(around):
            for j in range(d):
                points[i * around + k, j] = z[i, j]
        for k in range(d):
            points[i * around + 1 + k, k] += STEP
            points[i * around + 1 + d + k, k] -= STEP
    predicted = predictions(problem, points)
    slope = np.empty(d)
    for i in range(n):
        objective[i] = 0.0
        for j in range(d):
            objective[i] += 0.5 * z[i, j] * z[i, j]
            gradient[i, j] = z[i, j]
            for k in range(d):
                fisher[i, j, k] = 1.0 if j == k else 0.0
        for level in range(len(problem.observed)):
            f, y = predicted[i * around, level], problem.observed[level]
            least = (LEAST_ERROR * y) ** 2
            v = max(problem.error[0] ** 2 + (problem.error[1] * f) ** 2, least)
            change = 2.0 * problem.error[1] ** 2 * f / v if v > least else 0.0
            miss = (y - f) ** 2 / v
            objective[i] += 0.5 * (miss + math.log(v))
            pull = -(y - f) / v + 0.5 * change * (1.0 - miss)
            weight = 1.0 / v + 0.5 * change * change
            for k in range(d):
                up, down = predicted[i * around + 1 + k, level], predicted[i * around + 1 + d + k, level]
                slope[k] = (up - down) / (2.0 * STEP)
            for j in range(d):
                gradient[i, j] += slope[j] * pull
                for k in range(d):
                    fisher[i, j, k] += slope[j] * weight * slope[k]
        if not math.isfinite(objective[i]):
            objective[i] = math.inf


@compiled
def _adopt(
    i: int,
    z: FloatArray,
    objective: FloatArray,
    gradient: FloatArray,
    fisher: FloatArray,
    a: int,
    new_z: FloatArray,
    new_objective: FloatArray,
    new_gradient: FloatArray,
    new_fisher: FloatArray,
) -> None:
    """Put the ``a``-th new point in the place of the ``i``-th. (Written out: numba takes seconds to compile
    an assignment of whole rows.)"""
    objective[i] = new_objective[a]
    for j in range(z.shape[1]):
        z[i, j], gradient[i, j] = new_z[a, j], new_gradient[a, j]
        for k in range(z.shape[1]):
            fisher[i, j, k] = new_fisher[a, j, k]


@compiled
def _steepest(gradient: FloatArray) -> float:
    """The largest slope; NaN counts as none, since there is nothing to follow."""
    steepest = 0.0
    for slope in gradient:
        steepest = max(steepest, abs(slope)) if math.isfinite(slope) else math.nan
    return steepest


@compiled
def _factor(matrix: FloatArray, less: float, lower: FloatArray) -> bool:
    """Fill ``lower`` with the Cholesky factor of ``matrix`` - less I; False if not positive definite."""
    d = len(matrix)
    lower[:] = 0.0
    for i in range(d):
        for j in range(i + 1):
            rest = matrix[i, j] - (less if i == j else 0.0)
            for k in range(j):
                rest -= lower[i, k] * lower[j, k]
            if i > j:
                lower[i, j] = rest / lower[j, j]
            elif rest > 0.0 and rest < math.inf:
                lower[i, i] = math.sqrt(rest)
            else:
                return False
    return True


@compiled
def _solve(lower: FloatArray, right: FloatArray) -> FloatArray:
    """x with lower lower' x = right."""
    d = len(right)
    x = right.copy()
    for i in range(d):
        for k in range(i):
            x[i] -= lower[i, k] * x[k]
        x[i] /= lower[i, i]
    for i in range(d - 1, -1, -1):
        for k in range(i + 1, d):
            x[i] -= lower[k, i] * x[k]
        x[i] /= lower[i, i]
    return x


@compiled
def _inverse(matrix: FloatArray) -> FloatArray:
    """Of a positive definite matrix; NaN if it is not."""
    d = len(matrix)
    lower, inverse, unit = np.empty((d, d)), np.empty((d, d)), np.zeros(d)
    regular = _factor(matrix, 0.0, lower)
    for k in range(d):
        unit[k] = 1.0
        column = _solve(lower, unit)
        unit[k] = 0.0
        for j in range(d):
            inverse[j, k] = column[j] if regular else math.nan
    return inverse


@compiled
def descend(problem: Problem, starts: FloatArray) -> tuple[FloatArray, FloatArray, int]:
    """Levenberg-Marquardt on the Fisher matrix, all starts [n, d] in lockstep.

    Returns where each start ended, its objective, and the steps taken.
    """
    n, d = starts.shape
    z, objective = starts.copy(), np.empty(n)
    gradient, fisher = np.empty((n, d)), np.empty((n, d, d))
    slopes(problem, z, objective, gradient, fisher)
    trial, new_objective = np.empty((n, d)), np.empty(n)
    new_gradient, new_fisher = np.empty((n, d)), np.empty((n, d, d))
    damping, active, lower = np.full(n, 1e-3), np.empty(n, dtype=np.int64), np.empty((d, d))
    for iteration in range(ITERATIONS):
        count = 0
        for i in range(n):
            if _steepest(gradient[i]) > NEAR and damping[i] < MOST_DAMPING:
                matrix = fisher[i].copy()
                for k in range(d):
                    matrix[k, k] *= 1.0 + damping[i]
                if not _factor(matrix, 0.0, lower):
                    damping[i] = math.inf
                    continue
                step = _solve(lower, gradient[i])
                square = 0.0
                for k in range(d):
                    square += step[k] * step[k]
                share = min(1.0, LONGEST_STEP / max(math.sqrt(square), LONGEST_STEP))
                for k in range(d):
                    trial[count, k] = z[i, k] - share * step[k]
                active[count] = i
                count += 1
        if count == 0:
            return z, objective, iteration
        slopes(problem, trial[:count], new_objective, new_gradient, new_fisher)
        for a in range(count):
            i = active[a]
            if new_objective[a] < objective[i]:
                _adopt(i, z, objective, gradient, fisher, a, trial, new_objective, new_gradient, new_fisher)
                damping[i] = max(damping[i] * 0.1, 1e-12)
            else:
                damping[i] *= 10.0
    return z, objective, ITERATIONS


@compiled
def _hessian(problem: Problem, z: FloatArray) -> FloatArray:
    """[d, d] at z [d], by central differences of the gradient."""
    d = len(z)
    shifted, objective = np.empty((2 * d, d)), np.empty(2 * d)
    gradient, fisher = np.empty((2 * d, d)), np.empty((2 * d, d, d))
    for k in range(d):
        for j in range(d):
            shifted[k, j], shifted[d + k, j] = z[j], z[j]
        shifted[k, k] += HESSIAN_STEP
        shifted[d + k, k] -= HESSIAN_STEP
    slopes(problem, shifted, objective, gradient, fisher)
    hessian = np.empty((d, d))
    for j in range(d):
        for k in range(j + 1):
            both = gradient[j, k] - gradient[d + j, k] + gradient[k, j] - gradient[d + k, j]
            hessian[j, k] = hessian[k, j] = both / (4.0 * HESSIAN_STEP)
    return hessian


@compiled
def finish(problem: Problem, start: FloatArray) -> tuple[FloatArray, float, float, FloatArray]:
    """Newton steps from near a mode, [d]: the mode, its objective, largest slope, and covariance of z there.

    The covariance is the inverse of the Hessian, or of the Fisher matrix where that is not positive definite.
    """
    d = len(start)
    z, trial = np.empty((1, d)), np.empty((1, d))
    for j in range(d):
        z[0, j] = start[j]
    objective, gradient, fisher = np.empty(1), np.empty((1, d)), np.empty((1, d, d))
    new_objective, new_gradient, new_fisher = np.empty(1), np.empty((1, d)), np.empty((1, d, d))
    slopes(problem, z, objective, gradient, fisher)
    covariance, lower = _inverse(fisher[0]), np.empty((d, d))
    for _ in range(NEWTON_STEPS):
        hessian = _hessian(problem, z[0])
        if not _factor(hessian, LEAST_CURVATURE, lower):
            covariance = _inverse(fisher[0])
            break
        covariance = _inverse(hessian)
        if _steepest(gradient[0]) < STEEPNESS:
            break
        for j in range(d):
            trial[0, j] = z[0, j]
            for k in range(d):
                trial[0, j] -= covariance[j, k] * gradient[0, k]
        slopes(problem, trial, new_objective, new_gradient, new_fisher)
        if not new_objective[0] <= objective[0] + 1e-12 * (1.0 + abs(objective[0])):
            break
        _adopt(0, z, objective, gradient, fisher, 0, trial, new_objective, new_gradient, new_fisher)
    return z[0], objective[0], _steepest(gradient[0]), covariance
