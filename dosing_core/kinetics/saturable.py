"""The commonest system that no formula solves, compiled: up to three compartments between which drug moves
in proportion, a depot that empties into them, and one saturable way out.

    dx/dt = K x + B depot + rate - v x0 / (m + x0) in the first; depot' = k depot

It takes the same steps as ``explicit``, but its equations are compiled: several times as fast as a program of
instructions. Parallel linear and
Michaelis-Menten elimination is of this kind, by mouth, vein or both.

``equations`` finds such systems by their equations, whatever they are called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dosing_core.kinetics import rows
from dosing_core.kinetics.compiled import compiled, inlined
from dosing_core.kinetics.explicit import (
    ALIVE,
    COUNTING,
    DONE,
    FIRST,
    FLOOR,
    LEAST_STEP,
    LENGTH,
    MOST_STEPS,
    PACE,
    PEAK,
    RATE,
    STIFF,
    Y,
    entered,
    freeze,
)
from dosing_core.kinetics.rows import W
from dosing_core.kinetics.tape import Tape, exponential
from dosing_core.population.individual import FloatArray

# Rows of the working space, of W particles each.
K00, K01, K02, K10, K11, K12, K20, K21, K22, B0, B1, B2, KD, V, M, A0, A1, A2, AD = range(19)
COEFFICIENTS = 19
"""In the order of the program's results; all but M times the segment's length, once it is known."""
R0, R1, R2, ALIVE_ROW, BAD = range(19, 24)
"""Rates; 1 until frozen; error over tolerance."""
X0, X1, X2, Q, D, N0, N1, N2, NQ, ND = range(24, 34)
"""States, area and depot, and after the step."""
F0, F1, F2, FQ = range(34, 38)
"""Least sizes."""
D1, D2, D3, D4 = range(38, 42)
"""The depot at the second to the fifth stage."""
S0, S1, S2, SQ = range(42, 46)
"""Slopes at the first stage; each next stage's follow."""
STAGES = 7
ROWS = S0 + 4 * STAGES


class Saturable(NamedTuple):
    """Where a system's states stand, as kernels take it."""

    applies: int
    """1 if the system is of this kind."""
    tape: Tape
    """Over parameters: the coefficients."""
    compartments: int
    """1 to 3."""
    states: NDArray[np.int64]
    """[4] places of the three compartments and the depot; -1 for those that there are not."""


Start = Callable[[FloatArray], None]
Step = Callable[[FloatArray, float, float], None]


