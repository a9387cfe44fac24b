"""The exact solver of linear systems against matrix exponentials in 50 digits, stepped event by event."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from compartment_systems import Chain, exact, person

from dosing_core.kinetics import DoseTable, auc, concentrations, prediction
from dosing_core.population.individual import FloatArray

BAR = 1e-10
"""Relative error allowed where the concentration is above 1e-9 of its highest, and of an area above as much
of that over the whole time (project's accuracy bar)."""
COINCIDENCES = (0.0, 1e-13, -1e-13, 1e-10, 1e-7, -1e-5, 1e-4, 1e-2)


def check(chain: Chain, rows: FloatArray, row_time: FloatArray, doses: DoseTable, times: list[float]) -> None:
    individual = person(chain.system(), rows, row_time)
    parameters = individual.parameters(np.zeros((1, 0)))
    got = concentrations(individual, parameters, doses, np.array(times))[0]
    want, area = exact(chain, rows, row_time, doses, times)
    whole = np.concatenate([times, np.linspace(times[0], times[-1] + 1000, 400)])
    highest = float(max(concentrations(individual, parameters, doses, np.sort(whole))[0]))
    for value, expected in zip(got, want, strict=True):
        if expected > highest * mp.mpf(1e-9):
            assert abs(mp.mpf(float(value)) / expected - 1) < BAR
    found = auc(individual, parameters, doses, times[0], times[-1])[0]
    wanted = area[-1] - area[0]
    if wanted > highest * (times[-1] - times[0]) * mp.mpf(1e-9):
        assert abs(mp.mpf(float(found)) / wanted - 1) < BAR


def some_rows(rng: np.random.Generator, n: int) -> FloatArray:
    """Clearances, volumes and ktr over four decades, lag up to 3 h."""
    wide = 10 ** rng.uniform(-2, 2, (n, 7)) * np.array([1.0, 10.0, 1.0, 10.0, 1.0, 10.0, 0.3])
    return np.column_stack([wide, rng.uniform(0, 3, n), rng.uniform(0.1, 1, n)])


def meet(chain: Chain, row: FloatArray, rng: np.random.Generator) -> None:
    """Set ktr on, or next to, a rate of disposition."""
    matrix = np.array(chain.matrix(row).tolist(), dtype=np.float64)[
        : chain.compartments, : chain.compartments
    ]
    # Symmetric after scaling: the roots of two compartments' exchange rates.
    scale = np.sqrt(row[[1, 3, 5]][: chain.compartments])
    symmetric = matrix / scale[:, None] * scale[None, :]
    rates = -np.linalg.eigvalsh((symmetric + symmetric.T) / 2)
    row[6] = rng.choice(rates) * (1 + rng.choice(COINCIDENCES))


def some_history(seed: int) -> None:
    """Any structure, any rates, infusions, boluses, oral doses with lag, and up to 20 covariate changes."""
    rng = np.random.default_rng(seed)
    chain = Chain(int(rng.integers(1, 4)), int(rng.integers(0, 11)))
    n_rows = 21 if seed % 10 == 9 else int(rng.integers(1, 4))
    rows = some_rows(rng, n_rows)
    for row in rows:
        if rng.random() < 0.5:
            meet(chain, row, rng)
    row_time = np.concatenate([[-np.inf], np.sort(rng.uniform(-50, 5, n_rows - 1))])
    n = int(rng.integers(2, 6))
    doses = DoseTable(
        time=np.sort(rng.uniform(-60, 10, n)),
        amount=rng.uniform(1, 2000, n),
        duration=np.where(rng.random(n) < 0.7, rng.uniform(0.25, 30, n), 0.0),
        depot=rng.random(n) < 0.5 if chain.steps else np.zeros(n, dtype=np.bool_),
    )
    times = [float(time) for time in np.sort(rng.uniform(-59, 40, 5))]
    check(chain, rows, row_time, doses, times)


@pytest.mark.parametrize("seed", range(16))
def test_any_history_of_any_chain_matches_the_matrix_exponential(seed: int) -> None:
    some_history(seed)


@pytest.mark.verify
@pytest.mark.parametrize("hundred", range(10))
def test_a_thousand_histories_match_the_matrix_exponential(hundred: int) -> None:
    for seed in range(1000 + 100 * hundred, 1100 + 100 * hundred):
        some_history(seed)


@pytest.mark.parametrize("steps", [1, 3, 10])
def test_a_chain_of_equal_rates_is_as_good_as_any(steps: int) -> None:
    """An Erlang chain has one eigenvalue ``steps`` times but a single eigenvector: general eigenvalue code
    is wrong here without a warning."""
    rows = np.array([[3.0, 30.0, 0.0, 1.0, 0.0, 1.0, 0.1, 0.25, 1.0]])  # ktr = CL / V1 on top.
    doses = DoseTable(np.array([0.0, 12.0]), np.full(2, 100.0), np.zeros(2), np.ones(2, dtype=np.bool_))

    check(Chain(1, steps), rows, np.array([-np.inf]), doses, [0.3, 1.0, 12.0, 30.0, 200.0])


@pytest.mark.parametrize("depot", [False, True])
def test_a_thousand_doses_lose_no_digits(depot: bool) -> None:
    """Collapsed into one step: the limit is what a thousand steps give."""
    rows = np.array([[4.0, 30.0, 5.0, 40.0, 0.5, 200.0, 2.0, 0.3, 0.8]])
    n = 1000
    doses = DoseTable(
        12.0 * np.arange(-n, 0), np.full(n, 100.0), np.full(n, 0.0 if depot else 1.5), np.full(n, depot)
    )

    check(Chain(3, 3), rows, np.array([-np.inf]), doses, [-6000.0, -11.0, 0.0, 20.0])


def test_a_particle_is_the_same_alone_and_in_a_crowd() -> None:
    """To the bit, with lags that put events in another order, also beyond what a run allows."""
    chain = Chain(2, 3)
    rng = np.random.default_rng(1)
    individual = person(chain.system(), some_rows(rng, 2), np.array([-np.inf, -300.0]))
    parameters = np.exp(rng.normal(0.0, 0.3, (37, 2, 9))) * individual.typical
    parameters[:, :, 7] = rng.choice([0.1, 0.4, 11.0, 30.0], (37, 1))
    doses = DoseTable(12.0 * np.arange(-60, 0), np.full(60, 100.0), np.zeros(60), np.ones(60, dtype=np.bool_))
    predict = prediction(individual, doses, np.array([-500.0, -13.0, 5.0]))

    together = predict(parameters)

    for i in range(37):
        assert np.array_equal(predict(parameters[i : i + 1])[0], together[i])


@pytest.mark.parametrize("column", [0, 1, 6, 7, 8])
def test_what_is_no_number_stays_with_its_particle(column: int) -> None:
    """A clearance, volume, rate, lag or availability of NaN gives NaN, and its neighbours feel nothing."""
    chain = Chain(1, 2)
    parameters = np.tile(np.array([3.0, 30.0, 0.0, 1.0, 0.0, 1.0, 2.0, 0.25, 0.9]), (3, 1, 1))
    individual = person(chain.system(), parameters[0])
    doses = DoseTable(12.0 * np.arange(-30, 0), np.full(30, 100.0), np.zeros(30), np.ones(30, dtype=np.bool_))
    predict = prediction(individual, doses, np.array([-100.0, 5.0]))
    sound = predict(parameters)
    parameters[1, 0, column] = np.nan

    got = predict(parameters)

    assert np.isnan(got[1]).all()
    assert np.array_equal(got[[0, 2]], sound[[0, 2]])


def test_a_dose_by_a_way_that_the_system_lacks_is_refused() -> None:
    individual = person(Chain(1, 0).system(), np.ones(9))
    oral = DoseTable(np.zeros(1), np.ones(1), np.zeros(1), np.ones(1, dtype=np.bool_))

    with pytest.raises(ValueError, match="no way in"):
        prediction(individual, oral, np.ones(1))
