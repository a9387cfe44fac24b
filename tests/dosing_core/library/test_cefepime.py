"""Cefepime: its models give the published numbers, and its answers weigh the germ against the brain."""

from __future__ import annotations

import math

import pytest
from bedside import asked, given, infusion, median, option

from dosing_core import recommend
from dosing_core.library import load_drug

FILE = load_drug("cefepime")
HIGH = infusion(2000, 8, 0.5)


def test_the_file_says_what_its_sources_say() -> None:
    """US label: 2 g every 8 h at most; every 12 h from 60, every 24 h from 30, 1 g a day below 11 mL/min."""
    general = FILE.targets[-1]

    assert (general.metric, general.range.low, general.range.high) == ("time_above_mic", 0.6, 1.0)
    assert [(rule.below.value, rule.daily.value) for rule in FILE.limits.renal] == [
        (60, 4000),
        (30, 2000),
        (11, 1000),
    ]
    assert [rule.above.value for rule in FILE.harmful_troughs] == [20, 35]


def test_james_lean_weight_is_as_published() -> None:
    """A woman of 60 kg and 160 cm: 1.07 · 60 - 148 · (60/160)² = 43.3875 kg; a worked example on the web."""
    model = next(one for one in FILE.models if one.id == "cefepime.an2023")
    values = model.evaluate({"AGE": 50, "FEM": 1, "SCR": 1.0, "WT": 60, "HT": 160})

    assert values["LBW"] == pytest.approx(43.3875)
    assert values["CRCL"] == pytest.approx(90 * 43.3875 / 72 * 0.85)


def test_renal_and_other_clearance_of_jonckheere_add_up() -> None:
    """2.29 + 0.795 L/h at 60 mL/min and 70 kg: 2 g every 12 h reach an AUC24 of 4,000 / 3.085 mg·h/L."""
    creatinine = (140 - 50) * 70 / (72 * 60)
    case = asked(
        "cefepime",
        infusion(2000, 12, 0.5),
        age=50,
        kg=70,
        creatinine=creatinine,
        model="cefepime.jonckheere2020",
    )
    auc = median(option(recommend(case), "as_ordered"), "auc24")

    assert auc == pytest.approx(
        4000 / 3.085, rel=0.06
    )  # the median of a sum of log-normals is a little above


def test_nicasio_shows_typical_values_only() -> None:
    assert recommend(asked("cefepime", HIGH, model="cefepime.nicasio2009")).outcome == "insufficient"


def test_slow_kidneys_are_spared_a_harmful_trough() -> None:
    """78 years, 62 kg, 2.2 mg/dL, a woman: 20 mL/min. 2 g every 8 h would gather to far above 35 mg/L."""
    answer = recommend(asked("cefepime", HIGH, age=78, sex="female", kg=62, cm=160, creatinine=2.2))
    ordered, advised = option(answer, "as_ordered"), option(answer, "recommended")

    assert median(ordered, "trough") > 100
    assert any("neurotoxicity" in text for text in answer.warnings)
    assert advised.regimen.daily_dose_mg <= 2000
    assert median(advised, "trough") < 20
    assert advised.inside.value > 0.9


def test_a_dose_that_covers_no_better_and_harms_more_is_not_kept() -> None:
    """By Jonckheere a man of 60 reaches more than 20 mg/L with 2 g every 8 h where less would cover him."""
    answer = recommend(asked("cefepime", HIGH, model="cefepime.jonckheere2020"))

    assert answer.outcome == "recommend"
    assert "trough that harms" in answer.reason
    assert (
        median(option(answer, "recommended"), "trough") < 20 < median(option(answer, "as_ordered"), "trough")
    )


def test_fast_kidneys_get_a_longer_infusion_or_more() -> None:
    answer = recommend(asked("cefepime", infusion(2000, 12, 0.5), age=30, kg=85, creatinine=0.5))
    before, after = option(answer, "as_ordered"), option(answer, "recommended")

    assert after.inside.value > before.inside.value + 0.3
    assert after.regimen.daily_dose_mg <= 6000
    assert not any("neurotoxicity" in text for text in answer.warnings)


def test_a_high_trough_makes_the_next_dose_wait() -> None:
    """60 mg/L just before a dose is far above the 35 mg/L at which neurotoxicity was seen."""
    doses = given(infusion(2000, 12, 0.5), 5, 11.5)
    case = asked("cefepime", infusion(2000, 12, 0.5), creatinine=1.6, doses=doses, levels={0.2: 60.0})
    answer = recommend(case)

    assert answer.hold


@pytest.mark.parametrize(("kg", "age", "creatinine"), [(38, 93, 6.0), (130, 20, 0.4), (45, 90, 0.3)])
@pytest.mark.parametrize("model", ["cefepime.an2023", "cefepime.jonckheere2020"])
def test_extreme_patients_get_finite_answers_inside_the_limits(
    kg: float, age: float, creatinine: float, model: str
) -> None:
    answer = recommend(asked("cefepime", kg=kg, age=age, creatinine=creatinine, model=model))

    assert answer.options
    for one in answer.options:
        assert one.regimen.daily_dose_mg <= min(6000, 150 * kg)
        assert all(math.isfinite(exposure.estimate.median) for exposure in one.exposures)


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"age": 17}, "out_of_scope"),
        ({"kg": 180, "cm": 175}, "out_of_scope"),
        ({"conditions": ["crrt"]}, "out_of_scope"),
        ({"conditions": ["haemodialysis"]}, "out_of_scope"),
        ({"creatinine": None}, "insufficient"),
        ({"cm": None}, "insufficient"),
    ],
)
def test_what_no_model_holds_for_is_refused(facts: dict[str, object], outcome: str) -> None:
    answer = recommend(asked("cefepime", HIGH, **facts))  # type: ignore[arg-type]

    assert answer.outcome == outcome
    assert not any(one.role == "recommended" for one in answer.options)
