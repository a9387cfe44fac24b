"""Steps in blocks against scipy's solvers, which take one person at a time at a tolerance of 1e-10 or 1e-12.

The bars (largest error where there is something to measure): 1e-5 at the tolerance for modes, 1e-3 at that
for particles, whose median error is below 1e-5. Families of models have their comparison in
``population/test_families_every_case.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from structural_models import doses as repeated
from structural_models import person

from dosing_core.kinetics import DoseTable, ode
from dosing_core.population.individual import FloatArray, Individual, ResidualError

ERROR = [ResidualError(0.1, 0.1)]
Slopes = Callable[[float, FloatArray, Mapping[str, float]], list[float]]


def _saturable() -> Individual:
    return person(
        {"routes": ["oral", "iv"], "compartments": 2, "elimination": "michaelis_menten"},
        {"Vmax": 35.0, "Km": 1.2, "V1": 80.0, "Q": 15.0, "V2": 110.0, "ka": 1.1, "F": 0.9},
        {"Vmax": 0.45, "Km": 0.5, "V1": 0.3, "ka": 0.7},
        ERROR,
    )


def _people(individual: Individual, n: int, seed: int) -> FloatArray:
    rng = np.random.default_rng(seed)
    return individual.parameters(
        rng.multivariate_normal(np.zeros(individual.dimension), individual.omega, size=n)
    )


def _solved(
    slopes: Slopes,
    p: Mapping[str, float],
    start: FloatArray,
    into: int,
    scale: float,
    doses: DoseTable,
    times: FloatArray,
    method: str,
) -> FloatArray:
    """States [n_times, n_states] of hand-written equations, boluses of ``scale`` times the dose."""
    state, last, seen = start.copy(), float(doses.time[0]), {}
    for edge in np.union1d(doses.time, times):
        if edge > last:
            found = solve_ivp(slopes, (last, edge), state, method=method, rtol=1e-12, atol=1e-14, args=(p,))
            state, last = found.y[:, -1], float(edge)
        seen[float(edge)] = state.copy()
        for amount in doses.amount[doses.time == edge]:
            state[into] += scale * amount
    return np.array([seen[float(time)] for time in times])


def _saturable_slopes(_: float, y: FloatArray, p: Mapping[str, float]) -> list[float]:
    depot, central, peripheral = y
    level = central / p["V1"]
    across = p["Q"] * (level - peripheral / p["V2"])
    gone = p["Vmax"] * level / (p["Km"] + level)
    return [-p["ka"] * depot, p["ka"] * depot - gone - across, across]


def _saturable_case(
    n: int, amount: float
) -> tuple[Individual, FloatArray, DoseTable, FloatArray, FloatArray]:
    """9 doses 12 h apart; levels of ``n`` people from scipy."""
    individual, given = _saturable(), repeated(amount, 12.0, 9, oral=True)
    parameters = _people(individual, n, 5)
    times = np.array([-100.0, -97.0, -60.5, -13.0, -10.0, -0.5])
    names = individual.columns
    want = []
    for one in parameters:
        p = dict(zip(names, map(float, one[0]), strict=True))
        states = _solved(_saturable_slopes, p, np.zeros(3), 0, p["F"], given, times, "DOP853")
        want.append(states[:, 1] / p["V1"])
    return individual, parameters, given, times, np.array(want)


@pytest.mark.parametrize("n", [24, pytest.param(400, marks=pytest.mark.verify)])
@pytest.mark.parametrize("amount", [200.0, 500.0], ids=["ordinary", "more than the enzyme can take"])
def test_saturable_elimination_keeps_the_bars(n: int, amount: float) -> None:
    """500 mg twice a day is more than Vmax for some of these people: they have no steady state."""
    individual, parameters, given, times, want = _saturable_case(n, amount)

    for tolerance, most, median in [(1e-4, 1e-3, 1e-5), (1e-6, 1e-5, 1e-6)]:
        got = ode.prediction(individual, given, times, None, tolerance)(parameters)
        error = np.abs(got / want - 1.0)[want > 1e-3 * want.max(axis=1, keepdims=True)]
        assert error.max() <= most
        assert np.median(error) <= median


def _target_slopes(_: float, y: FloatArray, p: Mapping[str, float]) -> list[float]:
    free, target, complex_ = y
    bound = p["kon"] * free * target - p["koff"] * complex_
    return [
        -p["CL"] / p["V1"] * free - bound,
        p["kdeg"] * (p["R0"] - target) - bound,
        bound - p["kint"] * complex_,
    ]


@pytest.mark.parametrize("n", [1, pytest.param(40, marks=pytest.mark.verify)])
@pytest.mark.parametrize("amount", [300.0, 3.0], ids=["ligand in excess", "ligand depleted"])
def test_stiff_binding_to_a_target_keeps_the_bars(n: int, amount: float) -> None:
    """Rates from 0.2 a day to 1,000 a day and concentration (illustrative, as in Gibiansky et al., J
    Pharmacokinet Pharmacodyn 2008;35:573): with 3 mg the drug is bound within minutes."""
    individual = person(
        {"routes": ["iv"], "compartments": 1, "target": "full"},
        {"CL": 0.0125, "V1": 3.0, "R0": 2.0, "kdeg": 0.02, "kint": 0.002, "kon": 4.0, "koff": 0.04},
        {"CL": 0.3, "V1": 0.2, "R0": 0.4, "kon": 0.3},
        ERROR,
    )
    given = repeated(amount, 336.0, 3, oral=False, last=-336.0)
    parameters, times = _people(individual, n, 6), np.array([-900.0, -700.0, -335.0, -200.0, -0.5])

    want = []
    for one in parameters:
        p = dict(zip(individual.columns, map(float, one[0]), strict=True))
        start = np.array([0.0, p["R0"], 0.0])
        want.append(_solved(_target_slopes, p, start, 0, 1.0 / p["V1"], given, times, "LSODA")[:, 0])

    for tolerance, most in [(1e-4, 1e-3), (1e-6, 1e-5)]:
        got = ode.prediction(individual, given, times, None, tolerance)(parameters)
        error = np.abs(got / np.array(want) - 1.0)[np.array(want) > 1e-4 * np.max(want)]
        assert error.max() <= most
