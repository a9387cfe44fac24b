"""The kernels against a matrix exponential in 50 digits, stepped event by event.

The oracle knows nothing of modes, divided differences or superposition: it multiplies matrices.
"""

from __future__ import annotations

from itertools import pairwise

import mpmath as mp
import numpy as np
import pytest
from illustrative import one_person

from dosing_core.kinetics import DoseTable, auc, concentrations
from dosing_core.population.individual import FloatArray

BAR = 1e-10
"""Relative error allowed where the concentration is above 1e-9 of its highest (project's accuracy bar)."""


def _matrix(p: FloatArray) -> mp.matrix:
    """Rates of central, peripheral and depot amount, infusion rate, and area under the concentration."""
    CL, V1, Q, V2, ka = (mp.mpf(float(value)) for value in p[:5])
    m = mp.zeros(5)
    m[0, 0], m[0, 1], m[0, 2], m[0, 3] = -(CL + Q) / V1, Q / V2, ka, 1
    m[1, 0], m[1, 1] = Q / V1, -Q / V2
    m[2, 2] = -ka
    m[4, 0] = 1 / V1
    return m


def exact(
    rows: FloatArray, row_time: FloatArray, doses: DoseTable, times: list[float]
) -> tuple[list[mp.mpf], list[mp.mpf]]:
    """Concentrations and areas so far at ``times``; at one instant rows change, then outputs, then doses."""
    with mp.workdps(50):
        happenings: list[tuple[mp.mpf, int, int]] = []
        for i in range(1, len(rows)):
            happenings.append((mp.mpf(float(row_time[i])), 0, i))
        for i, time in enumerate(times):
            happenings.append((mp.mpf(time), 1, i))
        for i in range(len(doses)):
            start = mp.mpf(float(doses.time[i]))
            row = int(np.searchsorted(row_time, doses.time[i], side="right")) - 1
            if doses.depot[i]:
                happenings.append((start + mp.mpf(float(rows[row, 5])), 2, i))
            elif doses.duration[i] > 0:
                happenings.append((start, 3, i))
                happenings.append((start + mp.mpf(float(doses.duration[i])), 4, i))
            else:
                happenings.append((start, 5, i))
        happenings.sort()
        state, row, now = mp.zeros(5, 1), 0, happenings[0][0]
        concentration, area = [mp.mpf(0)] * len(times), [mp.mpf(0)] * len(times)
        for time, kind, i in happenings:
            if time > now:
                state = mp.expm(_matrix(rows[row]) * (time - now)) * state
            now = time
            if kind == 0:
                row = i
            elif kind == 1:
                concentration[i] = state[0] / mp.mpf(float(rows[row, 1]))
                area[i] = state[4]
            elif kind == 2:
                at_dose = int(np.searchsorted(row_time, doses.time[i], side="right")) - 1
                state[2] += mp.mpf(float(doses.amount[i])) * mp.mpf(float(rows[at_dose, 6]))
            elif kind == 5:
                state[0] += mp.mpf(float(doses.amount[i]))
            else:
                rate = mp.mpf(float(doses.amount[i])) / mp.mpf(float(doses.duration[i]))
                state[3] += rate if kind == 3 else -rate
        return concentration, area


def check(rows: FloatArray, row_time: FloatArray, doses: DoseTable, times: list[float]) -> None:
    individual, parameters = one_person(rows, row_time)
    got = concentrations(individual, parameters, doses, np.array(times))[0]
    want, area = exact(np.atleast_2d(rows), row_time, doses, times)
    highest = max(want)
    for value, expected in zip(got, want, strict=True):
        if expected > highest * 1e-9:
            assert abs(mp.mpf(float(value)) / expected - 1) < BAR
    for i, j in pairwise(sorted(range(len(times)), key=times.__getitem__)):
        expected = area[j] - area[i]
        if expected > area[-1] * mp.mpf(1e-9):
            found = auc(individual, parameters, doses, times[i], times[j])[0]
            assert abs(mp.mpf(float(found)) / expected - 1) < BAR


def _some_doses(rng: np.random.Generator, oral: bool = True) -> DoseTable:
    n = int(rng.integers(2, 6))
    depot = rng.random(n) < 0.5 if oral else np.zeros(n, dtype=np.bool_)
    return DoseTable(
        time=np.sort(rng.uniform(-60, 10, n)),
        amount=rng.uniform(1, 2000, n),
        duration=np.where(rng.random(n) < 0.7, rng.uniform(0.25, 30, n), 0.0),
        depot=depot,
    )


def _some_rows(rng: np.random.Generator, n: int) -> FloatArray:
    """Clearances and volumes over four decades, lag up to 3 h."""
    wide = 10 ** rng.uniform(-2, 2, (n, 5)) * np.array([1.0, 10.0, 1.0, 10.0, 0.3])
    return np.column_stack([wide, rng.uniform(0, 3, n), rng.uniform(0.1, 1, n)])


