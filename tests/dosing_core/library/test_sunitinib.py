"""Sunitinib: drug and metabolite together, by hand, and steps of the label."""

from __future__ import annotations

import pytest
from bedside import asked, by_mouth, given, median, option

from dosing_core import recommend

DAILY = by_mouth(50, 24)


def test_the_sum_of_drug_and_metabolite_is_what_clearances_leave() -> None:
    """Yu 2015 at 70 kg: 50 / 35.7 + 0.21 · 50 / 17.1 = 2.01 mg·h/L a day; at 140 kg clearances are
    2^0.75 times as large."""
    small, large = (recommend(asked("sunitinib", DAILY, kg=kg)) for kg in (70, 140))

    assert median(option(small, "as_ordered"), "auc24") == pytest.approx(2.015, rel=0.03)
    assert median(option(large, "as_ordered"), "auc24") == pytest.approx(2.015 / 2**0.75, rel=0.03)


def test_without_a_level_the_labelled_dose_can_stand() -> None:
    assert recommend(asked("sunitinib", DAILY, kg=70)).outcome == "agree"


def test_a_high_sum_calls_for_one_or_two_steps_less() -> None:
    """At 140 ng/mL on 50 mg, 100 is the top: at most 35.7 mg if troughs follow the dose."""
    answer = recommend(asked("sunitinib", DAILY, kg=70, doses=given(DAILY, 28, 23), levels={0.5: 0.14}))

    assert option(answer, "recommended").regimen.dose_mg in (25.0, 37.5)


def test_no_dose_above_the_label_is_suggested_for_a_low_sum() -> None:
    answer = recommend(asked("sunitinib", DAILY, kg=70, doses=given(DAILY, 28, 23), levels={0.5: 0.02}))

    assert max(one.regimen.daily_dose_mg for one in answer.options) <= 50


def test_rifampicin_halves_the_sum() -> None:
    """AUC of the sum -46 %: drug and metabolite are cleared faster alike."""
    alone, beside = (recommend(asked("sunitinib", DAILY, kg=70, takes=t)) for t in ({}, {"rifampicin": 600}))
    ratio = median(option(beside, "as_ordered"), "auc24") / median(option(alone, "as_ordered"), "auc24")

    assert ratio == pytest.approx(0.54, rel=0.1)
