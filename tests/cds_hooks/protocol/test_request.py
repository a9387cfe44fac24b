"""Hook calls: a strict envelope, tolerance for what EHRs put inside."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from cds_hooks.errors import MalformedRequest
from cds_hooks.protocol.discovery import SERVICES
from cds_hooks.protocol.request import OrderRequest

SELECT = SERVICES["dosewright-order-select"]
SIGN = SERVICES["dosewright-order-sign"]
TOKEN = "a-secret-of-this-call"  # noqa: S105 - made up


def _order(identifier: str, **members: Any) -> dict[str, Any]:
    return {"resourceType": "MedicationRequest", "id": identifier, **members}


def _body(hook: str = "order-select", **members: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "hook": hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {
            "userId": "Practitioner/1",
            "patientId": "p1",
            "selections": ["MedicationRequest/m1"],
            "draftOrders": {
                "resourceType": "Bundle",
                "entry": [{"resource": _order("m1")}, {"resource": _order("m2")}],
            },
        },
    }
    return body | members


def _ids(request: OrderRequest) -> list[str]:
    return [resource["id"] for resource in request.context.in_question]


def test_selecting_asks_about_the_selection_only() -> None:
    assert _ids(SELECT.read(_body())) == ["m1"]


def test_signing_asks_about_every_medication_order() -> None:
    body = _body("order-sign")
    body["context"]["draftOrders"]["entry"].append(
        {"resource": {"resourceType": "ServiceRequest", "id": "s1"}}
    )

    assert _ids(SIGN.read(body)) == ["m1", "m2"]


def test_an_order_without_id_is_selected_by_its_full_url() -> None:
    body = _body()
    entry = {"fullUrl": "urn:uuid:6b0b", "resource": {"resourceType": "MedicationRequest"}}
    body["context"]["draftOrders"]["entry"] = [entry]
    body["context"]["selections"] = ["urn:uuid:6b0b"]

    assert len(SELECT.read(body).context.in_question) == 1


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        (("hook",), "hook"),
        (("hookInstance",), "hookInstance"),
        (("context",), "context"),
        (("context", "userId"), "context.userId"),
        (("context", "patientId"), "context.patientId"),
        (("context", "selections"), "context.selections"),
        (("context", "draftOrders"), "context.draftOrders"),
    ],
)
def test_a_missing_field_is_named(missing: tuple[str, ...], named: str) -> None:
    body = deepcopy(_body())
    holder = body
    for name in missing[:-1]:
        holder = holder[name]
    del holder[missing[-1]]

    with pytest.raises(MalformedRequest) as refused:
        SELECT.read(body)

    assert [(p.field, p.code) for p in refused.value.problems] == [(named, "required")]


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        (("hook",), 1, "hook"),
        (("hook",), "patient-view", "hook"),
        (("hookInstance",), "not-a-uuid", "hookInstance"),
        (("prefetch",), [], "prefetch"),
        (("fhirAuthorization",), {"access_token": TOKEN}, "fhirServer"),
        (("fhirAuthorization",), {"token_type": "Bearer"}, "fhirAuthorization.access_token"),
        (("context", "patientId"), "../Patient", "context.patientId"),
        (("context", "patientId"), "..", "context.patientId"),
        (("context", "patientId"), "", "context.patientId"),
        (("context", "userId"), "", "context.userId"),
        (("context", "selections"), "MedicationRequest/m1", "context.selections"),
        (("context", "draftOrders"), [], "context.draftOrders"),
        (("context", "draftOrders", "entry"), {}, "context.draftOrders.entry"),
        (("context", "draftOrders", "entry"), [1], "context.draftOrders.entry[0]"),
        (("context", "draftOrders", "entry"), [{"resource": 1}], "context.draftOrders.entry[0].resource"),
        (("context", "draftOrders", "entry"), [{"resource": {}}], "context.draftOrders.entry[0]"),
        (("context", "draftOrders", "resourceType"), "List", "context.draftOrders.resourceType"),
    ],
)
def test_a_wrong_field_is_named_and_no_value_is_quoted(
    place: tuple[str, ...], value: Any, named: str
) -> None:
    body = deepcopy(_body())
    holder = body
    for name in place[:-1]:
        holder = holder[name]
    holder[place[-1]] = value

    with pytest.raises(MalformedRequest) as refused:
        SELECT.read(body)

    assert [problem.field for problem in refused.value.problems] == [named]
    assert TOKEN not in str(refused.value)


def test_what_the_reference_sandbox_sends_is_read() -> None:
    """A Bundle without a type, an order without drug and intent, null for absent members."""
    body = _body(fhirAuthorization=None, fhirServer=None, prefetch=None, extension=None)
    body["context"]["draftOrders"] = {
        "resourceType": "Bundle",
        "entry": [{"resource": {"resourceType": "MedicationRequest", "id": "request-123", "category": {}}}],
    }
    body["context"]["selections"] = ["MedicationRequest/request-123"]
    body["context"]["encounterId"] = None

    assert _ids(SELECT.read(body)) == ["request-123"]


def test_a_patient_id_may_come_as_a_reference() -> None:
    body = _body()
    body["context"]["patientId"] = "Patient/p1"

    assert SELECT.read(body).context.patient_id == "p1"


def test_the_token_does_not_show_when_the_request_is_printed() -> None:
    request = SELECT.read(
        _body(fhirServer="https://ehr.example.org/fhir", fhirAuthorization={"access_token": TOKEN})
    )

    assert TOKEN not in f"{request!r} {request} {request.model_dump_json()}"
