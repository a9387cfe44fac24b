"""Kidney function of adults against published examples and independent recomputations."""

from __future__ import annotations

import inspect

import pytest

from dosing_core.physiology import renal
from dosing_core.physiology.body_size import WeightChoice
from dosing_core.physiology.renal import (
    absolute,
    ckd_epi_2012_cystatin,
    ckd_epi_2021,
    ckd_epi_2021_creatinine_cystatin,
    cockcroft_gault,
    gfr_category,
    indexed,
    measured_clearance,
)


def test_cockcroft_gault_with_total_weight() -> None:
    """clinPK's published unit test: man, 40 y, 80 kg, 1 mg/dL gives 111 mL/min."""
    assert cockcroft_gault(40, 80, 1.0, "male", weight=WeightChoice.TOTAL) == pytest.approx(111, abs=0.5)


@pytest.mark.parametrize(
    ("age", "choice", "expected"),
    [(50, WeightChoice.ADJUSTED, 131), (40, WeightChoice.IDEAL, 104)],
)
def test_cockcroft_gault_in_obesity_depends_on_the_weight_chosen(
    age: float, choice: WeightChoice, expected: float
) -> None:
    """clinPK's published unit tests: men of 150 kg and 180 cm, 1 mg/dL."""
    assert cockcroft_gault(age, 150, 1.0, "male", weight=choice, height_cm=180) == pytest.approx(
        expected, abs=0.6
    )


def test_cockcroft_gault_gives_women_85_percent() -> None:
    """Cockcroft and Gault 1976: women 15 % less."""
    woman = cockcroft_gault(60, 70, 1.2, "female", weight=WeightChoice.TOTAL)

    # By hand: (140 − 60) · 70 / (72 · 1.2) = 64.8148; times 0.85.
    assert woman == pytest.approx(55.0926, abs=1e-4)


@pytest.mark.parametrize(
    ("weight", "expected_weight"),
    [(60.0, 60.0), (80.0, 70.4646), (150.0, 102.2787)],
)
def test_the_adaptive_weight_is_total_then_ideal_then_adjusted(weight: float, expected_weight: float) -> None:
    """Man of 175 cm: ideal 50 + 2.3 · (175/2.54 − 60) = 70.4646; adjusted 70.4646 + 0.4 · 79.5354 kg."""
    chosen = cockcroft_gault(50, weight, 1.0, "male", weight=WeightChoice.ADAPTIVE, height_cm=175)

    assert chosen == pytest.approx(90 * expected_weight / 72, rel=1e-5)


def test_a_weight_that_needs_height_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="height"):
        cockcroft_gault(50, 80, 1.0, "male", weight=WeightChoice.IDEAL)


@pytest.mark.parametrize(("sex", "expected"), [("female", 74), ("male", 89)])
def test_ckd_epi_2021(sex: str, expected: float) -> None:
    """clinPK's published unit tests: 80 y, 0.8 mg/dL."""
    assert ckd_epi_2021(80, 0.8, "female" if sex == "female" else "male") == pytest.approx(expected, abs=0.5)


def test_ckd_epi_2021_is_for_adults() -> None:
    with pytest.raises(ValueError, match="18"):
        ckd_epi_2021(17, 0.8, "male")


def test_race_is_no_input() -> None:
    for function in (cockcroft_gault, ckd_epi_2021):
        assert not {"race", "ethnicity", "black"} & set(inspect.signature(function).parameters)
    assert not hasattr(renal, "mdrd")


def test_ckd_epi_with_cystatin_c() -> None:
    """Woman, 50 y, creatinine 1.1 mg/dL, cystatin C 1.2 mg/L: 61.0 with both and 59.8 with cystatin C alone,
    recomputed independently from two public implementations' constants."""
    assert ckd_epi_2021_creatinine_cystatin(50, 1.1, 1.2, "female") == pytest.approx(61.0, rel=0.005)
    assert ckd_epi_2012_cystatin(50, 1.2, "female") == pytest.approx(59.8, rel=0.005)


def test_a_timed_collection() -> None:
    """By hand: 100 mg/dL in 1,440 mL over 24 h at 1 mg/dL is 100 mL/min."""
    assert measured_clearance(100, 1440, 24, 1.0) == pytest.approx(100)
    with pytest.raises(ValueError, match="time of collection"):
        measured_clearance(100, 1440, 0, 1.0)


def test_indexed_and_absolute_are_different_quantities() -> None:
    """60 mL/min/1.73 m² in a body of 2.2 m² is 76.3 mL/min: 60 · 2.2 / 1.73."""
    assert absolute(60, 2.2) == pytest.approx(76.3006, abs=1e-4)
    assert indexed(absolute(60, 2.2), 2.2) == pytest.approx(60)


@pytest.mark.parametrize(
    ("gfr", "category"),
    [(90, "G1"), (89.9, "G2"), (60, "G2"), (59, "G3a"), (44.9, "G3b"), (29, "G4"), (15, "G4"), (14.9, "G5")],
)
def test_kdigo_categories_begin_at_their_floor(gfr: float, category: str) -> None:
    assert gfr_category(gfr) == category
