"""Tobramycin: its models give the published numbers, and its answers make sense at the bedside."""

from __future__ import annotations

import math

import pytest
from bedside import asked, given, infusion, median, option

from dosing_core import recommend
from dosing_core.library import load_drug

FILE = load_drug("tobramycin")
MODELS = {one.id: one for one in FILE.models}


@pytest.mark.parametrize(
    ("female", "age", "clearance", "volume"), [(0, 18, 9.4, 25.1), (1, 18, 8.1, 20.1), (0, 38, 7.52, 25.1)]
)
def test_hennig_gives_the_papers_values_at_its_reference(
    female: int, age: float, clearance: float, volume: float
) -> None:
    """70 kg of fat-free mass and the typical creatinine, 84 µmol/L in men and 69.5 in women."""
    creatinine = (69.5 if female else 84.0) / 88.402
    values = MODELS["tobramycin.hennig2013"].evaluate(
        {"FFM": 70, "AGE": age, "FEM": female, "SCR": creatinine}
    )

    assert (values["CL"], values["V1"]) == pytest.approx((clearance, volume), rel=1e-5)


def test_everybodys_typical_creatinine_is_not_that_of_a_child() -> None:
    """Tucuxi divides by 37.2 µmol/L in adults too; the paper gives (84 / 37.2)^0.222 = 1.20 times that."""
    model = MODELS["tobramycin.hennig2013"]
    here = model.evaluate({"FFM": 55, "AGE": 30, "FEM": 0, "SCR": 1.2})["CL"]
    there = 9.4 * (55 / 70) ** 0.952 * (1 - 0.01 * 12) * (37.2 / (1.2 * 88.402)) ** 0.222

    assert here / there == pytest.approx(1.20, abs=0.005)


def test_a_childs_typical_creatinine_reaches_the_cohorts_median_and_the_adults() -> None:
    model = MODELS["tobramycin.hennig2013_young"]

    def typical(age: float, female: int) -> float:
        return model.evaluate({"FFM": 20, "AGE": age, "FEM": female, "SCR": 0.4})["SCRMEAN"]

    assert typical(7.5, 0) == pytest.approx(37.2, abs=0.2)
    assert typical(18, 0) == pytest.approx(84, abs=0.1)
    assert typical(18, 1) == pytest.approx(69.5, abs=0.1)


def test_eleven_mg_per_kg_bring_the_peak_and_trough_that_the_paper_recommends_it_for() -> None:
    """Hennig 2013: 11 mg/kg once daily in cystic fibrosis for 20 mg/L after 1 h and a trough below 1 mg/L."""
    answer = recommend(asked("tobramycin", infusion(660, 24, 0.5), age=25, kg=60, cm=170, creatinine=0.8))
    ordered = option(answer, "as_ordered")

    assert median(ordered, "trough") < 1
    assert median(ordered, "peak") > 20


def test_children_get_their_own_model_aim_and_steps() -> None:
    answer = recommend(asked("tobramycin", age=8, kg=25, cm=125, creatinine=0.45))
    advised = option(answer, "recommended").regimen

    assert [one.id for one in answer.models] == ["tobramycin.hennig2013_young"]
    assert answer.target is not None
    assert (answer.target.low, answer.target.high) == (85, 115)
    assert 9.5 * 25 <= advised.dose_mg <= 12 * 25
    assert advised.dose_mg % 5 == 0
    assert advised.interval_h == 24


def test_kidneys_below_sixty_bound_the_day_as_the_nomogram_does() -> None:
    """47 mL/min: 7 mg/kg every 36 h are 4.67 mg/kg a day, 373 mg at 80 kg, whatever the model says."""
    answer = recommend(asked("tobramycin", infusion(560, 24, 0.5), age=70, kg=80, creatinine=1.7))

    assert "4.67 mg/kg" in answer.broken_limits[0].text
    for one in answer.options:
        if one.role != "as_ordered":
            assert one.regimen.daily_dose_mg <= 4.67 * 80


def test_a_high_trough_tells_of_slow_clearance() -> None:
    regimen = infusion(400, 24, 0.5)
    doses = given(regimen, 2, 23.5)
    unknown = recommend(asked("tobramycin", regimen, kg=80, doses=doses))
    known = recommend(asked("tobramycin", regimen, kg=80, doses=doses, levels={0.1: 1.6}))

    assert median(option(known, "as_ordered"), "auc24") > 1.2 * median(option(unknown, "as_ordered"), "auc24")
    assert any("Nephrotoxicity" in text for text in known.warnings)


@pytest.mark.parametrize(
    ("kg", "cm", "age", "creatinine"),
    [(38, 150, 84, 0.9), (118, 190, 20, 0.6), (10, 82, 2, 0.2), (90, 175, 17.9, 0.9)],
)
def test_extreme_patients_get_finite_answers_inside_the_limits(
    kg: float, cm: float, age: float, creatinine: float
) -> None:
    answer = recommend(asked("tobramycin", kg=kg, cm=cm, age=age, creatinine=creatinine))

    assert answer.options or answer.outcome == "out_of_scope"
    for one in answer.options:
        assert one.regimen.daily_dose_mg <= min(990, (11 if age >= 18 else 12) * kg) + 1e-9
        assert all(math.isfinite(exposure.estimate.median) for exposure in one.exposures)


@pytest.mark.parametrize(
    ("facts", "outcome", "says"),
    [
        ({"age": 1.5, "kg": 11, "cm": 80}, "out_of_scope", "2 years"),
        ({"age": 71, "sex": "female", "kg": 68, "creatinine": 2.2}, "out_of_scope", "nephrotoxicity"),
        ({"age": 8, "kg": 25, "cm": 125, "creatinine": 1.4}, "out_of_scope", "creatinine"),
        ({"conditions": ["crrt"]}, "out_of_scope", "pharmacist"),
        ({"conditions": ["haemodialysis"]}, "out_of_scope", "after the session"),
        ({"conditions": ["pregnancy"], "sex": "female"}, "out_of_scope", "pregnancy"),
        ({"creatinine": None}, "insufficient", "creatinine"),
        ({"cm": None}, "insufficient", "height"),
    ],
)
def test_what_no_model_holds_for_is_refused(facts: dict[str, object], outcome: str, says: str) -> None:
    answer = recommend(asked("tobramycin", infusion(480, 24, 0.5), **facts))  # type: ignore[arg-type]

    assert answer.outcome == outcome
    assert says in answer.reason
    assert not any(one.role == "recommended" for one in answer.options)
