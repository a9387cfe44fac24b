"""The search where every dose has to be simulated: coarse over all candidates, exact over the finalists.

First all candidates are ranked on a few particles, each schedule simulated at a few doses and read off
between them by a polynomial in the logarithm of the dose. Then the best, and those that an answer may need
beside them, are simulated on all particles. Only those come back: no figure of the first stage is ever shown.

The few particles are not drawn: all are sorted by what one middling regimen brings them and taken at even
ranks, so that they span the same exposures as the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dosing_core.population.individual import FloatArray, IntArray
from dosing_core.regimens.candidates import Candidate
from dosing_core.regimens.responses import Schedule
from dosing_core.regimens.scored import Question, Scored, Search, valued
from dosing_core.regimens.simulated import SimulatedResponse

FEW = 64
"""Particles of the first stage: with them and 6 nodes the best of 500 was found in 8 of 8 patients of a
prototype; the tests hold it to 99 of 100."""
NODES = 6
"""Doses at which a schedule is simulated in the first stage."""
SCHEDULES, FEWEST, FEWEST_NODES = 6, 16, 4
"""Of more schedules than this, so many are kept after a glance with so few particles and doses."""
COARSE = 1e-3
"""Tolerance of the solver in the first stage: finer than the polynomial between doses."""
FINALISTS = 8
"""Candidates at most that are simulated exactly."""
NEAR = 0.06
"""What loses more than the best by this in the first stage is not the best: near the best its losses were at
most 0.03 off, against each other, in 18 patients of three saturable drugs."""
OTHERS = 2
"""Of the finalists, so many with other daily doses than the best: an answer shows alternatives."""


def two_stage(question: Question, candidates: Sequence[Candidate]) -> Search:
    """The finalists among the candidates, in the candidates' order, exact on all particles."""
    if len(candidates) <= FINALISTS:
        return exact(question, candidates)
    coarse = first_stage(question, candidates)
    finalists = [coarse.candidates[place] for place in _finalists(coarse.scored, question)]
    return replace(exact(question, finalists), coarse=coarse)


def exact(question: Question, candidates: Sequence[Candidate]) -> Search:
    """Every candidate simulated on all of the question's particles."""
    shape = (len(candidates), question.particles.size)
    values, lost = np.empty(shape), np.empty(shape)
    for (schedule, delay), places in _by_schedule(candidates).items():
        response = SimulatedResponse(schedule, question.past, question.horizon_h, delay)
        doses = np.array([candidates[place].regimen.dose_mg for place in places])
        values[places], lost[places] = valued(question, response, doses)
    return Search(question, tuple(candidates), values, lost)


def first_stage(question: Question, candidates: Sequence[Candidate]) -> Search:
    """Candidates on a few particles, approximately: to rank by, not to report. Of many schedules
    those that do badly on very few particles do not come back."""
    ranked = _ranked(question, candidates)
    if len(_by_schedule(candidates)) > SCHEDULES:
        glance = _approximate(question, candidates, _even(ranked, FEWEST), FEWEST_NODES)
        candidates = _of_best_schedules(candidates, [one.loss for one in glance.scored])
    return _approximate(question, candidates, _even(ranked, FEW), NODES)


def _approximate(question: Question, candidates: Sequence[Candidate], chosen: IntArray, nodes: int) -> Search:
    """The candidates on the particles at these places, each schedule simulated at so many doses."""
    asked = replace(question, particles=question.particles.of(chosen))
    past = replace(question.past.of(chosen), tolerance=COARSE)
    shape = (len(candidates), asked.particles.size)
    values, lost = np.empty(shape), np.empty(shape)
    for (schedule, delay), places in _by_schedule(candidates).items():
        doses = np.array([candidates[place].regimen.dose_mg for place in places])
        exactly = SimulatedResponse(schedule, past, question.horizon_h, delay)
        few_doses = len(np.unique(doses)) <= nodes
        least, most = float(doses.min()), float(doses.max())
        between = exactly if few_doses else _Between(exactly, least, most, nodes)
        values[places], lost[places] = valued(asked, between, doses)
    return Search(asked, tuple(candidates), values, lost)


def _of_best_schedules(candidates: Sequence[Candidate], losses: Sequence[float]) -> list[Candidate]:
    """The candidates of the ``SCHEDULES`` schedules whose best dose loses least, in their order."""
    schedules = list(_by_schedule(candidates).values())
    least = sorted(range(len(schedules)), key=lambda n: min(losses[place] for place in schedules[n]))
    kept = sorted(place for n in least[:SCHEDULES] for place in schedules[n])
    return [candidates[place] for place in kept]


def _by_schedule(candidates: Sequence[Candidate]) -> dict[tuple[Schedule, float], list[int]]:
    """Places of the candidates by schedule and delay of the first dose."""
    places: dict[tuple[Schedule, float], list[int]] = {}
    for place, candidate in enumerate(candidates):
        regimen = candidate.regimen
        schedule = Schedule(regimen.interval_h, regimen.duration_h, regimen.route)
        places.setdefault((schedule, candidate.delay_h), []).append(place)
    return places