def _kernels(compartments: int, area: bool) -> tuple[Start, Step]:
    """The kernels of the first slopes and of one step for so many compartments, with or without an area.

    What there is not is left out when they are compiled. Stages are loops of their own: within one particle
    each waits for the one before, so the processor is kept busy by the others.
    """

    @inlined
    def slope(w: FloatArray, lane: int, stage: int, x0: float, x1: float, x2: float, d: float) -> None:
        """Fill the slopes of one stage."""
        f0 = w[K00 * W + lane] * x0 + w[B0 * W + lane] * d + w[R0 * W + lane]
        if compartments > 1:
            f0 += w[K01 * W + lane] * x1
            f1 = w[K10 * W + lane] * x0 + w[K11 * W + lane] * x1 + w[B1 * W + lane] * d + w[R1 * W + lane]
        if compartments > 2:
            f0 += w[K02 * W + lane] * x2
            f1 += w[K12 * W + lane] * x2
            f2 = w[K20 * W + lane] * x0 + w[K21 * W + lane] * x1 + w[K22 * W + lane] * x2
            w[(S2 + 4 * stage) * W + lane] = f2 + w[B2 * W + lane] * d + w[R2 * W + lane]
        if compartments > 1:
            w[(S1 + 4 * stage) * W + lane] = f1
        if area:
            q = w[A0 * W + lane] * x0 + w[AD * W + lane] * d
            if compartments > 1:
                q += w[A1 * W + lane] * x1
            if compartments > 2:
                q += w[A2 * W + lane] * x2
            w[(SQ + 4 * stage) * W + lane] = q
        w[(S0 + 4 * stage) * W + lane] = f0 - w[V * W + lane] * x0 / (w[M * W + lane] + x0)

    @inlined
    def slope_of(w: FloatArray, lane: int, place: int, stage: int) -> float:
        return float(w[(S0 + 4 * stage + place) * W + lane])

    @inlined
    def at_1(w: FloatArray, lane: int, i: int, h: float) -> float:
        return float(w[(X0 + i) * W + lane] + h * 0.2 * slope_of(w, lane, i, 0))

    @inlined
    def at_2(w: FloatArray, lane: int, i: int, h: float) -> float:
        change = (3.0 / 40.0) * slope_of(w, lane, i, 0) + (9.0 / 40.0) * slope_of(w, lane, i, 1)
        return float(w[(X0 + i) * W + lane] + h * change)

    @inlined
    def at_3(w: FloatArray, lane: int, i: int, h: float) -> float:
        change = (44.0 / 45.0) * slope_of(w, lane, i, 0) - (56.0 / 15.0) * slope_of(w, lane, i, 1)
        return float(w[(X0 + i) * W + lane] + h * (change + (32.0 / 9.0) * slope_of(w, lane, i, 2)))

    @inlined
    def at_4(w: FloatArray, lane: int, i: int, h: float) -> float:
        change = (19372.0 / 6561.0) * slope_of(w, lane, i, 0) - (25360.0 / 2187.0) * slope_of(w, lane, i, 1)
        change += (64448.0 / 6561.0) * slope_of(w, lane, i, 2) - (212.0 / 729.0) * slope_of(w, lane, i, 3)
        return float(w[(X0 + i) * W + lane] + h * change)

    @inlined
    def at_5(w: FloatArray, lane: int, i: int, h: float) -> float:
        change = (9017.0 / 3168.0) * slope_of(w, lane, i, 0) - (355.0 / 33.0) * slope_of(w, lane, i, 1)
        change += (46732.0 / 5247.0) * slope_of(w, lane, i, 2) + (49.0 / 176.0) * slope_of(w, lane, i, 3)
        return float(w[(X0 + i) * W + lane] + h * (change - (5103.0 / 18656.0) * slope_of(w, lane, i, 4)))

    @inlined
    def at_6(w: FloatArray, lane: int, i: int, h: float) -> float:
        change = (35.0 / 384.0) * slope_of(w, lane, i, 0) + (500.0 / 1113.0) * slope_of(w, lane, i, 2)
        change += (125.0 / 192.0) * slope_of(w, lane, i, 3) - (2187.0 / 6784.0) * slope_of(w, lane, i, 4)
        return float(w[(X0 + i) * W + lane] + h * (change + (11.0 / 84.0) * slope_of(w, lane, i, 5)))

    @inlined
    def ratio(w: FloatArray, lane: int, i: int, h: float, tolerance: float) -> float:
        """Error over tolerance."""
        error = (71.0 / 57600.0) * slope_of(w, lane, i, 0) - (71.0 / 16695.0) * slope_of(w, lane, i, 2)
        error += (71.0 / 1920.0) * slope_of(w, lane, i, 3) - (17253.0 / 339200.0) * slope_of(w, lane, i, 4)
        error += (22.0 / 525.0) * slope_of(w, lane, i, 5) - (1.0 / 40.0) * slope_of(w, lane, i, 6)
        old, new, floor = abs(w[(X0 + i) * W + lane]), abs(w[(N0 + i) * W + lane]), w[(F0 + i) * W + lane]
        size = old if old > new else new
        size = size if size > floor else floor
        return float(abs(h * error) / (tolerance * size + 1e-300))

    @compiled
    def start(w: FloatArray) -> None:
        """Slopes of every particle from X and D; fills S."""
        for lane in range(W):
            x1 = w[X1 * W + lane] if compartments > 1 else 0.0
            x2 = w[X2 * W + lane] if compartments > 2 else 0.0
            slope(w, lane, 0, w[X0 * W + lane], x1, x2, w[D * W + lane])

    @compiled
    def step(w: FloatArray, h: float, tolerance: float) -> None:
        """One step of length ``h`` of every particle from X, Q, D and S; fills N, ND, BAD and the slopes."""
        for lane in range(W):
            d = w[D * W + lane]
            tenth = exponential(0.1 * h * w[KD * W + lane])
            fifth = tenth * tenth
            fourth = fifth * fifth * fifth * fifth
            w[D1 * W + lane] = d * fifth
            w[D2 * W + lane] = d * fifth * tenth
            w[D3 * W + lane] = d * fourth
            w[D4 * W + lane] = d * exponential(h * (8.0 / 9.0) * w[KD * W + lane])
            w[ND * W + lane] = d * fourth * fifth
        for lane in range(W):
            x1 = at_1(w, lane, 1, h) if compartments > 1 else 0.0
            x2 = at_1(w, lane, 2, h) if compartments > 2 else 0.0
            slope(w, lane, 1, at_1(w, lane, 0, h), x1, x2, w[D1 * W + lane])
        for lane in range(W):
            x1 = at_2(w, lane, 1, h) if compartments > 1 else 0.0
            x2 = at_2(w, lane, 2, h) if compartments > 2 else 0.0
            slope(w, lane, 2, at_2(w, lane, 0, h), x1, x2, w[D2 * W + lane])
        for lane in range(W):
            x1 = at_3(w, lane, 1, h) if compartments > 1 else 0.0
            x2 = at_3(w, lane, 2, h) if compartments > 2 else 0.0
            slope(w, lane, 3, at_3(w, lane, 0, h), x1, x2, w[D3 * W + lane])
        for lane in range(W):
            x1 = at_4(w, lane, 1, h) if compartments > 1 else 0.0
            x2 = at_4(w, lane, 2, h) if compartments > 2 else 0.0
            slope(w, lane, 4, at_4(w, lane, 0, h), x1, x2, w[D4 * W + lane])
        for lane in range(W):
            x1 = at_5(w, lane, 1, h) if compartments > 1 else 0.0
            x2 = at_5(w, lane, 2, h) if compartments > 2 else 0.0
            slope(w, lane, 5, at_5(w, lane, 0, h), x1, x2, w[ND * W + lane])
        for lane in range(W):
            n0, n1, n2 = at_6(w, lane, 0, h), 0.0, 0.0
            w[N0 * W + lane] = n0
            if compartments > 1:
                n1 = at_6(w, lane, 1, h)
                w[N1 * W + lane] = n1
            if compartments > 2:
                n2 = at_6(w, lane, 2, h)
                w[N2 * W + lane] = n2
            if area:
                w[NQ * W + lane] = at_6(w, lane, 3, h)
            slope(w, lane, 6, n0, n1, n2, w[ND * W + lane])
        for lane in range(W):
            bad = ratio(w, lane, 0, h, tolerance)
            # A NaN must win, on either side: no comparison with it is true, and no sum with it is a number.
            if compartments > 1:
                one = ratio(w, lane, 1, h, tolerance)
                bad = bad if one <= bad else one + 0.0 * bad
            if compartments > 2:
                one = ratio(w, lane, 2, h, tolerance)
                bad = bad if one <= bad else one + 0.0 * bad
            if area:
                one = ratio(w, lane, 3, h, tolerance)
                bad = bad if one <= bad else one + 0.0 * bad
            w[BAD * W + lane] = bad if w[ALIVE_ROW * W + lane] == 1.0 else 0.0

    return start, step


