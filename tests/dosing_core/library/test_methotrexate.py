"""High-dose methotrexate: what a level after it says, by its hour, and that no dose is ever offered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rule_cases import HOUR, NOW, asked, single

from dosing_core.case import Condition, Dose, Level, Measurement
from dosing_core.recommendation import Recommendation

G_PER_MOL = 454.44


def after(
    umol: float | None,
    hours: float,
    ratio: float | None = 2.0,
    infusion_h: float = 4.0,
    later_dose: bool = False,
    **more: Any,
) -> Recommendation:
    """A level so many hours after the start of an infusion, half an hour ago, and an order of the next."""
    drawn = NOW - HOUR / 2
    start = drawn - hours * HOUR
    creatinine = [Measurement(value=0.9, time=start - HOUR, source="before")]
    if ratio is not None:
        creatinine.append(Measurement(value=0.9 * ratio, time=NOW - HOUR, source="after"))
    doses = [Dose(time=start, amount_mg=6000, route="iv", duration_h=infusion_h, source="d")]
    if later_dose:
        doses.append(Dose(time=NOW - HOUR / 4, amount_mg=6000, route="iv", duration_h=0.1, source="d2"))
    levels = () if umol is None else (Level(time=drawn, value_mg_L=umol * G_PER_MOL / 1000, source="l"),)
    person = {
        "age_years": 58.0,
        "sex": "male",
        "weight": (Measurement(value=84.0, time=NOW - 24 * HOUR, source="w"),),
        "height": (Measurement(value=180.0, time=NOW - 24 * HOUR, source="h"),),
        "creatinine": tuple(creatinine),
        **more,
    }
    return asked(single("methotrexate", 6000, 4), person, doses=tuple(doses), levels=levels)


@pytest.mark.parametrize(
    ("umol", "hours", "ratio", "infusion_h", "reached"),
    [
        (12, 42, 1.8, 24, True),  # worked example of the consensus
        (12, 42, 1.0, 24, False),  # the same without a risen creatinine
        (31, 36, 2.0, 24, True),
        (29, 36, 2.0, 24, False),
        (11, 42, 2.0, 4, True),
        (9, 42, 2.0, 4, False),
        (5.5, 48, 1.5, 4, True),
        (4.5, 48, 2.0, 4, False),
        (5.5, 48, 1.49, 4, False),
        (8, 60, 2.0, 4, True),
        (5.5, 48, 2.0, 40, True),  # infusions of 36 to 42 h have a threshold at 48 h only
        (12, 42, 2.0, 40, False),
        (40, 24, 2.0, 4, False),  # no threshold so early
    ],
)
def test_the_consensus_thresholds_by_hour_and_length_of_the_infusion(
    umol: float, hours: float, ratio: float, infusion_h: float, reached: bool
) -> None:
    answer = after(umol, hours, ratio, infusion_h)

    assert (answer.outcome == "avoid") == reached
    assert ("Glucarpidase is due" in " ".join(answer.warnings)) == reached


@pytest.mark.parametrize("umol", [0.05, 0.5, 3.0, 8.0, 40.0])
@pytest.mark.parametrize("hours", [24.0, 36.0, 42.0, 48.0, 72.0, 120.0])
@pytest.mark.parametrize("ratio", [None, 1.0, 2.0])
def test_no_dose_is_ever_offered(umol: float, hours: float, ratio: float | None) -> None:
    answer = after(umol, hours, ratio)

    assert answer.option("recommended") is None
    assert answer.outcome in ("avoid", "insufficient")


@pytest.mark.parametrize("ratio", [None, 1.0])
def test_a_high_level_without_a_risen_creatinine_holds_and_asks_for_one(ratio: float | None) -> None:
    answer = after(8, 48, ratio)

    assert answer.hold
    assert "creatinine" in " ".join(answer.warnings)


def test_below_the_consensus_and_above_the_labels_limit_is_said_apart() -> None:
    answer = after(2, 50)

    assert "label" in answer.hold
    assert answer.outcome == "insufficient"


def test_a_level_that_is_not_cleared_holds_whatever_creatinine_does() -> None:
    answer = after(0.5, 72, 1.0)

    assert "not cleared" in answer.hold
    assert answer.next_level is not None


def test_a_cleared_level_holds_nothing_and_leaves_the_dose_to_the_protocol() -> None:
    answer = after(0.05, 96, 1.0)

    assert not answer.hold
    assert "protocol" in answer.reason


def test_a_level_of_an_earlier_dose_does_not_speak_of_the_last_one() -> None:
    assert not after(8, 48, 2.0, later_dose=True).hold
    assert after(8, 48, 2.0, later_dose=True).outcome != "avoid"


@pytest.mark.parametrize(
    "more",
    [
        {"weight": ()},
        {"height": ()},
        {"conditions": (Condition(name="haemodialysis", source="c"),)},
    ],
)
def test_the_alarm_is_heard_whatever_else_is_missing(more: Any) -> None:
    assert after(8, 48, **more).outcome == "avoid"


def test_the_level_is_told_in_micromoles() -> None:
    assert "8 µmol/L at 48 h" in after(8, 48).reason


def test_the_next_measurement_is_soon() -> None:
    level = after(8, 48).next_level

    assert level is not None
    assert level.time - NOW <= timedelta(hours=24)
