"""Kernel of the exact solver: particles side by side through one itinerary, each at its own times.

The state moves from item to item by exp(K dt), which is kept while the same interval comes back. A run of
equal cycles is one map x -> P x + d raised to a power by squaring. No operation mixes lanes and each lane is
scaled by itself, so a particle's bits are the same alone and in any crowd.
"""

from __future__ import annotations

import math

import numpy as np

from dosing_core.kinetics.compartments import Machine
from dosing_core.kinetics.compiled import compiled
from dosing_core.kinetics.events import PUSH_H
from dosing_core.kinetics.exponential import (
    ALL_LANES,
    LANES,
    POWERS,
    WORK,
    exponential,
    multiply,
    powers,
    shifts,
)
from dosing_core.kinetics.itinerary import (
    BOLUS,
    COLUMN,
    COUNTS,
    DELAY,
    EARLY,
    KIND,
    LATE,
    OF_RUN,
    OUTPUT,
    PLACE,
    ROW,
    RUN,
    SEGMENT,
    START,
    STOP,
    VALUE,
    WRAPPED,
    Itinerary,
)
from dosing_core.kinetics.tape import run_tape
from dosing_core.population.individual import BoolArray, FloatArray, IntArray

SLOTS = 6
"""Exponentials kept: a regular regimen repeats two or three, a cycle of several doses a few more."""
DOUBLINGS = 60
"""A steady state is the sum of 2^60 doses: the slowest rate that a float can tell from none has died away."""


# Arrays are passed one by one, and a few quantities share one: a tuple of thirty arrays, handed from kernel
# to kernel, takes longer than the arithmetic, and minutes to compile. Names and shapes in all that follows:
#
# entries, products, of_state   of ``Machine``
# powers  [rows + 1, POWERS, n_entries, LANES]  as ``exponential.powers`` fills them; last, of mixed rows
# shift   [rows + 1, 2, LANES]                  as ``shifts`` fills them
# kept    [SLOTS + WORK, n_entries, LANES]      exponentials that are kept, then scratch
# known   [2, SLOTS, LANES]                     interval (h) and row of the exponentials that are kept
# value   [2, values, LANES]                    mg pushed in at once, and mg/h driven in
# delay   [delays, LANES]                       h
# row     [LANES]                               place in ``Itinerary.rows`` of the row in force
# running [size, LANES]                         infusions that run into each column
# slot    [1]                                   which exponential is replaced next
# x       [size, LANES]                         states, what drives, area


@compiled
def _set(to: FloatArray, number: float) -> None:
    """(Written out, as below: numba takes seconds to compile an assignment of whole rows.)"""
    for k in range(to.shape[0]):
        for lane in range(LANES):
            to[k, lane] = number


@compiled
def _copy(source: FloatArray, to: FloatArray) -> None:
    for k in range(to.shape[0]):
        for lane in range(LANES):
            to[k, lane] = source[k, lane]


@compiled
def _act(
    entries: IntArray, of_state: IntArray, matrix: FloatArray, x: FloatArray, result: FloatArray
) -> None:
    """``result`` = matrix x, [size, LANES]."""
    multiply(of_state[1], entries[3], entries[1], matrix, x, ALL_LANES, result)


@compiled
def _square(entries: IntArray, products: IntArray, matrix: FloatArray, result: FloatArray) -> None:
    multiply(entries[2], products[0], products[1], matrix, matrix, ALL_LANES, result)


@compiled
def _values(
    itinerary_value: IntArray,
    dose: FloatArray,
    r: int,
    dose_register: int,
    steady: int,
    code: IntArray,
    amounts: IntArray,
    registers: FloatArray,
    value: FloatArray,
) -> None:
    """Fill ``value`` of what is given in row ``r``, whose registers are filled."""
    for k in range(itinerary_value.shape[1]):
        if itinerary_value[0, k] != r:
            continue
        for lane in range(LANES):
            registers[dose_register, lane] = dose[0, k]
        run_tape(code, steady, len(code), registers, LANES)
        register, column = amounts[itinerary_value[1, k]], itinerary_value[2, k]
        for lane in range(LANES):
            amount = registers[register, lane]
            length = registers[column, lane] if column >= 0 else dose[1, k]
            slow = not length <= PUSH_H
            value[0, k, lane] = 0.0 if slow else amount
            value[1, k, lane] = amount / length if slow else 0.0


