"""Hold, then resume: how many doses to leave out where the present exposure is far above what is aimed at.

Doses are left out whole, so that the treatment goes on at its own hours. The first of these hours at which
the median has come down far enough is when to resume; a level before it says whether it has.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import numpy as np

from dosing_core.case import Regimen
from dosing_core.kinetics import no_doses
from dosing_core.population.individual import FloatArray
from dosing_core.population.system import System
from dosing_core.recommendation import Hold
from dosing_core.regimens.options import estimate, six
from dosing_core.regimens.respond import respond
from dosing_core.regimens.responses import Schedule
from dosing_core.regimens.scored import Question, valued

FAR_ABOVE = 1.5
"""So many times above what a dose should find before it is given, doses are left out. Project policy: less
than that clears within about one half-life while a lower dose is already given."""
LONGEST_H = 336.0
"""Two weeks; what has not come down by then is no question of a few doses."""


def holding(question: Question, regimen: Regimen, now: datetime) -> Hold | None:
    """Which doses of ``regimen`` to leave out, and when to resume; None if none are, or if two weeks do not
    bring it down."""
    wanted = below(question, regimen)
    count = math.floor(LONGEST_H / regimen.interval_h) + 1
    times = question.first_h + regimen.interval_h * np.arange(count, dtype=np.float64)
    expected = _without_doses(question, times)
    medians = np.median(expected, axis=0)
    if wanted <= 0.0 or medians[0] < FAR_ABOVE * wanted:
        return None
    down = np.flatnonzero(medians <= wanted)
    if not len(down):
        return None
    skipped = int(down[0])
    return Hold(
        resume_at=now + timedelta(seconds=round(float(times[skipped]) * 3600.0)),
        skipped=skipped,
        below=six(wanted),
        expected=estimate(expected[:, skipped]),
    )


def below(question: Question, regimen: Regimen) -> float:
    """What a dose should find at most before it is given: the aim's top for a trough or an effect, else the
    trough that goes with the aim's top under this regimen. mg/L, or the unit of the target's output."""
    target = question.target
    if target.metric in ("trough", "effect"):
        return target.high
    schedule = Schedule(regimen.interval_h, regimen.duration_h, regimen.route)
    (response,) = respond(question, (schedule,))
    dose = np.array([regimen.dose_mg])
    trough = float(np.median(response.trough(dose)[0]))
    median = float(np.median(valued(question, response, dose)[0][0]))
    scales = target.metric in ("auc24", "average", "peak", "timed", "cumulative_auc") and median > 0.0
    return trough * max(1.0, target.high / median) if scales and question.superposes else trough


def _without_doses(question: Question, times: FloatArray) -> FloatArray:
    """[n, n_times] of the measured concentration, or of the target's effect, if nothing more is given."""
    name = question.target.output if question.target.metric == "effect" else ""
    structures = [individual.structure for individual, _ in question.particles]
    places = tuple(one.output(name) if name and isinstance(one, System) else 0 for one in structures)
    return question.past.at(no_doses(), times, places)
