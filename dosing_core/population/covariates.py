"""Covariates over time: from a subject's timelines to the quantities that a model's equations read.

Between measurements the last one holds (or the next one, or a line between both, as the model says); before
the first one, the first one does, and after the last one, the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dosing_core.case import COVARIATE_UNITS, CovariateName, Measurement, Subject
from dosing_core.physiology.body_size import (
    WeightChoice,
    body_mass_index,
    body_surface_area_dubois,
    fat_free_mass,
)
from dosing_core.physiology.renal import ckd_epi_2021, cockcroft_gault
from dosing_core.population.covariate import Covariate, Quantity
from dosing_core.population.model import Interpolation
from dosing_core.recommendation import UsedFact

AVERAGE_SURFACE_M2 = 1.73
"""Surface to which estimates of filtration are indexed."""
FIRST_DAY = timedelta(hours=24)
LOCF: Interpolation = "last_observation_carried_forward"
NOCB: Interpolation = "next_observation_carried_backward"

_MEASURED: dict[Quantity, tuple[CovariateName, ...]] = {
    "weight": ("weight",),
    "height": ("height",),
    "creatinine": ("creatinine",),
    "haematocrit": ("haematocrit",),
    "albumin": ("albumin",),
    "creatinine_clearance": ("creatinine", "weight"),
    "fat_free_mass": ("weight", "height"),
    "body_mass_index": ("weight", "height"),
}


def timelines(covariate: Covariate) -> tuple[CovariateName, ...]:
    """The timelines that this covariate is computed from."""
    names = () if covariate.quantity is None else _MEASURED.get(covariate.quantity, ())
    sized = covariate.weight not in (None, WeightChoice.TOTAL) or covariate.equation == "ckd_epi_2021"
    return (*names, "height") if sized else names


def needed_facts(covariate: Covariate) -> tuple[str, ...]:
    """What must be on record for this covariate to be computed: timelines, ``age`` and ``sex``."""
    person: tuple[str, ...] = ()
    match covariate.quantity:
        case "creatinine_clearance":
            person = ("age", "sex")
        case "fat_free_mass" | "female":
            person = ("sex",)
        case "age":
            person = ("age",)
    return (*timelines(covariate), *person)


def is_known(fact: str, subject: Subject, now: datetime) -> bool:
    """True if a fact of ``needed_facts`` is on record by ``now``."""
    match fact:
        case "age":
            return subject.age_years is not None
        case "sex":
            return subject.sex is not None
    return bool(_until(getattr(subject, fact), now))


def at(timeline: Sequence[Measurement], time: datetime) -> Measurement:
    """The last measurement at or before ``time``, else the first. Raises ``IndexError`` if there is none."""
    past = _until(timeline, time)
    return past[-1] if past else timeline[0]


def known_by(subject: Subject, now: datetime) -> Subject:
    """The subject without what was measured after ``now``."""
    return subject.model_copy(
        update={name: tuple(_until(getattr(subject, name), now)) for name in COVARIATE_UNITS}
    )


def value_at(timeline: Sequence[Measurement], time: datetime, interpolation: Interpolation) -> float:
    """The value that holds from ``time`` on, or, of a line, at it. Raises ``IndexError`` if there is none."""
    last = at(timeline, time)
    later = next((measurement for measurement in timeline if measurement.time > time), None)
    if interpolation == LOCF or later is None or last.time > time:
        return last.value
    if interpolation == NOCB:
        return later.value
    return last.value + (later.value - last.value) * ((time - last.time) / (later.time - last.time))


def _until(timeline: Sequence[Measurement], time: datetime) -> list[Measurement]:
    return [measurement for measurement in timeline if measurement.time <= time]


@dataclass(frozen=True)
class Reading:
    """One covariate at one instant, and the words that say how it came about."""

    value: float
    text: str


def read(
    covariate: Covariate, subject: Subject, time: datetime, interpolation: Interpolation = LOCF
) -> Reading:
    """A measured or computed covariate at ``time``, in its unit. All ``needed_facts`` must be known.

    Discrete facts that may be unknown (CYP3A5, prednisolone) and conditions are not read here.
    Raises ``ValueError`` for such a quantity or for a body size beyond its equation.
    """
    match covariate.quantity:
        case "weight" | "height" | "creatinine" | "haematocrit" | "albumin":
            value = value_at(getattr(subject, covariate.quantity), time, interpolation)
            reading = _plain(value, covariate.unit)
        case "age" if subject.age_years is not None:
            reading = _plain(subject.age_years, covariate.unit)
        case "female" if subject.sex is not None:
            reading = Reading(1.0 if subject.sex == "female" else 0.0, subject.sex)
        case "creatinine_clearance":
            reading = _creatinine_clearance(covariate, subject, time, interpolation)
        case "fat_free_mass" if subject.sex is not None:
            mass = fat_free_mass(
                value_at(subject.weight, time, interpolation),
                value_at(subject.height, time, interpolation),
                subject.sex,
            )
            reading = Reading(mass, f"{mass:.1f} kg (Janmahasatian)")
        case "body_mass_index":
            index = body_mass_index(
                value_at(subject.weight, time, interpolation), value_at(subject.height, time, interpolation)
            )
            reading = Reading(index, f"{index:.1f} kg/m2")
        case _:
            raise ValueError(f"{covariate.quantity} is not read from a timeline")
    if covariate.maximum is not None and reading.value > covariate.maximum:
        return Reading(
            covariate.maximum, f"{reading.text}, counted as {covariate.maximum:g} {covariate.unit}"
        )
    return reading


def read_now(covariate: Covariate, subject: Subject, now: datetime) -> Reading | None:
    """The covariate as it stands at ``now``, or None if it is not known or not read from a timeline."""
    if not all(is_known(fact, subject, now) for fact in needed_facts(covariate)):
        return None
    try:
        return read(covariate, subject, now)
    except (ValueError, ArithmeticError):
        return None


def _plain(value: float, unit: str) -> Reading:
    return Reading(value, f"{round(value, 2):g} {unit}")


def _creatinine_clearance(
    covariate: Covariate, subject: Subject, time: datetime, interpolation: Interpolation
) -> Reading:
    if subject.age_years is None or subject.sex is None or covariate.weight is None:
        raise ValueError("creatinine clearance needs age and sex")
    creatinine = value_at(subject.creatinine, time, interpolation)
    words = f"Cockcroft–Gault, {covariate.weight.value} body weight"
    floor = covariate.creatinine_floor
    if floor and subject.age_years > floor.age_above_years and creatinine < floor.creatinine_mg_dL:
        words += (
            f", creatinine {round(creatinine, 2):g} counted as {floor.creatinine_mg_dL:g} mg/dL"
            f" above {floor.age_above_years:g} years as the model does"
        )
        creatinine = floor.creatinine_mg_dL
    if covariate.equation == "ckd_epi_2021":
        size = (value_at(series, time, interpolation) for series in (subject.weight, subject.height))
        surface = body_surface_area_dubois(*size)
        clearance = ckd_epi_2021(subject.age_years, creatinine, subject.sex) * surface / AVERAGE_SURFACE_M2
        return Reading(clearance, f"{clearance:.0f} mL/min (CKD-EPI 2021, at {surface:.2f} m2)")
    clearance = cockcroft_gault(
        subject.age_years,
        value_at(subject.weight, time, interpolation),
        creatinine,
        subject.sex,
        weight=covariate.weight,
        height_cm=value_at(subject.height, time, interpolation) if subject.height else None,
    )
    return Reading(clearance, f"{clearance:.0f} mL/min ({words})")


def transplanted_at(subject: Subject, now: datetime) -> datetime | None:
    """When the kidney was transplanted: the latest time on record up to ``now``, or None."""
    times = [
        condition.time
        for condition in subject.conditions
        if condition.name == "kidney_transplant" and condition.time is not None and condition.time <= now
    ]
    return max(times, default=None)


def on_first_day(transplant: datetime | None, time: datetime) -> bool:
    """True within 24 h after the transplant."""
    return transplant is not None and transplant <= time < transplant + FIRST_DAY


def measured_facts(names: Sequence[str], subject: Subject, now: datetime) -> tuple[UsedFact, ...]:
    """The facts by these names as they stand at ``now``, each with unit, time and source."""
    facts = []
    for name in dict.fromkeys(names):
        match name:
            case "age":
                if subject.age_years is not None:
                    facts.append(
                        UsedFact(name="age", value=f"{subject.age_years:g} years", source=subject.source)
                    )
            case "sex":
                if subject.sex is not None:
                    facts.append(UsedFact(name="sex", value=subject.sex, source=subject.source))
            case "weight" | "height" | "creatinine" | "haematocrit" | "albumin":
                if known := _until(getattr(subject, name), now):
                    last = known[-1]
                    value = f"{round(last.value, 2):g} {COVARIATE_UNITS[name]}"
                    facts.append(UsedFact(name=name, value=value, time=last.time, source=last.source))
    return tuple(facts)
