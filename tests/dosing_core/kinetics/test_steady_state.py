"""Steady state against very many explicit doses, and areas against dose over clearance."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from illustrative import one_person, tacrolimus
from scipy.integrate import quad

from dosing_core.kinetics import (
    DoseTable,
    auc,
    bound,
    concentrations,
    no_doses,
    steady_state,
    steady_state_auc24,
)
from dosing_core.kinetics.steady import bound_areas

TWO = np.array([4.0, 30.0, 5.0, 40.0, 0.9, 0.6, 0.8])
ONE = np.array([4.0, 30.0, 0.0, 1.0, 0.9, 0.6, 0.8])

REGIMENS = [
    pytest.param(1000.0, 12.0, 1.5, False, id="infusion"),
    pytest.param(1000.0, 12.0, 0.0, False, id="bolus"),
    pytest.param(1000.0, 12.0, 12.0, False, id="continuous"),
    pytest.param(1000.0, 12.0, 30.0, False, id="infusion longer than the interval"),
    pytest.param(5.0, 12.0, 0.0, True, id="oral"),
    pytest.param(5.0, 0.5, 0.0, True, id="lag longer than the interval"),
]


def _many(amount: float, interval: float, duration: float, depot: bool, count: int) -> DoseTable:
    return DoseTable(
        interval * np.arange(-count, 3, dtype=np.float64),
        np.full(count + 3, amount),
        np.full(count + 3, duration),
        np.full(count + 3, depot),
    )


@pytest.mark.parametrize("row", [TWO, ONE], ids=["two compartments", "one compartment"])
@pytest.mark.parametrize(("amount", "interval", "duration", "depot"), REGIMENS)
def test_steady_state_is_where_many_doses_lead(
    row: np.ndarray, amount: float, interval: float, duration: float, depot: bool
) -> None:
    individual, parameters = one_person(row)
    offsets = np.array([0.0, 0.1, 0.25, 0.4]) * interval

    formula = steady_state(individual, parameters, amount, interval, duration, depot, offsets)[0]

    explicit = concentrations(
        individual, parameters, _many(amount, interval, duration, depot, 3000), interval + offsets
    )[0]
    assert formula == pytest.approx(explicit, rel=1e-9)


@pytest.mark.parametrize(("amount", "interval", "duration", "depot"), REGIMENS)
def test_daily_area_is_dose_over_clearance(
    amount: float, interval: float, duration: float, depot: bool
) -> None:
    """AUC over one interval = F · dose / CL, whatever the volumes and rates."""
    individual, parameters = one_person(TWO)
    expected = (0.8 if depot else 1.0) * amount / 4.0 * 24.0 / interval
    doses = _many(amount, interval, duration, depot, 3000)

    by_state = auc(individual, parameters, doses, 0.0, interval)[0] * 24.0 / interval

    assert steady_state_auc24(individual, parameters, amount, interval, duration, depot) == pytest.approx(
        expected, rel=1e-12
    )
    assert by_state == pytest.approx(expected, rel=1e-9)


def test_slow_elimination_keeps_its_digits() -> None:
    """lambda · tau = 1e-8: 1 / (1 - exp(-x)) by subtraction would lose eight digits."""
    individual, parameters = one_person(np.array([1e-8, 10.0, 0.0, 1.0, 1.0, 0.0, 1.0]))

    trough = steady_state(individual, parameters, 1.0, 10.0, 0.0, False, np.zeros(1))[0, 0]

    rate = 1e-9
    assert trough == pytest.approx(0.1 * np.exp(-rate * 10.0) / -np.expm1(-rate * 10.0), rel=1e-13)


def test_bound_area_matches_adaptive_quadrature() -> None:
    """Whole-blood tacrolimus: the measured curve over a day, integrated by scipy between its kinks."""
    individual = tacrolimus()
    parameters = individual.parameters(np.array([[0.3, -0.5, 0.4]]))
    doses = DoseTable(np.array([-12.0, 0.0, 12.0]), np.full(3, 3.0), np.zeros(3), np.ones(3, dtype=np.bool_))

    def curve(time: float) -> float:
        return float(concentrations(individual, parameters, doses, np.array([time]))[0, 0])

    kinks = [0.0, 0.41, 12.41, 24.0]
    expected = sum(
        quad(curve, left, right, epsabs=0.0, epsrel=1e-10, limit=200)[0] for left, right in pairwise(kinks)
    )

    assert auc(individual, parameters, doses, 0.0, 24.0)[0] == pytest.approx(expected, rel=1e-8)


def test_bound_steady_area_matches_a_long_history() -> None:
    individual = tacrolimus()
    parameters = individual.parameters(np.array([[0.2, 0.1, -0.3], [-0.5, 0.5, 0.0]]))

    formula = steady_state_auc24(individual, parameters, 3.0, 12.0, 0.0, True)

    explicit = auc(individual, parameters, _many(3.0, 12.0, 0.0, True, 1500), 0.0, 12.0) * 2.0
    assert formula == pytest.approx(explicit, rel=1e-8)


def test_no_doses_no_area() -> None:
    individual, parameters = one_person(TWO)

    assert auc(individual, parameters, no_doses(), 0.0, 24.0).tolist() == [0.0]
    assert auc(individual, parameters, no_doses(), 3.0, 3.0).tolist() == [0.0]
    with pytest.raises(ValueError, match="end after its start"):
        auc(individual, parameters, no_doses(), 1.0, 0.0)


def test_bound_areas_are_sums_of_bound_concentrations() -> None:
    """Pointwise, as numpy does it."""
    rng = np.random.default_rng(8)
    profile, weights, doses = rng.random((70, 9)), rng.random(9), np.array([0.5, 3.0, 7.5])

    got = bound_areas(doses, profile, weights, 0.14, 0.0038)

    want = [bound(dose * profile, np.array([0.14, 0.0038])) @ weights for dose in doses]
    np.testing.assert_allclose(got, want, rtol=1e-12)
