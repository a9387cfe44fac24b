"""What an answer takes for granted, and the dose that would follow if it were otherwise.

Each alternative dose comes from the same search with one fact changed, on the same particles where the fact
does not touch what the levels said.
"""

from __future__ import annotations

from collections.abc import Iterator

from dosing_core import phrases
from dosing_core.case import Measurement, Regimen
from dosing_core.consultation import PARTICLES, Consultation, best_for
from dosing_core.inference.particles import Particles
from dosing_core.recommendation import Assumption
from dosing_core.reweighted import reweighted
from dosing_core.screening import Screening, latest_measurement

RISE = 1.5
"""The rise of creatinine that KDIGO 2012 calls an acute kidney injury."""
MOST_LEVELS = 3
"""So many of the last levels are left out in turn: more would tell less than they cost."""


def assumptions(consultation: Consultation, screening: Screening) -> tuple[Assumption, ...]:
    """Everything taken for granted, what can be computed otherwise first."""
    return (
        *_unknown_facts(consultation),
        *_creatinine_rises(consultation),
        *_without_each_level(consultation),
        *_unwritten_length(consultation),
        *(Assumption(text=text) for text in (*screening.assumptions, *consultation.supposed)),
        *(Assumption(text=text) for text in consultation.drug_file.assumptions),
    )


def _unknown_facts(consultation: Consultation) -> Iterator[Assumption]:
    """What the model had to suppose, and the dose under each thing that it may be."""
    yield from consultation.panel.assumptions
    belief = consultation.belief
    names = tuple(dict.fromkeys(part.name for part in belief.components))
    for name in names if len(names) > 1 else ():
        people = {id(part.individual) for part in belief.components if part.name == name}
        probability = sum(part.probability for part in belief.components if part.name == name)
        certain = belief.only(lambda person, own=people: id(person) in own)  # type: ignore[misc]
        yield Assumption(
            text="What is not known weighs as much as it explains the levels.",
            otherwise=f"If {name} ({phrases.percent(probability)} likely)",
            regimen_otherwise=best_for(consultation, certain.particles(PARTICLES)),
        )


def _creatinine_rises(consultation: Consultation) -> Iterator[Assumption]:
    """The next likely change of kidney function, where the model reads creatinine."""
    own = consultation
    rule = own.drug_file.rising_creatinine
    latest = latest_measurement(own.case.subject.creatinine, own.case.now)
    if rule is None or rule.action != "pause" or latest is None:
        return
    risen = Measurement(value=latest.value * RISE, time=own.case.now, source="supposed")
    known = tuple(m for m in own.case.subject.creatinine if m.time <= own.case.now)
    subject = own.case.subject.model_copy(update={"creatinine": (*known, risen)})
    changed = own.panel.rebound(own.case.model_copy(update={"subject": subject}))
    if changed is None:
        return
    moved = tuple((changed[id(person)], eta[::2]) for person, eta in own.question.particles)
    yield Assumption(
        text=f"Creatinine stays at {phrases.plain(latest.value)} mg/dL.",
        otherwise=f"At {phrases.plain(round(risen.value, 2))} mg/dL, once steady",
        regimen_otherwise=best_for(own, Particles(moved)),
    )


def _without_each_level(consultation: Consultation) -> Iterator[Assumption]:
    """Each of the last levels, and the dose without it."""
    reviewed = consultation.reviewed
    for place, index in list(enumerate(reviewed.used))[-MOST_LEVELS:]:
        weight = consultation.belief.without(place)
        if weight is None:
            continue
        level = reviewed.levels[index]
        value = phrases.measured(level.observed, consultation.drug_file.as_display)
        yield Assumption(
            text=f"The level of {value} is right.",
            otherwise="Without it",
            regimen_otherwise=best_for(consultation, reweighted(consultation.belief, weight, PARTICLES // 2)),
        )


def _unwritten_length(consultation: Consultation) -> Iterator[Assumption]:
    written: Regimen | None = consultation.case.order.regimen
    judged = consultation.ordered.regimen if consultation.ordered else None
    if written is not None and judged is not None and written.duration_h != judged.duration_h:
        length = phrases.infusion_length(judged.duration_h)
        yield Assumption(text=f"The order names no length of infusion: {length} is taken.")
