"""Given beats dispensed, dispensed beats ordered, ordered beats reported; the answer says which it was."""

from __future__ import annotations

from typing import Any

import pytest
from charting import NOW, PATIENT, bundle, instruction, patient, prefetched, quantity, request
from journeys.record_server import TOKEN, serving

from dosing_core.case import Case
from fhir_adapters.chart import PatientChart
from fhir_adapters.client import FhirClient
from fhir_adapters.gather import gather
from fhir_adapters.intake import to_case
from fhir_adapters.order import read_order

TACROLIMUS = {"text": "tacrolimus 1 MG Oral Capsule"}
ORAL = {"coding": [{"system": "http://snomed.info/sct", "code": "26643006"}]}
SUBJECT = {"reference": f"Patient/{PATIENT}"}


def twice_daily(mg: float = 3, **members: Any) -> dict[str, Any]:
    return {
        "route": ORAL,
        "timing": {"repeat": {"frequency": 1, "period": 12, "periodUnit": "h"}},
        "doseAndRate": [{"doseQuantity": quantity(mg, "mg")}],
    } | members


def pack(handed_over: str, mg: float = 3, days: float | None = 30, **members: Any) -> dict[str, Any]:
    supply = {"daysSupply": quantity(days, "d")} if days is not None else {}
    return {
        "resourceType": "MedicationDispense",
        "id": f"d-{handed_over[:10]}-{mg:g}",
        "status": "completed",
        "medicationCodeableConcept": TACROLIMUS,
        "subject": SUBJECT,
        "whenHandedOver": handed_over,
        "dosageInstruction": [twice_daily(mg)],
        **supply,
    } | members


def statement(mg: float = 2, **members: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationStatement",
        "id": f"s-{mg:g}",
        "status": "active",
        "medicationCodeableConcept": TACROLIMUS,
        "subject": SUBJECT,
        "effectivePeriod": {"start": "2026-11-20T08:00:00+00:00"},
        "dosage": [twice_daily(mg)],
    } | members


def order(mg: float = 4, **members: Any) -> dict[str, Any]:
    return request(
        twice_daily(mg),
        id="running",
        status="active",
        medicationCodeableConcept=TACROLIMUS,
        authoredOn="2026-11-20T08:00:00+00:00",
        **members,
    )


def dose_given(mg: float = 5) -> dict[str, Any]:
    return {
        "resourceType": "MedicationAdministration",
        "id": "given",
        "status": "completed",
        "medicationCodeableConcept": TACROLIMUS,
        "subject": SUBJECT,
        "effectiveDateTime": "2026-11-23T20:00:00+00:00",
        "dosage": {"route": ORAL, "dose": quantity(mg, "mg")},
    }


def charted(*resources: dict[str, Any]) -> PatientChart:
    of_kind = {
        "dispenses": [one for one in resources if one["resourceType"] == "MedicationDispense"],
        "statements": [one for one in resources if one["resourceType"] == "MedicationStatement"],
    }
    others = [one for one in resources if one not in of_kind["dispenses"] + of_kind["statements"]]
    sent = prefetched(patient(), *others) | {key: bundle(*held) for key, held in of_kind.items()}
    return gather(PATIENT, "tacrolimus", sent, None, NOW)


def case(*resources: dict[str, Any]) -> Case:
    draft = request(twice_daily(6), medicationCodeableConcept=TACROLIMUS)
    return to_case(charted(*resources), read_order(draft, patient_id=PATIENT), NOW)


def said(one: Case) -> str:
    return "; ".join(finding.detail for finding in one.findings)


EVERYTHING = (dose_given(), pack("2026-11-20T08:00:00+00:00"), order(), statement())


