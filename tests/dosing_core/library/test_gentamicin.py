"""Gentamicin: its models give the published numbers, and its answers make sense at the bedside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bedside import asked, given, infusion, median, option

from dosing_core import recommend
from dosing_core.library import load_drug

FILE = load_drug("gentamicin")
SEVEN = infusion(490, 24, 0.5)
"""7 mg/kg at 70 kg."""


def _xuan(crcl: float, kg: float = 70.0) -> dict[str, float]:
    return FILE.model.evaluate({"CRCL": crcl, "WT": kg})


def test_xuan_gives_the_papers_means_and_peak() -> None:
    """Published: clearance 4.32 L/h and V1 19.6 L at 92 mL/min and 70 kg; 7 mg/kg give a peak near 22 mg/L.

    The peak of one dose over half an hour, by the eigenvalues of the two compartments.
    """
    values = _xuan(92)
    v1, rates = values["V1"], (values["CL"] / values["V1"], 0.092, 0.071)
    k10, k12, k21 = rates
    total, product = k10 + k12 + k21, k10 * k21
    fast = 0.5 * (total + math.sqrt(total**2 - 4 * product))
    slow = product / fast
    part = {fast: (fast - k21) / (fast - slow), slow: (k21 - slow) / (fast - slow)}
    peak = sum(490 / 0.5 / v1 * share / rate * (1 - math.exp(-0.5 * rate)) for rate, share in part.items())

    assert (values["CL"], v1) == pytest.approx((4.324, 19.6))
    assert peak == pytest.approx(22, abs=2.5)


def test_rates_that_vary_in_the_paper_vary_alike_here() -> None:
    """K12 = Q / V1 and K21 = Q / V2: variances of their logarithms from the matrix are those of the paper."""
    model = FILE.model
    effects = ("CL", "V1", "Q", "V2")
    omega = model.omega(effects)
    k12, k21 = np.array([0.0, -1.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0, -1.0])

    for rate, percent in ((k12, 69.9), (k21, 63.9)):
        assert rate @ omega @ rate == pytest.approx(math.log(1 + (percent / 100) ** 2), rel=1e-4)
    assert k12 @ omega @ k21 == pytest.approx(0.0, abs=1e-6)
    assert k12 @ omega @ np.array([0.0, 1.0, 0.0, 0.0]) == pytest.approx(0.0, abs=1e-6)


def test_seven_mg_per_kg_with_normal_kidneys_bring_dose_over_clearance() -> None:
    """AUC24 of the typical person is 490 mg / 4.33 L/h = 113 mg·h/L; medians of people stand near it."""
    answer = recommend(asked("gentamicin", SEVEN, age=46, kg=70, creatinine=0.99))

    assert median(option(answer, "as_ordered"), "auc24") == pytest.approx(113, rel=0.05)


def test_slow_kidneys_get_longer_intervals_as_the_nomogram_says() -> None:
    """43 mL/min, between the nomogram's 36 and 48 h; 27 mL/min, 48 h."""
    for age, kg, creatinine, intervals in ((70, 70, 1.6, {36, 48}), (75, 60, 2.0, {48})):
        answer = recommend(
            asked("gentamicin", infusion(7 * kg, 24, 0.5), age=age, kg=kg, creatinine=creatinine)
        )
        advised = option(answer, "recommended")

        assert answer.outcome == "recommend"
        assert advised.regimen.interval_h in intervals
        assert 70 <= median(advised, "auc24") <= 100
        assert any("Nephrotoxicity" in text for text in answer.warnings)


def test_an_aim_for_sepsis_is_higher() -> None:
    plain, sepsis = (
        option(recommend(asked("gentamicin", indication=one)), "recommended") for one in (None, "sepsis")
    )

    assert sepsis.regimen.daily_dose_mg > plain.regimen.daily_dose_mg


def test_a_high_level_ten_hours_after_a_dose_lengthens_the_interval() -> None:
    """6 mg/L at 10 h stands between the nomogram's lines for every 24 h (11.9 - 0.72 · 10 = 4.7 mg/L) and
    36 h (17.3 - 1.06 · 10 = 6.8 mg/L)."""
    dose = given(SEVEN, 1, 10.5)
    without = recommend(asked("gentamicin", SEVEN, age=50, kg=70, creatinine=1.0, doses=dose))
    with_it = recommend(
        asked("gentamicin", SEVEN, age=50, kg=70, creatinine=1.0, doses=dose, levels={0.5: 6.0})
    )

    assert median(option(with_it, "as_ordered"), "auc24") > 1.3 * median(
        option(without, "as_ordered"), "auc24"
    )
    assert option(with_it, "recommended").regimen.interval_h >= 36


def test_the_next_level_falls_into_the_nomograms_window() -> None:
    answer = recommend(asked("gentamicin", SEVEN, kg=70))
    assert answer.next_level is not None
    start = option(answer, "as_ordered").first_dose_at

    assert 6 <= (answer.next_level.time - start).total_seconds() / 3600 <= 14


@pytest.mark.parametrize(
    ("kg", "age", "creatinine"), [(38, 93, 0.9), (110, 20, 0.4), (45, 90, 0.3), (125, 50, 3.0)]
)
def test_extreme_patients_get_finite_answers_inside_the_limits(
    kg: float, age: float, creatinine: float
) -> None:
    answer = recommend(asked("gentamicin", kg=kg, age=age, creatinine=creatinine))

    for one in answer.options:
        assert one.regimen.dose_mg <= 700
        assert one.regimen.daily_dose_mg <= 7 * kg + 1e-9
        assert all(math.isfinite(exposure.estimate.median) for exposure in one.exposures)


@pytest.mark.parametrize(
    ("facts", "outcome", "says"),
    [
        ({"age": 15}, "out_of_scope", "paediatric"),
        ({"conditions": ["pregnancy"]}, "out_of_scope", "pregnancy"),
        ({"conditions": ["cystic_fibrosis"]}, "out_of_scope", "tobramycin"),
        ({"age": 80, "creatinine": 4.0}, "out_of_scope", "nephrotoxicity is likely"),
        ({"kg": 160}, "out_of_scope", "body mass index"),
        ({"conditions": ["crrt"]}, "out_of_scope", "pharmacist"),
        ({"conditions": ["haemodialysis"]}, "out_of_scope", "after the session"),
        ({"creatinine": None}, "insufficient", "creatinine"),
        ({"kg": None}, "insufficient", "weight"),
    ],
)
def test_what_no_model_holds_for_is_refused(facts: dict[str, object], outcome: str, says: str) -> None:
    answer = recommend(asked("gentamicin", SEVEN, **facts))  # type: ignore[arg-type]

    assert answer.outcome == outcome
    assert says in answer.reason
    assert not any(one.role == "recommended" for one in answer.options)
