"""Steps in blocks against scipy's solvers, which take one person at a time at a tolerance of 1e-10 or 1e-12.

The bars (largest error where anything is left to measure): 1e-5 at the tolerance for modes, 1e-3 at that for
particles, whose median error is below 1e-5.
"""

from __future__ import annotations

import numpy as np
import pytest
from by_scipy import areas_of, outputs_of
from structural_models import MODELS

from dosing_core.kinetics import ode
from dosing_core.population.individual import FloatArray, Individual
from dosing_core.population.system import System


def _people(individual: Individual, n: int, seed: int) -> FloatArray:
    rng = np.random.default_rng(seed)
    return individual.parameters(
        rng.multivariate_normal(np.zeros(individual.dimension), individual.omega, size=n)
    )


@pytest.mark.parametrize("name", MODELS)
def test_every_family_agrees_in_all_outputs_and_areas(name: str) -> None:
    case = MODELS[name]()
    individual, system = case.individual, case.individual.structure
    assert isinstance(system, System)
    parameters = _people(individual, 1, 1)
    times = np.concatenate([np.unique(case.times), [12.0, 36.0]])
    values = [dict(zip(system.parameters, map(float, person[0]), strict=True)) for person in parameters]
    want = np.array(
        [outputs_of(system, each, case.doses, list(times), individual.clock_h) for each in values]
    )
    areas = np.array([areas_of(system, each, case.doses, -6.0, 12.0, individual.clock_h) for each in values])

    for k in range(len(system.outputs)):
        got = ode.prediction(individual, case.doses, times, np.full(len(times), k))(parameters)
        scale = np.abs(want[:, :, k]).max(axis=1, keepdims=True)
        np.testing.assert_allclose(got, want[:, :, k], rtol=1e-5, atol=1e-7 * scale.max())
        area = ode.auc(individual, parameters, case.doses, -6.0, 12.0, k)
        np.testing.assert_allclose(area, areas[:, k], rtol=1e-5, atol=1e-9 * scale.max())