@pytest.mark.parametrize(
    ("resources", "status", "mg", "words"),
    [
        (EVERYTHING, "administered", 5, ""),
        (EVERYTHING[1:], "dispensed", 3, "what was dispensed was taken as used to the letter"),
        (EVERYTHING[2:], "ordered", 4, "the active order was taken as given to the letter"),
        (EVERYTHING[3:], "reported", 2, "what is said to be taken was taken as used to the letter"),
    ],
)
def test_the_surest_is_used_and_named(
    resources: tuple[dict[str, Any], ...], status: str, mg: float, words: str
) -> None:
    found = case(*resources)

    assert {(dose.status, dose.amount_mg) for dose in found.doses} == {(status, mg)}
    assert words in said(found)
    assert found.order.running


def test_a_pack_lasts_until_it_is_used_up() -> None:
    (course,) = charted(pack("2026-11-10T08:00:00+00:00", days=7)).ordered

    assert len(course.doses) == 14
    assert course.doses[-1].time.day == 16


def test_a_refill_takes_the_place_of_the_pack_before() -> None:
    (course,) = charted(
        pack("2026-11-20T08:00:00+00:00", mg=4, days=30), pack("2026-11-10T08:00:00+00:00", mg=3, days=30)
    ).ordered

    assert [dose.amount_mg for dose in course.doses] == [3] * 20 + [4] * 9


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (pack("2026-11-20T09:00:00+00:00", mg=1), "several packs were handed over at once"),
        (pack("2026-11-22T09:00:00+00:00", dosageInstruction=[{"text": "as told"}]), "not understood"),
        (pack("2026-11-22"), "the hour of its beginning is not written"),
    ],
)
def test_packs_that_do_not_make_one_course_are_said_and_none_is_used(
    second: dict[str, Any], why: str
) -> None:
    found = case(pack("2026-11-20T08:00:00+00:00"), second)

    assert found.doses == ()
    assert why in said(found)


@pytest.mark.parametrize(
    "untaken",
    [
        pack("2026-11-20T08:00:00+00:00", status="cancelled"),
        pack("2026-11-20T08:00:00+00:00", status="entered-in-error"),
        pack("2026-12-20T08:00:00+00:00"),
        pack("2026-11-20T08:00:00+00:00", medicationCodeableConcept={"text": "aspirin"}),
        pack("2026-11-20T08:00:00+00:00", subject={"reference": "Patient/another"}),
        statement(status="not-taken"),
        statement(status="stopped"),
        statement(status="entered-in-error"),
        statement(effectivePeriod={"start": "2026-12-20T08:00:00+00:00"}),
        statement(effectivePeriod={}),
    ],
)
def test_what_the_patient_does_not_have_stands_in_for_nothing(untaken: dict[str, Any]) -> None:
    assert case(untaken).doses == ()


def test_two_statements_are_not_added_up() -> None:
    found = case(statement(2), statement(3))

    assert found.doses == ()
    assert "several are said to be taken" in said(found)


def test_given_doses_that_cannot_be_used_are_not_replaced_by_a_pack() -> None:
    unread = dose_given() | {"dosage": {"route": ORAL}}
    found = case(unread, pack("2026-11-20T08:00:00+00:00"))

    assert found.doses == ()


def test_a_server_is_asked_for_stand_ins_only_where_nothing_is_charted_as_given() -> None:
    held = pack("2026-11-20T08:00:00+00:00")
    with serving((patient(), held), "answers") as base:
        alone = gather(PATIENT, "tacrolimus", None, FhirClient(base, TOKEN, 20.0), NOW)
    with serving((patient(), held, dose_given()), "answers") as base:
        charted_too = gather(PATIENT, "tacrolimus", None, FhirClient(base, TOKEN, 20.0), NOW)

    assert [one.kind for one in alone.ordered] == ["dispensed"]
    assert charted_too.ordered == ()
    assert len(charted_too.given) == 1


def test_an_infusion_may_be_dispensed_too() -> None:
    bag = pack("2026-11-20T08:00:00+00:00") | {
        "medicationCodeableConcept": {"text": "vancomycin"},
        "dosageInstruction": [instruction()],
    }
    sent = prefetched(patient()) | {"dispenses": bundle(bag)}
    (course,) = gather(PATIENT, "vancomycin", sent, None, NOW).ordered

    assert {(dose.route, dose.duration_h) for dose in course.doses} == {("iv", 2.0)}
