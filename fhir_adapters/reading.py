"""From resources to a chart: each is read on its own, so that a broken one takes nothing down with it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

from dosing_core.case import COVARIATE_UNITS, CoMedication, Condition, Dose, Finding, Sign
from dosing_core.facts import SIGNS, words_of
from fhir_adapters.allergies import read_reactions
from fhir_adapters.chart import (
    ChartedEffect,
    ChartedLevel,
    ChartedReason,
    OrderedCourse,
    PatientChart,
    distinct,
)
from fhir_adapters.co_medications import Span, co_medications, read_spans
from fhir_adapters.conditions import end_stage, read_condition
from fhir_adapters.elements import Resource, resource_id, said_at, source
from fhir_adapters.genomics import read_genes
from fhir_adapters.indications import words_by_id
from fhir_adapters.labs import (
    CLOCKS,
    STEADY,
    build_contradiction,
    contradiction,
    in_time,
    plain,
    read_observation,
    settled,
)
from fhir_adapters.medications import began, read_administration, read_course
from fhir_adapters.patient import Person, age_years, read_patient
from fhir_adapters.prefetch import doses_since, facts_for, look_back
from fhir_adapters.signs import agreed_mic, read_mic, read_sign
from fhir_adapters.stand_ins import dispensed, reported
from fhir_adapters.subject import of_another
from fhir_adapters.terminology.loinc import analyte, analytes
from fhir_adapters.terminology.units import as_written

GESTATION = "gestational_age"
INFANT = timedelta(days=730)
"""Project policy: older patients are not dosed by their gestation, and a woman's own pregnancy has the same
code."""
SAME_GESTATION_WEEKS = 1.0
"""Project policy: charted ages that differ by less are one, by scan and by dates; the first counts."""

UNREADABLE = "an entry in the record could not be read; left out"

T = TypeVar("T")

logger = logging.getLogger(__name__)


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
    measured = _measurements(patient_id, drug, now, answers, findings)
    genes = read_genes((*answers.of("Observation"), *answers.of("DiagnosticReport")), patient_id=patient_id)
    findings += genes.findings
    reactions, foreign = read_reactions(answers.of("AllergyIntolerance"), patient_id=patient_id, drug=drug)
    findings += foreign
    conditions = _conditions(patient_id, now, answers, findings)
    taken = _medications(patient_id, drug, now, answers, findings, zone)
    levels, conflicts = settled(measured.get(drug, []), "levels", f"{drug} level")
    findings += conflicts
    body = _covariates(
        measured, findings, age_years(person.birth_date, now.date()) if person.birth_date else None
    )
    chart = PatientChart(
        patient_id=patient_id,
        drug=drug,
        birth_date=person.birth_date,
        birth_date_exact=person.exact,
        sex=person.sex,
        **{name: plain(values) for name, values in body.items()},
        gestational_age_weeks=_born_at(measured, person, now, findings),
        effects=_effects(measured, drug, findings),
        signs=_signs(patient_id, drug, now, answers, findings),
        mic_mg_L=_mic(patient_id, drug, now, answers, findings),
        levels=levels,
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


def _each(
    read: Callable[[Resource], T], resources: Iterable[Resource], about: str, findings: list[Finding]
) -> Iterator[T]:
    """What ``read`` makes of each resource. Readers do not raise; should one do so, it costs its resource."""
    for resource in resources:
        try:
            made = read(resource)
        except Exception as error:
            logger.warning("a reader failed: %s", type(error).__name__)
            findings.append(Finding(kind="excluded", about=about, detail=UNREADABLE, source=source(resource)))
            continue
        yield made


def unanswered(answers: Answers) -> list[Finding]:
    """A finding for each fact that depends on a question without an answer."""
    return [
        Finding(kind="unreachable", about=about, detail=f"the record was not, or not wholly, read: {problem}")
        for key, problem in answers.problems.items()
        for about in answers.about.get(key, ())
    ]


def _measurements(
    patient_id: str, drug: str, now: datetime, answers: Answers, findings: list[Finding]
) -> dict[str, list[ChartedLevel]]:
    found: dict[str, list[ChartedLevel]] = {}
    read = partial(read_observation, patient_id=patient_id, drug=drug, now=now)
    for measured in _each(read, answers.of("Observation"), "levels", findings):
        if measured is not None:
            findings += measured.findings
            if measured.value is not None:
                found.setdefault(measured.analyte, []).append(measured.value)
    return found


def _covariates(
    measured: Mapping[str, list[ChartedLevel]], findings: list[Finding], age: float | None
) -> dict[str, tuple[ChartedLevel, ...]]:
    """``age``: years, None where it is not on record; children grow and are built otherwise."""
    kept: dict[str, tuple[ChartedLevel, ...]] = {}
    for name in COVARIATE_UNITS:
        values, words = measured.get(name, []), words_of(name)
        conflict = contradiction(name, plain(in_time(values)), age) if name in STEADY else None
        if conflict is not None:
            findings.append(conflict)
            kept[name] = ()
            continue
        kept[name], conflicts = settled(values, name, words)
        findings += conflicts
    conflict = build_contradiction(plain(kept["weight"]), plain(kept["height"]), age)
    if conflict is not None:
        findings.append(conflict)
        kept["weight"] = ()
    return kept


def _effects(
    measured: Mapping[str, list[ChartedLevel]], drug: str, findings: list[Finding]
) -> tuple[ChartedEffect, ...]:
    """Measured effects that the drug's models predict, in order of time."""
    kept: list[ChartedEffect] = []
    for name in sorted(facts_for(drug) & analytes().keys() & measured.keys()):
        if analyte(name).role == "effect":
            values, conflicts = settled(measured[name], "effects", analyte(name).words)
            findings += conflicts
            kept += [ChartedEffect(name=name, **value.model_dump()) for value in plain(values)]
    return tuple(sorted(kept, key=lambda one: (one.time, one.source)))


