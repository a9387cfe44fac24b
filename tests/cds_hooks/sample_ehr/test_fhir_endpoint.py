"""The sample EHR's record behaves like an ordinary FHIR R4 server, so what works with it is not special."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from flask.testing import FlaskClient
from scenario import FIXTURES

from cds_hooks.sample_ehr import create_sample_ehr

NOW = datetime(2027, 3, 2, 14, 30, 20, tzinfo=UTC)
TOKEN = "lent-for-a-test"  # noqa: S105 - not a secret
PATIENT = "vancomycin-two-levels"
LEVEL, CREATININE = "20578-1", "2160-0"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(clock: Clock) -> FlaskClient:
    return create_sample_ehr(FIXTURES, "http://127.0.0.1:9", clock=clock, token=TOKEN).test_client()


def _get(client: FlaskClient, url: str, status: int = 200) -> Any:
    response = client.get(url, headers={"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.mimetype == "application/fhir+json"
    return response.get_json()


def _ids(bundle: dict[str, Any]) -> list[str]:
    return [entry["resource"]["id"].removeprefix(f"{PATIENT}-") for entry in bundle.get("entry", ())]


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic bGVudDo=", f"bearer{TOKEN}"])
def test_without_the_lent_token_nothing_is_read(client: FlaskClient, header: str | None) -> None:
    for url in (f"/fhir/Patient/{PATIENT}", "/fhir/Observation?patient=x", "/fhir/none"):
        response = client.get(url, headers={"Authorization": header} if header else {})

        assert response.status_code == 401
        assert response.get_json()["issue"][0]["code"] == "login"


def test_what_it_can_do_is_open_to_ask(client: FlaskClient) -> None:
    statement = client.get("/fhir/metadata").get_json()

    assert (statement["resourceType"], statement["fhirVersion"]) == ("CapabilityStatement", "4.0.1")


def test_a_patient_is_read_at_todays_age(client: FlaskClient) -> None:
    """Born 1959-05-30, read 2026-11-24: 67."""
    born = datetime.fromisoformat(_get(client, f"/fhir/Patient/{PATIENT}")["birthDate"])

    assert NOW.year - born.year - ((NOW.month, NOW.day) < (born.month, born.day)) == 67


def test_the_record_is_as_old_as_it_was_when_read(client: FlaskClient) -> None:
    """The last level was drawn at 06:05, 2 h 55 min before the Bundle's timestamp."""
    level = _get(client, f"/fhir/Observation/{PATIENT}-level-2")

    assert NOW - datetime.fromisoformat(level["effectiveDateTime"]) == timedelta(
        hours=2, minutes=55, seconds=20
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"patient={PATIENT}&code=http://loinc.org|{LEVEL}", ["level-1", "level-2"]),
        (f"patient=Patient/{PATIENT}&code={LEVEL}", ["level-1", "level-2"]),
        (f"subject=Patient/{PATIENT}&code=http://loinc.org|{LEVEL}&_sort=-date", ["level-2", "level-1"]),
        (f"subject:Patient={PATIENT}&code={LEVEL}", ["level-1", "level-2"]),
        (
            f"patient={PATIENT}&code=http://loinc.org|29463-7,http://loinc.org|8302-2",
            ["weight-1", "height-1"],
        ),
        (f"patient={PATIENT}&code=http://snomed.info/sct|{LEVEL}", []),
        (f"patient={PATIENT}&category=vital-signs&_sort=_id", ["height-1", "weight-1"]),
        (f"patient={PATIENT}&code={CREATININE}&_sort=-date&_count=1", ["creatinine-5"]),
        (f"patient={PATIENT}&code={LEVEL}&status=final,amended", ["level-1", "level-2"]),
        (f"patient={PATIENT}&code={LEVEL}&status=preliminary", []),
        (f"patient={PATIENT}&_id={PATIENT}-level-1", ["level-1"]),
        ("patient=somebody-else", []),
    ],
)
def test_observations_are_found(client: FlaskClient, query: str, expected: list[str]) -> None:
    bundle = _get(client, f"/fhir/Observation?{query}")

    Bundle.model_validate(bundle)
    assert _ids(bundle) == expected


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ("ge2027-03-02T11:35:00Z", ["level-2"]),
        ("gt2027-03-02T11:35:00Z", []),
        ("lt2027-03-02T11:35:00Z", ["level-1"]),
        ("le2027-03-02T12:35:00%2B01:00", ["level-1", "level-2"]),
        ("ge2027-03-02", ["level-1", "level-2"]),
        ("2027-03-02", ["level-1", "level-2"]),
        ("lt2027-03-02", []),
    ],
)
def test_levels_are_cut_by_date(client: FlaskClient, bound: str, expected: list[str]) -> None:
    """Levels at 01:35 and 06:05 of a day read at 09:00; the demo's day is read at 14:30."""
    found = _get(client, f"/fhir/Observation?patient={PATIENT}&code={LEVEL}&date={bound}&_sort=date")

    assert _ids(found) == expected


def test_doses_are_found_by_encounter_although_they_call_it_context(client: FlaskClient) -> None:
    query = f"MedicationAdministration?encounter=Encounter/{PATIENT}-encounter"

    assert _get(client, f"/fhir/{query}")["total"] == 6


