"""Lithium: mmol/L of lithium from mg of its carbonate, and a thiazide that must not be met with silence."""

from __future__ import annotations

import math

import pytest
from bedside import NOW, median, option
from long_term import asked, beside

from dosing_core import recommend
from dosing_core.library import load_drug

FILE = load_drug("lithium")
LI = 6.94
"""g/mol."""
STABLE = {"taken": 60, "last_h_ago": 12, "age": 48, "kg": 72}


def test_a_tablet_of_300_mg_holds_8_1_mmol() -> None:
    """2 · 300 / 73.89 = 8.12 mmol; displays read mg/L of lithium as mmol/L."""
    share = FILE.models[0].evaluate({"TDD": 600, "WT": 62, "CRCL": 116})["F"]

    assert 300 * share / LI == pytest.approx(2 * 300 / 73.89, rel=1e-4)
    assert LI * FILE.display.concentration_factor == pytest.approx(1.0)


def test_at_the_papers_reference_the_average_is_the_dose_over_the_clearance() -> None:
    """600 mg a day are 16.24 mmol; over 0.909 L/h that is 0.744 mmol/L on average."""
    answer = recommend(asked("lithium", 300, 12, age=40, kg=62, creatinine=100 * 62 / (72 * 116)))
    auc = median(option(answer, "as_ordered"), "auc24")

    assert auc / 24 / LI == pytest.approx(2 * 600 / 73.89 / 24 / 0.909, rel=0.03)


def test_a_level_inside_the_target_lets_the_dose_stand() -> None:
    answer = recommend(asked("lithium", 450, 12, levels={96: 0.7 * LI}, **STABLE))

    assert answer.outcome == "agree"
    assert answer.changing == ()


def test_a_thiazide_raises_the_level_and_asks_for_an_earlier_one() -> None:
    """Petersen 1974: clearance falls by 24 %."""
    alone = recommend(asked("lithium", 450, 12, levels={96: 0.74 * LI}, **STABLE))
    added = recommend(
        asked(
            "lithium", 450, 12, levels={96: 0.74 * LI}, beside=[beside("hydrochlorothiazide", 48)], **STABLE
        )
    )
    before, after = (median(option(one, "as_ordered"), "timed") for one in (alone, added))

    assert added.changing == ("Hydrochlorothiazide was started 2 days ago: levels are expected to rise.",)
    assert 1.1 < after / before < 1.4
    assert any("tremor" in text for text in added.warnings)
    assert added.next_level is not None
    assert alone.next_level is not None
    assert (added.next_level.time - NOW).days <= 7 < (alone.next_level.time - NOW).days


def test_a_thiazide_taken_for_years_is_nothing_new() -> None:
    answer = recommend(
        asked("lithium", 450, 12, levels={96: 0.7 * LI}, beside=[beside("indapamide", 20000)], **STABLE)
    )

    assert answer.changing == ()
    assert any("thiazide" in text for text in answer.warnings)


def test_a_thiazide_that_stops_lowers_the_level() -> None:
    stopped = beside("indapamide", 20000, 24)
    answer = recommend(asked("lithium", 450, 12, levels={96: 0.7 * LI}, beside=[stopped], **STABLE))

    assert answer.changing == ("Indapamide was stopped 24 h ago: levels are expected to fall.",)


def test_mania_is_aimed_higher_than_maintenance() -> None:
    """US label: 0.8 to 1.2 mmol/L in acute episodes."""
    mania, usual = (
        recommend(asked("lithium", 300, 12, indication=why)).target for why in ("acute mania", None)
    )

    assert mania is not None
    assert usual is not None
    assert (mania.low / LI, mania.high / LI) == pytest.approx((0.8, 1.2))
    assert usual.high / LI == pytest.approx(0.8)


def test_the_present_dose_stands_in_the_model_whatever_is_ordered() -> None:
    """A doubled order must not be judged with the clearance of those who need twice the dose."""
    same, doubled = (
        recommend(asked("lithium", mg, 12, past_mg=300, taken=60, age=48, kg=72)) for mg in (300, 600)
    )
    one, two = (median(option(answer, "as_ordered"), "timed") for answer in (same, doubled))

    assert two == pytest.approx(2 * one, rel=0.02)


def test_a_toxic_level_holds_the_next_dose() -> None:
    answer = recommend(asked("lithium", 450, 12, levels={0.2: 1.9 * LI}, **STABLE))

    assert "1.9 mmol/L" in answer.hold


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"age": 15}, "out_of_scope"),
        ({"creatinine": 2.2}, "out_of_scope"),
        ({"creatinine": None}, "insufficient"),
        ({"age": 85}, "out_of_scope"),
    ],
)
def test_what_the_model_does_not_hold_for_is_refused(facts: dict[str, object], outcome: str) -> None:
    answer = recommend(asked("lithium", 450, 12, **facts))

    assert answer.outcome == outcome
    assert not any(one.role == "recommended" for one in answer.options)


@pytest.mark.parametrize(("kg", "creatinine"), [(40, 0.8), (150, 0.9), (60, 0.5)])
def test_extreme_patients_get_finite_answers_inside_the_limits(kg: float, creatinine: float) -> None:
    answer = recommend(asked("lithium", 300, 12, kg=kg, creatinine=creatinine, age=30))

    for one in answer.options:
        assert one.regimen.daily_dose_mg <= min(1800, 30 * kg)
        assert all(math.isfinite(exposure.estimate.median) for exposure in one.exposures)
