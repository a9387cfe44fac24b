"""A ``System`` solved by scipy and the expression language's own evaluator: slow, and shared with nothing.

Tests of structural families use it where the product's solvers should not judge themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.integrate import solve_ivp

from dosing_core.kinetics import DoseTable
from dosing_core.population.individual import FloatArray
from dosing_core.population.system import System

TIGHT = {"method": "LSODA", "rtol": 1e-10, "atol": 1e-13}

Jumps = list[tuple[float, int, float]]
"""(time h, state, mg)."""
Rates = list[tuple[float, float, int, float]]
"""(start h, end h, state, mg/h)."""


def outputs_of(
    system: System,
    parameters: Mapping[str, float],
    doses: DoseTable,
    times: Sequence[float],
    clock_h: float = 0.0,
) -> FloatArray:
    """Every output [n_times, n_outputs] at ``times`` (h, in order), before a dose at the same time."""
    return solved(system, parameters, doses, times, clock_h)[0]


def areas_of(
    system: System,
    parameters: Mapping[str, float],
    doses: DoseTable,
    start: float,
    end: float,
    clock_h: float = 0.0,
) -> FloatArray:
    """Area [n_outputs] under every output from ``start`` to ``end`` (h)."""
    _, areas = solved(system, parameters, doses, (start, end), clock_h)
    return np.asarray(areas[1] - areas[0])


def solved(
    system: System, parameters: Mapping[str, float], doses: DoseTable, times: Sequence[float], clock_h: float
) -> tuple[FloatArray, FloatArray]:
    """Every output and its area since the first of doses and times, both [n_times, n_outputs].

    Areas are further states of the solver.
    """
    first = float(doses.time.min()) if len(doses) else 0.0
    size = len(system.states)

    def scope(time: float, state: FloatArray) -> dict[str, float]:
        extra = {"t": time - first, "clock": (clock_h + time) % 24.0}
        return {**parameters, **dict(zip(system.states, map(float, state), strict=False)), **extra}

    def seen(time: float, state: FloatArray) -> FloatArray:
        values = scope(time, state)
        return np.array([output.value.evaluate(values) for output in system.outputs])

    jumps, rates = _events(system, parameters, doses)
    edges = sorted({first, *(t for t, _, _ in jumps), *(e for s, e, _, _ in rates for e in (s, e)), *times})
    start = [each.evaluate(parameters) for each in system.initial]
    state = np.array([*start, *np.zeros(len(system.outputs))])
    rows: dict[float, tuple[FloatArray, FloatArray]] = {}
    last = edges[0]
    for edge in edges:
        if edge > last:
            flow = np.zeros(size)
            for begin, end, place, rate in rates:
                if begin <= last and end >= edge:
                    flow[place] += rate

            def change(time: float, y: FloatArray, flow: FloatArray = flow) -> FloatArray:
                values = scope(time, y)
                moved = np.array([each.evaluate(values) for each in system.derivatives])
                return np.concatenate([moved + flow, seen(time, y)])

            state = solve_ivp(change, (last, edge), state, **TIGHT).y[:, -1]
            last = edge
        if edge in times:
            rows[edge] = (seen(edge, state), state[size:].copy())
        for time, place, amount in jumps:
            if time == edge:
                state[place] += amount
    return np.array([rows[time][0] for time in times]), np.array([rows[time][1] for time in times])


def _events(system: System, parameters: Mapping[str, float], doses: DoseTable) -> tuple[Jumps, Rates]:
    """Boluses and infusions that the doses mean."""
    jumps: Jumps = []
    rates: Rates = []
    for time, given, length, oral in zip(doses.time, doses.amount, doses.duration, doses.depot, strict=True):
        for entry in system.enters("oral" if oral else "iv"):
            start = float(time) + (parameters[entry.lag] if entry.lag else 0.0)
            amount = entry.amount.evaluate({**parameters, "dose": float(given)})
            duration = parameters[entry.duration] if entry.duration else 0.0 if oral else float(length)
            if duration > 0:
                rates.append((start, start + duration, entry.state, amount / duration))
            else:
                jumps.append((start, entry.state, amount))
    return jumps, rates