_start_1, _step_1 = _kernels(1, False)
_start_2, _step_2 = _kernels(2, False)
_start_3, _step_3 = _kernels(3, False)
_start_1_area, _step_1_area = _kernels(1, True)
_start_2_area, _step_2_area = _kernels(2, True)
_start_3_area, _step_3_area = _kernels(3, True)


@compiled
def _start(compartments: int, area: bool, w: FloatArray) -> None:
    if area:
        if compartments == 1:
            _start_1_area(w)
        elif compartments == 2:
            _start_2_area(w)
        else:
            _start_3_area(w)
    elif compartments == 1:
        _start_1(w)
    elif compartments == 2:
        _start_2(w)
    else:
        _start_3(w)


@compiled
def _step(compartments: int, area: bool, w: FloatArray, h: float, tolerance: float) -> None:
    if area:
        if compartments == 1:
            _step_1_area(w, h, tolerance)
        elif compartments == 2:
            _step_2_area(w, h, tolerance)
        else:
            _step_3_area(w, h, tolerance)
    elif compartments == 1:
        _step_1(w, h, tolerance)
    elif compartments == 2:
        _step_2(w, h, tolerance)
    else:
        _step_3(w, h, tolerance)


@compiled
def load_block(
    kind: Saturable,
    registers: FloatArray,
    block: FloatArray,
    total: int,
    n_states: int,
    w: FloatArray,
) -> bool:
    """Copy a block at the start of its segment. False if something runs into the depot, which is not for
    this kernel."""
    depot, n = kind.states[3], kind.compartments
    if depot >= 0:
        running, amount = FIRST + RATE * total + depot, FIRST + Y * total + depot
        for lane in range(W):
            if block[running, lane] != 0.0:
                return False
        for lane in range(W):
            w[D * W + lane] = block[amount, lane]
    for row in range(COEFFICIENTS):
        if row >= B0 or (row // 3 < n and row % 3 < n):
            of = kind.tape.outputs[row]
            for lane in range(W):
                w[row * W + lane] = block[LENGTH, lane] * registers[of, lane]
    half = kind.tape.outputs[M]
    for lane in range(W):
        w[M * W + lane] = registers[half, lane]
    for place in range(n):
        rate, y = FIRST + RATE * total + kind.states[place], FIRST + Y * total + kind.states[place]
        floor = FIRST + FLOOR * total + kind.states[place]
        for lane in range(W):
            w[(R0 + place) * W + lane] = block[LENGTH, lane] * block[rate, lane]
            w[(X0 + place) * W + lane] = block[y, lane]
            w[(F0 + place) * W + lane] = block[floor, lane]
    if total > n_states:
        y, floor = FIRST + Y * total + n_states, FIRST + FLOOR * total + n_states
        for lane in range(W):
            w[Q * W + lane] = block[y, lane]
            w[FQ * W + lane] = block[floor, lane]
        for row in (A0, A1, A2, AD):
            for lane in range(W):
                w[row * W + lane] *= block[COUNTING, lane]
    return True


@compiled
def store_block(
    kind: Saturable, block: FloatArray, total: int, n_states: int, h: float, first: float, w: FloatArray
) -> None:
    """Copy a block back; ``h`` is the length of the next step, ``first`` what the first should have been."""
    for place in range(kind.compartments):
        _take(block, total, kind.states[place], X0 + place, w)
    if kind.states[3] >= 0:
        _take(block, total, kind.states[3], D, w)
    if total > n_states:
        _take(block, total, n_states, Q, w)
    for lane in range(W):
        length = block[LENGTH, lane]
        block[PACE, lane] = h * length if length > 0.0 else block[PACE, lane]
    entered(block, first)


@compiled
def _take(block: FloatArray, total: int, state: int, row: int, w: FloatArray) -> None:
    y, peak = FIRST + Y * total + state, FIRST + PEAK * total + state
    for lane in range(W):
        value = w[row * W + lane]
        size = abs(value)
        alive = block[ALIVE, lane] == 1.0
        block[y, lane] = value if alive else block[y, lane]
        block[peak, lane] = size if alive and size > block[peak, lane] else block[peak, lane]


@compiled
def _begin(kind: Saturable, block: FloatArray, total: int, tolerance: float, w: FloatArray) -> float:
    """Particles without a slope at the start frozen; length of the first step."""
    h, known = np.inf, False
    for lane in range(W):
        if block[ALIVE, lane] == 1.0:
            slopes = w[S0 * W + lane] + w[S1 * W + lane] + w[S2 * W + lane] + w[SQ * W + lane]
            if not np.isfinite(slopes + w[D * W + lane]):
                freeze(block, total, lane)
            elif block[LENGTH, lane] > 0.0 and block[PACE, lane] > 0.0:
                h, known = min(h, block[PACE, lane] / block[LENGTH, lane]), True
        w[ALIVE_ROW * W + lane] = block[ALIVE, lane]
    if not known:
        h = 1.0
        for lane in range(W):
            for place in range(kind.compartments):
                size = max(abs(w[(X0 + place) * W + lane]), w[(F0 + place) * W + lane])
                slope = abs(w[(S0 + place) * W + lane])
                if block[ALIVE, lane] == 1.0 and size > 0.0 and slope * h > tolerance**0.2 * size:
                    h = tolerance**0.2 * size / slope
    return max(h, 1e-6)


@compiled
def advance(
    kind: Saturable,
    block: FloatArray,
    total: int,
    n_states: int,
    tolerance: float,
    w: FloatArray,
) -> tuple[int, float, int]:
    """Move a block whose segment is loaded; as ``explicit.advance``."""
    n, area = kind.compartments, total > n_states
    _start(n, area, w)
    h, first = _begin(kind, block, total, tolerance, w), 0.0
    s, steps, rejected = 0.0, 0, False
    while s < 1.0:
        if steps >= MOST_STEPS:
            store_block(kind, block, total, n_states, h, first, w)
            return STIFF, s, steps
        steps += 1
        left, wanted = 1.0 - s, h
        if h > 0.999 * left:
            h = left
        elif h > 0.5 * left:
            h = 0.5 * left
        _step(n, area, w, h, tolerance)
        largest = rows.largest(w, BAD)
        if rows.none_above_one(w, BAD):
            s = 1.0 if h == left else s + h
            growth = 5.0 if largest <= 0.0 else min(max(0.9 * largest**-0.2, 0.2), 5.0)
            following = h * (min(growth, 1.0) if rejected else growth)
            first = following if first == 0.0 else first
            h = max(following, wanted) if h < wanted else following
            for place in range(5 * W):
                w[X0 * W + place] = w[N0 * W + place]
            for place in range(4 * W):
                w[S0 * W + place] = w[(S0 + 4 * (STAGES - 1)) * W + place]
            rejected = False
        else:
            rejected = True
            if h <= LEAST_STEP:
                for lane in range(W):
                    if block[ALIVE, lane] == 1.0 and not w[BAD * W + lane] <= 1.0:
                        freeze(block, total, lane)
                        w[ALIVE_ROW * W + lane] = 0.0
            else:
                h *= max(0.9 * largest**-0.2, 0.1) if 1.0 < largest < np.inf else 0.1
    store_block(kind, block, total, n_states, h, first, w)
    return DONE, 1.0, steps
