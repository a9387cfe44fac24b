"""Systems that no formula solves, by steps under error control: their courses, areas, and states between.

``parameters`` is always ``Individual.parameters(eta)``, [n, n_rows, n_parameters]. A particle whose solution
does not exist or cannot be reached in a bounded number of steps is NaN; the others are not touched.

Particles take steps together in blocks, so a particle's digits depend on its neighbours within the tolerance.
They never depend on threads or on the run. Where small differences between particles matter (a gradient by
differences), ask for ``together``: then those are in one block.

A search over regimens need not run the history again for each: ``state_at`` keeps where every particle is
now, and what is still on its way in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dosing_core.kinetics import course
from dosing_core.kinetics.course import OUTPUT, ROW, START, STOP, Treatment
from dosing_core.kinetics.equations import equations
from dosing_core.kinetics.events import rows_at
from dosing_core.kinetics.history import DoseTable, no_doses
from dosing_core.kinetics.rows import W
from dosing_core.population.individual import FloatArray, Individual, IntArray
from dosing_core.population.system import Entry, System

TOLERANCE = 1e-6
"""Relative error of a step where none is asked for: small enough for differences of 1e-3 standard deviations
in a gradient."""


@dataclass(frozen=True, eq=False)
class State:
    """Where each particle's system is at one time, to go on from with other doses."""

    time: float
    """h."""
    origin: float
    """h at which t is 0: the first dose."""
    values: FloatArray
    """[n, n_states]."""
    pending: DoseTable
    """Doses given before ``time`` that have not wholly entered in every particle."""

    def of(self, particles: IntArray) -> State:
        """The states of some of the particles, in this order."""
        return State(self.time, self.origin, np.ascontiguousarray(self.values[particles]), self.pending)


def state_at(
    individual: Individual,
    parameters: FloatArray,
    doses: DoseTable,
    time: float,
    tolerance: float | None = None,
    *,
    state: State | None = None,
) -> State:
    """The state at ``time`` (h), before doses that are given then.

    Raises ``ValueError`` for a ``Structure``, or if ``time`` is before ``state``.
    """
    system = _system(individual)
    given = doses.before(time)
    doses, origin, begin = _joined(given, state, time)
    treatment = _treatment(individual, system, doses, np.array([time]), np.array([-1]), origin, begin)
    values = np.full((len(parameters), len(system.states)), np.nan)
    _run(system, -1, parameters, treatment, state, tolerance, 1, 0, values)
    return State(float(time), origin, values, _pending(system, parameters, doses, time))


def layout(
    individual: Individual,
    doses: DoseTable,
    times: FloatArray,
    outputs: IntArray | None = None,
    *,
    state: State | None = None,
) -> Treatment:
    """The events of ``prediction``, for kernels that lead the solver themselves."""
    system = _system(individual)
    which = np.zeros(len(times), dtype=np.int64) if outputs is None else np.asarray(outputs, dtype=np.int64)
    if len(which) and (which.min() < 0 or which.max() >= len(system.outputs)):
        raise ValueError("the system has no such output")
    doses, origin, begin = _joined(doses, state, float(np.min(times, initial=np.inf)))
    return _treatment(individual, system, doses, times, which, origin, begin)


def prediction(
    individual: Individual,
    doses: DoseTable,
    times: FloatArray,
    outputs: IntArray | None = None,
    tolerance: float | None = None,
    *,
    state: State | None = None,
    together: int = 1,
) -> Callable[[FloatArray], FloatArray]:
    """See ``predict.prediction``. Raises ``ValueError`` for a dose by a route that the system does not have,
    an output that it does not have, or a time before ``state``."""
    system = _system(individual)
    treatment = layout(individual, doses, times, outputs, state=state)

    def predict(parameters: FloatArray) -> FloatArray:
        nothing = np.empty((0, 0))
        return _run(system, -1, parameters, treatment, state, tolerance, together, len(times), nothing)

    return predict


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
    """See ``predict.auc``. The area is a state like the others, so its error is controlled too."""
    system = _system(individual)
    if not 0 <= output < len(system.outputs):
        raise ValueError("the system has no such output")
    doses, origin, begin = _joined(doses, state, start)
    times = np.array([start, end], dtype=np.float64)
    treatment = _treatment(individual, system, doses, times, np.full(2, output), origin, begin)
    results = _run(system, output, parameters, treatment, state, tolerance, 1, 2, np.empty((0, 0)))
    area: FloatArray = results[:, 1]
    if state is None and start < origin:
        area = area + _before(individual, parameters, doses, start, min(end, origin), output)
    return area


def _before(
    individual: Individual, parameters: FloatArray, doses: DoseTable, start: float, end: float, output: int
) -> FloatArray:
    """Area [n] before the first dose, when nothing moves: what is seen without drug, row by row."""
    inside = individual.row_time[(individual.row_time > start) & (individual.row_time < end)]
    edges = np.concatenate([[start], inside, [end]])
    middles = (edges[1:] + edges[:-1]) / 2.0
    seen = prediction(individual, doses, middles, np.full(len(middles), output))(parameters)
    return np.asarray(seen @ np.diff(edges))


