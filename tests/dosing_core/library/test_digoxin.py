"""Digoxin: the model gives the published numbers, answers make sense, micrograms are read as micrograms."""

from __future__ import annotations

import math

import pytest
from bedside import median, option
from long_term import asked, beside

from dosing_core import recommend
from dosing_core.library import load_drug

FILE = load_drug("digoxin")
OLD = {"age": 84, "sex": "female", "kg": 60, "cm": 160, "creatinine": 1.2}


def test_the_file_says_what_its_sources_say() -> None:
    """0.5 to 0.9 ng/mL in heart failure; the label's table ends at 500 micrograms a day; six hours after."""
    target = FILE.targets[-1]

    assert (target.metric, target.range.low, target.range.high) == ("trough", 0.0005, 0.0009)
    assert FILE.limits.daily.value == 0.5
    assert FILE.levels.earliest_after_dose is not None
    assert FILE.levels.earliest_after_dose.value == 6


def test_clearances_are_the_products_of_the_published_rates() -> None:
    """At 100 mL/min/1.73 m² and 70 kg: kel 0.0739 1/h, V 110.0 L, so 8.129 L/h; V2 = 110.0 · 0.56 / 0.15."""
    surface = 0.007184 * 70**0.425 * 175**0.725
    values = FILE.models[0].evaluate({"WT": 70, "HT": 175, "CRCL": 100 * surface / 1.73})

    assert values["CL"] == pytest.approx(8.12885, rel=1e-4)
    assert values["V2"] == pytest.approx(109.998 * 0.56 / 0.15)


def test_random_effects_are_those_of_the_rates() -> None:
    """20 % on each rate and volume: ln CL = ln kel + ln V1 has twice the variance, ln V2 - ln V1 too."""
    omega = FILE.models[0].omega(("CL", "V1", "V2"))
    one = math.log(1 + 0.2**2)

    assert omega[0, 0] == pytest.approx(2 * one, rel=1e-4)
    assert omega[2, 2] - 2 * omega[1, 2] + omega[1, 1] == pytest.approx(2 * one, rel=1e-4)


def test_a_young_heart_keeps_the_usual_tablet() -> None:
    """97 mL/min at 1.85 m² are 91 mL/min/1.73 m²: 0.0698 1/h · 110 L = 7.68 L/h."""
    answer = recommend(asked("digoxin", 0.25))
    as_ordered = option(answer, "as_ordered")

    assert answer.outcome == "agree"
    assert median(as_ordered, "auc24") == pytest.approx(0.65 * 0.25 / 7.68, rel=0.01)


def test_old_kidneys_and_amiodarone_ask_for_a_fraction() -> None:
    alone = recommend(asked("digoxin", 0.25, taken=20, last_h_ago=20, **OLD))
    with_it = recommend(asked("digoxin", 0.25, taken=20, last_h_ago=20, beside=[beside("amiodarone")], **OLD))
    before, after = (median(option(one, "as_ordered"), "trough") for one in (alone, with_it))

    assert after / before == pytest.approx(1.84, rel=0.1)
    assert option(with_it, "recommended").regimen.daily_dose_mg <= 0.125
    assert with_it.hold
    assert any("Amiodarone" in warning for warning in with_it.warnings)


def test_a_level_too_soon_after_a_dose_is_left_out_and_raises_nothing() -> None:
    """2.8 ng/mL three hours after a tablet: digoxin is still spreading."""
    answer = recommend(asked("digoxin", 0.125, taken=20, last_h_ago=20, levels={17: 0.0028}))

    assert any("3 h after a dose, sooner than 6 h" in text for text in answer.left_out)
    assert not any(one.role == "recommended" for one in answer.options)


def test_a_level_at_the_trough_teaches() -> None:
    """0.8 ng/mL where about 0.4 is expected: clearance is lower, the dose stays."""
    answer = recommend(asked("digoxin", 0.125, taken=20, last_h_ago=20, levels={2: 0.0008}, age=70))
    clearance = next(one for one in answer.parameters if one.name == "apparent clearance")

    assert answer.levels[0].used
    assert clearance.estimate.median < 0.9 * clearance.typical
    assert answer.outcome == "agree"


def test_milligrams_written_for_micrograms_are_grave_and_read_in_micrograms() -> None:
    answer = recommend(asked("digoxin", 125.0))

    assert all(limit.grave for limit in answer.broken_limits)
    assert any("1,000 micrograms" in limit.text for limit in answer.broken_limits)
    assert not any(" mg" in text for option in answer.options for text in option.notes)


@pytest.mark.parametrize(
    ("kg", "age", "creatinine"), [(38, 95, 4.0), (115, 25, 0.5), (45, 90, 0.3), (110, 60, 8.0)]
)
def test_extreme_patients_get_finite_answers_inside_the_limits(
    kg: float, age: float, creatinine: float
) -> None:
    answer = recommend(asked("digoxin", kg=kg, age=age, creatinine=creatinine))

    for one in answer.options:
        assert one.regimen.daily_dose_mg <= min(0.5, 0.005 * kg)
        assert all(math.isfinite(exposure.estimate.median) for exposure in one.exposures)


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"age": 12}, "out_of_scope"),
        ({"creatinine": None}, "insufficient"),
        ({"kg": None}, "insufficient"),
        ({"conditions": ({"name": "haemodialysis", "source": "x"},)}, "out_of_scope"),
        ({"kg": 140, "cm": 165}, "out_of_scope"),
    ],
)
def test_what_the_model_does_not_hold_for_is_refused(facts: dict[str, object], outcome: str) -> None:
    answer = recommend(asked("digoxin", 0.125, **facts))

    assert answer.outcome == outcome
    assert not any(one.role == "recommended" for one in answer.options)
