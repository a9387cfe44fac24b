"""Priors other than the published normal one, against sums and normal theory worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from illustrative import infusions, vancomycin
from scipy.stats import norm

from dosing_core.inference import Observations, flattened, map_estimate, posterior
from dosing_core.inference.map_estimate import whitening
from dosing_core.inference.prior import densified
from dosing_core.kinetics import concentrations
from dosing_core.population.individual import FloatArray, Individual, SupportPoints

DOSES = infusions(5, 12.0, 1000.0)
LEVELS = Observations(np.array([-6.0, -0.5]), np.array([24.0, 17.0]))


def _with_points(n: int, spread: float = 1.0) -> Individual:
    rng = np.random.default_rng(n)
    individual = vancomycin()
    eta = spread * rng.multivariate_normal(np.zeros(3), individual.omega, n)
    probability = rng.random(n) + 0.1
    return replace(individual, support=SupportPoints(eta, probability / probability.sum()))


def _by_hand(individual: Individual) -> tuple[FloatArray, float]:
    """Posterior probabilities of the support points, and the evidence: Bayes' theorem as a sum."""
    assert individual.support is not None
    eta = individual.support.eta
    f = concentrations(individual, individual.parameters(eta), DOSES, LEVELS.time)
    density = np.prod(norm.pdf(LEVELS.value, f, np.hypot(3.4, 0.227 * f)), axis=1)
    joint = individual.support.probability * density
    return joint / joint.sum(), float(np.log(joint.sum()))


def test_support_points_are_weighed_by_bayes_theorem() -> None:
    individual = _with_points(200)
    weight, evidence = _by_hand(individual)

    found = posterior(individual, DOSES, LEVELS)

    np.testing.assert_allclose(found.weight, weight, rtol=1e-9)
    assert found.log_evidence == pytest.approx(evidence, rel=1e-12)
    assert found.diagnostics.method == "support points"
    assert found.map_eta == pytest.approx(found.eta[np.argmax(weight)])


def test_without_levels_support_points_are_the_prior_exactly() -> None:
    individual = _with_points(50)
    assert individual.support is not None

    found = posterior(individual, DOSES, Observations(np.empty(0), np.empty(0)))

    np.testing.assert_array_equal(found.eta, individual.support.eta)
    np.testing.assert_allclose(found.weight, individual.support.probability, rtol=1e-14)
    assert found.log_evidence == 0.0


def test_few_surviving_points_become_clouds_and_the_method_says_so() -> None:
    """Twelve points: the levels leave two or three. A single point would be a patient known exactly."""
    individual = _with_points(12, spread=2.0)

    found = posterior(individual, DOSES, LEVELS)

    assert found.diagnostics.method == "support points, densified"
    assert found.diagnostics.particles >= 4096
    assert np.average((found.eta[:, 0] - found.weight @ found.eta[:, 0]) ** 2, weights=found.weight) > 1e-4


def test_densifying_keeps_mean_and_covariance() -> None:
    """Liu and West's shrinkage: the whole keeps its moments where omega is the points' covariance."""
    individual = _with_points(80)
    assert individual.support is not None
    p, eta = individual.support.probability, individual.support.eta
    mean = p @ eta
    covariance = ((eta - mean) * p[:, None]).T @ (eta - mean)

    dense = densified(individual.support, whitening(covariance))

    assert dense.probability.sum() == pytest.approx(1.0)
    assert dense.probability @ dense.eta == pytest.approx(mean, abs=1e-12)
    away = dense.eta - mean
    np.testing.assert_allclose((away * dense.probability[:, None]).T @ away, covariance, atol=0.03)


def test_a_flattened_prior_pulls_less() -> None:
    """One level, one effect that matters: the posterior mode moves towards the level as the prior's weight
    falls; with omega divided by the weight it is the mode of that prior."""
    level = Observations(np.array([-0.5]), np.array([35.0]))
    clearance = [
        float(map_estimate(flattened(vancomycin(), weight), DOSES, level).eta[0])
        for weight in (1.0, 0.5, 0.1)
    ]

    assert clearance[0] > clearance[1] > clearance[2]
    by_hand = replace(vancomycin(), omega=np.diag([0.147043, 0.510339, 0.282198]) / 0.1)
    assert clearance[2] == pytest.approx(float(map_estimate(by_hand, DOSES, level).eta[0]), rel=1e-9)


def test_a_flattened_discrete_prior_is_flatter() -> None:
    individual = _with_points(20)
    flat = flattened(individual, 0.5).support
    assert flat is not None
    assert individual.support is not None
    odds = individual.support.probability[0] / individual.support.probability[1]

    assert flat.probability.sum() == pytest.approx(1.0)
    assert flat.probability[0] / flat.probability[1] == pytest.approx(np.sqrt(odds))


@pytest.mark.parametrize("weight", [0.0, -1.0, 1.5, float("nan")])
def test_a_prior_has_a_weight_between_none_and_its_own(weight: float) -> None:
    with pytest.raises(ValueError, match="weight of a prior"):
        flattened(vancomycin(), weight)
