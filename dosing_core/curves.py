"""Concentration over time: what was, as far as it is known, and what each regimen would bring."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from dosing_core.case import Route
from dosing_core.inference.particles import Particles
from dosing_core.kinetics import DoseTable, concentrations, train
from dosing_core.population.individual import FloatArray, Individual
from dosing_core.recommendation import Curve, CurvePoint, RegimenOption
from dosing_core.regimens.options import band, sixes
from dosing_core.regimens.past import TOLERANCE

MOST_POINTS = 96
LONGEST_PAST_H = 72.0
"""Three days show the last doses and levels; older ones would squeeze the picture."""
AHEAD_H: dict[Route, float] = {"iv": 48.0, "oral": 72.0, "subcutaneous": 72.0}
"""A dose changed by mouth takes longer to settle."""
AFTER_DOSE_H = (1.0, 2.0)
"""A swallowed dose peaks about then: the picture must not cut it off."""


def curve(
    option: RegimenOption,
    duration_h: float,
    particles: Particles,
    population: Individual,
    history: DoseTable,
    now: datetime,
    past_h: float,
) -> Curve:
    """The curve of one option from ``past_h`` before now.

    ``duration_h`` is the length of its maintenance infusions as judged; ``population`` the typical patient
    with these covariates, whose curve stands for the population's median. The band is the 90 % credible
    interval of the true concentration, without the error of measuring it.
    """
    ahead = max(AHEAD_H[option.regimen.route], 2.0 * option.regimen.interval_h)
    first_h = (option.first_dose_at - now).total_seconds() / 3600.0
    count = max(0, int(np.ceil((ahead - first_h) / option.regimen.interval_h)))
    regimen = option.regimen.model_copy(update={"duration_h": duration_h})
    future = train(regimen, first_h, count, option.loading_dose_mg, option.loading_duration_h)
    doses = history.joined(future)
    times = _times(doses, -past_h, ahead)
    sample = particles.map(lambda person, p: concentrations(person, p, doses, times, 0, TOLERANCE))
    none = np.zeros((1, population.dimension))
    typical = concentrations(population, population.parameters(none), doses, times, 0, TOLERANCE)[0]
    points = [
        CurvePoint(time=_instant(now, time), low=low, median=median, high=high, population=middle)
        for time, low, median, high, middle in zip(
            times.tolist(), *(sixes(line) for line in (*band(sample), typical)), strict=True
        )
    ]
    shown = doses.time[(doses.time >= -past_h) & (doses.time <= ahead)]
    return Curve(
        role=option.role,
        points=tuple(points),
        dose_times=tuple(_instant(now, time) for time in shown.tolist()),
    )


def past_window(history: DoseTable, levels_h: Sequence[float], interval_h: float = 0.0) -> float:
    """How far back the picture goes, h: from shortly before the first dose, at most three days or two
    intervals, and further for the oldest of the last levels."""
    if not len(history):
        return 0.0
    first = -float(history.time[0]) + 2.0
    longest = max(LONGEST_PAST_H, 2.0 * interval_h)
    oldest = max((-hour + 2.0 for hour in levels_h if hour >= -2.0 * longest), default=0.0)
    return min(first, max(longest, oldest))


def _times(doses: DoseTable, start: float, end: float) -> FloatArray:
    """An even grid, and the instants at which the curve turns, in order."""
    turns: list[float] = []
    for time, duration, depot in zip(doses.time, doses.duration, doses.depot, strict=True):
        turns += [time, *(time + after for after in AFTER_DOSE_H)] if depot else [time, time + duration]
    turning = np.unique(np.round([turn for turn in turns if start < turn < end], 4))
    room = max(MOST_POINTS - len(turning), MOST_POINTS // 3)
    grid = np.union1d(np.linspace(start, end, room), [0.0]) if start < 0.0 else np.linspace(start, end, room)
    kept = turning[: MOST_POINTS - room] if len(turning) > MOST_POINTS - room else turning
    times: FloatArray = np.unique(np.round(np.concatenate([grid, kept]), 4))
    return times


def _instant(now: datetime, hours: float) -> datetime:
    """The instant, to the second."""
    return now + timedelta(seconds=round(hours * 3600.0))
