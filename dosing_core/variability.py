"""This patient beside people alike: what the levels have removed, how unusual it is, what else explains it.

The logarithm of the exposure under the answer's regimen varies between people alike and, within one of them,
from occasion to occasion; a measured level adds its own error. Levels remove of the first part, the others
stay whatever is measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from dosing_core.case import Regimen
from dosing_core.consultation import Consultation
from dosing_core.inference import shares_of_modes
from dosing_core.inference.belief import Belief, Component, believe
from dosing_core.inference.likelihood import variance
from dosing_core.inference.observations import observations
from dosing_core.inference.particles import Particles
from dosing_core.kinetics import prediction
from dosing_core.population.individual import FloatArray
from dosing_core.recommendation import OtherMode, Variability
from dosing_core.regimens.candidates import Candidate
from dosing_core.regimens.options import six
from dosing_core.regimens.search import search

PEOPLE = 256
"""Of the population without levels: a variance is then known to a tenth of itself."""
TOLERANCE = 1e-4
LEAST = 1e-12


@dataclass(frozen=True)
class Beside:
    """The patient beside people alike."""

    variability: Variability | None
    """None where the model lets nothing vary between people."""
    unusual: float | None
    """Share of people alike whose exposure lies at least as far from what is typical; None without levels."""


def beside_people_alike(consultation: Consultation, answered: Regimen) -> Beside:
    """The parts of the variance of the exposure under ``answered``, and how far out this patient lies."""
    own, with_levels = consultation, bool(consultation.reviewed.used)
    population = (_population(own) if with_levels else own.belief).particles(PEOPLE)
    everything = _log_exposure(own, population, answered)
    alike = _log_exposure(own, _lasting(population), answered) if _passing(population) else everything
    before = float(np.var(alike))
    if not before > LEAST:
        return Beside(None, None)
    after, unusual = before, None
    if with_levels:
        every = max(1, own.question.particles.size // PEOPLE)
        today = Particles(tuple((person, eta[::every]) for person, eta in own.question.particles))
        believed = _log_exposure(own, _lasting(today), answered)
        after = float(np.var(believed))
        distance = (float(np.median(believed)) - float(np.median(alike))) / math.sqrt(before)
        unusual = six(2.0 * float(ndtr(-abs(distance))))
    found = Variability(
        between_before=six(before),
        between_after=six(after),
        removed=six(min(max(1.0 - after / before, 0.0), 1.0)),
        occasion=six(max(float(np.var(everything)) - before, 0.0) + math.log1p(own.question.occasion_cv**2)),
        assay=six(_assay(own)) if with_levels else None,
    )
    return Beside(found, unusual)


def _passing(particles: Particles) -> bool:
    return any(bool(person.occasion_effects.any()) for person, _ in particles)


def _population(own: Consultation) -> Belief:
    return believe(own.panel.hypotheses, own.history, observations([], own.case.now))


def _lasting(particles: Particles) -> Particles:
    """The same people on a typical occasion."""
    parts = []
    for person, eta in particles:
        parts.append((person, np.where(person.occasion_effects, 0.0, eta)))
    return Particles(tuple(parts))


def _log_exposure(own: Consultation, particles: Particles, regimen: Regimen) -> FloatArray:
    """[n] logarithm of the exposure, without the variation that the model leaves out."""
    question = replace(own.question, particles=particles, occasion_cv=0.0)
    values = search(question, (Candidate(regimen, usual=True, preference=0),)).values[0]
    return np.asarray(np.log(np.maximum(values, LEAST)))


def _assay(own: Consultation) -> float:
    """Mean relative variance of a used level around its most probable prediction."""
    best, seen = own.belief.best, own.reviewed.seen
    person = best.individual
    eta = best.posterior.map_eta[None, :]
    predicted = prediction(person, own.history, seen.time, seen.output, TOLERANCE)(person.parameters(eta))[0]
    relative = [
        float(variance(person.error_of(int(place)), np.array([f]), np.array([y]))[0]) / max(f, LEAST) ** 2
        if person.error_of(int(place)).form != "log"
        else person.error_of(int(place)).proportional ** 2
        for place, f, y in zip(seen.error, predicted, seen.value, strict=True)
    ]
    return float(np.mean(relative))


def other_modes(consultation: Consultation, answered: Regimen) -> tuple[OtherMode, ...]:
    """Other explanations within a factor exp(6) of the best one's density, of the likeliest hypothesis."""
    best = consultation.belief.best
    return tuple(_modes(consultation, best, answered)) if len(best.posterior.map.modes) > 1 else ()


def _modes(own: Consultation, best: Component, answered: Regimen) -> Iterator[OtherMode]:
    modes = best.posterior.map.modes
    people = Particles(((best.individual, np.stack([mode.eta for mode in modes])),))
    question = replace(own.question, particles=people, occasion_cv=0.0)
    values = search(question, (Candidate(answered, usual=True, preference=0),)).values[0]
    found = best.posterior
    shares = shares_of_modes(found.map, found.eta, found.weight, best.individual.omega)
    for share, value in zip(shares[1:], values[1:], strict=True):
        yield OtherMode(
            share=six(min(float(share), 1.0)),
            exposure=six(float(value)),
            best_exposure=six(float(values[0])),
        )
