"""Kernels of the steady state: all past doses of a regimen summed in closed form, particles side by side."""

from __future__ import annotations

import math

import numpy as np

from dosing_core.kinetics.compiled import compiled
from dosing_core.kinetics.linear import CL, LAG, F
from dosing_core.kinetics.lockstep import (
    COEFFICIENTS,
    EXCESS,
    K12,
    K21,
    KA,
    LANES,
    RATES,
    REST,
    VOLUME,
    advance,
    alike,
    block_rates,
    block_step,
    decay,
)
from dosing_core.population.individual import FloatArray

GOLDEN_STEPS = 22
"""Leaves 3e-5 of the interval, where the top of the hump is flat to better than 1e-6 of its height."""
_GOLDEN = 0.5 * (math.sqrt(5.0) - 1.0)


@compiled
def _start(
    parameters: FloatArray,
    first: int,
    count: int,
    rates: FloatArray,
    amount: float,
    interval: float,
    duration: float,
    depot: bool,
    state: FloatArray,
    c: FloatArray,
    e: FloatArray,
) -> None:
    """Fill ``state`` [3, LANES] with the amounts at the start of an interval at steady state, a bolus already
    in.

    With an oral dose the interval starts when the dose arrives. ``duration`` <= ``interval``: the caller
    has split off whole overlapping infusions.
    """
    # Never a literal True or False to a kernel: numba would compile it once more for each.
    times, infusion = np.empty(LANES), duration > 0.0
    state[:] = 0.0
    if depot:
        for lane in range(count):
            _, gone = decay(rates[KA, lane] * interval)
            state[2, lane] = amount * parameters[first + lane, 0, F] / gone
    elif infusion:
        times[:] = duration
        block_step(rates, times, depot, infusion, count, c, e)
        for lane in range(count):
            state[0, lane] = c[7, lane] * amount / duration
            state[1, lane] = c[8, lane] * amount / duration
    else:
        for lane in range(count):
            state[0, lane] = amount
    # What one dose leaves at the end of its interval.
    times[:] = interval - duration
    block_step(rates, times, depot, infusion, count, c, e)
    for lane in range(count):
        central, peripheral = state[0, lane], state[1, lane]
        state[0, lane] = c[0, lane] * central + c[1, lane] * peripheral + c[5, lane] * state[2, lane]
        state[1, lane] = c[2, lane] * central + c[3, lane] * peripheral + c[6, lane] * state[2, lane]
    # Times (I - exp(M interval))^-1 in Newton's form.
    if infusion:
        times[:] = interval
        block_step(rates, times, depot, infusion, count, c, e)
    for lane in range(count):
        central, peripheral = state[0, lane], state[1, lane]
        fast = 1.0 / e[1, lane]
        both = fast * c[1, lane] / rates[K21, lane] / e[3, lane] if rates[K21, lane] > 0.0 else 0.0
        state[0, lane] = (fast + both * rates[EXCESS, lane]) * central + both * rates[K21, lane] * peripheral
        state[1, lane] = both * rates[K12, lane] * central + (fast + both * rates[REST, lane]) * peripheral
    if not depot and not infusion:
        for lane in range(count):
            state[0, lane] += amount


@compiled
def steady_profile(
    parameters: FloatArray, amount: float, interval: float, duration: float, depot: bool, offsets: FloatArray
) -> FloatArray:
    """Kinetic concentration [n, offsets] at steady state, for parameters [n, 7], mg/L.

    ``offsets`` h after a dose is swallowed or its infusion starts. Offset 0, like the end of the interval,
    is just before the dose. Infusions longer than the interval overlap.
    """
    n = len(parameters)
    rows = parameters.reshape((n, 1, parameters.shape[1]))
    result = np.empty((n, len(offsets)))
    rates, state, now = np.empty((RATES, LANES)), np.empty((3, LANES)), np.empty((3, LANES))
    c, e, times = np.zeros((COEFFICIENTS, LANES)), np.empty((4, LANES)), np.empty(LANES)
    whole = 0.0 if depot else math.floor(duration / interval)
    rest = 0.0 if depot else duration - whole * interval
    infused = amount if duration == 0.0 or depot else amount * rest / duration
    infusion = rest > 0.0
    rate = infused / rest if infusion else 0.0
    first = 0
    while first < n:
        count = alike(rows, first, depot)
        block_rates(rows, 0, first, count, depot, rates)
        if depot or infused > 0.0:
            _start(rows, first, count, rates, infused, interval, rest, depot, state, c, e)
        else:
            state[:] = 0.0
        lag = rows[first, 0, LAG] if depot else 0.0
        for j in range(len(offsets)):
            since = offsets[j] - lag
            since -= interval * math.floor(since / interval)
            if since == 0.0:
                # Just before the dose. Only a bolus makes a jump there.
                since = interval if not depot and duration == 0.0 else 0.0
            running = min(since, rest)
            for lane in range(count):
                now[0, lane], now[1, lane], now[2, lane] = state[0, lane], state[1, lane], state[2, lane]
            if running > 0.0:
                times[:] = running
                block_step(rates, times, depot, infusion, count, c, e)
                advance(c, rate, depot, count, now)
            if since > running:
                times[:] = since - running
                block_step(rates, times, depot, infusion, count, c, e)
                advance(c, 0.0, depot, count, now)
            for lane in range(count):
                constant = whole * amount / duration / rows[first + lane, 0, CL] if whole > 0.0 else 0.0
                result[first + lane, j] = now[0, lane] / rates[VOLUME, lane] + constant
        first += count
    return result


