"""The sample cases can be asked as they stand, and their answers are the ones that their names promise."""

from __future__ import annotations

import json

import pytest
from scenario import FIXTURES

from dosing_core import recommend
from dosing_core.case import Case

OUTCOMES = {
    "tacrolimus-expresser": "recommend",
    "vancomycin-first-dose": "agree",
    "vancomycin-implausible-level": "agree",
    "vancomycin-missing-weight": "insufficient",
    "vancomycin-rising-creatinine": "insufficient",
    "vancomycin-two-levels": "recommend",
}


def test_every_sample_case_has_its_outcome_here() -> None:
    assert {path.stem for path in (FIXTURES / "cases").glob("*.json")} == set(OUTCOMES)


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_sample_case_is_answered(name: str) -> None:
    case = Case.from_bytes((FIXTURES / "cases" / f"{name}.json").read_bytes())

    assert recommend(case).outcome == OUTCOMES[name]


def test_the_transplanted_mans_case_knows_the_day_that_his_record_knows() -> None:
    """Without it the target of the first weeks and the doses before the record would be guesses."""
    case = Case.from_bytes((FIXTURES / "cases" / "tacrolimus-expresser.json").read_bytes())
    record = json.loads((FIXTURES / "patients" / "tacrolimus-expresser.json").read_bytes())
    onsets = [e["resource"]["onsetDateTime"] for e in record["entry"] if "onsetDateTime" in e["resource"]]
    (transplant,) = case.subject.conditions

    assert transplant.time is not None
    assert onsets == [transplant.time.isoformat()]
