"""The dose that would follow if something were otherwise, from the particles that are there.

What is believed under other facts is the present belief, each particle weighed by how much better or worse it
explains the levels then. Where so few particles carry the weight that this says nothing, the levels are
fitted anew. The answer's own regimen stays unless another is relevantly better, as it does today.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

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
from dosing_core.regimens.comparison import best, is_relevant
from dosing_core.regimens.scored import Scored
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
        return [self._follows(scored) for scored in self._thinned.reweighted(rows)]

    def levels_otherwise(self, history: DoseTable, seen: Observations) -> FloatArray | None:
        """Weights [n] of ``people`` if they had had these doses, or these levels; None if too few carry
        them."""
        weight = self._ratio(self.people, None, history, seen)
        return weight if _left(weight) >= LEAST_LEFT else None

    def believed_otherwise(self, history: DoseTable, seen: Observations) -> Regimen | None:
        """The dose if the levels are fitted anew to other doses, or other levels to the doses; None if that
        cannot be told."""
        return self._moved(None, history, seen)

    def people_otherwise(self, changed: Changed) -> Regimen | None:
        """The dose if the patient's typical values were these, held against the same levels; None if that
        cannot be told."""
        own, seen = self.own, self.own.reviewed.seen
        weight = self._ratio(self._few, changed, own.history, seen)
        if _left(weight) < LEAST_LEFT:
            return self._moved(changed, own.history, seen)
        moved = Particles(tuple((changed[id(person)], eta) for person, eta in self._few))
        return self._searched(moved, weight)

    def _searched(self, people: Particles, weight: FloatArray) -> Regimen:
        found = search(replace(self.own.question, particles=people), self._found.candidates)
        (scored,) = found.reweighted((weight / weight.sum())[None, :])
        return self._follows(scored)

    @cached_property
    def _few(self) -> Particles:
        asked = ASKED if self.own.question.superposes else FEWER
        every = max(1, self.own.question.particles.size // asked)
        parts = ((person, eta[::every]) for person, eta in self.own.question.particles)
        return Particles(tuple(parts))

    def _moved(self, changed: Changed | None, history: DoseTable, seen: Observations) -> Regimen | None:
        """The particles moved by as much as the mode moves, then weighed by what they explain there."""
        parts, ratios = [], []
        for person, eta in self._few:
            then = changed[id(person)] if changed else person
            moved = eta + (map_estimate(then, history, seen).eta - self._mode(person))
            ratio = _log_density(then, moved, history, seen) + _log_prior(then, moved)
            ratio -= _log_density(person, eta, self.own.history, self.own.reviewed.seen)
            ratio -= _log_prior(person, eta)
            parts.append((then, moved))
            ratios.append(ratio)
        log_ratio = np.concatenate(ratios)
        if not np.isfinite(log_ratio.max()):
            return None
        weight = np.exp(log_ratio - log_ratio.max())
        return self._searched(Particles(tuple(parts)), weight) if _left(weight) >= LEAST_MOVED else None

    def _mode(self, person: Individual) -> FloatArray:
        parts = self.own.belief.components
        return next(part.posterior.map_eta for part in parts if part.individual is person)

    def _ratio(
        self, particles: Particles, changed: Changed | None, history: DoseTable, seen: Observations
    ) -> FloatArray:
        """[n] how much better each particle explains the levels then than it does now."""
        own = self.own
        if len(own.reviewed.used) == 0:
            return np.ones(particles.size)
        ratio = []
        for person, eta in particles:
            then = changed[id(person)] if changed else person
            now = _log_density(person, eta, own.history, own.reviewed.seen)
            ratio.append(_log_density(then, eta, history, seen) - now)
        log_ratio = np.concatenate(ratio)
        weight: FloatArray = np.exp(log_ratio - log_ratio.max())
        return weight

    def _follows(self, scored: Sequence[Scored]) -> Regimen:
        own = self.own
        chosen = best(scored, own.target, own.drug_file.judgement)
        present = next((one for one in scored if one.regimen == self.answered), None)
        if chosen is None or (
            present is not None and not is_relevant(present, chosen, own.target, own.drug_file.judgement)
        ):
            return self.answered
        return chosen.regimen


def _left(weight: FloatArray) -> float:
    """Effective number of particles; 0 where no weight can be told."""
    total = float(weight.sum())
    return effective_sample_size(weight / total) if np.isfinite(total) and total > 0.0 else 0.0


def _log_prior(person: Individual, eta: FloatArray) -> FloatArray:
    """[n] log prior density of the random effects, but for a constant that all particles share."""
    solved = np.linalg.lstsq(person.omega, eta.T, rcond=None)[0]
    density: FloatArray = -0.5 * np.einsum("ni,in->n", eta, solved)
    return density


def _log_density(person: Individual, eta: FloatArray, history: DoseTable, seen: Observations) -> FloatArray:
    """[n] log density of all levels under each particle."""
    predict = prediction(person, history, seen.time, seen.output, TOLERANCE)
    density: FloatArray = densities(likelihood(person, seen), predict(person.parameters(eta))).sum(axis=1)
    return density
