"""The record read from an independent FHIR server is the record that an EHR prefetches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from journeys.medplum import PAGE, TOKEN, load, medplum
from journeys.record_server import prefetched
from scenario import Scenario, read_scenario, scenario_paths

from fhir_adapters.client import FhirClient
from fhir_adapters.gather import gather
from fhir_adapters.prefetch import PREFETCH

pytestmark = pytest.mark.fhir_server

PATIENTS = (
    "vancomycin-two-levels",
    "vancomycin-rising-creatinine",
    "tacrolimus-expresser",
    "level-in-molar-units",
    "conflicting-weights",
)
PATIENCE = 60.0
"""Seconds; the in-memory server searches by looking at everything it holds."""


def scenarios() -> dict[str, Scenario]:
    """One scenario for each of these patients."""
    read = {scenario.patient_id: scenario for scenario in map(read_scenario, scenario_paths())}
    return {name: read[name] for name in PATIENTS}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Medplum in memory, holding the patients."""
    with medplum() as base:
        for scenario in scenarios().values():
            load(base, scenario.resources)
        yield base


@pytest.mark.parametrize("name", PATIENTS)
def test_a_chart_read_from_medplum_equals_the_prefetched_one(name: str, server: str) -> None:
    scenario = scenarios()[name]
    drug = "tacrolimus" if name.startswith("tacrolimus") else "vancomycin"
    fetched = gather(name, drug, None, FhirClient(server, TOKEN, PATIENCE), scenario.now)

    assert not [finding for finding in fetched.findings if finding.kind == "unreachable"]
    assert fetched == gather(name, drug, prefetched(PREFETCH, scenario.resources, name), None, scenario.now)


def test_the_course_of_tacrolimus_comes_in_several_pages(server: str) -> None:
    scenario = scenarios()["tacrolimus-expresser"]
    found = FhirClient(server, TOKEN, PATIENCE).search(
        "MedicationAdministration", (("patient", "Patient/tacrolimus-expresser"), ("_count", "500"))
    )
    charted = [one for one in scenario.resources if one["resourceType"] == "MedicationAdministration"]

    assert len(found.resources) == len(charted) > PAGE
    assert found.problem is None


def test_medplum_refuses_a_wrong_token_and_the_chart_says_so(server: str) -> None:
    chart = gather(
        "tacrolimus-expresser",
        "tacrolimus",
        None,
        FhirClient(server, "another", PATIENCE),
        scenarios()["tacrolimus-expresser"].now,
    )

    assert {finding.kind for finding in chart.findings} == {"unreachable"}
    assert "401" in chart.findings[0].detail
