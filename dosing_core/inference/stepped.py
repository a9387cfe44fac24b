"""The levels' density and its modes for systems that are solved by steps: one kernel from start to end.

The solver's error is common to all particles of a block, because they take the same steps: what a block
computes is a smooth function of the random effects, whose differences are as exact as its arithmetic, far
more than its values. So the points of a difference always stand in one block.

On the way down differences are one-sided and the solver is coarse: that moves the end by a few thousandths of
a prior standard deviation, and Newton's method goes on from there with a fine solver.

Everything is written into the one kernel ``modes``: a kernel that another calls is compiled again with it,
and the solver within takes long to compile.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dosing_core.inference.descent import (
    APART,
    FIRST_DAMPING,
    ITERATIONS,
    LEAST_CURVATURE,
    NEAR,
    NEWTON_STEPS,
    SETTLED,
    accept,
    distance,
    factor,
    give_up,
    inverse_of,
    neighbours,
    propose,
    put_level,
    put_prior,
    slopes,
    steepest,
    to_eta,
    worth_reporting,
)
from dosing_core.inference.likelihood import Likelihood, likelihood
from dosing_core.inference.observations import Observations
from dosing_core.kinetics import DoseTable, course, ode
from dosing_core.kinetics.compiled import compiled, inlined
from dosing_core.kinetics.course import Equations, Treatment
from dosing_core.kinetics.equations import equations
from dosing_core.kinetics.parameters import Effects, effects, individual_parameters
from dosing_core.kinetics.rows import W
from dosing_core.population.individual import FloatArray, Individual
from dosing_core.population.system import System

STEP = 1e-3
"""Difference in z: its square is the error of a first difference, and far above that of the arithmetic."""
MOST_EFFECTS = W - 1
"""Beyond, a point and its neighbours do not fit in a block."""
AT_ONCE = 4
"""So many effects at most have all points that second differences need in one block."""


class Problem(NamedTuple):
    """One patient's levels as the kernels take them."""

    lower: FloatArray
    """[d, d] random effects are ``lower`` times z."""
    effects: Effects
    equations: Equations
    treatment: Treatment
    levels: Likelihood


def problem(individual: Individual, doses: DoseTable, levels: Observations, lower: FloatArray) -> Problem:
    """Lay out one patient's events and levels once; ``lower`` times its transpose is omega."""
    if not isinstance(individual.structure, System):
        raise ValueError("a closed form is not solved by steps")
    return Problem(
        lower=np.ascontiguousarray(lower),
        effects=effects(individual),
        equations=equations(individual.structure),
        treatment=ode.layout(individual, doses, levels.time, levels.output),
        levels=likelihood(individual, levels),
    )


