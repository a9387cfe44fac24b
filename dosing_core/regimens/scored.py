"""One question put to every regimen, and what each is worth: exposures and losses on the same particles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dosing_core.case import Regimen
from dosing_core.goals.attainment import Attainment, attainment
from dosing_core.goals.loss import FAR, losses
from dosing_core.goals.metrics import OF_AN_OUTPUT, Response, exposures, plain
from dosing_core.goals.utility import worth
from dosing_core.inference.particles import Particles
from dosing_core.kinetics import DoseTable, is_linear
from dosing_core.library.targets import Judgement
from dosing_core.population.individual import FloatArray, Individual, IntArray
from dosing_core.recommendation import Target
from dosing_core.regimens.candidates import Candidate
from dosing_core.regimens.past import Past, past_of
from dosing_core.regimens.variation import occasion_factors

DAY_H = 24.0

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
    delay_h: float = 0.0
    """h that the first dose is put off, to a better hour of the day."""


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
    harmful_trough: float | None = None
    """mg/L; a higher one counts as a loss of the judgement's ``harm_weight``. None: none does."""

    @property
    def superposes(self) -> bool:
        """True if a dose's effect on what is aimed at is a product, whatever else is given. An effect or the
        like is not, even where the kinetics is linear."""
        if self.target.metric in OF_AN_OUTPUT:
            return False
        return all(superposes(individual) for individual, _ in self.particles)

    @cached_property
    def past(self) -> Past:
        """Where every particle is when the first dose is due, for what has to be simulated."""
        return past_of(self.particles, self.history, self.first_h)

    @property
    def horizon_h(self) -> float | None:
        """h after the first dose at which a regimen without a steady state is judged; None: the usual one."""
        return self.target.horizon_h


@dataclass(frozen=True, eq=False)
class Search:
    """All candidates on the same particles, kept so that other weights need no new simulation."""

    question: Question
    candidates: tuple[Candidate, ...]
    values: FloatArray
    """[n_candidates, n] exposure in the target's metric and its unit."""
    losses: FloatArray
    """[n_candidates, n] loss of each."""
    coarse: Search | None = None
    """Where only finalists were simulated exactly: all candidates, on a few particles and approximately."""

    @property
    def particles(self) -> Particles:
        """The particles that ``values`` and ``losses`` are of, in their order."""
        return self.question.particles

    @cached_property
    def scored(self) -> tuple[Scored, ...]:
        """Each candidate's score, all particles alike."""
        if not self.candidates:
            return ()
        chances = attainment(self.values, self.question.target)
        means, medians = self.losses.mean(axis=1).tolist(), np.median(self.values, axis=1).tolist()
        return tuple(_scored(*one) for one in zip(self.candidates, chances, means, medians, strict=True))

    def place(self, regimen: Regimen) -> int | None:
        """Where this regimen stands among the candidates; None if it is none of them."""
        places = (place for place, one in enumerate(self.candidates) if one.regimen == regimen)
        return next(places, None)

    def of(self, places: Sequence[int], every: int) -> Search:
        """The search among some of the candidates, on every so many of the particles."""
        kept = list(places)
        chosen = tuple(self.candidates[place] for place in kept)
        question = self.question
        if every != 1:
            question = replace(question, particles=question.particles.every(every))
        return Search(question, chosen, self.values[kept, ::every], self.losses[kept, ::every])

    def joined(self, other: Search) -> Search:
        """Both searches' candidates, on the same particles."""
        return Search(
            self.question,
            (*self.candidates, *other.candidates),
            np.concatenate([self.values, other.values]),
            np.concatenate([self.losses, other.losses]),
            self.coarse,
        )

    def contenders(self, weights: FloatArray, beside: int | None = None) -> list[tuple[Scored, ...]]:
        """The scores that can decide under each of several weights of the particles: of all candidates that
        lose no more than the least one does but for ``TIE``, of the usual ones that do so among the usual,
        and of the one at the place ``beside``. In the candidates' order.

        ``weights`` [m, n], each row with the sum 1. What loses more can be neither best nor tied with it, so
        its chances and its median are not worked out.
        """
        if not self.candidates:
            return [()] * len(weights)
        losses = self.losses @ weights.T
        usual = np.array([one.usual for one in self.candidates], dtype=np.bool_)[:, None]
        decides = losses <= losses.min(axis=0) + TIE
        decides |= usual & (losses <= np.where(usual, losses, np.inf).min(axis=0) + TIE)
        if beside is not None:
            decides[beside] = True
        above, below = (beyond @ weights.T for beyond in self._beyond)
        medians = np.empty_like(losses)
        for place in np.flatnonzero(decides.any(axis=1)).tolist():
            medians[place, decides[place]] = self._medians(place, weights[decides[place]])
        figures = [one.T.tolist() for one in (above, below, losses, medians)]
        found = []
        for which, highs, lows, lost, middles in zip(decides.T, *figures, strict=True):
            own = []
            for place in np.flatnonzero(which).tolist():
                high, low = highs[place], lows[place]
                chances = Attainment(max(0.0, 1.0 - high - low), high, low)
                own.append(_scored(self.candidates[place], chances, lost[place], middles[place]))
            found.append(tuple(own))
        return found

    @cached_property
    def _beyond(self) -> tuple[FloatArray, FloatArray]:
        """[n_candidates, n] 1 where the exposure is above the target, and where it is below, else 0."""
        target = self.question.target
        return (self.values > target.high).astype(np.float64), (self.values < target.low).astype(np.float64)

    @cached_property
    def _ascending(self) -> dict[int, IntArray]:
        """By place of a candidate: places [n] of the particles by exposure, kept whatever weights follow."""
        return {}

    def _medians(self, place: int, weights: FloatArray) -> FloatArray:
        """Median exposures [k] under one candidate where the particles weigh ``weights`` [k, n]."""
        if place not in self._ascending:
            self._ascending[place] = np.argsort(self.values[place])
        order = self._ascending[place]
        below = np.count_nonzero(np.cumsum(weights[:, order], axis=1) < 0.5, axis=1)
        medians: FloatArray = self.values[place, order[np.minimum(below, len(order) - 1)]]
        return medians


