"""Compile every kernel, or read it from its cache, before the first order needs it.

Set-up runs ``python -m dosing_core.warm`` so that the cache is on disk; a worker calls ``warm()`` at its
start, which then takes a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dosing_core.inference import Observations, Particles, posterior
from dosing_core.inference.likelihood import log_likelihood
from dosing_core.kinetics import DoseTable, auc, steady_state, steady_state_auc24
from dosing_core.population.families import build
from dosing_core.population.individual import Individual, ResidualError, Structure
from dosing_core.regimens.responses import Schedule, responses


def warm() -> None:
    """Call each kernel once, on a made-up patient with every kind of dose, with and without binding."""
    doses = DoseTable(
        time=np.array([-24.0, -12.0, -6.0]),
        amount=np.array([10.0, 10.0, 10.0]),
        duration=np.array([1.0, 0.0, 0.0]),
        depot=np.array([False, True, False]),
    )
    for binding in (None, np.array([[1.0, 0.1]])):
        individual = Individual(
            structure=Structure(2, True),
            row_time=np.array([-np.inf, -8.0]),
            typical=np.tile([4.0, 30.0, 5.0, 40.0, 1.0, 0.5, 0.8], (2, 1)),
            eta_names=("CL",),
            eta_index=np.array([0, -1, -1, -1, -1, -1, -1]),
            omega=np.array([[0.1]]),
            residual=ResidualError(0.1, 0.1),
            binding=None if binding is None else np.repeat(binding, 2, axis=0),
        )
        believed = posterior(individual, doses, Observations(np.array([-1.0]), np.array([0.3])))
        eta = believed.thinned(16).eta
        auc(individual, individual.parameters(eta), doses, -12.0, 0.0)
        schedules = [Schedule(12.0, 1.0, "iv"), Schedule(12.0, 0.0, "oral")]
        for response in responses(Particles(((individual, eta),)), schedules, 1.0, doses):
            for answer in (response.auc24, response.trough, response.peak, response.first_day_auc):
                answer(np.array([10.0]))
            response.time_above(np.array([10.0]), np.ones(len(eta)))
    log_likelihood(ResidualError(0.1, 0.1), np.ones((1, 2)), np.ones((2, 1)))
    _warm_systems(doses)


def _warm_systems(doses: DoseTable) -> None:
    """The solvers' kernels serve any system: one with one compartment stands for all of a kind."""
    levels = Observations(np.array([-1.0]), np.array([0.3]))
    linear = _individual({})
    parameters = linear.parameters(posterior(linear, doses, levels).thinned(16).eta)
    auc(linear, parameters, doses, -12.0, 0.0)
    steady_state(linear, parameters, 10.0, 12.0, 1.0, False, np.zeros(1))
    steady_state_auc24(linear, parameters, 10.0, 12.0, 1.0, False)
    saturable = _individual({"elimination": "michaelis_menten"})
    parameters = saturable.parameters(posterior(saturable, doses, levels).thinned(16).eta)
    auc(saturable, parameters, doses, -12.0, 0.0)


def _individual(options: Mapping[str, object]) -> Individual:
    """A person of one compartment, every parameter 1/2."""
    system = build({"compartments": 1, "routes": ("iv", "oral"), **options}).system
    n = len(system.parameters)
    return Individual(
        structure=system,
        row_time=np.array([-np.inf]),
        typical=np.full((1, n), 0.5),
        eta_names=("any",),
        eta_index=np.array([0, *(-1 for _ in range(n - 1))]),
        omega=np.array([[0.1]]),
        residual=ResidualError(0.1, 0.1),
        binding=None,
    )


if __name__ == "__main__":
    warm()
