"""Mycophenolate: areas by hand beside ciclosporin, and silence without it."""

from __future__ import annotations

from typing import Any

import pytest
from bedside import asked, by_mouth, given, median, option

from dosing_core import recommend
from dosing_core.case import Case

TWICE = by_mouth(1000, 12)
CREATININE = (140 - 60) * 72 / (72 * 48)
"""mg/dL at which a man of 60 years and 72 kg clears 48 mL/min (Cockcroft and Gault)."""


def _asked(**facts: Any) -> Case:
    values = {"kg": 72, "creatinine": CREATININE, "albumin": 30, "conditions": ["kidney_transplant"]}
    return asked("mycophenolate", TWICE, **{**values, "takes": {"ciclosporin": 450}, **facts})


def test_the_area_is_dose_over_clearance() -> None:
    """1,000 mg / 32.5 L/h = 30.77 mg·h/L in 12 h; 1.11 times the clearance in women."""
    man = recommend(_asked())

    assert median(option(man, "as_ordered"), "auc24") == pytest.approx(61.5, rel=0.03)


def test_more_ciclosporin_and_less_albumin_lower_the_area() -> None:
    reference, more, less = (
        median(option(recommend(_asked(**facts)), "as_ordered"), "auc24")
        for facts in ({}, {"takes": {"ciclosporin": 600}}, {"albumin": 25})
    )

    assert more == pytest.approx(reference * (450 / 600) ** 0.31, rel=0.02)
    assert less == pytest.approx(reference * (25 / 30) ** 1.07, rel=0.02)


def test_a_low_area_raises_the_dose_within_the_label() -> None:
    levels = {10.5: 5.6, 9.4: 2.6, 5.5: 0.9, 0.1: 0.6}
    advised = option(recommend(_asked(doses=given(TWICE, 10, 11.5), levels=levels)), "recommended")

    assert 1000 < advised.regimen.dose_mg <= 1500


@pytest.mark.parametrize(
    "facts",
    [
        {"takes": {"tacrolimus": 8}},
        {"takes": {}},
        {"conditions": []},
        {"albumin": None},
        {"creatinine": None},
    ],
)
def test_without_ciclosporin_graft_or_facts_there_is_no_dose(facts: dict[str, Any]) -> None:
    answer = recommend(_asked(**facts))

    assert answer.outcome in ("out_of_scope", "insufficient")
    assert answer.options == ()
