"""Covariates over time: from a case's timelines to the quantities that a model's equations read.

Between measurements the last one holds (or the next one, or a line between both, as the model says); before
the first one, the first one does, and after the last one, the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from dosing_core.case import COVARIATE_UNITS, Case, CovariateName, Measurement, Subject
from dosing_core.facts import BY_NAME, words_of
from dosing_core.physiology.body_size import WeightChoice
from dosing_core.population.covariate import Covariate
from dosing_core.population.model import Interpolation
from dosing_core.population.quantity import QUANTITIES
from dosing_core.recommendation import UsedFact

FIRST_DAY = timedelta(hours=24)
LOCF: Interpolation = "last_observation_carried_forward"
NOCB: Interpolation = "next_observation_carried_backward"
GROWN_YEARS = 1.0
"""Project policy: from this age on nobody's dose turns on a few weeks of gestation, and 40 weeks are taken
where they are not on record. Below it the difference is one between preterm and term; nothing is taken."""
TERM_WEEKS = 40.0

_BODY = ("weight", "height")
_RENAL_NEEDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ckd_epi_2021": (("creatinine",), ("age", "sex")),
    "ckd_epi_2021_creatinine_cystatin_c": (("creatinine", "cystatin_c"), ("age", "sex")),
    "ckd_epi_2012_cystatin_c": (("cystatin_c",), ("age", "sex")),
    "bedside_schwartz": (("creatinine", "height"), ("age",)),
    "ckid_u25": (("creatinine", "height"), ("age", "sex")),
    "ekfc": (("creatinine",), ("age", "sex")),
    "measured": (("measured_gfr",), ()),
}
"""Timelines and facts about the person that an equation takes."""


def timelines(covariate: Covariate) -> tuple[CovariateName, ...]:
    """The timelines that this covariate is computed from, each once."""
    if covariate.quantity is None:
        return ()
    names = QUANTITIES[covariate.quantity].timelines
    if covariate.quantity in ("egfr", "glomerular_filtration"):
        names = _RENAL_NEEDS[str(covariate.equation)][0]
        if (covariate.quantity == "egfr") == (covariate.equation == "measured"):
            names = (*names, *_BODY)  # one is indexed to body surface and the other is not
    elif covariate.weight not in (None, WeightChoice.TOTAL) or (
        covariate.quantity == "creatinine_clearance" and covariate.equation == "ckd_epi_2021"
    ):
        names = (*names, "height")
    return tuple(dict.fromkeys(names))


def needed_facts(covariate: Covariate) -> tuple[str, ...]:
    """What must be on record for this covariate to be computed: timelines, and what ``is_known`` names."""
    if covariate.quantity is None:
        return ()
    row = QUANTITIES[covariate.quantity]
    if covariate.quantity in ("egfr", "glomerular_filtration"):
        return (*timelines(covariate), *_RENAL_NEEDS[str(covariate.equation)][1])
    return (*timelines(covariate), *row.facts)


def fact_of(needed: str) -> str:
    """The fact's own name: of ``gestational_age_or_grown``, the gestational age."""
    return needed.removesuffix("_or_grown")


def is_known(fact: str, case: Case) -> bool:
    """True if a fact of ``needed_facts`` is on record by ``case.now``."""
    subject = case.subject
    match fact:
        case "age":
            return subject.age_years is not None
        case "sex":
            return subject.sex is not None
        case "gestational_age":
            return subject.gestational_age_weeks is not None
        case "gestational_age_or_grown":
            grown = subject.age_years is None or subject.age_years > GROWN_YEARS
            return grown or subject.gestational_age_weeks is not None
        case "daily_dose":
            return case.order.regimen is not None or len({dose.time for dose in case.doses}) > 1
    return bool(until(subject.timeline(fact), case.now))


def at(timeline: Sequence[Measurement], time: datetime) -> Measurement:
    """The last measurement at or before ``time``, else the first. Raises ``IndexError`` if there is none."""
    past = until(timeline, time)
    return past[-1] if past else timeline[0]


def known_by(subject: Subject, now: datetime) -> Subject:
    """The subject without what was measured after ``now``."""
    return subject.model_copy(
        update={name: tuple(until(subject.timeline(name), now)) for name in COVARIATE_UNITS}
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


def until(timeline: Sequence[Measurement], time: datetime) -> list[Measurement]:
    """What was measured up to ``time``."""
    return [measurement for measurement in timeline if measurement.time <= time]


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


def _age_words(years: float) -> str:
    """``60 years``; of the youngest ``5 days`` and ``7 months``."""
    days = years * 365.25
    if years >= 2.0:
        return f"{years:g} years"
    return f"{days:.0f} days" if days < 92.0 else f"{days / 30.4375:.0f} months"


def measured_facts(names: Sequence[str], subject: Subject, now: datetime) -> tuple[UsedFact, ...]:
    """The facts by these names as they stand at ``now``, each with unit, time and source."""
    facts = []
    for name in dict.fromkeys(names):
        if name == "age" and subject.age_years is not None:
            facts.append(UsedFact(name="age", value=_age_words(subject.age_years), source=subject.source))
        elif name == "sex" and subject.sex is not None:
            facts.append(UsedFact(name="sex", value=subject.sex, source=subject.source))
        elif name in BY_NAME and (known := until(subject.timeline(name), now)):
            last = known[-1]
            value = f"{round(last.value, 2):g} {COVARIATE_UNITS[name]}"
            facts.append(UsedFact(name=words_of(name), value=value, time=last.time, source=last.source))
    return tuple(facts)
