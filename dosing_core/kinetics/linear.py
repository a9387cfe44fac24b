"""Kernels of linear kinetics: one or two compartments, infusion, bolus, first-order absorption with lag.

The state is physical: mg in the central, peripheral and depot compartment, so it carries over when the
covariates, hence the parameters, change. Between two events it moves by the exact solution in Newton's
(Putzer's) form over the decay rates alpha >= beta of the two compartments::

    exp(M t) = e^{-alpha t} I + [alpha, beta] (M + alpha I)

where ``[a, b, ...]`` is the divided difference of ``e^{-x t}``. Absorption adds the node ka, an infusion
the node 0, an area once more the node 0. All of these are positive, and so are the entries of
``M + alpha I``: nothing cancels, and coinciding rates (ka = alpha, alpha = beta, Q = 0) are ordinary cases.
Sources: Putzer, Am. Math. Monthly 73 (1966) 2; McCurdy, Ng, Parlett, Math. Comp. 43 (1984) 501 on
divided differences of the exponential.

Every particle takes the same steps in the same order on one thread, so the bytes never depend on how many
threads there are.
"""

from __future__ import annotations

import math

import numpy as np

from dosing_core.kinetics.compiled import compiled
from dosing_core.population.individual import FloatArray, IntArray

CL, V1, Q, V2, KA, LAG, F = range(7)
"""Columns of a parameter array, as in ``individual.PARAMETERS``."""

SERIES_TERMS = 20
"""With nodes less than 1 apart, term k of the series is below 1/k!: 20 terms reach 1e-18."""
SLOTS = 4
"""Steps remembered a particle: a regular regimen repeats two or three."""

# Nodes of 8-point Gauss-Legendre quadrature on [-1, 1].
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


@compiled
def _difference2(a: float, ea: float, b: float, eb: float, t: float) -> float:
    """[a, b] for rates a <= b, given their exponentials at t."""
    spread = (b - a) * t
    if spread > 1.0:
        return (ea - eb) / (b - a)
    if spread == 0.0:
        return ea * t
    return -ea * t * math.expm1(-spread) / spread


@compiled
def _difference3(a: float, ea: float, b: float, eb: float, c: float, ec: float, t: float) -> float:
    """[a, b, c] for rates a <= b <= c."""
    if (c - a) * t >= 1.0:
        return (_difference2(a, ea, b, eb, t) - _difference2(b, eb, c, ec, t)) / (c - a)
    u, v = -(b - a) * t, -(c - a) * t
    power, homogeneous, factor, total = 1.0, 1.0, 0.5, 0.5
    for k in range(1, SERIES_TERMS):
        power *= u
        homogeneous = power + v * homogeneous
        factor /= k + 2
        total += homogeneous * factor
    return ea * t * t * total


@compiled
def _difference4(
    a: float, ea: float, b: float, eb: float, c: float, ec: float, d: float, ed: float, t: float
) -> float:
    """[a, b, c, d] for rates a <= b <= c <= d."""
    if (d - a) * t >= 1.0:
        return (_difference3(a, ea, b, eb, c, ec, t) - _difference3(b, eb, c, ec, d, ed, t)) / (d - a)
    u, v, w = -(b - a) * t, -(c - a) * t, -(d - a) * t
    power, two, three, factor = 1.0, 1.0, 1.0, 1.0 / 6.0
    total = factor
    for k in range(1, SERIES_TERMS):
        power *= u
        two = power + v * two
        three = two + w * three
        factor /= k + 3
        total += three * factor
    return ea * t * t * t * total


@compiled
def rates_of(p: FloatArray, rates: FloatArray) -> None:
    """Fill ``rates`` with alpha, beta, ka, alpha - k10 - k12, alpha - k21, k12, k21 of parameters ``p``."""
    k10 = p[CL] / p[V1]
    k12 = p[Q] / p[V1] if p[Q] > 0.0 else 0.0
    k21 = p[Q] / p[V2] if p[Q] > 0.0 else 0.0
    out = k10 + k12
    gap = out - k21
    root = math.sqrt(gap * gap + 4.0 * k12 * k21)
    if gap >= 0.0:
        alpha_less_out = 2.0 * k12 * k21 / (root + gap) if root > 0.0 else 0.0
        alpha_less_k21 = 0.5 * (gap + root)
        alpha = out + alpha_less_out
    else:
        alpha_less_out = 0.5 * (root - gap)
        alpha_less_k21 = 2.0 * k12 * k21 / (root - gap)
        alpha = k21 + alpha_less_k21
    rates[0] = alpha
    rates[1] = k10 * k21 / alpha if alpha > 0.0 else 0.0
    rates[2] = p[KA]
    rates[3] = alpha_less_out
    rates[4] = alpha_less_k21
    rates[5] = k12
    rates[6] = k21


