"""Swaps the compiled kernels for the numpy reference, so that a whole answer can be timed with either."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from unittest.mock import patch

import numpy as np

from dosing_core import curves, plan, review
from dosing_core.inference import Observations, Posterior, belief, posterior
from dosing_core.kinetics import DoseTable, reference
from dosing_core.population.individual import FloatArray, Individual, ResidualError, Structure
from dosing_core.regimens import responses

PEAK_NODES = 97
"""Instants of an interval among which the reference looks for an oral peak."""


@contextmanager
def numpy_kernels() -> Iterator[None]:
    """While the block runs, every concentration and area comes from ``kinetics.reference``."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(belief, "posterior", _posterior))
        for module in (review, curves, plan, responses):
            stack.enter_context(patch.object(module, "concentrations", reference.concentrations))
        stack.enter_context(patch.object(responses, "auc", reference.auc))
        stack.enter_context(patch.object(responses, "steady_profile", _steady_profile))
        stack.enter_context(patch.object(responses, "steady_oral_peak", _steady_oral_peak))
        yield


def _posterior(individual: Individual, doses: DoseTable, observations: Observations) -> Posterior:
    predict = partial(_concentrations, individual, doses, observations.time)
    return posterior(individual, doses, observations, predict)


def _concentrations(
    individual: Individual, doses: DoseTable, times: FloatArray, parameters: FloatArray
) -> FloatArray:
    return reference.concentrations(individual, parameters, doses, times)


def _steady_profile(
    parameters: FloatArray, amount: float, interval: float, duration: float, depot: bool, offsets: FloatArray
) -> FloatArray:
    rows = parameters[:, None, :]
    return reference.steady_state(_KINETIC, rows, amount, interval, duration, depot, offsets)


def _steady_oral_peak(parameters: FloatArray, interval: float) -> FloatArray:
    offsets = np.linspace(0.0, interval, PEAK_NODES, endpoint=False)
    peaks: FloatArray = _steady_profile(parameters, 1.0, interval, 0.0, True, offsets).max(axis=1)
    return peaks


_KINETIC = Individual(
    structure=Structure(2, True),
    row_time=np.array([-np.inf]),
    typical=np.ones((1, 7)),
    eta_names=(),
    eta_index=np.full(7, -1),
    omega=np.zeros((0, 0)),
    residual=ResidualError(0.0, 0.0),
    binding=None,
)
"""Stands for any individual where only the kinetic concentration is asked for."""