def test_a_dose_running_over_a_bound_is_on_both_sides_of_it(client: FlaskClient) -> None:
    """Dose 6 ran 22:00 to 00:01, 10 h 59 min before the record was read at 09:00."""
    query = f"/fhir/MedicationAdministration?patient={PATIENT}&effective-time="

    assert _ids(_get(client, query + "ge2027-03-02T04:00:00Z")) == ["given-06"]
    assert "given-06" in _ids(_get(client, query + "lt2027-03-02T04:00:00Z"))


def test_pages_link_to_each_other_until_all_is_read(client: FlaskClient) -> None:
    url: str | None = "/fhir/MedicationAdministration?patient=tacrolimus-expresser&_count=10"
    read: list[str] = []
    pages = 0
    while url:
        bundle = _get(client, url)
        read += _ids(bundle)
        pages += 1
        assert bundle["total"] == 32
        url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)

    assert (pages, len(read), len(set(read))) == (4, 32, 32)


def test_included_resources_come_after_the_matches(client: FlaskClient) -> None:
    query = f"MedicationAdministration?patient={PATIENT}&_count=2&_include=MedicationAdministration:request"
    entries = _get(client, f"/fhir/{query}")["entry"]

    assert [entry["search"]["mode"] for entry in entries] == ["match", "match", "include"]
    assert entries[2]["resource"]["id"] == f"{PATIENT}-request-1"


@pytest.mark.parametrize("query", ["vibe=good", "date=yesterday", "_sort=-vibe", "_count=many", "code:not=x"])
def test_what_is_not_understood_is_refused_rather_than_ignored(client: FlaskClient, query: str) -> None:
    outcome = _get(client, f"/fhir/Observation?{query}", 400)

    assert outcome["resourceType"] == "OperationOutcome"


def test_search_by_post_finds_the_same(client: FlaskClient) -> None:
    found = client.post(
        "/fhir/Observation/_search",
        data={"patient": PATIENT, "code": LEVEL},
        headers={"Authorization": f"Bearer {TOKEN}"},
    )

    assert _ids(found.get_json()) == ["level-1", "level-2"]


@pytest.mark.parametrize("url", ["Observation/none", "Medicine", "Observation/none/_history", "", "x/y/z"])
def test_what_is_not_there_is_an_outcome(client: FlaskClient, url: str) -> None:
    assert _get(client, f"/fhir/{url}", 404)["resourceType"] == "OperationOutcome"


def _write(client: FlaskClient, method: str, url: str, body: Any) -> Any:
    return client.open(f"/fhir/{url}", method=method, json=body, headers={"Authorization": f"Bearer {TOKEN}"})


ORDER = {
    "resourceType": "MedicationRequest",
    "status": "active",
    "intent": "order",
    "subject": {"reference": f"Patient/{PATIENT}"},
    "authoredOn": NOW.isoformat(),
}


def test_a_signed_order_is_in_the_record_from_then_on(client: FlaskClient) -> None:
    written = _write(client, "POST", "MedicationRequest", ORDER)
    signed = written.get_json()["id"]
    found = _get(client, f"/fhir/MedicationRequest?patient={PATIENT}&status=active")

    assert written.status_code == 201
    assert written.headers["Location"].endswith(f"/fhir/MedicationRequest/{signed}")
    assert signed in _ids(found)


def test_an_order_is_replaced_under_its_id(client: FlaskClient) -> None:
    charted = _get(client, f"/fhir/MedicationRequest/{PATIENT}-request-1")
    written = _write(client, "PUT", f"MedicationRequest/{charted['id']}", charted | {"status": "stopped"})

    assert written.status_code == 200
    assert _get(client, f"/fhir/MedicationRequest/{charted['id']}")["status"] == "stopped"
    assert _ids(_get(client, f"/fhir/MedicationRequest?patient={PATIENT}&status=active")) == []


@pytest.mark.parametrize(
    ("method", "url", "body", "status"),
    [
        ("POST", "MedicationRequest", ORDER | {"subject": {"reference": "Patient/nobody"}}, 422),
        ("POST", "MedicationRequest", ORDER | {"subject": "Patient/nobody"}, 422),
        ("POST", "MedicationRequest", ORDER | {"resourceType": "ServiceRequest"}, 400),
        ("POST", "Observation", ORDER | {"resourceType": "Observation"}, 422),
        ("PUT", "MedicationRequest/a", ORDER | {"id": "b"}, 400),
        ("POST", "MedicationRequest", [], 400),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(
    client: FlaskClient, method: str, url: str, body: Any, status: int
) -> None:
    assert _write(client, method, url, body).status_code == status


def test_a_demo_left_running_does_not_grow_old(client: FlaskClient, clock: Clock) -> None:
    """Only opening the page moves the record, so nothing shifts under a visitor who is reading."""
    level = f"/fhir/Observation/{PATIENT}-level-2"
    before = _get(client, level)["effectiveDateTime"]
    clock.now += timedelta(days=5)
    assert _get(client, level)["effectiveDateTime"] == before

    client.get("/")

    moved = datetime.fromisoformat(_get(client, level)["effectiveDateTime"])
    assert moved - datetime.fromisoformat(before) == timedelta(days=5)


def test_stories_are_those_of_the_patient_and_can_be_written(client: FlaskClient) -> None:
    stories = client.get(f"/stories/{PATIENT}").get_json()

    assert stories
    assert all(s["order"]["subject"]["reference"] == f"Patient/{PATIENT}" for s in stories)
    assert client.get("/stories/nobody").status_code == 404


def test_the_page_may_call_the_service_and_nobody_else(client: FlaskClient) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]

    assert "connect-src 'self' http://127.0.0.1:9;" in policy
    assert "unsafe" not in policy
