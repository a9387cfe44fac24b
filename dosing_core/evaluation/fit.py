"""What the levels of one subject say under a model, and what a cohort's estimates have in common.

All values are in h, mg, L and mg/L, whatever the units of the dataset. The same subject gives the same bytes,
alone or among others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dosing_core.evaluation.individuals import ModelledSubject
from dosing_core.inference import Posterior, posterior
from dosing_core.inference.likelihood import variance
from dosing_core.inference.map_estimate import whitening
from dosing_core.inference.summaries import quantile
from dosing_core.kinetics import no_doses
from dosing_core.population.individual import FloatArray
from dosing_core.recommendation import Diagnostics

QUANTILES = (0.05, 0.5, 0.95)


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
    objective: float
    """Twice negative log of the joint density at the mode, without constants: sum over levels of
    (y - f)² / v + log v, plus eta' omega⁻¹ eta."""
    gradient_norm: float
    iterations: int
    diagnostics: Diagnostics


def fit_subject(subject: ModelledSubject) -> SubjectFit:
    """Mode, posterior and predictions of one subject. Without levels, the prior."""
    individual = subject.individual
    with np.errstate(
        all="ignore"
    ):  # absurd levels overflow on the way; the posterior itself judges the outcome
        found = _posterior(subject)
    best = found.map
    lower = whitening(individual.omega)
    points = np.stack([np.zeros(individual.dimension), best.eta])
    at_points = individual.parameters(points)
    predict = subject.prediction()
    fixed = predict(at_points)
    mean = found.weight @ found.eta
    away = found.eta - mean
    particles = individual.parameters(found.eta)
    if found.diagnostics.trustworthy:
        curves = predict(particles)
        parameter_quantiles = quantile(particles[:, -1], found.weight, QUANTILES)
        prediction_quantiles = quantile(curves, found.weight, QUANTILES)
    else:
        parameter_quantiles = np.full((len(QUANTILES), particles.shape[2]), np.nan)
        prediction_quantiles = np.full((len(QUANTILES), len(subject.sample_time)), np.nan)
    return SubjectFit(
        id=subject.id,
        eta_names=individual.eta_names,
        eta=best.eta,
        mode_covariance=lower @ best.modes[0].covariance @ lower.T,
        posterior_mean=mean,
        posterior_covariance=(away * found.weight[:, None]).T @ away,
        omega=individual.omega,
        population=at_points[0, -1],
        parameters=at_points[1, -1],
        parameter_quantiles=parameter_quantiles,
        predicted=fixed[0],
        individually=fixed[1],
        prediction_quantiles=prediction_quantiles,
        standard_error=standard_error(subject, fixed[1]),
        objective=2.0 * best.objective,
        gradient_norm=best.gradient_norm,
        iterations=best.iterations,
        diagnostics=found.diagnostics,
    )


def _posterior(subject: ModelledSubject) -> Posterior:
    """By the compiled route where the subject is one course, else on the sum of its courses."""
    if subject.whole is not None:
        return posterior(subject.individual, subject.whole.doses, subject.observations)
    predict = subject.prediction(levels_only=True)
    return posterior(subject.individual, no_doses(), subject.observations, predict)


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