@pytest.mark.parametrize("seed", range(25))
def test_any_history_matches_the_matrix_exponential(seed: int) -> None:
    """Overlapping infusions, boluses, oral doses, changing covariates: all at random."""
    rng = np.random.default_rng(seed)
    n_rows = int(rng.integers(1, 5))
    row_time = np.concatenate([[-np.inf], np.sort(rng.uniform(-50, 5, n_rows - 1))])
    times = [float(time) for time in np.sort(rng.uniform(-59, 40, 4))]

    check(_some_rows(rng, n_rows), row_time, _some_doses(rng), times)


COINCIDENCES = [0.0, 1e-13, -1e-13, 1e-10, 1e-7, -1e-5, 1e-4, 1e-2]


@pytest.mark.parametrize("offset", COINCIDENCES)
@pytest.mark.parametrize("with_rate", ["alpha", "beta"])
def test_absorption_as_fast_as_disposition(offset: float, with_rate: str) -> None:
    """ka = alpha or beta within any distance: the textbook formula divides by their difference."""
    CL, V1, Q, V2 = 4.0, 30.0, 5.0, 40.0
    total = CL / V1 + Q / V1 + Q / V2
    root = np.sqrt(total**2 - 4 * (CL / V1) * (Q / V2))
    rate = (total + root) / 2 if with_rate == "alpha" else (total - root) / 2
    rows = np.array([[CL, V1, Q, V2, rate * (1 + offset), 0.5, 0.8]])
    doses = DoseTable(np.array([0.0, 12.0]), np.full(2, 100.0), np.zeros(2), np.ones(2, dtype=np.bool_))

    check(rows, np.array([-np.inf]), doses, [0.6, 1.0, 6.0, 12.0, 13.0, 48.0])


@pytest.mark.parametrize("Q", [1e-13, 1e-10, 1e-7, 1e-4, 1e-2])
@pytest.mark.parametrize("offset", COINCIDENCES)
def test_disposition_rates_that_meet(Q: float, offset: float) -> None:
    """k10 = k21 and Q to 0 bring alpha to beta; an infusion and an oral dose with ka = both as well."""
    CL, V1 = 3.0, 30.0
    V2 = Q / (CL / V1 * (1 + offset))
    rows = np.array([[CL, V1, Q, V2, CL / V1, 0.25, 1.0]])
    doses = DoseTable(
        np.array([0.0, 5.0]), np.array([500.0, 100.0]), np.array([1.0, 0.0]), np.array([False, True])
    )

    check(rows, np.array([-np.inf]), doses, [0.5, 1.0, 4.0, 5.5, 24.0])


def test_one_compartment_is_two_without_exchange() -> None:
    rows = np.array([[3.0, 30.0, 0.0, 1.0, 1.2, 0.4, 0.7]])
    doses = DoseTable(
        np.array([0.0, 8.0, 9.0]),
        np.array([500.0, 100.0, 50.0]),
        np.array([1.0, 0.0, 0.0]),
        np.array([False, True, False]),
    )

    check(rows, np.array([-np.inf]), doses, [0.5, 1.0, 8.0, 9.0, 24.0])


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e3])
def test_rates_of_any_size(scale: float) -> None:
    """Steps from a millionth of a time constant to a thousand of them."""
    rows = np.array([[4.0, 30.0, 5.0, 40.0, 0.9, 0.0, 1.0]]) * np.array(
        [scale, 1.0, scale, 1.0, scale, 1.0, 1.0]
    )
    doses = DoseTable(
        np.array([0.0, 3.0]), np.array([500.0, 100.0]), np.array([2.0, 0.0]), np.array([False, True])
    )

    check(rows, np.array([-np.inf]), doses, [1.0, 2.0, 2.01, 4.0])


def test_a_thousand_doses_lose_no_digits() -> None:
    """The error of a long history does not grow with it; the limit is the steady state's geometric series."""
    rows = np.array([[4.0, 30.0, 5.0, 40.0, 0.9, 0.3, 0.8]])
    doses = DoseTable(
        12.0 * np.arange(-1000, 0), np.full(1000, 100.0), np.zeros(1000), np.ones(1000, dtype=bool)
    )
    individual, parameters = one_person(rows)
    got = concentrations(individual, parameters, doses, np.array([0.0]))[0, 0]

    with mp.workdps(50):
        step = mp.expm(_matrix(rows[0]) * 12)[:3, :3]
        after = mp.expm(_matrix(rows[0]) * (12 - mp.mpf(0.3)))[:3, :3]
        dose = mp.matrix([0, 0, mp.mpf(100) * mp.mpf(0.8)])
        state = mp.lu_solve(mp.eye(3) - step, (mp.eye(3) - step**1000) * (after * dose))
        assert abs(mp.mpf(float(got)) / (state[0] / 30) - 1) < BAR
