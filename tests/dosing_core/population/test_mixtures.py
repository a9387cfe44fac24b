"""Subpopulations are hypotheses; support points are a prior of finitely many people."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from datasets import simple_model

from dosing_core.case import Case, Measurement, Order, Subject
from dosing_core.errors import InvalidDrugFile
from dosing_core.library import parse_model
from dosing_core.population.bind import bind
from dosing_core.population.rows import individual_of, row_of

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
CL, V1 = 0, 1
KINDS = [
    {"name": "slow", "probability": 0.2, "theta": {"thCL": {"value": 2.0, "unit": "L/h"}}},
    {"name": "fast", "probability": 0.8},
]
SUPPORT = """\
structure: {compartments: 1, routes: [iv]}
theta: {ke: 0.1, V1: 30}
covariates: {WT: {quantity: weight, unit: kg}}
equations: {CL: ke*V1*WT/70}
support:
  theta: [ke, V1]
  points:
    - [0.75, 0.08, 40]
    - [0.25, 0.16, 20]
residual: {proportional_sd: 0.1}
"""


def _case(*weights: float) -> Case:
    measured = tuple(
        Measurement(value=weight, time=NOW - timedelta(hours=48 - 24 * i), source="w")
        for i, weight in enumerate(weights)
    )
    return Case(now=NOW, subject=Subject(weight=measured), order=Order(drug="d", source="o"))


def test_each_subpopulation_is_a_hypothesis_with_its_probability() -> None:
    bound = bind(simple_model(subpopulations=KINDS), _case(70.0))

    assert [(h.name, h.probability) for h in bound.hypotheses] == [("slow", 0.2), ("fast", 0.8)]
    assert [h.individual.typical[0, CL] for h in bound.hypotheses] == [2.0, 5.0]
    assert "slow (20%), fast (80%)" in bound.notes[0]


@pytest.mark.parametrize(
    ("kinds", "says"),
    [
        ([KINDS[0]], "one is no mixture"),
        ([KINDS[0], {**KINDS[1], "probability": 0.7}], "sum to 0.9"),
        ([KINDS[0], {**KINDS[1], "name": "slow"}], "there twice"),
        ([{**KINDS[0], "theta": {"thQ": {"value": 2.0}}}, KINDS[1]], "no such theta"),
        ([{**KINDS[0], "probability": -0.2}, KINDS[1]], "greater than 0"),
    ],
)
def test_a_mixture_that_is_none_does_not_load(kinds: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        simple_model(subpopulations=kinds)


def test_support_points_are_reached_exactly() -> None:
    """At 35 kg, by hand: CL = 0.08 · 40 / 2 = 1.6 and 0.16 · 20 / 2 = 1.6; V 40 and 20."""
    model = parse_model(SUPPORT, "np.yaml")
    individual = individual_of(model, [-math.inf], [row_of(model, {"WT": 35.0})])
    assert individual.support is not None

    reached = individual.parameters(individual.support.eta)[:, 0]

    np.testing.assert_allclose(reached[:, [CL, V1]], [[1.6, 40.0], [1.6, 20.0]], rtol=1e-12)
    np.testing.assert_allclose(individual.support.probability, [0.75, 0.25])
    assert individual.dimension == 2
    assert np.linalg.eigvalsh(individual.omega).min() > 0


def test_a_weight_that_changes_moves_all_points_alike() -> None:
    individual = bind(parse_model(SUPPORT, "np.yaml"), _case(70.0, 35.0)).hypotheses[0].individual
    assert individual.support is not None

    np.testing.assert_allclose(individual.parameters(individual.support.eta)[0, :, CL], 1.6)


def test_covariates_that_add_to_a_point_cannot_change_within_a_person() -> None:
    model = parse_model(SUPPORT.replace("ke*V1*WT/70", "ke*V1 + 0.01*WT"), "np.yaml")
    rows = [row_of(model, {"WT": weight}) for weight in (70.0, 35.0)]

    individual_of(model, [-math.inf], rows[:1])
    with pytest.raises(ValueError, match="do not act on all points alike"):
        individual_of(model, [-math.inf, 0.0], rows)


@pytest.mark.parametrize(
    ("there", "instead", "line", "says"),
    [
        ("[0.25, 0.16, 20]", "[0.35, 0.16, 20]", 6, "sum to 1.1"),
        ("[0.25, 0.16, 20]", "[0.25, 0.16]", 9, "2 values are wanted"),
        ("theta: [ke, V1]", "theta: [ke, V2]", 6, "no theta 'V2'"),
        ("residual:", "iiv: {CL: 0.1}\nresidual:", 6, "in place of iiv"),
        ("[0.25, 0.16, 20]", "[0.25, -0.16, 20]", 4, "CL is"),
    ],
)
def test_support_points_that_are_none_do_not_load(there: str, instead: str, line: int, says: str) -> None:
    with pytest.raises(InvalidDrugFile) as refusal:
        parse_model(SUPPORT.replace(there, instead, 1), "np.yaml")

    assert says in str(refusal.value)
    assert str(refusal.value).startswith("np.yaml:"), line
