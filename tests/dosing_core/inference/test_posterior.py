"""The particles against a long random-walk Metropolis run, and what must hold of them by construction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from illustrative import flip_flop, infusions, tablets, tacrolimus, vancomycin
from scipy.stats import norm

from dosing_core.inference import Observations, posterior
from dosing_core.inference.posterior import Posterior
from dosing_core.inference.summaries import effective_sample_size, quantile
from dosing_core.kinetics import DoseTable, auc, concentrations, no_doses
from dosing_core.population.individual import FloatArray, Individual, ResidualError

Question = tuple[Individual, DoseTable, Observations]
LEVELS = (0.05, 0.5, 0.95)


def _metropolis(question: Question, seed: int) -> FloatArray:
    """400 chains of 1000 kept steps, thinned to every tenth: a family of method that shares nothing with
    importance sampling. Chains start at draws from the prior; the step adapts before anything is kept."""
    individual, doses, levels = question
    rng = np.random.default_rng(seed)
    d = individual.dimension
    precision = np.linalg.inv(individual.omega)

    def log_density(eta: FloatArray) -> FloatArray:
        f = concentrations(individual, individual.parameters(eta), doses, levels.time)
        v = individual.residual.additive**2 + (individual.residual.proportional * f) ** 2
        likelihood = -0.5 * np.sum((levels.value - f) ** 2 / v + np.log(v), axis=1)
        return likelihood - 0.5 * np.einsum("ni,ij,nj->n", eta, precision, eta)

    eta = rng.multivariate_normal(np.zeros(d), individual.omega, 400)
    density = log_density(eta)
    step, scale, kept = np.linalg.cholesky(individual.omega), 0.5, []
    for iteration in range(1600):
        trial = eta + scale * rng.standard_normal(eta.shape) @ step.T
        trial_density = log_density(trial)
        accepted = np.log(rng.random(len(eta))) < trial_density - density
        eta[accepted], density[accepted] = trial[accepted], trial_density[accepted]
        if iteration < 600:
            scale *= np.exp(0.05 * (accepted.mean() - 0.3))
            if iteration in (200, 400):
                step = np.linalg.cholesky(np.cov(eta.T) + 1e-9 * np.eye(d))
                scale = 2.0 / np.sqrt(d)
        elif iteration % 10 == 0:
            kept.append(eta.copy())
    return np.concatenate(kept)


QUESTIONS: dict[str, Question] = {
    "vancomycin, one trough": (
        vancomycin(60.0),
        infusions(4, 12.0, 1000.0),
        Observations(np.array([-0.5]), np.array([21.0])),
    ),
    "vancomycin, peak and trough": (
        vancomycin(100.0),
        infusions(5, 8.0, 1250.0, 1.5),
        Observations(np.array([-5.5, -0.25]), np.array([31.0, 13.0])),
    ),
    "vancomycin, a level four times as high as expected": (
        vancomycin(80.0),
        infusions(6, 12.0, 1000.0),
        Observations(np.array([-10.0]), np.array([95.0])),
    ),
    "tacrolimus, three troughs": (
        tacrolimus(),
        tablets(14, 12.0, 3.0),
        Observations(np.array([-96.0, -48.0, 0.0]), np.array([0.0041, 0.0068, 0.0060])),
    ),
    "tacrolimus, five levels": (
        tacrolimus(27.0, expresser=True),
        tablets(20, 12.0, 5.0),
        Observations(
            np.array([-96.0, -72.0, -48.0, -22.0, 0.0]), np.array([0.005, 0.004, 0.0055, 0.012, 0.006])
        ),
    ),
}


def _functionals(individual: Individual, doses: DoseTable, eta: FloatArray) -> FloatArray:
    """Clearance and AUC over the next 24 h if the last dose is repeated at its interval."""
    interval = float(doses.time[-1] - doses.time[-2])
    count = round(24.0 / interval)
    last = len(doses) - 1
    more = DoseTable(
        interval * np.arange(count, dtype=np.float64),
        np.full(count, doses.amount[last]),
        np.full(count, doses.duration[last]),
        np.full(count, doses.depot[last]),
    )
    parameters = individual.parameters(eta)
    area = auc(individual, parameters, doses.joined(more), 0.0, 24.0)
    return np.stack([parameters[:, -1, 0], area], axis=1)


@pytest.mark.parametrize("name", QUESTIONS)
def test_quantiles_match_a_long_metropolis_run(name: str) -> None:
    """5, 50 and 95 % of CL and AUC24 within 5 % (the project's accuracy bar)."""
    individual, doses, levels = QUESTIONS[name]
    found = posterior(individual, doses, levels)
    reference = _functionals(individual, doses, _metropolis(QUESTIONS[name], seed=1)[::4])

    mine = quantile(_functionals(individual, doses, found.eta), found.weight, LEVELS)

    assert mine == pytest.approx(np.quantile(reference, LEVELS, axis=0), rel=0.05)
    assert found.diagnostics.trustworthy
    assert found.diagnostics.effective_sample_size >= 400


def test_both_sides_of_a_flip_flop_carry_half_the_weight() -> None:
    """The prior is symmetric between the modes, so each has half; a sampler at one mode would see one."""
    found = posterior(*flip_flop())

    assert found.diagnostics.modes == 2
    assert found.weight[found.eta[:, 2] > 0].sum() == pytest.approx(0.5, abs=0.03)


def test_without_levels_the_posterior_is_the_prior() -> None:
    """Equal weights; mean exactly zero; every marginal quantile and the correlations are omega's.

    0.02 standard deviations is what 2,048 quasi-random points and their mirror images leave open at 5 %.
    """
    individual = tacrolimus()
    found = posterior(individual, tablets(4, 12.0, 3.0), Observations(np.empty(0), np.empty(0)))

    sd = np.sqrt(np.diag(individual.omega))
    normal = np.array([-1.6448536269514722, 0.0, 1.6448536269514722])
    assert np.ptp(found.weight) == 0.0
    assert found.eta.mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-15)
    assert quantile(found.eta, found.weight, LEVELS) / sd == pytest.approx(
        np.tile(normal[:, None], (1, 3)), abs=0.02
    )
    assert np.cov(found.eta.T) == pytest.approx(individual.omega, abs=0.01 * sd.max() ** 2)
    assert found.log_evidence == 0.0
    assert found.diagnostics.method == "prior"


