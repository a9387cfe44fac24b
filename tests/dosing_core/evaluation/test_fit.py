"""Fits of subjects: against another optimiser on other kinetics, a grid, and a published fit."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from datasets import (
    GOTI,
    GOTI_NAMES,
    STORSET,
    STORSET_NAMES,
    library_model,
    one_subject,
    simple_model,
    subjects,
    theophylline,
)
from scipy.optimize import minimize

from dosing_core.evaluation import (
    ModelledSubject,
    SubjectFit,
    fit_subject,
    modelled,
    shrinkage,
    weighted_residuals,
)
from dosing_core.kinetics import reference
from dosing_core.population.individual import FloatArray

VANCOMYCIN = f"""ID,TIME,AMT,RATE,II,ADDL,DV,{GOTI_NAMES}
1,0,1500,1000,.,.,.,{GOTI}
1,12,1000,1000,12,4,.,{GOTI}
1,23.5,.,.,.,.,24.1,{GOTI}
1,38,.,.,.,.,33.8,60,70,0
1,59.5,.,.,.,.,28.7,60,70,0
"""
TACROLIMUS = f"""ID,TIME,AMT,II,SS,ADDL,DV,{STORSET_NAMES}
1,0,3,12,1,5,.,{STORSET}
1,1.5,.,.,.,.,21,{STORSET}
1,11.9,.,.,.,.,6.1,{STORSET}
1,35.9,.,.,.,.,7.4,60,30,0,10,0
"""
BOTH = {"vancomycin": VANCOMYCIN, "tacrolimus": TACROLIMUS}


@cache
def _cohort() -> tuple[tuple[ModelledSubject, ...], tuple[SubjectFit, ...]]:
    people = modelled(*theophylline())
    return people, tuple(fit_subject(subject) for subject in people)


def _mode_by_other_means(subject: ModelledSubject) -> FloatArray:
    """BFGS from the prior's mode on numpy's matrix exponentials."""
    individual, levels = subject.individual, subject.observations

    def objective(eta: FloatArray) -> float:
        f = reference.concentrations(
            individual, individual.parameters(eta[None]), subject.doses, levels.time
        )[0]
        v = individual.residual.additive**2 + (individual.residual.proportional * f) ** 2
        prior = eta @ np.linalg.solve(individual.omega, eta)
        return float(prior + np.sum((levels.value - f) ** 2 / v + np.log(v)))

    found = minimize(objective, np.zeros(individual.dimension), method="BFGS", options={"gtol": 1e-6})
    mode: FloatArray = found.x
    return mode


@pytest.mark.parametrize("drug", ["vancomycin", "tacrolimus"])
def test_etas_are_those_of_another_optimiser_on_other_kinetics(drug: str) -> None:
    subject = one_subject(library_model(drug), BOTH[drug])

    assert fit_subject(subject).eta == pytest.approx(_mode_by_other_means(subject), abs=1e-3)


@pytest.mark.parametrize("number", [0, 8])
def test_etas_of_theophylline_are_those_of_another_optimiser(number: int) -> None:
    people, fits = _cohort()

    assert fits[number].eta == pytest.approx(_mode_by_other_means(people[number]), abs=1e-3)


def test_predictions_are_the_kinetics_at_the_etas() -> None:
    subject = one_subject(library_model("tacrolimus"), TACROLIMUS)
    fit = fit_subject(subject)
    points = subject.individual.parameters(np.stack([np.zeros(3), fit.eta]))
    typical, own = reference.concentrations(subject.individual, points, subject.doses, subject.sample_time)

    assert fit.predicted == pytest.approx(typical, rel=1e-9)
    assert fit.individually == pytest.approx(own, rel=1e-9)
    assert weighted_residuals(fit, subject) == pytest.approx(
        (subject.sample_value - own) / (0.149 * own), rel=1e-6
    )


def test_theophylline_is_what_nlmixr2_prints() -> None:
    """Documentation of nlmixr2est's saveFit, FOCEi: the first subject's first samples, and shrinkage.

    The population's values stand there with three digits, so the third digit of the rest may move by one.
    """
    people, fits = _cohort()
    first = fits[0]

    assert first.predicted[1:3] == pytest.approx([3.26, 5.83], abs=0.01)
    assert first.individually[1:3] == pytest.approx([3.85, 6.79], abs=0.01)
    assert weighted_residuals(first, people[0])[1:3] == pytest.approx([-1.45, -0.310], abs=0.01)
    found = {one.name: one.by_deviation for one in shrinkage(fits, people)}
    assert found["ka"] == pytest.approx(0.0194, abs=0.003)
    assert found["CL"] == pytest.approx(0.0396, abs=0.003)
    assert found["V1"] == pytest.approx(0.103, abs=0.003)


def test_quantiles_are_those_of_a_grid() -> None:
    """One random effect: the posterior of CL by integration on 20,001 points."""
    subject = one_subject(
        simple_model(), "ID,TIME,AMT,CMT,DV,WT\n1,0,500,2,.,70\n1,6,.,.,4.2,.\n1,12,.,.,2.0,.\n"
    )
    fit = fit_subject(subject)
    eta = np.linspace(-1.5, 1.5, 20_001)
    log_density = -0.5 * eta**2 / 0.09
    for time, level in ((6.0, 4.2), (12.0, 2.0)):
        f = 10.0 * np.exp(-0.1 * np.exp(eta) * time)
        v = 0.01 + 0.01 * f**2
        log_density += -0.5 * ((level - f) ** 2 / v + np.log(v))
    cumulative = np.cumsum(np.exp(log_density - log_density.max()))
    grid = np.interp([0.05, 0.5, 0.95], cumulative / cumulative[-1], 5.0 * np.exp(eta))
    mean = np.average(eta, weights=np.exp(log_density))

    assert fit.parameter_quantiles[:, 0] == pytest.approx(grid, rel=0.01)
    assert fit.eta[0] == pytest.approx(eta[np.argmax(log_density)], abs=2e-4)
    assert fit.posterior_mean[0] == pytest.approx(mean, abs=2e-3)
    variance = np.average((eta - mean) ** 2, weights=np.exp(log_density))
    assert fit.posterior_covariance[0, 0] == pytest.approx(variance, rel=0.03)
    # The concentration at 6 h falls as CL rises: its quantiles are those of CL mirrored.
    assert fit.prediction_quantiles[:, 0] == pytest.approx(10.0 * np.exp(-grid[::-1] / 50.0 * 6.0), rel=0.01)


def test_the_curvature_at_the_mode_is_the_inverse_hessian() -> None:
    """Central differences of the objective in plain random effects, three parameters."""
    people, fits = _cohort()
    subject, fit = people[0], fits[0]
    individual, levels = subject.individual, subject.observations

    def objective(eta: FloatArray) -> float:
        f = reference.concentrations(
            individual, individual.parameters(eta[None]), subject.doses, levels.time
        )[0]
        return float(
            0.5 * eta @ np.linalg.solve(individual.omega, eta)
            + 0.5 * np.sum((levels.value - f) ** 2) / 0.693**2
        )

    h = 1e-3 * np.eye(3)
    hessian = np.array(
        [
            [
                sum(a * b * objective(fit.eta + a * h[i] + b * h[j]) for a in (-1, 1) for b in (-1, 1)) / 4e-6
                for j in range(3)
            ]
            for i in range(3)
        ]
    )

    assert fit.mode_covariance == pytest.approx(np.linalg.inv(hessian), rel=1e-3)


def test_without_levels_a_subject_is_the_population() -> None:
    subject = one_subject(simple_model(), "ID,TIME,AMT,CMT,MDV,DV,WT\n1,0,500,2,1,.,70\n1,6,.,.,1,.,.\n")
    fit = fit_subject(subject)

    assert fit.eta.tolist() == [0.0]
    assert fit.individually.tolist() == fit.predicted.tolist()
    assert fit.posterior_covariance[0, 0] == pytest.approx(0.09, rel=0.01)
    assert np.log(fit.parameter_quantiles[:, 0] / 5.0) == pytest.approx(
        [-1.645 * 0.3, 0.0, 1.645 * 0.3], abs=0.01
    )
    assert fit.diagnostics.method == "prior"


def test_who_else_is_in_the_cohort_does_not_matter() -> None:
    together = subjects(
        simple_model(), "ID,TIME,AMT,CMT,DV,WT\n1,0,500,2,.,70\n1,6,.,.,4,.\n2,0,500,2,.,70\n2,6,.,.,3,.\n"
    )
    alone = one_subject(simple_model(), "ID,TIME,AMT,CMT,DV,WT\n2,0,500,2,.,70\n2,6,.,.,3,.\n")

    assert fit_subject(together[1]).eta.tobytes() == fit_subject(alone).eta.tobytes()


def test_one_subject_alone_has_no_shrinkage_of_etas() -> None:
    people, fits = _cohort()
    rows = {one.name: one for one in shrinkage(fits[:1], people[:1])}

    assert rows["CL"].by_deviation is None
    assert rows["residual"].subjects == 10


def test_an_effect_that_acts_in_some_subjects_alone_counts_there() -> None:
    """Størset 2014: bioavailability varies on the day of the transplant."""
    rows = "".join(
        f"{number},0,5,.,60,33,0,10,{first}\n{number},12,.,{level},60,33,0,10,0\n"
        for number, first, level in ((1, 1, 14), (2, 1, 6), (3, 0, 5))
    )
    people = subjects(library_model("tacrolimus"), f"ID,TIME,AMT,DV,{STORSET_NAMES}\n{rows}")
    counts = {one.name: one.subjects for one in shrinkage([fit_subject(one) for one in people], people)}

    assert counts == {"CL": 3, "V1": 3, "Q": 3, "F": 2, "residual": 3}
