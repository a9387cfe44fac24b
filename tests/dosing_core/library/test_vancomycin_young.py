"""Vancomycin in newborns and children: their own models, steps and limits; and where no schedule is given."""

from __future__ import annotations

import math

import pytest
from bedside import asked, infusion, median, newborn, option

from dosing_core import recommend
from dosing_core.case import Case
from dosing_core.library import load_drug

FILE = load_drug("vancomycin")
MODELS = {one.id: one for one in FILE.models}


def _newborn(
    weeks: float | None, days: float, kg: float, creatinine: float, dose: float | None = None
) -> Case:
    """``weeks``: gestation at birth; None: not on record."""
    order = infusion(dose, 12, 1) if dose else None
    return newborn("vancomycin", order, weeks=weeks, days=days, kg=kg, cm=40, creatinine=creatinine)


def test_colins_entries_are_one_model() -> None:
    """At 40 weeks after conception, 3.3 kg and 0.5 mg/dL: 0.20936 L/h, and the same by years of age."""
    newborn = MODELS["vancomycin.colin2019_newborn"].evaluate({"PMAW": 40, "WT": 3.3, "SCR": 0.5})
    by_age = MODELS["vancomycin.colin2019_young"].evaluate({"AGE": 0.0, "WT": 3.3, "SCR": 0.5})
    grown = MODELS["vancomycin.colin2019"].evaluate({"AGE": 18, "WT": 70, "SCR": 0.8})
    nearly = MODELS["vancomycin.colin2019_young"].evaluate({"AGE": 18, "WT": 70, "SCR": 0.8})

    assert newborn["CL"] == pytest.approx(0.20936, rel=1e-4)
    assert by_age["CL"] == pytest.approx(newborn["CL"], rel=1e-9)
    assert nearly["CL"] == grown["CL"]


def test_frymoyer_gives_its_implementations_clearance() -> None:
    values = MODELS["vancomycin.frymoyer2014"].evaluate({"WT": 1.0, "PMA": 28, "SCR": 1.0})

    assert (values["CL"], values["V1"]) == pytest.approx((0.0422152, 0.603448), rel=1e-5)


def test_a_preterm_newborn_gets_what_the_tables_give() -> None:
    """Born at 28 weeks, a week old, 0.9 mg/dL: Nelson 2018 gives 15–20 mg/kg every 24 h after 20 mg/kg."""
    answer = recommend(_newborn(28, 7, 1.0, 0.9, dose=15))
    advised = option(answer, "recommended")

    assert answer.outcome == "recommend"
    assert {one.id for one in answer.models} == {"vancomycin.frymoyer2014", "vancomycin.colin2019_newborn"}
    assert 14 <= advised.regimen.daily_dose_mg <= 24
    assert advised.regimen.dose_mg == int(advised.regimen.dose_mg)
    assert advised.loading_dose_mg == 20
    assert 400 <= median(advised, "auc24") <= 600


def test_a_term_newborn_clears_more_with_every_week() -> None:
    doses = [
        option(recommend(_newborn(39, days, kg, creatinine)), "recommended").regimen.daily_dose_mg / kg
        for days, kg, creatinine in ((5, 3.3, 0.6), (50, 4.5, 0.25))
    ]

    assert doses[1] > 1.2 * doses[0]


def test_without_gestation_no_newborn_is_dosed() -> None:
    answer = recommend(_newborn(None, 7, 1.0, 0.9, dose=15))

    assert answer.outcome == "insufficient"
    assert "gestational age" in answer.reason


@pytest.mark.parametrize(("age", "kg", "creatinine"), [(1, 10, 0.25), (6, 20, 0.4)])
def test_small_children_need_what_the_guideline_gives(age: float, kg: float, creatinine: float) -> None:
    """60 mg/kg a day stands inside the target, and no loading dose is given for children."""
    answer = recommend(
        asked("vancomycin", infusion(15 * kg, 6, 1), age=age, kg=kg, cm=110, creatinine=creatinine)
    )

    assert answer.outcome == "agree"
    assert 400 <= median(option(answer, "as_ordered"), "auc24") <= 600
    assert option(answer, "as_ordered").loading_dose_mg is None


@pytest.mark.parametrize(
    ("weeks", "days", "kg", "creatinine"), [(24, 8, 0.55, 1.4), (42, 90, 7.5, 0.15), (36, 1, 2.2, 0.8)]
)
def test_extreme_newborns_get_finite_answers_inside_the_limits(
    weeks: float, days: float, kg: float, creatinine: float
) -> None:
    answer = recommend(_newborn(weeks, days, kg, creatinine))

    for one in answer.options:
        assert one.regimen.dose_mg <= 20 * kg + 1e-9
        assert one.regimen.daily_dose_mg <= 60 * kg + 1e-9
        assert all(math.isfinite(exposure.estimate.median) for exposure in one.exposures)


def test_on_haemodialysis_the_rule_is_told_and_no_schedule_given() -> None:
    answer = recommend(asked("vancomycin", infusion(1000, 12, 2), conditions=["haemodialysis"]))

    assert answer.outcome == "out_of_scope"
    assert not answer.options
    for said in ("after each session", "15–20 mg/L", "25 mg/kg", "pharmacist"):
        assert said in answer.reason
