"""Gathering a chart: prefetch first, the server for the rest, and what fails is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from charting import (
    NOW,
    PATIENT,
    VANCOMYCIN,
    VANCOMYCIN_LEVEL,
    WEIGHT,
    bundle,
    given,
    instruction,
    observation,
    patient,
    prefetched,
    request,
)
from journeys.record_server import PAGE, TOKEN, serving
from journeys.record_server import prefetched as fill
from scenario import Scenario, read_scenario, scenario_paths

from fhir_adapters.chart import PatientChart
from fhir_adapters.client import FhirClient
from fhir_adapters.errors import NothingToRead
from fhir_adapters.gather import gather
from fhir_adapters.prefetch import PREFETCH
from fhir_adapters.product import product

OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
WARNING = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "informational"}]}
RECORD: tuple[dict[str, Any], ...] = (
    patient(),
    observation(
        WEIGHT,
        80,
        "kg",
        "2026-11-24T06:00:00+00:00",
        category=[{"coding": [{"system": "http://x", "code": "vital-signs"}]}],
    ),
    given("2026-11-23T22:00:00+00:00", "2026-11-24T00:00:00+00:00"),
)


@pytest.fixture(scope="module")
def everybody() -> Iterator[str]:
    """One server that holds the record of every sample patient; their ids do not collide."""
    resources = tuple(one for scenario in scenarios().values() for one in scenario.resources)
    with serving(resources, "answers") as base:
        yield base


@pytest.fixture(scope="module")
def somebody() -> Iterator[str]:
    """A server that holds ``RECORD``."""
    with serving(RECORD, "answers") as base:
        yield base


def unreachable(chart: PatientChart) -> set[str]:
    return {finding.about for finding in chart.findings if finding.kind == "unreachable"}


def scenarios() -> dict[str, Scenario]:
    """One scenario a patient."""
    return {scenario.question.patient: scenario for scenario in map(read_scenario, scenario_paths())}


@pytest.mark.parametrize("patient_file", sorted(scenarios()))
def test_a_chart_is_the_same_from_prefetch_and_from_a_server(patient_file: str, everybody: str) -> None:
    """The server sends pages of twenty and is asked with dates."""
    scenario = scenarios()[patient_file]
    drug = product(scenario.question.order).drug or "vancomycin"
    sent = fill(PREFETCH, scenario.resources, scenario.patient_id)
    fetched = gather(scenario.patient_id, drug, None, FhirClient(everybody, TOKEN, 20.0), scenario.now)

    assert fetched == gather(scenario.patient_id, drug, sent, None, scenario.now)
    given_doses = [
        one
        for one in scenario.resources
        if one["resourceType"] == "MedicationAdministration" and one["status"] == "completed"
    ]
    assert len(fetched.given) == len(given_doses)
    assert fetched.birth_date is not None
    assert unreachable(fetched) == set()


def test_a_course_of_tacrolimus_needs_more_than_one_page() -> None:
    """Otherwise the test above would not show that pages are followed."""
    scenario = scenarios()["patients/tacrolimus-expresser.json"]

    assert sum(r["resourceType"] == "MedicationAdministration" for r in scenario.resources) > PAGE


def test_only_what_is_missing_is_asked_for(somebody: str) -> None:
    sent = prefetched(*RECORD)
    del sent["vitals"]
    chart = gather(PATIENT, "vancomycin", sent, FhirClient(somebody, TOKEN, 10.0), NOW)

    assert [one.value for one in chart.weight] == [80.0]
    assert unreachable(chart) == set()


def test_null_means_that_there_is_nothing() -> None:
    """The server would refuse, but it is not asked."""
    sent = prefetched(RECORD[0], vitals=None, conditions=None)
    with serving(RECORD, "unauthorised") as base:
        chart = gather(PATIENT, "vancomycin", sent, FhirClient(base, TOKEN, 10.0), NOW)

    assert chart.weight == ()
    assert unreachable(chart) == set()


def test_an_operation_outcome_means_that_the_client_has_tried_in_vain(somebody: str) -> None:
    chart = gather(
        PATIENT, "vancomycin", prefetched(*RECORD, vitals=OUTCOME), FhirClient(somebody, TOKEN, 10.0), NOW
    )

    assert unreachable(chart) == {"weight", "height"}


@pytest.mark.parametrize("rubbish", ["text", 5, True, [], [1], {}, {"resourceType": "Binary"}])
def test_rubbish_in_a_prefetch_is_asked_for_again(rubbish: Any, somebody: str) -> None:
    chart = gather(
        PATIENT, "vancomycin", prefetched(*RECORD, vitals=rubbish), FhirClient(somebody, TOKEN, 10.0), NOW
    )

    assert [one.value for one in chart.weight] == [80.0]


@pytest.mark.parametrize("missing", ["patient", "labs", "vitals"])
def test_without_a_server_what_every_dose_needs_must_be_prefetched(missing: str) -> None:
    sent = prefetched(*RECORD)
    del sent[missing]

    with pytest.raises(NothingToRead, match=missing):
        gather(PATIENT, "vancomycin", sent, None, NOW)


def test_without_a_server_either_doses_or_orders_must_be_prefetched() -> None:
    sent = prefetched(*RECORD)
    del sent["administrations"]
    assert unreachable(gather(PATIENT, "vancomycin", sent, None, NOW)) == {"doses"}

    del sent["requests"]
    with pytest.raises(NothingToRead):
        gather(PATIENT, "vancomycin", sent, None, NOW)


def test_what_was_not_sent_along_and_cannot_be_asked_for_is_said() -> None:
    """Whether the patient is dialysed is then not known, and not knowing is not a no."""
    sent = prefetched(*RECORD)
    del sent["conditions"], sent["genotypes"]

    assert unreachable(gather(PATIENT, "vancomycin", sent, None, NOW)) == {"conditions", "genotypes"}


@pytest.mark.parametrize("behaviour", ["unauthorised", "slow"])
def test_a_server_that_refuses_or_sleeps_leaves_findings_in_time(behaviour: Any) -> None:
    with serving(RECORD, behaviour) as base:
        chart = gather(PATIENT, "vancomycin", None, FhirClient(base, TOKEN, 0.5), NOW)

    assert unreachable(chart) == {
        "age", "sex", "weight", "height", "creatinine", "levels", "genotypes", "doses", "co_medications",
        "conditions", "gestational_age", "reactions",
    }  # fmt: skip
    assert not chart.co_medications_read


def test_a_server_that_is_down_leaves_findings() -> None:
    with serving(RECORD, "answers") as base:
        pass
    chart = gather(PATIENT, "vancomycin", None, FhirClient(base, TOKEN, 1.0), NOW)

    assert {"weight", "creatinine", "doses"} <= unreachable(chart)


def test_what_is_gathered_in_part_is_used() -> None:
    """The vital signs were sent along and the server is down: the weight is there, the rest is said."""
    sent = {key: value for key, value in prefetched(*RECORD).items() if key in ("patient", "vitals")}
    sent["vitals"] = bundle(RECORD[1])
    with serving(RECORD, "answers") as base:
        pass
    chart = gather(PATIENT, "vancomycin", sent, FhirClient(base, TOKEN, 1.0), NOW)

    assert [one.value for one in chart.weight] == [80.0]
    assert "weight" not in unreachable(chart)


def test_further_pages_of_a_prefetch_are_fetched() -> None:
    given_doses = tuple(
        given(f"2026-11-{day}T22:00:00+00:00", f"2026-11-{day}T23:00:00+00:00") for day in range(10, 20)
    )
    with serving((patient(), *given_doses), "answers") as base:
        link = [{"relation": "next", "url": f"{base}/MedicationAdministration?patient=Patient/{PATIENT}"}]
        sent = prefetched(administrations=bundle(given_doses[0], link=link))
        chart = gather(PATIENT, "vancomycin", sent, FhirClient(base, TOKEN, 10.0), NOW)

    assert len(chart.given) == 10


def test_further_pages_that_cannot_be_fetched_are_said() -> None:
    link = [{"relation": "next", "url": "https://ehr.example/fhir?page=2"}]
    sent = prefetched(administrations=bundle(RECORD[2], link=link))
    chart = gather(PATIENT, "vancomycin", sent, None, NOW)

    assert len(chart.given) == 1
    assert unreachable(chart) == {"doses"}


def test_what_was_sent_along_stays_if_its_further_pages_fail() -> None:
    with serving(RECORD, "unauthorised") as base:
        link = [{"relation": "next", "url": f"{base}/MedicationAdministration?patient=Patient/{PATIENT}"}]
        sent = prefetched(administrations=bundle(RECORD[2], link=link))
        chart = gather(PATIENT, "vancomycin", sent, FhirClient(base, TOKEN, 10.0), NOW)

    assert len(chart.given) == 1
    assert unreachable(chart) == {"doses"}


def partial_bundles() -> dict[str, dict[str, Any]]:
    """One of two doses, told in two ways."""
    return {
        "the total says more": bundle(RECORD[2], total=2),
        "a part of it failed": bundle(RECORD[2], OUTCOME),
    }


@pytest.mark.parametrize("told", partial_bundles())
def test_a_bundle_that_has_lost_entries_is_not_taken_for_the_whole(told: str) -> None:
    """A dose that is missing from the history would be asked for again."""
    chart = gather(PATIENT, "vancomycin", prefetched(administrations=partial_bundles()[told]), None, NOW)

    assert len(chart.given) == 1
    assert unreachable(chart) == {"doses"}


@pytest.mark.parametrize("told", partial_bundles())
def test_a_bundle_that_has_lost_entries_is_asked_for_again(told: str) -> None:
    second = given("2026-11-24T06:00:00+00:00", "2026-11-24T08:00:00+00:00")
    with serving((*RECORD, second), "answers") as base:
        sent = prefetched(RECORD[0], administrations=partial_bundles()[told])
        chart = gather(PATIENT, "vancomycin", sent, FhirClient(base, TOKEN, 10.0), NOW)

    assert len(chart.given) == 2
    assert unreachable(chart) == set()


def test_what_was_sent_of_a_bundle_stays_if_it_cannot_be_asked_for_again() -> None:
    with serving(RECORD, "unauthorised") as base:
        sent = prefetched(administrations=bundle(RECORD[2], total=2))
        chart = gather(PATIENT, "vancomycin", sent, FhirClient(base, TOKEN, 10.0), NOW)

    assert len(chart.given) == 1
    assert unreachable(chart) == {"doses"}


@pytest.mark.parametrize("total", [1, 0, None, "2", True])
def test_a_total_that_is_met_or_no_number_says_nothing(total: Any) -> None:
    sent = prefetched(administrations=bundle(RECORD[2], {"resourceType": "Medication"}, total=total))

    assert unreachable(gather(PATIENT, "vancomycin", sent, None, NOW)) == set()


def test_medications_that_prefetched_orders_refer_to_are_looked_up() -> None:
    order = request(
        instruction(),
        id="running",
        status="active",
        medicationCodeableConcept=None,
        medicationReference={"reference": "Medication/m"},
    )
    medication = {"resourceType": "Medication", "id": "m", "code": VANCOMYCIN}
    with serving((patient(), medication), "answers") as base:
        chart = gather(PATIENT, "vancomycin", prefetched(order), FhirClient(base, TOKEN, 10.0), NOW)

    assert [course.source for course in chart.ordered] == ["MedicationRequest/running"]


def test_medications_that_the_server_did_not_include_are_looked_up() -> None:
    order = request(
        instruction(),
        id="running",
        status="active",
        medicationCodeableConcept=None,
        medicationReference={"reference": "Medication/m"},
    )
    medication = {"resourceType": "Medication", "id": "m", "code": VANCOMYCIN}
    with serving((patient(), order, medication), "answers") as base:
        chart = gather(PATIENT, "vancomycin", None, FhirClient(base, TOKEN, 10.0), NOW)

    assert [course.source for course in chart.ordered] == ["MedicationRequest/running"]


def test_one_entry_from_two_answers_counts_once() -> None:
    level = observation(VANCOMYCIN_LEVEL, 14, "mg/L", "2026-11-24T06:00:00+00:00")
    chart = gather(PATIENT, "vancomycin", prefetched(level, vitals=bundle(level)), None, NOW)

    assert len(chart.levels) == 1


def test_included_resources_of_other_kinds_do_not_disturb() -> None:
    """Some servers return the Patient with every search, and warnings inside the Bundle."""
    sent = prefetched(*RECORD)
    sent["administrations"]["entry"] += [
        {"resource": patient(id="somebody-else")},
        {"resource": WARNING},
        {},
        None,
    ]
    chart = gather(PATIENT, "vancomycin", sent, None, NOW)

    assert len(chart.given) == 1
    assert chart.birth_date is not None


def test_a_failing_reader_costs_one_entry_and_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(resource: Any, **_: Any) -> Any:
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr("fhir_adapters.reading.read_administration", fails)
    chart = gather(PATIENT, "vancomycin", prefetched(*RECORD), None, NOW)

    assert ("excluded", "doses") in {(f.kind, f.about) for f in chart.findings}
    assert chart.birth_date is not None


def test_the_chart_does_not_show_who_it_is_about() -> None:
    """A chart in a log line or a traceback must not name the patient."""
    chart = gather(PATIENT, "vancomycin", prefetched(*RECORD), None, NOW)

    assert PATIENT not in repr(chart)
    assert "1966" not in repr(chart)
