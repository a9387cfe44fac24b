"""Chart and order become a case that says nothing about who the patient is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from charting import NOW, PATIENT, TACROLIMUS, instruction, patient, prefetched, request
from journeys.record_server import prefetched as fill
from scenario import read_scenario, scenario_paths

from dosing_core.case import Case
from fhir_adapters.gather import gather
from fhir_adapters.intake import to_case
from fhir_adapters.order import read_order
from fhir_adapters.prefetch import PREFETCH


def words(value: Any) -> set[str]:
    """Every text in a JSON value."""
    if isinstance(value, dict):
        return set().union(*map(words, value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*map(words, value)) if value else set()
    return {value} if isinstance(value, str) else set()


@pytest.mark.parametrize("path", scenario_paths(), ids=lambda path: path.name.split(".")[0])
def test_nothing_that_identifies_a_patient_is_in_the_case(path: Any) -> None:
    """Names, record number and date of birth of every sample patient, searched for in the bytes."""
    scenario = read_scenario(path)
    reading = read_order(scenario.question.order, patient_id=scenario.patient_id)
    if reading.drug is None or not reading.about_patient:
        return
    sent = fill(PREFETCH, scenario.resources, scenario.patient_id)
    case = to_case(gather(scenario.patient_id, reading.drug, sent, None, scenario.now), reading, scenario.now)
    text = case.to_bytes().decode()
    person = next(r for r in scenario.resources if r["resourceType"] == "Patient")
    secrets = {
        person["birthDate"],
        person["identifier"][0]["value"],
        person["name"][0]["family"],
        *person["name"][0]["given"],
        f"Patient/{scenario.patient_id}",
    }

    assert [secret for secret in secrets if secret in text] == []
    assert scenario.patient_id not in words(json.loads(text))
    assert Case.from_bytes(case.to_bytes()) == case


def test_the_source_of_what_the_patient_is_names_no_id() -> None:
    chart = gather(PATIENT, "vancomycin", prefetched(), None, NOW)
    case = to_case(chart, read_order(request(instruction()), patient_id=PATIENT), NOW)

    assert case.subject.source == "Patient"
    assert PATIENT not in case.to_bytes().decode()


@pytest.mark.parametrize(
    "change", [{"subject": {"reference": "Patient/somebody-else"}}, {"medicationCodeableConcept": TACROLIMUS}]
)
def test_a_chart_and_an_order_that_do_not_belong_together_make_no_case(change: dict[str, Any]) -> None:
    chart = gather(PATIENT, "vancomycin", prefetched(patient()), None, NOW)

    with pytest.raises(ValueError, match="drug and patient"):
        to_case(chart, read_order(request(instruction(), **change), patient_id=PATIENT), NOW)


def test_the_same_record_in_another_order_is_the_same_case() -> None:
    """Servers sort as they like; the case, and so the answer, must not depend on it."""
    scenario = read_scenario(next(path for path in scenario_paths() if path.name.startswith("09-")))
    reading = read_order(scenario.question.order, patient_id=scenario.patient_id)
    forward, backward = (
        to_case(gather(scenario.patient_id, "tacrolimus", sent, None, scenario.now), reading, scenario.now)
        for sent in (
            fill(PREFETCH, scenario.resources, scenario.patient_id),
            {
                key: value | {"entry": value["entry"][::-1]} if "entry" in value else value
                for key, value in fill(PREFETCH, scenario.resources, scenario.patient_id).items()
            },
        )
    )

    assert forward.to_bytes() == backward.to_bytes()
