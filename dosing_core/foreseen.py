"""What a level may show before it is drawn, and what each value would teach.

The level's values are taken evenly in probability from its predictive distribution; for each, the particles
are weighed by how well they explain it. Plan and sampling are both read from this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dosing_core.case import Regimen
from dosing_core.inference.likelihood import log_likelihood, variance
from dosing_core.inference.particles import Particles
from dosing_core.inference.summaries import quantile
from dosing_core.kinetics import concentrations, train
from dosing_core.population.individual import FloatArray, Individual, ResidualError
from dosing_core.population.system import System
from dosing_core.recommendation import RegimenOption, Target
from dosing_core.regimens.past import TOLERANCE, sound
from dosing_core.regimens.scored import Question

DECILES = np.array([-1.2816, -0.5244, 0.0, 0.5244, 1.2816])
"""Normal deciles 1, 3, 5, 7, 9: five equally likely errors."""
TAIL = 0.01
"""Beyond the central 98 % a level is checked before it is followed, so nothing is foreseen for it."""


@dataclass(frozen=True, eq=False)
class Foreseen:
    """Values that a level may show, in order, in its unit."""

    values: FloatArray
    """[k]."""
    chances: FloatArray
    """[k] how likely the level is nearest to each; sum 1."""
    weights: FloatArray
    """[k, n] weight of each particle once that value is known; each row has the sum 1."""


def foresee(
    particles: Particles, predicted: FloatArray, target: Target, occasion_cv: float, nodes: int
) -> Foreseen:
    """``predicted`` [n] true value at the time of the level in each particle; at most ``nodes`` values.

    Variation that the model leaves out (``occasion_cv``) adds to the error, as no level can tell them apart.
    """
    parts, first = [], 0
    for individual, eta in particles:
        own = predicted[first : first + len(eta)]
        first += len(eta)
        parts.append((_error(individual, measured_output(individual, target), occasion_cv), own))
    sample = np.concatenate([_sample(error, own) for error, own in parts])
    least = 1e-9 * max(float(np.max(predicted)), 1e-9)
    values, chances = _nodes(np.maximum(sample, least), nodes)
    logs = np.concatenate(
        [log_likelihood(error, own[None, :], values[:, None]) for error, own in parts], axis=1
    )
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return Foreseen(values, chances, weights / weights.sum(axis=1, keepdims=True))


def measured_output(individual: Individual, target: Target) -> int:
    """Which output a level of this treatment measures: the effect where one is aimed at, else the drug.

    Where the effect is a concentration (unbound drug), the usual level, of the whole drug, is what is drawn.
    """
    structure = individual.structure
    if target.metric in ("effect", "nadir") and isinstance(structure, System):
        place = structure.output(target.output)
        return 0 if structure.outputs[place].unit == structure.outputs[0].unit else place
    return 0


def predicted_at(
    question: Question, followed: RegimenOption, duration_h: float, times: Sequence[float]
) -> FloatArray:
    """[n, n_times] true value of what a level at ``times`` (h from now) measures, if this option is followed;
    ``duration_h`` the length of its infusions as judged."""
    at, first_h = np.asarray(times, dtype=np.float64), question.first_h
    regimen = followed_regimen(followed, duration_h)
    count = max(0, int(np.ceil((at.max() - first_h) / regimen.interval_h)))
    future = train(regimen, first_h, count, followed.loading_dose_mg, followed.loading_duration_h)
    target, people = question.target, question.particles
    if at.min() >= first_h:
        places = tuple(measured_output(person, target) for person, _ in people)
        return question.past.at(future, at, places)
    doses = question.history.joined(future)
    found = []
    for (person, _), parameters in zip(people, people.parameters, strict=True):
        place = measured_output(person, target)
        found.append(concentrations(person, parameters, doses, at, place, TOLERANCE))
    return sound(np.concatenate(found))


def followed_regimen(followed: RegimenOption, duration_h: float) -> Regimen:
    """The regimen of an option with the length of its infusions as judged."""
    return followed.regimen.model_copy(update={"duration_h": duration_h})


def _error(individual: Individual, output: int, occasion_cv: float) -> ResidualError:
    published = individual.error_of(output)
    if occasion_cv == 0.0:
        return published
    proportional = float(np.hypot(published.proportional, occasion_cv))
    if published.form == "log":
        return replace(published, proportional=proportional)
    return ResidualError(published.additive, proportional)


def _sample(error: ResidualError, predicted: FloatArray) -> FloatArray:
    """Equally likely values of the level, five a particle."""
    if error.form == "log":
        return np.asarray(predicted[:, None] * np.exp(error.proportional * DECILES)).ravel()
    spread = np.sqrt(variance(error, predicted, np.zeros_like(predicted)))
    return np.asarray(predicted[:, None] + spread[:, None] * DECILES).ravel()


def _nodes(sample: FloatArray, nodes: int) -> tuple[FloatArray, FloatArray]:
    """Values evenly in probability, and the share of the sample that is nearest to each."""
    shares = np.linspace(TAIL, 1.0 - TAIL, nodes)
    even = np.full(len(sample), 1.0 / len(sample))
    values = np.unique(quantile(sample, even, shares.tolist()))
    edges = np.concatenate([[-np.inf], 0.5 * (values[1:] + values[:-1]), [np.inf]])
    return values, np.histogram(sample, edges)[0] / len(sample)
