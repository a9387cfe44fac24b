"""Clozapine: what smoking and its end do, and that a treatment is not begun by levels."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from bedside import HOUR, NOW, median, option
from long_term import asked

from dosing_core import recommend
from dosing_core.case import Sign
from dosing_core.library import load_drug

MODEL = load_drug("clozapine").models[0]
LONG = {"taken": 60, "last_h_ago": 12, "age": 38}


def smokes(status: Mapping[float, bool]) -> tuple[Sign, ...]:
    """Whether the patient smokes, by hours before now."""
    return tuple(
        Sign(name="smoker", present=present, time=NOW - ago * HOUR, source="x")
        for ago, present in sorted(status.items(), reverse=True)
    )


NEVER, ALWAYS, STOPPED = smokes({900: False}), smokes({900: True}), smokes({900: True, 72: False})


@pytest.mark.parametrize(("male", "smoker", "level"), [(0, 0, 571), (1, 1, 344)])
def test_steady_states_are_the_published_ones(male: float, smoker: float, level: float) -> None:
    """300 mg a day over clearance: 571 ng/mL in women who do not smoke, 344 in men who do."""
    clearance = MODEL.evaluate({"MALE": male, "SMOKER": smoker})["CL"]

    assert 300 / 24 / clearance * 1000 == pytest.approx(level, abs=2)


def test_the_same_dose_gives_a_smoker_less() -> None:
    """1.658 over 1.208 in men."""
    smoker, other = (
        median(option(recommend(asked("clozapine", 200, 12, signs=signs, **LONG)), "as_ordered"), "auc24")
        for signs in (ALWAYS, NEVER)
    )

    assert other / smoker == pytest.approx(1.658 / 1.208, rel=0.02)


def test_the_end_of_smoking_is_not_met_with_silence() -> None:
    before = recommend(asked("clozapine", 200, 12, levels={240: 0.42}, signs=ALWAYS, **LONG))
    after = recommend(asked("clozapine", 200, 12, levels={240: 0.42}, signs=STOPPED, **LONG))
    ratio = median(option(after, "as_ordered"), "trough") / median(option(before, "as_ordered"), "trough")

    assert (before.outcome, before.changing) == ("agree", ())
    assert after.changing == ("Tobacco smoking was stopped 3 days ago: levels are expected to rise.",)
    assert 1.3 < ratio < 1.7
    assert any("stepwise" in text for text in after.warnings)
    assert after.next_level is not None
    assert (after.next_level.time - NOW).days <= 8
    assert option(after, "recommended").regimen.daily_dose_mg < 400


def test_a_high_level_brings_less_and_the_next_dose_waits() -> None:
    answer = recommend(asked("clozapine", 250, 12, levels={0.5: 1.3}, signs=NEVER, **LONG))

    assert option(answer, "recommended").regimen.daily_dose_mg < 500
    assert "1,300 ng/mL" in answer.hold


def test_a_step_up_is_a_third_at_most() -> None:
    answer = recommend(asked("clozapine", 250, 12, past_mg=150, signs=NEVER, **LONG))

    assert [limit.kind for limit in answer.broken_limits] == ["step"]


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"signs": NEVER}, "begun slowly"),
        ({"taken": 30, "signs": ()}, "smoking"),
        ({"taken": 30, "signs": NEVER, "age": 16}, "below 18"),
        ({"taken": 30, "signs": NEVER, "age": 82}, "age"),
        ({"taken": 30, "signs": NEVER, "sex": None}, "sex"),
    ],
)
def test_what_the_model_does_not_hold_for_is_refused(facts: dict[str, object], why: str) -> None:
    answer = recommend(asked("clozapine", 150, 12, **facts))  # type: ignore[arg-type]

    assert why in answer.reason
    assert not any(one.role == "recommended" for one in answer.options)


@pytest.mark.parametrize(("sex", "signs", "mg"), [("female", NEVER, 25), ("male", ALWAYS, 450)])
def test_extremes_get_finite_answers_inside_the_limits(sex: str, signs: tuple[Sign, ...], mg: float) -> None:
    answer = recommend(asked("clozapine", mg, 12, taken=40, sex=sex, signs=signs))

    for one in answer.options:
        assert one.regimen.daily_dose_mg <= 900
        assert all(math.isfinite(exposure.estimate.median) for exposure in one.exposures)
