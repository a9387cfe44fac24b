"""The same fact in the words of four FHIR releases is the same fact; what R4 says already stays as it is."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from charting import (
    INTRAVENOUS,
    NOW,
    PATIENT,
    VANCOMYCIN,
    bundle,
    given,
    instruction,
    patient,
    prefetched,
    quantity,
    request,
)
from fhir.resources.medicationadministration import MedicationAdministration as GivenR5
from fhir.resources.medicationrequest import MedicationRequest as RequestR5
from fhir.resources.STU3.medicationadministration import MedicationAdministration as GivenSTU3
from fhir.resources.STU3.medicationrequest import MedicationRequest as RequestSTU3
from scenario import patient_paths

from fhir_adapters.elements import Resource
from fhir_adapters.gather import gather
from fhir_adapters.order import read_order
from fhir_adapters.releases import as_r4

START, END = "2026-11-23T22:00:00+00:00", "2026-11-24T00:00:00+00:00"
SUBJECT = {"reference": f"Patient/{PATIENT}"}

R4_GIVEN = given(START, END)
STU3_GIVEN = {**copy.deepcopy(R4_GIVEN), "notGiven": False}
R5_GIVEN = {
    "resourceType": "MedicationAdministration",
    "id": R4_GIVEN["id"],
    "status": "completed",
    "medication": {"concept": VANCOMYCIN},
    "subject": SUBJECT,
    "occurencePeriod": {"start": START, "end": END},
    "dosage": {"route": INTRAVENOUS, "dose": quantity(1000, "mg")},
}
DSTU2_GIVEN = {
    "resourceType": "MedicationAdministration",
    "id": R4_GIVEN["id"],
    "status": "completed",
    "patient": SUBJECT,
    "wasNotGiven": False,
    "effectiveTimePeriod": {"start": START, "end": END},
    "medicationCodeableConcept": VANCOMYCIN,
    "dosage": {"route": INTRAVENOUS, "quantity": quantity(1000, "mg")},
}
REPEAT = {"frequency": 1, "period": 12, "periodUnit": "h", "duration": 2, "durationUnit": "h"}
R4_ORDER = request(instruction())
STU3_ORDER = request(
    {"route": INTRAVENOUS, "timing": {"repeat": REPEAT}, "doseQuantity": quantity(1000, "mg")},
    context={"reference": "Encounter/e"},
    requester={"agent": {"reference": "Practitioner/p"}},
)
R5_ORDER = {name: value for name, value in R4_ORDER.items() if name != "medicationCodeableConcept"} | {
    "medication": {"concept": VANCOMYCIN}
}
DSTU2_ORDER = {
    "resourceType": "MedicationOrder",
    "id": "draft",
    "status": "draft",
    "patient": SUBJECT,
    "dateWritten": "2026-11-24T08:58:00+00:00",
    "medicationCodeableConcept": VANCOMYCIN,
    "dosageInstruction": [
        {
            "route": INTRAVENOUS,
            "timing": {
                "repeat": {
                    "frequency": 1,
                    "period": 12,
                    "periodUnits": "h",
                    "duration": 2,
                    "durationUnits": "h",
                }
            },
            "doseQuantity": quantity(1000, "mg"),
        }
    ],
}


def chart(*resources: dict[str, Any]) -> Any:
    return gather(PATIENT, "vancomycin", prefetched(patient(), *resources), None, NOW)


def test_the_examples_are_of_the_releases_that_they_claim() -> None:
    """The published models of each release take them; there is none of DSTU2 any more."""
    GivenSTU3.model_validate(STU3_GIVEN)
    GivenR5.model_validate(R5_GIVEN)
    RequestSTU3.model_validate(STU3_ORDER)
    RequestR5.model_validate(R5_ORDER)


@pytest.mark.parametrize("told", [STU3_GIVEN, R5_GIVEN, DSTU2_GIVEN], ids=["STU3", "R5", "DSTU2"])
def test_a_dose_is_the_same_dose_in_every_release(told: dict[str, Any]) -> None:
    found = chart(told)

    assert found.given == chart(R4_GIVEN).given
    assert [(one.amount_mg, one.duration_h, one.route) for one in found.given] == [(1000.0, 2.0, "iv")]


@pytest.mark.parametrize("told", [STU3_ORDER, R5_ORDER, DSTU2_ORDER], ids=["STU3", "R5", "DSTU2"])
def test_an_order_asks_for_the_same_in_every_release(told: dict[str, Any]) -> None:
    read = read_order(as_r4(told), patient_id=PATIENT)

    assert read.drug == "vancomycin"
    assert read.order.regimen == read_order(R4_ORDER, patient_id=PATIENT).order.regimen
    assert read.order.regimen is not None
    assert (read.order.regimen.dose_mg, read.order.regimen.interval_h) == (1000.0, 12.0)


@pytest.mark.parametrize(
    "told",
    [
        STU3_GIVEN | {"notGiven": True},
        DSTU2_GIVEN | {"wasNotGiven": True},
        R5_GIVEN | {"status": "not-done"},
    ],
    ids=["STU3", "DSTU2", "R5"],
)
def test_what_was_not_given_is_not_given_in_any_release(told: dict[str, Any]) -> None:
    assert chart(told).given == ()


def test_an_order_on_record_of_dstu2_stands_in_for_doses() -> None:
    running = DSTU2_ORDER | {"id": "running", "status": "active", "dateWritten": "2026-11-22T08:00:00+00:00"}
    sent = prefetched(patient(), requests=bundle(running))

    assert [one.source for one in gather(PATIENT, "vancomycin", sent, None, NOW).ordered] == [
        "MedicationRequest/running"
    ]


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"taken": "y", "status": "active"}, "active"),
        ({"taken": "n", "status": "active"}, "not-taken"),
        ({"taken": "unk", "status": "active"}, "unknown"),
        ({"wasNotTaken": True, "status": "active"}, "not-taken"),
        ({"wasNotTaken": False, "status": "active"}, "active"),
        ({"status": "recorded", "adherence": {"code": {"coding": [{"code": "taking"}]}}}, "active"),
        ({"status": "recorded", "adherence": {"code": {"coding": [{"code": "not-taking"}]}}}, "not-taken"),
        ({"status": "entered-in-error"}, "entered-in-error"),
    ],
)
def test_whether_a_drug_is_taken_stands_in_the_status(told: dict[str, Any], status: str) -> None:
    assert as_r4({"resourceType": "MedicationStatement", **told})["status"] == status


@pytest.mark.parametrize(
    ("told", "strength"),
    [
        (
            {"itemCodeableConcept": {"text": "x"}, "amount": {"numerator": {"value": 1}}},
            {"numerator": {"value": 1}},
        ),
        (
            {"item": {"concept": {"text": "x"}}, "strengthRatio": {"numerator": {"value": 1}}},
            {"numerator": {"value": 1}},
        ),
    ],
)
def test_ingredients_and_strengths_have_one_name(told: dict[str, Any], strength: Any) -> None:
    read = as_r4({"resourceType": "Medication", "ingredient": [told], "doseForm": {"text": "vial"}})

    assert read["ingredient"] == [{"itemCodeableConcept": {"text": "x"}, "strength": strength}]
    assert read["form"] == {"text": "vial"}


def test_a_product_of_dstu2_is_unpacked() -> None:
    nested = {"form": {"text": "capsule"}, "ingredient": [{"item": {"reference": "Substance/s"}}]}
    read = as_r4({"resourceType": "Medication", "product": nested})

    assert read["form"] == {"text": "capsule"}
    assert read["ingredient"] == [{"itemReference": {"reference": "Substance/s"}}]


@pytest.mark.parametrize(
    ("kind", "told", "clinical", "verified"),
    [
        ("Condition", {"clinicalStatus": "resolved", "verificationStatus": "refuted"}, "resolved", "refuted"),
        ("AllergyIntolerance", {"status": "active"}, "active", "unconfirmed"),
        ("AllergyIntolerance", {"status": "confirmed"}, "active", "confirmed"),
        ("AllergyIntolerance", {"status": "resolved"}, "resolved", "unconfirmed"),
        ("AllergyIntolerance", {"status": "entered-in-error"}, "active", "entered-in-error"),
        ("AllergyIntolerance", {"clinicalStatus": "inactive"}, "inactive", None),
    ],
)
def test_states_as_plain_codes_become_concepts(
    kind: str, told: dict[str, Any], clinical: str, verified: str | None
) -> None:
    read = as_r4({"resourceType": kind, **told})

    assert read["clinicalStatus"]["coding"][0]["code"] == clinical
    said = read.get("verificationStatus")
    assert (said["coding"][0]["code"] if said else None) == verified


def test_as_needed_of_r5_stays_as_needed() -> None:
    told = request(instruction(asNeeded=True, asNeededFor=[{"text": "fever"}]))
    read = read_order(as_r4(told), patient_id=PATIENT)

    assert read.order.kind == "as_needed"
    assert read.order.regimen is None


def test_r4_stays_as_it_is() -> None:
    """All sample patients."""
    for path in patient_paths():
        for resource in resources_of(path):
            before = copy.deepcopy(resource)
            assert as_r4(resource) == before
            assert resource == before


def resources_of(path: Any) -> list[Resource]:
    return [entry["resource"] for entry in json.loads(path.read_text())["entry"]]


def test_nothing_is_changed_in_place() -> None:
    for told in (STU3_GIVEN, R5_GIVEN, DSTU2_GIVEN, STU3_ORDER, R5_ORDER, DSTU2_ORDER):
        before = copy.deepcopy(told)
        as_r4(told)
        assert told == before


@pytest.mark.parametrize("odd", [None, 5, "text", [], [None], {}, {"a": None}, True])
@pytest.mark.parametrize(
    "name",
    [
        "medication",
        "dosage",
        "dosageInstruction",
        "ingredient",
        "contained",
        "status",
        "reason",
        "adherence",
        "product",
    ],
)
@pytest.mark.parametrize(
    "kind",
    [
        "MedicationOrder",
        "MedicationRequest",
        "MedicationAdministration",
        "MedicationStatement",
        "MedicationDispense",
        "Medication",
        "Condition",
        "AllergyIntolerance",
    ],
)
def test_any_json_is_taken(kind: str, name: str, odd: Any) -> None:
    assert as_r4({"resourceType": kind, name: odd})
