"""Which candidate fits best: all of them on the same particles, the least expected loss wins.

The target's own metric decides. What else a regimen does (other exposures, the first day) is worked out for
the few that are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dosing_core.case import Regimen
from dosing_core.goals.attainment import Attainment, attainment
from dosing_core.goals.loss import window_loss
from dosing_core.inference.particles import Particles
from dosing_core.kinetics import DoseTable
from dosing_core.library.schema import Judgement
from dosing_core.population.individual import FloatArray
from dosing_core.recommendation import Target
from dosing_core.regimens.candidates import Candidate
from dosing_core.regimens.responses import Response, Schedule, responses

TIE = 0.005
"""Expected losses that differ by less are equal. Project policy: a thousand particles know the chance of
being inside the target to about one percent, so a smaller difference of loss is noise."""


@dataclass(frozen=True)
class Scored:
    """One regimen held against the target."""

    regimen: Regimen
    attainment: Attainment
    loss: float
    median: float
    """Of the target's metric, mg/L or mg·h/L."""
    usual: bool = True
    preference: int = 0


@dataclass(frozen=True)
class Question:
    """What every regimen of one answer is asked: of whom, from when, against which target."""

    particles: Particles
    effective: float
    """Effective number of independent particles."""
    first_h: float
    """h from now to the first future dose."""
    history: DoseTable
    target: Target
    judgement: Judgement


def score(question: Question, candidates: Sequence[Candidate]) -> tuple[Scored, ...]:
    """Score every candidate, in their order. One simulation a schedule, whatever the number of doses."""
    alike = question.target.metric == "auc24" and all(p.binding is None for p, _ in question.particles)
    schedules: dict[Schedule, list[int]] = {}
    for place, candidate in enumerate(candidates):
        schedules.setdefault(_schedule(candidate.regimen, alike), []).append(place)
    answers = responses(question.particles, tuple(schedules), question.first_h, question.history)
    scored: dict[int, Scored] = {}
    for places, response in zip(schedules.values(), answers, strict=True):
        doses = np.array([candidates[place].regimen.dose_mg for place in places])
        values = _metric(response, question.target, doses)
        losses = window_loss(values, question.target, question.judgement).mean(axis=1)
        medians = np.median(values, axis=1)
        chances = attainment(values, question.target, question.effective)
        for row, place in enumerate(places):
            candidate = candidates[place]
            scored[place] = Scored(
                regimen=candidate.regimen,
                attainment=chances[row],
                loss=float(losses[row]),
                median=float(medians[row]),
                usual=candidate.usual,
                preference=candidate.preference,
            )
    return tuple(scored[place] for place in range(len(candidates)))


def score_one(question: Question, regimen: Regimen) -> Scored:
    """Score one regimen, for instance the order as written."""
    return score(question, (Candidate(regimen, usual=True, preference=0),))[0]


def best(scored: Sequence[Scored], judgement: Judgement) -> Scored | None:
    """The least expected loss among usual doses; an unusual one only where it is relevantly better.

    Ties go to the preferred interval. None if there is nothing to choose from.
    """
    usual = _least([one for one in scored if one.usual])
    anything = _least(scored)
    if usual is None or anything is None:
        return anything
    gain = anything.attainment.inside.value - usual.attainment.inside.value
    return anything if gain >= judgement.relevant_chance.value else usual


def alternatives(
    scored: Sequence[Scored], chosen: Scored, ordered: Regimen | None, judgement: Judgement, count: int
) -> tuple[Scored, ...]:
    """The next best regimens with other daily doses than the chosen one, the ordered one and each other."""
    taken = [chosen.regimen] + ([ordered] if ordered else [])
    found: list[Scored] = []
    rest = [one for one in scored if one.usual]
    while len(found) < count:
        rest = [one for one in rest if not any(_same(one.regimen, other, judgement) for other in taken)]
        following = _least(rest)
        if following is None:
            break
        found.append(following)
        taken.append(following.regimen)
    return tuple(found)


def _least(scored: Sequence[Scored]) -> Scored | None:
    if not scored:
        return None
    least = min(one.loss for one in scored)
    tied = [one for one in scored if one.loss <= least + TIE]
    return min(tied, key=lambda one: (one.preference, one.loss, one.regimen.daily_dose_mg))


def _same(one: Regimen, other: Regimen, judgement: Judgement) -> bool:
    larger = max(one.daily_dose_mg, other.daily_dose_mg)
    return abs(one.daily_dose_mg - other.daily_dose_mg) <= judgement.same_dose.value * larger


def _metric(response: Response, target: Target, doses: FloatArray) -> FloatArray:
    return response.auc24(doses) if target.metric == "auc24" else response.trough(doses)


def _schedule(regimen: Regimen, alike: bool) -> Schedule:
    """``alike``: the infusion's length does not matter, as for the AUC of a drug cleared linearly."""
    return Schedule(regimen.interval_h, 0.0 if alike else regimen.duration_h, regimen.route)
