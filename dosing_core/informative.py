"""Which time for the next level teaches most: the expected loss of the best dose once the level is known.

For each time at which the ward can draw blood, and for each value that the level may then show, the best
regimen is found on the particles so weighed; the mean of its expected loss over the values is what remains
to be lost after such a level. Until it is drawn, what is lost today goes on being lost, so waiting costs;
both are averaged over ``PERIOD_H``. The time with the least wins, if it beats the drug file's usual time by
more than noise; else the usual time stands, which the ward knows how to draw and to read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from dosing_core.foreseen import followed_regimen, foresee, predicted_at
from dosing_core.kinetics import hours
from dosing_core.library.monitoring import Rounds
from dosing_core.library.schema import DrugFile
from dosing_core.plan import pool_with
from dosing_core.population.individual import FloatArray
from dosing_core.recommendation import NextLevel, RegimenOption
from dosing_core.regimens.options import six
from dosing_core.regimens.scored import TIE
from dosing_core.regimens.search import Search

PARTICLES = 256
"""Enough to tell times apart: all are asked of the same particles."""
NODES = 9
"""Values that each level is supposed to show."""
MOST_TIMES = 12
"""Times that are weighed, the earliest first."""
NEAR = 48
"""Candidates that can be best after a level: those that lose least now, and every so many of the others."""
PERIOD_H = 72.0
"""Project policy: three days, for which today's patient stands for tomorrow's (the age to which drug files
believe a creatinine); a longer one would favour late levels that catch up on paper only."""
_MINUTE = 1.0 / 60.0


def most_informative(
    found: Search,
    followed: RegimenOption,
    duration_h: float,
    drug_file: DrugFile,
    usual: NextLevel,
    now: datetime,
) -> NextLevel:
    """The usual next level, or a better time for it; either way with what is expected to be lost after it.

    ``followed``: the regimen given until then, ``duration_h`` the length of its infusions as judged. The
    level stays inside the file's window after a start; where the usual rule names no latest time, it stays.
    """
    rounds = drug_file.sampling.rounds
    pool = _few(pool_with(found, followed_regimen(followed, duration_h)))
    question = pool.question
    usual_h = hours(usual.time, now)
    latest_h = max(usual_h, hours(usual.latest, now)) if usual.latest else usual_h
    times = [usual_h]
    if rounds is not None and usual.latest is not None:
        before = drug_file.sampling.before_dose_h.value
        others = _practical(followed, duration_h, rounds, before, question.first_h, latest_h, now)
        earliest = min(usual_h, question.first_h + drug_file.sampling.after_start.low)
        times += [one for one in others if one >= earliest and abs(one - usual_h) > _MINUTE][:MOST_TIMES]
    predicted = predicted_at(question, followed, duration_h, sorted(times))
    columns = {time: place for place, time in enumerate(sorted(times))}
    after = [_after(pool, predicted[:, columns[time]]) for time in times]
    loss_now = float(pool.losses.mean(axis=1).min())
    period = max(PERIOD_H, latest_h)
    whole = [
        (loss_now * max(time, 0.0) + lost * (period - time)) / period
        for time, lost in zip(times, after, strict=True)
    ]
    place = int(np.argmin(whole))
    if whole[0] - whole[place] <= TIE:
        place = 0
    losses = {"loss_now": six(loss_now), "loss_after": six(after[place]), "loss_usual": six(after[0])}
    if place == 0:
        return usual.model_copy(update=losses)
    time = now + timedelta(seconds=round(times[place] * 3600.0))
    share = round(100.0 * (after[0] - after[place]) / max(after[0], TIE))
    reason = "Sooner than usual, so that a dose that does not fit goes on for less long."
    if share > 0:
        reason = f"Drawn then, it leaves {share} % less to be lost by a wrong dose than at the usual time."
    return usual.model_copy(update={"time": time, "reason": f"{usual.reason} {reason}".strip()} | losses)


def _few(pool: Search) -> Search:
    """At most so many of the particles and of the candidates."""
    order = np.argsort(pool.losses.mean(axis=1), kind="stable")
    rest = order[NEAR // 2 :: max(1, (len(order) - NEAR // 2) // (NEAR // 2))]
    kept = np.union1d(order[: NEAR // 2], rest)
    return pool.of([int(place) for place in kept], max(1, pool.particles.size // PARTICLES))


def _after(pool: Search, predicted: FloatArray) -> float:
    """Expected loss once a level is known whose true value is ``predicted`` [n]."""
    question = pool.question
    foreseen = foresee(pool.particles, predicted, question.target, question.occasion_cv, NODES)
    least = (pool.losses @ foreseen.weights.T).min(axis=0)
    return float(least @ foreseen.chances)


def _practical(
    followed: RegimenOption,
    duration_h: float,
    rounds: Rounds,
    before_h: float,
    first_h: float,
    latest_h: float,
    now: datetime,
) -> Sequence[float]:
    """Times, h from now and in order, at which the ward can draw and a level can be read: at its rounds, or
    where it has none before each dose and so many hours after its end; never while an infusion runs."""
    interval = followed.regimen.interval_h
    doses = first_h + interval * np.arange(max(0, math.ceil((latest_h - first_h) / interval)) + 1)
    if rounds.clock_hours:
        midnight = now.hour + now.minute / 60.0
        days = range(math.ceil((latest_h + midnight) / 24.0) + 1)
        times = {24.0 * day + hour - midnight for day in days for hour in rounds.clock_hours}
    else:
        times = {float(dose) - before_h for dose in doses}
        times |= {float(dose) + duration_h + after for dose in doses for after in rounds.after_dose_h}
    running = [(float(dose), float(dose) + duration_h) for dose in doses]
    return sorted(
        time
        for time in times
        if 0.0 < time <= latest_h + _MINUTE and not any(start < time < end for start, end in running)
    )
