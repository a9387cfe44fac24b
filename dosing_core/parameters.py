"""What is believed of the patient's own clearance and volumes, beside what the population expects."""

from __future__ import annotations

import numpy as np

from dosing_core.inference.belief import Belief
from dosing_core.inference.summaries import quantile
from dosing_core.population.individual import PARAMETERS, Individual
from dosing_core.recommendation import Estimate, ParameterEstimate
from dosing_core.regimens.options import six

WORDS = {
    "CL": ("clearance", "L/h"),
    "V1": ("central volume", "L"),
    "Q": ("exchange between compartments", "L/h"),
    "V2": ("peripheral volume", "L"),
    "ka": ("absorption rate", "1/h"),
    "tlag": ("absorption lag", "h"),
    "F": ("relative bioavailability", "fraction"),
}

APPARENT = ("CL", "V1", "Q", "V2")


def expected_person(belief: Belief) -> Individual:
    """The hypothesis that the population holds likeliest, before any level."""
    return max(belief.components, key=lambda part: part.prior_probability).individual


def parameter_estimates(belief: Belief, levels: int) -> tuple[ParameterEstimate, ...]:
    """One estimate a parameter that varies between people, with today's covariates."""
    person = expected_person(belief)
    found = []
    for effect, name in enumerate(person.eta_names):
        column = PARAMETERS.index(name)
        values = belief.map(lambda _, p, c=column: p[:, -1, c])  # type: ignore[misc]
        low, median, high = quantile(values, belief.weight, (0.05, 0.5, 0.95))
        words, unit = _words(name, person)
        found.append(
            ParameterEstimate(
                name=words,
                unit=unit,
                typical=six(float(person.typical[-1, column])),
                estimate=Estimate(low=six(float(low)), median=six(float(median)), high=six(float(high))),
                learned=_learned(belief, effect, person) if levels else None,
            )
        )
    return tuple(found)


def _words(name: str, person: Individual) -> tuple[str, str]:
    """Name and unit. After oral doses clearance and volumes are apparent ones; where binding to red cells is
    part of the model they are those of plasma, many times larger than in whole blood."""
    words, unit = WORDS[name]
    if person.takes("oral") and name in APPARENT:
        words = f"apparent {'plasma ' if person.binding is not None else ''}{words}"
    return words, unit


def _learned(belief: Belief, effect: int, person: Individual) -> float:
    """1 - posterior variance / prior variance of one random effect, not below zero: levels that widen an
    effect have taught nothing about it."""
    same = [part for part in belief.components if part.individual.eta_names == person.eta_names]
    total = sum(part.probability for part in same)
    mean = square = 0.0
    for part in same:
        eta, share = part.posterior.eta[:, effect], part.probability / total
        mean += share * float(np.sum(part.posterior.weight * eta))
        square += share * float(np.sum(part.posterior.weight * eta**2))
    prior = float(person.omega[effect, effect])
    return six(min(max(1.0 - (square - mean**2) / prior, 0.0), 1.0))
