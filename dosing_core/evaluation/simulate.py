"""A regimen's course over time in a virtual population.

People differ by the model's random effects and share their covariates. Without a seed they stand at fixed
quasi-random points, so percentiles converge faster than by chance; with a seed they are drawn by a generator,
so that two seeds show how much chance matters. Either way a run repeats to the last bit.

Two bands, never to be mixed up: of the true concentration, and of a measured level, with residual error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dosing_core.errors import NotSupported
from dosing_core.inference.likelihood import variance
from dosing_core.inference.map_estimate import whitening
from dosing_core.inference.points import normal_points
from dosing_core.kinetics import DoseTable, concentrations
from dosing_core.population.individual import FloatArray, Individual

PERCENTILES = (5.0, 50.0, 95.0)
MOST_POINTS = 4096
"""Quasi-random points that are stored; more people need a seed."""
BLOCK = 2_000_000
"""Concentrations held at once; 16 MB."""
MOST = 2_000_000_000
"""Project policy: more concentrations than this (people times instants) take hours: likelier a slip."""


@dataclass(frozen=True, eq=False)
class Population:
    """Virtual people."""

    individual: Individual
    eta: FloatArray
    """[n, d] random effects."""
    noise: FloatArray
    """[n] standard normal: each person's measuring error, the same at every instant."""

    @property
    def parameters(self) -> FloatArray:
        """[n, n_rows, 7]."""
        return self.individual.parameters(self.eta)


@dataclass(frozen=True, eq=False)
class Course:
    """Concentrations over time, mg/L."""

    time: FloatArray
    """[n_times] h from the first dose."""
    typical: FloatArray
    """[n_times] of the typical person."""
    percentiles: FloatArray
    """[3, n_times] of the true concentration at ``PERCENTILES``."""
    measured: FloatArray
    """[3, n_times] of a measured level, residual error included; not below 0."""


def population(individual: Individual, subjects: int, seed: int | None = None) -> Population:
    """``subjects`` virtual people. Raises ``NotSupported`` for more than are stored, without a seed."""
    d = individual.dimension
    if subjects < 1:
        raise NotSupported("a population has at least one subject")
    if seed is not None:
        normal = np.random.default_rng(seed).standard_normal((subjects, d + 1))
    elif subjects <= MOST_POINTS:
        normal = normal_points("prior", subjects, d + 1).normal
    else:
        raise NotSupported(f"more than {MOST_POINTS} subjects need a seed")
    eta = normal[:, :d] @ whitening(individual.omega).T if d else np.zeros((subjects, 0))
    return Population(individual, np.ascontiguousarray(eta), normal[:, d].copy())


def course(
    people: Population,
    doses: DoseTable,
    time: FloatArray,
    tell: Callable[[int], None] = lambda done: None,
) -> Course:
    """Percentiles over ``time`` (h, ascending); ``tell`` hears how many instants are done.

    A value at the time of a dose is before it. Raises ``NotSupported`` for a simulation that is too large.
    """
    individual = people.individual
    if len(people.eta) * len(time) > MOST:
        raise NotSupported(f"{len(people.eta)} subjects at {len(time)} instants; take fewer or a longer step")
    parameters = people.parameters
    percentiles = np.empty((len(PERCENTILES), len(time)))
    measured = np.empty_like(percentiles)
    step = max(1, BLOCK // len(people.eta))
    for start in range(0, len(time), step):
        part = slice(start, min(start + step, len(time)))
        curves = concentrations(individual, parameters, doses, time[part])
        deviation = np.sqrt(variance(individual.residual, curves, np.zeros(1)))
        levels = np.maximum(curves + deviation * people.noise[:, None], 0.0)
        percentiles[:, part] = np.percentile(curves, PERCENTILES, axis=0)
        measured[:, part] = np.percentile(levels, PERCENTILES, axis=0)
        tell(part.stop)
    nobody = individual.parameters(np.zeros((1, individual.dimension)))
    return Course(time, concentrations(individual, nobody, doses, time)[0], percentiles, measured)
