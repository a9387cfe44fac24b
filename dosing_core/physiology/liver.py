"""Child–Pugh: how far a liver still works (Pugh et al. 1973, Br J Surg 60:646–649)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Ascites = Literal["none", "mild", "severe"]
"""``severe``: moderate or severe."""
Encephalopathy = Literal["none", "grade_1_2", "grade_3_4"]
INR_MIDDLE, INR_HIGH = 1.7, 2.3
"""Public implementations split on 2.2 or 2.3 for the upper cut; most take 2.3."""


@dataclass(frozen=True)
class ChildPugh:
    """Points (5 to 15) and class."""

    points: int
    grade: Literal["A", "B", "C"]


def child_pugh(
    bilirubin_mg_dL: float, albumin_g_dL: float, inr: float, ascites: Ascites, encephalopathy: Encephalopathy
) -> ChildPugh:
    """Class A: 5 to 6 points, B: 7 to 9, C: from 10. A value on a cut counts as the middle."""
    points = (
        (1 if bilirubin_mg_dL < 2.0 else 2 if bilirubin_mg_dL <= 3.0 else 3)
        + (1 if albumin_g_dL > 3.5 else 2 if albumin_g_dL >= 2.8 else 3)
        + (1 if inr < INR_MIDDLE else 2 if inr <= INR_HIGH else 3)
        + {"none": 1, "mild": 2, "severe": 3}[ascites]
        + {"none": 1, "grade_1_2": 2, "grade_3_4": 3}[encephalopathy]
    )
    return ChildPugh(points, "A" if points <= 6 else "B" if points <= 9 else "C")
