"""Concentrations and areas that doses give, for many particles at once, whatever the structure.

The solver follows from the form of the model. A ``Structure`` has closed formulas. A ``System`` that is
linear with coefficients that only parameters decide is solved exactly, any other by steps under error
control. ``parameters`` is always ``Individual.parameters(eta)``, [n, n_rows, n_parameters]. Results are on
the observed scale (saturable binding applied), mg/L and mg·h/L, or the output's unit and that times h.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dosing_core.kinetics import exact, linear, lockstep, ode, symbolic
from dosing_core.kinetics.events import RATE, Events, build_events, rows_at
from dosing_core.kinetics.history import DoseTable
from dosing_core.kinetics.linear import CL, LAG, F
from dosing_core.kinetics.ode import State
from dosing_core.kinetics.steady import steady_profile
from dosing_core.population.individual import FloatArray, Individual, IntArray
from dosing_core.population.system import System

# 8-point Gauss-Legendre quadrature on [-1, 1]. Finding the nodes takes longer than using them.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)

Prediction = Callable[[FloatArray], FloatArray]
"""Parameters [n, n_rows, n_parameters] to what is observed [n, n_times], mg/L or the output's unit."""


def bound(kinetic: FloatArray, binding: FloatArray) -> FloatArray:
    """The measured concentration of a kinetic one; ``binding`` [..., 2] is capacity and constant, mg/L."""
    measured: FloatArray = kinetic * (1.0 + binding[..., 0] / (kinetic + binding[..., 1]))
    return measured


def is_linear(individual: Individual, output: int | None = 0) -> bool:
    """True if superposition holds: what several doses do is the sum of what each does.

    Of the kinetics alone if ``output`` is None, else of that output of a ``System`` too. The saturable
    binding of a ``Structure`` is applied to the sum, so it does not count.
    """
    if not isinstance(individual.structure, System):
        return True
    return symbolic.superposes(individual.structure) and (
        output is None or symbolic.linear_output(individual.structure, output) is not None
    )


def is_exact(individual: Individual) -> bool:
    """True if no tolerance is read: a closed form, or a linear system."""
    return (
        not isinstance(individual.structure, System) or symbolic.linear_form(individual.structure) is not None
    )


def prediction(
    individual: Individual,
    doses: DoseTable,
    times: FloatArray,
    outputs: IntArray | None = None,
    tolerance: float | None = None,
    *,
    state: State | None = None,
    together: int = 1,
) -> Prediction:
    """``concentrations`` with the events laid out once, for repeated calls with other parameters.

    ``outputs`` [n_times]: which output of a ``System`` is due at each time; None: the first, the measured
    concentration. ``tolerance``: relative, of the steps of a system that is not linear (None: 1e-6, for
    modes; 1e-4 is enough for particles). ``state``: where to go on from instead of from the first dose; then
    ``doses`` are those from its time on. ``together``: so many particles in a row take the same steps, which
    differences between them need.
    """
    times = np.asarray(times, dtype=np.float64)
    if isinstance(individual.structure, System):
        if state is None and is_exact(individual):
            due = np.zeros(len(times), dtype=np.int64) if outputs is None else np.asarray(outputs)
            return exact.prediction(individual, doses, times, due)
        return ode.prediction(individual, doses, times, outputs, tolerance, state=state, together=together)
    _only_concentration(outputs, state)
    events = build_events(individual, doses, times)
    binding = None if individual.binding is None else individual.binding[rows_at(individual, times)]

    def predict(parameters: FloatArray) -> FloatArray:
        kinetic = _side_by_side(parameters, events, len(times), areas=False)
        return kinetic if binding is None else bound(kinetic, binding)

    return predict


def concentrations(
    individual: Individual,
    parameters: FloatArray,
    doses: DoseTable,
    times: FloatArray,
    output: int = 0,
    tolerance: float | None = None,
    *,
    state: State | None = None,
) -> FloatArray:
    """What is observed of one output [n, n_times] at ``times`` (h), mg/L or the output's unit.

    At the time of a dose: before the dose. At the time of a change of row: with the new row.
    """
    outputs = np.full(len(times), output, dtype=np.int64)
    return prediction(individual, doses, times, outputs, tolerance, state=state)(parameters)


def auc(
    individual: Individual,
    parameters: FloatArray,
    doses: DoseTable,
    start: float,
    end: float,
    output: int = 0,
    tolerance: float | None = None,
    *,
    state: State | None = None,
) -> FloatArray:
    """Area [n] under what is observed of one output from ``start`` to ``end`` (h), mg·h/L.

    From the state where the drug does not bind saturably, else by Gauss-Legendre panels between events or,
    for a system that is not linear, as one more state under error control.
    Raises ``ValueError`` if ``end`` is before ``start``.
    """
    if end < start:
        raise ValueError("an area needs its end after its start")
    if end == start:
        return np.zeros(len(parameters))
    if isinstance(individual.structure, System):
        if state is None and is_exact(individual):
            area = exact.area(individual, parameters, doses, start, end, output)
            if area is not None:
                return area
        return ode.auc(individual, parameters, doses, start, end, output, tolerance, state=state)
    _only_concentration(np.array([output]), state)
    events = build_events(individual, doses, np.array([start, end], dtype=np.float64))
    if individual.binding is not None:
        return _one_by_one(parameters, individual.binding, events)
    area = _side_by_side(parameters, events, 2, areas=True)[:, 1]
    lost = np.isnan(area)
    if lost.any():
        area[lost] = _one_by_one(parameters[lost], np.empty((0, 2)), events)
    return area


