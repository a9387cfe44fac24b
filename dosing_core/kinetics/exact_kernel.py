"""Kernel of the exact solver: particles side by side through one itinerary, each at its own times.

The state moves from item to item by exp(K dt), which is kept while the same interval comes back. Arrays are
named as in ``exact_steps``. No operation mixes lanes and each lane is
scaled by itself, so a particle's bits are the same alone and in any crowd.
"""

from __future__ import annotations

import math

import numpy as np

from dosing_core.kinetics.compartments import Machine
from dosing_core.kinetics.compiled import compiled
from dosing_core.kinetics.events import PUSH_H
from dosing_core.kinetics.exact_cycles import run_of_cycles
from dosing_core.kinetics.exact_steps import SLOTS, act, enter, fill, kept_exponential
from dosing_core.kinetics.exponential import LANES, POWERS, WORK, powers, shifts
from dosing_core.kinetics.itinerary import (
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
    VALUE,
    WRAPPED,
    Itinerary,
)
from dosing_core.kinetics.tape import run_tape
from dosing_core.population.individual import BoolArray, FloatArray, IntArray


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
        run_tape(code, steady, len(code), registers)
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
                delay[k, lane] = np.floor(after / grid + 0.5) * grid


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
                    when = begins + since - interval * np.floor(since / interval)
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
        fill(x, 0.0)
        for r in range(len(rows)):
            for lane in range(LANES):
                particle = min(first + lane, n - 1)
                for p in range(width):
                    registers[p, lane] = parameters[particle, rows[r], p]
            run_tape(code, 0, steady, registers)
            fill(rates, 0.0)
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
                at = kept_exponential(
                    entries, products, of_state, powers_of, shift, kept, known, row, slot, length
                )
                act(entries, of_state, kept[at], x, y)
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
                        run_of_cycles(
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
                        enter(
                            kind, place, items[COLUMN, i], value[0, v], value[1, v], start, stop, x, running
                        )
                start = stop
        # A delay that is no number has no place in time: nor has what is seen.
        for k in range(late.shape[1]):
            for lane in range(min(LANES, n - first)):
                if math.isnan(delay[k, lane]):
                    for output in range(n_outputs):
                        for column in range(result.shape[2]):
                            result[first + lane, output, column] = math.nan
    return result
