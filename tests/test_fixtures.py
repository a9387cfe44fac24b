"""The shared fixtures hold what they promise: valid FHIR, closed references, no future, no collisions."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.medicationrequest import MedicationRequest
from scenario import FIXTURES, Scenario, patient_paths, read_scenario, scenario_paths

REQUIRED_VIGNETTES = {1, 2, 3, 10, 12, 33, 34, 35}


def _name(path: Path) -> str:
    return path.name.split(".")[0]


@pytest.fixture(params=patient_paths(), ids=_name)
def bundle(request: pytest.FixtureRequest) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(request.param.read_bytes())
    return read | {"_file": request.param.stem}


@pytest.fixture(params=scenario_paths(), ids=_name)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return read_scenario(request.param)


def _resources(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle["entry"]]


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a JSON value with the name of the member that holds it."""
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _leaves(child, name)
    elif isinstance(value, list):
        for child in value:
            yield from _leaves(child, key)
    else:
        yield key, value


def _codings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "system" in value and "code" in value:
            yield value
        for child in value.values():
            yield from _codings(child)
    elif isinstance(value, list):
        for child in value:
            yield from _codings(child)


def test_a_patient_is_one_valid_r4_collection_named_like_its_file(bundle: dict[str, Any]) -> None:
    name = bundle.pop("_file")
    Bundle.model_validate(bundle)
    tag = bundle["meta"]["tag"][0]
    patients = [r["id"] for r in _resources(bundle) if r["resourceType"] == "Patient"]

    assert bundle["type"] == "collection"
    assert (tag["system"], tag["code"], patients) == ("urn:dosewright:sample", name, [name])
    assert tag["display"]


def test_references_resolve_inside_the_bundle(bundle: dict[str, Any]) -> None:
    held = {f"{r['resourceType']}/{r['id']}" for r in _resources(bundle)}
    referenced = {value for key, value in _leaves(bundle) if key == "reference"}

    assert referenced <= held


def test_every_resource_is_about_the_patient(bundle: dict[str, Any]) -> None:
    subjects = {
        (r["patient"] if r["resourceType"] == "AllergyIntolerance" else r["subject"])["reference"]
        for r in _resources(bundle)
        if r["resourceType"] not in {"Patient"}
    }

    assert subjects == {f"Patient/{bundle['_file']}"}


def test_nothing_on_record_lies_in_the_future(bundle: dict[str, Any]) -> None:
    now = datetime.fromisoformat(bundle["timestamp"])
    instants = [value for _, value in _leaves(bundle) if re.match(r"\d{4}-\d\d-\d\dT", str(value))]
    days = [value for _, value in _leaves(bundle) if re.fullmatch(r"\d{4}-\d\d-\d\d", str(value))]

    assert instants
    assert all(datetime.fromisoformat(instant) <= now for instant in instants)
    assert all(date.fromisoformat(day) <= now.date() for day in days)


def test_doses_of_a_drug_are_charted_in_order_and_do_not_overlap(bundle: dict[str, Any]) -> None:
    periods = [
        (r["effectivePeriod"]["start"], r["effectivePeriod"]["end"])
        for r in _resources(bundle)
        if r["resourceType"] == "MedicationAdministration" and "effectivePeriod" in r
    ]
    flat = [datetime.fromisoformat(instant) for period in periods for instant in period]

    assert flat == sorted(flat)


def test_loinc_check_digits_hold(bundle: dict[str, Any]) -> None:
    """LOINC codes end in a Luhn (mod 10) digit, which catches most codes copied wrongly."""
    for coding in _codings(bundle):
        if coding["system"] == "http://loinc.org":
            digits, check = coding["code"].split("-")
            odd, even = digits[::-1][::2], digits[::-1][1::2]
            total = sum(sum(divmod(2 * int(digit), 10)) for digit in odd) + sum(map(int, even))
            assert int(check) == -total % 10, coding


def test_no_two_resources_of_all_fixtures_share_an_id() -> None:
    counts = Counter(
        (r["resourceType"], r["id"])
        for path in patient_paths()
        for r in _resources(json.loads(path.read_bytes()))
    )

    assert [key for key, count in counts.items() if count > 1] == []


def test_every_question_has_its_answer_and_every_patient_is_asked_about() -> None:
    questions = {path.name.removesuffix(".question.json") for path in scenario_paths()}
    answers = {p.name.removesuffix(".answer.json") for p in (FIXTURES / "scenarios").glob("*.answer.json")}
    asked = {read_scenario(path).question.patient for path in scenario_paths()}

    assert questions == answers
    assert asked == {f"patients/{path.name}" for path in patient_paths()}


def test_the_required_vignettes_are_scenarios() -> None:
    vignettes = {read_scenario(path).question.vignette for path in scenario_paths()}

    assert vignettes >= REQUIRED_VIGNETTES


def test_a_question_is_an_unsigned_order_in_valid_r4(scenario: Scenario) -> None:
    order = scenario.question.order
    MedicationRequest.model_validate(order)

    assert (order["status"], order["intent"]) == ("draft", "order")


def test_an_answer_expects_words_only_where_a_card_may_appear(scenario: Scenario) -> None:
    answer = scenario.answer

    assert not (answer.says and None in answer.indicator)
    assert len(answer.because) > 40
    for low, high in filter(None, (answer.daily_dose_mg, answer.loading_dose_mg, answer.next_level_within_h)):
        assert low < high
