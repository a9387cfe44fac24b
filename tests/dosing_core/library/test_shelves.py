"""A hospital's own drug files: laid over the package's, whole, and visible in every answer."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from core_case import case_of, scenario

from dosing_core import recommend
from dosing_core.errors import InvalidDrugFile, UnknownDrug
from dosing_core.library import Library, install, installed, load_drug

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


def test_a_file_that_does_not_hold_takes_its_drug_out_and_the_packages_file_does_not_stand_in(
    tmp_path: Path,
) -> None:
    (tmp_path / "vancomycin.yaml").write_text(VANCOMYCIN.replace("    unit: mg\n", "", 1))

    library, wrong = Library((tmp_path,)).sound()

    assert library.names() == tuple(name for name in Library().names() if name != "vancomycin")
    assert [problem.where.split(":")[0] for problem in wrong] == ["vancomycin.yaml"]
    with pytest.raises(UnknownDrug):
        library.load("vancomycin")
    with pytest.raises(UnknownDrug):
        recommend(case_of(scenario("01"), "vancomycin"), library)


def test_a_file_that_is_no_text_is_a_wrong_file(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_bytes(b"\xff\xfe drug")

    _, wrong = Library((tmp_path,)).sound()

    assert "UTF-8" in str(wrong[0])


@pytest.fixture
def own_process() -> Iterator[None]:
    """The process's library as it was, after the test."""
    before = installed()
    yield
    install(before)


@pytest.mark.usefixtures("own_process")
def test_the_library_of_the_process_answers_where_none_is_named(hospital: Library) -> None:
    install(hospital)

    answer = recommend(case_of(scenario("01"), "vancomycin"))

    assert answer.target is not None
    assert answer.target.high == 550
    assert load_drug("vancomycin").targets[0].range.high == 550
