"""Dormand-Prince steps of a block of particles over one segment between events.

Each particle's segment has its own length, because lags differ, so time runs from 0 to 1 for all of them and
slopes are multiplied by the length. All take the same steps; the particle that errs most sets them. That
costs a few steps more for most particles, and makes every loop over particles ("lanes") a vector
instruction: measured, 12 times as fast as one particle after the other.

A particle whose slope is not finite, or that needs steps below ``LEAST_STEP``, is frozen as NaN; the others
go on as if it were not there. Errors are compared as ``not (error <= 1)``, since a NaN is not above 1 either.

Everything about a block stands in one array, rows by lanes: to hand a kernel thirty arrays takes longer than
what it does with them.

Coefficients: Dormand and Prince, J Comput Appl Math 1980;6:19, with the step control of Hairer, Nørsett and
Wanner, Solving Ordinary Differential Equations I, II.4.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dosing_core.kinetics.compiled import compiled
from dosing_core.kinetics.tape import Tape, exponential, run_tape
from dosing_core.population.individual import BoolArray, FloatArray

LEAST_STEP = 1e-11
"""Of a segment. A solution that needs less is not one."""
MOST_STEPS = 1000
"""Steps of one segment after which the system counts as stiff. An explicit step is bounded by the fastest
rate, 3.3 of its time constants, so these are a fast rate 3,000 time constants long."""
OWN = 1e-4
"""A state's error is relative to its size, but not below this share of the largest it has been."""
FED = 1e-11
"""Nor below this share of the largest of the states that feed it. While the last of a chain of compartments
is empty, no step is short enough for an error relative to itself."""
ROUNDING = 1e-14
"""Nor is an error below this share of them one of the step: it is of the arithmetic."""

DONE, STIFF = 0, 1

# Rows of a block: one each,
LENGTH, HOURS, CLOCK, COUNTING, PACE, WORST, ALIVE = range(7)
"""h of the segment; h since the first dose and hour of the day at its start; 1 where the area counts; h that
the next step may take; error over tolerance; 1 until frozen."""
FIRST = 7
# then one a state (the system's, and the area if one is asked for) of each of these:
Y, RATE, PEAK, FLOOR, NEW, ERROR, BASE, K = range(8)
"""Value; mg/h that run in; largest size so far; least size that an error is relative to; value after the
step; error of the step; value at the segment's start; slopes of the seven stages."""
SECTIONS = K + 7

