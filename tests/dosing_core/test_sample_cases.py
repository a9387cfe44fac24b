"""The sample cases can be asked as they stand, and their answers are the ones that their names promise."""

from __future__ import annotations

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
