"""The commonest system that no formula solves, compiled: up to three compartments between which drug moves
in proportion, a depot that empties into them, and one saturable way out.

    dx/dt = K x + B depot + rate - v x0 / (m + x0) in the first; depot' = k depot

It takes the same steps as ``explicit``, but a whole step is one loop over particles in which nothing is
written and read again: about ten times as fast as a program of instructions. Parallel linear and
Michaelis-Menten elimination is of this kind, by mouth, vein or both.

``equations`` finds such systems by their equations, whatever they are called.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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
    freeze,
)
from dosing_core.kinetics.tape import Tape, exponential
from dosing_core.population.individual import FloatArray

W = 16
"""Particles in a block, fixed: the compiler then knows that no two rows overlap."""

# Rows of the working space, of W particles each.
K00, K01, K02, K10, K11, K12, K20, K21, K22, B0, B1, B2, KD, V, M, A0, A1, A2, AD = range(19)
COEFFICIENTS = 19
"""In the order of the program's results; all but M times the segment's length, once it is known."""
R0, R1, R2, X0, X1, X2, Q, D, N0, N1, N2, NQ, ND, F0, F1, F2, FQ, S0, S1, S2, SQ, T0, T1, T2, TQ, BAD = range(
    19, 45
)
"""Rates; states, area and depot, and after the step; least sizes; slopes at the start, and at the end; error
over tolerance."""
ROWS = 45


class Saturable(NamedTuple):
    """Where a system's states stand, as kernels take it."""

    applies: int
    """1 if the system is of this kind."""
    tape: Tape
    """Over parameters: the coefficients."""
    states: NDArray[np.int64]
    """[4] places of the three compartments and the depot; -1 for those that there are not."""


@inlined
def _slope(
    w: FloatArray, lane: int, x0: float, x1: float, x2: float, d: float
) -> tuple[float, float, float, float]:
    """Slopes of the three compartments and the area."""
    gone = w[V * W + lane] * x0 / (w[M * W + lane] + x0)
    f0 = w[K00 * W + lane] * x0 + w[K01 * W + lane] * x1 + w[K02 * W + lane] * x2
    f1 = w[K10 * W + lane] * x0 + w[K11 * W + lane] * x1 + w[K12 * W + lane] * x2
    f2 = w[K20 * W + lane] * x0 + w[K21 * W + lane] * x1 + w[K22 * W + lane] * x2
    q = w[A0 * W + lane] * x0 + w[A1 * W + lane] * x1 + w[A2 * W + lane] * x2 + w[AD * W + lane] * d
    return (
        f0 + w[B0 * W + lane] * d + w[R0 * W + lane] - gone,
        f1 + w[B1 * W + lane] * d + w[R1 * W + lane],
        f2 + w[B2 * W + lane] * d + w[R2 * W + lane],
        q,
    )


@inlined
def _ratio(error: float, old: float, new: float, floor: float, tolerance: float) -> float:
    size = abs(old) if abs(old) > abs(new) else abs(new)
    size = size if size > floor else floor
    return abs(error) / (tolerance * size + 1e-300)


