"""What the levels of one subject say under a model, and what a cohort's estimates have in common.

All values are in h, mg, L and mg/L, whatever the units of the dataset. The same subject gives the same bytes,
alone or among others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dosing_core.evaluation.cohort import MapFit, map_fits
from dosing_core.evaluation.individuals import ModelledSubject
from dosing_core.inference import posterior
from dosing_core.inference.likelihood import variance
from dosing_core.inference.map_estimate import whitening
from dosing_core.inference.points import DIMENSIONS
from dosing_core.inference.summaries import quantile
from dosing_core.population.individual import FloatArray
from dosing_core.recommendation import Diagnostics

QUANTILES = (0.05, 0.5, 0.95)
SENSITIVITY = 1e-3
"""Difference in random effects, in their standard deviations: its error is far below what residuals show."""


@dataclass(frozen=True, eq=False)
class SubjectFit:
    """One subject's estimates."""

    id: str
    eta_names: tuple[str, ...]
    """Parameter of each random effect that acts in this subject."""
    eta: FloatArray
    """[d] at the mode of the posterior (MAP, NONMEM's post hoc etas)."""
    mode_covariance: FloatArray
    """[d, d] of the random effects by the curvature at the mode."""
    posterior_mean: FloatArray
    """[d] of the random effects."""
    posterior_covariance: FloatArray
    """[d, d] of the random effects over the whole posterior."""
    omega: FloatArray
    """[d, d] the prior's."""
    population: FloatArray
    """[7] typical parameters of the subject's last row of covariates, in the order of ``PARAMETERS``."""
    parameters: FloatArray
    """[7] at the mode, last row."""
    parameter_quantiles: FloatArray
    """[3, 7] of the posterior at ``QUANTILES``, last row; nan where the posterior is not trustworthy."""
    predicted: FloatArray
    """[n] PRED, mg/L: at eta = 0, at every sample."""
    individually: FloatArray
    """[n] IPRED, mg/L: at the mode."""
    prediction_quantiles: FloatArray
    """[3, n] mg/L: of the true concentration, without residual error; nan where not trustworthy."""
    standard_error: FloatArray
    """[n] mg/L: standard deviation of the residual error at IPRED."""
    conditional_residuals: FloatArray
    """[n] CWRES; nan without a level."""
    objective: float
    """Twice negative log of the joint density at the mode, without constants: sum over levels of
    (y - f)² / v + log v, plus eta' omega⁻¹ eta."""
    gradient_norm: float
    iterations: int
    diagnostics: Diagnostics


def fit_subject(subject: ModelledSubject) -> SubjectFit:
    """Mode, posterior and predictions of one subject. Without levels, the prior.

    With more random effects than the stored points serve (many occasions), the mode alone.
    """
    individual = subject.individual
    if individual.dimension > DIMENSIONS:
        (mode,) = map_fits([subject])
        return fit_at_mode(subject, mode)
    with np.errstate(
        all="ignore"
    ):  # absurd levels overflow on the way; the posterior itself judges the outcome
        found = posterior(individual, subject.doses, subject.observations, subject.levels_predicted)
    best = found.map
    lower = whitening(individual.omega)
    mean = found.weight @ found.eta
    away = found.eta - mean
    particles = individual.parameters(found.eta)
    if found.diagnostics.trustworthy:
        parameter_quantiles = quantile(particles[:, -1], found.weight, QUANTILES)
        prediction_quantiles = quantile(subject.prediction(particles), found.weight, QUANTILES)
    else:
        parameter_quantiles = np.full((len(QUANTILES), particles.shape[2]), np.nan)
        prediction_quantiles = np.full((len(QUANTILES), len(subject.sample_time)), np.nan)
    return replace(
        _at(subject, best.eta, lower @ best.modes[0].covariance @ lower.T),
        posterior_mean=mean,
        posterior_covariance=(away * found.weight[:, None]).T @ away,
        parameter_quantiles=parameter_quantiles,
        prediction_quantiles=prediction_quantiles,
        objective=2.0 * best.objective,
        gradient_norm=best.gradient_norm,
        iterations=best.iterations,
        diagnostics=found.diagnostics,
    )


def fit_at_mode(subject: ModelledSubject, mode: MapFit) -> SubjectFit:
    """The same from the mode alone: what belongs to the posterior is nan."""
    return replace(
        _at(subject, mode.eta, mode.covariance),
        objective=2.0 * mode.objective,
        gradient_norm=mode.gradient_norm,
        iterations=mode.iterations,
        diagnostics=Diagnostics(
            method="mode only", particles=0, effective_sample_size=0.0, k_hat=None, modes=mode.modes
        ),
    )