def test_a_level_that_no_dose_explains_leaves_the_prior() -> None:
    found = posterior(tacrolimus(), no_doses(), Observations(np.array([-1.0]), np.array([0.008])))

    assert np.average(found.eta, axis=0, weights=found.weight) == pytest.approx(np.zeros(3), abs=0.01)
    assert np.isfinite(found.log_evidence)


def _evidence_by_quadrature(question: Question) -> float:
    """Log integral of likelihood times prior on a grid of three whitened dimensions (trapezoid)."""
    individual, doses, levels = question
    axis = np.linspace(-6.0, 6.0, 61)
    z = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    eta = z @ np.linalg.cholesky(individual.omega).T
    f = concentrations(individual, individual.parameters(eta), doses, levels.time)
    v = individual.residual.additive**2 + (individual.residual.proportional * f) ** 2
    log_density = np.sum(-0.5 * ((levels.value - f) ** 2 / v + np.log(2 * np.pi * v)), axis=1)
    log_density += -0.5 * np.sum(z**2, axis=1) - 1.5 * np.log(2 * np.pi)
    return float(np.log(np.sum(np.exp(log_density))) + 3 * np.log(axis[1] - axis[0]))


@pytest.mark.parametrize("name", ["vancomycin, peak and trough", "tacrolimus, three troughs"])
def test_evidence_matches_quadrature(name: str) -> None:
    found = posterior(*QUESTIONS[name])

    assert found.log_evidence == pytest.approx(_evidence_by_quadrature(QUESTIONS[name]), abs=0.02)


def test_leaving_a_level_out_matches_a_fit_without_it() -> None:
    individual, doses, levels = QUESTIONS["tacrolimus, three troughs"]
    whole = posterior(individual, doses, levels)
    for index in range(3):
        fitted = posterior(individual, doses, levels.without(index))
        weight = whole.without(index)

        assert weight is not None
        assert quantile(whole.eta, weight, LEVELS) == pytest.approx(
            quantile(fitted.eta, fitted.weight, LEVELS), abs=0.06
        )
        assert whole.log_evidence_without(index) == pytest.approx(fitted.log_evidence, abs=0.05)


def test_thinning_keeps_the_distribution() -> None:
    individual, doses, levels = QUESTIONS["vancomycin, peak and trough"]
    whole = posterior(individual, doses, levels)

    few = whole.thinned(1024)

    assert few.eta.shape == (1024, 3)
    assert effective_sample_size(few.weight) == pytest.approx(1024.0)
    assert quantile(few.eta, few.weight, LEVELS)[:, 0] == pytest.approx(
        quantile(whole.eta, whole.weight, LEVELS)[:, 0], abs=0.01
    )