def _system(individual: Individual) -> System:
    if not isinstance(individual.structure, System):
        raise ValueError("a closed form is not solved by steps")
    return individual.structure


def _joined(doses: DoseTable, state: State | None, earliest: float) -> tuple[DoseTable, float, float]:
    """All doses that act, the time at which t is 0, and the time from which steps are taken."""
    if state is None:
        origin = float(doses.time.min()) if len(doses) else earliest
        return doses, origin, origin
    if earliest < state.time or (len(doses) and doses.time.min() < state.time):
        raise ValueError("nothing before the state can change or be asked")
    return state.pending.joined(doses), state.origin, state.time


def _run(
    system: System,
    area: int,
    parameters: FloatArray,
    treatment: Treatment,
    state: State | None,
    tolerance: float | None,
    together: int,
    n_results: int,
    states: FloatArray,
) -> FloatArray:
    if state is not None and len(state.values) != len(parameters):
        raise ValueError("the state is of other particles")
    width = together * (W // together) if together <= W else W
    results: FloatArray = course.run(
        np.ascontiguousarray(parameters, dtype=np.float64),
        equations(system, area),
        treatment,
        np.empty((0, 0)) if state is None else state.values,
        TOLERANCE if tolerance is None else float(tolerance),
        width,
        n_results,
        bool(area >= 0),
        states,
    )
    return results


def _treatment(
    individual: Individual,
    system: System,
    doses: DoseTable,
    times: FloatArray,
    which: IntArray,
    origin: float,
    begin: float,
) -> Treatment:
    """Lay out rows, outputs and doses in order of time without lags, which is nearly everyone's."""
    number, ways = _entering(system, doses)
    given = doses.time[number]
    by_parameter = np.array([entry.duration is not None for entry in ways], dtype=np.bool_)
    duration = doses.duration[number]
    runs = by_parameter | (duration > course.SHORT_H)
    changes = individual.row_time[1:]
    n_rows, n_out, n_doses = len(changes), len(times), len(number)
    places = np.arange(n_doses)
    kind = np.repeat(np.array([ROW, OUTPUT, START, STOP]), [n_rows, n_out, n_doses, int(runs.sum())])
    time = np.concatenate([changes, times, given, given[runs]])
    ends = np.concatenate([changes, times, given, (given + duration)[runs]])
    index = np.concatenate(
        [
            np.arange(1, n_rows + 1),
            np.where(which < 0, -1, np.arange(n_out)),
            places,
            places[runs],
        ]
    ).astype(np.int64)
    output = np.concatenate([np.zeros(n_rows), which, np.zeros(n_doses + int(runs.sum()))]).astype(np.int64)
    order = np.lexsort((kind, ends))

    def column(name: str | None) -> int:
        return -1 if name is None else system.parameters.index(name)

    return Treatment(
        kind=kind[order],
        refers=index[order],
        time=np.ascontiguousarray(time[order], dtype=np.float64),
        which=output[order],
        amount=doses.amount[number],
        duration=np.where(by_parameter, -1.0, duration),
        row=rows_at(individual, given),
        entry=np.array([system.entries.index(entry) for entry in ways], dtype=np.int64),
        state=np.array([entry.state for entry in ways], dtype=np.int64),
        lag=np.array([column(entry.lag) for entry in ways], dtype=np.int64),
        length=np.array([column(entry.duration) for entry in ways], dtype=np.int64),
        origin=origin,
        begin=begin,
        clock=float(individual.clock_h),
    )


def _entering(system: System, doses: DoseTable) -> tuple[IntArray, list[Entry]]:
    """Every dose by every way in that it takes: the dose's number, and the way."""
    routes = {depot: system.ways_in(depot) for depot in (True, False)}
    number: list[int] = []
    ways: list[Entry] = []
    for place, depot in enumerate(doses.depot.tolist()):
        if not routes[depot]:
            raise ValueError(
                f"the model has no way in for a dose that is {'not ' if depot else ''}intravenous"
            )
        for entry in routes[depot]:
            number.append(place)
            ways.append(entry)
    return np.array(number, dtype=np.int64), ways


def _pending(system: System, parameters: FloatArray, doses: DoseTable, time: float) -> DoseTable:
    """The doses of which something may still enter after ``time`` in some particle."""
    if not len(doses):
        return no_doses()
    number, ways = _entering(system, doses)
    ends = doses.time.copy()
    for place, entry in zip(number, ways, strict=True):
        last = doses.time[place] + doses.duration[place]
        if entry.duration is not None:
            last = doses.time[place] + _largest(system, parameters, entry.duration)
        if entry.lag is not None:
            last += _largest(system, parameters, entry.lag)
        ends[place] = max(ends[place], last)
    kept = ends >= time
    return DoseTable(doses.time[kept], doses.amount[kept], doses.duration[kept], doses.depot[kept])


def _largest(system: System, parameters: FloatArray, name: str) -> float:
    values = parameters[:, :, system.parameters.index(name)]
    finite = values[np.isfinite(values)]
    return float(finite.max()) if len(finite) else 0.0
