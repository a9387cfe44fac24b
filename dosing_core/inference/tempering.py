"""Sequential Monte Carlo from the prior to the posterior, by raising the likelihood step by step.

The way out where importance sampling fails, and a second, independent method for checks. Del Moral, Doucet
and Jasra, J R Stat Soc B 2006;68:411. Its chance comes from a fixed seed, so it repeats.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dosing_core.inference.points import normal_points
from dosing_core.population.individual import FloatArray

PARTICLES = 2048
SWEEPS = 8
"""Metropolis sweeps a temperature."""
STAGES = 60
SEED = 20261125
"""Any fixed number; changing it changes the last digits of answers by this method."""
LEAST_ACCEPTANCE = 0.1


@dataclass(frozen=True, eq=False)
class Tempered:
    """Equally weighted particles z [n, d] of the posterior."""

    z: FloatArray
    log_evidence: float
    effective_sample_size: float
    """Number of different particles: copies that never moved apart count once."""
    moved_well: bool
    """The last temperature was reached and moves were accepted often enough to forget the start."""


def tempered(dimension: int, log_likelihood: Callable[[FloatArray], FloatArray]) -> Tempered:
    """Particles of prior N(0, I) times ``log_likelihood`` (of z [n, d], giving [n])."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    z = normal_points("prior", PARTICLES, dimension).normal.copy()
    level = log_likelihood(z)
    temperature, log_evidence, stage, scale = 0.0, 0.0, 0, 2.38 / math.sqrt(dimension)
    acceptance = 1.0
    while temperature < 1.0 and stage < STAGES:
        stage += 1
        following = _next(level, temperature)
        increment = (following - temperature) * level
        top = float(increment.max())
        weight = np.exp(increment - top)
        log_evidence += top + math.log(float(weight.mean()))
        weight /= weight.sum()
        temperature = following
        mean = np.einsum("n,nd->d", weight, z)
        away = z - mean
        covariance = np.einsum("n,nd,ne->de", weight, away, away) + 1e-10 * np.eye(dimension)
        lower = np.linalg.cholesky(covariance)
        position = (np.arange(PARTICLES) + rng.random()) / PARTICLES
        chosen = np.minimum(np.searchsorted(np.cumsum(weight), position), PARTICLES - 1)
        z, level = z[chosen], level[chosen]
        for _ in range(SWEEPS):
            step = scale * np.einsum("ij,nj->ni", lower, rng.standard_normal((PARTICLES, dimension)))
            trial = z + step
            trial_level = log_likelihood(trial)
            gain = temperature * (trial_level - level) + 0.5 * np.sum(z**2 - trial**2, axis=1)
            accepted = np.log(rng.random(PARTICLES)) < gain
            z[accepted], level[accepted] = trial[accepted], trial_level[accepted]
            acceptance = float(accepted.mean())
            scale *= math.exp(acceptance - 0.25)
    different = len(np.unique(z, axis=0))
    finished = temperature >= 1.0 and acceptance >= LEAST_ACCEPTANCE
    return Tempered(z, log_evidence, float(different), finished)


def _next(level: FloatArray, temperature: float) -> float:
    """The temperature at which half of the particles would still carry the weight."""

    def effective(candidate: float) -> float:
        increment = (candidate - temperature) * level
        weight = np.exp(increment - increment.max())
        return float(weight.sum() ** 2 / np.sum(weight**2))

    if effective(1.0) >= 0.5 * len(level):
        return 1.0
    low, high = temperature, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if effective(middle) >= 0.5 * len(level):
            low = middle
        else:
            high = middle
    return high
