"""Levels that a structural family gives one person, for tests against hand-written references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from structural_models import person

from dosing_core.kinetics import DoseTable, concentrations
from dosing_core.population.families import build
from dosing_core.population.individual import FloatArray, ResidualError

TOLERANCE = 1e-9
"""Far below the bars of the tests: they judge the equations, so the solver should not be what differs."""


def levels(
    options: Mapping[str, object],
    parameters: Mapping[str, float],
    doses: DoseTable,
    times: Sequence[float],
    output: str = "concentration",
    clock_h: float = 0.0,
) -> FloatArray:
    """One output [n_times] at ``times`` (h, ascending), before a dose at the same time."""
    individual = person(options, parameters, {}, [ResidualError(0.0, 0.1)], clock_h)
    return concentrations(
        individual,
        individual.typical[None],
        doses,
        np.array(times),
        build(options).system.output(output),
        TOLERANCE,
    )[0]


def given(*doses: tuple[float, float], oral: bool = False, duration: float = 0.0) -> DoseTable:
    """Doses as (time h, amount mg), all by one route."""
    return DoseTable(
        time=np.array([time for time, _ in doses]),
        amount=np.array([amount for _, amount in doses]),
        duration=np.full(len(doses), duration),
        depot=np.full(len(doses), oral),
    )
