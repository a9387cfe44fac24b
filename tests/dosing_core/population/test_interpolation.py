"""Covariates between measurements, covariates that no record has, and equations within their own range."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from datasets import simple_model

from dosing_core.case import Case, Dose, Measurement, Order, Subject
from dosing_core.errors import InvalidExpression
from dosing_core.library import parse_model
from dosing_core.population.bind import bind
from dosing_core.population.individual import Individual

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
CL = 0
RANGE = """\
structure: {compartments: 1, routes: [iv]}
theta: {a: 8, b: 0.05, V1: 40}
covariates:
  WT: {quantity: weight, unit: kg}
  SEX: {quantity: female, unit: 0/1}
equations:
  CL: a - b*WT
iiv: {CL: 0.1}
residual: {proportional_sd: 0.1}
population:
  limits:
    - {quantity: weight, low: 40, high: 150, kind: observed, source: invented}
"""


def _individual(interpolation: str, first_dose: float = -48, *more: tuple[float, float]) -> Individual:
    """Weight 70 kg at −36 h and 84 kg at −12 h; CL is 5 · WT / 70."""
    weights = [(-36.0, 70.0), (-12.0, 84.0), *more]
    case = Case(
        now=NOW,
        subject=Subject(
            weight=tuple(
                Measurement(value=value, time=NOW + timedelta(hours=hours), source="w")
                for hours, value in weights
            )
        ),
        order=Order(drug="drug", source="o"),
        doses=(Dose(time=NOW + timedelta(hours=first_dose), amount_mg=100, route="iv", source="d"),),
    )
    return bind(simple_model(interpolation=interpolation), case).hypotheses[0].individual


def test_the_last_observation_is_carried_forward() -> None:
    individual = _individual("last_observation_carried_forward")

    assert individual.row_time.tolist() == [-math.inf, -12]
    np.testing.assert_allclose(individual.typical[:, CL], [5.0, 6.0])


def test_the_next_observation_is_carried_backward() -> None:
    """From the first measurement on, the second one holds already; before, the first."""
    individual = _individual("next_observation_carried_backward")

    assert individual.row_time.tolist() == [-math.inf, -36]
    np.testing.assert_allclose(individual.typical[:, CL], [5.0, 6.0])


def test_a_line_is_taken_in_steps_with_their_middle() -> None:
    """24 h in steps of 6 h: by hand the middles are 71.75, 75.25, 78.75 and 82.25 kg; after it 84 kg."""
    individual = _individual("linear")

    assert individual.row_time.tolist() == [-math.inf, -36, -30, -24, -18, -12]
    expected = 5 / 70 * np.array([70, 71.75, 75.25, 78.75, 82.25, 84])
    np.testing.assert_allclose(individual.typical[:, CL], expected)


@pytest.mark.parametrize("interpolation", ["next_observation_carried_backward", "linear"])
def test_a_measurement_after_now_is_not_looked_at(interpolation: str) -> None:
    known, ahead = _individual(interpolation), _individual(interpolation, -48, (5.0, 140.0))

    np.testing.assert_array_equal(ahead.typical, known.typical)


def test_a_line_over_years_costs_no_more_rows_than_the_policy_says() -> None:
    assert len(_individual("linear", -10_000.0).row_time) <= 201


def test_a_covariate_that_only_a_dataset_has_is_missing_in_a_record() -> None:
    model = simple_model(covariates={"WT": {"quantity": "weight", "unit": "kg"}, "GENO": {"unit": "0/1"}})
    case = Case(now=NOW, subject=Subject(), order=Order(drug="drug", source="o"))

    bound = bind(model, case)

    assert bound.missing == ("weight", "GENO")
    assert bound.hypotheses == ()


def test_albumin_is_read_in_grams_per_litre() -> None:
    model = simple_model(
        covariates={"ALB": {"quantity": "albumin", "unit": "g/L"}},
        equations=[["CL", "thCL*ALB/40"], ["V", "thV"], ["ka", "thka"]],
        typical_check=[{"inputs": {"ALB": 40.0}, "typical_values": {"CL": 5.0}, "source": "by hand"}],
    )
    albumin = (Measurement(value=20.0, time=NOW - timedelta(hours=5), source="alb"),)
    bound = bind(model, Case(now=NOW, subject=Subject(albumin=albumin), order=Order(drug="drug", source="o")))

    assert bound.hypotheses[0].individual.typical[0, CL] == 2.5
    assert bound.used[0].value == "20 g/L"


def test_an_equation_that_holds_in_its_range_loads() -> None:
    """At 150 kg, by hand, CL is 8 − 7.5 = 0.5 L/h."""
    parse_model(RANGE, "m.yaml")


@pytest.mark.parametrize(
    ("equation", "says"),
    [
        ("a - 0.06*WT", "CL is -1 at WT = 150"),
        ("a/(WT - 40)", "cannot be computed"),
        ("a*log(WT - 100)", "cannot be computed"),
        ("exp(WT*WT)", "cannot be computed"),
        ("a*(95 - WT)**2*(1 - SEX)", "CL is 0"),
        ("a*abs(WT - 95)", "CL is 0 at WT = 95"),
    ],
)
def test_an_equation_that_fails_somewhere_in_its_range_is_refused_with_its_line(
    equation: str, says: str
) -> None:
    """Line 7 is the equation's; where it fails is said."""
    with pytest.raises(InvalidExpression) as refusal:
        parse_model(RANGE.replace("a - b*WT", equation), "m.yaml")

    assert str(refusal.value).startswith("m.yaml:7: ")
    assert says in str(refusal.value)
