"""Amikacin: its models give the published numbers, and its answers make sense at the bedside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bedside import NOW, asked, given, infusion, median, option

from dosing_core import recommend
from dosing_core.case import Case, Measurement
from dosing_core.kinetics import concentrations, dose_table
from dosing_core.library import load_drug
from dosing_core.population.bind import bind

FILE = load_drug("amikacin")
MODELS = {one.id: one for one in FILE.models}


def _septic(*args: object, urine: float | None = None, **facts: object) -> Case:
    """A question about somebody with sepsis; ``urine``: clearance measured in urine, mL/min."""
    case = asked("amikacin", *args, conditions=["sepsis"], **facts)  # type: ignore[arg-type]
    if urine is None:
        return case
    measured = (Measurement(value=urine, time=NOW, source="urine"),)
    return case.model_copy(update={"subject": case.subject.model_copy(update={"measured_gfr": measured})})


def test_burdet_gives_posologyrs_dose_and_waiting_time() -> None:
    """posologyr's article: 50 mL/min, 62 kg, 169 mmHg; 2,087.67 mg over half an hour reach 80 mg/L at 1 h and
    are down to 2.5 mg/L at 37.5 h."""
    case = _septic(kg=62, urine=50, doses=given(infusion(2087.67, 48, 0.5), 1, 0.0))
    person = bind(MODELS["amikacin.burdet2015"], case).hypotheses[0].individual
    typical = person.parameters(np.zeros((1, len(person.eta_names))))

    found = concentrations(person, typical, dose_table(case.doses, NOW), np.array([1.0, 37.5]))[0]

    assert found == pytest.approx([80.0, 2.5], rel=2e-3)


def test_delattre_clears_at_the_median_what_the_paper_says() -> None:
    values = MODELS["amikacin.delattre2010"].evaluate({"CRCL": 55.5})

    assert values["CL"] == pytest.approx(2.21, abs=0.03)


def test_the_peak_is_judged_an_hour_after_the_start_not_at_the_end_of_the_infusion() -> None:
    answer = recommend(_septic(infusion(2000, 24, 0.5)))
    ordered = option(answer, "as_ordered")

    assert answer.target is not None
    assert (answer.target.metric, answer.target.after_h) == ("timed", 1.0)
    assert median(ordered, "timed") < median(ordered, "peak")


def test_fifteen_mg_per_kg_are_too_little_in_sepsis() -> None:
    """Delattre 2010 gave 25 mg/kg as a first dose; 15 mg/kg at 80 kg bring about 50 mg/L."""
    answer = recommend(_septic(infusion(1200, 24, 0.5)))
    advised = option(answer, "recommended")

    assert answer.outcome == "recommend"
    assert 18 <= advised.regimen.dose_mg / 80 <= 30
    assert 60 <= median(advised, "timed") <= 80


def test_slow_kidneys_get_the_same_dose_less_often() -> None:
    fast = option(recommend(_septic(creatinine=0.8, age=40)), "recommended").regimen
    slow = option(recommend(_septic(creatinine=2.4, age=70)), "recommended").regimen

    assert slow.interval_h > fast.interval_h
    assert slow.dose_mg > 0.7 * fast.dose_mg


def test_a_measured_clearance_lets_the_second_model_speak() -> None:
    without, with_it = (recommend(_septic(urine=urine)) for urine in (None, 60.0))

    assert sum(one.weight > 0 for one in without.models) == 1
    assert sum(one.weight > 0 for one in with_it.models) == 2


def test_a_high_trough_lengthens_the_interval() -> None:
    regimen = infusion(2000, 24, 0.5)
    doses = given(regimen, 1, 23.5)
    answer = recommend(_septic(regimen, doses=doses, levels={0.1: 8.0}))

    assert option(answer, "recommended").regimen.interval_h >= 36
    assert any("Nephrotoxicity" in text for text in answer.warnings)


@pytest.mark.parametrize(
    ("kg", "age", "creatinine"), [(38, 89, 0.9), (140, 22, 0.4), (45, 89, 0.3), (120, 50, 4.0)]
)
def test_extreme_patients_get_finite_answers_inside_the_limits(
    kg: float, age: float, creatinine: float
) -> None:
    answer = recommend(_septic(kg=kg, age=age, creatinine=creatinine))

    for one in answer.options:
        assert one.regimen.dose_mg <= min(3000, 30 * kg) + 1e-9
        assert all(math.isfinite(exposure.estimate.median) for exposure in one.exposures)


@pytest.mark.parametrize(
    ("facts", "outcome", "says"),
    [
        ({"conditions": []}, "insufficient", "sepsis"),
        ({"conditions": ["sepsis"], "age": 17}, "out_of_scope", "18 years"),
        (
            {"conditions": ["sepsis"], "age": 80, "creatinine": 4.0},
            "out_of_scope",
            "nephrotoxicity is likely",
        ),
        ({"conditions": ["sepsis", "crrt"]}, "out_of_scope", "pharmacist"),
        ({"conditions": ["sepsis", "haemodialysis"]}, "out_of_scope", "after the session"),
        ({"conditions": ["sepsis", "pregnancy"], "sex": "female"}, "out_of_scope", "pregnancy"),
        ({"conditions": ["sepsis"], "creatinine": None}, "insufficient", "creatinine"),
    ],
)
def test_what_no_model_holds_for_is_refused(facts: dict[str, object], outcome: str, says: str) -> None:
    answer = recommend(asked("amikacin", infusion(2000, 24, 0.5), **facts))  # type: ignore[arg-type]

    assert answer.outcome == outcome
    assert says in answer.reason
    assert not any(one.role == "recommended" for one in answer.options)