@compiled
def _delays(itinerary_delay: IntArray, r: int, grid: float, registers: FloatArray, delay: FloatArray) -> None:
    """Fill ``delay`` of what is given in row ``r``."""
    for k in range(itinerary_delay.shape[1]):
        if itinerary_delay[0, k] == r:
            lag, length = itinerary_delay[1, k], itinerary_delay[2, k]
            for lane in range(LANES):
                after = registers[lag, lane] if lag >= 0 else 0.0
                if length >= 0 and registers[length, lane] > PUSH_H:
                    after += registers[length, lane]
                delay[k, lane] = math.floor(after / grid + 0.5) * grid


@compiled
def _order(
    items: IntArray,
    item_time: FloatArray,
    runs: IntArray,
    run_time: FloatArray,
    delay: FloatArray,
    time: FloatArray,
    item: IntArray,
) -> None:
    """Fill ``time`` and ``item`` [n_items, LANES]: every lane's items in their order, and when they happen.

    An item that does not count in a lane is there as -1, so that all lanes have as many.
    """
    for lane in range(LANES):
        for k in range(items.shape[1]):
            late = delay[items[DELAY, k], lane]
            when, what = item_time[0, k] + late, k
            counts = items[COUNTS, k]
            if counts != 0:
                run = items[OF_RUN, k]
                begins, interval = run_time[0, run], run_time[1, run]
                since = item_time[1, k] + late
                if counts == WRAPPED:
                    when = begins + since - interval * math.floor(since / interval)
                elif counts == EARLY and not since < interval:
                    when, what = begins, -1
                elif counts == LATE and since < interval:
                    when, what = begins + interval * runs[0, run], -1
            place = k
            while place > items[SEGMENT, k]:
                before = item[place - 1, lane]
                together = time[place - 1, lane] == when and what >= 0 and before >= 0
                if not (
                    time[place - 1, lane] > when or (together and items[KIND, before] > items[KIND, what])
                ):
                    break
                time[place, lane], item[place, lane] = time[place - 1, lane], before
                place -= 1
            time[place, lane], item[place, lane] = when, what


@compiled
def _kept(
    entries: IntArray,
    products: IntArray,
    of_state: IntArray,
    powers_of: FloatArray,
    shift: FloatArray,
    kept: FloatArray,
    known: FloatArray,
    row: IntArray,
    slot: IntArray,
    length: FloatArray,
) -> int:
    """The slot that holds exp(K length) of every lane, computed unless it is there already."""
    for k in range(SLOTS):
        same = True
        for lane in range(LANES):
            if known[0, k, lane] != length[lane] or known[1, k, lane] != row[lane]:
                same = False
                break
        if same:
            return k
    k = int(slot[0])
    slot[0] = (k + 1) % SLOTS
    use, last = row[0], len(shift) - 1
    for lane in range(LANES):
        known[0, k, lane], known[1, k, lane] = length[lane], row[lane]
        use = use if row[lane] == row[0] else last
    if use == last:
        for lane in range(LANES):
            for power in range(POWERS):
                for entry in range(powers_of.shape[2]):
                    powers_of[last, power, entry, lane] = powers_of[row[lane], power, entry, lane]
            for one in range(2):
                shift[last, one, lane] = shift[row[lane], one, lane]
    exponential(
        of_state[0],
        entries[2],
        products[0],
        products[1],
        powers_of[use],
        shift[use],
        length,
        kept[SLOTS:],
        kept[k],
    )
    return k


@compiled
def _enter(
    kind: int,
    place: int,
    column: int,
    pushed: FloatArray,
    driven: FloatArray,
    start: int,
    stop: int,
    x: FloatArray,
    running: IntArray,
) -> None:
    """Let a bolus in, or start or stop an infusion, in some lanes; one that takes no time is a bolus."""
    if kind != STOP:
        for lane in range(start, stop):
            x[place, lane] += pushed[lane]
    if kind != BOLUS:
        sign, one = (1.0, 1) if kind == START else (-1.0, -1)
        for lane in range(start, stop):
            running[column, lane] += one if driven[lane] != 0.0 else 0
            # No residue of rounding is left running once every infusion has stopped.
            rate = max(x[column, lane] + sign * driven[lane], 0.0)
            x[column, lane] = rate if running[column, lane] > 0 else 0.0


