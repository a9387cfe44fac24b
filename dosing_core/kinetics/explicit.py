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

from dosing_core.kinetics import rows
from dosing_core.kinetics.compiled import compiled
from dosing_core.kinetics.rows import W
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
LENGTH, HOURS, CLOCK, COUNTING, PACE, AFTER_ENTRY, ENTERED, WORST, ALIVE = range(9)
"""h of the segment; h since the first dose and hour of the day at its start; 1 where the area counts; h that
the next step may take; h of the first step after the last dose that entered; 1 if one has entered since;
error over tolerance; 1 until frozen."""
FIRST = 9
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
def drain(motion: Motion, registers: FloatArray, block: FloatArray, total: int, s: float) -> None:
    """Fill ``NEW`` of the states that only empty, exactly: a fast depot then bounds no step, and once it is
    empty nothing is left of it but what it gave."""
    for each in range(len(motion.drains)):
        state = motion.drains[each, 0]
        coefficient = motion.drains[each, 1]
        base, rate = FIRST + BASE * total + state, FIRST + RATE * total + state
        new = FIRST + NEW * total + state
        for lane in range(W):
            time = s * block[LENGTH, lane]
            x = registers[coefficient, lane] * time
            left = exponential(x)
            share = (left - 1.0) / x if abs(x) > 1e-4 else 1.0 + x * (0.5 + x * (1.0 / 6.0 + x / 24.0))
            block[new, lane] = block[base, lane] * left + block[rate, lane] * time * share


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
) -> None:
    """Fill the slopes of ``stage`` from the states that stand in the registers, at ``s`` of the segment."""
    tape = motion.tape
    if timed:
        into_clock(registers, block, n_parameters + n_states, s)
    run_tape(tape.code, tape.steady, len(tape.code), registers)
    for state in range(total):
        k, value = FIRST + (K + stage) * total + state, tape.outputs[state]
        if state < n_states:
            rate = FIRST + RATE * total + state
            rows.sum_times(block, k, registers, value, block, rate, block, LENGTH)
        else:
            rows.multiply(block, k, registers, value, block, LENGTH)
            rows.multiply(block, k, block, k, block, COUNTING)


@compiled
def into_clock(registers: FloatArray, block: FloatArray, first: int, s: float) -> None:
    """Fill t and the hour of the day, from register ``first`` on, at ``s`` of the segment."""
    for lane in range(W):
        gone = s * block[LENGTH, lane]
        registers[first, lane] = block[HOURS, lane] + gone
        registers[first + 1, lane] = (block[CLOCK, lane] + gone) % 24.0


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
) -> None:
    """Section ``target`` = (Y if ``plus``) + h · sum of weights · slopes of the first ``count`` stages."""
    for state in stepped:
        start = FIRST + Y * total + state if plus else -1
        slope = FIRST + K * total + state
        to = FIRST + target * total + state
        rows.combination(block, to, block, start, slope, total, weights, count, h)


@compiled
def into_registers(
    registers: FloatArray, block: FloatArray, n_parameters: int, n_states: int, first: int
) -> None:
    """Copy the states that stand in ``block`` from row ``first`` on to where programs read them."""
    for state in range(n_states):
        rows.copy(registers, n_parameters + state, block, first + state)


@compiled
def floors(feeds: BoolArray, block: FloatArray, tolerance: float) -> None:
    """Fill the least sizes; ``feeds[j, i]`` says that state j acts on state i, directly or not."""
    n = len(feeds)
    fed = max(FED, ROUNDING / tolerance)
    for i in range(n):
        floor, own = FIRST + FLOOR * n + i, FIRST + PEAK * n + i
        for lane in range(W):
            block[floor, lane] = OWN * block[own, lane]
        for j in range(n):
            if feeds[j, i]:
                of = FIRST + PEAK * n + j
                for lane in range(W):
                    other = fed * block[of, lane]
                    block[floor, lane] = other if other > block[floor, lane] else block[floor, lane]


@compiled
def freeze(block: FloatArray, total: int, lane: int) -> None:
    """Give a particle up: NaN, and no longer asked."""
    block[ALIVE, lane] = 0.0
    block[WORST, lane] = 0.0
    for state in range(total):
        block[FIRST + Y * total + state, lane] = np.nan


@compiled
def freeze_unbounded(block: FloatArray, total: int) -> None:
    """Give up every particle whose first slope is not finite."""
    for state in range(total):
        for lane in range(W):
            if block[ALIVE, lane] == 1.0 and not np.isfinite(block[FIRST + K * total + state, lane]):
                freeze(block, total, lane)


@compiled
def freeze_erring(block: FloatArray, total: int) -> None:
    """Give up every particle whose last step was not within the tolerance."""
    for lane in range(W):
        if block[ALIVE, lane] == 1.0 and not block[WORST, lane] <= 1.0:
            freeze(block, total, lane)


