"""Kidney function of children and across ages, and the kinetic estimate."""

from __future__ import annotations

import pytest

from dosing_core.case import Sex
from dosing_core.physiology.kinetic_gfr import fastest_rise, kinetic_gfr
from dosing_core.physiology.renal_children import bedside_schwartz, ckid_u25_creatinine, ckid_u25_cystatin
from dosing_core.physiology.renal_ekfc import ekfc_creatinine, ekfc_cystatin, healthy_creatinine


def test_bedside_schwartz() -> None:
    """clinPK's published unit test: 50 cm, 0.5 mg/dL gives 41.3."""
    assert bedside_schwartz(1, 50, 0.5) == pytest.approx(41.3, abs=0.05)
    with pytest.raises(ValueError, match="1 to 18"):
        bedside_schwartz(0.5, 60, 0.3)


@pytest.mark.parametrize(
    ("age", "sex", "height", "creatinine", "expected"),
    [(10, "male", 140, 0.6, 89.6), (15, "female", 160, 0.7, 88.3)],
)
def test_ckid_u25(age: float, sex: Sex, height: float, creatinine: float, expected: float) -> None:
    """Recomputed independently from the published k."""
    assert ckid_u25_creatinine(age, height, creatinine, sex) == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize(("sex", "youngest", "grown"), [("male", 35.7, 50.8), ("female", 33.1, 41.4)])
def test_ckid_u25_runs_between_the_ends_that_its_abstract_names(
    sex: Sex, youngest: float, grown: float
) -> None:
    """Pierce et al. 2021, abstract: k from 35.7 (33.1) at 1 year to 50.8 (41.4) from 18 years on."""
    assert ckid_u25_creatinine(1, 100, 1.0, sex) == pytest.approx(youngest, abs=0.06)
    assert ckid_u25_creatinine(18, 100, 1.0, sex) == grown
    # No jump where the formula changes.
    assert ckid_u25_creatinine(17.999, 100, 1.0, sex) == pytest.approx(grown, abs=0.06)
    assert ckid_u25_cystatin(17.999, 1.0, sex) == pytest.approx(ckid_u25_cystatin(18, 1.0, sex), abs=0.15)


@pytest.mark.parametrize(
    ("age", "sex", "umol_l", "q_umol_l", "expected"),
    [
        (10, "male", 50, 47.26, 100.7),
        (10, "female", 50, 45.11, 95.5),
        (16, "male", 70, 67.27, 102.6),
        (60, "female", 80, 61.9, 65.6),
    ],
)
def test_ekfc(age: float, sex: Sex, umol_l: float, q_umol_l: float, expected: float) -> None:
    """Recomputed independently from the published constants."""
    assert healthy_creatinine(age, sex) * 88.4 == pytest.approx(q_umol_l, rel=0.005)
    assert ekfc_creatinine(age, umol_l / 88.4, sex) == pytest.approx(expected, rel=0.01)


def test_ekfc_by_cystatin_c_is_107_at_the_healthy_median() -> None:
    """By construction of the equation: cystatin C of Q gives 107.3 up to 40 years, 1 % a year less after."""
    assert ekfc_cystatin(30, 0.83) == pytest.approx(107.3)
    assert ekfc_cystatin(60, 0.88) == pytest.approx(107.3 * 0.99**20)
    with pytest.raises(ValueError, match="2 years"):
        ekfc_cystatin(1.5, 0.9)


def test_the_kinetic_estimate_of_a_rise_and_a_fall() -> None:
    """Chen 2013, recomputed independently: body water 42 L (70 kg), baseline 1.0 mg/dL at 100 mL/min."""
    assert fastest_rise(1.0, 100, 70) == pytest.approx(3.429, rel=0.005)
    assert kinetic_gfr(1.0, 100, 1.0, 1.6, 12, 70) == pytest.approx(50.0, rel=0.005)
    assert kinetic_gfr(1.0, 100, 3.0, 2.2, 24, 70) == pytest.approx(47.4, rel=0.005)


def test_no_change_gives_the_baseline_back_and_a_leap_gives_nothing() -> None:
    assert kinetic_gfr(1.0, 100, 1.0, 1.0, 24, 70) == pytest.approx(100)
    assert kinetic_gfr(1.0, 100, 1.0, 6.0, 24, 70) == 0.0
    with pytest.raises(ValueError, match="different times"):
        kinetic_gfr(1.0, 100, 1.0, 1.2, 0, 70)
