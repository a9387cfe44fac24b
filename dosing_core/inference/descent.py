"""The way down to a mode, step by step: kernels that both paths of inference share.

``closed`` runs them inside one kernel, for structures that are solved in closed form; ``general`` runs them
from Python, around any prediction. Points are whitened random effects z, with eta = L z and omega = L L'.
"""

from __future__ import annotations

import math

import numpy as np

from dosing_core.inference.likelihood import Likelihood, level_terms
from dosing_core.kinetics.compiled import compiled
from dosing_core.population.individual import FloatArray, IntArray

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
LEAST_DAMPING, FIRST_DAMPING, MOST_DAMPING = 1e-12, 1e-3, 1e10
APART = 0.05
"""Two minima further apart than this in z are two modes."""
FOLLOWS = 0.02
"""Two descents closer than this end in one mode."""
WORTH_REPORTING = 6.0
"""A mode is reported while its density is within a factor exp(6) of the best."""
SETTLED = 1e-4
"""Largest gradient of a second mode that is reported: one still on its way down is none."""


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
def neighbours(z: FloatArray, step: float) -> FloatArray:
    """Points [n (2d + 1), d] for central differences around z [n, d].

    First the pairs, up and down side by side, then the points themselves: an adaptive solver takes blocks of
    particles through the same steps, and a pair in one block has an error in common that the difference
    cancels.
    """
    n, d = z.shape
    points = np.empty((n * (2 * d + 1), d))
    for i in range(n):
        for j in range(d):
            for k in range(2 * d):
                points[2 * d * i + k, j] = z[i, j]
            points[2 * d * n + i, j] = z[i, j]
        for k in range(d):
            points[2 * d * i + 2 * k, k] += step
            points[2 * d * i + 2 * k + 1, k] -= step
    return points


@compiled
def slopes(
    levels: Likelihood,
    predicted: FloatArray,
    step: float,
    z: FloatArray,
    objective: FloatArray,
    gradient: FloatArray,
    fisher: FloatArray,
) -> None:
    """Fill objective [n], gradient [n, d] and Fisher matrix [n, d, d] at z [n, d].

    ``predicted`` [.., n_levels] at ``neighbours(z, step)``. Where it overflows the objective is infinite, so
    no step is taken there.
    """
    n, d = z.shape
    slope = np.empty(d)
    for i in range(n):
        put_prior(i, z, objective, gradient, fisher)
        for level in range(predicted.shape[1]):
            for k in range(d):
                at = 2 * d * i + 2 * k
                slope[k] = (predicted[at, level] - predicted[at + 1, level]) / (2.0 * step)
            here = predicted[2 * d * n + i, level]
            put_level(levels, level, here, slope, i, objective, gradient, fisher)
        if not math.isfinite(objective[i]):
            objective[i] = math.inf


@compiled
def put_prior(i: int, z: FloatArray, objective: FloatArray, gradient: FloatArray, fisher: FloatArray) -> None:
    """Objective, gradient and Fisher matrix of the i-th point without levels."""
    d = z.shape[1]
    objective[i] = 0.0
    for j in range(d):
        objective[i] += 0.5 * z[i, j] * z[i, j]
        gradient[i, j] = z[i, j]
        for k in range(d):
            fisher[i, j, k] = 1.0 if j == k else 0.0


@compiled
def put_level(
    levels: Likelihood,
    level: int,
    f: float,
    slope: FloatArray,
    i: int,
    objective: FloatArray,
    gradient: FloatArray,
    fisher: FloatArray,
) -> tuple[float, float]:
    """Add a level that the i-th point predicts to be f, with ``slope`` [d] of that: its derivatives by f."""
    value, pull, weight, curvature = level_terms(levels, level, f)
    objective[i] += value
    for j in range(len(slope)):
        gradient[i, j] += slope[j] * pull
        for k in range(len(slope)):
            fisher[i, j, k] += slope[j] * weight * slope[k]
    return pull, curvature