def _only_concentration(outputs: IntArray | None, state: State | None) -> None:
    if state is not None or (outputs is not None and np.any(outputs)):
        raise ValueError("a closed form has one output, and starts before the first dose")


def _side_by_side(parameters: FloatArray, events: Events, outputs: int, *, areas: bool) -> FloatArray:
    """Kinetic concentrations, or areas from the first output, [n, outputs]; particles in blocks."""
    result: FloatArray = lockstep.run(
        parameters,
        events.time,
        events.kind,
        events.value,
        events.index,
        events.depot_time,
        events.depot_amount,
        events.depot_row,
        outputs,
        areas,
    )
    return result


def _one_by_one(parameters: FloatArray, binding: FloatArray, events: Events) -> FloatArray:
    """Area [n] between the two outputs of ``events``, for each particle by itself."""
    area = linear.run(
        parameters,
        binding,
        events.time,
        events.kind,
        events.value,
        events.index,
        events.depot_time,
        events.depot_amount,
        events.depot_row,
        2,
        bool((events.kind == RATE).any()),
        True,
    )
    return area[:, 1]


def steady_state(
    individual: Individual,
    parameters: FloatArray,
    amount: float,
    interval: float,
    duration: float,
    depot: bool,
    offsets: FloatArray,
    output: int = 0,
) -> FloatArray:
    """Observed concentration [n, n_offsets] at steady state with the last row's parameters, mg/L.

    ``amount`` mg every ``interval`` h over ``duration`` h (0: bolus; not read if ``depot``). ``offsets`` h
    after a dose is swallowed or its infusion starts; 0 is the trough, before the dose.
    Raises ``ValueError`` for a system in which doses do not superpose.
    """
    offsets = np.asarray(offsets, dtype=np.float64)
    if isinstance(individual.structure, System):
        _superposes(individual.structure)
        return exact.steady_state(individual, parameters, amount, interval, duration, depot, offsets, output)
    last = parameters[:, -1].copy()
    kinetic = steady_profile(last, float(amount), float(interval), float(duration), depot, offsets)
    return kinetic if individual.binding is None else bound(kinetic, individual.binding[-1])


def steady_state_auc24(
    individual: Individual,
    parameters: FloatArray,
    amount: float,
    interval: float,
    duration: float,
    depot: bool,
    output: int = 0,
) -> FloatArray:
    """Average 24-h area [n] at steady state, mg·h/L: F · dose / CL · 24 / interval without binding.

    Raises ``ValueError`` for a system in which doses do not superpose.
    """
    if isinstance(individual.structure, System):
        _superposes(individual.structure)
        if symbolic.linear_output(individual.structure, output) is not None:
            area = exact.steady_area(individual, parameters, amount, depot, output)
        else:
            offsets, weights = interval_quadrature(interval, 0.0 if depot else duration)
            seen = exact.steady_state(
                individual, parameters, amount, interval, duration, depot, offsets, output
            )
            area = np.einsum("no,o->n", seen, weights)
        return area * (24.0 / interval)
    last = parameters[:, -1].copy()
    if individual.binding is None:
        factor = last[:, F] if depot else 1.0
        linear: FloatArray = factor * amount / last[:, CL] * (24.0 / interval)
        return linear
    offsets, weights = interval_quadrature(interval, 0.0 if depot else duration)
    last[:, LAG] = 0.0
    kinetic = steady_profile(last, float(amount), float(interval), float(duration), depot, offsets)
    area = np.einsum("no,o->n", bound(kinetic, individual.binding[-1]), weights)
    return np.asarray(area * (24.0 / interval))


def _superposes(system: System) -> None:
    if not symbolic.superposes(system):
        raise ValueError("doses do not superpose in this system, so it has no steady state in closed form")


def interval_quadrature(interval: float, duration: float) -> tuple[FloatArray, FloatArray]:
    """Nodes (h since the dose arrives) and weights (h) for integrals over one dosing interval."""
    return panels((0.0, duration % interval, interval))


def panels(breaks: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights over ascending ``breaks`` (h), at which the integrand may have kinks.

    8-point Gauss-Legendre panels that start at 1/2 h after each break and double: they resolve rates up to
    10 per hour to about 1e-9.
    """
    edges = [breaks[0]]
    for right in breaks[1:]:
        width = 0.5
        while edges[-1] < right:
            edges.append(right if right - edges[-1] < 1.5 * width else edges[-1] + width)
            width *= 2.0
    half = np.diff(edges)[:, None] / 2.0
    middle = (np.array(edges[:-1]) + np.array(edges[1:]))[:, None] / 2.0
    return (middle + half * _NODES).ravel(), (half * _WEIGHTS).ravel()
