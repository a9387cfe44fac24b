"""Gentamicin in newborns: the published numbers, and intervals that hospital tables give too."""

from __future__ import annotations

import math

import pytest
from bedside import asked, infusion, median, newborn, option

from dosing_core import recommend
from dosing_core.case import Case
from dosing_core.library import load_drug
from dosing_core.population.bind import bind

MODEL = next(one for one in load_drug("gentamicin").models if one.id == "gentamicin.germovsek2016")


def _newborn(
    weeks: float | None, days: float, kg: float, creatinine: float, dose: float | None = None
) -> Case:
    """``weeks``: gestation at birth; None: not on record."""
    order = infusion(dose, 24, 0.5) if dose else None
    return newborn("gentamicin", order, weeks=weeks, days=days, kg=kg, cm=45, creatinine=creatinine)


def test_germovsek_gives_the_listings_clearance() -> None:
    """DDMODEL00000238 at its medians: 2.12 kg, 33 weeks, 5.4 days, 78 µmol/L: 0.0776 L/h."""
    values = MODEL.evaluate({"WT": 2.12, "PMA": 33, "PNA": 5.4, "SCR": 78 / 88.402})

    assert values["CL"] == pytest.approx(0.0775861, rel=1e-5)
    assert values["V3"] == pytest.approx(4.48229, rel=1e-5)


def test_doses_to_come_are_judged_with_the_age_of_tomorrow() -> None:
    """Two days old today: the effect of age is 3 / (1.7 + 3), not 2 / (1.7 + 2)."""
    individual = bind(MODEL, _newborn(39, 2, 3.3, 0.8)).hypotheses[0].individual
    clearance = individual.typical[-1][0]
    tomorrow = MODEL.evaluate({"WT": 3.3, "PMA": 39 + 3 / 7, "PNA": 3, "SCR": 0.8})["CL"]

    assert float(clearance) == pytest.approx(tomorrow, rel=1e-3)


@pytest.mark.parametrize(
    ("weeks", "days", "kg", "creatinine", "hours"),
    [(27, 5, 0.95, 0.9, {48}), (32, 5, 1.6, 0.8, {36, 48}), (39, 14, 3.6, 0.5, {24, 36})],
)
def test_intervals_are_those_of_a_hospitals_table(
    weeks: float, days: float, kg: float, creatinine: float, hours: set[float]
) -> None:
    """Children's Hospital of Eastern Ontario: below 30 weeks every 48 h in the first fortnight, at 30 to 34
    weeks every 36 h in the first ten days, at term every 24 h; 4 to 5 mg/kg."""
    advised = option(recommend(_newborn(weeks, days, kg, creatinine)), "recommended")

    assert advised.regimen.interval_h in hours
    assert 3.9 <= advised.regimen.dose_mg / kg <= 5
    assert 5 <= median(advised, "timed") <= 12
    assert median(advised, "trough") < 1.2


def test_the_tables_dose_stands_in_a_term_newborn() -> None:
    """4 mg/kg every 24 h at two weeks of age."""
    assert recommend(_newborn(39, 14, 3.6, 0.5, dose=14.5)).outcome == "agree"


def test_twice_as_often_as_the_kidneys_allow_is_told() -> None:
    answer = recommend(_newborn(27, 5, 0.95, 0.9, dose=4))

    assert answer.outcome == "recommend"
    assert any("Nephrotoxicity" in text for text in answer.warnings)


@pytest.mark.parametrize(
    ("weeks", "days", "kg", "creatinine"), [(24, 2, 0.5, 1.5), (40, 60, 5.5, 0.2), (36, 1.2, 2.5, 1.0)]
)
def test_extreme_newborns_get_finite_answers_inside_the_limits(
    weeks: float, days: float, kg: float, creatinine: float
) -> None:
    answer = recommend(_newborn(weeks, days, kg, creatinine))

    assert answer.options
    for one in answer.options:
        assert one.regimen.dose_mg <= 5 * kg + 1e-9
        assert all(math.isfinite(exposure.estimate.median) for exposure in one.exposures)


@pytest.mark.parametrize(
    ("case", "outcome", "says"),
    [
        (_newborn(39, 0.3, 3.3, 0.8, 13), "out_of_scope", "hospital's table"),
        (_newborn(None, 5, 3.3, 0.8, 13), "insufficient", "gestational age"),
        (
            asked("gentamicin", infusion(60, 24, 0.5), age=4, kg=16, cm=102, creatinine=0.3),
            "out_of_scope",
            "paediatric",
        ),
    ],
)
def test_what_no_model_holds_for_is_refused(case: Case, outcome: str, says: str) -> None:
    answer = recommend(case)

    assert answer.outcome == outcome
    assert says in answer.reason
    assert not any(one.role == "recommended" for one in answer.options)