@compiled
def worst_error(block: FloatArray, total: int, tolerance: float, h: float) -> tuple[float, bool]:
    """Largest error over tolerance of the particles alive after a step ``h``, and whether all are within it.

    A state that was 0 so far has no size yet: it counts by what it would come to by the segment's end if it
    went on so. Else an input that jumps from nothing inside a step, as by the hour of the day, would be an
    error as large as the state however short the step.
    """
    share = OWN / h
    for lane in range(W):
        block[WORST, lane] = 0.0
    for state in range(total):
        error, old = FIRST + ERROR * total + state, FIRST + Y * total + state
        new, floor = FIRST + NEW * total + state, FIRST + FLOOR * total + state
        peak = FIRST + PEAK * total + state
        for lane in range(W):
            before, after, worst = abs(block[old, lane]), abs(block[new, lane]), block[WORST, lane]
            size = before if before > after else after
            size = size if size > block[floor, lane] else block[floor, lane]
            begins = share * after if block[peak, lane] == 0.0 else 0.0
            size = size if size > begins else begins
            ratio = abs(block[error, lane]) / (tolerance * size + 1e-300)
            # A NaN must win: ``ratio <= worst`` is false for it.
            block[WORST, lane] = worst if ratio <= worst else ratio
    largest, within = 0.0, True
    for lane in range(W):
        worst = block[WORST, lane]
        if block[ALIVE, lane] == 1.0:
            within = within and worst <= 1.0
            if not worst <= largest:
                largest = worst
    return largest, within


@compiled
def enter(block: FloatArray, lane: int) -> None:
    """A dose enters at once: what follows is as fast as what followed the last one."""
    block[ENTERED, lane] = 1.0
    if 0.0 < block[AFTER_ENTRY, lane] < block[PACE, lane]:
        block[PACE, lane] = block[AFTER_ENTRY, lane]


@compiled
def entered(block: FloatArray, first: float) -> None:
    """Remember what the first step after a dose should have been, ``first`` of the segment, by its error."""
    for lane in range(W):
        if block[ENTERED, lane] == 1.0 and block[LENGTH, lane] > 0.0:
            block[AFTER_ENTRY, lane] = first * block[LENGTH, lane]
            block[ENTERED, lane] = 0.0


@compiled
def first_step(block: FloatArray, total: int, tolerance: float) -> float:
    """Length of a segment's first step: as the segment before would go on, or from the slopes.

    It may be above 1: an instant between two events must not make the steps after it short.
    """
    h = np.inf
    for lane in range(W):
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
def longest_step(block: FloatArray, longest: float) -> float:
    """Share of the segment that ``longest`` h are in every particle; above 1 if the segment is shorter."""
    share = np.inf
    for lane in range(W):
        if block[LENGTH, lane] > 0.0:
            share = min(share, longest / block[LENGTH, lane])
    return share


@compiled
def accept(block: FloatArray, total: int, h: float) -> None:
    """Take the new states and remember sizes, and ``h`` as the length of the next step."""
    for state in range(total):
        y, new, peak = FIRST + Y * total + state, FIRST + NEW * total + state, FIRST + PEAK * total + state
        rows.copy(block, y, block, new)
        for lane in range(W):
            size = abs(block[new, lane])
            block[peak, lane] = size if size > block[peak, lane] else block[peak, lane]
    for lane in range(W):
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
) -> tuple[int, float, int]:
    """Move the block over its segment. Returns ``DONE`` or ``STIFF``, how far it came (0 to 1), and steps.

    The registers must hold the parameters and what only they decide. ``longest``: h of one step at most.
    """
    into_registers(registers, block, n_parameters, n_states, FIRST + Y * total)
    s, steps = 0.0, 0
    slopes(motion, registers, block, n_parameters, n_states, total, timed, s, steps)
    freeze_unbounded(block, total)
    for each in range(len(motion.drains)):
        state = motion.drains[each, 0]
        for lane in range(W):
            block[FIRST + BASE * total + state, lane] = block[FIRST + Y * total + state, lane]
            block[FIRST + K * total + state, lane] = 0.0  # it asks for no first step of its own
            block[FIRST + ERROR * total + state, lane] = 0.0
    h, h_most = first_step(block, total, tolerance), longest_step(block, longest)
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
            combine(block, motion.stepped, total, NEW, _A[stage], stage, h, stage > 0)
            if stage < 6:
                drain(motion, registers, block, total, s + _C[stage] * h)
            into_registers(registers, block, n_parameters, n_states, FIRST + NEW * total)
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
            )
        combine(block, motion.stepped, total, ERROR, _E, 7, h, steps < 0)
        largest, within = worst_error(block, total, tolerance, h)
        if within:
            begins = s == 0.0
            s = 1.0 if h == left else s + h
            growth = 5.0 if largest <= 0.0 else min(max(0.9 * largest**-0.2, 0.2), 5.0)
            following = h * (min(growth, 1.0) if rejected else growth)
            if begins:
                entered(block, following)
            # A step that the segment's end cut short says nothing against a longer one.
            h = max(following, wanted) if h < wanted else following
            accept(block, total, h)
            for state in motion.stepped:
                rows.copy(block, FIRST + K * total + state, block, FIRST + (K + 6) * total + state)
            rejected = False
        else:
            rejected = True
            if h <= LEAST_STEP:
                freeze_erring(block, total)
            else:
                h *= max(0.9 * largest**-0.2, 0.1) if largest < np.inf else 0.1
    return DONE, 1.0, steps
