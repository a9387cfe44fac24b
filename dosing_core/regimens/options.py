"""One regimen, judged in full: exposures, first day, chances, loss, and the limits that it touches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from dosing_core.case import Regimen
from dosing_core.goals.attainment import with_error
from dosing_core.goals.metrics import exposures
from dosing_core.inference.particles import Particles
from dosing_core.measured import sees_levels
from dosing_core.population.individual import FloatArray
from dosing_core.recommendation import Chance, Estimate, Exposure, RegimenOption
from dosing_core.regimens.loading import LoadingDose
from dosing_core.regimens.respond import respond
from dosing_core.regimens.responses import Response, Schedule
from dosing_core.regimens.scored import Question, Scored
from dosing_core.regimens.simulated import SimulatedResponse
from dosing_core.regimens.variation import occasion_factors

BESIDE = 8
"""One in so many particles tells the exposures beside the target's own, where each costs a simulation: they
orient, and decide nothing."""
Role = Literal["as_ordered", "recommended", "alternative"]


def six(value: float) -> float:
    """Rounded to six significant digits: far finer than it is known, and the same on every machine."""
    return float(f"{value:.6g}")


def sixes(values: FloatArray) -> list[float]:
    """Each of many values [n] as ``six`` has it."""
    return [float(one) for one in (" %.6g" * len(values) % tuple(values.tolist())).split()]


def estimate(values: FloatArray) -> Estimate:
    """Median and 90 % credible interval of equally likely values [n]."""
    low, median, high = band(values[:, None])
    return Estimate(low=six(low[0]), median=six(median[0]), high=six(high[0]))


def band(values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """5 %, 50 % and 95 % quantiles over equally likely values [n, m], each [m].

    Interpolated between neighbours as numpy does by default; one sort serves all three.
    """
    ordered = np.sort(np.ascontiguousarray(values.T), axis=1)
    last = ordered.shape[1] - 1
    found = []
    for share in (0.05, 0.5, 0.95):
        place = share * last
        below = int(place)
        above = min(below + 1, last)
        found.append(ordered[:, below] + (place - below) * (ordered[:, above] - ordered[:, below]))
    return found[0], found[1], found[2]


@dataclass(frozen=True)
class Draft:
    """A regimen that is to be shown, not yet judged in full."""

    scored: Scored
    role: Role
    first_dose_at: datetime
    loading: LoadingDose | None = None
    notes: tuple[str, ...] = ()
    written_as: Regimen | None = None
    """Replaces the regimen that was judged, where the order leaves something open that had to be assumed."""


def judge(question: Question, drafts: Sequence[Draft]) -> tuple[RegimenOption, ...]:
    """Each draft as it is shown, in their order. Regimens of one schedule share their simulation."""
    schedules = tuple(dict.fromkeys(_schedule(draft.scored.regimen) for draft in drafts))
    steady = dict(zip(schedules, respond(question, schedules), strict=True))
    first = respond(question, schedules, _first_day_particles(question))
    day = dict(zip(schedules, first, strict=True))
    orienting = steady
    if not question.superposes:
        few = Particles(tuple((person, eta[::BESIDE]) for person, eta in question.particles))
        orienting = dict(zip(schedules, respond(question, schedules, few), strict=True))
    return tuple(
        _option(draft, steady[schedule], orienting[schedule], day[schedule], question)
        for draft in drafts
        for schedule in (_schedule(draft.scored.regimen),)
    )


def _schedule(regimen: Regimen) -> Schedule:
    return Schedule(regimen.interval_h, regimen.duration_h, regimen.route)


def _first_day_particles(question: Question) -> Particles:
    """Every particle; every fourth where saturable binding asks for a quadrature, fewer for a simulation."""
    if not question.superposes:
        return Particles(tuple((person, eta[::BESIDE]) for person, eta in question.particles))
    if all(person.binding is None for person, _ in question.particles):
        return question.particles
    return Particles(tuple((person, eta[::4]) for person, eta in question.particles))


def _option(
    draft: Draft,
    steady: Response | SimulatedResponse,
    orienting: Response | SimulatedResponse,
    day: Response | SimulatedResponse,
    question: Question,
) -> RegimenOption:
    def varied(values: FloatArray) -> Estimate:
        return estimate(values * occasion_factors(question.occasion_cv, len(values)))

    regimen, loading, attained = draft.scored.regimen, draft.loading, draft.scored.attainment
    dose = np.array([regimen.dose_mg])
    usual: tuple[Exposure, ...] = ()
    if all(sees_levels(person) for person, _ in question.particles):
        usual = (
            Exposure(metric="auc24", estimate=varied(orienting.auc24(dose)[0])),
            Exposure(metric="trough", estimate=varied(orienting.trough(dose)[0])),
            Exposure(metric="peak", estimate=varied(orienting.peak(dose)[0])),
        )
    if loading is None:
        first_day = day.first_day_auc(dose)[0]
    else:
        first_day = day.first_day_auc(dose, loading.amount_mg, loading.duration_h)[0]
    return RegimenOption(
        role=draft.role,
        regimen=draft.written_as or regimen,
        loading_dose_mg=loading.amount_mg if loading else None,
        loading_duration_h=loading.duration_h if loading else None,
        first_dose_at=draft.first_dose_at + timedelta(hours=draft.scored.delay_h),
        exposures=(*usual, *_aimed_at(question, steady, dose)),
        first_day=varied(first_day),
        inside=_chance(attained.inside, question.effective),
        above=_chance(attained.above, question.effective),
        below=_chance(attained.below, question.effective),
        expected_loss=six(draft.scored.loss),
        notes=draft.notes,
        **_finite(orienting, dose),
    )


def _aimed_at(
    question: Question, response: Response | SimulatedResponse, dose: FloatArray
) -> tuple[Exposure, ...]:
    """The target's own metric, where it is none of those that every option shows."""
    target = question.target
    if target.metric in ("auc24", "trough", "peak"):
        return ()
    factors = occasion_factors(question.occasion_cv, question.particles.size)
    values = exposures(response, target, dose, factors)[0]
    return (Exposure(metric=target.metric, estimate=estimate(values)),)


def _finite(response: Response | SimulatedResponse, dose: FloatArray) -> dict[str, float]:
    """When exposures were read off, and for whom they still rise; nothing of a steady state."""
    if isinstance(response, Response):
        return {}
    rising = float(response.still_rising(dose)[0])
    return {"judged_at_h": response.horizon_h} | ({} if math.isnan(rising) else {"still_rising": six(rising)})


def _chance(probability: float, effective: float) -> Chance:
    chance = with_error(probability, effective)
    return Chance(value=six(chance.value), standard_error=six(chance.standard_error))
