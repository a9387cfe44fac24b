"""Tacrolimus: two models speak together; each as its paper prints it."""

from __future__ import annotations

from typing import Any

import pytest
from bedside import asked, by_mouth, given, median, option

from dosing_core import recommend
from dosing_core.case import Case, Genotype

TWICE = by_mouth(3, 12)


def _asked(diplotype: str = "*3/*3", **facts: Any) -> Case:
    values = {"conditions": ["kidney_transplant"], "haematocrit": 35, "kg": 70, **facts}
    case = asked("tacrolimus", TWICE, **values)
    gene = Genotype(gene="CYP3A5", diplotype=diplotype, source="g")
    return case.model_copy(update={"subject": case.subject.model_copy(update={"genotypes": (gene,)})})


@pytest.mark.parametrize(
    ("diplotype", "haematocrit", "clearance"),
    [("*3/*3", 35, 21.2), ("*1/*3", 35, 42.4), ("*3/*3", 30, 21.2 * (30 / 35) ** -1.14)],
)
def test_the_day_is_dose_over_clearance(diplotype: str, haematocrit: float, clearance: float) -> None:
    """Woillard 2011, Table 4."""
    answer = recommend(_asked(diplotype, haematocrit=haematocrit, model="tacrolimus.woillard2011"))

    assert median(option(answer, "as_ordered"), "auc24") == pytest.approx(6 / clearance, rel=0.03)


@pytest.mark.parametrize("trough", [0.0035, 0.007, 0.014])
def test_both_models_come_to_the_same_dose_once_a_trough_is_there(trough: float) -> None:
    answer = recommend(_asked(doses=given(TWICE, 20, 11.8), levels={0.2: trough}))
    alone = [one.alone.regimen.dose_mg for one in answer.models if one.alone and one.alone.regimen]

    assert [one.name for one in answer.models] == ["Størset 2014", "Woillard 2011"]
    assert sum(one.weight for one in answer.models) == pytest.approx(1)
    assert max(alone) <= 1.25 * min(alone)


@pytest.mark.parametrize("trough", [0.013, 0.016])
def test_no_dose_is_raised_while_a_doubted_level_asks_for_less(trough: float) -> None:
    """An expresser's trough far above what 3 mg should give: an unrecorded inhibitor, or the line."""
    answer = recommend(_asked("*1/*3", doses=given(TWICE, 20, 11.8), levels={0.2: trough}))

    assert not answer.levels[0].used
    assert answer.outcome == "insufficient"
    assert answer.options == ()
    assert "repeat it" in answer.reason
    assert answer.next_level is not None


def test_a_doubted_low_level_leaves_the_rise_to_the_believed_figures() -> None:
    answer = recommend(_asked("*1/*3", doses=given(TWICE, 20, 11.8), levels={0.2: 0.003}))

    assert answer.outcome == "recommend"
