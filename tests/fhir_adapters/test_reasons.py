"""Diseases that models ask for, and what an order is for, by code."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from charting import NOW, PATIENT, SNOMED, instruction, patient, prefetched, request

from dosing_core.case import Case, ConditionName
from dosing_core.library import drugs
from fhir_adapters.chart import PatientChart
from fhir_adapters.gather import gather
from fhir_adapters.intake import to_case
from fhir_adapters.order import read_order
from fhir_adapters.terminology.tables import table

ICD = "http://hl7.org/fhir/sid/icd-10-cm"
GENTAMICIN = {"text": "gentamicin"}


def condition(system: str, code: str, **members: Any) -> dict[str, Any]:
    """An active condition."""
    return {
        "resourceType": "Condition",
        "id": f"c-{code}",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"coding": [{"system": system, "code": code}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
    } | members


def chart(*resources: dict[str, Any], drug: str = "gentamicin") -> PatientChart:
    return gather(PATIENT, drug, prefetched(patient(), *resources), None, NOW)


def case(order: dict[str, Any], *resources: dict[str, Any]) -> Case:
    """The question that an order of gentamicin puts."""
    order = order | {"medicationCodeableConcept": GENTAMICIN}
    return to_case(chart(*resources), read_order(order, patient_id=PATIENT), NOW)


@pytest.mark.parametrize(
    ("system", "code", "name"),
    [
        (ICD, "I50.9", "heart_failure"),
        (ICD, "I11.0", "heart_failure"),
        (SNOMED, "84114007", "heart_failure"),
        (ICD, "K74.60", "liver_disease"),
        (SNOMED, "19943007", "liver_disease"),
        (ICD, "K50.90", "crohns_disease"),
        (SNOMED, "64766004", "ulcerative_colitis"),
        (ICD, "Z33.1", "pregnancy"),
        (ICD, "Z33", "pregnancy"),
        (ICD, "A41.9", "sepsis"),
        (ICD, "R65.21", "sepsis"),
        (SNOMED, "91302008", "sepsis"),
        (ICD, "T07", "trauma"),
        (ICD, "E84.0", "cystic_fibrosis"),
        (ICD, "C49.A3", "gastrointestinal_stromal_tumour"),
    ],
)
def test_a_disease_is_known_by_its_code(system: str, code: str, name: str) -> None:
    assert [one.name for one in chart(condition(system, code)).conditions] == [name]


@pytest.mark.parametrize(
    "code",
    [
        "I11.9",  # hypertensive heart disease without heart failure
        "K76.0",  # fatty liver
        "Z33.2",  # the end of a pregnancy
        "I5",
        "O80",  # delivery
    ],
)
def test_neighbouring_codes_are_other_diseases(code: str) -> None:
    assert chart(condition(ICD, code)).conditions == ()


@pytest.mark.parametrize(
    "members",
    [
        {"clinicalStatus": {"coding": [{"code": "resolved"}]}},
        {"verificationStatus": {"coding": [{"code": "refuted"}]}},
        {"abatementDateTime": "2026-10-01"},
        {"code": {"coding": [{"system": "urn:local", "code": "I50.9"}], "text": "heart failure"}},
    ],
)
def test_what_is_over_denied_or_only_said_in_words_does_not_count(members: dict[str, Any]) -> None:
    assert chart(condition(ICD, "I50.9") | members).conditions == ()


def test_an_acute_state_that_nobody_closed_is_over_after_its_time_and_that_is_said() -> None:
    read = chart(
        condition(ICD, "A41.9", onsetDateTime="2026-05-01"),
        condition(ICD, "E84.0", onsetDateTime="1990-01-01"),
    )

    assert [one.name for one in read.conditions] == ["cystic_fibrosis"]
    assert "sepsis is on record from so long ago" in next(
        f.detail for f in read.findings if f.about == "conditions"
    )
    recent = chart(condition(ICD, "A41.9", onsetDateTime="2026-11-20"))
    assert [(one.name, one.time is not None) for one in recent.conditions] == [("sepsis", True)]


def test_every_condition_that_a_model_may_ask_for_has_codes() -> None:
    rows = {row["name"]: row for row in table("conditions")["conditions"]}

    assert set(rows) == set(get_args(ConditionName))
    assert all(row["icd-10"] or row["snomed"] for row in rows.values())


def test_the_reason_of_an_order_is_its_indication_and_a_condition() -> None:
    coded = {"coding": [{"system": ICD, "code": "A41.9"}]}
    asked = case(request(instruction(), reasonCode=[coded]))

    assert asked.indication == "sepsis"
    assert [one.name for one in asked.subject.conditions] == ["sepsis"]
    assert asked.subject.conditions[0].source == asked.order.source


@pytest.mark.parametrize(
    ("reason", "indication"),
    [
        ({"text": "Pneumonia"}, "pneumonia"),
        ({"text": "rule out pneumonia"}, None),
        ({"coding": [{"system": SNOMED, "code": "233604007"}]}, "pneumonia"),
        ({"coding": [{"system": "urn:local", "code": "J18.9"}]}, None),
        ({"text": "critically ill"}, "critical illness"),
    ],
)
def test_a_reason_counts_by_code_or_by_its_whole_text(reason: dict[str, Any], indication: str | None) -> None:
    assert case(request(instruction(), reasonCode=[reason])).indication == indication


def test_an_order_may_refer_to_a_condition_of_the_record_or_bring_it_along() -> None:
    pneumonia = condition(ICD, "J18.9")
    referring = request(instruction(), reasonReference=[{"reference": "Condition/c-J18.9"}])
    bringing = request(
        instruction(), contained=[pneumonia | {"id": "r"}], reasonReference=[{"reference": "#r"}]
    )

    assert case(referring, pneumonia).indication == "pneumonia"
    assert case(referring).indication is None
    assert case(referring, pneumonia | {"subject": {"reference": "Patient/another"}}).indication is None
    assert case(bringing).indication == "pneumonia"


def test_a_problem_that_the_order_does_not_name_is_no_indication() -> None:
    assert case(request(instruction()), condition(ICD, "J18.9")).indication is None


def test_reasons_with_different_aims_choose_none() -> None:
    tobramycin = {"text": "tobramycin"}
    reasons = [{"coding": [{"system": ICD, "code": code}]} for code in ("A41.9", "E84.0")]
    order = request(instruction(), reasonCode=reasons, medicationCodeableConcept=tobramycin)
    asked = to_case(chart(drug="tobramycin"), read_order(order, patient_id=PATIENT), NOW)

    assert asked.indication is None
    assert any("different aims" in finding.detail for finding in asked.findings)


def test_every_indication_of_the_library_can_be_named_by_an_order() -> None:
    known = {word for row in table("indications")["indications"] for word in row["words"]}
    used = {word for drug in drugs() for rule in drug.targets for word in rule.indications}
    diagnoses = {word for word in used if "_" not in word}  # others are aims that only a request names

    assert diagnoses <= known
