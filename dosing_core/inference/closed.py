"""The levels' density and its modes for structures in closed form: one kernel from start to end.

``general`` does the same for any other prediction.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dosing_core.errors import InvalidObservation
from dosing_core.inference.descent import (
    APART,
    FIRST_DAMPING,
    ITERATIONS,
    LEAST_CURVATURE,
    NEWTON_STEPS,
    STEEPNESS,
    accept,
    adopt,
    distance,
    factor,
    inverse_of,
    neighbours,
    propose,
    slopes,
    solve,
    steepest,
    to_eta,
    worth_reporting,
)
from dosing_core.inference.likelihood import Likelihood, densities, level_terms, likelihood
from dosing_core.inference.observations import Observations
from dosing_core.kinetics import DoseTable, lockstep
from dosing_core.kinetics.compiled import compiled
from dosing_core.kinetics.events import build_events, rows_at
from dosing_core.kinetics.parameters import Effects, effects, individual_parameters
from dosing_core.population.individual import FloatArray, Individual, IntArray

STEP = 3e-4
"""Difference in z. For a kernel exact to 1e-14, first differences err by about 1e-8 and second ones by 1e-7
of themselves."""


class Problem(NamedTuple):
    """One patient's levels as the kernels take them."""

    lower: FloatArray
    """[d, d] random effects are ``lower`` times z."""
    effects: Effects
    event_time: FloatArray
    event_kind: IntArray
    event_value: FloatArray
    event_index: IntArray
    depot_time: FloatArray
    depot_amount: FloatArray
    depot_row: IntArray
    binding: FloatArray
    """[n_levels, 2], capacity 0 where nothing binds."""
    levels: Likelihood


def problem(individual: Individual, doses: DoseTable, levels: Observations, lower: FloatArray) -> Problem:
    """Lay out one patient's events and levels once; ``lower`` times its transpose is omega.

    Raises ``InvalidObservation`` for a level that the structure does not predict.
    """
    if levels.output.any():
        raise InvalidObservation(int(np.argmax(levels.output > 0)), "the model predicts one output only")
    events = build_events(individual, doses, levels.time)
    binding = individual.binding
    return Problem(
        lower=np.ascontiguousarray(lower),
        effects=effects(individual),
        event_time=events.time,
        event_kind=events.kind,
        event_value=events.value,
        event_index=events.index,
        depot_time=events.depot_time,
        depot_amount=events.depot_amount,
        depot_row=events.depot_row,
        binding=_unbound(len(levels))
        if binding is None
        else np.ascontiguousarray(binding[rows_at(individual, levels.time)]),
        levels=likelihood(individual, levels),
    )


def _unbound(n: int) -> FloatArray:
    """Binding of capacity 0 at constant 1."""
    nothing = np.zeros((n, 2))
    nothing[:, 1] = 1.0
    return nothing


@compiled
def predictions(problem: Problem, z: FloatArray) -> FloatArray:
    """Measured concentration [n, n_levels] that whitened random effects z [n, d] predict, mg/L."""
    f = lockstep.run(
        individual_parameters(problem.effects, to_eta(problem.lower, z)),
        problem.event_time,
        problem.event_kind,
        problem.event_value,
        problem.event_index,
        problem.depot_time,
        problem.depot_amount,
        problem.depot_row,
        len(problem.levels.value),
        bool(0),  # A literal False would compile a kernel of its own.
    )
    for level in range(f.shape[1]):
        if problem.binding[level, 0] > 0.0:
            for i in range(f.shape[0]):
                kinetic = f[i, level]
                bound = problem.binding[level, 0] / (kinetic + problem.binding[level, 1])
                f[i, level] = kinetic * (1.0 + bound)
    return f


@compiled
def level_densities(problem: Problem, z: FloatArray) -> FloatArray:
    """[n, n_levels] weighted log density of each level; finite also where the prediction overflows."""
    return densities(problem.levels, predictions(problem, z))


@compiled
def slopes_at(
    problem: Problem, z: FloatArray, objective: FloatArray, gradient: FloatArray, fisher: FloatArray
) -> None:
    """Fill objective [n], gradient [n, d] and Fisher matrix [n, d, d] at z [n, d]."""
    predicted = predictions(problem, neighbours(z, STEP))
    slopes(problem.levels, predicted, STEP, z, objective, gradient, fisher)


