"""From resources to a chart: each is read on its own, so that a broken one takes nothing down with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dosing_core.case import COVARIATE_UNITS, CoMedication, Condition, Dose, Finding, Genotype
from fhir_adapters.chart import ChartedLevel, OrderedCourse, PatientChart, distinct
from fhir_adapters.conditions import read_condition
from fhir_adapters.elements import Resource, resource_id, said_at
from fhir_adapters.genomics import agreed, read_genotype
from fhir_adapters.labs import STEADY, contradiction, in_time, plain, read_observation, settled
from fhir_adapters.medications import read_administration, read_co_medication, read_course
from fhir_adapters.patient import read_patient
from fhir_adapters.prefetch import BODY_MEASURES, DOSES, LABS, LEVELS

LOOKBACK = {
    "weight": BODY_MEASURES,
    "height": BODY_MEASURES,
    "creatinine": LABS,
    "haematocrit": LABS,
}


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

    def failed(self, about: str) -> bool:
        """Whether a question about this fact was not, or not wholly, answered."""
        return any(about in self.about.get(key, ()) for key in self.problems)


def read_chart(patient_id: str, drug: str, now: datetime, answers: Answers) -> PatientChart:
    """The chart of one patient for one drug."""
    person = read_patient(next(answers.of("Patient"), None), patient_id)
    findings = [*_unanswered(answers), *person.findings]
    measured = _measurements(patient_id, drug, now, answers, findings)
    genotypes, conditions = (
        _genotypes(patient_id, answers, findings),
        _conditions(patient_id, now, answers, findings),
    )
    given, ordered, others = _medications(patient_id, drug, now, answers, findings)
    levels, conflicts = settled(
        _within(measured.get(drug, []), now - LEVELS, "levels", findings), "levels", f"{drug} level"
    )
    findings += conflicts
    body = _covariates(measured, now, findings)
    chart = PatientChart(
        patient_id=patient_id,
        drug=drug,
        birth_date=person.birth_date,
        birth_date_exact=person.exact,
        sex=person.sex,
        weight=plain(body["weight"]),
        height=plain(body["height"]),
        creatinine=plain(body["creatinine"]),
        haematocrit=plain(body["haematocrit"]),
        levels=levels,
        given=given,
        ordered=ordered,
        genotypes=genotypes,
        co_medications=others,
        co_medications_read="requests" in answers.resources and "requests" not in answers.problems,
        conditions=conditions,
    )
    findings += _gaps(chart, answers, findings)
    return chart.model_copy(update={"findings": distinct(findings)})


def _unanswered(answers: Answers) -> list[Finding]:
    return [
        Finding(kind="unreachable", about=about, detail=f"the record was not, or not wholly, read: {problem}")
        for key, problem in answers.problems.items()
        for about in answers.about.get(key, ())
    ]


def _measurements(
    patient_id: str, drug: str, now: datetime, answers: Answers, findings: list[Finding]
) -> dict[str, list[ChartedLevel]]:
    found: dict[str, list[ChartedLevel]] = {}
    for resource in answers.of("Observation"):
        read = read_observation(resource, patient_id=patient_id, drug=drug, now=now)
        if read is not None:
            findings += read.findings
            if read.value is not None:
                found.setdefault(read.analyte, []).append(read.value)
    return found


def _within(
    values: Iterable[ChartedLevel], earliest: datetime, about: str, findings: list[Finding]
) -> list[ChartedLevel]:
    """The values since ``earliest``; remarks about older ones go with them."""
    kept = [value for value in values if value.time >= earliest]
    sources = {value.source for value in values if value.time < earliest}
    findings[:] = [f for f in findings if not (f.about == about and f.kind == "note" and f.source in sources)]
    return kept


def _covariates(
    measured: Mapping[str, list[ChartedLevel]], now: datetime, findings: list[Finding]
) -> dict[str, tuple[ChartedLevel, ...]]:
    kept: dict[str, tuple[ChartedLevel, ...]] = {}
    for name in COVARIATE_UNITS:
        recent = _within(measured.get(name, []), now - LOOKBACK[name], name, findings)
        if (
            name in STEADY
            and recent
            and (conflict := contradiction(name, plain(in_time(recent)))) is not None
        ):
            findings.append(conflict)
            kept[name] = ()
            continue
        kept[name], conflicts = settled(recent, name, name)
        findings += conflicts
    return kept


def _genotypes(patient_id: str, answers: Answers, findings: list[Finding]) -> tuple[Genotype, ...]:
    reported: list[Genotype] = []
    for resource in answers.of("Observation"):
        genotype, more = read_genotype(resource, patient_id=patient_id)
        findings += more
        if genotype is not None:
            reported.append(genotype)
    kept, conflicts = agreed(reported)
    findings += conflicts
    return kept


def _conditions(
    patient_id: str, now: datetime, answers: Answers, findings: list[Finding]
) -> tuple[Condition, ...]:
    found: list[Condition] = []
    for resource in answers.of("Condition"):
        conditions, more = read_condition(resource, patient_id=patient_id, now=now)
        found += conditions
        findings += more
    return tuple(sorted(found, key=lambda one: (one.name, one.source)))


def _medications(
    patient_id: str, drug: str, now: datetime, answers: Answers, findings: list[Finding]
) -> tuple[tuple[Dose, ...], tuple[OrderedCourse, ...], tuple[CoMedication, ...]]:
    medications, requests = answers.by_id("Medication"), answers.by_id("MedicationRequest")
    given: list[Dose] = []
    for resource in answers.of("MedicationAdministration"):
        dose, more = read_administration(
            resource, patient_id=patient_id, drug=drug, now=now, medications=medications, requests=requests
        )
        findings += more
        if dose is not None and dose.time >= now - DOSES:
            given.append(dose)
    ordered: list[OrderedCourse] = []
    others: list[CoMedication] = []
    for resource in answers.of("MedicationRequest"):
        course, more = read_course(
            resource, patient_id=patient_id, drug=drug, now=now, since=now - DOSES, medications=medications
        )
        findings += more
        if course is not None:
            ordered.append(course)
        other = read_co_medication(
            resource, patient_id=patient_id, drug=drug, now=now, medications=medications
        )
        if other is not None:
            others.append(other)
    findings += _simultaneous(given)
    return (
        tuple(sorted(given, key=lambda dose: (dose.time, dose.source))),
        tuple(sorted(ordered, key=lambda course: course.source)),
        tuple(sorted(others, key=lambda other: (other.drug, other.source))),
    )


def _simultaneous(given: list[Dose]) -> list[Finding]:
    """Two doses charted for one instant may be two vials of one dose or one dose charted twice: both count,
    and that is said."""
    times = [dose.time for dose in given]
    twice = sorted({time for time in times if times.count(time) > 1})
    return [
        Finding(
            kind="note", about="doses", detail=f"two doses are charted at {said_at(time)}; both were counted"
        )
        for time in twice
    ]


def _gaps(chart: PatientChart, answers: Answers, findings: list[Finding]) -> list[Finding]:
    """What is not on record, unless something better is already said about it."""
    spans: dict[str, timedelta] = {"weight": BODY_MEASURES, "height": BODY_MEASURES, "creatinine": LABS}
    known = {"age": chart.birth_date is not None, "sex": chart.sex is not None}
    known |= {name: bool(getattr(chart, name)) for name in spans}
    said = {f.about for f in findings if f.kind in ("conflict", "unreachable")}
    words = {"age": "date of birth", "sex": "sex"}
    return [
        Finding(
            kind="missing",
            about=name,
            detail=f"no {words.get(name, name)} on record"
            + (f" in {spans[name].days} days" if name in spans else ""),
        )
        for name, is_known in known.items()
        if not is_known and name not in said
    ]
