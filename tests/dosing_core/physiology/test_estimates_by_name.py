"""Estimates by name, and the refusal of race."""

from __future__ import annotations

import inspect

import pytest

from dosing_core.errors import RaceNotUsed, UnknownEquation
from dosing_core.physiology.estimates import EQUATIONS, equation


def test_a_name_is_found_as_people_write_it() -> None:
    assert equation("CKD-EPI 2021").function(80, 0.8, "female") == pytest.approx(74, abs=0.5)


@pytest.mark.parametrize("name", ["MDRD4", "ckd-epi 2009"])
def test_an_equation_built_with_race_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(RaceNotUsed, match="task force"):
        equation(name)


def test_race_is_refused_for_any_equation() -> None:
    with pytest.raises(RaceNotUsed, match="Race is no biology"):
        equation("cockcroft_gault", race=True)


def test_no_estimate_takes_race() -> None:
    for one in EQUATIONS:
        assert not {"race", "ethnicity", "black", "ancestry"} & set(
            inspect.signature(one.function).parameters
        )


def test_an_unknown_name_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(UnknownEquation, match="ekfc_creatinine"):
        equation("cystaguess")
