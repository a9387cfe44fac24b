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

from dosing_core.kinetics.compiled import compiled
from dosing_core.kinetics.explicit import (
    ALIVE,
    CLOCK,
    COUNTING,
    ERROR,
    FIRST,
    HOURS,
    LEAST_STEP,
    LENGTH,
    NEW,
    SECTIONS,
    WORST,
    K,
    Motion,
    Y,
    accept,
    first_step,
    freeze,
    freeze_erring,
    freeze_unbounded,
    into_registers,
    longest_step,
    slopes,
    worst_error,
)
from dosing_core.kinetics.tape import Tape, run_tape
from dosing_core.population.individual import BoolArray, FloatArray, IntArray

MOST_STEPS = 10_000
"""Steps of one segment after which the particle that errs most is given up, as after every ``GRACE`` more."""
GRACE = 50

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
def factorise(fills: BoolArray, factors: FloatArray, lanes: int) -> None:
    """Turn matrices [n, n, lanes] into triangular factors, the diagonal of the upper one inverted."""
    n = len(fills)
    for pivot in range(n):
        diagonal = factors[pivot, pivot]
        for lane in range(lanes):
            diagonal[lane] = 1.0 / diagonal[lane]
        for row in range(pivot + 1, n):
            if fills[row, pivot]:
                below = factors[row, pivot]
                for lane in range(lanes):
                    below[lane] *= diagonal[lane]
                for column in range(pivot + 1, n):
                    if fills[pivot, column]:
                        target, source = factors[row, column], factors[pivot, column]
                        for lane in range(lanes):
                            target[lane] -= below[lane] * source[lane]


@compiled
def solve(fills: BoolArray, factors: FloatArray, block: FloatArray, first: int, lanes: int) -> None:
    """Solve in place for the rows of ``block`` from ``first`` on."""
    n = len(fills)
    for row in range(n):
        target = block[first + row]
        for column in range(row):
            if fills[row, column]:
                source, factor = block[first + column], factors[row, column]
                for lane in range(lanes):
                    target[lane] -= factor[lane] * source[lane]
    for row in range(n - 1, -1, -1):
        target = block[first + row]
        for column in range(row + 1, n):
            if fills[row, column]:
                source, factor = block[first + column], factors[row, column]
                for lane in range(lanes):
                    target[lane] -= factor[lane] * source[lane]
        inverse = factors[row, row]
        for lane in range(lanes):
            target[lane] *= inverse[lane]


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
    lanes: int,
) -> None:
    """Run the program of derivatives at the block's states and fill the rows of ``DRIFT``."""
    into_registers(registers, block, n_parameters, n_states, FIRST + Y * total, lanes)
    if timed:
        for lane in range(lanes):
            gone = s * block[LENGTH, lane]
            registers[n_parameters + n_states, lane] = block[HOURS, lane] + gone
            registers[n_parameters + n_states + 1, lane] = (block[CLOCK, lane] + gone) % 24.0
    run_tape(jacobian.tape.code, jacobian.tape.steady, len(jacobian.tape.code), registers, lanes)
    for state in range(total):
        drift = block[FIRST + DRIFT * total + state]
        drift[:] = 0.0
        if jacobian.drift[state] >= 0:
            value = registers[jacobian.drift[state]]
            for lane in range(lanes):
                counts = block[COUNTING, lane] if state >= n_states else 1.0
                drift[lane] = block[LENGTH, lane] ** 2 * counts * value[lane]


@compiled
def _matrix(
    jacobian: Jacobian,
    registers: FloatArray,
    block: FloatArray,
    factors: FloatArray,
    n_states: int,
    h: float,
    lanes: int,
) -> None:
    """Fill and factorise 1 / (gamma h) - Jacobian."""
    n = len(factors)
    factors[:] = 0.0
    for row in range(n):
        factors[row, row] = 1.0 / (_GAMMA * h)
    length = block[LENGTH]
    for entry in range(len(jacobian.entries)):
        row, column = jacobian.entries[entry, 0], jacobian.entries[entry, 1]
        value, target = registers[jacobian.entries[entry, 2]], factors[row, column]
        for lane in range(lanes):
            counts = block[COUNTING, lane] if row >= n_states else 1.0
            target[lane] -= length[lane] * counts * value[lane]
    factorise(jacobian.fills, factors, lanes)


