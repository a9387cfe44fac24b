"""What was measured in this patient, levels and effects, as inference takes it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dosing_core.case import Case, EffectMeasurement, Finding, Level
from dosing_core.inference.observations import Observations, observations
from dosing_core.kinetics import hours
from dosing_core.population.individual import FloatArray, Individual
from dosing_core.population.system import System

CONCENTRATION = "concentration"
"""The output that a level measures, and so no effect."""


@dataclass(frozen=True, eq=False)
class Measured:
    """Levels first, then effects, each in order of time."""

    each: tuple[Level | EffectMeasurement, ...]
    seen: Observations
    """The same, in the same order."""
    unused: tuple[Finding, ...]
    """Effects that the model has no output for, and levels of a model without a concentration."""


def measured(case: Case, levels: Sequence[Level], people: Sequence[Individual]) -> Measured:
    """``people``: every hypothesis of the models that speak; all have the outputs that were measured.

    A level has the error of its assay where all of them know that assay.

    With ``case.options.recency_half_life_h`` a measurement's weight halves with each such age.
    """
    person = people[0]
    usable = [one for one in case.effects if one.time <= case.now and output_of(person, one.name) is not None]
    lost = () if sees_levels(person) else tuple(levels)
    levels = () if lost else tuple(levels)
    drawn = observations(levels, case.now)
    errors = dict(person.assays) if all(one.assays == person.assays for one in people) else {}
    by_assay = [errors.get(level.assay or "", 0) for level in levels]
    found = [output_of(person, one.name) for one in usable]
    places = [place for place in found if place is not None]
    time = np.concatenate([drawn.time, [hours(one.time, case.now) for one in usable]])
    count = len(usable)
    seen = Observations(
        time=time,
        value=np.concatenate([drawn.value, [one.value for one in usable]]),
        output=np.concatenate([drawn.output, np.array(places, dtype=np.int64)]),
        limit=np.concatenate([drawn.limit, np.zeros(count, dtype=np.int64)]),
        weight=_weight(time, case.options.recency_half_life_h),
        error=np.array([*by_assay, *places], dtype=np.int64),
    )
    unused = tuple(_unused(one) for one in case.effects if one not in usable)
    unused += tuple(_no_level(one) for one in lost)
    return Measured(each=(*levels, *usable), seen=seen, unused=unused)


def output_of(person: Individual, name: str) -> int | None:
    """Place of a measured effect among the model's outputs; None if it has none whose error is known."""
    if not isinstance(person.structure, System):
        return None
    try:
        place = person.structure.output(name)
    except KeyError:
        return None
    known = math.isfinite(person.error_of(place).additive)
    return place if known and name != CONCENTRATION else None


def sees_levels(person: Individual) -> bool:
    """True if the model predicts the drug's concentration; one driven by doses alone (K-PD) does not."""
    return not isinstance(person.structure, System) or person.structure.outputs[0].unit == "mg/L"


def _weight(time: FloatArray, half_life_h: float | None) -> FloatArray:
    if half_life_h is None:
        return np.ones(len(time))
    weight: FloatArray = 0.5 ** (np.maximum(-time, 0.0) / half_life_h)
    return weight


def _unused(effect: EffectMeasurement) -> Finding:
    text = f"{effect.name} of {effect.value:g}: no model here predicts it, or it is dated ahead; not used"
    return Finding(kind="excluded", about="effects", detail=text, source=effect.source)


def _no_level(level: Level) -> Finding:
    text = "a drug level: the model here works from doses and effects alone; not used"
    return Finding(kind="excluded", about="levels", detail=text, source=level.source)
