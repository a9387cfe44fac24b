"""What any dose of a schedule does to each particle, from one simulation of the schedule with 1 mg.

Linear kinetics superpose, in closed form or written out: the concentration is the free decay of the doses
already given plus dose times that of a train of 1 mg. So each schedule is simulated once and every dose of it
is a product.
Saturable binding is applied to that sum, pointwise, because the measured concentration is not linear.

Use::

    particles = belief.particles(1024)
    for response in responses(particles, schedules, first_h=2.0, history=doses):
        auc24 = response.auc24(doses_mg)            # [n_doses, n_particles]
        trough = response.trough(doses_mg)          # [n_doses, n_particles]

All results are on the observed scale: mg/L or mg·h/L, float64, [n_doses, n_particles], particles in the
order of ``Particles``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dosing_core.case import Route
from dosing_core.errors import UnusableGoal
from dosing_core.inference.particles import Particles
from dosing_core.kinetics.above import share_above
from dosing_core.kinetics.events import rows_at
from dosing_core.kinetics.history import DoseTable
from dosing_core.kinetics.linear import CL, LAG, V1, F
from dosing_core.kinetics.predict import (
    auc,
    bound,
    concentrations,
    interval_quadrature,
    panels,
    steady_state,
    steady_state_auc24,
)
from dosing_core.kinetics.steady import bound_areas, steady_oral_peak, steady_profile
from dosing_core.population.individual import FloatArray, Individual
from dosing_core.population.system import System
from dosing_core.regimens.extremes import highest

DAY_H = 24.0
EVENLY = 97
"""Points of an interval where nobody knows when the top comes."""
RISE, ABSORB, FALL = 9, 33, 33
"""Points of a steady profile while an infusion runs, while a swallowed dose is absorbed, and afterwards: the
time above a threshold is known to 0.3 % of the interval."""


@dataclass(frozen=True)
class Schedule:
    """A regimen without its dose: one schedule is simulated once for all its doses."""

    interval_h: float
    duration_h: float
    """Length of the infusion, h; 0 for a dose through a depot or a bolus."""
    route: Route


def responses(
    particles: Particles, schedules: Sequence[Schedule], first_h: float, history: DoseTable
) -> tuple[Response, ...]:
    """One ``Response`` a schedule, in the same order.

    ``first_h``: hours from now to the first future dose (the loading dose, if there is one).
    ``history``: every dose that is given before it; still washing out at ``first_h``.
    Raises ``ValueError`` if a model has no way in for a dose by a schedule's route.
    """
    for route in {schedule.route for schedule in schedules}:
        if not all(individual.takes(route) for individual, _ in particles):
            way = "way in for an infusion" if route == "iv" else "absorption"
            raise ValueError(f"the model has no {way}, but a schedule is {route}")
    past = _Past(particles, first_h, history)
    return tuple(Response(schedule, past) for schedule in schedules)


class Response:
    """What any dose of one schedule does. Each answer is computed when first asked for, then kept."""

    def __init__(self, schedule: Schedule, past: _Past) -> None:
        self.schedule = schedule
        self._past = past
        self._depot = schedule.route != "iv"
        self._duration = 0.0 if self._depot else schedule.duration_h
        self._days: dict[float, list[_Window]] = {}
        self._timed: dict[float, list[FloatArray]] = {}

    @property
    def interval_h(self) -> float:
        """h between doses."""
        return self.schedule.interval_h

    def auc24(self, doses: FloatArray) -> FloatArray:
        """Average AUC over 24 h at steady state, mg·h/L. ``doses`` [n_doses] mg."""
        doses = np.asarray(doses, dtype=np.float64)
        return _joined([area.of(doses) for area in self._areas])

    def trough(self, doses: FloatArray) -> FloatArray:
        """Concentration just before a dose at steady state, mg/L. ``doses`` [n_doses] mg."""
        return self._points(self._troughs, doses)

    def peak(self, doses: FloatArray) -> FloatArray:
        """Highest concentration at steady state, mg/L: at the end of an infusion, after a bolus, or where
        absorption and elimination balance. ``doses`` [n_doses] mg."""
        return self._points(self._peaks, doses)

    def timed(self, doses: FloatArray, after_h: float) -> FloatArray:
        """Concentration ``after_h`` h after a dose has begun at steady state, or just before the next one if
        that comes first, mg/L. ``doses`` [n_doses] mg."""
        if after_h >= self.schedule.interval_h:
            return self.trough(doses)
        if after_h not in self._timed:
            self._timed[after_h] = [one[:, 0] for one in self._profile(np.array([after_h]))]
        return self._points(self._timed[after_h], doses)

    def average(self, doses: FloatArray) -> FloatArray:
        """Mean concentration over an interval at steady state, mg/L. ``doses`` [n_doses] mg."""
        return self.auc24(doses) / DAY_H

    def time_above(self, doses: FloatArray, threshold: FloatArray) -> FloatArray:
        """Share (0 to 1) of the interval at steady state in which the measured concentration is above
        ``threshold`` [n] mg/L, one a particle. ``doses`` [n_doses] mg."""
        doses = np.asarray(doses, dtype=np.float64)
        times, found, first = self._grid, [], 0
        for (individual, parameters), profile in zip(self._past.steady, self._profile(times), strict=True):
            own = threshold[first : first + len(parameters)]
            first += len(parameters)
            found.append(share_above(profile, times, _kinetic(individual, own)[None, :] / doses[:, None]))
        return _joined(found)

    def cumulative_auc(self, doses: FloatArray, course_h: float) -> FloatArray:
        """Area from the first dose of the course, given or to come, until ``course_h`` after it, mg·h/L.

        Raises ``UnusableGoal`` if the course is over before the next dose.
        """
        past, doses = self._past, np.asarray(doses, dtype=np.float64)
        start = float(past.history.time[0]) if len(past.history) else past.first_h
        end = start + course_h
        if end <= past.first_h:
            raise UnusableGoal("The course is over before the next dose, so no dose changes its area.")
        window = [
            _window(individual, parameters, past, self.schedule, self._duration, start, end)
            for individual, parameters in past.parts
        ]
        return _joined([one.area(doses, doses) for one in window])

    def effect(self, doses: FloatArray, output: str) -> FloatArray:
        """Linear kinetics has no effects. Raises ``UnusableGoal``; so do ``occupancy`` and ``nadir``."""
        raise UnusableGoal(f"The model has no output {output!r} that could be aimed at.")

    occupancy = effect
    nadir = effect

    def first_day_auc(
        self, doses: FloatArray, loading_mg: float | None = None, loading_duration_h: float | None = None
    ) -> FloatArray:
        """AUC over the 24 h from ``first_h``, what is left of the history included, mg·h/L.

        With ``loading_mg`` the first dose is that, over ``loading_duration_h`` (None: the schedule's), and
        ``doses`` follow from one interval later on; without, every dose is of ``doses`` [n_doses] mg.
        """
        doses = np.asarray(doses, dtype=np.float64)
        given = self._depot or loading_mg is None or loading_duration_h is None
        duration = self._duration if given or loading_duration_h is None else loading_duration_h
        start = self._past.first_h
        if duration not in self._days:
            self._days[duration] = [
                _window(individual, parameters, self._past, self.schedule, duration, start, start + DAY_H)
                for individual, parameters in self._past.parts
            ]
        first = doses if loading_mg is None else np.full(len(doses), float(loading_mg))
        return _joined([day.area(first, doses) for day in self._days[duration]])

    def _points(self, unit: list[FloatArray], doses: FloatArray) -> FloatArray:
        doses = np.asarray(doses, dtype=np.float64)
        return _joined(
            [
                _observed(individual, np.multiply.outer(doses, kinetic))
                for (individual, _), kinetic in zip(self._past.steady, unit, strict=True)
            ]
        )

    def _profile(self, times: FloatArray) -> list[FloatArray]:
        """Kinetic concentration [n, n_times] of 1 mg at steady state, ``times`` h after a dose, by part."""
        return [self._unit(individual, parameters, times) for individual, parameters in self._past.steady]

    def _unit(self, individual: Individual, parameters: FloatArray, times: FloatArray) -> FloatArray:
        interval = float(self.schedule.interval_h)
        if isinstance(individual.structure, System):
            return steady_state(individual, parameters, 1.0, interval, self._duration, self._depot, times)
        last = parameters[:, -1].copy()
        return np.asarray(steady_profile(last, 1.0, interval, self._duration, self._depot, times))

    @property
    def _grid(self) -> FloatArray:
        """Times of one interval, h: denser while it rises. It starts just after a bolus, at its top."""
        interval = float(self.schedule.interval_h)
        rising = min(self._duration, interval) if not self._depot else min(4.0, 0.5 * interval)
        fall = rising + (interval - rising) * np.linspace(0.0, 1.0, FALL) ** 1.5
        if rising == 0.0:
            fall[0] = 1e-9 * interval
            return fall
        rise = np.linspace(0.0, rising, ABSORB if self._depot else RISE, endpoint=rising == interval)
        return rise if rising == interval else np.concatenate([rise, fall])

    @cached_property
    def _areas(self) -> list[_SteadyArea]:
        return [
            _steady_area(individual, parameters, self.schedule)
            for individual, parameters in self._past.steady
        ]

    @cached_property
    def _troughs(self) -> list[FloatArray]:
        return [profile[:, 0] for profile in self._profile(np.zeros(1))]

    @cached_property
    def _peaks(self) -> list[FloatArray]:
        return [self._peak(individual, parameters) for individual, parameters in self._past.steady]

    def _peak(self, individual: Individual, parameters: FloatArray) -> FloatArray:
        """Highest kinetic concentration [n] of 1 mg at steady state."""
        interval = float(self.schedule.interval_h)
        if isinstance(individual.structure, System):
            # A zero-order input ends at a kink whose time is the particle's own: everywhere alike fine.
            times = np.linspace(0.0, interval, EVENLY) if self._depot else self._grid
            profile = self._unit(individual, parameters, times)
            return highest(profile, times) if self._depot else np.asarray(profile.max(axis=1))
        last = parameters[:, -1].copy()
        if self._depot:
            return np.asarray(steady_oral_peak(last, interval))
        if self._duration == 0.0:
            start = self._unit(individual, parameters, np.zeros(1))[:, 0]
            return np.asarray(start + 1.0 / last[:, V1])
        return self._unit(individual, parameters, np.array([self._duration % interval]))[:, 0]


class _Past:
    """The particles, the doses before the first future one, and areas that all schedules share.

    A window is a stretch of time (start, end) h that holds ``first_h``."""

    def __init__(self, particles: Particles, first_h: float, history: DoseTable) -> None:
        people = (individual for individual, _ in particles)
        self.parts = list(zip(people, particles.parameters, strict=True))
        self.first_h = float(first_h)
        self.history = history
        self._areas: dict[tuple[int, float | None, bool, float, float], FloatArray] = {}

    @cached_property
    def steady(self) -> list[tuple[Individual, FloatArray]]:
        """The parts as a steady state takes them, [n, 1, n_parameters]. Only the last row counts there, and
        closed forms differ in nothing but parameters and binding: neighbours with the same one are joined."""
        found: list[tuple[Individual, list[FloatArray]]] = []
        for individual, parameters in self.parts:
            if found and _steady_alike(found[-1][0], individual):
                found[-1][1].append(parameters[:, -1:])
            else:
                found.append((individual, [parameters[:, -1:]]))
        return [(individual, np.concatenate(rows)) for individual, rows in found]

    def free_area(
        self, individual: Individual, parameters: FloatArray, window: tuple[float, float]
    ) -> FloatArray:
        """Kinetic area [n] of the history alone over the window."""
        return self._area(individual, parameters, None, False, self.history, window)

    def single_area(
        self,
        individual: Individual,
        parameters: FloatArray,
        duration: float,
        depot: bool,
        window: tuple[float, float],
    ) -> FloatArray:
        """Kinetic area [n] over the window of 1 mg at ``first_h``."""
        one = _unit_doses(np.array([self.first_h]), duration, depot)
        return self._area(individual, parameters, duration, depot, one, window)

    def _area(
        self,
        individual: Individual,
        parameters: FloatArray,
        duration: float | None,
        depot: bool,
        doses: DoseTable,
        window: tuple[float, float],
    ) -> FloatArray:
        key = (id(parameters), duration, depot, *window)
        if key not in self._areas:
            self._areas[key] = auc(individual, parameters, doses, *window)
        return self._areas[key]


def _steady_alike(one: Individual, other: Individual) -> bool:
    """True if at steady state nothing sets the two apart but their parameters."""
    if isinstance(one.structure, System) or isinstance(other.structure, System):
        return one is other
    if one.binding is None or other.binding is None:
        return one.binding is other.binding
    return np.array_equal(one.binding[-1], other.binding[-1])


@dataclass(frozen=True, eq=False)
class _SteadyArea:
    """Kinetic profile of 1 mg [n, nodes] whose weighted sum, after binding, is the AUC over 24 h."""

    individual: Individual
    profile: FloatArray
    weights: FloatArray

    def of(self, doses: FloatArray) -> FloatArray:
        if self.individual.binding is None:
            return np.multiply.outer(doses, self.profile[:, 0])
        capacity, constant = self.individual.binding[-1]
        return bound_areas(doses, self.profile, self.weights, float(capacity), float(constant))


def _steady_area(individual: Individual, parameters: FloatArray, schedule: Schedule) -> _SteadyArea:
    """Without binding the profile is its own area: F · 24 / (CL · interval), a single node."""
    interval, depot = float(schedule.interval_h), schedule.route != "iv"
    if isinstance(individual.structure, System):
        given = 0.0 if depot else schedule.duration_h
        whole = steady_state_auc24(individual, parameters, 1.0, interval, given, depot)
        return _SteadyArea(individual, whole[:, None], np.ones(1))
    last = parameters[:, -1]
    if individual.binding is None:
        available = last[:, F] if depot else np.ones(len(last))
        area = available / last[:, CL] * (DAY_H / interval)
        return _SteadyArea(individual, area[:, None], np.ones(1))
    duration = 0.0 if depot else schedule.duration_h
    offsets, weights = interval_quadrature(interval, duration)
    arrived = last.copy()
    arrived[:, LAG] = 0.0
    profile = steady_profile(arrived, 1.0, interval, duration, depot, offsets)
    return _SteadyArea(individual, profile, weights * (DAY_H / interval))


@dataclass(frozen=True, eq=False)
class _Window:
    """Kinetic concentrations [n, nodes] over a window: of the history, of 1 mg as the first dose, and of
    1 mg at each later dose. Without saturable binding there is one node, which is the area itself."""

    free: FloatArray
    first: FloatArray
    rest: FloatArray
    weights: FloatArray
    binding: FloatArray | None

    def area(self, first_mg: FloatArray, rest_mg: FloatArray) -> FloatArray:
        if self.binding is None:
            later = np.multiply.outer(rest_mg, self.rest[:, 0])
            area: FloatArray = self.free[:, 0] + np.multiply.outer(first_mg, self.first[:, 0]) + later
            return area
        return np.stack(
            [
                np.einsum(
                    "no,o->n",
                    bound(self.free + one * self.first + other * self.rest, self.binding),
                    self.weights,
                )
                for one, other in zip(first_mg, rest_mg, strict=True)
            ]
        )


def _window(
    individual: Individual,
    parameters: FloatArray,
    past: _Past,
    schedule: Schedule,
    first_duration: float,
    start: float,
    end: float,
) -> _Window:
    depot = schedule.route != "iv"
    later = np.arange(past.first_h + schedule.interval_h, end, schedule.interval_h)
    rest = _unit_doses(later, 0.0 if depot else schedule.duration_h, depot)
    if individual.binding is None:
        window = (start, end)
        return _Window(
            past.free_area(individual, parameters, window)[:, None],
            past.single_area(individual, parameters, first_duration, depot, window)[:, None],
            auc(individual, parameters, rest, start, end)[:, None],
            np.ones(1),
            None,
        )
    first = _unit_doses(np.array([past.first_h]), first_duration, depot)
    # Where the concentration has a kink: an arrival or an end of infusion. A lag that differs between
    # particles is taken at its median, which costs less than 1e-4 of the area.
    kinks: list[float] = []
    lag = float(np.median(parameters[:, -1, LAG]))
    for table in (past.history, first, rest):
        kinks += list(np.where(table.depot, table.time + lag, table.time))
        kinks += list(np.where(table.depot, table.time + lag, table.time + table.duration))
    kinks += [float(time) for time in individual.row_time]
    inside = sorted({kink for kink in kinks if start < kink < end})
    times, weights = panels([start, *inside, end])
    kinetic = replace(individual, binding=None)
    return _Window(
        concentrations(kinetic, parameters, past.history, times),
        concentrations(kinetic, parameters, first, times),
        concentrations(kinetic, parameters, rest, times),
        weights,
        individual.binding[rows_at(individual, times)],
    )


def _unit_doses(times: FloatArray, duration: float, depot: bool) -> DoseTable:
    n = len(times)
    return DoseTable(times, np.ones(n), np.full(n, duration), np.full(n, depot))


def _observed(individual: Individual, kinetic: FloatArray) -> FloatArray:
    return kinetic if individual.binding is None else bound(kinetic, individual.binding[-1])


def _kinetic(individual: Individual, observed: FloatArray) -> FloatArray:
    """The kinetic concentration whose measured one is ``observed``: binding solved for it."""
    if individual.binding is None:
        return observed
    capacity, constant = individual.binding[-1]
    half = 0.5 * (constant + capacity - observed)
    root = np.sqrt(half * half + observed * constant)
    free: FloatArray = np.where(half > 0.0, observed * constant / (root + half), root - half)
    return free


def _joined(parts: list[FloatArray]) -> FloatArray:
    """One hypothesis, the usual case, needs no copy."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
