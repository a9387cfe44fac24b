"""What is believed of the patient's own parameters, beside what the population expects."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dosing_core.inference.belief import Belief, Component
from dosing_core.inference.summaries import quantile
from dosing_core.population.families import PARAMETERS
from dosing_core.population.individual import LAST_ROW, NORMAL, Individual
from dosing_core.population.system import System
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
    """One estimate a parameter that varies between people, with today's covariates.

    Parameters are those of the hypothesis that was likeliest before the levels; other models count where
    they have a parameter of the same name in the same number of compartments, as a volume of one compartment
    is no central volume.
    """
    person = expected_person(belief)
    found = []
    today = {
        id(part): part.individual.parameters(part.posterior.eta, LAST_ROW)[:, 0] for part in belief.components
    }
    for name in dict.fromkeys(_between_people(person)):
        same = [part for part in belief.components if _comparable(part.individual, person, name)]
        values = [today[id(part)][:, part.individual.columns.index(name)] for part in same]
        share = _shares([part.probability for part in same])
        weight = [one * part.posterior.weight for one, part in zip(share, same, strict=True)]
        low, median, high = quantile(np.concatenate(values), np.concatenate(weight), (0.05, 0.5, 0.95))
        words, unit = _words(name, person)
        found.append(
            ParameterEstimate(
                name=words,
                unit=unit,
                typical=six(_typical(same, name)),
                estimate=Estimate(low=six(float(low)), median=six(float(median)), high=six(float(high))),
                learned=_learned(same, name, share) if levels else None,
            )
        )
    return tuple(found)


def _between_people(person: Individual) -> list[str]:
    """Parameters that differ between people; those that only differ between occasions say nothing lasting."""
    return [name for name in person.eta_names if name in person.columns]


def _comparable(one: Individual, person: Individual, name: str) -> bool:
    if name not in one.eta_names or name not in one.columns:
        return False
    alike = one.columns == person.columns and _compartments(one) == _compartments(person)
    return name == "CL" or alike


def _compartments(person: Individual) -> int:
    return (
        len(person.structure.states)
        if isinstance(person.structure, System)
        else person.structure.compartments
    )


def _shares(probabilities: Sequence[float]) -> list[float]:
    total = sum(probabilities)
    return [one / total if total > 0.0 else 1.0 / len(probabilities) for one in probabilities]


def _typical(parts: Sequence[Component], name: str) -> float:
    """Typical value at this patient's covariates; of several hypotheses, by what they weighed before the
    levels, on the scale on which people differ."""
    share = _shares([part.prior_probability for part in parts])
    return _back(
        sum(one * _centre(part.individual, name) for one, part in zip(share, parts, strict=True)),
        parts[0].individual,
        name,
    )


def _is_normal(person: Individual, name: str) -> bool:
    column = person.columns.index(name)
    return bool(person.transform is not None and person.transform[column] == NORMAL)


def _centre(person: Individual, name: str) -> float:
    value = float(person.typical[-1, person.columns.index(name)])
    return value if _is_normal(person, name) or value <= 0.0 else math.log(value)


def _back(value: float, person: Individual, name: str) -> float:
    plain = _is_normal(person, name) or float(person.typical[-1, person.columns.index(name)]) <= 0.0
    return value if plain else math.exp(value)


def _words(name: str, person: Individual) -> tuple[str, str]:
    """Name and unit. After oral doses clearance and volumes are apparent ones; where binding to red cells is
    part of the model they are those of plasma, many times larger than in whole blood."""
    words, unit = WORDS.get(name, (name, ""))
    if isinstance(person.structure, System) and name in PARAMETERS:
        words, unit = WORDS.get(name, (PARAMETERS[name].meaning, ""))[0], PARAMETERS[name].unit
    if person.absorbs and name in APPARENT:
        words = f"apparent {'plasma ' if person.binding is not None else ''}{words}"
    return words, unit


def _learned(parts: Sequence[Component], name: str, share: Sequence[float]) -> float:
    """1 - posterior variance / prior variance of what sets this patient's parameter apart, not below zero:
    levels that widen it have taught nothing about it. Over several hypotheses their differences count as
    well."""
    before, after = [], []
    prior_share = _shares([part.prior_probability for part in parts])
    for part in parts:
        effect = part.individual.eta_names.index(name)
        eta, weight = part.posterior.eta[:, effect], part.posterior.weight
        mean = float(np.sum(weight * eta))
        spread = float(np.sum(weight * (eta - mean) ** 2))
        centre = _centre(part.individual, name)
        before.append((centre, float(part.individual.omega[effect, effect])))
        after.append((centre + mean, spread))
    return six(min(max(1.0 - _variance(after, share) / _variance(before, prior_share), 0.0), 1.0))


def _variance(moments: Sequence[tuple[float, float]], share: Sequence[float]) -> float:
    """Variance of a mixture of (mean, variance)."""
    mean = sum(one * centre for one, (centre, _) in zip(share, moments, strict=True))
    return sum(
        one * (spread + (centre - mean) ** 2) for one, (centre, spread) in zip(share, moments, strict=True)
    )
