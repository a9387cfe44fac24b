"""The kernels of inference against numpy and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from illustrative import flip_flop, infusions, tablets, tacrolimus, vancomycin
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, multivariate_t

from dosing_core.inference import Observations, map_estimate
from dosing_core.inference.closed import level_densities, problem
from dosing_core.inference.descent import to_eta
from dosing_core.inference.likelihood import log_likelihood
from dosing_core.inference.map_estimate import whitening
from dosing_core.inference.mixture import T, log_mixture, log_prior, moments
from dosing_core.inference.points import FREEDOM
from dosing_core.kinetics import DoseTable, concentrations, reference
from dosing_core.kinetics.parameters import effects, individual_parameters
from dosing_core.population.individual import (
    BOX_COX,
    LOG_NORMAL,
    LOGIT_NORMAL,
    NORMAL,
    FloatArray,
    Individual,
)

Question = tuple[Individual, DoseTable, Observations]
QUESTIONS: dict[str, Question] = {
    "vancomycin": (
        vancomycin(),
        infusions(6, 12.0, 1000.0),
        Observations(np.array([-9.0, -0.5]), np.array([24.0, 15.0])),
    ),
    "tacrolimus": (
        tacrolimus(),
        tablets(10, 12.0, 3.0),
        Observations(np.array([-48.0, 0.0]), np.array([0.0041, 0.0068])),
    ),
    "flip-flop": flip_flop(),
}
EACH = pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS.keys())


@EACH
def test_the_mode_is_that_of_the_matrix_exponential_in_numpy(question: Question) -> None:
    """The general path on another prediction: same modes, and the same curvature as far as the general path
    knows it, which takes it beside the mode (within a slope of 1e-3) and not on it."""
    individual, doses, levels = question

    def predict(parameters: FloatArray) -> FloatArray:
        return reference.concentrations(individual, parameters, doses, levels.time)

    got, want = map_estimate(*question), map_estimate(*question, predict)

    assert len(got.modes) == len(want.modes)
    for one, other in zip(got.modes, want.modes, strict=True):
        assert one.objective == pytest.approx(other.objective, abs=1e-9)
        np.testing.assert_allclose(one.z, other.z, atol=1e-6)
        np.testing.assert_allclose(one.covariance, other.covariance, atol=1e-3)


@EACH
def test_levels_are_as_likely_as_their_formula_says(question: Question) -> None:
    individual, doses, levels = question
    lower = whitening(individual.omega)
    z = np.random.default_rng(1).standard_normal((70, individual.dimension))
    eta = z @ lower.T

    np.testing.assert_allclose(to_eta(lower, z), eta, rtol=1e-12, atol=1e-14)
    f = concentrations(individual, individual.parameters(eta), doses, levels.time)
    want = log_likelihood(individual.residual, f, levels.value)
    got = level_densities(problem(individual, doses, levels, lower), z)
    np.testing.assert_allclose(got, want, rtol=1e-10)


def test_effects_act_only_where_they_should() -> None:
    """The second row knows no variability: after its start only the time before it tells people apart."""
    individual, doses, levels = QUESTIONS["vancomycin"]
    individual = Individual(
        **{
            **vars(individual),
            "row_time": np.array([-np.inf, -30.0]),
            "typical": np.repeat(individual.typical, 2, axis=0),
            "eta_acts": np.array([[True] * 3, [False] * 3]),
        }
    )
    z = np.random.default_rng(1).standard_normal((5, 3))
    lower = whitening(individual.omega)
    f = concentrations(individual, individual.parameters(z @ lower.T), doses, levels.time)

    got = level_densities(problem(individual, doses, levels, lower), z)

    np.testing.assert_allclose(got, log_likelihood(individual.residual, f, levels.value), rtol=1e-10)


def test_an_overflow_is_unlikely_not_an_error() -> None:
    individual, doses, levels = QUESTIONS["vancomycin"]
    far = np.full((1, 3), 1e4)

    found = level_densities(problem(individual, doses, levels, whitening(individual.omega)), far)

    assert np.all(found <= -1e2)
    assert not np.any(np.isnan(found))


def test_the_mixture_is_scipys() -> None:
    """Prior and two t distributions by their shares, near and so far out that every density underflows."""
    rng = np.random.default_rng(2)
    one = T(np.array([0.5, -1.0]), np.array([[0.5, 0.2], [0.2, 0.4]]))
    other = T(np.array([-2.0, 0.0]), np.array([[0.1, 0.0], [0.0, 2.0]]))
    z = np.concatenate([rng.standard_normal((50, 2)), np.array([[60.0, -80.0]])])

    got = log_mixture(z, 30, [(one, 15), (other, 5)])

    prior = multivariate_normal(np.zeros(2)).logpdf(z)
    parts = [multivariate_t(t.centre, t.covariance, df=FREEDOM).logpdf(z) for t in (one, other)]
    want = logsumexp(np.stack([prior, *parts]), axis=0, b=np.array([[0.6], [0.3], [0.1]]))
    np.testing.assert_allclose(got, want, rtol=1e-12)
    np.testing.assert_allclose(log_prior(z), prior, rtol=1e-12)


def test_moments_are_numpys() -> None:
    rng = np.random.default_rng(3)
    z, weight = rng.standard_normal((200, 3)), rng.random(200)
    weight /= weight.sum()

    mean, spread = moments(z, weight)

    np.testing.assert_allclose(mean, np.average(z, axis=0, weights=weight), rtol=1e-12)
    np.testing.assert_allclose(spread, np.cov(z.T, aweights=weight, ddof=0), rtol=1e-12)


def _with_occasions() -> Individual:
    """Two occasions of clearance, every form of random effect, and an effect that rests in the first row."""
    individual = vancomycin()
    always = np.array([0, 1, 2, 3, -1, -1, -1])
    none = np.full(7, -1)
    return Individual(
        **{
            **vars(individual),
            "row_time": np.array([-np.inf, -30.0, -10.0]),
            "typical": np.array([[4.0, 50.0, 6.0, 38.0, 1.0, 0.0, 0.7]] * 3),
            "eta_names": ("CL", "V1", "Q", "V2", "CL occasion 1", "CL occasion 2"),
            "eta_index": always,
            "eta_acts": np.array([[True, False, True, True, True, True]] + [[True] * 6] * 2),
            "occasion_index": np.stack(
                [none, np.where(np.arange(7) == 0, 4, -1), np.where(np.arange(7) == 0, 5, -1)]
            ),
            "transform": np.array([LOG_NORMAL, NORMAL, BOX_COX, LOG_NORMAL, 0, 0, LOGIT_NORMAL]),
            "shape": np.array([1.0, 1.0, -0.4, 1.0, 1.0, 1.0, 1.0]),
            "omega": np.diag([0.15, 9.0, 0.2, 0.3, 0.05, 0.05]),
        }
    )


def test_parameters_of_every_form_of_effect_are_the_individuals_own() -> None:
    individual = _with_occasions()
    eta = np.random.default_rng(4).standard_normal((40, 6)) * np.sqrt(np.diag(individual.omega))

    got = individual_parameters(effects(individual), eta)

    np.testing.assert_allclose(got, individual.parameters(eta), rtol=1e-13)
    assert np.ptp(got[:, 1, 0] / got[:, 2, 0]) > 0.1


def test_logit_effects_keep_a_fraction_a_fraction() -> None:
    individual = Individual(**{**vars(_with_occasions()), "eta_index": np.array([-1, -1, -1, -1, -1, -1, 0])})
    eta = np.linspace(-30, 30, 7)[:, None] * np.eye(6)[0]

    share = individual_parameters(effects(individual), eta)[:, 0, 6]

    np.testing.assert_allclose(share, 1 / (1 + np.exp(-(np.log(0.7 / 0.3) + eta[:, 0]))), rtol=1e-12)


def test_the_closed_and_the_general_path_agree_on_occasions() -> None:
    """Modes by one kernel, and by the general path on matrix exponentials in numpy."""
    individual = _with_occasions()
    doses = infusions(6, 12.0, 1000.0)
    levels = Observations(
        np.array([-25.0, -12.5, -0.5]), np.array([30.0, 14.0, 9.0]), limit=np.array([0, 0, -1])
    )

    def predict(parameters: FloatArray) -> FloatArray:
        return reference.concentrations(individual, parameters, doses, levels.time)

    got, want = map_estimate(individual, doses, levels), map_estimate(individual, doses, levels, predict)

    assert got.objective == pytest.approx(want.objective, abs=1e-8)
    np.testing.assert_allclose(got.eta, want.eta, atol=1e-5)


@EACH
def test_the_covariance_at_a_mode_is_the_inverse_of_the_objectives_hessian(question: Question) -> None:
    """Hessian by differences of the objective itself, on matrix exponentials."""
    individual, doses, levels = question
    lower = whitening(individual.omega)
    mode = map_estimate(*question).modes[0]
    d = individual.dimension

    def objective(z: FloatArray) -> float:
        parameters = individual.parameters((lower @ z)[None])
        f = reference.concentrations(individual, parameters, doses, levels.time)[0]
        v = individual.residual.additive**2 + (individual.residual.proportional * f) ** 2
        return float(0.5 * z @ z + 0.5 * np.sum((levels.value - f) ** 2 / v + np.log(v)))

    hessian, h = np.empty((d, d)), 1e-3
    for j in range(d):
        for k in range(d):
            one, other = h * np.eye(d)[j], h * np.eye(d)[k]
            both = objective(mode.z + one + other) + objective(mode.z - one - other)
            hessian[j, k] = (both - objective(mode.z + one - other) - objective(mode.z - one + other)) / (
                4 * h * h
            )

    np.testing.assert_allclose(mode.covariance @ hessian, np.eye(d), atol=2e-4)