@compiled
def _with_ka(rates: FloatArray, ea: float, eb: float, ek: float, t: float, zero: bool) -> float:
    """[alpha, beta, ka], or [0, alpha, beta, ka] if ``zero``."""
    alpha, beta, ka = rates[0], rates[1], rates[2]
    if ka >= alpha:
        if zero:
            return _difference4(0.0, 1.0, beta, eb, alpha, ea, ka, ek, t)
        return _difference3(beta, eb, alpha, ea, ka, ek, t)
    if ka >= beta:
        if zero:
            return _difference4(0.0, 1.0, beta, eb, ka, ek, alpha, ea, t)
        return _difference3(beta, eb, ka, ek, alpha, ea, t)
    if zero:
        return _difference4(0.0, 1.0, ka, ek, beta, eb, alpha, ea, t)
    return _difference3(ka, ek, beta, eb, alpha, ea, t)


@compiled
def step(rates: FloatArray, t: float, depot: bool, infusion: bool, area: bool, c: FloatArray) -> None:
    """Fill the coefficients of a step of length t.

    c[0:4] exp(M t) by rows; c[4] e^{-ka t}; c[5:7] central and peripheral amount from 1 mg in the depot;
    c[7:9] from an infusion of 1 mg/h; c[9:13] area under the central amount from 1 mg central, 1 mg
    peripheral, 1 mg in the depot, 1 mg/h.
    """
    alpha, beta, ka, excess, k12, k21 = rates[0], rates[1], rates[2], rates[3], rates[5], rates[6]
    ea, eb = math.exp(-alpha * t), math.exp(-beta * t)
    both = _difference2(beta, eb, alpha, ea, t)
    c[0] = ea + both * excess
    c[1] = both * k21
    c[2] = both * k12
    c[3] = ea + both * rates[4]
    ek = 0.0
    if depot:
        ek = math.exp(-ka * t)
        three = ka * _with_ka(rates, ea, eb, ek, t, False)
        first = _difference2(alpha, ea, ka, ek, t) if ka >= alpha else _difference2(ka, ek, alpha, ea, t)
        c[4] = ek
        c[5] = ka * first + three * excess
        c[6] = three * k12
    if infusion or area:
        three = _difference3(0.0, 1.0, beta, eb, alpha, ea, t)
        c[7] = _difference2(0.0, 1.0, alpha, ea, t) + three * excess
        c[8] = three * k12
        if area:
            c[9] = c[7]
            c[10] = three * k21
            if depot:
                if ka >= alpha:
                    first = _difference3(0.0, 1.0, alpha, ea, ka, ek, t)
                else:
                    first = _difference3(0.0, 1.0, ka, ek, alpha, ea, t)
                c[11] = ka * (first + _with_ka(rates, ea, eb, ek, t, True) * excess)
            if infusion:
                c[12] = (
                    _difference3(0.0, 1.0, 0.0, 1.0, alpha, ea, t)
                    + _difference4(0.0, 1.0, 0.0, 1.0, beta, eb, alpha, ea, t) * excess
                )


@compiled
def _bound_area(
    rates: FloatArray,
    state: FloatArray,
    rate: float,
    length: float,
    volume: float,
    capacity: float,
    constant: float,
    depot: bool,
    infusion: bool,
    c: FloatArray,
) -> float:
    """Area under the measured concentration over one step, by Gauss-Legendre panels.

    Panels start at one time constant of the fastest rate and double, which resolves a sum of decaying
    exponentials to about 1e-9.
    """
    fastest = max(rates[0], rates[2]) if depot else rates[0]
    width = min(length, 1.0 / fastest) if fastest > 0.0 else length
    total, left = 0.0, 0.0
    while left < length:
        right = left + width
        if length - right < 0.5 * width:
            right = length
        half = 0.5 * (right - left)
        for n in range(8):
            step(rates, left + half * (1.0 + _NODES[n]), depot, infusion, False, c)
            central = c[0] * state[0] + c[1] * state[1] + c[5] * state[2] + c[7] * rate
            kinetic = central / volume
            total += half * _WEIGHTS[n] * kinetic * (1.0 + capacity / (kinetic + constant))
        left = right
        width *= 2.0
    return total