@compiled
def _see(
    area: int,
    states: int,
    whole: int,
    output: int,
    start: int,
    stop: int,
    row: IntArray,
    readout: FloatArray,
    x: FloatArray,
    result: FloatArray,
) -> None:
    """Read one output of some lanes."""
    for lane in range(start, stop):
        if area >= 0:
            if output == 0:
                x[area, lane] = 0.0
            result[lane, output, 0] = x[area, lane]
        elif whole > 0:
            for state in range(states):
                result[lane, output, state] = x[state, lane]
        else:
            seen = 0.0
            for state in range(states):
                seen += readout[row[lane], output, state, lane] * x[state, lane]
            result[lane, output, 0] = seen


@compiled
def run(machine: Machine, itinerary: Itinerary, parameters: FloatArray, whole: BoolArray) -> FloatArray:
    """What is seen at each output: [n, n_outputs, width].

    Width is 1: the value of a linear output, or, in a machine with an area, the area from output 0 on.
    If ``whole`` holds anything, the width is the number of states and they are returned. ``parameters``
    [n, n_rows of the individual, n_parameters].
    """
    # Taken apart here, once: an array taken from a tuple is counted each time.
    states, size, area, constant_column = (
        machine.states,
        machine.size,
        machine.area_row,
        machine.constant_column,
    )
    dose_register, steady = machine.dose_register, machine.steady
    entries, products, of_state = machine.entries, machine.products, machine.of_state
    machine_rates, ones, readouts, amounts = machine.rates, machine.ones, machine.readouts, machine.amounts
    constants, code = machine.constants, machine.code
    rows, outputs, items, item_time = itinerary.rows, itinerary.outputs, itinerary.item, itinerary.time
    runs, run_time, cycle, cycle_time = (
        itinerary.run,
        itinerary.run_time,
        itinerary.cycle,
        itinerary.cycle_time,
    )
    what, dose, late = itinerary.value, itinerary.dose, itinerary.delay
    n, width = parameters.shape[0], parameters.shape[2]
    n_items, n_outputs, n_entries = items.shape[1], len(outputs), entries.shape[1]
    result = np.zeros((n, n_outputs, states if len(whole) > 0 else 1))
    registers = np.zeros((machine.registers, LANES))
    for k in range(len(constants)):
        for lane in range(LANES):
            registers[width + 1 + k, lane] = constants[k]
    rates, powers_of = np.empty((n_entries, LANES)), np.empty((len(rows) + 1, POWERS, n_entries, LANES))
    shift, readout = np.empty((len(rows) + 1, 2, LANES)), np.empty((len(rows), n_outputs, states, LANES))
    kept, known = np.empty((SLOTS + WORK, n_entries, LANES)), np.empty((2, SLOTS, LANES))
    value, delay = np.empty((2, what.shape[1], LANES)), np.zeros((late.shape[1], LANES))
    row, running = np.empty(LANES, dtype=np.int64), np.empty((size, LANES), dtype=np.int64)
    slot = np.zeros(1, dtype=np.int64)
    time, item = np.empty((n_items, LANES)), np.empty((n_items, LANES), dtype=np.int64)
    x, y = np.empty((size, LANES)), np.empty((size, LANES))
    now, length = np.empty(LANES), np.empty(LANES)
    for first in range(0, n, LANES):
        _set(x, 0.0)
        for r in range(len(rows)):
            for lane in range(LANES):
                particle = min(first + lane, n - 1)
                for p in range(width):
                    registers[p, lane] = parameters[particle, rows[r], p]
            run_tape(code, 0, steady, registers, LANES)
            _set(rates, 0.0)
            for k in range(machine_rates.shape[1]):
                place, register = machine_rates[0, k], machine_rates[1, k]
                for lane in range(LANES):
                    rates[place, lane] = registers[register, lane]
            for k in range(len(ones)):
                for lane in range(LANES):
                    rates[ones[k], lane] = 1.0
            shifts(entries[0], entries[1], of_state[0], rates, shift[r])
            powers(of_state[0], entries[2], products[0], products[1], rates, shift[r], powers_of[r])
            for k in range(n_outputs):
                for state in range(states):
                    register = readouts[outputs[k], state]
                    for lane in range(LANES):
                        readout[r, k, state, lane] = registers[register, lane] if register >= 0 else 0.0
            if r == 0:
                for state in range(states):
                    register = readouts[readouts.shape[0] - 1, state]
                    for lane in range(LANES):
                        x[state, lane] = registers[register, lane]
            _values(what, dose, r, dose_register, steady, code, amounts, registers, value)
            _delays(late, r, itinerary.grid, registers, delay)
        if first == 0 or late.shape[1] > 1:
            _order(items, item_time, runs, run_time, delay, time, item)
        for lane in range(LANES):
            if constant_column >= 0:
                x[constant_column, lane] = 1.0
            now[lane], row[lane] = itinerary.start, itinerary.first_row
            for k in range(size):
                running[k, lane] = 0
            for k in range(SLOTS):
                known[0, k, lane] = -1.0
        for k in range(n_items):
            moves, together, i = False, True, item[k, 0]
            for lane in range(LANES):
                length[lane] = max(time[k, lane] - now[lane], 0.0)
                moves = moves or length[lane] > 0.0
                now[lane] = max(time[k, lane], now[lane])
                together = together and item[k, lane] == i
            if moves:
                at = _kept(entries, products, of_state, powers_of, shift, kept, known, row, slot, length)
                _act(entries, of_state, kept[at], x, y)
                x, y = y, x
            start = 0
            while start < LANES:
                i, stop = item[k, start], LANES if together else start + 1
                if i >= 0:
                    kind, place = items[KIND, i], items[PLACE, i]
                    if kind == ROW:
                        for lane in range(start, stop):
                            row[lane] = place
                    elif kind == OUTPUT:
                        end = min(stop, n - first)
                        _see(area, states, len(whole), place, start, end, row, readout, x, result[first:])
                    elif kind == RUN:
                        _run_of_cycles(
                            runs[:, place : place + 2],
                            run_time[1, place],
                            cycle,
                            cycle_time,
                            entries,
                            products,
                            of_state,
                            states,
                            area,
                            powers_of,
                            shift,
                            kept,
                            known,
                            row,
                            slot,
                            value,
                            delay,
                            running,
                            x,
                        )
                        for lane in range(LANES):
                            now[lane] += run_time[1, place] * runs[0, place]
                    else:
                        v = items[VALUE, i]
                        _enter(
                            kind, place, items[COLUMN, i], value[0, v], value[1, v], start, stop, x, running
                        )
                start = stop
    return result


