"""A model's equations hold everywhere within its own range, or the file is refused with the place."""

from __future__ import annotations

import pytest

from dosing_core.errors import InvalidExpression
from dosing_core.library import parse_model

MODEL = """
structure: {compartments: 1, routes: [iv]}
theta: {thCL: 5.0, thV: 30.0}
covariates:
  WT: {quantity: weight, unit: kg}
population:
  limits:
    - {quantity: weight, low: 0, high: 100, kind: observed, source: made up for this test}
equations: {CL: "%s", V1: "thV"}
iiv: {CL: 0.09}
residual: {proportional_sd: 0.1}
"""


@pytest.mark.parametrize(
    ("equation", "says"),
    [
        ("thCL / WT", "division by zero at WT = 0"),
        ("thCL + 1 / (1 / WT)", "division by zero at WT = 0"),
        ("thCL * log(WT)", "cannot be computed"),
        ("thCL * exp(20 * WT)", "cannot be computed"),
        ("thCL * (WT - 50) ** 0.5", "cannot be computed"),
        ("thCL * WT", "CL is 0 at WT = 0"),
        ("thCL * (1 - WT / 80)", "CL is -1.25 at WT = 100"),
        ("thCL / WT if WT > 0 else 1 / WT", "division by zero at WT = 0"),
    ],
)
def test_a_slip_within_the_range_is_refused_by_name(equation: str, says: str) -> None:
    with pytest.raises(InvalidExpression, match=r"CL: ") as refused:
        parse_model(MODEL % equation, "made_up.yaml")

    assert says in str(refused.value)


@pytest.mark.parametrize(
    "equation",
    ["thCL * (1 + WT / 70)", "thCL / WT if WT > 0 else thCL", "thCL if WT <= 0 else thCL + log(WT + 1)"],
)
def test_what_is_undefined_only_where_it_is_not_asked_is_no_slip(equation: str) -> None:
    assert parse_model(MODEL % equation, "made_up.yaml").theta["thCL"].value == 5.0
