"""A utility is read as it is written, for arrays as for one number, and refused where it means nothing."""

from __future__ import annotations

import numpy as np
import pytest

from dosing_core.case import Utility
from dosing_core.errors import UnusableGoal
from dosing_core.goals.utility import NAMES, worth
from dosing_core.population.expressions import parse

AUC = np.array([[100.0, 450.0], [900.0, 2000.0]])


def _utility(benefit: str, harm: str = "0 * auc24", weight: float = 1.0) -> Utility:
    return Utility(benefit=benefit, harm=harm, weight=weight, source="x")


def test_loss_is_weighted_harm_less_benefit() -> None:
    """At an AUC of 450: benefit 450/900, harm (450/900)², weight 2: 0.5 - 0.5 = 0."""
    judged = worth(_utility("min(auc24 / 900, 1)", "min((auc24 / 900) ** 2, 1)", 2.0))

    assert judged.loss({"auc24": AUC})[0, 1] == pytest.approx(0.0, abs=1e-12)
    assert judged.loss({"auc24": AUC})[1] == pytest.approx([1.0, 1.0])


@pytest.mark.parametrize(
    "text",
    [
        "auc24 ** 2 / (auc24 ** 2 + 400 ** 2)",
        "1 if auc24 > 400 and auc24 <= 1000 else 0.2",
        "1 / (1 + exp(-(log(auc24) - 6) * 2))",
        "0 < auc24 < 500 or trough > 12",
        "not (auc24 > 400)",
        "max(0, min(1, abs(cos(auc24)), trough / 20))",
    ],
)
def test_whole_arrays_agree_with_one_number_at_a_time(text: str) -> None:
    trough = np.array([[1.0, 8.0], [14.0, 19.0]])
    expression = parse(text, NAMES, "here")
    expected = [
        [expression.evaluate({"auc24": a, "trough": t}) for a, t in zip(*rows, strict=True)]
        for rows in zip(AUC.tolist(), trough.tolist(), strict=True)
    ]

    judged = worth(_utility(f"0.001 * auc24 / 2 + 0 * trough if 0 else {text}"))

    assert -judged.loss({"auc24": AUC, "trough": trough}) == pytest.approx(np.array(expected), abs=1e-12)


@pytest.mark.parametrize(
    ("benefit", "harm", "why"),
    [
        ("auc24 / 500", "0", "between 0 and 1"),
        ("1 - auc24 / 900", "0", "between 0 and 1"),
        ("exp(auc24 * 10)", "0", "finite"),
        ("1 / (auc24 - 450)", "0", "finite"),
        ("0.5", "0", "same for every dose"),
        ("creatinine", "0", "unknown name 'creatinine'"),
        ("__import__('os')", "0", "not"),
        ("min(auc24 / 2000, 1)", "log(0 * auc24)", "harm is not a finite"),
    ],
)
def test_a_utility_that_means_nothing_is_refused(benefit: str, harm: str, why: str) -> None:
    with pytest.raises(UnusableGoal, match=why):
        worth(_utility(benefit, harm)).loss({"auc24": AUC})
