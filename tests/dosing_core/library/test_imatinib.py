"""Imatinib: clearance by hand, the label's dose until a trough speaks."""

from __future__ import annotations

from typing import Any

import pytest
from bedside import asked, by_mouth, given, median, option

from dosing_core import recommend
from dosing_core.case import Case

DAILY = by_mouth(400, 24)


def _asked(**facts: Any) -> Case:
    return asked("imatinib", facts.pop("regimen", DAILY), **{"kg": 70, "age": 50, **facts})


@pytest.mark.parametrize(
    ("facts", "clearance"),
    [
        ({}, 14.3 + 1.49 + 0.806),
        ({"sex": "female"}, 14.3 - 1.49 + 0.806),
        ({"conditions": ["gastrointestinal_stromal_tumour"]}, 14.3 + 1.49 - 0.806),
        ({"age": 75, "kg": 90}, 14.3 + 5.42 * 20 / 70 + 1.49 - 5.81 / 2 + 0.806),
    ],
)
def test_the_day_is_dose_over_clearance(facts: dict[str, Any], clearance: float) -> None:
    """Widmer 2006, term by term."""
    answer = recommend(_asked(**facts))

    assert median(option(answer, "as_ordered"), "auc24") == pytest.approx(400 / clearance, rel=0.02)


def test_the_labelled_dose_stands_until_a_trough_speaks() -> None:
    assert recommend(_asked()).outcome == "agree"
    assert recommend(_asked(regimen=by_mouth(600, 24))).outcome == "agree"


def test_without_a_dose_the_labels_one_is_proposed() -> None:
    answer = recommend(asked("imatinib", None, route="oral", kg=70, age=50))

    assert option(answer, "recommended").regimen.dose_mg == 400


def test_a_low_trough_raises_the_dose_and_an_adequate_one_leaves_it() -> None:
    low, enough = (recommend(_asked(doses=given(DAILY, 30, 23.5), levels={0.3: v})) for v in (0.5, 1.6))

    assert 400 < option(low, "recommended").regimen.daily_dose_mg <= 800
    assert enough.outcome == "agree"


def test_a_tenfold_dose_is_named() -> None:
    assert recommend(_asked(regimen=by_mouth(4000, 24))).broken_limits
