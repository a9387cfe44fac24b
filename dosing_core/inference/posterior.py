"""The posterior of one patient's random effects, as weighted particles.

Defensive adaptive importance sampling: points from the prior (they bound the weights and find what the mode
does not show), from t distributions at the modes, then from a t distribution fitted to both. Every point is
weighted by the density of the whole mixture (balance heuristic; Veach and Guibas, SIGGRAPH 1995; Cornuet et
al., Scand J Stat 2012;39:798), and the largest weights are Pareto smoothed. If k-hat or the effective sample
size say that this is not to be trusted, more points follow, then sequential Monte Carlo from the prior, then
the honest answer that it cannot be trusted.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from dosing_core.inference import closed, stepped
from dosing_core.inference.descent import to_eta
from dosing_core.inference.likelihood import densities, likelihood
from dosing_core.inference.map_estimate import (
    MapEstimate,
    Mode,
    by_steps,
    map_estimate,
    modes_by_steps,
    modes_of,
    modes_on,
    surfaces,
    whitening,
)
from dosing_core.inference.mixture import T, log_mixture, log_prior, moments
from dosing_core.inference.observations import Observations
from dosing_core.inference.points import normal_points
from dosing_core.inference.summaries import effective_sample_size, psis
from dosing_core.inference.support import CLOUDS, POINTS, weighed
from dosing_core.inference.tempering import tempered
from dosing_core.kinetics import DoseTable, Prediction, prediction
from dosing_core.population.individual import FloatArray, Individual, IntArray, Structure, SupportPoints
from dosing_core.recommendation import Diagnostics

LADDER = ((1024, 512, 2048), (2048, 512, 4096), (4096, 1024, 8192))
"""Points from the prior, from the modes and adapted, rung by rung."""
PRIOR_POINTS = 4096
"""Particles of a patient without levels: half of them points, half their mirror images."""
LEAST_EFFECTIVE = 400.0
"""Effective sample size below which percentiles are not read off (5 % tails would rest on 20 particles)."""
LEAST_LEFT = 200.0
"""Effective sample size below which re-weighting does not replace a fit without a level. Project policy."""
WIDER = 1.05
"""The adapted proposal is this much wider than the weighted sample that it is fitted to."""


@dataclass(frozen=True, eq=False)
class Posterior:
    """Weighted particles of the random effects."""

    eta: FloatArray
    """[n, d]."""
    weight: FloatArray
    """[n], sum 1."""
    log_likelihood: FloatArray
    """[n, n_levels] log density of each level, each by itself."""
    log_evidence: float
    """Log probability density of all levels under this model; 0 without levels."""
    map: MapEstimate
    diagnostics: Diagnostics

    @property
    def map_eta(self) -> FloatArray:
        """[d] the most probable random effects."""
        return self.map.eta

    def without(self, index: int) -> FloatArray | None:
        """Weights [n] as they would be without the level at ``index``.

        None if too few particles would carry them: then the caller fits again without that level. (So it is
        with support points, which cost nothing.)
        """
        if self.diagnostics.method in (POINTS, CLOUDS):
            return None
        log_ratio = self._log_ratio_without(index)
        weight, k_hat = psis(log_ratio)
        plain = effective_sample_size(weight)
        return weight if plain >= LEAST_LEFT and k_hat <= k_limit(len(weight)) else None

    def log_evidence_without(self, index: int) -> float:
        """Log evidence of the other levels."""
        log_ratio = self._log_ratio_without(index)
        top = float(np.max(log_ratio))
        return self.log_evidence + top + math.log(float(np.sum(np.exp(log_ratio - top))))

    def _log_ratio_without(self, index: int) -> FloatArray:
        with np.errstate(divide="ignore"):
            ratio: FloatArray = np.log(self.weight) - self.log_likelihood[:, index]
        return ratio

    def thinned(self, n: int) -> Posterior:
        """``n`` equally weighted particles by systematic resampling along the first random effect."""
        chosen = self.chosen(n)
        return Posterior(
            self.eta[chosen],
            np.full(n, 1.0 / n),
            self.log_likelihood[chosen],
            self.log_evidence,
            self.map,
            self.diagnostics,
        )

    def chosen(self, n: int, weight: FloatArray | None = None) -> IntArray:
        """Indices [n] of equally weighted particles, by ``weight`` [particles] instead of their own if it is
        given; see ``resample``."""
        return resample(self.weight if weight is None else weight, self._order, n)

    @cached_property
    def _order(self) -> IntArray:
        return in_order(self.eta)


def in_order(eta: FloatArray) -> IntArray:
    """Indices [n] of particles [n, d] along the first random effect."""
    return np.argsort(eta[:, 0], kind="stable") if eta.shape[1] else np.arange(len(eta))


def resample(weight: FloatArray, order: IntArray, n: int) -> IntArray:
    """Indices [n] of a systematic resample without chance: the i-th stands at (i + 1/2) / n of the weight.

    Particles are taken in ``order`` (see ``in_order``), so that the distribution of the first random effect
    is kept to 1/n.
    """
    cumulative = np.cumsum(weight[order])
    position = (np.arange(n) + 0.5) / n * cumulative[-1]
    chosen: IntArray = order[np.minimum(np.searchsorted(cumulative, position), len(order) - 1)]
    return chosen


def posterior(
    individual: Individual,
    doses: DoseTable,
    observations: Observations,
    predict: Prediction | None = None,
) -> Posterior:
    """What the levels say about this patient. The same input gives the same bytes.

    ``predict`` replaces the compiled kernel (as a check, or to compare times). Raises ``ValueError`` for more
    random effects than there are stored points for.
    """
    lower = whitening(individual.omega)
    if individual.support is not None:
        return _of_points(individual, individual.support, doses, observations, predict)
    if len(observations) == 0 or individual.dimension == 0:
        return _prior(individual, doses, observations, predict)
    target: _Target
    if predict is None and isinstance(individual.structure, Structure):
        laid_out = closed.problem(individual, doses, observations, lower)
        target, best = _Target(lower, partial(closed.level_densities, laid_out)), modes_of(laid_out)
    else:
        fine, coarse = surfaces(individual, doses, observations, lower, predict)
        target = _Target(lower, coarse.densities)
        if predict is None and by_steps(individual):
            best = modes_by_steps(stepped.problem(individual, doses, observations, lower))
        else:
            best = modes_on(fine, coarse)
    first = 1 if len(best.modes) > 1 else 0  # each mode needs points of its own
    for escalation, sizes in enumerate(LADDER[first:], first):
        z, log_ratio, levels = _mixture(target, best, sizes)
        weight, k_hat = psis(log_ratio)
        effective = effective_sample_size(weight)
        if k_hat <= k_limit(len(weight)) and effective >= LEAST_EFFECTIVE:
            return Posterior(
                target.eta(z),
                weight,
                levels,
                _log_mean(log_ratio),
                best,
                Diagnostics(
                    method="adaptive importance sampling",
                    particles=len(weight),
                    effective_sample_size=effective,
                    k_hat=k_hat if math.isfinite(k_hat) else None,
                    modes=len(best.modes),
                    escalations=escalation,
                ),
            )
    run = tempered(individual.dimension, target.log_likelihood)
    return Posterior(
        target.eta(run.z),
        np.full(len(run.z), 1.0 / len(run.z)),
        target.levels(run.z),
        run.log_evidence,
        best,
        Diagnostics(
            method="tempered sequential Monte Carlo",
            particles=len(run.z),
            effective_sample_size=run.effective_sample_size,
            k_hat=None,
            modes=len(best.modes),
            escalations=len(LADDER),
            trustworthy=run.moved_well and run.effective_sample_size >= LEAST_EFFECTIVE,
        ),
    )


def _prior(
    individual: Individual, doses: DoseTable, observations: Observations, predict: Prediction | None
) -> Posterior:
    """The prior itself, mirrored so that its mean is exactly zero. A model without effects has only that."""
    d = individual.dimension
    half = normal_points("prior", PRIOR_POINTS // 2, d).normal
    eta = to_eta(whitening(individual.omega), np.concatenate([half, -half])) if d else np.zeros((1, 0))
    n = len(eta)
    levels = log_densities(individual, doses, observations, eta, predict)
    evidence = float(levels.sum())
    return Posterior(
        eta,
        np.full(n, 1.0 / n),
        levels,
        evidence,
        map_estimate(individual, doses, observations, predict),
        Diagnostics(method="prior", particles=n, effective_sample_size=float(n), k_hat=None, modes=1),
    )


def _of_points(
    individual: Individual,
    support: SupportPoints,
    doses: DoseTable,
    observations: Observations,
    predict: Prediction | None,
) -> Posterior:
    """The posterior of a prior of finitely many points. Its mode is the heaviest point."""
    lower = whitening(individual.omega)
    found = weighed(
        support,
        lower,
        lambda eta: log_densities(individual, doses, observations, eta, predict),
        len(observations),
    )
    heaviest = int(np.argmax(found.weight))
    z = found.eta @ np.linalg.pinv(lower).T
    _, covariance = moments(z, found.weight)
    objective = -math.log(found.weight[heaviest]) - found.log_evidence
    mode = Mode(z[heaviest], found.eta[heaviest], objective, 0.0, covariance)
    exact = found.method == POINTS
    return Posterior(
        found.eta,
        found.weight,
        found.levels,
        found.log_evidence if len(observations) else 0.0,
        MapEstimate(mode.eta, objective, 0.0, 0, (mode,)),
        Diagnostics(
            method=found.method,
            particles=len(found.weight),
            effective_sample_size=found.effective,
            k_hat=None,
            modes=1,
            escalations=0 if exact else 1,
            trustworthy=exact or found.effective >= LEAST_EFFECTIVE,
        ),
    )


def log_densities(
    individual: Individual,
    doses: DoseTable,
    observations: Observations,
    eta: FloatArray,
    predict: Prediction | None = None,
) -> FloatArray:
    """[n, n_levels] weighted log density of each level for random effects [n, d]."""
    if len(observations) == 0:
        return np.zeros((len(eta), 0))
    if predict is None:
        outputs = None if isinstance(individual.structure, Structure) else observations.output
        predict = prediction(individual, doses, observations.time, outputs)
    with np.errstate(all="ignore"):
        f = np.ascontiguousarray(predict(individual.parameters(eta)), dtype=np.float64)
    return densities(likelihood(individual, observations), f)


@dataclass(frozen=True, eq=False)
class _Target:
    """The likelihood as a function of whitened random effects."""

    lower: FloatArray
    levels: Callable[[FloatArray], FloatArray]
    """z [n, d] to the log density of each level [n, n_levels]."""

    def eta(self, z: FloatArray) -> FloatArray:
        return to_eta(self.lower, z)

    def log_likelihood(self, z: FloatArray) -> FloatArray:
        """[n] log density of all levels."""
        total: FloatArray = np.sum(self.levels(z), axis=1)
        return total


def _mixture(
    target: _Target, best: MapEstimate, sizes: tuple[int, int, int]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Points z, log of target over mixture density, and each level's log density."""
    from_prior, from_modes, adapted = sizes
    d = len(best.eta)
    parts = [normal_points("prior", from_prior, d).normal]
    laplace = normal_points("laplace", from_modes, d)
    proposals: list[tuple[T, int]] = []
    shares = np.array_split(np.arange(from_modes), len(best.modes))
    for mode, share in zip(best.modes, shares, strict=True):
        proposal = T(mode.z, mode.covariance)
        parts.append(proposal.draw(laplace.normal[share], laplace.stretch[share]))
        proposals.append((proposal, len(share)))
    z = np.concatenate(parts)
    levels = target.levels(z)
    log_target = log_prior(z) + levels.sum(axis=1)

    proposal = _adapted(z, log_target - log_mixture(z, from_prior, proposals), best)
    points = normal_points("adapted", adapted, d)
    more = proposal.draw(points.normal, points.stretch)
    more_levels = target.levels(more)
    z = np.concatenate([z, more])
    log_target = np.concatenate([log_target, log_prior(more) + more_levels.sum(axis=1)])
    log_ratio = log_target - log_mixture(z, from_prior, [*proposals, (proposal, adapted)])
    return z, log_ratio, np.concatenate([levels, more_levels])


def _adapted(z: FloatArray, log_ratio: FloatArray, best: MapEstimate) -> T:
    """A t fitted to the weighted points, held to the best mode while few of them carry weight."""
    weight = np.exp(log_ratio - log_ratio.max())
    weight /= weight.sum()
    trust = effective_sample_size(weight)
    trust /= trust + 2.0 * z.shape[1]
    mean, spread = moments(z, weight)
    mode = best.modes[0]
    covariance = WIDER * (trust * spread + (1.0 - trust) * mode.covariance)
    return T(trust * mean + (1.0 - trust) * mode.z, covariance)


def _log_mean(log_values: FloatArray) -> float:
    top = float(log_values.max())
    return top + math.log(float(np.mean(np.exp(log_values - top))))


def k_limit(n: int) -> float:
    """Largest k-hat to trust with n particles: min(1 - 1 / log10 n, 0.7); Vehtari et al. 2024."""
    return min(1.0 - 1.0 / math.log10(n), 0.7)