def _scored(candidate: Candidate, chances: Attainment, loss: float, median: float) -> Scored:
    return Scored(
        candidate.regimen, chances, loss, median, candidate.usual, candidate.preference, candidate.delay_h
    )


def valued(question: Question, response: Response, doses: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Exposure in the target's metric and its loss, each [n_doses, n]."""
    target = question.target
    factors = occasion_factors(question.occasion_cv, question.particles.size)
    values = exposures(response, target, doses, factors)
    if target.utility is None:
        lost = losses(values, target, question.judgement) + _harm(question, response, doses, factors)
        return values, lost + _waiting(question.judgement, response.interval_h)
    judged = worth(target.utility)
    read = {
        name: values if name in ("effect", target.metric) else plain(response, name, doses) * factors
        for name in sorted(judged.names)
    }
    if "effect" in read and target.metric != "effect":
        read["effect"] = response.effect(doses, target.output)
    return values, judged.loss(read)


def _harm(
    question: Question, response: Response, doses: FloatArray, factors: FloatArray
) -> FloatArray | float:
    """Loss of the troughs that harm, [n_doses, n]; 0 where nothing is said of them. Beyond ``FAR`` times the
    limit nothing is known that would make one worse than another."""
    weight = question.judgement.harm_weight
    if question.harmful_trough is None or weight is None:
        return 0.0
    trough, limit = response.trough(doses) * factors, question.harmful_trough
    if question.judgement.harm_grows:
        return weight.value * np.log(np.clip(trough / limit, 1.0, FAR))
    return weight.value * (trough > limit).astype(np.float64)


def _waiting(judgement: Judgement, interval_h: float) -> float:
    """Loss of the time between two doses."""
    weight = judgement.interval_weight
    return 0.0 if weight is None else weight.value * interval_h / DAY_H


def superposes(individual: Individual) -> bool:
    """True if ``responses`` knows what doses bring of the measured concentration: it adds up."""
    return is_linear(individual, 0)