@compiled
def adopt(
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
def steepest(gradient: FloatArray) -> float:
    """The largest slope; NaN counts as none, since there is nothing to follow."""
    steepest = 0.0
    for slope in gradient:
        steepest = max(steepest, abs(slope)) if math.isfinite(slope) else math.nan
    return steepest


@compiled
def factor(matrix: FloatArray, less: float, lower: FloatArray) -> bool:
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
def solve(lower: FloatArray, right: FloatArray) -> FloatArray:
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
def inverse_of(matrix: FloatArray) -> FloatArray:
    """Of a positive definite matrix; NaN if it is not."""
    d = len(matrix)
    lower, inverse, unit = np.empty((d, d)), np.empty((d, d)), np.zeros(d)
    regular = factor(matrix, 0.0, lower)
    for k in range(d):
        unit[k] = 1.0
        column = solve(lower, unit)
        unit[k] = 0.0
        for j in range(d):
            inverse[j, k] = column[j] if regular else math.nan
    return inverse


@compiled
def propose(
    z: FloatArray,
    gradient: FloatArray,
    fisher: FloatArray,
    damping: FloatArray,
    trial: FloatArray,
    active: IntArray,
) -> int:
    """Levenberg-Marquardt steps on the Fisher matrix: fill ``trial`` and ``active`` for the points [n, d]
    that are still on their way, and say how many they are."""
    n, d = z.shape
    count, lower, matrix = 0, np.empty((d, d)), np.empty((d, d))
    for i in range(n):
        if steepest(gradient[i]) > NEAR and damping[i] < MOST_DAMPING:
            for j in range(d):
                for k in range(d):
                    matrix[j, k] = fisher[i, j, k] * (1.0 + damping[i] if j == k else 1.0)
            if not factor(matrix, 0.0, lower):
                damping[i] = math.inf
                continue
            step = solve(lower, gradient[i])
            square = 0.0
            for k in range(d):
                square += step[k] * step[k]
            share = min(1.0, LONGEST_STEP / max(math.sqrt(square), LONGEST_STEP))
            for k in range(d):
                trial[count, k] = z[i, k] - share * step[k]
            active[count] = i
            count += 1
    return count


@compiled
def accept(
    count: int,
    active: IntArray,
    z: FloatArray,
    objective: FloatArray,
    gradient: FloatArray,
    fisher: FloatArray,
    damping: FloatArray,
    trial: FloatArray,
    new_objective: FloatArray,
    new_gradient: FloatArray,
    new_fisher: FloatArray,
) -> None:
    """Take the proposed steps that lead down; shorten the others."""
    for a in range(count):
        i = active[a]
        if new_objective[a] < objective[i]:
            adopt(i, z, objective, gradient, fisher, a, trial, new_objective, new_gradient, new_fisher)
            damping[i] = max(damping[i] * 0.1, LEAST_DAMPING)
        else:
            damping[i] *= 10.0


@compiled
def distance(one: FloatArray, other: FloatArray) -> float:
    """Between two points [d]."""
    square = 0.0
    for k in range(len(one)):
        square += (one[k] - other[k]) ** 2
    return math.sqrt(square)


@compiled
def give_up(z: FloatArray, objective: FloatArray, damping: FloatArray) -> None:
    """Mark every point [n, d] that is close to a better one with an infinite objective and damping."""
    for i in range(len(z)):
        for other in range(len(z)):
            better = objective[other] < objective[i] or (objective[other] == objective[i] and other < i)
            if better and math.isfinite(objective[i]) and distance(z[i], z[other]) < FOLLOWS:
                objective[i], damping[i] = math.inf, math.inf


@compiled
def worth_reporting(objective: FloatArray, slope: FloatArray) -> IntArray:
    """Places of the modes to keep, best first: the best, and what is settled and not much less likely."""
    order = np.argsort(objective, kind="mergesort")
    kept = 0
    for place in range(len(order)):
        mode = order[place]
        near = objective[mode] < objective[order[0]] + WORTH_REPORTING
        if place == 0 or (slope[mode] < SETTLED and near):
            order[kept] = mode
            kept += 1
    return order[:kept]
