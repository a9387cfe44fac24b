"""Levels that a structural family gives one person, for tests against hand-written references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from by_scipy import outputs_of

from dosing_core.kinetics import DoseTable
from dosing_core.population.families import build
from dosing_core.population.individual import FloatArray


def levels(
    options: Mapping[str, object],
    parameters: Mapping[str, float],
    doses: DoseTable,
    times: Sequence[float],
    output: str = "concentration",
    clock_h: float = 0.0,
) -> FloatArray:
    """One output [n_times] at ``times`` (h, ascending), before a dose at the same time."""
    system = build(options).system
    assert set(parameters) == set(system.parameters), set(parameters) ^ set(system.parameters)
    found = outputs_of(system, parameters, doses, list(times), clock_h)
    return np.asarray(found[:, system.output(output)])


def given(*doses: tuple[float, float], oral: bool = False, duration: float = 0.0) -> DoseTable:
    """Doses as (time h, amount mg), all by one route."""
    return DoseTable(
        time=np.array([time for time, _ in doses]),
        amount=np.array([amount for _, amount in doses]),
        duration=np.full(len(doses), duration),
        depot=np.full(len(doses), oral),
    )
