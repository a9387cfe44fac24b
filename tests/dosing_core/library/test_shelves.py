"""A hospital's own drug files: laid over the package's, whole, and visible in every answer."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from core_case import case_of, scenario

from dosing_core import recommend
from dosing_core.errors import InvalidDrugFile, UnknownDrug
from dosing_core.library import Library

VANCOMYCIN = files("dosing_core.library").joinpath("vancomycin.yaml").read_text()


@pytest.fixture
def hospital(tmp_path: Path) -> Library:
    """Its vancomycin aims at 400–550 and is otherwise the package's."""
    own = VANCOMYCIN.replace("      high: 600\n      unit: mg*h/L", "      high: 550\n      unit: mg*h/L", 1)
    assert own != VANCOMYCIN
    (tmp_path / "vancomycin.yaml").write_text(own)
    return Library((tmp_path,))


def test_a_hospitals_file_takes_the_place_of_the_packages(hospital: Library) -> None:
    case = case_of(scenario("01"), "vancomycin")
    ours, theirs = recommend(case), recommend(case, hospital)

    assert ours.target is not None
    assert theirs.target is not None
    assert (ours.target.high, theirs.target.high) == (600, 550)
    assert ours.engine != theirs.engine


def test_what_is_overridden_says_so(hospital: Library) -> None:
    assert hospital.overridden("vancomycin")
    assert not hospital.overridden("tacrolimus")
    assert hospital.origin("tacrolimus") is None


def test_a_directory_adds_drugs_and_loses_none(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("drug: other")
    library = Library((tmp_path,))

    assert set(library.names()) == {*Library().names(), "other"}
    with pytest.raises(InvalidDrugFile):
        library.load("other")


def test_a_drug_on_no_shelf_is_unknown(hospital: Library) -> None:
    with pytest.raises(UnknownDrug):
        hospital.origin("amoxicillin")
