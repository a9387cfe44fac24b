"""Modes of many patients in one call: their records as flat columns, no Python a patient.

The columns hold one patient after the other; ``*_from`` [n + 1] says where each begins (compressed sparse
rows). Each patient goes through the same kernels as alone; modes are the same to 1e-8 standard deviations.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dosing_core.inference import closed
from dosing_core.inference.descent import (
    FIRST_DAMPING,
    ITERATIONS,
    SETTLED,
    accept,
    distance,
    propose,
    steepest,
    to_eta,
)
from dosing_core.inference.likelihood import Likelihood
from dosing_core.kinetics import events
from dosing_core.kinetics.compiled import compiled
from dosing_core.kinetics.parameters import Effects
from dosing_core.population.individual import BoolArray, FloatArray, IntArray

HANDOVER = 0.3
"""Largest gradient at which Newton's method takes over from Fisher scoring: earlier than for one patient,
since a start that it does not bring to a mode is done over anyway."""
CLOSE = 0.3
"""Distance in z at which a start counts as on its way to a mode. Two modes are rarely nearer than that, and
never were in the simulated cohorts of the tests."""


class Columns(NamedTuple):
    """Patients of one model in closed form with equally many random effects. Times h, amounts mg."""

    lower: FloatArray
    """[d, d] lower factor of omega."""
    eta_index: IntArray
    """[7], as in ``Individual``; so ``transform`` and ``shape``."""
    transform: IntArray
    shape: FloatArray
    row_from: IntArray
    row_time: FloatArray
    """[rows] start of each row; the first of a patient is ``-inf``."""
    typical: FloatArray
    """[rows, 7]."""
    eta_acts: BoolArray
    """[rows, d]."""
    occasion_index: IntArray
    """[rows, 7]."""
    binding: FloatArray
    """[rows, 2]; capacity 0 where nothing binds."""
    dose_from: IntArray
    dose_time: FloatArray
    """[doses] ascending in each patient."""
    dose_amount: FloatArray
    dose_duration: FloatArray
    dose_depot: BoolArray
    level_from: IntArray
    level_time: FloatArray
    """[levels]."""
    levels: Likelihood
    """Of all levels."""


class Modes(NamedTuple):
    """The best mode of each patient; of one without levels the prior's, with nan for the rest."""

    eta: FloatArray
    """[n, d]."""
    objective: FloatArray
    """[n] negative log of the joint density, without constants."""
    slope: FloatArray
    """[n] largest gradient there."""
    covariance: FloatArray
    """[n, d, d] of the random effects by the curvature."""
    modes: IntArray
    """[n] how many are worth reporting."""
    iterations: IntArray
    """[n]."""


@compiled
def modes(columns: Columns, starts: FloatArray) -> Modes:
    """The modes of all patients; ``starts`` [k, d] as for one."""
    n, d = len(columns.level_from) - 1, len(columns.lower)
    found = Modes(
        np.zeros((n, d)),
        np.zeros(n),
        np.zeros(n),
        np.empty((n, d, d)),
        np.ones(n, dtype=np.int64),
        np.zeros(n, dtype=np.int64),
    )
    for patient in range(n):
        if columns.level_from[patient] == columns.level_from[patient + 1]:
            _spread(columns.lower, np.eye(d), found.covariance, patient)
            continue
        z, objective, slope, covariance, iterations = _modes(_problem(columns, patient), starts)
        eta = to_eta(columns.lower, z[:1])
        for j in range(d):
            found.eta[patient, j] = eta[0, j]
        found.objective[patient], found.slope[patient] = objective[0], slope[0]
        found.modes[patient], found.iterations[patient] = len(objective), iterations
        _spread(columns.lower, covariance[0], found.covariance, patient)
    return found


