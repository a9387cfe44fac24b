"""A cohort's most probable etas at once: subjects as flat columns for ``inference.cohort``.

Closed forms without resets go together (see ``benchmarks/cohort.py`` for how many a second). Subjects of
any other kind are estimated one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dosing_core.evaluation.individuals import ModelledSubject
from dosing_core.inference import cohort
from dosing_core.inference.likelihood import Likelihood, likelihood
from dosing_core.inference.map_estimate import map_estimate, starts, whitening
from dosing_core.kinetics.parameters import effects
from dosing_core.population.individual import FloatArray, IntArray, Structure


@dataclass(frozen=True, eq=False)
class MapFit:
    """One subject's most probable random effects."""

    eta: FloatArray
    """[d]."""
    covariance: FloatArray
    """[d, d] of the random effects by the curvature there."""
    objective: float
    """Negative log of the joint density, without constants."""
    gradient_norm: float
    modes: int
    iterations: int


def map_fits(subjects: Sequence[ModelledSubject]) -> Iterator[MapFit]:
    """The mode of each subject, in order. Subjects with one omega in a row share a call."""
    at = 0
    while at < len(subjects):
        end = at + 1
        if _columnar(subjects[at]):
            while end < len(subjects) and _alike(subjects[at], subjects[end]):
                end += 1
            yield from _apart(cohort.modes(columns_of(subjects[at:end]), _starts(subjects[at])))
        else:
            yield _one(subjects[at])
        at = end


def _columnar(subject: ModelledSubject) -> bool:
    """True if the kernels of the closed forms take the subject as it is."""
    individual = subject.individual
    return (
        isinstance(individual.structure, Structure)
        and subject.whole is not None
        and individual.dimension > 0
        and individual.support is None
    )


def _alike(one: ModelledSubject, other: ModelledSubject) -> bool:
    return (
        _columnar(other)
        and one.individual.eta_names == other.individual.eta_names
        and np.array_equal(one.individual.eta_index, other.individual.eta_index)
        and np.array_equal(one.individual.omega, other.individual.omega)
    )


def _starts(subject: ModelledSubject) -> FloatArray:
    return starts(subject.individual.dimension)


def columns_of(subjects: Sequence[ModelledSubject]) -> cohort.Columns:
    """Subjects of one model with one omega, all of one course, as columns.

    Raises ``InvalidObservation`` and ``InvalidVariability``.
    """
    first = subjects[0].individual
    acting = [effects(subject.individual) for subject in subjects]
    doses = [subject.doses for subject in subjects]
    observed = [subject.observations for subject in subjects]
    levels = [likelihood(subject.individual, own) for subject, own in zip(subjects, observed, strict=True)]
    unbound = np.array([[0.0, 1.0]])
    binding = [
        np.repeat(unbound, len(one.individual.row_time), axis=0)
        if one.individual.binding is None
        else one.individual.binding
        for one in subjects
    ]
    return cohort.Columns(
        lower=whitening(first.omega),
        eta_index=acting[0].eta_index,
        transform=acting[0].transform,
        shape=acting[0].shape,
        row_from=_from(len(one.typical) for one in acting),
        row_time=np.concatenate([one.individual.row_time for one in subjects]),
        typical=np.concatenate([one.typical for one in acting]),
        eta_acts=np.concatenate([one.eta_acts for one in acting]),
        occasion_index=np.concatenate([one.occasion_index for one in acting]),
        binding=np.concatenate(binding),
        dose_from=_from(len(one) for one in doses),
        dose_time=np.concatenate([one.time for one in doses]),
        dose_amount=np.concatenate([one.amount for one in doses]),
        dose_duration=np.concatenate([one.duration for one in doses]),
        dose_depot=np.concatenate([one.depot for one in doses]),
        level_from=_from(len(one) for one in observed),
        level_time=np.concatenate([one.time for one in observed]),
        levels=Likelihood(*(np.concatenate(parts) for parts in zip(*levels, strict=True))),
    )


def _from(lengths: Iterator[int]) -> IntArray:
    return np.concatenate([[0], np.cumsum(list(lengths))]).astype(np.int64)


def _apart(found: cohort.Modes) -> Iterator[MapFit]:
    for k in range(len(found.eta)):
        yield MapFit(
            eta=found.eta[k],
            covariance=found.covariance[k],
            objective=float(found.objective[k]),
            gradient_norm=float(found.slope[k]),
            modes=int(found.modes[k]),
            iterations=int(found.iterations[k]),
        )


def _one(subject: ModelledSubject) -> MapFit:
    """By the same rules, alone."""
    individual, levels = subject.individual, subject.observations
    best = map_estimate(individual, subject.doses, levels, subject.levels_predicted)
    lower = whitening(individual.omega)
    return MapFit(
        eta=best.eta,
        covariance=lower @ best.modes[0].covariance @ lower.T,
        objective=best.objective,
        gradient_norm=best.gradient_norm,
        modes=len(best.modes),
        iterations=best.iterations,
    )
