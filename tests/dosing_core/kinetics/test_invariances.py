"""Changes to the question that must not change the answer, or must change it in a known way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from illustrative import one_person

from dosing_core.kinetics import DoseTable, auc, concentrations
from dosing_core.population.individual import FloatArray, Individual

TIMES = np.array([-47.0, -30.2, -11.5, 0.0, 7.7])
EXACT = 1e-12


def _setting(seed: int) -> tuple[Individual, FloatArray, DoseTable]:
    rng = np.random.default_rng(seed)
    rows = np.array([4.0, 30.0, 5.0, 40.0, 0.9, 0.6, 0.8]) * rng.uniform(0.5, 2.0, (3, 7))
    rows[:, 6] = np.minimum(rows[:, 6], 1.0)
    individual, parameters = one_person(rows, np.array([-np.inf, -33.3, -5.0]))
    doses = DoseTable(
        np.sort(rng.uniform(-48, 5, 8)),
        rng.uniform(1, 1000, 8),
        np.array([1.0, 0.0, 2.5, 0.0, 1.0, 30.0, 0.5, 0.0]),
        np.array([False, True, False, False, True, False, False, True]),
    )
    return individual, parameters, doses


@pytest.fixture(params=range(5))
def setting(request: pytest.FixtureRequest) -> tuple[Individual, FloatArray, DoseTable]:
    return _setting(request.param)


def test_twice_the_dose_gives_twice_the_concentration(
    setting: tuple[Individual, FloatArray, DoseTable],
) -> None:
    individual, parameters, doses = setting
    double = replace(doses, amount=2.0 * doses.amount)

    assert concentrations(individual, parameters, double, TIMES) == pytest.approx(
        2.0 * concentrations(individual, parameters, doses, TIMES), rel=EXACT
    )


def test_responses_of_single_doses_add_up(setting: tuple[Individual, FloatArray, DoseTable]) -> None:
    individual, parameters, doses = setting
    early, late = doses.before(-20.0), doses
    late = DoseTable(
        *(getattr(doses, name)[doses.time >= -20.0] for name in ("time", "amount", "duration", "depot"))
    )

    apart = concentrations(individual, parameters, early, TIMES) + concentrations(
        individual, parameters, late, TIMES
    )

    assert concentrations(individual, parameters, doses, TIMES) == pytest.approx(apart, rel=EXACT)


def test_the_clock_may_start_anywhere(setting: tuple[Individual, FloatArray, DoseTable]) -> None:
    individual, parameters, doses = setting
    shift = 1024.0
    moved = replace(individual, row_time=individual.row_time + shift)
    later = replace(doses, time=doses.time + shift)

    assert concentrations(moved, parameters, later, TIMES + shift) == pytest.approx(
        concentrations(individual, parameters, doses, TIMES), rel=1e-11
    )


def test_an_infusion_may_be_charted_in_pieces(setting: tuple[Individual, FloatArray, DoseTable]) -> None:
    individual, parameters, _ = setting
    whole = DoseTable(np.array([-20.0]), np.array([900.0]), np.array([3.0]), np.zeros(1, dtype=np.bool_))
    pieces = DoseTable(
        np.array([-20.0, -19.0, -18.0]), np.full(3, 300.0), np.ones(3), np.zeros(3, dtype=np.bool_)
    )
    times = np.append(TIMES, [-18.5, -17.0])

    assert concentrations(individual, parameters, pieces, times) == pytest.approx(
        concentrations(individual, parameters, whole, times), rel=EXACT
    )


def test_a_row_that_changes_nothing_changes_nothing(
    setting: tuple[Individual, FloatArray, DoseTable],
) -> None:
    individual, parameters, doses = setting
    times = np.insert(individual.row_time, 1, -40.0)
    repeated = np.insert(parameters, 1, parameters[:, 0], axis=1)
    same = replace(individual, row_time=times, typical=repeated[0])

    assert concentrations(same, repeated, doses, TIMES) == pytest.approx(
        concentrations(individual, parameters, doses, TIMES), rel=EXACT
    )


def test_the_order_of_simultaneous_doses_does_not_matter() -> None:
    individual, parameters, _ = _setting(1)
    doses = DoseTable(
        np.zeros(3), np.array([5.0, 7.0, 11.0]), np.array([0.0, 1.0, 0.0]), np.array([True, False, False])
    )
    turned = DoseTable(
        *(getattr(doses, name)[::-1].copy() for name in ("time", "amount", "duration", "depot"))
    )

    assert concentrations(individual, parameters, doses, np.array([0.0, 1.0, 5.0])) == pytest.approx(
        concentrations(individual, parameters, turned, np.array([0.0, 1.0, 5.0])), rel=EXACT
    )


def test_areas_of_neighbouring_windows_add_up(setting: tuple[Individual, FloatArray, DoseTable]) -> None:
    individual, parameters, doses = setting
    parts = [auc(individual, parameters, doses, left, left + 5.0) for left in np.arange(-40.0, 0.0, 5.0)]

    assert sum(parts) == pytest.approx(auc(individual, parameters, doses, -40.0, 0.0), rel=EXACT)


def test_particles_do_not_see_each_other(setting: tuple[Individual, FloatArray, DoseTable]) -> None:
    """A particle's numbers are the same bits alone and in a crowd, next to one that overflows too."""
    individual, parameters, doses = setting
    broken = np.full_like(parameters, 1e300)
    crowd = np.concatenate([2.0 * parameters, broken, parameters, 0.5 * parameters])

    assert np.array_equal(
        concentrations(individual, crowd, doses, TIMES)[2],
        concentrations(individual, parameters, doses, TIMES)[0],
    )


def test_any_valid_history_gives_finite_concentrations() -> None:
    """Thousands of odd but valid questions: tiny and huge rates, coincidences, overlaps."""
    rng = np.random.default_rng(7)
    for _ in range(2000):
        n_rows, n_doses = int(rng.integers(1, 4)), int(rng.integers(0, 7))
        rows = 10 ** rng.uniform(-4, 4, (n_rows, 7))
        rows[:, 2] *= rng.random(n_rows) < 0.7
        rows[:, 5] = rng.choice([0.0, 0.5, 30.0], n_rows)
        rows[:, 6] = rng.uniform(0.01, 1.0, n_rows)
        if rng.random() < 0.3:
            rows[:, 4] = rows[:, 0] / rows[:, 1]
        individual, parameters = one_person(
            rows, np.concatenate([[-np.inf], np.sort(rng.integers(-50, 5, n_rows - 1)).astype(float)])
        )
        doses = DoseTable(
            np.sort(rng.integers(-60, 20, n_doses).astype(float)),
            10 ** rng.uniform(-3, 4, n_doses),
            rng.choice([0.0, 0.5, 1.0, 24.0], n_doses),
            rng.random(n_doses) < 0.4,
        )
        found = concentrations(individual, parameters, doses, rng.integers(-60, 60, 4).astype(float))
        area = auc(individual, parameters, doses, -10.0, 30.0)
        assert np.all(np.isfinite(found))
        assert np.all(found >= 0.0)
        assert np.isfinite(area[0])
        assert area[0] >= 0.0