@compiled
def run(
    parameters: FloatArray,
    binding: FloatArray,
    event_time: FloatArray,
    event_kind: IntArray,
    event_value: FloatArray,
    event_index: IntArray,
    depot_time: FloatArray,
    depot_amount: FloatArray,
    depot_row: IntArray,
    outputs: int,
    infusion: bool,
    area: bool,
) -> FloatArray:
    """Kinetic concentration at each output, or, if ``area``, the area up to each output from the first.

    ``parameters`` [n, rows, 7]; events as in ``events.Events``; ``binding`` [rows, 2] or [0, 2] if the drug
    does not bind saturably. Only the area applies the binding, because it cannot be applied afterwards.
    Returns [n, outputs], mg/L or mg·h/L.
    """
    n, n_events, n_depot = parameters.shape[0], len(event_time), len(depot_time)
    result = np.zeros((n, outputs))
    depot = n_depot > 0
    bound = area and binding.shape[0] > 0
    rates, state, scratch = np.empty(7), np.empty(3), np.zeros(13)
    remembered, steps = np.empty(SLOTS), np.zeros((SLOTS, 13))
    arrival, order = np.empty(n_depot), np.empty(n_depot, dtype=np.int64)
    for particle in range(n):
        for j in range(n_depot):
            # Arrivals in order of time: the doses are, unless a later row has a much shorter lag.
            time = depot_time[j] + parameters[particle, depot_row[j], LAG]
            place = j
            while place > 0 and arrival[place - 1] > time:
                arrival[place], order[place] = arrival[place - 1], order[place - 1]
                place -= 1
            arrival[place], order[place] = time, j
        row = 0
        rates_of(parameters[particle, row], rates)
        volume = parameters[particle, row, V1]
        remembered[:] = -1.0
        slot = 0
        central, peripheral, waiting = 0.0, 0.0, 0.0
        rate, running, total, now = 0.0, 0, 0.0, 0.0
        counting, started = False, False
        i, j, done = 0, 0, 0
        while done < outputs and i < n_events:
            swallowed = j < n_depot and arrival[j] < event_time[i]
            time = arrival[j] if swallowed else event_time[i]
            length = time - now
            if started and length > 0.0 and (central + peripheral + waiting > 0.0 or rate > 0.0):
                k = 0
                while k < SLOTS and remembered[k] != length:
                    k += 1
                if k == SLOTS:
                    k = slot
                    slot = (slot + 1) % SLOTS
                    remembered[k] = length
                    step(rates, length, depot, infusion, area and not bound, steps[k])
                if counting:
                    if bound:
                        state[0], state[1], state[2] = central, peripheral, waiting
                        total += _bound_area(
                            rates,
                            state,
                            rate,
                            length,
                            volume,
                            binding[row, 0],
                            binding[row, 1],
                            depot,
                            infusion,
                            scratch,
                        )
                    else:
                        gained = steps[k, 9] * central + steps[k, 10] * peripheral
                        total += (gained + steps[k, 11] * waiting + steps[k, 12] * rate) / volume
                before = central
                central = steps[k, 0] * before + steps[k, 1] * peripheral
                peripheral = steps[k, 2] * before + steps[k, 3] * peripheral
                if depot:
                    central += steps[k, 5] * waiting
                    peripheral += steps[k, 6] * waiting
                    waiting *= steps[k, 4]
                if rate > 0.0:
                    central += steps[k, 7] * rate
                    peripheral += steps[k, 8] * rate
            now, started = time, True
            if swallowed:
                dose = order[j]
                waiting += depot_amount[dose] * parameters[particle, depot_row[dose], F]
                j += 1
                continue
            kind = event_kind[i]
            if kind == 0:
                row = event_index[i]
                rates_of(parameters[particle, row], rates)
                volume = parameters[particle, row, V1]
                remembered[:] = -1.0
            elif kind == 1:
                if area:
                    result[particle, event_index[i]] = total
                    counting = True
                else:
                    result[particle, event_index[i]] = central / volume
                done += 1
            elif kind == 2:
                running += 1 if event_value[i] > 0.0 else -1
                # No residue of rounding is left running once every infusion has stopped.
                rate = max(rate + event_value[i], 0.0) if running > 0 else 0.0
            else:
                central += event_value[i]
            i += 1
    return result
