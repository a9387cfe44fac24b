"""Particles side by side, against each particle by itself: another formula, one at a time.

``linear.run`` takes divided differences by series where rates meet and calls the library's ``exp``.
"""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from illustrative import one_person

from dosing_core.kinetics import DoseTable, linear, lockstep
from dosing_core.kinetics.events import build_events
from dosing_core.population.individual import FloatArray


@pytest.mark.parametrize("x", [0.0, 1e-300, 1e-9, 1e-3, 0.34, 0.35, 0.7, 1.0, 7.3, 36.8, 600.0])
def test_decay_is_exact(x: float) -> None:
    """Both numbers to two units in the last place, against 40 digits: also 1 - e^{-x} of a tiny x."""
    left, gone = lockstep.decay(x)

    with mp.workdps(400):
        exact = mp.exp(-mp.mpf(x))
        assert abs(mp.mpf(left) / exact - 1) < 4.5e-16
        assert gone == 0.0 if x == 0.0 else abs(mp.mpf(gone) / (1 - exact) - 1) < 4.5e-16


def test_decay_of_anything_else_is_harmless() -> None:
    """No number and more than a float can hold: a number comes back, which nothing uses."""
    for x in (np.inf, np.nan, 1e300):
        assert lockstep.decay(x)[0] == pytest.approx(np.exp(-700.0))


def _people(rng: np.random.Generator, n: int, lag: FloatArray) -> FloatArray:
    """[n, 2, 7] over two decades; every tenth has rates that coincide."""
    wide = 10 ** rng.uniform(-1, 1, (n, 2, 5)) * np.array([3.0, 30.0, 5.0, 40.0, 0.8])
    wide[::10, :, 4] = wide[::10, :, 0] / wide[::10, :, 1]
    wide[::10, :, 2] = 0.0
    rest = np.stack([np.broadcast_to(lag[:, None], (n, 2)), rng.uniform(0.2, 1, (n, 2))], axis=2)
    return np.concatenate([wide, rest], axis=2)


DOSES = DoseTable(
    np.array([-50.0, -40.0, -36.0, -30.0, -18.0, -6.0]),
    np.array([500.0, 100.0, 700.0, 300.0, 100.0, 900.0]),
    np.array([1.0, 0.0, 12.0, 0.0, 0.0, 1.0]),
    np.array([False, True, False, False, True, False]),
)


@pytest.mark.parametrize("lags", ["shared", "own"])
@pytest.mark.parametrize("area", [False, True])
def test_side_by_side_is_one_by_one(lags: str, area: bool) -> None:
    """150 particles fill two blocks and part of a third; lags of their own take them apart."""
    rng = np.random.default_rng(3)
    lag = np.full(150, 0.4) if lags == "shared" else rng.choice([0.1, 0.4, 3.0], 150)
    people = _people(rng, 150, lag)
    individual, _ = one_person(people[0], np.array([-np.inf, -20.0]))
    times = np.array([-45.0, -35.9, -20.0, -17.5, -6.0, -5.5, 30.0])
    events = build_events(individual, DOSES, times)
    shared = (events.time, events.kind, events.value, events.index)
    depot = (events.depot_time, events.depot_amount, events.depot_row)

    got = lockstep.run(people, *shared, *depot, len(times), area)
    want = linear.run(people, np.empty((0, 2)), *shared, *depot, len(times), True, area)

    kept = np.isfinite(got)
    np.testing.assert_allclose(got[kept], want[kept], rtol=1e-10)
    assert kept.mean() > (0.9 if area else 0.999)


def test_an_area_that_would_lose_digits_is_not_given() -> None:
    """Hardly anything is eliminated in an hour at a rate of 1e-6 per hour: the difference of two amounts."""
    individual, parameters = one_person(np.array([[3e-5, 30.0, 0.0, 1.0, 1.0, 0.0, 1.0]]))
    bolus = DoseTable(np.array([-1.0]), np.array([100.0]), np.zeros(1), np.zeros(1, dtype=np.bool_))
    events = build_events(individual, bolus, np.array([0.0, 1.0]))

    area = lockstep.run(
        parameters,
        *(events.time, events.kind, events.value, events.index),
        *(events.depot_time, events.depot_amount, events.depot_row),
        2,
        True,
    )

    assert np.isnan(area[0, 1])