_C = np.array([0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0])
_A = np.array(
    [
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [1 / 5, 0.0, 0.0, 0.0, 0.0, 0.0],
        [3 / 40, 9 / 40, 0.0, 0.0, 0.0, 0.0],
        [44 / 45, -56 / 15, 32 / 9, 0.0, 0.0, 0.0],
        [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0.0, 0.0],
        [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0.0],
        [35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
    ]
)
_E = np.array([71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])


class Motion(NamedTuple):
    """How states change."""

    tape: Tape
    """Derivatives of all states, over parameters, states, t and clock."""
    stepped: NDArray[np.int64]
    """States that take steps."""
    drains: NDArray[np.int64]
    """[n, 2] the others: each only empties (a depot), at a rate in this register."""


@compiled
def drain(motion: Motion, registers: FloatArray, block: FloatArray, total: int, s: float, lanes: int) -> None:
    """Fill ``NEW`` of the states that only empty, exactly: a fast depot then bounds no step, and once it is
    empty nothing is left of it but what it gave."""
    for each in range(len(motion.drains)):
        state = motion.drains[each, 0]
        coefficient = registers[motion.drains[each, 1]]
        base, rate = block[FIRST + BASE * total + state], block[FIRST + RATE * total + state]
        new, length = block[FIRST + NEW * total + state], block[LENGTH]
        for lane in range(lanes):
            time = s * length[lane]
            x = coefficient[lane] * time
            left = exponential(x)
            share = (left - 1.0) / x if abs(x) > 1e-4 else 1.0 + x * (0.5 + x * (1.0 / 6.0 + x / 24.0))
            new[lane] = base[lane] * left + rate[lane] * time * share


@compiled
def slopes(
    motion: Motion,
    registers: FloatArray,
    block: FloatArray,
    n_parameters: int,
    n_states: int,
    total: int,
    timed: bool,
    s: float,
    stage: int,
    lanes: int,
) -> None:
    """Fill the slopes of ``stage`` from the states that stand in the registers, at ``s`` of the segment."""
    tape = motion.tape
    length = block[LENGTH]
    if timed:
        t, clock = registers[n_parameters + n_states], registers[n_parameters + n_states + 1]
        for lane in range(lanes):
            t[lane] = block[HOURS, lane] + s * length[lane]
            clock[lane] = (block[CLOCK, lane] + s * length[lane]) % 24.0
    run_tape(tape.code, tape.steady, len(tape.code), registers, lanes)
    for state in range(total):
        k, value = block[FIRST + (K + stage) * total + state], registers[tape.outputs[state]]
        if state < n_states:
            rate = block[FIRST + RATE * total + state]
            for lane in range(lanes):
                k[lane] = length[lane] * (value[lane] + rate[lane])
        else:
            counting = block[COUNTING]
            for lane in range(lanes):
                k[lane] = length[lane] * counting[lane] * value[lane]


@compiled
def combine(
    block: FloatArray,
    stepped: NDArray[np.int64],
    total: int,
    target: int,
    weights: FloatArray,
    count: int,
    h: float,
    plus: bool,
    lanes: int,
) -> None:
    """Section ``target`` = (Y if ``plus``) + h · sum of weights · slopes of the first ``count`` stages."""
    for state in stepped:
        z, x = block[FIRST + target * total + state], block[FIRST + Y * total + state]
        if plus:
            for lane in range(lanes):
                z[lane] = x[lane]
        else:
            for lane in range(lanes):
                z[lane] = 0.0
        for stage in range(0, count - 1, 2):
            a, b = h * weights[stage], h * weights[stage + 1]
            p = block[FIRST + (K + stage) * total + state]
            q = block[FIRST + (K + stage + 1) * total + state]
            for lane in range(lanes):
                z[lane] += a * p[lane] + b * q[lane]
        if count % 2 == 1:
            a = h * weights[count - 1]
            p = block[FIRST + (K + count - 1) * total + state]
            for lane in range(lanes):
                z[lane] += a * p[lane]


@compiled
def into_registers(
    registers: FloatArray, block: FloatArray, n_parameters: int, n_states: int, first: int, lanes: int
) -> None:
    """Copy the states that stand in ``block`` from row ``first`` on to where programs read them."""
    for state in range(n_states):
        for lane in range(lanes):
            registers[n_parameters + state, lane] = block[first + state, lane]


@compiled
def floors(feeds: BoolArray, block: FloatArray, tolerance: float, lanes: int) -> None:
    """Fill the least sizes; ``feeds[j, i]`` says that state j acts on state i, directly or not."""
    n = len(feeds)
    fed = max(FED, ROUNDING / tolerance)
    for i in range(n):
        for lane in range(lanes):
            largest = 0.0
            for j in range(n):
                if feeds[j, i] and block[FIRST + PEAK * n + j, lane] > largest:
                    largest = block[FIRST + PEAK * n + j, lane]
            block[FIRST + FLOOR * n + i, lane] = max(OWN * block[FIRST + PEAK * n + i, lane], fed * largest)


@compiled
def freeze(block: FloatArray, total: int, lane: int) -> None:
    """Give a particle up: NaN, and no longer asked."""
    block[ALIVE, lane] = 0.0
    block[WORST, lane] = 0.0
    for state in range(total):
        block[FIRST + Y * total + state, lane] = np.nan


@compiled
def freeze_unbounded(block: FloatArray, total: int, lanes: int) -> None:
    """Give up every particle whose first slope is not finite."""
    for state in range(total):
        for lane in range(lanes):
            if block[ALIVE, lane] == 1.0 and not np.isfinite(block[FIRST + K * total + state, lane]):
                freeze(block, total, lane)


@compiled
def freeze_erring(block: FloatArray, total: int, lanes: int) -> None:
    """Give up every particle whose last step was not within the tolerance."""
    for lane in range(lanes):
        if block[ALIVE, lane] == 1.0 and not block[WORST, lane] <= 1.0:
            freeze(block, total, lane)


@compiled
def worst_error(block: FloatArray, total: int, tolerance: float, lanes: int) -> tuple[float, bool]:
    """Largest error over tolerance of the particles alive, and whether all are within it."""
    worst = block[WORST]
    for lane in range(lanes):
        worst[lane] = 0.0
    for state in range(total):
        error, old = block[FIRST + ERROR * total + state], block[FIRST + Y * total + state]
        new, floor = block[FIRST + NEW * total + state], block[FIRST + FLOOR * total + state]
        for lane in range(lanes):
            size = abs(old[lane]) if abs(old[lane]) > abs(new[lane]) else abs(new[lane])
            size = size if size > floor[lane] else floor[lane]
            ratio = abs(error[lane]) / (tolerance * size + 1e-300)
            # A NaN must win: ``ratio <= worst`` is false for it.
            worst[lane] = worst[lane] if ratio <= worst[lane] else ratio
    largest, within = 0.0, True
    for lane in range(lanes):
        if block[ALIVE, lane] == 1.0:
            within = within and worst[lane] <= 1.0
            if not worst[lane] <= largest:
                largest = worst[lane]
    return largest, within


@compiled
def first_step(block: FloatArray, total: int, tolerance: float, lanes: int) -> float:
    """Length of a segment's first step: as the segment before would go on, or from the slopes.

    It may be above 1: an instant between two events must not make the steps after it short.
    """
    h = np.inf
    for lane in range(lanes):
        length = block[LENGTH, lane]
        if block[ALIVE, lane] == 1.0 and length > 0.0:
            if block[PACE, lane] > 0.0:
                h = min(h, block[PACE, lane] / length)
            else:
                h = min(h, 1.0)
                for state in range(total):
                    size = abs(block[FIRST + Y * total + state, lane])
                    size = max(size, block[FIRST + FLOOR * total + state, lane])
                    slope = abs(block[FIRST + K * total + state, lane])
                    if size > 0.0 and slope * h > tolerance**0.2 * size:
                        h = tolerance**0.2 * size / slope
    return max(h, 1e-6) if h < np.inf else 1.0


@compiled
def longest_step(block: FloatArray, longest: float, lanes: int) -> float:
    """Share of the segment that ``longest`` h are in every particle; above 1 if the segment is shorter."""
    share = np.inf
    for lane in range(lanes):
        if block[LENGTH, lane] > 0.0:
            share = min(share, longest / block[LENGTH, lane])
    return share


@compiled
def accept(block: FloatArray, total: int, h: float, lanes: int) -> None:
    """Take the new states and remember sizes, and ``h`` as the length of the next step."""
    for state in range(total):
        y, new = block[FIRST + Y * total + state], block[FIRST + NEW * total + state]
        peak = block[FIRST + PEAK * total + state]
        for lane in range(lanes):
            y[lane] = new[lane]
            peak[lane] = abs(new[lane]) if abs(new[lane]) > peak[lane] else peak[lane]
    for lane in range(lanes):
        if block[LENGTH, lane] > 0.0:
            block[PACE, lane] = h * block[LENGTH, lane]


@compiled
def advance(
    motion: Motion,
    registers: FloatArray,
    block: FloatArray,
    n_parameters: int,
    n_states: int,
    total: int,
    timed: bool,
    longest: float,
    tolerance: float,
    lanes: int,
) -> tuple[int, float, int]:
    """Move the block over its segment. Returns ``DONE`` or ``STIFF``, how far it came (0 to 1), and steps.

    The registers must hold the parameters and what only they decide. ``longest``: h of one step at most.
    """
    into_registers(registers, block, n_parameters, n_states, FIRST + Y * total, lanes)
    s, steps = 0.0, 0
    slopes(motion, registers, block, n_parameters, n_states, total, timed, s, steps, lanes)
    freeze_unbounded(block, total, lanes)
    for state in motion.drains[:, 0]:
        for lane in range(lanes):
            block[FIRST + BASE * total + state, lane] = block[FIRST + Y * total + state, lane]
            block[FIRST + K * total + state, lane] = 0.0  # it asks for no first step of its own
            block[FIRST + ERROR * total + state, lane] = 0.0
    h, h_most = first_step(block, total, tolerance, lanes), longest_step(block, longest, lanes)
    rejected = False
    while s < 1.0:
        if steps >= MOST_STEPS:
            return STIFF, s, steps
        steps += 1
        left = 1.0 - s
        wanted = min(h, h_most)
        h = wanted
        if h > 0.999 * left:
            h = left
        elif h > 0.5 * left:
            h = 0.5 * left
        for stage in range(1, 7):
            combine(block, motion.stepped, total, NEW, _A[stage], stage, h, stage > 0, lanes)
            if stage < 6:
                drain(motion, registers, block, total, s + _C[stage] * h, lanes)
            into_registers(registers, block, n_parameters, n_states, FIRST + NEW * total, lanes)
            slopes(
                motion,
                registers,
                block,
                n_parameters,
                n_states,
                total,
                timed,
                s + _C[stage] * h,
                stage,
                lanes,
            )
        combine(block, motion.stepped, total, ERROR, _E, 7, h, steps < 0, lanes)
        largest, within = worst_error(block, total, tolerance, lanes)
        if within:
            s = 1.0 if h == left else s + h
            growth = 5.0 if largest <= 0.0 else min(max(0.9 * largest**-0.2, 0.2), 5.0)
            following = h * (min(growth, 1.0) if rejected else growth)
            # A step that the segment's end cut short says nothing against a longer one.
            h = max(following, wanted) if h < wanted else following
            accept(block, total, h, lanes)
            for state in motion.stepped:
                for lane in range(lanes):
                    block[FIRST + K * total + state, lane] = block[FIRST + (K + 6) * total + state, lane]
            rejected = False
        else:
            rejected = True
            if h <= LEAST_STEP:
                freeze_erring(block, total, lanes)
            else:
                h *= max(0.9 * largest**-0.2, 0.1) if largest < np.inf else 0.1
    return DONE, 1.0, steps