def _at(subject: ModelledSubject, eta: FloatArray, covariance: FloatArray) -> SubjectFit:
    """What follows from the mode; the rest is nan."""
    individual, d = subject.individual, subject.individual.dimension
    step = SENSITIVITY * np.sqrt(np.diag(individual.omega))
    points = np.concatenate([np.zeros((1, d)), eta[None], eta + np.diag(step), eta - np.diag(step)])
    at_points = individual.parameters(points)
    found = subject.prediction(at_points)
    slope = (found[2 : 2 + d] - found[2 + d :]) / (2.0 * np.where(step > 0, step, 1.0)[:, None])
    deviation = standard_error(subject, found[1])
    n, columns = len(subject.sample_time), len(individual.columns)
    return SubjectFit(
        id=subject.id,
        eta_names=individual.eta_names,
        eta=eta,
        mode_covariance=covariance,
        posterior_mean=np.full(d, np.nan),
        posterior_covariance=np.full((d, d), np.nan),
        omega=individual.omega,
        population=at_points[0, -1],
        parameters=at_points[1, -1],
        parameter_quantiles=np.full((len(QUANTILES), columns), np.nan),
        predicted=found[0],
        individually=found[1],
        prediction_quantiles=np.full((len(QUANTILES), n), np.nan),
        standard_error=deviation,
        conditional_residuals=_conditional(subject, eta, found[1], slope.T, deviation),
        objective=np.nan,
        gradient_norm=np.nan,
        iterations=0,
        diagnostics=Diagnostics(
            method="none", particles=0, effective_sample_size=0.0, k_hat=None, modes=0, trustworthy=False
        ),
    )


def _conditional(
    subject: ModelledSubject,
    eta: FloatArray,
    predicted: FloatArray,
    slope: FloatArray,
    deviation: FloatArray,
) -> FloatArray:
    """[n] CWRES (Hooker et al., Pharm Res 2007;24:2187): the model linearised at the mode, J [n, d].

    With E = f − J eta and C = J omega J' + diag(s²) of the levels, C^(−1/2) (y − E); nan elsewhere, and for
    censored levels, which count for nothing here.
    """
    residuals = np.full(len(predicted), np.nan)
    at = np.flatnonzero(~np.isnan(subject.sample_value) & (subject.sample_limit == 0))
    if len(at) == 0:
        return residuals
    own = slope[at]
    spread = own @ subject.individual.omega @ own.T + np.diag(deviation[at] ** 2)
    if np.isfinite(spread).all():
        value, vector = np.linalg.eigh(spread)
        expected = predicted[at] - own @ eta
        away = vector.T @ (subject.sample_value[at] - expected)
        residuals[at] = vector @ (away / np.sqrt(value))
    return residuals


def standard_error(subject: ModelledSubject, predicted: FloatArray) -> FloatArray:
    """[n] standard deviation of the residual error of each sample at what is predicted, output's unit."""
    observed = np.nan_to_num(subject.sample_value)
    deviation = np.empty(len(predicted))
    for output in np.unique(subject.sample_output):
        at = subject.sample_output == output
        residual = subject.individual.error_of(int(output))
        deviation[at] = np.sqrt(variance(residual, predicted[at], observed[at]))
    return deviation


@dataclass(frozen=True)
class Shrinkage:
    """How far the cohort's estimates were drawn to the population's. Fractions; 1 is all the way."""

    name: str
    """Parameter, or ``residual``."""
    subjects: int
    """In which the random effect acts; for the residual, the number of levels."""
    by_deviation: float | None
    """1 − sd(eta) / omega; 1 − sd(IWRES) for the residual. None with fewer than two."""
    by_variance: float | None
    """1 − var(eta) / omega²."""
    posterior: float | None
    """Mean over subjects of posterior / prior variance, what the levels left unknown; not for residuals."""


def shrinkage(fits: Sequence[SubjectFit], subjects: Sequence[ModelledSubject]) -> tuple[Shrinkage, ...]:
    """Shrinkage of each random effect and of the residuals (Savic and Karlsson, AAPS J 2009;11:558)."""
    rows = []
    for name in dict.fromkeys(name for fit in fits for name in fit.eta_names):
        having = [(fit, fit.eta_names.index(name)) for fit in fits if name in fit.eta_names]
        prior = having[0][0].omega[having[0][1], having[0][1]]
        etas = np.array([fit.eta[i] for fit, i in having])
        left = np.array([fit.posterior_covariance[i, i] for fit, i in having])
        ratio = float(np.var(etas, ddof=1) / prior) if len(etas) > 1 else None
        rows.append(
            Shrinkage(
                name=name,
                subjects=len(etas),
                by_deviation=None if ratio is None else 1.0 - ratio**0.5,
                by_variance=None if ratio is None else 1.0 - ratio,
                posterior=float(np.mean(left) / prior),
            )
        )
    weighted = np.concatenate(
        [weighted_residuals(fit, subject) for fit, subject in zip(fits, subjects, strict=True)]
    )
    weighted = weighted[~np.isnan(weighted)]
    ratio = float(np.var(weighted, ddof=1)) if len(weighted) > 1 else None
    rows.append(
        Shrinkage(
            name="residual",
            subjects=len(weighted),
            by_deviation=None if ratio is None else 1.0 - ratio**0.5,
            by_variance=None if ratio is None else 1.0 - ratio,
            posterior=None,
        )
    )
    return tuple(rows)


def weighted_residuals(fit: SubjectFit, subject: ModelledSubject) -> FloatArray:
    """[n] IWRES, (DV − IPRED) over the standard deviation of the residual error; nan without a
    level, and where it is censored."""
    residuals: FloatArray = (subject.sample_value - fit.individually) / fit.standard_error
    return np.where(subject.sample_limit == 0, residuals, np.nan)
