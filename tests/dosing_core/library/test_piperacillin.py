"""Piperacillin: its models give the published numbers, and its answers make sense at the bedside."""

from __future__ import annotations

import math

import pytest
from bedside import asked, given, infusion, median, option

from dosing_core import recommend
from dosing_core.library import load_drug

FILE = load_drug("piperacillin")
USUAL = infusion(4000, 6, 0.5)


def test_the_file_says_what_its_sources_say() -> None:
    """US label: at most 4.5 g every 6 h, 4 g of it piperacillin; 3 g from 40, 2 g from 20 mL/min on."""
    general = FILE.targets[-1]

    assert (general.metric, general.range.low, general.range.high) == ("time_above_mic", 0.5, 1.0)
    assert FILE.limits.daily.value == 4 * 4000
    assert [(rule.below.value, rule.daily.value) for rule in FILE.limits.renal] == [(40, 12000), (20, 8000)]


def test_klastrups_unbound_clearance_becomes_one_of_the_total() -> None:
    """Klastrup 2020 at 100 mL/min: 2.25 + 0.119 · 100 = 14.15 L/h unbound; 91 % of it of the total."""
    model = next(one for one in FILE.models if one.id == "piperacillin.klastrup2020")

    assert model.evaluate({"CRCL": 100})["CL"] == pytest.approx(0.91 * 14.15)


def test_udy_is_never_held_against_levels() -> None:
    """The scale of its proportional error is unclear in the paper's table."""
    answer = recommend(asked("piperacillin", USUAL, model="piperacillin.udy2015"))

    assert answer.outcome == "insufficient"
    assert "typical values" in answer.reason


def test_fast_kidneys_get_a_longer_infusion() -> None:
    """At 16 g a day nothing but the length of the infusion is left to change."""
    answer = recommend(asked("piperacillin", USUAL, age=35, kg=85, creatinine=0.65))
    before, after = option(answer, "as_ordered"), option(answer, "recommended")

    assert answer.outcome == "recommend"
    assert after.regimen.duration_h == 4
    assert after.regimen.daily_dose_mg == 16000
    assert after.inside.value > before.inside.value + 0.1


def test_slow_kidneys_get_less_as_the_label_says() -> None:
    answer = recommend(asked("piperacillin", USUAL, age=78, sex="female", kg=62, cm=160, creatinine=3.0))
    advised = option(answer, "recommended")

    assert "20 mL/min" in answer.broken_limits[0].text
    assert advised.regimen.daily_dose_mg <= 8000
    assert advised.inside.value > 0.9


def test_only_what_a_vial_holds_is_proposed() -> None:
    answer = recommend(asked("piperacillin"))

    assert {one.regimen.dose_mg for one in answer.options} <= {2000, 3000, 4000}


def test_a_low_trough_tells_of_fast_clearance() -> None:
    doses = given(USUAL, 6, 5.5)
    unknown = recommend(asked("piperacillin", USUAL, doses=doses))
    known = recommend(asked("piperacillin", USUAL, doses=doses, levels={0.1: 4.0}))

    assert median(option(known, "as_ordered"), "trough") < 0.5 * median(
        option(unknown, "as_ordered"), "trough"
    )
    assert option(known, "as_ordered").inside.value < option(unknown, "as_ordered").inside.value


@pytest.mark.parametrize(
    ("kg", "age", "creatinine"), [(38, 93, 6.0), (250, 20, 0.4), (45, 90, 0.3), (120, 50, 9.0)]
)
def test_extreme_patients_get_finite_answers_inside_the_limits(
    kg: float, age: float, creatinine: float
) -> None:
    answer = recommend(asked("piperacillin", kg=kg, age=age, creatinine=creatinine))

    assert answer.options
    for one in answer.options:
        assert one.regimen.daily_dose_mg <= min(16000, 400 * kg)
        assert all(math.isfinite(exposure.estimate.median) for exposure in one.exposures)


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"age": 17}, "out_of_scope"),
        ({"conditions": ["crrt"]}, "out_of_scope"),
        ({"conditions": ["haemodialysis"]}, "out_of_scope"),
        ({"creatinine": None}, "insufficient"),
        ({"kg": None}, "insufficient"),
    ],
)
def test_what_no_model_holds_for_is_refused(facts: dict[str, object], outcome: str) -> None:
    answer = recommend(asked("piperacillin", USUAL, **facts))  # type: ignore[arg-type]

    assert answer.outcome == outcome
    assert not any(one.role == "recommended" for one in answer.options)
