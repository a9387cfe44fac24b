"""Kernels that take many particles through the same events side by side.

The mathematics is that of ``linear``: the physical state moves by Newton's form of the exponential. Here a
block of particles ("lanes") takes each step together, so that the compiler turns the loops over lanes into
vector instructions, and a step of a length that was met before (a regular regimen has two or three) is not
computed again. Divided differences are taken by plain division, which loses no digits while the rates are
apart; a lane whose rates nearly coincide, or are not finite, takes its coefficients from ``linear`` instead.

No operation mixes lanes and none may be fused or reordered, so a particle's bits are the same alone and in
any crowd. ``exp`` is written out for that reason too: a library's differs between vector and scalar.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from dosing_core.kinetics import linear
from dosing_core.kinetics.compiled import compiled
from dosing_core.kinetics.cycles import LEAST_CYCLES, MOST_EVENTS, repeat, repeats
from dosing_core.kinetics.linear import CL, LAG, V1, F
from dosing_core.population.individual import FloatArray, IntArray

LANES = 64
"""Particles in a block: their coefficients stay in the nearest cache."""
SLOTS = 4
"""Lengths of step remembered a block."""
LEAST_GONE = 0.01
"""An area is what was eliminated; where that is less than this share of the amount, digits were lost."""
APART = 0.02
"""Least relative distance of two rates that are divided by it: two divisions then leave 12 digits."""

# Rows of a block's rates: as ``linear.rates_of`` fills them, then what is divided by.
ALPHA, BETA, KA, EXCESS, REST, K12, K21 = range(7)
VOLUME, PER_GAP, PER_ALPHA, PER_BETA, KA_LESS_ALPHA, KA_LESS_BETA, APART_ROW = range(7, 14)
RATES = 14

# Rows of a step's coefficients, as ``linear.step`` fills them.
COEFFICIENTS = 9

_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_ROUND = 6755399441055744.0  # 1.5 · 2^52: adding it leaves a number rounded to an integer in the low bits.
_MOST = 700.0
_S2, _S3, _S4, _S5, _S6, _S7, _S8, _S9, _S10, _S11, _S12, _S13 = (
    1.0 / math.factorial(k) for k in range(2, 14)
)


@intrinsic  # type: ignore[untyped-decorator]
def _power_of_two(_context: Any, _exponent: Any) -> Any:
    """2 to an integral float64 between -1022 and 1023, by writing the exponent's bits."""

    def write(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        shifted = builder.fadd(arguments[0], ir.Constant(ir.DoubleType(), _ROUND + 1023.0))
        bits = builder.shl(builder.bitcast(shifted, word), ir.Constant(word, 52))
        return builder.bitcast(bits, ir.DoubleType())

    return types.float64(types.float64), write


@intrinsic  # type: ignore[untyped-decorator]
def exponent_of(_context: Any, _number: Any) -> Any:
    """k as a float64 with 2^k <= number < 2^(k + 1), of a positive normal number, from its bits."""

    def read(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        bits = builder.lshr(builder.bitcast(arguments[0], word), ir.Constant(word, 52))
        # In the last bits of 2^52 an integer is itself.
        shifted = builder.or_(bits, ir.Constant(word, 0x4330000000000000))
        return builder.fsub(
            builder.bitcast(shifted, ir.DoubleType()), ir.Constant(ir.DoubleType(), 2.0**52 + 1023.0)
        )

    return types.float64(types.float64), read


@compiled
def decay(x: float) -> tuple[float, float]:
    """e^{-x} and 1 - e^{-x} for x >= 0, both to the last digit or two; x above 700 counts as 700.

    e^{-x} = 2^{-k} e^r with |r| <= ln 2 / 2, and e^r - 1 by its series (Cody and Waite's reduction).
    """
    x = x if x < _MOST else _MOST
    k = (x * _LOG2_E + _ROUND) - _ROUND
    r = (k * _LN2_HIGH - x) + k * _LN2_LOW
    q = _S13 * r + _S12
    q = q * r + _S11
    q = q * r + _S10
    q = q * r + _S9
    q = q * r + _S8
    q = q * r + _S7
    q = q * r + _S6
    q = q * r + _S5
    q = q * r + _S4
    q = q * r + _S3
    q = q * r + _S2
    q = r + r * r * q
    power = _power_of_two(-k)
    return power + power * q, (1.0 - power) - power * q


@compiled
def block_rates(
    parameters: FloatArray, row: int, first: int, count: int, depot: bool, rates: FloatArray
) -> None:
    """Fill ``rates`` [14, LANES] of ``count`` particles from ``first`` on; ``parameters`` [n, rows, 7]."""
    one = np.empty(7)
    for lane in range(count):
        p = parameters[first + lane, row]
        linear.rates_of(p, one)
        alpha, beta, ka = one[0], one[1], one[2]
        for k in range(7):
            rates[k, lane] = one[k]
        rates[VOLUME, lane] = p[V1]
        rates[PER_GAP, lane] = 1.0 / (alpha - beta)
        rates[PER_ALPHA, lane] = 1.0 / alpha
        rates[PER_BETA, lane] = 1.0 / beta if beta > 0.0 else 0.0
        rates[KA_LESS_ALPHA, lane] = 1.0 / (ka - alpha)
        rates[KA_LESS_BETA, lane] = 1.0 / (ka - beta)
        apart = alpha - beta > APART * alpha and alpha < math.inf
        if depot:
            apart = apart and abs(ka - alpha) > APART * max(ka, alpha)
            apart = apart and abs(ka - beta) > APART * max(ka, beta) and ka < math.inf
        rates[APART_ROW, lane] = 1.0 if apart else 0.0


@compiled
def block_step(
    rates: FloatArray,
    times: FloatArray,
    depot: bool,
    infusion: bool,
    count: int,
    c: FloatArray,
    e: FloatArray,
) -> None:
    """Fill the coefficients ``c`` [9, LANES] of steps of length ``times`` [LANES], as ``linear.step`` does.

    ``e`` [4, LANES] gets e^{-alpha t}, 1 - e^{-alpha t}, and both for beta.
    """
    for lane in range(count):
        fast, fast_gone = decay(rates[ALPHA, lane] * times[lane])
        slow, slow_gone = decay(rates[BETA, lane] * times[lane])
        # Of two numbers near 1 the complements, which are exact, are subtracted.
        gap = fast_gone - slow_gone if fast > 0.5 else slow - fast
        both = gap * rates[PER_GAP, lane]
        c[0, lane] = fast + both * rates[EXCESS, lane]
        c[1, lane] = both * rates[K21, lane]
        c[2, lane] = both * rates[K12, lane]
        c[3, lane] = fast + both * rates[REST, lane]
        e[0, lane] = fast
        e[1, lane] = fast_gone
        e[2, lane] = slow
        e[3, lane] = slow_gone
    if depot:
        _absorbed(rates, times, count, c, e)
    if infusion:
        _infused(rates, times, count, c, e)
    for lane in range(count):
        if rates[APART_ROW, lane] == 0.0:
            _coincident(rates, lane, times[lane], depot, infusion, c)


@compiled
def _coincident(
    rates: FloatArray, lane: int, time: float, depot: bool, infusion: bool, c: FloatArray
) -> None:
    """Fill ``c`` of one lane from ``linear``. Few lanes need it: what it works in is laid out only here."""
    one, coefficients = np.empty(7), np.zeros(13)
    for k in range(7):
        one[k] = rates[k, lane]
    linear.step(one, time, depot, infusion, False, coefficients)
    for k in range(COEFFICIENTS):
        c[k, lane] = coefficients[k]


@compiled
def _absorbed(rates: FloatArray, times: FloatArray, count: int, c: FloatArray, e: FloatArray) -> None:
    """c[4] what stays in the depot; c[5:7] central and peripheral amount from 1 mg in it."""
    for lane in range(count):
        ka = rates[KA, lane]
        stays, gone = decay(ka * times[lane])
        fast, slow = e[0, lane], e[2, lane]
        gap = gone - e[1, lane] if min(stays, fast) > 0.5 else fast - stays
        with_alpha = gap * rates[KA_LESS_ALPHA, lane]
        gap = gone - e[3, lane] if min(stays, slow) > 0.5 else slow - stays
        with_beta = gap * rates[KA_LESS_BETA, lane]
        three = ka * max((with_beta - with_alpha) * rates[PER_GAP, lane], 0.0)
        c[4, lane] = stays
        c[5, lane] = ka * with_alpha + three * rates[EXCESS, lane]
        c[6, lane] = three * rates[K12, lane]


@compiled
def _infused(rates: FloatArray, times: FloatArray, count: int, c: FloatArray, e: FloatArray) -> None:
    """c[7:9] central and peripheral amount from an infusion of 1 mg/h."""
    for lane in range(count):
        with_alpha = e[1, lane] * rates[PER_ALPHA, lane]
        with_beta = e[3, lane] * rates[PER_BETA, lane] if rates[BETA, lane] > 0.0 else times[lane]
        three = max((with_beta - with_alpha) * rates[PER_GAP, lane], 0.0)
        c[7, lane] = with_alpha + three * rates[EXCESS, lane]
        c[8, lane] = three * rates[K12, lane]


@compiled
def advance(c: FloatArray, rate: float, depot: bool, count: int, state: FloatArray) -> None:
    """Move the amounts ``state`` [3, LANES] over one step."""
    for lane in range(count):
        central, peripheral = state[0, lane], state[1, lane]
        state[0, lane] = c[0, lane] * central + c[1, lane] * peripheral
        state[1, lane] = c[2, lane] * central + c[3, lane] * peripheral
    if depot:
        for lane in range(count):
            waiting = state[2, lane]
            state[0, lane] += c[5, lane] * waiting
            state[1, lane] += c[6, lane] * waiting
            state[2, lane] = c[4, lane] * waiting
    if rate > 0.0:
        for lane in range(count):
            state[0, lane] += c[7, lane] * rate
            state[1, lane] += c[8, lane] * rate


@compiled
def alike(parameters: FloatArray, first: int, swallowed: bool) -> int:
    """How many particles from ``first`` on, at most LANES, meet the same events at the same times.

    All do, unless something was swallowed and their lags differ.
    """
    most: int = min(LANES, parameters.shape[0] - first)
    if not swallowed:
        return most
    for other in range(first + 1, first + most):
        for row in range(parameters.shape[1]):
            if parameters[other, row, LAG] != parameters[first, row, LAG]:
                return other - first
    return most


@compiled
def _merged(
    lags: FloatArray,
    event_time: FloatArray,
    depot_time: FloatArray,
    depot_row: IntArray,
    time: FloatArray,
    item: IntArray,
) -> None:
    """Fill ``time`` and ``item`` of all events in order: the index of a shared event, or -1 - that of an oral
    dose, which arrives after the lag of the row in which it was swallowed."""
    n_events, n_depot = len(event_time), len(depot_time)
    arrival, order = np.empty(n_depot), np.empty(n_depot, dtype=np.int64)
    for j in range(n_depot):
        # Arrivals in order of time: the doses are, unless a later row has a much shorter lag.
        arrives = depot_time[j] + lags[depot_row[j]]
        place = j
        while place > 0 and arrival[place - 1] > arrives:
            arrival[place], order[place] = arrival[place - 1], order[place - 1]
            place -= 1
        arrival[place], order[place] = arrives, j
    i, j = 0, 0
    for k in range(n_events + n_depot):
        if j < n_depot and (i == n_events or arrival[j] < event_time[i]):
            time[k], item[k] = arrival[j], -1 - order[j]
            j += 1
        else:
            time[k], item[k] = event_time[i], i
            i += 1


@compiled
def _settle(
    parameters: FloatArray, row: int, first: int, count: int, state: FloatArray, books: FloatArray
) -> None:
    """Book the area since the last settlement: what was eliminated, divided by the clearance.

    ``books`` [4, LANES]: the area so far, amount at the last settlement, amount entered since, and the
    largest amount over clearance, against which the area must not be small.
    """
    for lane in range(count):
        held = state[0, lane] + state[1, lane] + state[2, lane]
        clearance = parameters[first + lane, row, CL]
        there = books[1, lane] + books[2, lane]
        books[0, lane] += (there - held) / clearance
        books[3, lane] = max(books[3, lane], there / clearance)
        books[1, lane] = held
        books[2, lane] = 0.0


@compiled
def run(
    parameters: FloatArray,
    event_time: FloatArray,
    event_kind: IntArray,
    event_value: FloatArray,
    event_index: IntArray,
    depot_time: FloatArray,
    depot_amount: FloatArray,
    depot_row: IntArray,
    outputs: int,
    area: bool,
) -> FloatArray:
    """Kinetic concentration at each output, or, if ``area``, the area up to each output from the first.

    ``parameters`` [n, rows, 7]; events as in ``events.Events``. Returns [n, outputs], mg/L or mg·h/L. An
    area is NaN where it is so small beside the amount in the body that their difference loses digits: take
    those from ``linear.run``.
    """
    n, n_depot = parameters.shape[0], len(depot_time)
    result = np.zeros((n, outputs))
    depot = n_depot > 0
    rates, state, books = np.empty((RATES, LANES)), np.empty((3, LANES)), np.empty((4, LANES))
    remembered, knows_infusion = np.empty(SLOTS), np.empty(SLOTS, dtype=np.bool_)
    steps, scratch = np.empty((SLOTS, COEFFICIENTS, LANES)), np.empty((4, LANES))
    times, lengths = np.empty(len(event_time) + n_depot), np.empty(LANES)
    items = np.empty(len(event_time) + n_depot, dtype=np.int64)
    cycle, gained, entered = np.zeros((COEFFICIENTS, LANES)), np.empty((3, LANES)), np.empty(LANES)
    first = 0
    while first < n:
        count = alike(parameters, first, depot)
        _merged(parameters[first, :, LAG], event_time, depot_time, depot_row, times, items)
        block_rates(parameters, 0, first, count, depot, rates)
        state[:] = 0.0
        books[:] = 0.0
        remembered[:] = -1.0
        row, slot, running, done = 0, 0, 0, 0
        rate, now = 0.0, 0.0
        loaded, counting = False, False
        k = -1
        while k + 1 < len(times) and done < outputs:
            k += 1
            length = times[k] - now
            if loaded and length > 0.0:
                at = 0
                while at < SLOTS and (remembered[at] != length or (rate > 0.0 and not knows_infusion[at])):
                    at += 1
                if at == SLOTS:
                    at = slot
                    slot = (slot + 1) % SLOTS
                    remembered[at], knows_infusion[at] = length, rate > 0.0
                    lengths[:] = length
                    block_step(rates, lengths, depot, rate > 0.0, count, steps[at], scratch)
                advance(steps[at], rate, depot, count, state)
                if counting and rate > 0.0:
                    for lane in range(count):
                        books[2, lane] += rate * length
            now = times[k]
            period, repeated = 0, 0
            if running == 0:
                while repeated < LEAST_CYCLES and period < MOST_EVENTS:
                    period += 1
                    repeated = repeats(
                        times, items, k, period, event_kind, event_value, depot_amount, depot_row
                    )
            if repeated >= LEAST_CYCLES:
                loaded = True
                after = k + period * repeated
                interval = (times[after] - now) / repeated
                gained[:] = 0.0
                entered[:] = 0.0
                for part in range(period):
                    i = items[k + part]
                    if i < 0:
                        dose = -1 - i
                        for lane in range(count):
                            swallowed = depot_amount[dose] * parameters[first + lane, depot_row[dose], F]
                            gained[2, lane] += swallowed
                            entered[lane] += swallowed
                    elif event_kind[i] == 2:
                        running += 1 if event_value[i] > 0.0 else -1
                        rate = max(rate + event_value[i], 0.0) if running > 0 else 0.0
                    else:
                        for lane in range(count):
                            gained[0, lane] += event_value[i]
                            entered[lane] += event_value[i]
                    since = times[k + part] - now
                    length = (interval if part + 1 == period else times[k + part + 1] - now) - since
                    lengths[:] = length
                    block_step(rates, lengths, depot, rate > 0.0, count, cycle, scratch)
                    advance(cycle, rate, depot, count, gained)
                    for lane in range(count):
                        entered[lane] += rate * length
                lengths[:] = interval
                block_step(rates, lengths, depot, running > 0, count, cycle, scratch)
                repeat(cycle, depot, repeated, count, gained, state)
                if counting:
                    for lane in range(count):
                        books[2, lane] += repeated * entered[lane]
                now = times[after]
                k = after - 1
                continue
            i = items[k]
            if i < 0:
                dose = -1 - i
                loaded = True
                for lane in range(count):
                    swallowed = depot_amount[dose] * parameters[first + lane, depot_row[dose], F]
                    state[2, lane] += swallowed
                    books[2, lane] += swallowed
            elif event_kind[i] == 0:
                if counting:
                    _settle(parameters, row, first, count, state, books)
                row = event_index[i]
                block_rates(parameters, row, first, count, depot, rates)
                remembered[:] = -1.0
            elif event_kind[i] == 1:
                done += 1
                if area:
                    _settle(parameters, row, first, count, state, books)
                    if not counting:
                        books[0] = 0.0
                        books[3] = 0.0
                    counting = True
                    for lane in range(count):
                        kept = books[0, lane] >= LEAST_GONE * books[3, lane]
                        result[first + lane, event_index[i]] = books[0, lane] if kept else np.nan
                else:
                    for lane in range(count):
                        result[first + lane, event_index[i]] = state[0, lane] / rates[VOLUME, lane]
            elif event_kind[i] == 2:
                loaded = True
                running += 1 if event_value[i] > 0.0 else -1
                # No residue of rounding is left running once every infusion has stopped.
                rate = max(rate + event_value[i], 0.0) if running > 0 else 0.0
            else:
                loaded = True
                for lane in range(count):
                    state[0, lane] += event_value[i]
                    books[2, lane] += event_value[i]
        first += count
    return result
