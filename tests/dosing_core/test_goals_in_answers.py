"""A goal that comes with the case is followed, or refused with its reason; nothing else is answered."""

from __future__ import annotations

import pytest
from core_case import case_of, scenario

from dosing_core import recommend
from dosing_core.case import Goal, Utility


def _answer(**goal: object):  # type: ignore[no-untyped-def]
    case = case_of(scenario("07"), "vancomycin")
    asked = Goal.model_validate({"source": "ward", "metric": "auc24", "low": 400, "high": 600} | goal)
    return recommend(case.model_copy(update={"goal": asked}))


@pytest.mark.parametrize(
    ("goal", "why"),
    [
        ({"metric": "time_above_mic", "low": 0.5, "high": 1.0}, "no MIC"),
        ({"metric": "time_above_mic", "low": 0.5, "high": 80.0, "mic_mg_L": 1.0}, "between 0 and 1"),
        ({"metric": "effect", "output": "inr", "low": 2.0, "high": 3.0}, "no output 'inr'"),
        ({"metric": "occupancy", "low": 0.9, "high": 1.0}, "no output 'occupancy'"),
        ({"metric": "cumulative_auc"}, "length of the course"),
        ({"utility": Utility(benefit="auc24", harm="0", source="x")}, "between 0 and 1"),
        ({"utility": Utility(benefit="creatinine", harm="0", source="x")}, "unknown name"),
    ],
)
def test_what_cannot_be_aimed_at_gets_no_dose_and_says_why(goal: dict[str, object], why: str) -> None:
    answer = _answer(**goal)

    assert answer.outcome == "insufficient"
    assert why in answer.reason
    assert not any(option.role == "recommended" for option in answer.options)


@pytest.mark.parametrize(
    ("metric", "low", "high", "more"),
    [
        ("trough", 10.0, 15.0, {}),
        ("average", 15.0, 25.0, {}),
        ("peak", 20.0, 40.0, {}),
        ("time_above_mic", 0.9, 1.0, {"mic_mg_L": 4.0}),
    ],
)
def test_any_metric_of_the_concentration_can_be_the_aim(
    metric: str, low: float, high: float, more: dict[str, object]
) -> None:
    answer = _answer(metric=metric, low=low, high=high, **more)

    assert answer.outcome in ("recommend", "agree")
    assert answer.target is not None
    assert answer.target.metric == metric
    shown = [option for option in answer.options if option.role == "recommended"] or answer.options[:1]
    median = next(one.estimate.median for one in shown[0].exposures if one.metric == metric)
    assert low * 0.7 <= median <= high * 1.3


def test_who_fears_harm_more_gets_less() -> None:
    """Benefit rises with the AUC and saturates, harm rises later; a larger weight of harm lowers the dose."""

    def daily(weight: float) -> float:
        utility = Utility(
            benefit="auc24 ** 4 / (auc24 ** 4 + 350 ** 4)",
            harm="auc24 ** 4 / (auc24 ** 4 + 700 ** 4)",
            weight=weight,
            source="committee",
        )
        answer = _answer(utility=utility)
        shown = answer.option("recommended") or answer.option("as_ordered")
        assert shown is not None
        return float(shown.regimen.daily_dose_mg)

    assert daily(0.2) > daily(5.0)
