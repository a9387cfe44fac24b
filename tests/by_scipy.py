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


def outputs_of(
    system: System,
    parameters: Mapping[str, float],
    doses: DoseTable,
    times: Sequence[float],
    clock_h: float = 0.0,
) -> FloatArray:
    """Every output [n_times, n_outputs] at ``times`` (h, in order), before a dose at the same time."""
    first = float(doses.time.min()) if len(doses) else 0.0

    def scope(time: float, state: FloatArray) -> dict[str, float]:
        extra = {"t": time - first, "clock": (clock_h + time) % 24.0}
        return {**parameters, **dict(zip(system.states, map(float, state), strict=True)), **extra}

    jumps, rates = _events(system, parameters, doses)
    edges = sorted({first, *(t for t, _, _ in jumps), *(e for s, e, _, _ in rates for e in (s, e)), *times})
    state = np.array([start.evaluate(parameters) for start in system.initial])
    rows: dict[float, FloatArray] = {}
    last = min(edges[0], first)
    for edge in edges:
        if edge > last:
            flow = np.zeros(len(state))
            for start, end, place, rate in rates:
                if start <= last and end >= edge:
                    flow[place] += rate

            def change(time: float, y: FloatArray, flow: FloatArray = flow) -> FloatArray:
                values = scope(time, y)
                return np.array([each.evaluate(values) for each in system.derivatives]) + flow

            state = solve_ivp(change, (last, edge), state, **TIGHT).y[:, -1]
            last = edge
        if edge in times:
            values = scope(edge, state)
            rows[edge] = np.array([output.value.evaluate(values) for output in system.outputs])
        for time, place, amount in jumps:
            if time == edge:
                state[place] += amount
    return np.array([rows[time] for time in times])


def _events(
    system: System, parameters: Mapping[str, float], doses: DoseTable
) -> tuple[list[tuple[float, int, float]], list[tuple[float, float, int, float]]]:
    """Boluses (time, state, mg) and infusions (start, end, state, mg/h) that the doses mean."""
    jumps: list[tuple[float, int, float]] = []
    rates: list[tuple[float, float, int, float]] = []
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