@inlined
def predictions(problem: Problem, z: FloatArray, tolerance: float, together: int) -> FloatArray:
    """What is observed [n, n_levels] at whitened random effects z [n, d], in the outputs' units."""
    return course.run(
        individual_parameters(problem.effects, to_eta(problem.lower, z)),
        problem.equations,
        problem.treatment,
        np.empty((0, 0)),
        tolerance,
        together * (W // together),
        len(problem.levels.value),
        bool(0),  # A literal False would compile a kernel of its own.
        np.empty((0, 0)),
    )


@inlined
def _ahead(
    problem: Problem,
    z: FloatArray,
    tolerance: float,
    objective: FloatArray,
    gradient: FloatArray,
    fisher: FloatArray,
) -> None:
    """Objective [n], gradient [n, d] and Fisher matrix [n, d, d] at z [n, d] by one-sided differences."""
    n, d = z.shape
    points = np.empty((n * (d + 1), d))
    for i in range(n):
        for k in range(d + 1):
            for j in range(d):
                points[(d + 1) * i + k, j] = z[i, j] + (STEP if k == j + 1 else 0.0)
    predicted = predictions(problem, points, tolerance, d + 1)
    slope = np.empty(d)
    for i in range(n):
        put_prior(i, z, objective, gradient, fisher)
        for level in range(predicted.shape[1]):
            here = predicted[(d + 1) * i, level]
            for k in range(d):
                slope[k] = (predicted[(d + 1) * i + k + 1, level] - here) / STEP
            put_level(problem.levels, level, here, slope, i, objective, gradient, fisher)
        if not np.isfinite(objective[i]):
            objective[i] = np.inf


@inlined
def _around(
    problem: Problem,
    z: FloatArray,
    tolerance: float,
    objective: FloatArray,
    gradient: FloatArray,
    fisher: FloatArray,
) -> None:
    """The same by central differences."""
    predicted = predictions(problem, neighbours(z, STEP), tolerance, 2)
    slopes(problem.levels, predicted, STEP, z, objective, gradient, fisher)


@inlined
def descend(problem: Problem, starts: FloatArray, tolerance: float) -> tuple[FloatArray, FloatArray, int]:
    """Levenberg-Marquardt on the Fisher matrix, all starts [n, d] in lockstep.

    Returns where each start ended, its objective, and the steps taken. A start that comes close to a better
    one would only follow it: it is given up, at an infinite objective.
    """
    n, d = starts.shape
    z, objective = starts.copy(), np.empty(n)
    gradient, fisher = np.empty((n, d)), np.empty((n, d, d))
    _ahead(problem, z, tolerance, objective, gradient, fisher)
    trial, new_objective = np.empty((n, d)), np.empty(n)
    new_gradient, new_fisher = np.empty((n, d)), np.empty((n, d, d))
    damping, active = np.full(n, FIRST_DAMPING), np.empty(n, dtype=np.int64)
    for iteration in range(ITERATIONS):
        count = propose(z, gradient, fisher, damping, trial, active)
        if count == 0:
            return z, objective, iteration
        _ahead(problem, trial[:count], tolerance, new_objective, new_gradient, new_fisher)
        accept(
            count,
            active,
            z,
            objective,
            gradient,
            fisher,
            damping,
            trial,
            new_objective,
            new_gradient,
            new_fisher,
        )
        give_up(z, objective, damping)
    return z, objective, ITERATIONS


@inlined
def _curved(
    problem: Problem,
    z: FloatArray,
    tolerance: float,
    objective: FloatArray,
    gradient: FloatArray,
    fisher: FloatArray,
    hessian: FloatArray,
) -> None:
    """As ``_around`` at one z [1, d], and the Hessian [d, d]. With few effects all points are in one block;
    that of the levels' objective by f is known, so only the predictions are differenced, all to one side.
    With more, the gradients around z are."""
    d = z.shape[1]
    if d > AT_ONCE:
        near = np.empty((2 * d + 1, d))
        for i in range(2 * d + 1):
            for j in range(d):
                near[i, j] = z[0, j]
        for j in range(d):
            near[1 + j, j] += STEP
            near[1 + d + j, j] -= STEP
        values, pulls, weights = np.empty(len(near)), np.empty((len(near), d)), np.empty((len(near), d, d))
        _around(problem, near, tolerance, values, pulls, weights)
        objective[0] = values[0]
        for j in range(d):
            gradient[0, j] = pulls[0, j]
            for k in range(d):
                fisher[0, j, k] = weights[0, j, k]
                by_j = pulls[1 + j, k] - pulls[1 + d + j, k]
                by_k = pulls[1 + k, j] - pulls[1 + d + k, j]
                hessian[j, k] = (by_j + by_k) / (4.0 * STEP)
        return
    # z, one step along each effect, then one along each two.
    points = np.empty((1 + d + d * (d + 1) // 2, d))
    for i in range(len(points)):
        for j in range(d):
            points[i, j] = z[0, j]
    at = 1 + d
    for j in range(d):
        points[1 + j, j] += STEP
        for k in range(j + 1):
            points[at, j] += STEP
            points[at, k] += STEP
            at += 1
    predicted = predictions(problem, points, tolerance, W)
    put_prior(0, z, objective, gradient, fisher)
    slope = np.empty(d)
    for j in range(d):
        for k in range(d):
            hessian[j, k] = 1.0 if j == k else 0.0
    for level in range(predicted.shape[1]):
        f = predicted[:, level]
        for j in range(d):
            twice = f[1 + d + j * (j + 3) // 2]
            slope[j] = (4.0 * f[1 + j] - 3.0 * f[0] - twice) / (2.0 * STEP)
        pull, curvature = put_level(problem.levels, level, f[0], slope, 0, objective, gradient, fisher)
        at = 1 + d
        for j in range(d):
            for k in range(j + 1):
                second = (f[at] - f[1 + j] - f[1 + k] + f[0]) / (STEP * STEP)
                change = curvature * slope[j] * slope[k] + pull * second
                hessian[j, k] += change
                if k < j:
                    hessian[k, j] += change
                at += 1
    if not np.isfinite(objective[0]):
        objective[0] = np.inf


@inlined
def finish(
    problem: Problem, start: FloatArray, tolerance: float
) -> tuple[FloatArray, float, float, FloatArray]:
    """Newton steps from near a mode, [d]: the mode, its objective, largest slope, and covariance of z there.

    The Hessian of the start serves all steps: near a mode it hardly changes. The covariance is its inverse,
    or that of the Fisher matrix where it is not positive definite.
    """
    d = len(start)
    z, trial = np.empty((1, d)), np.empty((1, d))
    for j in range(d):
        z[0, j] = start[j]
    objective, gradient, fisher = np.empty(1), np.empty((1, d)), np.empty((1, d, d))
    new_objective, new_gradient, new_fisher = np.empty(1), np.empty((1, d)), np.empty((1, d, d))
    hessian, lower = np.empty((d, d)), np.empty((d, d))
    _curved(problem, z, tolerance, objective, gradient, fisher, hessian)
    regular = factor(hessian, LEAST_CURVATURE, lower)
    covariance = inverse_of(hessian) if regular else inverse_of(fisher[0])
    for _ in range(NEWTON_STEPS):
        if steepest(gradient[0]) < NEAR * SETTLED:
            break
        for j in range(d):
            trial[0, j] = z[0, j]
            for k in range(d):
                trial[0, j] -= covariance[j, k] * gradient[0, k]
        _around(problem, trial, tolerance, new_objective, new_gradient, new_fisher)
        if not new_objective[0] <= objective[0] + tolerance * (1.0 + abs(objective[0])):
            break
        objective[0] = new_objective[0]
        for j in range(d):
            z[0, j], gradient[0, j] = trial[0, j], new_gradient[0, j]
    return z[0], objective[0], steepest(gradient[0]), covariance


@compiled
def modes(
    problem: Problem, starts: FloatArray, fine: float, coarse: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, int]:
    """Descend from all starts [n, d] at tolerance ``coarse``, finish at ``fine`` where they end apart, and
    keep the modes worth reporting.

    Returns z [k, d], objective [k], largest slope [k] and covariance of z [k, d, d], best first, and the
    steps taken.
    """
    n, d = starts.shape
    ends, end_objective, iterations = descend(problem, starts, coarse)
    z, objective, slope = np.empty((n, d)), np.empty(n), np.empty(n)
    covariance = np.empty((n, d, d))
    found = 0
    for start in np.argsort(end_objective, kind="mergesort"):
        if found > 0 and not np.isfinite(end_objective[start]):
            break
        new = True
        for other in range(found):
            new = new and distance(ends[start], z[other]) > APART
        if not new:
            continue
        at, value, steepness, spread = finish(problem, ends[start], fine)
        for other in range(found):
            new = new and distance(at, z[other]) > APART
        if not new:
            continue
        objective[found], slope[found] = value, steepness
        for j in range(d):
            z[found, j] = at[j]
            for k in range(d):
                covariance[found, j, k] = spread[j, k]
        found += 1
    order = worth_reporting(objective[:found], slope)
    return z[order], objective[order], slope[order], covariance[order], iterations
