"""Blocks of particles taken through their events: rows of covariates, levels, doses as they enter.

All particles have the same events, each at its own times, because lags and lengths of entry are parameters.
So each particle's events are sorted by themselves and the block goes from everyone's i-th event to
everyone's next, whatever it is; the steps between are in ``explicit`` and ``implicit``.

At one instant: the row changes, then outputs are read (a level at the time of a dose is before it), then
what runs in stops, then doses enter.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dosing_core.kinetics import explicit, implicit, rows, saturable
from dosing_core.kinetics.compiled import compiled
from dosing_core.kinetics.explicit import (
    ALIVE,
    CLOCK,
    COUNTING,
    FIRST,
    HOURS,
    LENGTH,
    PEAK,
    RATE,
    STIFF,
    Motion,
    Y,
    enter,
    floors,
    freeze,
)
from dosing_core.kinetics.implicit import ALL_SECTIONS, Jacobian
from dosing_core.kinetics.rows import W
from dosing_core.kinetics.saturable import Saturable
from dosing_core.kinetics.tape import Tape, run_tape
from dosing_core.population.individual import BoolArray, FloatArray, IntArray

ROW, OUTPUT, STOP, START, BOLUS = range(5)
"""Kinds of event, in their order at one instant."""

SHORT_H = 1e-3
"""What enters in less than 4 s enters at once: see ``events.PUSH_H``."""

MOST_STEPS = 60_000
"""Steps of one block over all its segments; what then still asks for more is given up. About a second."""


OF_TOLERANCE = 0.1
"""Share of the tolerance that an explicit step may err. Errors of steps add up, and near the capacity of an
enzyme they grow: measured on Michaelis-Menten by mouth, the sum is up to 15 times the error of a step."""


class Equations(NamedTuple):
    """A system as kernels take it."""

    motion: Motion
    """Of the states and, if one is asked for, the area under an output."""
    saturable: Saturable
    """The same, if it is of the kind that has a kernel of its own."""
    jacobian: Jacobian
    outputs: Tape
    """Over the same names: every output."""
    initial: Tape
    """Over parameters: the states."""
    entries: Tape
    """Over parameters and dose: what enters by each way."""
    feeds: BoolArray
    """[states, states] first acts on second."""
    timed: int
    """1 if slopes read t or clock, else 0."""
    longest: float
    """h of a step at most."""
    stiff: int
    """1 if implicit from the start."""


class Treatment(NamedTuple):
    """Events that all particles share, before lags."""

    kind: IntArray
    """[n_events] ``ROW``, ``OUTPUT``, ``STOP`` or ``START``; in order of time without lags."""
    refers: IntArray
    """[n_events] the row, the output's place in the results (-1: the state itself), or the dose."""
    time: FloatArray
    """[n_events] h; of a dose, when it is given."""
    which: IntArray
    """[n_events] of an output, which of the system's."""
    amount: FloatArray
    """[n_doses] mg; a dose with two ways in counts twice."""
    duration: FloatArray
    """[n_doses] h; -1 if a parameter says."""
    row: IntArray
    """[n_doses] in force when it is given."""
    entry: IntArray
    """[n_doses] way in."""
    state: IntArray
    """[n_doses] that receives it."""
    lag: IntArray
    """[n_doses] parameter, or -1."""
    length: IntArray
    """[n_doses] parameter of the duration, or -1."""
    origin: float
    """h at which t is 0."""
    begin: float
    """h at which it starts: the first dose, or where another course stopped."""
    clock: float
    """Hour of the day at time 0."""


class Lanes(NamedTuple):
    """Every event of each particle of a block, in the particle's order; [n_events, W] each."""

    event: IntArray
    time: FloatArray
    kind: IntArray
    value: FloatArray
    """mg, or mg/h, of the event itself: not in the particle's order."""
    own_time: FloatArray
    own_kind: IntArray


@compiled
def load(tape: Tape, registers: FloatArray, parameters: FloatArray) -> None:
    """Write ``parameters`` [n_parameters, W] and run what only they decide."""
    for name in range(len(parameters)):
        rows.copy(registers, name, parameters, name)
    run_tape(tape.code, 0, tape.steady, registers)


@compiled
def _constants(tape: Tape, registers: FloatArray) -> None:
    for place in range(len(tape.constants)):
        for lane in range(W):
            registers[tape.names + place, lane] = tape.constants[place]


