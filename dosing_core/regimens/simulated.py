"""What any dose of a schedule does to each particle where doses do not superpose: every dose is simulated.

Saturable elimination, binding to a target and effects have no steady state that could be written down, and
some particles none at all. So a regimen is judged at a finite horizon, and nothing here is called steady:
exposures are those of the last day before it, and ``still_rising`` says for whom no plateau is in sight.

Beside ``goals.metrics.Response`` this is the same as ``responses.Response``, with a loop over the doses.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from dosing_core.case import Regimen
from dosing_core.errors import UnusableGoal
from dosing_core.kinetics import DoseTable, train
from dosing_core.kinetics.above import share_above
from dosing_core.population.individual import FloatArray
from dosing_core.population.system import System
from dosing_core.regimens.extremes import highest, lowest
from dosing_core.regimens.past import Past
from dosing_core.regimens.responses import DAY_H, Schedule

HORIZON_H = 120.0
"""Five days, where the drug file names no horizon. Project policy: long enough that a dose of most saturable
drugs in hospital use settles, short enough that today's patient still stands for it."""
RISING = 0.05
"""A particle whose exposure rises by more than this from the day before the last to the last has no plateau
in sight. Project policy: at such a rate the exposure doubles within two weeks."""
INTERVAL_POINTS = 33
"""Points of the last interval, where a peak or a time above a threshold is read off."""
HORIZON_POINTS = 97
"""Points of the whole horizon, where a nadir is read off; a parabola goes through the lowest three."""

_Reading = Callable[[DoseTable], FloatArray]