def test_truth_is_where_the_posterior_says_it_is() -> None:
    """Patients drawn from the model: the 90 % interval of CL holds about 90 % of the truths.

    120 patients; the count is within three binomial standard errors of 108 (0.9 · 120 ± 3 · 3.3).
    """
    rng = np.random.default_rng(3)
    individual, doses = vancomycin(), infusions(4, 12.0, 1000.0)
    inside = 0
    for _ in range(120):
        eta = rng.multivariate_normal(np.zeros(3), individual.omega)
        times = np.sort(rng.uniform(-24, 0, 2))
        f = concentrations(individual, individual.parameters(eta[None]), doses, times)[0]
        y = f + np.hypot(3.4, 0.227 * f) * rng.standard_normal(2)
        while np.any(y <= 0):
            y = f + np.hypot(3.4, 0.227 * f) * rng.standard_normal(2)
        found = posterior(individual, doses, Observations(times, y))
        low, high = quantile(found.eta[:, 0], found.weight, (0.05, 0.95))
        inside += int(low <= eta[0] <= high)

    assert 98 <= inside <= 118


def test_odd_but_valid_questions_give_finite_answers() -> None:
    """Levels a thousandfold off, at dose times, before any dose, many and contradictory."""
    rng = np.random.default_rng(11)
    for case in range(60):
        individual = vancomycin(float(rng.uniform(5, 200))) if case % 2 else tacrolimus()
        doses = infusions(int(rng.integers(0, 6)), 12.0, 1000.0) if case % 2 else tablets(6, 12.0, 3.0)
        n = int(rng.integers(1, 6))
        times = rng.choice(np.array([-200.0, -36.0, -24.0, -11.5, -3.0, 0.0]), n)
        typical = 15.0 if case % 2 else 0.006
        found = posterior(individual, doses, Observations(times, typical * 10 ** rng.uniform(-3, 3, n)))
        _is_sound(found)


def _is_sound(found: Posterior) -> None:
    assert np.all(np.isfinite(found.eta))
    assert np.all(found.weight >= 0.0)
    assert found.weight.sum() == pytest.approx(1.0)
    assert np.isfinite(found.log_evidence)
    assert np.isfinite(found.diagnostics.effective_sample_size)


def test_a_model_without_random_effects_still_weighs_the_levels() -> None:
    """One certain patient: the evidence is the likelihood itself, here two independent normal densities."""
    individual = vancomycin()
    certain = replace(individual, eta_names=(), eta_index=np.full(7, -1), omega=np.empty((0, 0)))
    doses, levels = infusions(4, 12.0, 1000.0), Observations(np.array([-9.0, -0.5]), np.array([20.0, 12.0]))
    f = concentrations(individual, individual.parameters(np.zeros((1, 3))), doses, levels.time)[0]
    sd = np.hypot(3.4, 0.227 * f)

    found = posterior(certain, doses, levels)

    assert found.eta.shape == (1, 0)
    assert found.log_evidence == pytest.approx(float(np.sum(norm.logpdf(levels.value, f, sd))))


def test_many_precise_levels_are_climbed_to() -> None:
    """Thirty levels with 1 % error leave the prior far behind; the truth is still inside."""
    individual = replace(vancomycin(), residual=ResidualError(0.0, 0.01))
    doses, times = infusions(6, 12.0, 1000.0), np.linspace(-70.0, -0.1, 30)
    eta = np.array([0.6, -0.9, 0.7])
    f = concentrations(individual, individual.parameters(eta[None]), doses, times)[0]
    noise = 1.0 + 0.01 * np.random.default_rng(8).standard_normal(30)

    found = posterior(individual, doses, Observations(times[f > 0], (f * noise)[f > 0]))

    low, high = quantile(found.eta, found.weight, (0.001, 0.999))
    assert found.diagnostics.trustworthy
    assert np.all((low < eta) & (eta < high))
    assert np.all(high - low < 0.2)


def test_more_random_effects_than_stored_points_are_refused() -> None:
    names = tuple(f"effect {k}" for k in range(25))
    individual = replace(vancomycin(), eta_names=names, omega=np.eye(25))

    with pytest.raises(ValueError, match="25 dimensions"):
        posterior(individual, infusions(1, 12.0, 1000.0), Observations(np.zeros(1), np.ones(1)))
