"""Meropenem: its models give the published numbers, and its answers make sense at the bedside."""

from __future__ import annotations

import math

import pytest
from bedside import asked, given, infusion, median, option

from dosing_core import recommend
from dosing_core.library import load_drug

FILE = load_drug("meropenem")
USUAL = infusion(1000, 8, 0.5)


def test_the_file_says_what_its_sources_say() -> None:
    """Li 2006: bactericidal from 40 % on. US label: less from 50 mL/min down. EUCAST: 2 mg/L."""
    general, critical = FILE.targets[-1], FILE.targets[0]

    assert (general.metric, general.range.low, general.range.high) == ("time_above_mic", 0.4, 1.0)
    assert critical.range.low == 0.98
    assert general.mic is not None
    assert general.mic.value == 2
    assert [(rule.below.value, rule.daily.value) for rule in FILE.limits.renal] == [
        (50, 4000),
        (25, 2000),
        (10, 1000),
    ]


def test_albumin_in_grams_a_litre_reaches_ehmann_in_grams_a_decilitre() -> None:
    """28 g/L are the paper's reference of 2.8 g/dL: V2 16.1 L; 18 g/L: 16.1 · (1 + 0.202) = 19.35 L."""
    model = next(one for one in FILE.models if one.id == "meropenem.ehmann2019")

    at_reference = model.evaluate({"CRCL": 80.8, "WT": 70, "ALB": 28})
    assert at_reference["V2"] == pytest.approx(16.1)
    assert at_reference["CL"] == pytest.approx(9.25)
    assert model.evaluate({"CRCL": 80.8, "WT": 70, "ALB": 18})["V2"] == pytest.approx(19.3522)


def test_gijsens_unbound_clearance_becomes_one_of_the_total() -> None:
    """Typical unbound clearance at 105 mL/min/1.73 m² and 70 kg: 14.7 L/h; of the total, 0.98 times that."""
    model = next(one for one in FILE.models if one.id == "meropenem.gijsen2021")
    creatinine = 0.9 * (105 / (142 * 0.9938**40)) ** (-1 / 1.2)
    values = model.evaluate({"WT": 70, "AGE": 40, "FEM": 0, "SCR": creatinine})

    assert values["EGFR"] == pytest.approx(105)
    assert values["CL"] == pytest.approx(0.98 * 14.7)


def test_the_usual_dose_is_kept_where_kidneys_are_normal() -> None:
    answer = recommend(asked("meropenem", USUAL))

    assert answer.outcome == "agree"
    assert option(answer, "as_ordered").inside.value > 0.9


def test_without_a_dose_the_smallest_that_does_is_proposed() -> None:
    advised = option(recommend(asked("meropenem")), "recommended").regimen

    assert (advised.dose_mg, advised.interval_h) == (1000, 8)


def test_fast_kidneys_get_a_longer_infusion_or_more_and_stay_inside_the_limits() -> None:
    """A man of 30 with a creatinine clearance of 260 mL/min clears 1 g over half an hour too fast."""
    answer = recommend(asked("meropenem", USUAL, age=30, kg=85, creatinine=0.5))
    before, after = option(answer, "as_ordered"), option(answer, "recommended")

    assert answer.outcome == "recommend"
    assert after.regimen.duration_h == 3 or after.regimen.daily_dose_mg > 3000
    assert after.regimen.daily_dose_mg <= 6000
    assert after.inside.value > 0.9 > 0.5 > before.inside.value


def test_slow_kidneys_get_less_as_the_label_says() -> None:
    """78 years, 62 kg, 3.0 mg/dL, a woman: 15 mL/min, so at most 1 g every 12 h."""
    answer = recommend(asked("meropenem", USUAL, age=78, sex="female", kg=62, cm=160, creatinine=3.0))
    advised = option(answer, "recommended")

    assert "25 mL/min" in answer.broken_limits[0].text
    assert advised.regimen.daily_dose_mg <= 2000
    assert advised.inside.value > 0.95


def test_the_critically_ill_are_covered_for_the_whole_interval() -> None:
    general = option(recommend(asked("meropenem")), "recommended")
    critical = option(recommend(asked("meropenem", indication="sepsis")), "recommended")

    assert median(critical, "trough") > 2 / 0.98
    assert critical.regimen.daily_dose_mg / critical.regimen.interval_h > (
        general.regimen.daily_dose_mg / general.regimen.interval_h
    )


def test_a_higher_mic_asks_for_more() -> None:
    at_two, at_eight = (option(recommend(asked("meropenem", USUAL, mic=mic)), "as_ordered") for mic in (2, 8))

    assert median(at_eight, "time_above_mic") < median(at_two, "time_above_mic")
    assert at_eight.inside.value < at_two.inside.value


def test_a_high_trough_tells_of_slow_clearance() -> None:
    """Five doses, then a trough of 5 mg/L where about 1 is expected."""
    doses = given(USUAL, 5, 7.5)
    unknown = recommend(asked("meropenem", USUAL, doses=doses))
    known = recommend(asked("meropenem", USUAL, doses=doses, levels={0.1: 5.0}))
    before, after = (
        next(one.estimate.median for one in answer.parameters if one.name == "clearance")
        for answer in (unknown, known)
    )

    assert after < 0.8 * before
    assert median(option(known, "as_ordered"), "trough") > 2 * median(option(unknown, "as_ordered"), "trough")


@pytest.mark.parametrize(
    ("kg", "age", "creatinine"), [(38, 93, 6.0), (250, 20, 0.4), (45, 90, 0.3), (120, 50, 9.0)]
)
@pytest.mark.parametrize("model", [one.id for one in FILE.models])
def test_extreme_patients_get_finite_answers_inside_the_limits(
    kg: float, age: float, creatinine: float, model: str
) -> None:
    answer = recommend(asked("meropenem", kg=kg, age=age, creatinine=creatinine, albumin=25, model=model))

    for one in answer.options:
        assert one.regimen.daily_dose_mg <= min(6000, 120 * kg)
        assert all(math.isfinite(exposure.estimate.median) for exposure in one.exposures)


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"age": 17}, "out_of_scope"),
        ({"conditions": ["crrt"]}, "out_of_scope"),
        ({"conditions": ["haemodialysis"]}, "out_of_scope"),
        ({"creatinine": None}, "insufficient"),
        ({"kg": None}, "insufficient"),
        ({"model": "meropenem.ehmann2019"}, "insufficient"),
        ({"age": 94}, "out_of_scope"),
    ],
)
def test_what_no_model_holds_for_is_refused(facts: dict[str, object], outcome: str) -> None:
    answer = recommend(asked("meropenem", USUAL, **facts))  # type: ignore[arg-type]

    assert answer.outcome == outcome
    assert not any(one.role == "recommended" for one in answer.options)