@compiled
def descend(problem: Problem, starts: FloatArray) -> tuple[FloatArray, FloatArray, int]:
    """Levenberg-Marquardt on the Fisher matrix, all starts [n, d] in lockstep.

    Returns where each start ended, its objective, and the steps taken.
    """
    n, d = starts.shape
    z, objective = starts.copy(), np.empty(n)
    gradient, fisher = np.empty((n, d)), np.empty((n, d, d))
    slopes_at(problem, z, objective, gradient, fisher)
    trial, new_objective = np.empty((n, d)), np.empty(n)
    new_gradient, new_fisher = np.empty((n, d)), np.empty((n, d, d))
    damping, active = np.full(n, FIRST_DAMPING), np.empty(n, dtype=np.int64)
    for iteration in range(ITERATIONS):
        count = propose(z, gradient, fisher, damping, trial, active)
        if count == 0:
            return z, objective, iteration
        slopes_at(problem, trial[:count], new_objective, new_gradient, new_fisher)
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
    return z, objective, ITERATIONS


@compiled
def _surroundings(z: FloatArray) -> FloatArray:
    """``neighbours`` of one z [1, d], then for each two directions the points up and down along both."""
    d = z.shape[1]
    near = neighbours(z, STEP)
    points = np.empty((len(near) + d * (d - 1), d))
    for i in range(len(near)):
        for j in range(d):
            points[i, j] = near[i, j]
    at = len(near)
    for j in range(d):
        for k in range(j):
            for i in range(d):
                points[at, i], points[at + 1, i] = z[0, i], z[0, i]
            points[at, j] += STEP
            points[at, k] += STEP
            points[at + 1, j] -= STEP
            points[at + 1, k] -= STEP
            at += 2
    return points


@compiled
def _curved(
    problem: Problem,
    z: FloatArray,
    objective: FloatArray,
    gradient: FloatArray,
    fisher: FloatArray,
    hessian: FloatArray,
) -> None:
    """As ``slopes_at`` at one z [1, d], and the Hessian [d, d]: that of the levels' objective by f is known,
    so only the predictions are differenced."""
    d, square = z.shape[1], STEP * STEP
    predicted = predictions(problem, _surroundings(z))
    slopes(problem.levels, predicted, STEP, z, objective, gradient, fisher)
    slope = np.empty(d)
    for j in range(d):
        for k in range(d):
            hessian[j, k] = 1.0 if j == k else 0.0
    for level in range(predicted.shape[1]):
        f = predicted[:, level]
        here = f[2 * d]
        _, pull, _, curvature = level_terms(problem.levels, level, here)
        for k in range(d):
            slope[k] = (f[2 * k] - f[2 * k + 1]) / (2.0 * STEP)
        at = 2 * d + 1
        for j in range(d):
            around = f[2 * j] + f[2 * j + 1]
            second = (around - 2.0 * here) / square
            hessian[j, j] += curvature * slope[j] * slope[j] + pull * second
            for k in range(j):
                both = f[at] + f[at + 1] - around - f[2 * k] - f[2 * k + 1] + 2.0 * here
                change = curvature * slope[j] * slope[k] + pull * both / (2.0 * square)
                hessian[j, k] += change
                hessian[k, j] += change
                at += 2


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
    hessian, new_hessian, lower = np.empty((d, d)), np.empty((d, d)), np.empty((d, d))
    _curved(problem, z, objective, gradient, fisher, hessian)
    for _ in range(NEWTON_STEPS):
        if steepest(gradient[0]) < STEEPNESS or not factor(hessian, LEAST_CURVATURE, lower):
            break
        step = solve(lower, gradient[0])
        for j in range(d):
            trial[0, j] = z[0, j] - step[j]
        _curved(problem, trial, new_objective, new_gradient, new_fisher, new_hessian)
        if not new_objective[0] <= objective[0] + 1e-12 * (1.0 + abs(objective[0])):
            break
        adopt(0, z, objective, gradient, fisher, 0, trial, new_objective, new_gradient, new_fisher)
        for j in range(d):
            for k in range(d):
                hessian[j, k] = new_hessian[j, k]
    regular = factor(hessian, LEAST_CURVATURE, lower)
    covariance = inverse_of(hessian) if regular else inverse_of(fisher[0])
    return z[0], objective[0], steepest(gradient[0]), covariance


@compiled
def modes(problem: Problem, starts: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, int]:
    """Descend from all starts [n, d], finish where they end apart, and keep the modes worth reporting.

    Returns z [k, d], objective [k], largest slope [k] and covariance of z [k, d, d], best first, and the
    steps taken.
    """
    n, d = starts.shape
    ends, end_objective, iterations = descend(problem, starts)
    z, objective, slope = np.empty((n, d)), np.empty(n), np.empty(n)
    covariance = np.empty((n, d, d))
    found = 0
    for start in np.argsort(end_objective, kind="mergesort"):
        new = True
        for other in range(found):
            new = new and distance(ends[start], z[other]) > APART
        if not new:
            continue
        at, value, steepness, spread = finish(problem, ends[start])
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
