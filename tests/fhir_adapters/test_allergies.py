"""Earlier reactions: whose, to what, how severe, and which no longer count."""

from __future__ import annotations

from typing import Any

import pytest
from charting import PATIENT, RXNORM

from dosing_core.case import Reaction
from fhir_adapters.allergies import read_reactions

CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
VERIFIED = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"


def allergy(name: str = "vancomycin", **members: Any) -> dict[str, Any]:
    return {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "clinicalStatus": {"coding": [{"system": CLINICAL, "code": "active"}]},
        "code": {"text": name},
        "patient": {"reference": f"Patient/{PATIENT}"},
    } | members


def read(drug: str, *resources: dict[str, Any]) -> tuple[Reaction, ...]:
    return read_reactions(resources, patient_id=PATIENT, drug=drug)[0]


def verified(code: str) -> dict[str, Any]:
    return {"coding": [{"system": VERIFIED, "code": code}]}


@pytest.mark.parametrize(
    ("members", "severe"),
    [
        ({"criticality": "high"}, True),
        ({"criticality": "low"}, False),
        ({}, False),
        ({"reaction": [{"severity": "severe", "manifestation": [{"text": "rash"}]}]}, True),
        ({"reaction": [{"severity": "mild", "manifestation": [{"text": "flushing"}]}]}, False),
        ({"reaction": [{"manifestation": [{"text": "Anaphylactic shock"}]}]}, True),
        ({"reaction": [{"manifestation": [{"text": "Stevens-Johnson syndrome"}]}]}, True),
        ({"criticality": "CRITH"}, True),
    ],
)
def test_how_severe_a_reaction_is(members: dict[str, Any], severe: bool) -> None:
    (reaction,) = read("vancomycin", allergy(**members))

    assert reaction.severe is severe
    assert reaction.substance == "vancomycin"


@pytest.mark.parametrize(
    "members",
    [
        {"verificationStatus": verified("refuted")},
        {"verificationStatus": verified("entered-in-error")},
        {"clinicalStatus": {"coding": [{"system": CLINICAL, "code": "resolved"}]}},
        {"clinicalStatus": "inactive"},
        {"status": "entered-in-error"},
        {"patient": {"reference": "Patient/somebody-else"}},
    ],
)
def test_what_is_over_denied_or_somebody_else_s_does_not_count(members: dict[str, Any]) -> None:
    assert read("vancomycin", allergy(criticality="high", **members)) == ()


def test_an_unconfirmed_reaction_counts_and_is_called_so() -> None:
    (doubtful,) = read("vancomycin", allergy(verificationStatus=verified("unconfirmed")))
    (sure,) = read("vancomycin", allergy(verificationStatus=verified("confirmed")))

    assert (doubtful.confirmed, sure.confirmed) == (False, True)


@pytest.mark.parametrize(
    ("drug", "named", "substance"),
    [
        ("piperacillin", "Penicillin", "penicillins"),
        ("piperacillin", "PENICILLINS", "penicillins"),
        ("meropenem", "Penicillin", None),
        ("cefepime", "cephalosporins", "cephalosporins"),
        ("meropenem", "cephalosporins", None),  # carbapenems are beside them in the ATC
        ("gentamicin", "aminoglycosides", "aminoglycosides"),
        ("vancomycin", "penicillin", None),
        ("abacavir", "abacavir", "abacavir"),
    ],
)
def test_a_group_speaks_of_its_drugs_by_the_atc(drug: str, named: str, substance: str | None) -> None:
    found = read(drug, allergy(named))

    assert [one.substance for one in found] == ([substance] if substance else [])


def test_a_code_names_a_drug_too() -> None:
    coded = {"coding": [{"system": RXNORM, "code": "11124"}]}

    assert len(read("vancomycin", allergy(code=coded))) == 1
    assert read("vancomycin", allergy("No known allergies")) == ()


def test_shapes_of_older_editions_are_read() -> None:
    """DSTU2: ``substance`` and one ``status``; the patient's reference is the same."""
    old = {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "substance": {"text": "vancomycin"},
        "status": "confirmed",
        "criticality": "CRITH",
        "patient": {"reference": f"Patient/{PATIENT}"},
    }
    (reaction,) = read("vancomycin", old)

    assert (reaction.severe, reaction.confirmed) == (True, True)
