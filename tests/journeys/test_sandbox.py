"""An integrator's way to a new server: look at it, put samples there, read one, order a drug, clean up."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from journeys.medplum import TOKEN, medplum
from scenario import FIXTURES
from scripted_server import sends, server

from cds_hooks.cli import main
from cds_hooks.fhir_connection import TOKEN as VARIABLE
from fhir_adapters.client import FhirClient
from fhir_adapters.seeding import SYSTEM, transaction

NOW = "2026-11-24T09:00+00:00"
SAMPLE = "vancomycin-two-levels"


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with medplum() as url:
        yield url


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, TOKEN)


def run(*arguments: str) -> int:
    return main([*arguments])


def seeded(base: str, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    """Write the sample patient; gives the id that the server gave it."""
    assert run("sandbox", "seed", base, "--fixtures", str(FIXTURES), "--only", SAMPLE, *more) == 0
    found = re.search(rf"{SAMPLE}: Patient/(\S+)", capsys.readouterr().out)
    assert found is not None
    return found[1]


def count(base: str, kind: str) -> int:
    asked = f"{base}/{kind}?_count=1"
    answer = requests.get(asked, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30).json()
    return int(answer["total"])


def test_the_whole_way(base: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sandbox", "check", base) == 0
    said = capsys.readouterr().out
    assert "FHIR R4 (4.0.1)" in said
    assert re.search(r"MedicationAdministration \(administrations\) +doses +yes", said)

    patient = seeded(base, capsys)
    held = count(base, "Observation")
    assert held > 0
    assert seeded(base, capsys) == patient
    assert count(base, "Observation") == held

    asked = [base, "--patient", patient, "--drug", "vancomycin", "--now", NOW]
    assert run("chart", *asked) == 0
    said = capsys.readouterr().out
    assert re.search(r"value 34\.1, unit mg/L, charted 34\.1 mg/L.*\[Observation/", said)
    assert said.count("amount mg 1000, route iv") == 6
    assert "findings: none" in said

    assert run("chart", *asked, "--json") == 0
    chart = json.loads(capsys.readouterr().out)
    assert [one["value"] for one in chart["levels"]] == [34.1, 28.0]

    assert run("sandbox", "try", *asked, "--dose", "1000", "--every", "12") == 0
    said = capsys.readouterr().out
    assert "charted 34.1 mg/L" in said
    assert re.search(r"^\[(info|warning)\] Vancomycin", said, re.MULTILINE)
    assert "→" in said

    assert run("sandbox", "seed", base, "--fixtures", str(FIXTURES), "--undo") == 0
    assert "removed" in capsys.readouterr().out
    assert [count(base, kind) for kind in ("Patient", "Observation", "MedicationAdministration")] == [0, 0, 0]


def test_undo_leaves_what_others_wrote(base: str, capsys: pytest.CaptureFixture[str]) -> None:
    seeded(base, capsys)
    theirs = {"resourceType": "Patient", "identifier": [{"system": "urn:somebody", "value": SAMPLE}]}
    answer = requests.post(
        f"{base}/Patient",
        json=theirs,
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/fhir+json"},
        timeout=30,
    )
    answer.raise_for_status()

    assert run("sandbox", "seed", base, "--fixtures", str(FIXTURES), "--undo") == 0

    assert count(base, "Patient") == 1
    FhirClient(base, TOKEN, 10.0).delete("Patient", answer.json()["id"])


def test_undo_deletes_nothing_on_a_server_that_ignores_the_question() -> None:
    """Some servers answer a search by a parameter that they do not know with all that they have."""
    stranger = {"resourceType": "Patient", "id": "somebody"}
    everything = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": stranger}]}
    with server(sends(everything)) as (url, asked):
        done = run("sandbox", "seed", url, "--fixtures", str(FIXTURES), "--only", SAMPLE, "--undo")

    assert done == 0
    assert all("identifier=" in path for path in asked.paths)


def test_samples_are_written_under_our_identifiers_with_their_references_kept() -> None:
    resources: list[dict[str, Any]] = [
        entry["resource"]
        for entry in json.loads((FIXTURES / "patients" / f"{SAMPLE}.json").read_text())["entry"]
    ]
    bundle = transaction(resources)

    urls = {entry["fullUrl"] for entry in bundle["entry"]}
    assert len(urls) == len(resources)
    for entry in bundle["entry"]:
        resource = entry["resource"]
        assert "id" not in resource
        (ours,) = [one for one in resource["identifier"] if one["system"] == SYSTEM]
        assert entry["request"]["ifNoneExist"] == f"identifier={SYSTEM}|{ours['value']}"
        if resource["resourceType"] != "Patient":
            assert resource["subject"]["reference"] in urls


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chart", "nowhere", "--patient", "x", "--drug", "vancomycin"], "neither an http"),
        (["chart", "http://127.0.0.1:1", "--patient", "x", "--drug", "water"], "--drug 'water'"),
        (
            ["chart", "http://127.0.0.1:1", "--patient", "x", "--drug", "vancomycin", "--now", "today"],
            "--now",
        ),
        (["sandbox", "check", "http://127.0.0.1:1", "--quirks", "odd"], "--quirks 'odd'"),
        (["sandbox", "check", "http://127.0.0.1:1", "--client-id", "x"], "belong together"),
        (["sandbox", "check", "http://127.0.0.1:1", "--seconds", "2"], "no connection"),
        (["sandbox", "seed", "http://127.0.0.1:1", "--fixtures", "/nowhere"], "no sample patients"),
        (["sandbox", "seed", "http://127.0.0.1:1", "--fixtures", str(FIXTURES), "--only", "me"], "--only me"),
        (
            ["sandbox", "try", "http://127.0.0.1:1", "--patient", "x", "--drug", "vancomycin", "--dose", "1"],
            "--dose and --every",
        ),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    assert said in capsys.readouterr().err


def test_a_server_of_which_little_can_be_had_is_told_from_one_that_has_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    observation = {
        "type": "Observation",
        "interaction": [{"code": "search-type"}],
        "searchParam": [{"name": "patient"}, {"name": "code"}],
    }
    statement = {
        "resourceType": "CapabilityStatement",
        "fhirVersion": "4.0.1",
        "rest": [{"mode": "server", "resource": [observation]}],
    }
    with server(sends(statement)) as (url, _):
        assert run("sandbox", "check", url) == 1

    said = capsys.readouterr().out
    assert re.search(r"Observation \(labs\).*yes +not named by the server: category, date", said)
    assert re.search(r"MedicationAdministration .*no +the server does not say", said)


def test_the_known_servers_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sandbox", "list") == 0
    said = capsys.readouterr().out
    assert "https://r4.smarthealthit.org" in said
    assert "epic" in said


def test_the_token_is_not_printed(base: str, capsys: pytest.CaptureFixture[str]) -> None:
    run("sandbox", "check", base)
    run("chart", base, "--patient", "nobody", "--drug", "vancomycin")

    output = capsys.readouterr()
    assert TOKEN not in output.out + output.err
