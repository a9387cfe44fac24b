"""Steady states and areas of linear systems against mass balance, explicit doses, and quadrature."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from compartment_systems import Chain, person

from dosing_core.kinetics import (
    DoseTable,
    auc,
    concentrations,
    prediction,
    steady_state,
    steady_state_auc24,
)
from dosing_core.population.individual import FloatArray

THREE = Chain(3, 4)
OFFSETS = np.array([0.0, 0.25, 1.0, 3.0, 7.9, 8.0])


def _people(n: int = 5) -> FloatArray:
    rng = np.random.default_rng(11)
    typical = np.array([5.0, 20.0, 8.0, 30.0, 1.5, 100.0, 3.0, 0.4, 0.7])
    people = typical * np.exp(rng.normal(0.0, 0.3, (n, 1, 9)))
    people[:, :, 7] = np.linspace(0.0, 10.0, n)[:, None]  # Lags up to more than an interval.
    return people


def _train(duration: float, depot: bool, count: int = 5000) -> DoseTable:
    """The last of ``count`` doses comes one interval before time 0, so that time 0 is before a dose."""
    time = 8.0 * np.arange(-count, 2.0)
    return DoseTable(time, np.full(len(time), 100.0), np.full(len(time), duration), np.full(len(time), depot))


@pytest.mark.parametrize(
    ("duration", "depot"), [(0.0, False), (1.5, False), (8.0, False), (19.0, False), (0.0, True)]
)
def test_the_steady_state_is_what_five_thousand_doses_reach(duration: float, depot: bool) -> None:
    """Also with infusions longer than the interval and with lags longer than the interval."""
    people = _people()
    individual = person(THREE.system(), people[0])

    formula = steady_state(individual, people, 100.0, 8.0, duration, depot, OFFSETS)
    doses = concentrations(individual, people, _train(duration, depot), OFFSETS)

    np.testing.assert_allclose(formula, doses, rtol=1e-9)


def test_what_comes_in_goes_out() -> None:
    """AUC over one interval at steady state is F dose / CL, whatever the structure (mass balance)."""
    people = _people()
    individual = person(THREE.system(), people[0])

    oral = steady_state_auc24(individual, people, 100.0, 8.0, 0.0, True)
    infused = steady_state_auc24(individual, people, 100.0, 8.0, 1.0, False)

    np.testing.assert_allclose(oral, people[:, 0, 8] * 100.0 / people[:, 0, 0] * 3.0, rtol=1e-12)
    np.testing.assert_allclose(infused, 100.0 / people[:, 0, 0] * 3.0, rtol=1e-12)


def test_after_a_steady_state_another_interval_may_follow() -> None:
    """A run of doses every 8 h, then doses every 12 h: the steady state washes out beneath them."""
    people = _people()
    people[:, :, 7] = 0.0
    individual = person(THREE.system(), people[0])
    every_8 = _train(1.5, False).before(-1.0)
    every_12 = DoseTable(
        12.0 * np.arange(5.0), np.full(5, 60.0), np.full(5, 1.0), np.zeros(5, dtype=np.bool_)
    )
    times = np.array([5.0, 24.0, 50.0])

    both = concentrations(individual, people, every_8.joined(every_12), times)
    apart = concentrations(individual, people, every_8, times)
    apart += concentrations(individual, people, every_12, times)

    np.testing.assert_allclose(both, apart, rtol=1e-12)


def test_an_area_is_the_integral_of_the_concentration() -> None:
    """By Gauss-Legendre quadrature of the concentration between events."""
    people = _people(2)
    people[:, :, 7] = 0.5
    individual = person(THREE.system(), people[0])
    doses = DoseTable(
        np.array([0.0, 6.0, 12.0]),
        np.full(3, 100.0),
        np.array([2.0, 0.0, 0.0]),
        np.array([False, True, False]),
    )
    nodes, weights = np.polynomial.legendre.leggauss(40)
    total = np.zeros(2)
    edges = np.array([1.0, 2.0, 6.0, 6.5, 7.0, 8.0, 10.0, 12.0, 12.2, 13.0, 15.0, 20.0])
    for left, right in pairwise(edges):
        times = left + 0.5 * (right - left) * (1.0 + nodes)
        total += concentrations(individual, people, doses, times) @ weights * 0.5 * (right - left)

    found = auc(individual, people, doses, 1.0, 20.0)

    np.testing.assert_allclose(found, total, rtol=1e-9)


def test_a_dose_split_in_two_shifted_in_time_or_doubled() -> None:
    """What changes nothing, or the scale alone, is felt to 12 digits."""
    people = _people(3)
    individual = person(THREE.system(), people[0])
    rows = np.concatenate([people, people], axis=1)
    with_row = person(THREE.system(), rows[0], np.array([-np.inf, 7.0]))
    rng = np.random.default_rng(2)
    time, n = np.sort(rng.uniform(0.0, 30.0, 6)).round(3), 6
    amount, duration = rng.uniform(10.0, 100.0, n), np.array([1.0, 0.0, 4.0, 0.0, 0.0, 2.0])
    depot = np.array([False, True, False, False, True, False])
    doses, times = DoseTable(time, amount, duration, depot), np.array([5.0, 17.0, 40.0])
    want = concentrations(individual, people, doses, times)

    twice = DoseTable(time, 2.0 * amount, duration, depot)
    later = DoseTable(time + 1000.0, amount, duration, depot)
    halves = DoseTable(
        np.repeat(time, 2), np.repeat(amount / 2, 2), np.repeat(duration, 2), np.repeat(depot, 2)
    )
    for got in (
        concentrations(individual, people, twice, times) / 2.0,
        concentrations(individual, people, later, times + 1000.0),
        concentrations(individual, people, halves, times),
        concentrations(with_row, rows, doses, times),
        prediction(individual, doses, times[::-1])(people)[:, ::-1],
    ):
        np.testing.assert_allclose(got, want, rtol=1e-12)