@compiled
def _modes(
    problem: closed.Problem, starts: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, int]:
    """As ``closed.modes``, sooner where there is one mode, which is nearly always.

    The way down from the prior's mode is finished first. The other starts go on only until they are ``CLOSE``
    to where it ended; if one of them does not come there, everything is done over in full.
    """
    d = starts.shape[1]
    near, first = _descend(problem, starts[:1], starts[0], bool(0))
    at, objective, slope, covariance = closed.finish(problem, near[0])
    if slope < SETTLED:
        ends, more = _descend(problem, starts[1:], at, bool(1))
        apart = 0.0
        for other in range(len(ends)):
            apart = max(apart, distance(ends[other], at))
        if apart < CLOSE:
            return (
                at.copy().reshape((1, d)),
                np.full(1, objective),
                np.full(1, slope),
                covariance.copy().reshape((1, d, d)),
                first + more,
            )
    return closed.modes(problem, starts)


@compiled
def _descend(
    problem: closed.Problem, starts: FloatArray, known: FloatArray, stop_there: bool
) -> tuple[FloatArray, int]:
    """Levenberg-Marquardt from ``starts`` [n, d] until no slope is above ``HANDOVER``, or, if ``stop_there``,
    until each is ``CLOSE`` to the ``known`` mode."""
    n, d = starts.shape
    z, objective = starts.copy(), np.empty(n)
    gradient, fisher = np.empty((n, d)), np.empty((n, d, d))
    closed.slopes_at(problem, z, objective, gradient, fisher)
    trial, new_objective = np.empty((n, d)), np.empty(n)
    new_gradient, new_fisher = np.empty((n, d)), np.empty((n, d, d))
    damping, active = np.full(n, FIRST_DAMPING), np.empty(n, dtype=np.int64)
    for iteration in range(ITERATIONS):
        for i in range(n):
            close = distance(z[i], known) < CLOSE if stop_there else steepest(gradient[i]) < HANDOVER
            if close:
                damping[i] = np.inf  # Goes no further.
        count = propose(z, gradient, fisher, damping, trial, active)
        if count == 0:
            return z, iteration
        closed.slopes_at(problem, trial[:count], new_objective, new_gradient, new_fisher)
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
    return z, ITERATIONS


@compiled
def _spread(lower: FloatArray, whitened: FloatArray, covariance: FloatArray, patient: int) -> None:
    """Covariance of eta = lower z from that of z."""
    d = len(lower)
    for i in range(d):
        for j in range(d):
            total = 0.0
            for k in range(d):
                for m in range(d):
                    total += lower[i, k] * whitened[k, m] * lower[j, m]
            covariance[patient, i, j] = total


@compiled
def _problem(columns: Columns, patient: int) -> closed.Problem:
    """One patient's levels as ``closed.problem`` lays them out."""
    a, b = columns.row_from[patient], columns.row_from[patient + 1]
    k, m = columns.dose_from[patient], columns.dose_from[patient + 1]
    i, j = columns.level_from[patient], columns.level_from[patient + 1]
    time = columns.level_time[i:j]
    row_time = columns.row_time[a:b]
    when, kind, value, index, depot_time, depot_amount, depot_row = events.laid_out(
        row_time,
        columns.dose_time[k:m],
        columns.dose_amount[k:m],
        columns.dose_duration[k:m],
        columns.dose_depot[k:m],
        time,
    )
    binding = np.empty((j - i, 2))
    for level in range(j - i):
        row = a + max(np.searchsorted(row_time, time[level], side="right") - 1, 0)
        binding[level, 0], binding[level, 1] = columns.binding[row, 0], columns.binding[row, 1]
    return closed.Problem(
        columns.lower,
        Effects(
            columns.typical[a:b],
            columns.eta_index,
            columns.eta_acts[a:b],
            columns.occasion_index[a:b],
            columns.transform,
            columns.shape,
        ),
        when,
        kind,
        value,
        index,
        depot_time,
        depot_amount,
        depot_row,
        binding,
        Likelihood(
            columns.levels.value[i:j],
            columns.levels.limit[i:j],
            columns.levels.weight[i:j],
            columns.levels.form[i:j],
            columns.levels.error[i:j],
        ),
    )