class SimulatedResponse:
    """One schedule on some particles. ``doses`` [n_doses] mg, results [n_doses, n]."""

    def __init__(
        self, schedule: Schedule, past: Past, horizon_h: float | None = None, delay_h: float = 0.0
    ) -> None:
        """The first dose is given ``delay_h`` after the past's end. Raises ``ValueError`` if a model does not
        know how a dose by this route enters."""
        if not all(individual.takes(schedule.route) for individual, _, _ in past.parts):
            raise ValueError(f"the model has no way in for a dose by route {schedule.route!r}")
        self.schedule = schedule
        self._past, self._first_h = past, past.first_h + delay_h
        interval = float(schedule.interval_h)
        wanted = max(HORIZON_H if horizon_h is None else horizon_h, interval)
        self.horizon_h = interval * math.ceil(wanted / interval - 1e-9)
        """Whole intervals, h after the first dose."""
        self._day = min(interval * math.ceil(DAY_H / interval - 1e-9), self.horizon_h)
        self._lately: dict[float, FloatArray] = {}

    @property
    def interval_h(self) -> float:
        """h between doses."""
        return self.schedule.interval_h

    @property
    def end_h(self) -> float:
        """h from now at which exposures are read off, just before a dose."""
        return self._first_h + self.horizon_h

    def auc24(self, doses: FloatArray) -> FloatArray:
        """Area over the last day of the horizon (or the last interval, if longer), as 24 h, mg·h/L."""
        start, end = self.end_h - self._day, self.end_h
        return self._each(doses, lambda future: self._past.area(future, start, end)) * (DAY_H / self._day)

    def average(self, doses: FloatArray) -> FloatArray:
        """Mean concentration over the same time, mg/L."""
        return self.auc24(doses) / DAY_H

    def trough(self, doses: FloatArray) -> FloatArray:
        """Concentration at the horizon, before a dose, mg/L."""
        if all(float(dose) in self._lately for dose in doses):
            return np.stack([self._lately[float(dose)][:, -1] for dose in doses])
        return self._each(doses, lambda future: self._past.at(future, self._last)[:, 0])

    def peak(self, doses: FloatArray) -> FloatArray:
        """Highest concentration of the last interval, mg/L: after an infusion at its end or later, after a
        swallowed dose the top of a parabola."""
        times = self._times_lately
        inside = times > self.end_h - self.schedule.interval_h
        found = []
        for dose in doses:
            seen = self._seen_lately(float(dose))[:, inside]
            oral = self.schedule.route != "iv"
            found.append(highest(seen, times[inside]) if oral else seen.max(axis=1))
        return np.stack(found)

    def timed(self, doses: FloatArray, after_h: float) -> FloatArray:
        """Concentration ``after_h`` h after the last dose before the horizon has begun, or at the horizon if
        that comes first, mg/L."""
        if after_h >= self.schedule.interval_h:
            return self.trough(doses)
        time = np.array([self.end_h - self.schedule.interval_h + after_h])
        return self._each(doses, lambda future: self._past.at(future, time)[:, 0])

    def time_above(self, doses: FloatArray, threshold: FloatArray) -> FloatArray:
        """Share (0 to 1) of the last day in which the measured concentration is above ``threshold`` [n]
        mg/L."""
        times = self._interval_times(self._day)
        own = np.ascontiguousarray(threshold)[None, :]
        return self._each(doses, lambda future: share_above(self._past.at(future, times), times, own)[0])

    def cumulative_auc(self, doses: FloatArray, course_h: float) -> FloatArray:
        """Area from the course's first dose until ``course_h`` after it, mg·h/L.

        Raises ``UnusableGoal`` if the course is over before the next dose.
        """
        past = self._past
        end = (float(past.history.time[0]) if len(past.history) else self._first_h) + course_h
        if end <= self._first_h:
            raise UnusableGoal("The course is over before the next dose, so no dose changes its area.")
        count = math.ceil((end - self._first_h) / self.schedule.interval_h - 1e-9)
        return past.area_given + self._each(doses, lambda future: past.area(future, past.first_h, end), count)

    def effect(self, doses: FloatArray, output: str) -> FloatArray:
        """An output at the horizon, in its unit."""
        places = self._places(output)
        return self._each(doses, lambda future: self._past.at(future, self._last, places)[:, 0])

    def occupancy(self, doses: FloatArray, output: str) -> FloatArray:
        """An output before a dose, at the horizon: 0 to 1."""
        return self.effect(doses, output)

    def nadir(self, doses: FloatArray, output: str) -> FloatArray:
        """Lowest value of an output between the first dose and the horizon, in its unit."""
        times, places = np.linspace(self._first_h, self.end_h, HORIZON_POINTS), self._places(output)
        return self._each(doses, lambda future: lowest(self._past.at(future, times, places), times))

    def first_day_auc(
        self, doses: FloatArray, loading_mg: float | None = None, loading_duration_h: float | None = None
    ) -> FloatArray:
        """Area over the 24 h from the first dose, what is left of the history included, mg·h/L."""
        start, end = self._first_h, self._first_h + DAY_H
        count = math.ceil(DAY_H / self.schedule.interval_h - 1e-9)
        tables = [self._future(dose, count, loading_mg, loading_duration_h) for dose in doses]
        return np.stack([self._past.area(future, start, end) for future in tables])

    def still_rising(self, doses: FloatArray) -> FloatArray:
        """[n_doses] share of particles whose exposure before a dose still rises by more than ``RISING``
        from one day to the next at the horizon."""
        if self.horizon_h < 2.0 * self._day:
            return np.full(len(doses), np.nan)
        seen = [self._seen_lately(float(dose)) for dose in doses]
        return np.array([float(np.mean(one[:, -1] > one[:, 0] * (1.0 + RISING))) for one in seen])

    def _places(self, output: str) -> tuple[int, ...]:
        """Place of the output in each part's model."""
        return tuple(
            individual.structure.output(output) if isinstance(individual.structure, System) else 0
            for individual, _, _ in self._past.parts
        )

    def _seen_lately(self, dose: float) -> FloatArray:
        """[n, n_times] concentration a day before the horizon and over the last interval, kept."""
        if dose not in self._lately:
            self._lately[dose] = self._past.at(self._future(dose), self._times_lately)
        return self._lately[dose]

    @property
    def _times_lately(self) -> FloatArray:
        last = self._interval_times(self.schedule.interval_h)
        return np.concatenate([[self.end_h - self._day], last, [self.end_h]])

    @property
    def _last(self) -> FloatArray:
        return np.array([self.end_h])

    def _interval_times(self, length: float) -> FloatArray:
        """Points of the last ``length`` h, denser after each dose, with the end of each infusion."""
        interval, duration = self.schedule.interval_h, self.schedule.duration_h
        shape = np.linspace(0.0, 1.0, INTERVAL_POINTS) ** 1.5
        one = np.unique(np.append(interval * shape, duration if 0.0 < duration < interval else 0.0))
        one[0] = 1e-6 * interval  # a bolus is in; at 0 it is not yet
        starts = self.end_h - interval * np.arange(round(length / interval), 0, -1)
        return np.unique((starts[:, None] + one).ravel())

    def _future(
        self,
        dose: float,
        count: int | None = None,
        loading_mg: float | None = None,
        loading_duration_h: float | None = None,
    ) -> DoseTable:
        """``count`` doses of the schedule (None: to the horizon)."""
        regimen = Regimen(
            dose_mg=float(dose),
            interval_h=self.schedule.interval_h,
            route=self.schedule.route,
            duration_h=self.schedule.duration_h,
        )
        number = round(self.horizon_h / self.schedule.interval_h) if count is None else count
        return train(regimen, self._first_h, number, loading_mg, loading_duration_h)

    def _each(self, doses: FloatArray, read: _Reading, count: int | None = None) -> FloatArray:
        return np.stack([read(self._future(dose, count)) for dose in doses])
