"""The question about a drug of which only a guideline on genes speaks: genes, reactions and other drugs."""

from __future__ import annotations

from datetime import datetime

from dosing_core.case import Case, CoMedication, Finding, Subject
from fhir_adapters.allergies import read_reactions
from fhir_adapters.chart import distinct
from fhir_adapters.co_medications import read_spans
from fhir_adapters.genomics import read_genes
from fhir_adapters.order import OrderReading
from fhir_adapters.patient import possible_age, read_patient
from fhir_adapters.reading import Answers, unanswered


def guided_case(patient_id: str, answers: Answers, reading: OrderReading, now: datetime) -> Case:
    """The question. Raises ``ValueError`` if the order is not for this patient and a guideline's drug."""
    drug = reading.guided
    if drug is None or not reading.about_patient:
        raise ValueError("the order is not for this patient and a drug of a guideline")
    people = sorted(answers.of("Patient"), key=lambda one: one.get("id") != patient_id)
    person = read_patient(people[0] if people else None, patient_id)
    resources = (*answers.of("Observation"), *answers.of("DiagnosticReport"))
    genes = read_genes(resources, patient_id=patient_id)
    reactions, foreign = read_reactions(answers.of("AllergyIntolerance"), patient_id=patient_id, drug=drug)
    taken, findings = _taken(patient_id, answers, now)
    others = tuple(one for one in taken if one.drug != drug)
    return Case(
        now=now,
        subject=Subject(
            age_years=possible_age(person.birth_date, now.date()),
            sex=person.sex,
            genotypes=genes.genotypes,
            phenotypes=genes.phenotypes,
            reactions=reactions,
            co_medications=others,
            co_medications_read="requests" in answers.resources and "requests" not in answers.problems,
            source="Patient",
        ),
        order=reading.order.model_copy(update={"running": _runs(taken, drug, reading.order.source)}),
        findings=distinct([*reading.findings, *unanswered(answers), *genes.findings, *foreign, *findings]),
    )


def _taken(
    patient_id: str, answers: Answers, now: datetime
) -> tuple[tuple[CoMedication, ...], list[Finding]]:
    """Every known medicine with an active order."""
    medications = answers.by_id("Medication")
    taken: list[CoMedication] = []
    findings: list[Finding] = []
    for order in answers.of("MedicationRequest"):
        spans, more = read_spans(order, patient_id=patient_id, drug="", now=now, medications=medications)
        findings += more
        taken += [
            CoMedication(drug=one.name, daily_dose_mg=one.daily_dose_mg, until=one.end, source=one.source)
            for one in spans
            if not one.over
        ]
    return tuple(sorted(taken, key=lambda one: (one.drug, one.source))), findings


def _runs(taken: tuple[CoMedication, ...], drug: str, order: str) -> bool:
    """True if another active order of the same drug is on record: then it is no start."""
    return any(one.drug == drug and one.source != order for one in taken)
