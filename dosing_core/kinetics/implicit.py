"""Rosenbrock steps of a block of particles over one segment, for systems whose rates span many decades.

Binding to a target may be a million times as fast as elimination; explicit steps would be bounded by the
binding long after it has settled. An implicit step solves a linear system with the Jacobian instead, which is
a program of symbolic derivatives, so it is exact. The method is L-stable and stiffly accurate of order 4(3),
RODAS of Hairer and Wanner, Solving Ordinary Differential Equations II, IV.7; coefficients of their program.

The triangular factors are taken without exchanging rows, lane by lane side by side, and only where the
pattern of the Jacobian lets them be other than 0. Without exchange a pivot may be small; then the error
estimate is large or NaN, the step is halved, and with it the diagonal grows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dosing_core.kinetics import rows
from dosing_core.kinetics.compiled import compiled
from dosing_core.kinetics.explicit import (
    ALIVE,
    COUNTING,
    ERROR,
    FIRST,
    LEAST_STEP,
    LENGTH,
    NEW,
    SECTIONS,
    WORST,
    K,
    Motion,
    Y,
    accept,
    entered,
    first_step,
    freeze,
    freeze_erring,
    freeze_unbounded,
    into_clock,
    into_registers,
    longest_step,
    slopes,
    worst_error,
)
from dosing_core.kinetics.rows import W
from dosing_core.kinetics.tape import Tape, run_tape
from dosing_core.population.individual import BoolArray, FloatArray, IntArray

MOST_STEPS = 10_000
"""Steps of one segment after which the particle that errs most is given up."""
GRACE = 1000
"""Steps after which the next one is: what its neighbours need who were held up by it, at any tolerance."""

_GAMMA = 0.25
_A = np.array(
    [
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [1.544, 0.0, 0.0, 0.0, 0.0],
        [0.9466785280815826, 0.2557011698983284, 0.0, 0.0, 0.0],
        [3.314825187068521, 2.896124015972201, 0.9986419139977817, 0.0, 0.0],
        [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895, 0.0],
        [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895, 1.0],
    ]
)
_C = np.array(
    [
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [-5.6688, 0.0, 0.0, 0.0, 0.0],
        [-2.430093356833875, -0.2063599157091915, 0.0, 0.0, 0.0],
        [-0.1073529058151375, -9.594562251023355, -20.47028614809616, 0.0, 0.0],
        [7.496443313967647, -10.24680431464352, -33.99990352819905, 11.7089089320616, 0.0],
        [8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054],
    ]
)
_AT = np.array([0.0, 0.386, 0.21, 0.63, 1.0, 1.0])
_DRIFT = np.array([0.25, -0.1043, 0.1035, -0.0362, 0.0, 0.0])


class Jacobian(NamedTuple):
    """How slopes change with states and time, as kernels take it."""

    tape: Tape
    entries: IntArray
    """[n_entries, 3] row, column and register of what is not 0."""
    drift: IntArray
    """[states] register of the derivative by time, or -1 where it is 0."""
    fills: BoolArray
    """[states, states] where the triangular factors may be other than 0."""


# Rows of a block beyond those of ``explicit``, one a state of each.
U, DRIFT = SECTIONS, SECTIONS + 6
"""What each stage adds; derivative of the slope by time."""
ALL_SECTIONS = SECTIONS + 7


@compiled
def factorise(fills: BoolArray, factors: FloatArray) -> None:
    """Turn matrices [n · n, W] into triangular factors, the diagonal of the upper one inverted."""
    n = len(fills)
    for pivot in range(n):
        diagonal = pivot * n + pivot
        for lane in range(W):
            factors[diagonal, lane] = 1.0 / factors[diagonal, lane]
        for row in range(pivot + 1, n):
            if fills[row, pivot]:
                below = row * n + pivot
                rows.multiply(factors, below, factors, below, factors, diagonal)
                for column in range(pivot + 1, n):
                    if fills[pivot, column]:
                        to, of = row * n + column, pivot * n + column
                        rows.less_product(factors, to, factors, below, factors, of, factors, to)


@compiled
def solve(fills: BoolArray, factors: FloatArray, block: FloatArray, first: int) -> None:
    """Solve in place for the rows of ``block`` from ``first`` on."""
    n = len(fills)
    for row in range(n):
        to = first + row
        for column in range(row):
            if fills[row, column]:
                rows.less_product(block, to, factors, row * n + column, block, first + column, block, to)
    for row in range(n - 1, -1, -1):
        to = first + row
        for column in range(row + 1, n):
            if fills[row, column]:
                rows.less_product(block, to, factors, row * n + column, block, first + column, block, to)
        rows.multiply(block, to, block, to, factors, row * n + row)


@compiled
def _linearise(
    jacobian: Jacobian,
    registers: FloatArray,
    block: FloatArray,
    n_parameters: int,
    n_states: int,
    total: int,
    timed: bool,
    s: float,
) -> None:
    """Run the program of derivatives at the block's states and fill the rows of ``DRIFT``."""
    into_registers(registers, block, n_parameters, n_states, FIRST + Y * total)
    if timed:
        into_clock(registers, block, n_parameters + n_states, s)
    run_tape(jacobian.tape.code, jacobian.tape.steady, len(jacobian.tape.code), registers)
    for state in range(total):
        drift = FIRST + DRIFT * total + state
        for lane in range(W):
            block[drift, lane] = 0.0
        if jacobian.drift[state] >= 0:
            for lane in range(W):
                counts = block[COUNTING, lane] if state >= n_states else 1.0
                value = registers[jacobian.drift[state], lane]
                block[drift, lane] = block[LENGTH, lane] ** 2 * counts * value