@compiled
def _enter(
    parameters: FloatArray,
    first: int,
    count: int,
    treatment: Treatment,
    tape: Tape,
    registers: FloatArray,
    events: Lanes,
    block: FloatArray,
    total: int,
) -> None:
    """Fill each particle's own times, kinds and values of all events."""
    n_parameters, known = parameters.shape[2], -1
    for event in range(len(treatment.kind)):
        kind, dose = treatment.kind[event], treatment.refers[event]
        if kind < STOP:
            for lane in range(W):
                events.own_time[event, lane] = treatment.time[event]
                events.own_kind[event, lane] = kind
            continue
        row, lag, length = treatment.row[dose], treatment.lag[dose], treatment.length[dose]
        if row != known:
            for name in range(n_parameters):
                for lane in range(W):
                    registers[name, lane] = parameters[first + min(lane, count - 1), row, name]
            known = row
        for lane in range(W):
            registers[n_parameters, lane] = treatment.amount[dose]
        run_tape(tape.code, 0, len(tape.code), registers)
        amount = tape.outputs[treatment.entry[dose]]
        for lane in range(W):
            over = registers[length, lane] if length >= 0 else treatment.duration[dose]
            at = treatment.time[event] + (registers[lag, lane] if lag >= 0 else 0.0)
            if not (np.isfinite(at) and np.isfinite(registers[amount, lane]) and over < np.inf):
                freeze(block, total, lane)
                at, over = treatment.time[event], 0.0
            at = max(at, treatment.time[event])
            runs = over > SHORT_H
            events.own_kind[event, lane] = kind if runs or kind == STOP else BOLUS
            events.own_time[event, lane] = at + over if kind == STOP and runs else at
            if runs:
                events.value[event, lane] = registers[amount, lane] / over
            else:
                events.value[event, lane] = registers[amount, lane] if kind == START else 0.0


@compiled
def _sort(events: Lanes) -> None:
    """Put each particle's events in order of time, and of kind at one instant; few move far."""
    for lane in range(W):
        for event in range(len(events.event)):
            time, kind = events.own_time[event, lane], events.own_kind[event, lane]
            place = event
            while place > 0:
                before, rank = events.time[place - 1, lane], events.kind[place - 1, lane]
                if before < time or (before == time and rank <= kind):
                    break
                events.time[place, lane], events.kind[place, lane] = before, rank
                events.event[place, lane] = events.event[place - 1, lane]
                place -= 1
            events.time[place, lane], events.kind[place, lane] = time, kind
            events.event[place, lane] = event


