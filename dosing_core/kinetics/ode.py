"""Systems that no formula solves, by steps under error control."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dosing_core.kinetics.history import DoseTable
from dosing_core.population.individual import FloatArray, Individual, IntArray


@dataclass(frozen=True, eq=False)
class State:
    """Where each particle's system is at one time, to go on from with other doses."""

    time: float
    """h."""
    start: float
    """h at which t is 0."""
    values: FloatArray
    """[n, n_states]."""
    pending: DoseTable
    """Doses given before ``time`` that have not wholly entered in every particle."""


def state_at(
    individual: Individual,
    parameters: FloatArray,
    doses: DoseTable,
    time: float,
    tolerance: float | None = None,
) -> State:
    """The state at ``time`` (h), before doses that are given then."""
    raise NotImplementedError


def prediction(
    individual: Individual,
    doses: DoseTable,
    times: FloatArray,
    outputs: IntArray | None = None,
    tolerance: float | None = None,
    *,
    state: State | None = None,
    together: int = 1,
) -> Callable[[FloatArray], FloatArray]:
    """See ``predict.prediction``."""
    raise NotImplementedError


def auc(
    individual: Individual,
    parameters: FloatArray,
    doses: DoseTable,
    start: float,
    end: float,
    output: int = 0,
    tolerance: float | None = None,
    *,
    state: State | None = None,
) -> FloatArray:
    """See ``predict.auc``."""
    raise NotImplementedError
