"""Kernels for runs of equal doses: found in the order of events, taken in one step.

Where events repeat (the same dose at the same interval, with nothing looked at between), each cycle moves
the amounts by the same map x -> P x + d. The n-th power of a map takes log2 n squarings, so that two years of
tablets cost no more than ten of them. All entries are positive: nothing cancels.
"""

from __future__ import annotations

import numpy as np

from dosing_core.kinetics.compiled import compiled
from dosing_core.population.individual import FloatArray, IntArray

LEAST_CYCLES = 6
"""Fewer in a row are as fast one by one."""
MOST_EVENTS = 4
"""Events in one cycle, at most: two infusions, or four tablets."""
TOLERANCE_H = 1e-10
"""Intervals that differ by less are the same: a third of a microsecond, the rounding of a long history."""


@compiled
def repeats(
    time: FloatArray,
    item: IntArray,
    first: int,
    period: int,
    event_kind: IntArray,
    event_value: FloatArray,
    depot_amount: FloatArray,
    depot_row: IntArray,
) -> int:
    """How many whole cycles of ``period`` events from ``first`` on are followed by an event that begins
    another.

    ``time`` and ``item`` as ``lockstep`` merges them: the index of a shared event, or -1 - that of an oral
    dose. Rows and outputs (kinds below 2) are in no cycle.
    """
    if first + period >= len(time):
        return 0
    interval = time[first + period] - time[first]
    if not interval > TOLERANCE_H:
        return 0
    alike = 0
    for k in range(first, len(time) - period):
        one, other = item[k], item[k + period]
        if abs(time[k + period] - time[k] - interval) > TOLERANCE_H or (one < 0) != (other < 0):
            break
        if one < 0:
            a, b = -1 - one, -1 - other
            if depot_amount[a] != depot_amount[b] or depot_row[a] != depot_row[b]:
                break
        elif (
            event_kind[one] < 2
            or event_kind[one] != event_kind[other]
            or event_value[one] != event_value[other]
        ):
            break
        alike += 1
    return alike // period


@compiled
def repeat(c: FloatArray, depot: bool, times: int, lanes: int, gained: FloatArray, state: FloatArray) -> None:
    """Take the amounts ``state`` [3, LANES] over ``times`` cycles.

    ``c``: coefficients of a step of one cycle as ``linear.step`` fills them; ``gained`` [3, LANES], which is
    overwritten: what one cycle adds to nothing.
    """
    p, q = np.zeros((7, c.shape[1])), np.zeros((7, c.shape[1]))
    for lane in range(lanes):
        for k in range(4):
            p[k, lane] = c[k, lane]
        for k in range(4, 7):
            p[k, lane] = c[k, lane] if depot else 0.0
    left = times
    while left > 0:
        if left % 2 == 1:
            _apply(p, lanes, gained, state)
        left //= 2
        if left > 0:
            # The map of twice as many cycles.
            _apply(p, lanes, gained, gained)
            for lane in range(lanes):
                cc, cp, pc, pp = p[0, lane], p[1, lane], p[2, lane], p[3, lane]
                dd, dc, dp = p[4, lane], p[5, lane], p[6, lane]
                q[0, lane] = cc * cc + cp * pc
                q[1, lane] = cc * cp + cp * pp
                q[2, lane] = pc * cc + pp * pc
                q[3, lane] = pc * cp + pp * pp
                q[4, lane] = dd * dd
                q[5, lane] = cc * dc + cp * dp + dc * dd
                q[6, lane] = pc * dc + pp * dp + dp * dd
            p, q = q, p


@compiled
def _apply(p: FloatArray, lanes: int, gained: FloatArray, state: FloatArray) -> None:
    """``state`` = P state + ``gained``; the two may be the same."""
    for lane in range(lanes):
        central, peripheral, waiting = state[0, lane], state[1, lane], state[2, lane]
        more_central, more_peripheral, more_waiting = gained[0, lane], gained[1, lane], gained[2, lane]
        moved = p[0, lane] * central + p[1, lane] * peripheral + p[5, lane] * waiting
        state[0, lane] = moved + more_central
        moved = p[2, lane] * central + p[3, lane] * peripheral + p[6, lane] * waiting
        state[1, lane] = moved + more_peripheral
        state[2, lane] = p[4, lane] * waiting + more_waiting