@compiled
def _step(w: FloatArray, h: float, tolerance: float, lanes: int) -> None:
    """One step of length ``h`` of every particle from X, Q, D and S; fills N, ND, T and BAD."""
    for lane in range(lanes):
        x0, x1, x2, d = w[X0 * W + lane], w[X1 * W + lane], w[X2 * W + lane], w[D * W + lane]
        a0, a1, a2, aq = w[S0 * W + lane], w[S1 * W + lane], w[S2 * W + lane], w[SQ * W + lane]
        tenth = exponential(0.1 * h * w[KD * W + lane])
        fifth = tenth * tenth
        fourth = fifth * fifth * fifth * fifth
        b0, b1, b2, _ = _slope(w, lane, x0 + h * 0.2 * a0, x1 + h * 0.2 * a1, x2 + h * 0.2 * a2, d * fifth)
        c0, c1, c2, cq = _slope(
            w,
            lane,
            x0 + h * ((3.0 / 40.0) * a0 + (9.0 / 40.0) * b0),
            x1 + h * ((3.0 / 40.0) * a1 + (9.0 / 40.0) * b1),
            x2 + h * ((3.0 / 40.0) * a2 + (9.0 / 40.0) * b2),
            d * fifth * tenth,
        )
        d0, d1, d2, dq = _slope(
            w,
            lane,
            x0 + h * ((44.0 / 45.0) * a0 - (56.0 / 15.0) * b0 + (32.0 / 9.0) * c0),
            x1 + h * ((44.0 / 45.0) * a1 - (56.0 / 15.0) * b1 + (32.0 / 9.0) * c1),
            x2 + h * ((44.0 / 45.0) * a2 - (56.0 / 15.0) * b2 + (32.0 / 9.0) * c2),
            d * fourth,
        )
        e1, e2, e3, e4 = 19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0
        e0_, e1_, e2_, eq = _slope(
            w,
            lane,
            x0 + h * (e1 * a0 + e2 * b0 + e3 * c0 + e4 * d0),
            x1 + h * (e1 * a1 + e2 * b1 + e3 * c1 + e4 * d1),
            x2 + h * (e1 * a2 + e2 * b2 + e3 * c2 + e4 * d2),
            d * exponential(h * (8.0 / 9.0) * w[KD * W + lane]),
        )
        f1, f2, f3, f4 = 9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0
        f5 = -5103.0 / 18656.0
        end = d * fourth * fifth
        f0_, f1_, f2_, fq = _slope(
            w,
            lane,
            x0 + h * (f1 * a0 + f2 * b0 + f3 * c0 + f4 * d0 + f5 * e0_),
            x1 + h * (f1 * a1 + f2 * b1 + f3 * c1 + f4 * d1 + f5 * e1_),
            x2 + h * (f1 * a2 + f2 * b2 + f3 * c2 + f4 * d2 + f5 * e2_),
            end,
        )
        g1, g3, g4, g5, g6 = 35.0 / 384.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0
        n0 = x0 + h * (g1 * a0 + g3 * c0 + g4 * d0 + g5 * e0_ + g6 * f0_)
        n1 = x1 + h * (g1 * a1 + g3 * c1 + g4 * d1 + g5 * e1_ + g6 * f1_)
        n2 = x2 + h * (g1 * a2 + g3 * c2 + g4 * d2 + g5 * e2_ + g6 * f2_)
        q = w[Q * W + lane]
        nq = q + h * (g1 * aq + g3 * cq + g4 * dq + g5 * eq + g6 * fq)
        t0, t1, t2, tq = _slope(w, lane, n0, n1, n2, end)
        r1, r3, r4 = 71.0 / 57600.0, -71.0 / 16695.0, 71.0 / 1920.0
        r5, r6, r7 = -17253.0 / 339200.0, 22.0 / 525.0, -1.0 / 40.0
        y0 = h * (r1 * a0 + r3 * c0 + r4 * d0 + r5 * e0_ + r6 * f0_ + r7 * t0)
        y1 = h * (r1 * a1 + r3 * c1 + r4 * d1 + r5 * e1_ + r6 * f1_ + r7 * t1)
        y2 = h * (r1 * a2 + r3 * c2 + r4 * d2 + r5 * e2_ + r6 * f2_ + r7 * t2)
        yq = h * (r1 * aq + r3 * cq + r4 * dq + r5 * eq + r6 * fq + r7 * tq)
        bad = _ratio(y0, x0, n0, w[F0 * W + lane], tolerance)
        # A NaN must win, on either side: no comparison with it is true, and no sum with it is a number.
        one = _ratio(y1, x1, n1, w[F1 * W + lane], tolerance)
        bad = bad if one <= bad else one + 0.0 * bad
        one = _ratio(y2, x2, n2, w[F2 * W + lane], tolerance)
        bad = bad if one <= bad else one + 0.0 * bad
        one = _ratio(yq, q, nq, w[FQ * W + lane], tolerance)
        bad = bad if one <= bad else one + 0.0 * bad
        w[N0 * W + lane] = n0
        w[N1 * W + lane] = n1
        w[N2 * W + lane] = n2
        w[NQ * W + lane] = nq
        w[ND * W + lane] = end
        w[T0 * W + lane] = t0
        w[T1 * W + lane] = t1
        w[T2 * W + lane] = t2
        w[TQ * W + lane] = tq
        w[BAD * W + lane] = bad


@compiled
def load_block(
    kind: Saturable,
    registers: FloatArray,
    block: FloatArray,
    total: int,
    n_states: int,
    lanes: int,
    w: FloatArray,
) -> bool:
    """Copy a block at the start of its segment. False if something runs into the depot, which is not for
    this kernel."""
    depot = kind.states[3]
    w[:] = 0.0
    for lane in range(lanes):
        length = block[LENGTH, lane]
        if depot >= 0:
            if block[FIRST + RATE * total + depot, lane] != 0.0:
                return False
            w[D * W + lane] = block[FIRST + Y * total + depot, lane]
        for row in range(COEFFICIENTS):
            w[row * W + lane] = length * registers[kind.tape.outputs[row], lane]
        w[M * W + lane] = registers[kind.tape.outputs[M], lane]
        for place in range(3):
            state = kind.states[place]
            if state >= 0:
                w[(R0 + place) * W + lane] = length * block[FIRST + RATE * total + state, lane]
                w[(X0 + place) * W + lane] = block[FIRST + Y * total + state, lane]
                w[(F0 + place) * W + lane] = block[FIRST + FLOOR * total + state, lane]
        if total > n_states:
            for row in (A0, A1, A2, AD):
                w[row * W + lane] *= block[COUNTING, lane]
            w[Q * W + lane] = block[FIRST + Y * total + n_states, lane]
            w[FQ * W + lane] = block[FIRST + FLOOR * total + n_states, lane]
    return True