@compiled
def _run_of_cycles(
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
    _copy(x, driving)
    # One cycle from nothing: d. What drives at its beginning drives at its end.
    for k in range(states, size):
        for lane in range(LANES):
            gained[k, lane] = x[k, lane] if k != area else 0.0
    for k in range(members + 1):
        for lane in range(LANES):
            until = interval if k == members else time[k, lane]
            length[lane] = max(until - now[lane], 0.0)
            now[lane] = until
        at = _kept(entries, products, of_state, powers_of, shift, kept, known, row, slot, length)
        _act(entries, of_state, kept[at], gained, more)
        gained, more = more, gained
        if k < members:
            for lane in range(LANES):
                i = item[k, lane]
                v, place, column = cycle[VALUE, i], cycle[PLACE, i], cycle[COLUMN, i]
                _enter(
                    cycle[KIND, i], place, column, value[0, v], value[1, v], lane, lane + 1, gained, running
                )
    for lane in range(LANES):
        length[lane] = interval
    at = _kept(entries, products, of_state, powers_of, shift, kept, known, row, slot, length)
    # The map of 2^b cycles, squared from bit to bit. What drives is in d already.
    power, square = kept[SLOTS], kept[SLOTS + 1]
    _copy(kept[at], power)
    for k in range(states, size):
        if k != area:
            for lane in range(LANES):
                gained[k, lane], x[k, lane] = 0.0, 0.0
    if cycles == 0:
        _sum_up(entries, products, of_state, states, power, square, gained, more)
        _copy(gained, x)
    left = cycles
    while left > 0:
        if left % 2 == 1:
            _act(entries, of_state, power, x, more)
            for k in range(size):
                for lane in range(LANES):
                    x[k, lane] = more[k, lane] + gained[k, lane]
        left //= 2
        if left > 0:
            _act(entries, of_state, power, gained, more)
            for k in range(size):
                for lane in range(LANES):
                    gained[k, lane] += more[k, lane]
            _square(entries, products, power, square)
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
            before = math.floor(since / interval)
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
        _act(entries, of_state, power, total, more)
        changed = False
        for k in range(states):
            for lane in range(LANES):
                before = total[k, lane]
                total[k, lane] = before + more[k, lane]
                changed = changed or total[k, lane] != before
        if not changed:
            break
        _square(entries, products, power, square)
        power, square = square, power
