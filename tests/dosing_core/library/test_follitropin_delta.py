"""Follitropin delta by the label's table: each row, the caps, and who is not answered."""

from __future__ import annotations

from typing import Any

import pytest
from rule_cases import advised, asked, at, repeated

from dosing_core.recommendation import Recommendation

UG = 1e-3
"""mg."""


def woman(amh: float, weight: float = 62.0, **more: Any) -> dict[str, Any]:
    person = {"age_years": 33.0, "sex": "female", "weight": at(weight)}
    return {**person, "anti_muellerian_hormone": at(amh, days=60), **more}


def dose(amh: float, weight: float = 62.0) -> float:
    """µg a day for a draft without a dose."""
    answer = asked(repeated("follitropin-delta", None, "subcutaneous"), woman(amh, weight))
    return advised(answer).regimen.dose_mg / UG


@pytest.mark.parametrize(
    ("amh", "ug_per_kg"),
    [
        (15, 0.19), (16, 0.19), (17, 0.18), (18, 0.17), (19, 0.16), (20, 0.16), (21, 0.15), (22, 0.15),
        (23, 0.14), (24, 0.14), (25, 0.13), (27, 0.13), (28, 0.12), (32, 0.12), (33, 0.11), (39, 0.11),
        (40, 0.10), (80, 0.10),
    ],
)  # fmt: skip
def test_every_row_of_the_labels_table(amh: float, ug_per_kg: float) -> None:
    """60 kg stays below the cap in each row; the pen's steps are a third of a microgram."""
    assert dose(amh, weight=60) == pytest.approx(ug_per_kg * 60, abs=1 / 6 + 1e-9)


@pytest.mark.parametrize("weight", [45.0, 62.0, 110.0])
def test_below_15_the_dose_is_fixed(weight: float) -> None:
    assert dose(10, weight) == pytest.approx(12)
    assert dose(14.4, weight) == pytest.approx(12)


def test_the_hormone_is_rounded_to_a_whole_number_first() -> None:
    assert dose(14.5) == pytest.approx(0.19 * 62, abs=1 / 6)
    assert dose(22.4) == pytest.approx(0.15 * 62, abs=1 / 6)
    assert dose(22.6) == pytest.approx(0.14 * 62, abs=1 / 6)


def test_no_first_cycle_goes_beyond_12_micrograms() -> None:
    """0.18 µg/kg of 90 kg would be 16.2 µg."""
    assert dose(17, weight=90) == pytest.approx(12)


def order(ug: float) -> Any:
    return repeated("follitropin-delta", ug * UG, "subcutaneous")


def test_an_order_as_the_table_has_it_stands_and_another_does_not() -> None:
    assert asked(order(8.67), woman(24)).outcome == "agree"
    too_much = asked(order(12), woman(24))
    assert too_much.outcome == "recommend"
    assert advised(too_much).regimen.dose_mg == pytest.approx(8.667 * UG, rel=1e-3)
    assert "micrograms" in too_much.reason


def test_later_cycles_are_spoken_of() -> None:
    said = " ".join(asked(order(12), woman(24)).warnings)

    assert "24 micrograms" in said
    assert "a third less" in said


def test_beyond_the_label_is_a_broken_limit() -> None:
    assert [one.kind for one in asked(order(30), woman(24)).broken_limits] == ["single", "daily"]


def test_more_hormone_and_less_weight_never_ask_for_more() -> None:
    doses = [dose(amh) for amh in (15, 17, 20, 24, 30, 45)]

    assert doses == sorted(doses, reverse=True)
    assert dose(24, 50) < dose(24, 70)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"anti_muellerian_hormone": ()}, "anti-Müllerian hormone"),
        ({"anti_muellerian_hormone": at(24, days=500)}, "anti-Müllerian hormone"),
        ({"weight": ()}, "weight"),
        ({"sex": "male"}, "women"),
    ],
)
def test_without_hormone_or_weight_or_for_a_man_there_is_no_dose(changed: dict[str, Any], said: str) -> None:
    answer: Recommendation = asked(order(12), {**woman(24), **changed})

    assert answer.outcome == "insufficient"
    assert said in answer.reason
    assert answer.option("recommended") is None


def test_a_wrong_weight_or_hormone_is_told_with_its_dose() -> None:
    told = {one.text: one.effect for one in asked(order(8.67), woman(24)).assumptions if one.effect}

    assert any("weight" in text for text in told)
    assert any("hormone" in text for text in told)