def _ranked(question: Question, candidates: Sequence[Candidate]) -> IntArray:
    """Places of all particles in the order of what the candidate in the middle brings them."""
    by_daily = sorted(candidates, key=lambda one: one.regimen.daily_dose_mg)
    middle = exact(question, [by_daily[len(by_daily) // 2]]).values[0]
    return np.argsort(middle, kind="stable")


def _even(ranked: IntArray, few: int) -> IntArray:
    """``few`` of the places at even ranks, in that order: alike beside alike take the solver's steps
    together."""
    size = min(few, len(ranked))
    return ranked[((np.arange(size) + 0.5) * len(ranked) / size).astype(np.int64)]


def _finalists(scored: Sequence[Scored], question: Question) -> list[int]:
    """Places of the candidates to simulate exactly, ascending."""
    order = sorted(range(len(scored)), key=lambda place: (scored[place].loss, scored[place].preference))
    usual = [place for place in order if scored[place].usual]
    if not usual:
        return sorted(order[:FINALISTS])
    enough = scored[usual[0]].loss + NEAR
    kept = [place for place in usual[: FINALISTS - OTHERS - 1] if scored[place].loss <= enough]
    taken = [scored[usual[0]].regimen.daily_dose_mg]
    same = question.judgement.same_dose.value
    for place in usual:
        daily = scored[place].regimen.daily_dose_mg
        if len(taken) <= OTHERS and all(abs(daily - one) > same * max(daily, one) for one in taken):
            taken.append(daily)
            kept.append(place)
    kept.append(order[0])  # an unusual dose, where nothing usual is near the target
    return sorted(set(kept))


@dataclass(frozen=True)
class _Between:
    """A response read off between ``nodes`` doses: a polynomial in ln(dose) through Chebyshev's points, of
    the logarithm of what is positive and unbounded, of a fraction itself."""

    exactly: SimulatedResponse
    least: float
    most: float
    nodes: int

    @property
    def interval_h(self) -> float:
        """h between doses."""
        return self.exactly.interval_h

    def auc24(self, doses: FloatArray) -> FloatArray:
        return self._of(self.exactly.auc24, doses)

    def average(self, doses: FloatArray) -> FloatArray:
        return self._of(self.exactly.average, doses)

    def trough(self, doses: FloatArray) -> FloatArray:
        return self._of(self.exactly.trough, doses)

    def peak(self, doses: FloatArray) -> FloatArray:
        return self._of(self.exactly.peak, doses)

    def timed(self, doses: FloatArray, after_h: float) -> FloatArray:
        return self._of(lambda nodes: self.exactly.timed(nodes, after_h), doses)

    def cumulative_auc(self, doses: FloatArray, course_h: float) -> FloatArray:
        return self._of(lambda nodes: self.exactly.cumulative_auc(nodes, course_h), doses)

    def time_above(self, doses: FloatArray, threshold: FloatArray) -> FloatArray:
        return self._of(lambda nodes: self.exactly.time_above(nodes, threshold), doses, fraction=True)

    def effect(self, doses: FloatArray, output: str) -> FloatArray:
        return self._of(lambda nodes: self.exactly.effect(nodes, output), doses)

    def occupancy(self, doses: FloatArray, output: str) -> FloatArray:
        return self._of(lambda nodes: self.exactly.occupancy(nodes, output), doses, fraction=True)

    def nadir(self, doses: FloatArray, output: str) -> FloatArray:
        return self._of(lambda nodes: self.exactly.nadir(nodes, output), doses)

    def _of(
        self, at: Callable[[FloatArray], FloatArray], doses: FloatArray, fraction: bool = False
    ) -> FloatArray:
        angles = np.pi * np.arange(self.nodes) / (self.nodes - 1)
        middle, half = 0.5 * np.log(self.most * self.least), 0.5 * np.log(self.most / self.least)
        logarithms = middle - half * np.cos(angles)
        seen = at(np.exp(logarithms))
        weights = _barycentric(logarithms, np.log(doses))
        if fraction or not (seen > 0.0).all():
            return np.clip(weights @ seen, seen.min(axis=0), seen.max(axis=0))
        shape = np.log(seen)
        return np.asarray(np.exp(np.clip(weights @ shape, shape.min(axis=0), shape.max(axis=0))))


def _barycentric(nodes: FloatArray, wanted: FloatArray) -> FloatArray:
    """[n_wanted, n_nodes] weights of the polynomial through Chebyshev points of the second kind (Berrut and
    Trefethen, SIAM Review 2004;46:501, section 5)."""
    signs = np.where(np.arange(len(nodes)) % 2 == 0, 1.0, -1.0)
    signs[[0, -1]] *= 0.5
    distance = wanted[:, None] - nodes
    hit = np.abs(distance) < 1e-12
    terms = signs / np.where(hit, 1.0, distance)
    weights: FloatArray = terms / terms.sum(axis=1, keepdims=True)
    rows = hit.any(axis=1)
    weights[rows] = hit[rows].astype(np.float64)
    return weights
