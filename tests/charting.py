"""Entries of a record, as an EHR would send them, for tests of how they are read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

PATIENT = "somebody"
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
UCUM = "http://unitsofmeasure.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"

VANCOMYCIN = {"coding": [{"system": RXNORM, "code": "11124", "display": "vancomycin"}], "text": "vancomycin"}
TACROLIMUS = {"coding": [{"system": RXNORM, "code": "42316", "display": "tacrolimus"}], "text": "tacrolimus"}
INTRAVENOUS = {"coding": [{"system": SNOMED, "code": "47625008"}]}
ORAL = {"coding": [{"system": SNOMED, "code": "26643006"}]}

CREATININE, WEIGHT, HEIGHT, HAEMATOCRIT = "2160-0", "29463-7", "8302-2", "4544-3"
VANCOMYCIN_LEVEL, TACROLIMUS_TROUGH = "20578-1", "33929-1"


def quantity(value: Any, unit: str) -> dict[str, Any]:
    """A Quantity with a UCUM code."""
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def patient(**members: Any) -> dict[str, Any]:
    """The Patient: a man of 60."""
    return {"resourceType": "Patient", "id": PATIENT, "gender": "male", "birthDate": "1966-03-01"} | members


def observation(code: str, value: Any, unit: str, when: str, **members: Any) -> dict[str, Any]:
    """A final measurement."""
    return {
        "resourceType": "Observation",
        "id": f"o-{code}-{when[:16].replace(':', '')}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "effectiveDateTime": when,
        "valueQuantity": quantity(value, unit),
    } | members


def given(start: str, end: str | None = None, mg: Any = 1000, **members: Any) -> dict[str, Any]:
    """A completed infusion of vancomycin."""
    time = {"effectivePeriod": {"start": start, "end": end}} if end else {"effectiveDateTime": start}
    return {
        "resourceType": "MedicationAdministration",
        "id": f"g-{start[:16].replace(':', '')}",
        "status": "completed",
        "medicationCodeableConcept": VANCOMYCIN,
        "subject": {"reference": f"Patient/{PATIENT}"},
        "dosage": {"route": INTRAVENOUS, "dose": quantity(mg, "mg")},
    } | time | members  # fmt: skip


def instruction(mg: Any = 1000, hours: Any = 12, over: Any = 2, **members: Any) -> dict[str, Any]:
    """A dosage instruction for an infusion."""
    repeat: dict[str, Any] = {"frequency": 1, "period": hours, "periodUnit": "h"}
    if over is not None:
        repeat |= {"duration": over, "durationUnit": "h"}
    return {
        "route": INTRAVENOUS,
        "timing": {"repeat": repeat},
        "doseAndRate": [{"doseQuantity": quantity(mg, "mg")}],
    } | members


def request(*instructions: dict[str, Any], **members: Any) -> dict[str, Any]:
    """An order for vancomycin; a draft unless ``members`` say otherwise."""
    return {
        "resourceType": "MedicationRequest",
        "id": "draft",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": VANCOMYCIN,
        "subject": {"reference": f"Patient/{PATIENT}"},
        "dosageInstruction": list(instructions),
        "authoredOn": "2026-11-24T08:58:00+00:00",
    } | members


def bundle(*resources: Any, **members: Any) -> dict[str, Any]:
    """A searchset Bundle."""
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries} | members


def prefetched(*resources: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """A complete prefetch that holds these resources and nothing else; ``keys`` replace single answers."""
    kinds = {
        "labs": "Observation",
        "vitals": None,
        "history": None,
        "genotypes": None,
        "reports": "DiagnosticReport",
        "administrations": "MedicationAdministration",
        "requests": "MedicationRequest",
        "earlier": None,
        "conditions": "Condition",
        "allergies": "AllergyIntolerance",
    }
    people = [one for one in resources if one["resourceType"] == "Patient"]
    sent: dict[str, Any] = {"patient": people[0] if people else patient()}
    for key, kind in kinds.items():
        sent[key] = bundle(*(one for one in resources if one["resourceType"] == kind))
    return sent | keys
