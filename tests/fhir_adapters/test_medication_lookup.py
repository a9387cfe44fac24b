"""An order that names its medicine only by a reference is followed to it, but only to its own server."""

from __future__ import annotations

from typing import Any

from charting import PATIENT, VANCOMYCIN, bundle, instruction, request
from journeys.record_server import TOKEN, serving

from fhir_adapters.client import FhirClient
from fhir_adapters.medication_lookup import fetch_medication, medications_in, unresolved
from fhir_adapters.order import read_order

MEDICATION = {"resourceType": "Medication", "id": "m", "code": VANCOMYCIN}


def order(reference: str, **members: Any) -> dict[str, Any]:
    return request(
        instruction(), medicationCodeableConcept=None, medicationReference={"reference": reference} | members
    )


def test_medications_are_found_in_bundles_by_id_and_by_url() -> None:
    entry = {"fullUrl": "urn:uuid:5", "resource": MEDICATION}
    found = medications_in(
        [bundle(request()), {"resourceType": "Bundle", "entry": [entry]}, None, 5, MEDICATION]
    )

    assert found == {"m": MEDICATION, "urn:uuid:5": MEDICATION}
    for reference in ("Medication/m", "urn:uuid:5"):
        assert read_order(order(reference), patient_id=PATIENT, medications=found).drug == "vancomycin"


def test_only_what_nobody_has_named_yet_is_to_be_looked_up() -> None:
    assert unresolved(order("Medication/m"), {}) == "Medication/m"
    assert unresolved(order("Medication/m"), {"m": MEDICATION}) is None
    assert unresolved(order("Medication/m", display="vancomycin 1 g"), {}) is None
    assert unresolved(order("#m"), {}) is None
    assert unresolved(request(instruction()), {}) is None


def test_a_medication_is_fetched_from_the_call_s_own_server_only() -> None:
    with serving((MEDICATION,), "answers") as base:
        client = FhirClient(base, TOKEN, 10.0)

        assert fetch_medication(client, "Medication/m") == MEDICATION
        assert fetch_medication(client, f"{base}/Medication/m") == MEDICATION
        assert fetch_medication(client, "https://elsewhere.example/fhir/Medication/m") is None
        assert fetch_medication(client, "Medication/nobody") is None
        assert fetch_medication(client, "Patient/m") is None
