"""Every candidate held against the target, all on the same particles.

The target's own metric decides. What else a regimen does (other exposures, the first day) is worked out for
the few that are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
from dosing_core.regimens.variation import occasion_factors


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
    """Effective number of independent particles, at most their number."""
    first_h: float
    """h from now to the first future dose."""
    history: DoseTable
    target: Target
    judgement: Judgement
    occasion_cv: float = 0.0
    """Variation within a patient that the model leaves out; see ``variation``."""


@dataclass(frozen=True, eq=False)
class Search:
    """All candidates on the same particles, kept so that other weights need no new simulation."""

    question: Question
    candidates: tuple[Candidate, ...]
    values: FloatArray
    """[n_candidates, n] exposure in the target's metric, mg/L or mg·h/L."""
    scored: tuple[Scored, ...]

    def of(self, places: Sequence[int], every: int) -> Search:
        """The search among some of the candidates, on every so many of the particles."""
        kept = list(places)
        chosen = tuple(self.candidates[place] for place in kept)
        scored = tuple(self.scored[place] for place in kept)
        return Search(self.question, chosen, self.values[kept, ::every], scored)

    def reweighted(self, weights: FloatArray) -> list[tuple[Scored, ...]]:
        """The candidates' scores under each of several weights of the particles; ``weights`` [m, n], each row
        with the sum 1."""
        target = self.question.target
        losses = window_loss(self.values, target, self.question.judgement) @ weights.T
        above = (self.values > target.high).astype(np.float64) @ weights.T
        below = (self.values < target.low).astype(np.float64) @ weights.T
        by_particle = np.ascontiguousarray(weights.T)
        medians = np.array([_medians(row, by_particle) for row in self.values])
        return [
            _scores(
                self.candidates,
                (Attainment(max(0.0, 1.0 - a - b), a, b) for a, b in zip(high, low, strict=True)),
                loss,
                median,
            )
            for high, low, loss, median in zip(
                above.T.tolist(), below.T.tolist(), losses.T.tolist(), medians.T.tolist(), strict=True
            )
        ]


def _medians(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Median [m] of ``values`` [n] under each column of ``weights`` [n, m]."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order], axis=0) < 0.5
    places = np.minimum(np.count_nonzero(reached, axis=0), len(values) - 1)
    medians: FloatArray = values[order][places]
    return medians


def _scores(
    candidates: Sequence[Candidate],
    chances: Iterable[Attainment],
    losses: Sequence[float],
    medians: Sequence[float],
) -> tuple[Scored, ...]:
    return tuple(
        Scored(
            regimen=candidate.regimen,
            attainment=attained,
            loss=loss,
            median=median,
            usual=candidate.usual,
            preference=candidate.preference,
        )
        for candidate, attained, loss, median in zip(candidates, chances, losses, medians, strict=True)
    )


def search(question: Question, candidates: Sequence[Candidate]) -> Search:
    """Score every candidate, in their order. One simulation a schedule, whatever the number of doses."""
    alike = question.target.metric == "auc24" and all(p.binding is None for p, _ in question.particles)
    schedules: dict[Schedule, list[int]] = {}
    for place, candidate in enumerate(candidates):
        schedules.setdefault(_schedule(candidate.regimen, alike), []).append(place)
    answers = responses(question.particles, tuple(schedules), question.first_h, question.history)
    values = np.empty((len(candidates), question.particles.size))
    for places, response in zip(schedules.values(), answers, strict=True):
        doses = np.array([candidates[place].regimen.dose_mg for place in places])
        values[places] = _metric(response, question.target, doses)
    values *= occasion_factors(question.occasion_cv, values.shape[1])
    losses = window_loss(values, question.target, question.judgement).mean(axis=1).tolist()
    medians = np.median(values, axis=1).tolist() if len(values) else []
    scored = _scores(candidates, attainment(values, question.target), losses, medians)
    return Search(question, tuple(candidates), values, scored)


def score(question: Question, candidates: Sequence[Candidate]) -> tuple[Scored, ...]:
    """The scores of a search."""
    return search(question, candidates).scored


def score_one(question: Question, regimen: Regimen) -> Scored:
    """Score one regimen, for instance the order as written."""
    return score(question, (Candidate(regimen, usual=True, preference=0),))[0]


def _metric(response: Response, target: Target, doses: FloatArray) -> FloatArray:
    return response.auc24(doses) if target.metric == "auc24" else response.trough(doses)


def _schedule(regimen: Regimen, alike: bool) -> Schedule:
    """``alike``: the infusion's length does not matter, as for the AUC of a drug cleared linearly."""
    return Schedule(regimen.interval_h, 0.0 if alike else regimen.duration_h, regimen.route)
