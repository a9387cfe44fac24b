"""From resources to a chart: each is read on its own, so that a broken one takes nothing down with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any

from dosing_core.case import COVARIATE_UNITS, CoMedication, Condition, Dose, Finding
from dosing_core.facts import words_of
from fhir_adapters.allergies import read_reactions
from fhir_adapters.chart import (
    ChartedReason,
    OrderedCourse,
    PatientChart,
    distinct,
)
from fhir_adapters.co_medications import Span, co_medications, read_reported, read_spans
from fhir_adapters.conditions import end_stage, read_condition
from fhir_adapters.each import each
from fhir_adapters.elements import Resource, resource_id, said_at
from fhir_adapters.genomics import read_genes
from fhir_adapters.indications import words_by_id
from fhir_adapters.labs import (
    CLOCKS,
)
from fhir_adapters.medications import began, read_administration, read_course
from fhir_adapters.observed import read_observed
from fhir_adapters.patient import read_patient
from fhir_adapters.prefetch import doses_since, facts_for, look_back
from fhir_adapters.stand_ins import dispensed, reported
from fhir_adapters.subject import of_another
from fhir_adapters.terminology.units import as_written


@dataclass(frozen=True)
class Answers:
    """What the record answered, question by question (keys as in ``prefetch.py``)."""

    resources: Mapping[str, tuple[Resource, ...]]
    problems: Mapping[str, str]
    """Why an answer is missing or perhaps not whole, in words."""
    about: Mapping[str, tuple[str, ...]]
    """Which facts depend on which question."""

    def of(self, kind: str) -> Iterator[Resource]:
        """Every resource of a type, whichever question brought it, once an id."""
        seen: set[str] = set()
        for resources in self.resources.values():
            for resource in resources:
                if resource.get("resourceType") != kind:
                    continue
                identifier = resource_id(resource)
                if identifier is None or identifier not in seen:
                    seen.add(identifier or "")
                    yield resource

    def by_id(self, kind: str) -> dict[str, Resource]:
        """The resources of a type by id."""
        return {identifier: one for one in self.of(kind) if (identifier := resource_id(one)) is not None}


def read_chart(
    patient_id: str, drug: str, now: datetime, answers: Answers, zone: tzinfo = UTC
) -> PatientChart:
    """The chart of one patient for one drug. Hours of the day are read as of ``zone``."""
    people = sorted(answers.of("Patient"), key=lambda one: resource_id(one) != patient_id)
    person = read_patient(people[0] if people else None, patient_id)
    findings = [*unanswered(answers), *person.findings]
    observations = tuple(answers.of("Observation"))
    seen = read_observed(
        observations, patient_id=patient_id, drug=drug, now=now, birth_date=person.birth_date
    )
    findings += seen.findings
    genes = read_genes((*observations, *answers.of("DiagnosticReport")), patient_id=patient_id)
    findings += genes.findings
    reactions, foreign = read_reactions(answers.of("AllergyIntolerance"), patient_id=patient_id, drug=drug)
    findings += foreign
    conditions = _conditions(patient_id, now, answers, findings)
    taken = _medications(patient_id, drug, now, answers, findings, zone)
    chart = PatientChart(
        patient_id=patient_id,
        drug=drug,
        birth_date=person.birth_date,
        birth_date_exact=person.exact,
        sex=person.sex,
        **seen.facts,
        gestational_age_weeks=seen.gestational_age_weeks,
        effects=seen.effects,
        signs=seen.signs,
        mic_mg_L=seen.mic_mg_L,
        levels=seen.levels,
        given=taken.given,
        unread_given=taken.unread_given,
        ordered=taken.ordered,
        genotypes=genes.genotypes,
        phenotypes=genes.phenotypes,
        reactions=reactions,
        co_medications=taken.others,
        co_medications_read="requests" in answers.resources
        and "requests" not in answers.problems
        and not any(f.about == "co_medications" and f.kind != "note" for f in findings),
        conditions=conditions,
        indications=_indications(patient_id, answers),
    )
    findings += _gaps(chart, findings)
    return chart.model_copy(update={"findings": distinct(findings)})


def unanswered(answers: Answers) -> list[Finding]:
    """A finding for each fact that depends on a question without an answer."""
    return [
        Finding(kind="unreachable", about=about, detail=f"the record was not, or not wholly, read: {problem}")
        for key, problem in answers.problems.items()
        for about in answers.about.get(key, ())
    ]


def _conditions(
    patient_id: str, now: datetime, answers: Answers, findings: list[Finding]
) -> tuple[Condition, ...]:
    found: list[Condition] = []
    said: list[Finding] = []
    read = partial(read_condition, patient_id=patient_id, now=now)
    for conditions, more in each(read, answers.of("Condition"), "conditions", findings):
        found += conditions
        said += more
    more_found, more_said = end_stage(_of_patient(patient_id, answers.of("Condition")), found)
    dialysed = any(one.name in ("haemodialysis", "crrt") for one in found)
    findings += [*(one for one in said if one.kind != "conflict" or not dialysed), *more_said]
    found += more_found
    return tuple(sorted(found, key=lambda one: (one.name, one.source)))


def _indications(patient_id: str, answers: Answers) -> tuple[ChartedReason, ...]:
    """What an order may refer to, by id."""
    known = words_by_id(_of_patient(patient_id, answers.of("Condition")))
    return tuple(ChartedReason(id=one, words=words) for one, words in sorted(known.items()))


@dataclass(frozen=True)
class _Taken:
    given: tuple[Dose, ...]
    unread_given: datetime | None
    ordered: tuple[OrderedCourse, ...]
    others: tuple[CoMedication, ...]


def _of_patient(patient_id: str, resources: Iterable[Resource]) -> list[Resource]:
    return [one for one in resources if of_another(one, patient_id, "conditions") is None]


def _medications(
    patient_id: str, drug: str, now: datetime, answers: Answers, findings: list[Finding], zone: tzinfo
) -> _Taken:
    medications, requests = answers.by_id("Medication"), answers.by_id("MedicationRequest")
    shared: dict[str, Any] = {
        "patient_id": patient_id, "drug": drug, "now": now, "medications": medications,
    }  # fmt: skip
    given: list[Dose] = []
    unread: list[datetime] = []
    for resource in answers.of("MedicationAdministration"):
        before = len(findings)
        for dose, more in each(
            partial(read_administration, since=doses_since(drug, now), requests=requests, **shared),
            (resource,),
            "doses",
            findings,
        ):
            findings += more
            if dose is not None:
                given.append(dose)
        if any(finding.kind == "excluded" for finding in findings[before:]):
            unread.append(min(began(resource) or now, now))
    ordered: list[OrderedCourse] = []
    since = doses_since(drug, now)
    course_of = partial(read_course, since=since, zone=zone, **shared)
    for course, more in each(course_of, answers.of("MedicationRequest"), "doses", findings):
        findings += more
        if course is not None:
            ordered.append(course)
    if not given and not unread:
        ordered += _stand_ins(answers, findings, {"since": since, "zone": zone, **shared})
    spans: list[Span] = []
    spans_of, reported_of = partial(read_spans, **shared), partial(read_reported, **shared)
    for read, more in each(spans_of, answers.of("MedicationRequest"), "co_medications", findings):
        findings += more
        spans += read
    for read, more in each(reported_of, answers.of("MedicationStatement"), "co_medications", findings):
        findings += more
        spans += read
    earlier_known = "earlier" in answers.resources and "earlier" not in answers.problems
    others, more = co_medications(spans, drug, now, earlier_known=earlier_known)
    findings += more
    findings += _simultaneous(given)
    return _Taken(
        tuple(sorted(given, key=lambda dose: (dose.time, dose.source))),
        max(unread, default=None),
        tuple(sorted(ordered, key=lambda course: course.source)),
        tuple(sorted(others, key=lambda other: (other.drug, other.source))),
    )


def _stand_ins(answers: Answers, findings: list[Finding], how: dict[str, Any]) -> list[OrderedCourse]:
    """What was dispensed, and what is said to be taken."""
    found: list[OrderedCourse] = []
    packs = tuple(answers.of("MedicationDispense"))
    for pack, more in each(lambda _: dispensed(packs, **how), packs[:1], "doses", findings):
        findings += more
        found += [pack] if pack is not None else []
    statements = tuple(answers.of("MedicationStatement"))
    for courses, more in each(lambda _: reported(statements, **how), statements[:1], "doses", findings):
        findings += more
        found += courses
    return found


def _simultaneous(given: list[Dose]) -> list[Finding]:
    """Doses charted for one instant.

    Of the same amount they may be one dose charted twice (by the pump and by the nurse, whose clocks differ),
    or two that were given: nobody can tell, and it is a contradiction. Of different amounts they are taken
    for parts of one dose (a capsule of 5 mg and one of 1 mg). All count: to leave one out would ask for more.
    """
    found: list[Finding] = []
    twice = [
        (one, other)
        for amount in sorted({dose.amount_mg for dose in given})
        for one, other in pairwise(
            sorted((d for d in given if d.amount_mg == amount), key=lambda d: (d.time, d.source))
        )
        if other.time - one.time <= CLOCKS
    ]
    if twice:
        first, other = min(twice, key=lambda pair: pair[0].time)
        dose = f"{as_written(Decimal(repr(first.amount_mg)))} mg at {said_at(first.time)}"
        said = (
            f"the dose of {dose} is charted twice or was given twice"
            if len(twice) == 1
            else f"{len(twice)} doses are charted twice or were given twice, the first of {dose}"
        )
        detail = f"{said}; every entry was counted"
        found.append(Finding(kind="conflict", about="doses", detail=detail, source=other.source))
    for time in sorted({dose.time for dose in given}):
        amounts = {dose.amount_mg for dose in given if dose.time == time}
        if len(amounts) > 1:
            said = f"{len(amounts)} different doses are charted at {said_at(time)}; all were counted"
            found.append(Finding(kind="note", about="doses", detail=said))
    return found


def _long(days: int) -> str:
    """A look-back as people say it: ``90 days``, ``2 years``."""
    if days % 365:
        return f"{days} days"
    return "1 year" if days == 365 else f"{days // 365} years"


def _gaps(chart: PatientChart, findings: list[Finding]) -> list[Finding]:
    """What is not on record, unless something better is already said about it."""
    spans = {name: look_back(name) for name in COVARIATE_UNITS if name in facts_for(chart.drug)}
    known = {"age": chart.birth_date is not None, "sex": chart.sex is not None}
    known |= {name: bool(getattr(chart, name)) for name in spans}
    said = {f.about for f in findings if f.kind in ("conflict", "unreachable")}
    words = {"age": "date of birth", "sex": "sex"}
    return [
        Finding(
            kind="missing",
            about=name,
            detail=f"no {words.get(name) or words_of(name)} on record"
            + (f" in {_long(spans[name].days)}" if name in spans else ""),
        )
        for name, is_known in known.items()
        if not is_known and name not in said
    ]
