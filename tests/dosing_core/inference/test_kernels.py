"""The kernels of inference against numpy and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from illustrative import flip_flop, infusions, tablets, tacrolimus, vancomycin
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, multivariate_t

from dosing_core.inference import Observations, map_estimate
from dosing_core.inference.descent import level_densities, problem, to_eta
from dosing_core.inference.map_estimate import whitening
from dosing_core.inference.mixture import T, log_mixture, log_prior, moments
from dosing_core.inference.observations import log_likelihood
from dosing_core.inference.points import FREEDOM
from dosing_core.kinetics import DoseTable, concentrations, reference
from dosing_core.population.individual import FloatArray, Individual

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
    """Another descent on another prediction: same modes, same curvature."""
    individual, doses, levels = question

    def predict(parameters: FloatArray) -> FloatArray:
        return reference.concentrations(individual, parameters, doses, levels.time)

    got, want = map_estimate(*question), map_estimate(*question, predict)

    assert len(got.modes) == len(want.modes)
    for one, other in zip(got.modes, want.modes, strict=True):
        assert one.objective == pytest.approx(other.objective, abs=1e-9)
        np.testing.assert_allclose(one.z, other.z, atol=1e-6)
        np.testing.assert_allclose(one.covariance, other.covariance, atol=1e-5)


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
