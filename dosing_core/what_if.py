"""The dose that would follow if something were otherwise, from the particles that are there.

What is believed under other facts is the present belief, each particle weighed by how much better or worse it
explains the levels then. Where so few particles carry the weight that this says nothing, the levels are
fitted anew. The answer's own regimen stays unless another is relevantly better, as it does today.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain

import numpy as np

from dosing_core.case import Regimen
from dosing_core.consultation import Consultation
from dosing_core.inference import map_estimate
from dosing_core.inference.likelihood import densities, likelihood
from dosing_core.inference.observations import Observations
from dosing_core.inference.particles import Particles
from dosing_core.inference.summaries import effective_sample_size
from dosing_core.kinetics import DoseTable, prediction
from dosing_core.population.individual import FloatArray, Individual
from dosing_core.regimens.comparison import kept_or_better
from dosing_core.regimens.search import Search, search

ASKED = 256
"""Particles that a changed patient is asked of: a median is then known to a few percent of its spread."""
EVERY = 2
"""Every other particle is asked where only their weights change."""
FEWER = 64
"""The same where each costs a simulation step by step."""
LEAST_LEFT = 30.0
"""Effective particles below which a re-weighting is not believed and the particles are moved. Project
policy."""
LEAST_MOVED = 8.0
"""Effective particles below which not even that is believed, and nothing is said. Project policy."""
TOLERANCE = 1e-4
"""Of predictions where the kinetics are solved step by step."""

Changed = Mapping[int, Individual]
"""By the ``id`` of the individual that each replaces."""
Record = tuple[DoseTable, Observations]
"""Doses, and the levels that followed them."""


class WhatIf:
    """Questions about one consultation's answer; ``answered`` is the regimen that it stands by."""

    def __init__(self, consultation: Consultation, answered: Regimen) -> None:
        self.own = consultation
        self.answered = answered
        self._found: Search = consultation.search_with(answered)
        self._thinned = self._found.of(range(len(self._found.candidates)), EVERY)

    @cached_property
    def people(self) -> Particles:
        """The particles that are weighed: every other one of the question's."""
        parts, start = [], 0
        for person, eta in self.own.question.particles:
            parts.append((person, eta[-start % EVERY :: EVERY]))
            start += len(eta)
        return Particles(tuple(parts))

    def weighed(self, weights: Sequence[FloatArray]) -> list[Regimen]:
        """The dose under each of several weights [n] of ``people``, in their order."""
        if not weights:
            return []
        rows = np.stack([one / one.sum() for one in weights])
        return kept_or_better(self._thinned, rows, self.answered)

    def levels_otherwise(self, alternatives: Sequence[Record]) -> list[FloatArray | None]:
        """For each other record, weights [n] of ``people`` if it were true; None if too few carry them.

        Records with the same doses share one prediction of all their levels.
        """
        if not self.own.reviewed.used:
            return [np.ones(self.people.size) for _ in alternatives]
        records = [(self.own.history, self.own.reviewed.seen), *alternatives]
        found: dict[int, FloatArray] = {}
        for history in {id(doses): doses for doses, _ in records}.values():
            places = [place for place, (doses, _) in enumerate(records) if doses is history]
            sets = [records[place][1] for place in places]
            found |= zip(places, _log_densities(self.people, history, sets), strict=True)
        weights = [_ratio(found[place + 1], found[0]) for place in range(len(alternatives))]
        return [weight if _left(weight) >= LEAST_LEFT else None for weight in weights]

    def believed_otherwise(self, history: DoseTable, seen: Observations) -> Regimen | None:
        """The dose if the levels are fitted anew to other doses, or other levels to the doses; None if that
        cannot be told."""
        return self._moved(None, history, seen)

    def people_otherwise(self, changed: Changed) -> Regimen | None:
        """The dose if the patient's typical values were these, held against the same levels; None if that
        cannot be told."""
        own, seen = self.own, self.own.reviewed.seen
        moved = Particles(tuple((changed[id(person)], eta) for person, eta in self._few))
        if not own.reviewed.used:
            return self._searched(moved, np.ones(moved.size))
        weight = _ratio(_log_densities(moved, own.history, [seen])[0], self._few_now)
        if _left(weight) < LEAST_LEFT:
            return self._moved(changed, own.history, seen)
        return self._searched(moved, weight)

    def _searched(self, people: Particles, weight: FloatArray) -> Regimen:
        found = search(replace(self.own.question, particles=people), self._found.candidates)
        return kept_or_better(found, (weight / weight.sum())[None, :], self.answered)[0]

    @cached_property
    def _few(self) -> Particles:
        asked = ASKED if self.own.question.superposes else FEWER
        every = max(1, self.own.question.particles.size // asked)
        parts = ((person, eta[::every]) for person, eta in self.own.question.particles)
        return Particles(tuple(parts))

    @cached_property
    def _few_now(self) -> FloatArray:
        """[n] log density of the levels under each of the few, as the record has it."""
        return _log_densities(self._few, self.own.history, [self.own.reviewed.seen])[0]

    def _moved(self, changed: Changed | None, history: DoseTable, seen: Observations) -> Regimen | None:
        """The particles moved by as much as the mode moves, then weighed by what they explain there."""
        parts, prior = [], []
        for person, eta in self._few:
            then = changed[id(person)] if changed else person
            moved = eta + (map_estimate(then, history, seen).eta - self._mode(person))
            prior.append(_log_prior(then, moved) - _log_prior(person, eta))
            parts.append((then, moved))
        people = Particles(tuple(parts))
        log_density = _log_densities(people, history, [seen])[0] + np.concatenate(prior)
        weight = _ratio(log_density, self._few_now)
        return self._searched(people, weight) if _left(weight) >= LEAST_MOVED else None

    def _mode(self, person: Individual) -> FloatArray:
        parts = self.own.belief.components
        return next(part.posterior.map_eta for part in parts if part.individual is person)


def _ratio(then: FloatArray, now: FloatArray) -> FloatArray:
    """[n] how much better each particle explains the levels then than it does now, of log densities; NaN
    where nobody can tell."""
    log_ratio = then - now
    with np.errstate(invalid="ignore"):
        weight: FloatArray = np.exp(log_ratio - log_ratio.max())
    return weight


def _left(weight: FloatArray) -> float:
    """Effective number of particles; 0 where no weight can be told."""
    total = float(weight.sum())
    return effective_sample_size(weight / total) if np.isfinite(total) and total > 0.0 else 0.0


def _log_prior(person: Individual, eta: FloatArray) -> FloatArray:
    """[n] log prior density of the random effects, but for a constant that all particles share."""
    solved = np.linalg.lstsq(person.omega, eta.T, rcond=None)[0]
    density: FloatArray = -0.5 * np.einsum("ni,in->n", eta, solved)
    return density


def _log_densities(
    particles: Particles, history: DoseTable, sets: Sequence[Observations]
) -> list[FloatArray]:
    """[n] log density of all levels of each set under each particle, after one prediction of them all."""
    asked = [list(zip(one.time.tolist(), one.output.tolist(), strict=True)) for one in sets]
    due = {level: place for place, level in enumerate(dict.fromkeys(chain.from_iterable(asked)))}
    time = np.array([time for time, _ in due], dtype=np.float64)
    output = np.array([output for _, output in due], dtype=np.int64)
    columns = [np.array([due[level] for level in own], dtype=np.int64) for own in asked]
    parts = []
    for (person, _), parameters in zip(particles, particles.parameters, strict=True):
        predicted = prediction(person, history, time, output, TOLERANCE)(parameters)
        each = zip(sets, columns, strict=True)
        parts.append([_log_density(person, seen, predicted[:, own]) for seen, own in each])
    return [np.concatenate(one) for one in zip(*parts, strict=True)]


def _log_density(person: Individual, seen: Observations, predicted: FloatArray) -> FloatArray:
    """[n] log density of all levels for what is predicted of them, [n, n_levels]."""
    density: FloatArray = densities(likelihood(person, seen), np.ascontiguousarray(predicted)).sum(axis=1)
    return density
