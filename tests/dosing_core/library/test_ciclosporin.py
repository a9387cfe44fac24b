"""Ciclosporin: areas by hand, one model for kidneys and one for stem cells, and who is not answered."""

from __future__ import annotations

from datetime import timedelta

import pytest
from bedside import NOW, asked, by_mouth, given, median, option

from dosing_core import recommend
from dosing_core.case import Case, Condition
from dosing_core.recommendation import Recommendation

TWICE = by_mouth(150, 12)


def _since(days: float, organ: str = "kidney_transplant") -> Condition:
    return Condition.model_validate({"name": organ, "time": NOW - timedelta(days=days), "source": "x"})


def _answer(case: Case) -> Recommendation:
    answer = recommend(case)
    assert all(one.exposures for one in answer.options)
    return answer


def test_the_day_of_a_kidney_recipient_is_dose_times_half_over_clearance() -> None:
    """Press 2010 at 76 kg: 300 mg · 0.5 / 15 L/h = 10 mg·h/L; from 20 mg prednisolone on 22 % less."""
    without = _answer(asked("ciclosporin", TWICE, kg=76, conditions=[_since(100)]))
    beside = _answer(asked("ciclosporin", TWICE, kg=76, conditions=[_since(100)], takes={"prednisolone": 20}))

    assert median(option(without, "as_ordered"), "auc24") == pytest.approx(10.0, rel=0.02)
    assert median(option(beside, "as_ordered"), "auc24") == pytest.approx(7.8, rel=0.02)


def test_after_a_stem_cell_transplant_the_other_model_speaks() -> None:
    """Woillard 2014: 300 mg / 41.2 L/h = 7.28 mg·h/L, aimed at 4.3 in 12 h."""
    answer = _answer(asked("ciclosporin", TWICE, conditions=["stem_cell_transplant"]))

    assert median(option(answer, "as_ordered"), "auc24") == pytest.approx(7.28, rel=0.02)
    assert answer.target is not None
    assert answer.target.low < 8.6 < answer.target.high


def test_in_the_first_six_weeks_more_is_aimed_at_than_later() -> None:
    early, late = (_answer(asked("ciclosporin", TWICE, conditions=[_since(days)])) for days in (14, 100))

    assert early.target is not None
    assert late.target is not None
    assert early.target.low > late.target.high


def test_a_high_trough_lowers_the_dose_and_a_low_one_raises_it() -> None:
    def advised(level: float) -> float:
        doses = given(TWICE, 14, 11.7)
        answer = _answer(
            asked("ciclosporin", TWICE, conditions=[_since(100)], doses=doses, levels={0.2: level})
        )
        kept = answer.option("recommended") or option(answer, "as_ordered")
        return kept.regimen.daily_dose_mg

    assert advised(0.40) < advised(0.14) < advised(0.10)


def test_the_level_two_hours_after_a_dose_can_be_aimed_at() -> None:
    answer = _answer(asked("ciclosporin", TWICE, conditions=[_since(100)], indication="c2_monitoring"))

    assert answer.target is not None
    assert (answer.target.metric, answer.target.after_h) == ("timed", 2.0)
    assert 0.64 <= median(option(answer, "as_ordered"), "timed") <= 0.96


@pytest.mark.parametrize(
    "conditions", [[], ["liver_transplant"], [_since(100), "heart_transplant"], ["lung_transplant"]]
)
def test_who_has_no_model_here_gets_no_dose(conditions: list[str | Condition]) -> None:
    assert recommend(asked("ciclosporin", TWICE, conditions=conditions)).outcome == "out_of_scope"


def test_an_infusion_is_not_answered() -> None:
    assert (
        recommend(asked("ciclosporin", None, route="iv", conditions=[_since(100)])).outcome == "out_of_scope"
    )