def _born_at(
    measured: Mapping[str, list[ChartedLevel]], person: Person, now: datetime, findings: list[Finding]
) -> float | None:
    """Weeks of gestation at birth; None where it is not on record, or the patient is grown.

    The same code is used for a pregnant patient's child, so it counts for infants alone.
    """
    values = in_time(measured.get(GESTATION, []))
    if not values or person.birth_date is None or now.date() - person.birth_date > INFANT:
        return None
    weeks = sorted({value.value for value in values})
    if weeks[-1] - weeks[0] > SAME_GESTATION_WEEKS:
        told = " and ".join(f"{value:g}" for value in weeks)
        detail = f"{told} weeks are charted as gestational age; neither was used"
        findings.append(Finding(kind="conflict", about=GESTATION, detail=detail, source=values[-1].source))
        return None
    return values[0].value


def _signs(
    patient_id: str, drug: str, now: datetime, answers: Answers, findings: list[Finding]
) -> tuple[Sign, ...]:
    """Smoking and antibodies, in order of time; one value an instant."""
    found: list[Sign] = []
    wanted = facts_for(drug)
    read = partial(read_sign, patient_id=patient_id, drug=drug, now=now)
    for sign, more in _each(read, answers.of("Observation"), "signs", findings):
        findings += [one for one in more if one.about in wanted]
        if sign is not None and sign.name in wanted:
            found.append(sign)
    kept: list[Sign] = []
    for sign in sorted(found, key=lambda one: (one.time, one.source)):
        same = [one for one in found if (one.name, one.time) == (sign.name, sign.time)]
        if len({one.present for one in same}) > 1:
            row = SIGNS[sign.name]
            detail = f'"{row.present}" and "{row.absent}" are both charted at {said_at(sign.time)}'
            findings.append(
                Finding(kind="conflict", about=sign.name, detail=f"{detail}; left out", source=sign.source)
            )
        elif not any((one.name, one.time) == (sign.name, sign.time) for one in kept):
            kept.append(sign)
    return tuple(kept)


def _mic(
    patient_id: str, drug: str, now: datetime, answers: Answers, findings: list[Finding]
) -> float | None:
    found: list[tuple[Decimal, str]] = []
    for resource in answers.of("Observation"):
        read = partial(read_mic, patient_id=patient_id, drug=drug, now=now)
        for value, more in _each(read, (resource,), "mic", findings):
            findings += more
            if value is not None:
                found.append((value, source(resource)))
    agreed_on, notes = agreed_mic(found)
    findings += notes
    return agreed_on


def _conditions(
    patient_id: str, now: datetime, answers: Answers, findings: list[Finding]
) -> tuple[Condition, ...]:
    found: list[Condition] = []
    said: list[Finding] = []
    read = partial(read_condition, patient_id=patient_id, now=now)
    for conditions, more in _each(read, answers.of("Condition"), "conditions", findings):
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
        for dose, more in _each(
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
    for course, more in _each(course_of, answers.of("MedicationRequest"), "doses", findings):
        findings += more
        if course is not None:
            ordered.append(course)
    if not given and not unread:
        ordered += _stand_ins(answers, findings, {"since": since, "zone": zone, **shared})
    spans: list[Span] = []
    spans_of = partial(read_spans, **shared)
    for read, more in _each(spans_of, answers.of("MedicationRequest"), "co_medications", findings):
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
    for pack, more in _each(lambda _: dispensed(packs, **how), packs[:1], "doses", findings):
        findings += more
        found += [pack] if pack is not None else []
    statements = tuple(answers.of("MedicationStatement"))
    for courses, more in _each(lambda _: reported(statements, **how), statements[:1], "doses", findings):
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