@compiled
def run(
    parameters: FloatArray,
    equations: Equations,
    treatment: Treatment,
    continued: FloatArray,
    tolerance: float,
    width: int,
    n_results: int,
    area: bool,
    states: FloatArray,
) -> FloatArray:
    """Results [n, n_results] of particles with ``parameters`` [n, n_rows, n_parameters].

    Each is an output at its time, or, if ``area``, the area under it since the first of the results.
    ``continued`` [n, n_states] is where to go on from, or empty. ``states`` [n, n_states] gets the states at
    the output with index -1. ``width``: particles in a block, at most W.
    """
    n, n_parameters = parameters.shape[0], parameters.shape[2]
    n_states = len(equations.initial.outputs)
    total = n_states + (1 if area else 0)
    n_events = len(treatment.kind)
    results = np.full((n, n_results), np.nan)
    block = np.zeros((FIRST + ALL_SECTIONS * total, W))
    moving = np.zeros((equations.motion.tape.registers, W))
    derivatives = np.zeros((equations.jacobian.tape.registers, W))
    factors = np.zeros((total * total, W))
    special = equations.saturable.applies == 1
    rates, space = (
        np.zeros((equations.saturable.tape.registers, W)),
        np.zeros(saturable.ROWS * W),
    )
    _constants(equations.saturable.tape, rates)
    y, rate, peak = FIRST + Y * total, FIRST + RATE * total, FIRST + PEAK * total
    events = Lanes(
        np.zeros((n_events, W), dtype=np.int64),
        np.zeros((n_events, W)),
        np.zeros((n_events, W), dtype=np.int64),
        np.zeros((n_events, W)),
        np.zeros((n_events, W)),
        np.zeros((n_events, W), dtype=np.int64),
    )
    seen = np.zeros((equations.outputs.registers, W))
    entering = np.zeros((equations.entries.registers, W))
    starting = np.zeros((equations.initial.registers, W))
    _constants(equations.motion.tape, moving)
    _constants(equations.jacobian.tape, derivatives)
    _constants(equations.outputs, seen)
    _constants(equations.entries, entering)
    _constants(equations.initial, starting)
    current, now = np.zeros((n_parameters, W)), np.zeros(W)
    row = np.zeros(W, dtype=np.int64)
    running = np.zeros((n_states, W), dtype=np.int64)
    first = 0
    while first < n:
        # What is over at the end of a block repeats its last particle.
        count = min(width, n - first)
        block[:] = 0.0
        block[ALIVE] = 1.0
        row[:] = 0
        running[:] = 0
        now[:] = treatment.begin
        for lane in range(W):
            for name in range(n_parameters):
                current[name, lane] = parameters[first + min(lane, count - 1), 0, name]
        load(equations.initial, starting, current)
        for state in range(n_states):
            for lane in range(W):
                if len(continued) > 0:
                    value = continued[first + min(lane, count - 1), state]
                else:
                    value = starting[equations.initial.outputs[state], lane]
                block[y + state, lane] = value
                block[peak + state, lane] = abs(value)
                if not np.isfinite(value):
                    freeze(block, total, lane)
        _enter(parameters, first, count, treatment, equations.entries, entering, events, block, total)
        _sort(events)
        stale, stale_jacobian, stale_outputs, stale_rates = True, True, True, True
        implicitly = equations.stiff == 1
        waiting = 0
        for event in range(n_events):
            if treatment.kind[event] == OUTPUT:
                waiting += W
        taken = 0
        for place in range(n_events):
            if waiting == 0:
                break
            moves = False
            for lane in range(W):
                at = max(events.time[place, lane], treatment.begin)
                block[LENGTH, lane] = at - now[lane]
                block[HOURS, lane] = now[lane] - treatment.origin
                if equations.timed == 1:
                    block[CLOCK, lane] = (treatment.clock + now[lane]) % 24.0
                moves = moves or (block[LENGTH, lane] > 0.0 and block[ALIVE, lane] == 1.0)
                now[lane] = at
            if moves:
                floors(equations.feeds, block, tolerance)
                came = 0.0
                kept = special and not implicitly
                if kept:
                    if stale_rates:
                        load(equations.saturable.tape, rates, current)
                        stale_rates = False
                    kept = saturable.load_block(equations.saturable, rates, block, total, n_states, space)
                if kept:
                    ended, came, steps = saturable.advance(
                        equations.saturable, block, total, n_states, OF_TOLERANCE * tolerance, space
                    )
                    taken += steps
                    implicitly = ended == STIFF
                elif not implicitly:
                    if stale:
                        load(equations.motion.tape, moving, current)
                        stale = False
                    ended, came, steps = explicit.advance(
                        equations.motion,
                        moving,
                        block,
                        n_parameters,
                        n_states,
                        total,
                        equations.timed == 1,
                        equations.longest,
                        OF_TOLERANCE * tolerance,
                    )
                    taken += steps
                    implicitly = ended == STIFF
                if implicitly and came < 1.0:
                    if stale:
                        load(equations.motion.tape, moving, current)
                        stale = False
                    if stale_jacobian:
                        load(equations.jacobian.tape, derivatives, current)
                        stale_jacobian = False
                    taken += implicit.advance(
                        equations.motion,
                        moving,
                        equations.jacobian,
                        derivatives,
                        factors,
                        block,
                        n_parameters,
                        n_states,
                        total,
                        equations.timed == 1,
                        equations.longest,
                        tolerance,
                        came,
                        max(MOST_STEPS - taken, 1),
                    )
            read = False
            for lane in range(W):
                event, kind = events.event[place, lane], events.kind[place, lane]
                index = treatment.refers[event]
                if kind == ROW:
                    row[lane] = index
                    for name in range(n_parameters):
                        current[name, lane] = parameters[first + min(lane, count - 1), index, name]
                    stale, stale_jacobian, stale_outputs, stale_rates = True, True, True, True
                elif kind == OUTPUT:
                    waiting -= 1
                    if index < 0:
                        if lane < count:
                            for state in range(n_states):
                                states[first + lane, state] = block[y + state, lane]
                    elif area:
                        if lane < count:
                            results[first + lane, index] = block[y + n_states, lane]
                        block[COUNTING, lane] = 1.0
                    else:
                        read = True
                elif kind == BOLUS:
                    # What entered before a course goes on is in its states already.
                    if len(continued) == 0 or events.time[place, lane] >= treatment.begin:
                        state = treatment.state[index]
                        block[y + state, lane] += events.value[event, lane]
                        size = abs(block[y + state, lane])
                        block[peak + state, lane] = max(block[peak + state, lane], size)
                        enter(block, lane)
                else:
                    state = treatment.state[index]
                    change = events.value[event, lane]
                    if change != 0.0:
                        running[state, lane] += 1 if kind == START else -1
                        block[rate + state, lane] += change if kind == START else -change
                        if running[state, lane] == 0:
                            # No residue of rounding runs on once everything has stopped.
                            block[rate + state, lane] = 0.0
            if read:
                for lane in range(W):
                    for state in range(n_states):
                        seen[n_parameters + state, lane] = block[y + state, lane]
                    at = events.time[place, lane]  # which may be before the first dose
                    seen[n_parameters + n_states, lane] = at - treatment.origin
                    seen[n_parameters + n_states + 1, lane] = (treatment.clock + at) % 24.0
                if stale_outputs:
                    load(equations.outputs, seen, current)
                    stale_outputs = False
                run_tape(equations.outputs.code, equations.outputs.steady, len(equations.outputs.code), seen)
                for lane in range(count):
                    event = events.event[place, lane]
                    if events.kind[place, lane] == OUTPUT and block[ALIVE, lane] == 1.0:
                        value = seen[equations.outputs.outputs[treatment.which[event]], lane]
                        results[first + lane, treatment.refers[event]] = value
        first += count
    return results
