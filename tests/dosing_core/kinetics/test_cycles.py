"""Runs of equal doses taken in one step, against every dose by itself (``linear.run`` knows no runs)."""

from __future__ import annotations

import numpy as np
import pytest
from illustrative import one_person

from dosing_core.kinetics import DoseTable, linear, lockstep
from dosing_core.kinetics.events import build_events
from dosing_core.population.individual import FloatArray

N = 203


def _people(n: int) -> FloatArray:
    rng = np.random.default_rng(5)
    people = np.array([4.0, 30.0, 5.0, 40.0, 0.9, 0.5, 0.8]) * np.exp(rng.normal(0.0, 0.3, (n, 2, 7)))
    people[:, :, 5] = rng.choice([0.1, 0.5, 13.0], (n, 1))  # 13 h: later than the next dose.
    return people


def _history(name: str) -> DoseTable:
    time = 12.0 * np.arange(-N, 0.0)
    amount, duration, depot = np.full(N, 100.0), np.zeros(N), np.zeros(N, dtype=np.bool_)
    if name == "infusions":
        duration[:] = 1.5
    elif name == "continuous":
        duration[:] = 12.0
    elif name == "overlapping":
        duration[:] = 15.0
    elif name == "tablets":
        depot[:] = True
    elif name == "less at night":
        amount[::2], depot[:] = 60.0, True
        time[::2] += 2.0
    elif name == "one missed":
        amount[90], depot[:] = 1e-300, True
    elif name == "infusions with tablets":
        duration[::2] = 1.0
        depot[1::2] = True
    return DoseTable(time, amount, duration, depot)


@pytest.mark.parametrize("area", [False, True])
@pytest.mark.parametrize(
    "name",
    [
        "boluses",
        "infusions",
        "continuous",
        "overlapping",
        "tablets",
        "less at night",
        "one missed",
        "infusions with tablets",
    ],
)
def test_a_run_is_its_doses(name: str, area: bool) -> None:
    """A change of covariates and outputs inside the history cut the runs."""
    people = _people(9)
    individual, _ = one_person(people[0], np.array([-np.inf, -1000.0]))
    times = np.array([-1900.0, -1203.0, -1200.0, -600.5, -1.0, 30.0])
    events = build_events(individual, _history(name), times)
    shared = (events.time, events.kind, events.value, events.index)
    depot = (events.depot_time, events.depot_amount, events.depot_row)

    got = lockstep.run(people, *shared, *depot, len(times), area)
    want = linear.run(people, np.empty((0, 2)), *shared, *depot, len(times), True, area)

    np.testing.assert_allclose(got, want, rtol=1e-11)
