"""Exact solutions of linear ``System``s: three compartments, transit chains, metabolites, effect sites.

Anything whose equations are linear in the states with coefficients that only parameters decide. Equal and
nearly equal rates are as good as any; see ``exponential``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from dosing_core.kinetics import exact_kernel, symbolic
from dosing_core.kinetics.compartments import Machine, linear_outputs, machine
from dosing_core.kinetics.events import rows_at
from dosing_core.kinetics.exact_steady import areas
from dosing_core.kinetics.history import DoseTable, no_doses
from dosing_core.kinetics.laying import Laid, lay_out, lay_steady, system_of
from dosing_core.kinetics.tape import compile_expressions
from dosing_core.population.individual import FloatArray, Individual, IntArray
from dosing_core.population.system import CLOCK, DOSE, TIME, System

_NO_STATES, _STATES = np.zeros(0, dtype=np.bool_), np.ones(1, dtype=np.bool_)


def prediction(
    individual: Individual, doses: DoseTable, times: FloatArray, outputs: IntArray
) -> Callable[[FloatArray], FloatArray]:
    """Parameters [n, n_rows, n_parameters] to what is seen [n, n_times]; ``outputs`` [n_times].

    The structure is a linear ``System``. Raises ``ValueError`` if a dose goes a way that it does not know.
    """
    system = system_of(individual)
    linear = linear_outputs(system)
    course = _Course(individual, doses, times, outputs, None, whole=not all(linear[k] for k in set(outputs)))
    if not course.whole:
        return lambda parameters: course(parameters)[:, :, 0]
    seen = _Seen(individual, doses, times, outputs)
    return lambda parameters: seen(parameters, course(parameters))


def area(
    individual: Individual, parameters: FloatArray, doses: DoseTable, start: float, end: float, output: int
) -> FloatArray | None:
    """Area [n] under an output from ``start`` to ``end`` (h), from the state; None if it is not linear."""
    if not linear_outputs(system_of(individual))[output]:
        return None
    both = np.full(2, output, dtype=np.int64)
    times = np.array([start, end], dtype=np.float64)
    return _Course(individual, doses, times, both, output, whole=False)(parameters)[:, 1, 0]


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
    """One output [n, n_offsets] at steady state, as ``predict.steady_state`` says.

    The sum of all past doses is taken by doubling their number until it stands still, so every amount is
    right by itself to about 1 / (slowest rate · interval) rounding errors.
    """
    system = system_of(individual)
    outputs = np.full(len(offsets), output, dtype=np.int64)
    # Only the last row counts, whether the others came along or not: no kernel may look for them.
    now = replace(individual, row_time=np.array([-np.inf]))
    last = np.ascontiguousarray(parameters[:, -1:])
    laid = lay_steady(now, amount, interval, duration, depot, offsets, outputs)
    made = _machine(system, laid.infused, None)
    if linear_outputs(system)[output]:
        return exact_kernel.run(made, laid.itinerary, last, _NO_STATES)[:, :, 0]
    states = exact_kernel.run(made, laid.itinerary, last, _STATES)
    return _Seen(now, no_doses(), np.asarray(offsets), outputs)(last, states)


def steady_area(
    individual: Individual, parameters: FloatArray, amount: float, depot: bool, output: int = 0
) -> FloatArray:
    """Area [n] under a linear output over one interval at steady state, or of one dose for ever.

    What enters, times what each mg of it leaves of itself before it is gone: no interval, no exponential.
    """
    system = system_of(individual)
    last = np.ascontiguousarray(parameters[:, -1].T)
    form, readout = symbolic.linear_form(system), symbolic.linear_output(system, output)
    if form is None or readout is None:
        raise ValueError("the system or its output is not linear")
    m, n = len(system.states), last.shape[1]
    matrix = np.moveaxis(form.program.evaluate(last)[: m * m].reshape(m, m, n), 2, 0)
    seen = readout.evaluate(last)
    entered = np.zeros((m, n))
    entries = system.ways_in(depot)
    names = (*system.parameters, DOSE)
    given = compile_expressions([entry.amount for entry in entries], names).evaluate(
        np.concatenate([last, np.full((1, n), amount)])
    )
    for entry, part in zip(entries, given, strict=True):
        entered[entry.state] += part
    total: FloatArray = areas(np.ascontiguousarray(matrix), entered.T.copy(), seen.T.copy())
    return total


def _machine(system: System, infused: tuple[int, ...], area: int | None) -> Machine:
    made = machine(system, infused, area)
    if made is None:
        raise ValueError("the system is not linear with constant coefficients")
    return made


class _Course:
    """Events laid out once; particles with a delay too long for a run take the longer way."""

    def __init__(
        self,
        individual: Individual,
        doses: DoseTable,
        times: FloatArray,
        outputs: IntArray,
        area: int | None,
        *,
        whole: bool,
    ) -> None:
        self.individual, self.doses, self.times, self.outputs = individual, doses, times, outputs
        self.whole = whole
        self._flag = _STATES if whole else _NO_STATES
        self._area = area
        self._laid, self._machine = self._lay(collapse=True)
        self._long: tuple[Laid, Machine] | None = None

    def _lay(self, *, collapse: bool) -> tuple[Laid, Machine]:
        laid = lay_out(self.individual, self.doses, self.times, self.outputs, collapse=collapse)
        return laid, _machine(system_of(self.individual), laid.infused, self._area)

    def __call__(self, parameters: FloatArray) -> FloatArray:
        itinerary = self._laid.itinerary
        parameters = np.ascontiguousarray(parameters)
        if not self._laid.delayed or np.isinf(self._laid.most_delay):
            return exact_kernel.run(self._machine, itinerary, parameters, self._flag)
        delay = np.zeros(len(parameters))
        for row, lag, length in itinerary.delay.T:
            here = parameters[:, itinerary.rows[row]]
            one = (here[:, lag] if lag >= 0 else 0.0) + (here[:, length] if length >= 0 else 0.0)
            delay = np.maximum(delay, one)
        long = ~(delay <= self._laid.most_delay)
        if not long.any():
            return exact_kernel.run(self._machine, itinerary, parameters, self._flag)
        if self._long is None:
            self._long = self._lay(collapse=False)
        laid, made = self._long
        result = np.empty((len(parameters), len(self.times), made.states if self.whole else 1))
        result[long] = exact_kernel.run(made, laid.itinerary, parameters[long], self._flag)
        if not long.all():
            result[~long] = exact_kernel.run(self._machine, itinerary, parameters[~long], self._flag)
        return result


class _Seen:
    """Outputs that are not linear, from the states."""

    def __init__(
        self, individual: Individual, doses: DoseTable, times: FloatArray, outputs: IntArray
    ) -> None:
        system = system_of(individual)
        self._rows = rows_at(individual, times)
        names = (*system.parameters, *system.states, TIME, CLOCK)
        self._of = [
            (
                np.flatnonzero(outputs == output),
                compile_expressions([system.outputs[output].value], names),
            )
            for output in np.unique(outputs)
        ]
        first = float(doses.time[0]) if len(doses) else 0.0
        self._time, self._clock = times - first, (individual.clock_h + times) % 24.0

    def __call__(self, parameters: FloatArray, states: FloatArray) -> FloatArray:
        n, n_times, n_states = states.shape
        width = parameters.shape[2]
        result = np.empty((n, n_times))
        for places, program in self._of:
            inputs = np.empty((width + n_states + 2, n, len(places)))
            inputs[:width] = np.moveaxis(parameters[:, self._rows[places]], 2, 0)
            inputs[width : width + n_states] = np.moveaxis(states[:, places], 2, 0)
            inputs[width + n_states] = self._time[places]
            inputs[width + n_states + 1] = self._clock[places]
            seen = program.evaluate(inputs.reshape(len(inputs), -1))
            result[:, places] = seen.reshape(n, len(places))
        return result