@compiled
def _gather(block: FloatArray, total: int, stage: int, h: float, lanes: int) -> None:
    """Fill the right side of a stage's linear system."""
    for state in range(total):
        right, slope = block[FIRST + (U + stage) * total + state], block[FIRST + (K + stage) * total + state]
        drift, d = block[FIRST + DRIFT * total + state], _DRIFT[stage] * h
        for lane in range(lanes):
            right[lane] = slope[lane] + d * drift[lane]
        for j in range(stage):
            c, uj = _C[stage, j] / h, block[FIRST + (U + j) * total + state]
            for lane in range(lanes):
                right[lane] += c * uj[lane]


@compiled
def _place(block: FloatArray, total: int, stage: int, lanes: int) -> None:
    """Fill ``NEW`` with where a stage asks for its slope."""
    for state in range(total):
        x, z = block[FIRST + Y * total + state], block[FIRST + NEW * total + state]
        for lane in range(lanes):
            z[lane] = x[lane]
        for j in range(stage):
            a, uj = _A[stage, j], block[FIRST + (U + j) * total + state]
            for lane in range(lanes):
                z[lane] += a * uj[lane]


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
    lanes: int,
) -> int:
    """Move the block over its segment, from the share ``came`` of it on. Returns the number of steps.

    ``registers`` and ``derivatives`` hold the parameters, and what only they decide, for slopes and Jacobian.
    After ``most`` steps every particle that still errs is given up.
    """
    s, steps, allowed = came, 0, MOST_STEPS
    fresh, rejected = False, False
    h, h_most = 1.0, longest_step(block, longest, lanes)
    while s < 1.0:
        if not fresh:
            into_registers(registers, block, n_parameters, n_states, FIRST + Y * total, lanes)
            slopes(motion, registers, block, n_parameters, n_states, total, timed, s, 0, lanes)
            _linearise(jacobian, derivatives, block, n_parameters, n_states, total, timed, s, lanes)
            fresh = True
            if steps == 0:
                freeze_unbounded(block, total, lanes)
                h = first_step(block, total, tolerance, lanes)
        steps += 1
        left = 1.0 - s
        wanted = min(h, h_most)
        h = wanted
        if h > 0.999 * left:
            h = left
        elif h > 0.5 * left:
            h = 0.5 * left
        _matrix(jacobian, derivatives, block, factors, n_states, h, lanes)
        for stage in range(6):
            if stage > 0:
                _place(block, total, stage, lanes)
                into_registers(registers, block, n_parameters, n_states, FIRST + NEW * total, lanes)
                at = s + _AT[stage] * h
                slopes(motion, registers, block, n_parameters, n_states, total, timed, at, stage, lanes)
            _gather(block, total, stage, h, lanes)
            solve(jacobian.fills, factors, block, FIRST + (U + stage) * total, lanes)
        for state in range(total):
            z, last = block[FIRST + NEW * total + state], block[FIRST + (U + 5) * total + state]
            error = block[FIRST + ERROR * total + state]
            for lane in range(lanes):
                z[lane] += last[lane]
                error[lane] = last[lane]
        largest, within = worst_error(block, total, tolerance, lanes)
        if within:
            s = 1.0 if h == left else s + h
            growth = 6.0 if largest <= 0.0 else min(max(0.9 * largest**-0.25, 0.2), 6.0)
            following = h * (min(growth, 1.0) if rejected else growth)
            h = max(following, wanted) if h < wanted else following
            accept(block, total, h, lanes)
            fresh, rejected = False, False
        else:
            rejected = True
            if h <= LEAST_STEP or steps >= most:
                freeze_erring(block, total, lanes)
            else:
                h *= max(0.9 * largest**-0.25, 0.1) if largest < np.inf else 0.1
        if steps >= allowed:
            allowed += GRACE
            slowest = -1
            for lane in range(lanes):
                errs = slowest < 0 or not block[WORST, lane] <= block[WORST, slowest]
                if block[ALIVE, lane] == 1.0 and errs:
                    slowest = lane
            if slowest < 0:
                break
            freeze(block, total, slowest)
    return steps
