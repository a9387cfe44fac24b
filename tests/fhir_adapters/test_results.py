"""An answer as FHIR: valid, once, nothing that the answer does not say, and who made it from what."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from hook_call import named
from journeys.medplum import TOKEN, load, medplum
from journeys.record_server import prefetched
from scripted_server import sends, server

from dosing_core import recommend
from dosing_core.recommendation import BrokenLimit, Recommendation
from fhir_adapters import audit
from fhir_adapters.client import FhirClient
from fhir_adapters.errors import BadAnswer, FhirError
from fhir_adapters.gather import gather
from fhir_adapters.intake import to_case
from fhir_adapters.keeping import keep
from fhir_adapters.order import read_order
from fhir_adapters.prefetch import PREFETCH
from fhir_adapters.results import Answered, references, resources, transaction
from fhir_adapters.validity import is_valid

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SCENARIO = named("07")


def recommendation(slug: str = "07") -> Recommendation:
    scenario = named(slug)
    sent = prefetched(PREFETCH, scenario.resources, scenario.patient_id)
    order = read_order(scenario.question.order, patient_id=scenario.patient_id)
    chart = gather(scenario.patient_id, str(order.drug), sent, None, scenario.now)
    return recommend(to_case(chart, order, scenario.now))


@pytest.fixture(scope="module")
def two_levels() -> Answered:
    """The advice of a patient with two levels."""
    return Answered(
        recommendation=recommendation(),
        recommendation_id="0f8c",
        patient_id=SCENARIO.patient_id,
        issued=NOW,
        summary="Vancomycin: 750 mg every 12 h would fit better",
        encounter="Encounter/e1",
        page="https://dosewright.example.org/recommendations/0f8c",
    )


@pytest.fixture(scope="module")
def too_much(two_levels: Answered) -> Answered:
    """The same with an order that breaks a hard limit gravely."""
    limit = BrokenLimit(kind="single", text="9,000 mg is above the highest single dose.", grave=True)
    changed = two_levels.recommendation.model_copy(update={"broken_limits": (limit,)})
    return replace(two_levels, recommendation=changed)


def exchanged(
    base: str = "https://ehr.example.org/fhir", user: str | None = "Practitioner/p"
) -> audit.Exchanged:
    return audit.Exchanged(
        base, "https://dosewright.example.org", SCENARIO.patient_id, NOW, "request-1", user
    )


def test_everything_written_is_valid_r4(too_much: Answered) -> None:
    found = resources(too_much)

    assert {"issue", "task", "message", "prediction", "parameter-0"} <= set(found)
    for part, one in found.items():
        assert is_valid(one["resourceType"], one), part


def test_nothing_to_look_at_makes_no_issue_no_task_and_no_message(two_levels: Answered) -> None:
    assert not {"issue", "task", "message"} & set(resources(two_levels))


def test_the_issue_says_what_is_wrong_and_on_what_it_rests(too_much: Answered) -> None:
    issue = resources(too_much)["issue"]

    assert issue["severity"] == "high"
    assert issue["detail"] == "9,000 mg is above the highest single dose."
    assert issue["patient"] == {"reference": f"Patient/{SCENARIO.patient_id}"}
    kept = {str(one["id"]) for one in SCENARIO.resources}
    cited = [one["reference"].partition("/")[2] for one in issue["evidence"][0]["detail"]]
    assert cited
    assert set(cited) <= kept


def test_the_task_and_the_message_lead_to_the_issue(too_much: Answered) -> None:
    entries = {entry["resource"]["resourceType"]: entry for entry in transaction(too_much)["entry"]}
    issue = entries["DetectedIssue"]["fullUrl"]

    assert entries["Task"]["resource"]["reasonReference"] == {"reference": issue}
    assert entries["Task"]["resource"]["priority"] == "stat"
    assert {"reference": issue} in entries["Communication"]["resource"]["about"]


def test_the_prediction_carries_the_chances_of_the_answer(two_levels: Answered) -> None:
    prediction = resources(two_levels)["prediction"]
    recommended = two_levels.recommendation.option("recommended")
    assert recommended is not None
    assert recommended.inside is not None
    (inside,) = [
        one
        for one in prediction["prediction"]
        if "inside 400–600 mg·h/L" in one["outcome"]["text"] and one["rationale"].startswith("recommended")
    ]

    assert inside["probabilityDecimal"] == pytest.approx(recommended.inside.value, abs=5e-4)
    assert len(prediction["prediction"]) == 3 * len(two_levels.recommendation.options)


def test_parameters_are_the_patients_only_with_a_level(two_levels: Answered) -> None:
    found = [one for part, one in resources(two_levels).items() if part.startswith("parameter")]
    (clearance,) = [one for one in found if one["code"]["text"] == "vancomycin clearance, estimated"]
    (estimate,) = [one for one in two_levels.recommendation.parameters if one.name == "clearance"]

    assert clearance["valueQuantity"]["code"] == "L/h"
    assert clearance["valueQuantity"]["value"] == pytest.approx(estimate.estimate.median, rel=1e-3)
    assert [one["valueQuantity"]["value"] for one in clearance["component"]] == [
        pytest.approx(estimate.estimate.low, rel=1e-3),
        pytest.approx(estimate.estimate.high, rel=1e-3),
    ]
    assert len(clearance["derivedFrom"]) == 2
    unmeasured = replace(two_levels, recommendation=recommendation("01"))
    assert not [part for part in resources(unmeasured) if part.startswith("parameter")]


def test_an_answer_without_numbers_writes_no_prediction(two_levels: Answered) -> None:
    """A missing weight."""
    assert resources(replace(two_levels, recommendation=recommendation("14"))) == {}


def test_the_patients_name_is_nowhere(too_much: Answered) -> None:
    person = next(one for one in SCENARIO.resources if one["resourceType"] == "Patient")
    family = person["name"][0]["family"]

    assert family not in str(transaction(too_much))


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with medplum() as url:
        load(url, SCENARIO.resources)
        yield url


def count(base: str, kind: str) -> int:
    asked = f"{base}/{kind}?_count=1"
    answer = requests.get(asked, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
    return int(answer.json()["total"])


def test_an_answer_is_kept_once_however_often_it_is_sent(base: str, too_much: Answered) -> None:
    kinds = ("DetectedIssue", "Task", "Communication", "RiskAssessment", "Provenance", "AuditEvent")
    before = {kind: count(base, kind) for kind in kinds}
    client = FhirClient(base, TOKEN, 60.0)
    first = keep(client, too_much, exchanged(base))
    once = {kind: count(base, kind) for kind in kinds}
    second = keep(client, too_much, exchanged(base))

    assert first == second
    assert {kind: once[kind] - before[kind] for kind in kinds} == {
        "DetectedIssue": 1,
        "Task": 1,
        "Communication": 1,
        "RiskAssessment": 1,
        "Provenance": 1,
        "AuditEvent": len(first),
    }
    assert {kind: count(base, kind) for kind in kinds} == once
    task = client.read("Task", first["task"].partition("/")[2])
    assert task["reasonReference"]["reference"] == first["issue"]
    prediction = client.read("RiskAssessment", first["prediction"].partition("/")[2])
    assert len(prediction["prediction"]) == 3 * len(too_much.recommendation.options)


def test_nothing_to_write_asks_nobody(two_levels: Answered) -> None:
    with server(sends({})) as (url, asked):
        nothing = replace(two_levels, recommendation=recommendation("14"))
        assert keep(FhirClient(url, TOKEN, 5.0), nothing, exchanged(url)) == {}

    assert asked.paths == []


@pytest.mark.parametrize(
    "answer", [{}, {"resourceType": "Bundle"}, {"resourceType": "Bundle", "entry": [{"response": {}}]}, []]
)
def test_a_server_that_does_not_say_what_it_did_is_told_from_one_that_kept_it(
    answer: Any, two_levels: Answered
) -> None:
    with server(sends(answer)) as (url, _), pytest.raises(BadAnswer):
        keep(FhirClient(url, TOKEN, 5.0), two_levels, exchanged(url))


def test_a_server_that_refuses_is_an_error(two_levels: Answered) -> None:
    with server(sends({}, 403)) as (url, _), pytest.raises(FhirError):
        keep(FhirClient(url, TOKEN, 5.0), two_levels, exchanged(url))


@pytest.mark.parametrize(
    ("location", "reference"),
    [
        ("DetectedIssue/17", "DetectedIssue/17"),
        ("DetectedIssue/17/_history/1", "DetectedIssue/17"),
        ("https://ehr.example.org/fhir/DetectedIssue/17/_history/1", "DetectedIssue/17"),
    ],
)
def test_where_something_lies_is_read_from_every_form_of_location(location: str, reference: str) -> None:
    assert references({"entry": [{"response": {"location": location}}]}, ["issue"]) == {"issue": reference}


def test_a_search_is_audited_as_balp_has_it() -> None:
    event = audit.queried(exchanged(), "Observation?patient=Patient/p&code=x")

    assert is_valid("AuditEvent", event)
    assert (event["action"], event["outcome"], event["subtype"][0]["code"]) == ("E", "0", "search")
    assert [one["type"]["coding"][0]["code"] for one in event["agent"]] == ["110153", "110152", "IRCP"]
    query, patient, request = event["entity"]
    assert base64.b64decode(query["query"]) == b"Observation?patient=Patient/p&code=x"
    assert patient["what"] == {"reference": f"Patient/{SCENARIO.patient_id}"}
    assert request["what"]["identifier"]["value"] == "request-1"
    assert audit.queried(exchanged(), "x", by_post=True)["subtype"][0]["code"] == "search-type"


def test_a_creation_is_audited_as_balp_has_it() -> None:
    event = audit.created(exchanged(user=None), "DetectedIssue/17")

    assert is_valid("AuditEvent", event)
    assert (event["action"], event["subtype"][0]["code"]) == ("C", "create")
    assert [one["requestor"] for one in event["agent"]] == [True, False]
    assert event["entity"][0]["what"] == {"reference": "DetectedIssue/17"}


def test_provenance_names_what_was_made_and_from_what() -> None:
    made = audit.provenance(["DetectedIssue/17"], ["Observation/1"], "dosewright 0.1.0", NOW)

    assert is_valid("Provenance", made)
    assert made["entity"] == [{"role": "source", "what": {"reference": "Observation/1"}}]


def test_a_type_that_is_not_emitted_is_not_checked() -> None:
    with pytest.raises(KeyError):
        is_valid("Patient", {})
