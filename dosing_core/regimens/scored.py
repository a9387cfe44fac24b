"""One question put to every regimen, and what each is worth: exposures and losses on the same particles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dosing_core.case import Regimen
from dosing_core.goals.attainment import Attainment, attainment
from dosing_core.goals.loss import losses
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
    scored: tuple[Scored, ...]
    coarse: Search | None = None
    """Where only finalists were simulated exactly: all candidates, on a few particles and approximately."""

    @property
    def particles(self) -> Particles:
        """The particles that ``values`` and ``losses`` are of, in their order."""
        return self.question.particles

    def of(self, places: Sequence[int], every: int) -> Search:
        """The search among some of the candidates, on every so many of the particles."""
        kept = list(places)
        chosen = tuple(self.candidates[place] for place in kept)
        scored = tuple(self.scored[place] for place in kept)
        values, lost = self.values[kept, ::every], self.losses[kept, ::every]
        question = self.question
        if every != 1:
            question = replace(question, particles=question.particles.every(every))
        return Search(question, chosen, values, lost, scored)

    def joined(self, other: Search) -> Search:
        """Both searches' candidates, on the same particles."""
        return replace(
            self,
            candidates=(*self.candidates, *other.candidates),
            values=np.concatenate([self.values, other.values]),
            losses=np.concatenate([self.losses, other.losses]),
            scored=(*self.scored, *other.scored),
        )

    @cached_property
    def _ascending(self) -> IntArray:
        """[n_candidates, n] places of the particles by exposure: sorted once, whatever weights follow."""
        order: IntArray = np.argsort(self.values, axis=1)
        return order

    def _medians(self, weights: FloatArray) -> FloatArray:
        """Median [n_candidates, m] of the exposures under each of ``weights`` [m, n]."""
        order = self._ascending
        last = self.values.shape[1] - 1
        medians = np.empty((len(self.values), len(weights)))
        rows = np.arange(len(self.values))
        for column, weight in enumerate(weights):
            below = np.count_nonzero(np.cumsum(weight[order], axis=1) < 0.5, axis=1)
            medians[:, column] = self.values[rows, order[rows, np.minimum(below, last)]]
        return medians

    def reweighted(self, weights: FloatArray) -> list[tuple[Scored, ...]]:
        """The candidates' scores under each of several weights of the particles; ``weights`` [m, n], each row
        with the sum 1."""
        target = self.question.target
        losses = self.losses @ weights.T
        above = (self.values > target.high).astype(np.float64) @ weights.T
        below = (self.values < target.low).astype(np.float64) @ weights.T
        medians = self._medians(weights)
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
            delay_h=candidate.delay_h,
        )
        for candidate, attained, loss, median in zip(candidates, chances, losses, medians, strict=True)
    )


def valued(question: Question, response: Response, doses: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Exposure in the target's metric and its loss, each [n_doses, n]."""
    target = question.target
    factors = occasion_factors(question.occasion_cv, question.particles.size)
    values = exposures(response, target, doses, factors)
    if target.utility is None:
        return values, losses(values, target, question.judgement) + _harm(question, response, doses, factors)
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
    """Loss of the troughs that harm, [n_doses, n]; 0 where nothing is said of them."""
    weight = question.judgement.harm_weight
    if question.harmful_trough is None or weight is None:
        return 0.0
    harmful = response.trough(doses) * factors > question.harmful_trough
    return weight.value * harmful.astype(np.float64)


def found(
    question: Question, candidates: Sequence[Candidate], values: FloatArray, lost: FloatArray
) -> Search:
    """The search whose exposures and losses are these, [n_candidates, n] each."""
    medians = np.median(values, axis=1).tolist() if len(values) else []
    means = lost.mean(axis=1).tolist() if len(values) else []
    scored = _scores(candidates, attainment(values, question.target), means, medians)
    return Search(question, tuple(candidates), values, lost, scored)


def superposes(individual: Individual) -> bool:
    """True if ``responses`` knows what doses bring of the measured concentration: it adds up."""
    return is_linear(individual, 0)