@compiled
def _matrix(
    jacobian: Jacobian,
    registers: FloatArray,
    block: FloatArray,
    factors: FloatArray,
    n_states: int,
    h: float,
) -> None:
    """Fill and factorise 1 / (gamma h) - Jacobian."""
    n, diagonal = len(jacobian.fills), 1.0 / (_GAMMA * h)
    for place in range(n * n):
        value = diagonal if place % (n + 1) == 0 else 0.0
        for lane in range(W):
            factors[place, lane] = value
    for entry in range(len(jacobian.entries)):
        row, slope = jacobian.entries[entry, 0], jacobian.entries[entry, 2]
        to = row * n + jacobian.entries[entry, 1]
        if row < n_states:
            rows.less_product(factors, to, registers, slope, block, LENGTH, factors, to)
        else:
            for lane in range(W):
                factors[to, lane] -= block[LENGTH, lane] * block[COUNTING, lane] * registers[slope, lane]
    factorise(jacobian.fills, factors)


@compiled
def _gather(block: FloatArray, total: int, stage: int, h: float) -> None:
    """Fill the right side of a stage's linear system."""
    for state in range(total):
        to, slope = FIRST + (U + stage) * total + state, FIRST + (K + stage) * total + state
        first, drift = FIRST + U * total + state, FIRST + DRIFT * total + state
        rows.combination(block, to, block, slope, first, total, _C[stage], stage, 1.0 / h)
        rows.combination(block, to, block, to, drift, total, _DRIFT[stage : stage + 1], 1, h)


@compiled
def _place(block: FloatArray, total: int, stage: int) -> None:
    """Fill ``NEW`` with where a stage asks for its slope."""
    for state in range(total):
        start, to, first = FIRST + Y * total + state, FIRST + NEW * total + state, FIRST + U * total + state
        rows.combination(block, to, block, start, first, total, _A[stage], stage, 1.0)


@compiled
def advance(
    motion: Motion,
    registers: FloatArray,
    jacobian: Jacobian,
    derivatives: FloatArray,
    factors: FloatArray,
    block: FloatArray,
    n_parameters: int,
    n_states: int,
    total: int,
    timed: bool,
    longest: float,
    tolerance: float,
    came: float,
    most: int,
) -> int:
    """Move the block over its segment, from the share ``came`` of it on. Returns the number of steps.

    ``registers`` and ``derivatives`` hold the parameters, and what only they decide, for slopes and Jacobian.
    After ``most`` steps every particle that still errs is given up.
    """
    s, steps, allowed = came, 0, MOST_STEPS
    fresh, rejected = False, False
    h, h_most = 1.0, longest_step(block, longest)
    while s < 1.0:
        if not fresh:
            into_registers(registers, block, n_parameters, n_states, FIRST + Y * total)
            slopes(motion, registers, block, n_parameters, n_states, total, timed, s, 0)
            _linearise(jacobian, derivatives, block, n_parameters, n_states, total, timed, s)
            fresh = True
            if steps == 0:
                freeze_unbounded(block, total)
                h = first_step(block, total, tolerance)
        steps += 1
        left = 1.0 - s
        wanted = min(h, h_most)
        h = wanted
        if h > 0.999 * left:
            h = left
        elif h > 0.5 * left:
            h = 0.5 * left
        _matrix(jacobian, derivatives, block, factors, n_states, h)
        for stage in range(6):
            if stage > 0:
                _place(block, total, stage)
                into_registers(registers, block, n_parameters, n_states, FIRST + NEW * total)
                at = s + _AT[stage] * h
                slopes(motion, registers, block, n_parameters, n_states, total, timed, at, stage)
            _gather(block, total, stage, h)
            solve(jacobian.fills, factors, block, FIRST + (U + stage) * total)
        for state in range(total):
            new, last = FIRST + NEW * total + state, FIRST + (U + 5) * total + state
            rows.add(block, new, block, new, block, last)
            rows.copy(block, FIRST + ERROR * total + state, block, last)
        largest, within = worst_error(block, total, tolerance, h)
        if within:
            begins = s == came
            s = 1.0 if h == left else s + h
            growth = 6.0 if largest <= 0.0 else min(max(0.9 * largest**-0.25, 0.2), 6.0)
            following = h * (min(growth, 1.0) if rejected else growth)
            if begins:
                entered(block, following)
            h = max(following, wanted) if h < wanted else following
            accept(block, total, h)
            fresh, rejected = False, False
        else:
            rejected = True
            if h <= LEAST_STEP or steps >= most:
                freeze_erring(block, total)
            else:
                h *= max(0.9 * largest**-0.25, 0.1) if largest < np.inf else 0.1
        if steps >= allowed:
            allowed += GRACE
            slowest = -1
            for lane in range(W):
                # A NaN errs most, and what comes after it no more than it does.
                errs = slowest < 0 or block[WORST, lane] > block[WORST, slowest]
                errs = errs or (np.isnan(block[WORST, lane]) and not np.isnan(block[WORST, slowest]))
                if block[ALIVE, lane] == 1.0 and errs:
                    slowest = lane
            if slowest < 0:
                break
            freeze(block, total, slowest)
    return steps