@compiled
def store_block(
    kind: Saturable, block: FloatArray, total: int, n_states: int, h: float, lanes: int, w: FloatArray
) -> None:
    """Copy a block back after steps, with ``h`` as the length of the next."""
    for lane in range(lanes):
        if block[ALIVE, lane] == 1.0:
            for place in range(3):
                state = kind.states[place]
                if state >= 0:
                    size = abs(w[(X0 + place) * W + lane])
                    block[FIRST + Y * total + state, lane] = w[(X0 + place) * W + lane]
                    block[FIRST + PEAK * total + state, lane] = max(
                        size, block[FIRST + PEAK * total + state, lane]
                    )
            if kind.states[3] >= 0:
                block[FIRST + Y * total + kind.states[3], lane] = w[D * W + lane]
            if total > n_states:
                size = abs(w[Q * W + lane])
                block[FIRST + Y * total + n_states, lane] = w[Q * W + lane]
                block[FIRST + PEAK * total + n_states, lane] = max(
                    size, block[FIRST + PEAK * total + n_states, lane]
                )
            if block[LENGTH, lane] > 0.0:
                block[PACE, lane] = h * block[LENGTH, lane]


@compiled
def _begin(block: FloatArray, total: int, tolerance: float, lanes: int, w: FloatArray) -> float:
    """Slopes at the start, particles without one frozen; length of the first step."""
    h, known = np.inf, False
    for lane in range(lanes):
        s0, s1, s2, sq = _slope(
            w, lane, w[X0 * W + lane], w[X1 * W + lane], w[X2 * W + lane], w[D * W + lane]
        )
        w[S0 * W + lane], w[S1 * W + lane], w[S2 * W + lane], w[SQ * W + lane] = s0, s1, s2, sq
        if block[ALIVE, lane] == 1.0:
            if not np.isfinite(s0 + s1 + s2 + sq + w[D * W + lane]):
                freeze(block, total, lane)
            elif block[LENGTH, lane] > 0.0 and block[PACE, lane] > 0.0:
                h, known = min(h, block[PACE, lane] / block[LENGTH, lane]), True
    if not known:
        h = 1.0
        for lane in range(lanes):
            for place in range(3):
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
    lanes: int,
    w: FloatArray,
) -> tuple[int, float, int]:
    """Move a block whose segment is loaded; as ``explicit.advance``."""
    h = _begin(block, total, tolerance, lanes, w)
    s, steps, rejected = 0.0, 0, False
    while s < 1.0:
        if steps >= MOST_STEPS:
            store_block(kind, block, total, n_states, h, lanes, w)
            return STIFF, s, steps
        steps += 1
        left, wanted = 1.0 - s, h
        if h > 0.999 * left:
            h = left
        elif h > 0.5 * left:
            h = 0.5 * left
        _step(w, h, tolerance, lanes)
        largest, within = 0.0, True
        for lane in range(lanes):
            if block[ALIVE, lane] == 1.0:
                within = within and w[BAD * W + lane] <= 1.0
                if not w[BAD * W + lane] <= largest:
                    largest = w[BAD * W + lane]
        if within:
            s = 1.0 if h == left else s + h
            growth = 5.0 if largest <= 0.0 else min(max(0.9 * largest**-0.2, 0.2), 5.0)
            following = h * (min(growth, 1.0) if rejected else growth)
            h = max(following, wanted) if h < wanted else following
            for place in range(5 * W):
                w[X0 * W + place] = w[N0 * W + place]
            for place in range(4 * W):
                w[S0 * W + place] = w[T0 * W + place]
            rejected = False
        else:
            rejected = True
            if h <= LEAST_STEP:
                for lane in range(lanes):
                    if block[ALIVE, lane] == 1.0 and not w[BAD * W + lane] <= 1.0:
                        freeze(block, total, lane)
            else:
                h *= max(0.9 * largest**-0.2, 0.1) if largest < np.inf else 0.1
    store_block(kind, block, total, n_states, h, lanes, w)
    return DONE, 1.0, steps
