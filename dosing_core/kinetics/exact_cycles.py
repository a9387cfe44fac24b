"""Kernels of the exact solver for runs: equal cycles as one map x -> P x + d raised to a power by squaring.

Arrays are named as in ``exact_steps``.
"""

from __future__ import annotations

import numpy as np

from dosing_core.kinetics.compiled import compiled
from dosing_core.kinetics.exact_steps import SLOTS, act, copy, enter, kept_exponential, square_of
from dosing_core.kinetics.exponential import LANES
from dosing_core.kinetics.itinerary import BOLUS, COLUMN, DELAY, KIND, PLACE, STOP, VALUE
from dosing_core.population.individual import FloatArray, IntArray

DOUBLINGS = 60
"""A steady state is the sum of 2^60 doses: the slowest rate that a float can tell from none has died away."""


@compiled
def run_of_cycles(
    run: IntArray,
    interval: float,
    cycle: IntArray,
    cycle_time: FloatArray,
    entries: IntArray,
    products: IntArray,
    of_state: IntArray,
    states: int,
    area: int,
    powers_of: FloatArray,
    shift: FloatArray,
    kept: FloatArray,
    known: FloatArray,
    row: IntArray,
    slot: IntArray,
    value: FloatArray,
    delay: FloatArray,
    running: IntArray,
    x: FloatArray,
) -> None:
    """Take ``x`` over all cycles of a run; if they have no number, to the steady state before a cycle.

    ``run`` [2, 2]: the run's and the next one's columns of ``Itinerary.run``; ``interval`` h.
    """
    size, cycles, begin, members = len(x), run[0, 0], run[1, 0], run[1, 1] - run[1, 0]
    time, item = np.empty((members, LANES)), np.empty((members, LANES), dtype=np.int64)
    cycle, cycle_time = cycle[:, begin:], cycle_time[begin:]
    _order_cycle(cycles, interval, cycle, cycle_time, value, delay, running, x, time, item)
    gained, more, driving = np.zeros((size, LANES)), np.empty((size, LANES)), np.empty((size, LANES))
    now, length = np.zeros(LANES), np.empty(LANES)
    copy(x, driving)
    # One cycle from nothing: d. What drives at its beginning drives at its end.
    for k in range(states, size):
        for lane in range(LANES):
            gained[k, lane] = x[k, lane] if k != area else 0.0
    for k in range(members + 1):
        for lane in range(LANES):
            until = interval if k == members else time[k, lane]
            length[lane] = max(until - now[lane], 0.0)
            now[lane] = until
        at = kept_exponential(entries, products, of_state, powers_of, shift, kept, known, row, slot, length)
        act(entries, of_state, kept[at], gained, more)
        gained, more = more, gained
        if k < members:
            for lane in range(LANES):
                i = item[k, lane]
                v, place, column = cycle[VALUE, i], cycle[PLACE, i], cycle[COLUMN, i]
                enter(
                    cycle[KIND, i], place, column, value[0, v], value[1, v], lane, lane + 1, gained, running
                )
    for lane in range(LANES):
        length[lane] = interval
    at = kept_exponential(entries, products, of_state, powers_of, shift, kept, known, row, slot, length)
    # The map of 2^b cycles, squared from bit to bit. What drives is in d already.
    power, square = kept[SLOTS], kept[SLOTS + 1]
    copy(kept[at], power)
    for k in range(states, size):
        if k != area:
            for lane in range(LANES):
                gained[k, lane], x[k, lane] = 0.0, 0.0
    if cycles == 0:
        _sum_up(entries, products, of_state, states, power, square, gained, more)
        copy(gained, x)
    left = cycles
    while left > 0:
        if left % 2 == 1:
            act(entries, of_state, power, x, more)
            for k in range(size):
                for lane in range(LANES):
                    x[k, lane] = more[k, lane] + gained[k, lane]
        left //= 2
        if left > 0:
            act(entries, of_state, power, gained, more)
            for k in range(size):
                for lane in range(LANES):
                    gained[k, lane] += more[k, lane]
            square_of(entries, products, power, square)
            power, square = square, power
    for k in range(states, size):
        for lane in range(LANES):
            if k != area:
                x[k, lane] = driving[k, lane]
            elif cycles == 0:
                x[k, lane] = 0.0


@compiled
def _order_cycle(
    cycles: int,
    interval: float,
    cycle: IntArray,
    cycle_time: FloatArray,
    value: FloatArray,
    delay: FloatArray,
    running: IntArray,
    x: FloatArray,
    time: FloatArray,
    item: IntArray,
) -> None:
    """Fill ``time`` and ``item`` [n, LANES] of one cycle; in a steady state, start what runs already."""
    for lane in range(LANES):
        for k in range(len(time)):
            kind, v = cycle[KIND, k], cycle[VALUE, k]
            since = cycle_time[k] + delay[cycle[DELAY, k], lane]
            before = np.floor(since / interval)
            when = since - interval * before
            if cycles == 0 and kind != BOLUS and value[1, v, lane] != 0.0:
                # Infusions of earlier cycles that run on when a cycle begins.
                column, sign = cycle[COLUMN, k], 1.0 if kind == STOP else -1.0
                running[column, lane] += int(sign * before)
                x[column, lane] += sign * before * value[1, v, lane]
            place = k
            while place > 0:
                other = item[place - 1, lane]
                together = time[place - 1, lane] == when
                if not (time[place - 1, lane] > when or (together and cycle[KIND, other] > kind)):
                    break
                time[place, lane], item[place, lane] = time[place - 1, lane], other
                place -= 1
            time[place, lane], item[place, lane] = when, k


@compiled
def _sum_up(
    entries: IntArray,
    products: IntArray,
    of_state: IntArray,
    states: int,
    power: FloatArray,
    square: FloatArray,
    total: FloatArray,
    more: FloatArray,
) -> None:
    """Turn what one cycle leaves, ``total`` = d, into d + P d + P² d + ..., by doubling."""
    for _ in range(DOUBLINGS):
        act(entries, of_state, power, total, more)
        changed = False
        for k in range(states):
            for lane in range(LANES):
                before = total[k, lane]
                total[k, lane] = before + more[k, lane]
                changed = changed or total[k, lane] != before
        if not changed:
            break
        square_of(entries, products, power, square)
        power, square = square, power