@compiled
def steady_oral_peak(parameters: FloatArray, interval: float) -> FloatArray:
    """Highest kinetic concentration [n] at steady state of 1 mg swallowed every ``interval`` h, mg/L.

    Golden section on the single hump after the dose arrives; parameters [n, 7].
    """
    n = len(parameters)
    rows = parameters.reshape((n, 1, parameters.shape[1]))
    result = np.empty(n)
    rates, state = np.empty((RATES, LANES)), np.empty((3, LANES))
    c, e, times = np.zeros((COEFFICIENTS, LANES)), np.empty((4, LANES)), np.empty(LANES)
    depot = interval > 0.0  # Always, but no literal.
    low, high, inner, outer = np.empty(LANES), np.empty(LANES), np.empty(LANES), np.empty(LANES)
    for first in range(0, n, LANES):
        count = min(LANES, n - first)
        block_rates(rows, 0, first, count, depot, rates)
        _start(rows, first, count, rates, 1.0, interval, 0.0, depot, state, c, e)
        low[:] = 0.0
        high[:] = interval
        times[:] = interval - _GOLDEN * interval
        _absorbing(rates, times, depot, count, state, c, e, inner)
        times[:] = _GOLDEN * interval
        _absorbing(rates, times, depot, count, state, c, e, outer)
        fresh = np.empty(LANES)
        for _ in range(GOLDEN_STEPS - 1):
            for lane in range(count):
                width = _GOLDEN * (high[lane] - low[lane])
                if inner[lane] > outer[lane]:
                    high[lane] = low[lane] + width
                    times[lane] = high[lane] - _GOLDEN * (high[lane] - low[lane])
                else:
                    low[lane] = high[lane] - width
                    times[lane] = low[lane] + _GOLDEN * (high[lane] - low[lane])
            _absorbing(rates, times, depot, count, state, c, e, fresh)
            for lane in range(count):
                if inner[lane] > outer[lane]:
                    inner[lane], outer[lane] = fresh[lane], inner[lane]
                else:
                    inner[lane], outer[lane] = outer[lane], fresh[lane]
        for lane in range(count):
            result[first + lane] = max(inner[lane], outer[lane]) / rates[VOLUME, lane]
    return result


@compiled
def _absorbing(
    rates: FloatArray,
    times: FloatArray,
    depot: bool,
    count: int,
    state: FloatArray,
    c: FloatArray,
    e: FloatArray,
    central: FloatArray,
) -> None:
    """Fill ``central`` [LANES] with the amount ``times`` after ``state``, the depot emptying into it."""
    block_step(rates, times, depot, not depot, count, c, e)
    for lane in range(count):
        central[lane] = (
            c[0, lane] * state[0, lane] + c[1, lane] * state[1, lane] + c[5, lane] * state[2, lane]
        )


@compiled
def bound_areas(
    doses: FloatArray, profile: FloatArray, weights: FloatArray, capacity: float, constant: float
) -> FloatArray:
    """Weighted sums [doses, n] of the measured concentration: ``profile`` [n, nodes] times each dose, bound.

    Saturable binding as in ``predict.bound``. Particles are innermost, so that they go side by side.
    """
    n, nodes = profile.shape
    by_node = profile.T.copy()
    result = np.zeros((len(doses), n))
    for k in range(len(doses)):
        dose = doses[k]
        for node in range(nodes):
            weight = weights[node]
            for i in range(n):
                kinetic = dose * by_node[node, i]
                result[k, i] += weight * (kinetic * (1.0 + capacity / (kinetic + constant)))
    return result
