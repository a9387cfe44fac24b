"""A regimen's course over time in a virtual population.

People differ by the model's random effects, and by their covariates where several sets are given. Without a
seed they stand at fixed quasi-random points, so percentiles converge faster than by chance; with a seed they
are drawn by a generator, so that two seeds show how much chance matters. Either way a run repeats to the
last bit.

Two bands, never to be mixed up: of the true concentration, and of a measured level, with residual error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
class Group:
    """Virtual people who share their covariates."""

    individual: Individual
    eta: FloatArray
    """[n, d] random effects."""
    noise: FloatArray
    """[n] standard normal: each person's measuring error, the same at every instant."""

    @property
    def parameters(self) -> FloatArray:
        """[n, n_rows, n_parameters]."""
        return self.individual.parameters(self.eta)


@dataclass(frozen=True, eq=False)
class Population:
    """Virtual people, group after group."""

    groups: tuple[Group, ...]

    def __len__(self) -> int:
        return sum(len(group.eta) for group in self.groups)


@dataclass(frozen=True, eq=False)
class Course:
    """One output over time, in mg/L or its own unit."""

    time: FloatArray
    """[n_times] h from the first dose."""
    typical: FloatArray
    """[n_times] of the typical person; of several groups the median of their typical persons."""
    percentiles: FloatArray
    """[3, n_times] of the true concentration at ``PERCENTILES``."""
    measured: FloatArray
    """[3, n_times] of a measured level, residual error included; not below 0."""


def population(
    people: Individual | Sequence[Individual], subjects: int, seed: int | None = None
) -> Population:
    """``subjects`` virtual people, of one set of covariates or of several.

    Of several sets each has its turn, or with a ``seed`` they are drawn. Raises ``NotSupported`` for more
    people than points are stored, without a seed.
    """
    sets = (people,) if isinstance(people, Individual) else tuple(people)
    d = max(individual.dimension for individual in sets)
    if subjects < 1:
        raise NotSupported("a population has at least one subject")
    if seed is not None:
        generator = np.random.default_rng(seed)
        normal = generator.standard_normal((subjects, d + 1))
        turn = generator.integers(0, len(sets), subjects) if len(sets) > 1 else np.zeros(subjects, np.int64)
    elif subjects <= MOST_POINTS:
        normal = normal_points("prior", subjects, d + 1).normal
        turn = np.arange(subjects) % len(sets)
    else:
        raise NotSupported(f"more than {MOST_POINTS} subjects need a seed")
    groups = []
    for number, individual in enumerate(sets):
        own = normal[turn == number]
        if len(own):
            eta = own[:, : individual.dimension] @ whitening(individual.omega).T
            groups.append(Group(individual, np.ascontiguousarray(eta), own[:, d].copy()))
    return Population(tuple(groups))


def course(
    people: Population,
    doses: DoseTable,
    time: FloatArray,
    tell: Callable[[int], None] = lambda done: None,
    output: int = 0,
) -> Course:
    """Percentiles of an output over ``time`` (h, ascending); ``tell`` hears how many instants are done.

    A value at the time of a dose is before it. Raises ``NotSupported`` for a simulation that is too large.
    """
    if len(people) * len(time) > MOST:
        raise NotSupported(f"{len(people)} subjects at {len(time)} instants; take fewer or a longer step")
    percentiles = np.empty((len(PERCENTILES), len(time)))
    measured = np.empty_like(percentiles)
    parameters = [group.parameters for group in people.groups]
    step = max(1, BLOCK // len(people))
    for start in range(0, len(time), step):
        part = slice(start, min(start + step, len(time)))
        curves = [
            concentrations(group.individual, own, doses, time[part], output)
            for group, own in zip(people.groups, parameters, strict=True)
        ]
        levels = [_measured(group, own, output) for group, own in zip(people.groups, curves, strict=True)]
        percentiles[:, part] = np.percentile(np.concatenate(curves), PERCENTILES, axis=0)
        measured[:, part] = np.percentile(np.concatenate(levels), PERCENTILES, axis=0)
        tell(part.stop)
    typical = [_typical(group.individual, doses, time, output) for group in people.groups]
    return Course(time, np.median(typical, axis=0), percentiles, measured)


def _measured(group: Group, curves: FloatArray, output: int) -> FloatArray:
    """What an assay would read; nan of an output that nobody measures."""
    residual = group.individual.error_of(output)
    noise = group.noise[:, None]
    if residual.form == "log":
        return np.asarray(curves * np.exp(residual.proportional * noise))
    if not np.isfinite(residual.additive):
        return np.full_like(curves, np.nan)
    deviation = np.sqrt(variance(residual, curves, np.zeros(1)))
    return np.asarray(np.maximum(curves + deviation * noise, 0.0))


def _typical(individual: Individual, doses: DoseTable, time: FloatArray, output: int) -> FloatArray:
    nobody = individual.parameters(np.zeros((1, individual.dimension)))
    curve: FloatArray = concentrations(individual, nobody, doses, time, output)[0]
    return curve
