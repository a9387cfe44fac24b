"""Simulation-based calibration: the truth must lie anywhere in the posterior, as often as it says.

Patients are drawn from the model (Talts et al., arXiv 1804.06788). The share of the posterior below the true
value is then uniform; chi-square over ten classes tells. A quantity that misses the 1 % limit once in the
hundred times that it may by chance is asked again with fresh patients, twice as many. The normal
approximation at the mode must fail the same test, else the test could not have seen an error.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2
from simulated_patients import CLOSED, FAMILIES, Family

from dosing_core.inference import Posterior, posterior
from dosing_core.inference.map_estimate import whitening
from dosing_core.inference.posterior import in_order, resample
from dosing_core.population.individual import FloatArray

CLASSES = 10
LEAST_P = 0.01
EXPOSURES = 400
"""Particles, resampled, of which the exposure is asked: it is dearer than the posterior."""


def _share_below(value: float, particles: FloatArray, weight: FloatArray) -> float:
    return float(weight @ (particles < value) + 0.5 * (weight @ (particles == value)))


def _laplace(found: Posterior, family: Family, rng: np.random.Generator) -> FloatArray:
    """Draws [2000, d] of the normal distribution at the mode."""
    mode = found.map.modes[0]
    z = rng.multivariate_normal(mode.z, mode.covariance, 2000)
    return z @ whitening(family.individual.omega).T


def _ranks(family: Family, n: int, seed: int, laplace: bool = False) -> FloatArray:
    """[n, d + 1] share of the posterior below the truth: each random effect, then the exposure."""
    rng = np.random.default_rng(seed)
    ranks = []
    for _ in range(n):
        truth, levels = family.drawn(rng)
        found = posterior(family.individual, family.doses, levels)
        assert found.diagnostics.trustworthy
        eta, weight = found.eta, found.weight
        if laplace:
            eta, weight = _laplace(found, family, rng), np.full(2000, 1 / 2000)
        one = [_share_below(truth[k], eta[:, k], weight) for k in range(len(truth))]
        some = eta[resample(weight, in_order(eta), EXPOSURES)]
        exposures = family.exposure(np.concatenate([truth[None], some]))
        ranks.append([*one, _share_below(exposures[0], exposures[1:], np.full(EXPOSURES, 1 / EXPOSURES))])
    return np.array(ranks)


def _p_values(ranks: FloatArray) -> FloatArray:
    """Of each quantity: chi-square of equal counts in ten classes."""
    found = []
    for column in ranks.T:
        counts = np.histogram(column, CLASSES, (0.0, 1.0))[0]
        expected = len(column) / CLASSES
        found.append(float(chi2.sf(np.sum((counts - expected) ** 2) / expected, CLASSES - 1)))
    return np.array(found)


def _is_calibrated(family: Family, n: int, seed: int) -> None:
    ranks = _ranks(family, n, seed)
    p = _p_values(ranks)
    if np.any(p <= LEAST_P):
        again = _p_values(_ranks(family, 2 * n, seed + 1))
        assert np.all(again[p <= LEAST_P] > LEAST_P), (p, again)
    inside = np.sum((ranks > 0.05) & (ranks < 0.95), axis=0)
    allowed = 3.0 * np.sqrt(n * 0.9 * 0.1)
    assert np.all(np.abs(inside - 0.9 * n) <= allowed + 1), inside / n


@pytest.mark.parametrize("name", ["vancomycin, one trough", "vancomycin below the limit", "occasions"])
def test_truth_lies_anywhere_in_the_posterior(name: str) -> None:
    _is_calibrated(CLOSED[name](), 100, seed=11)


def test_a_normal_approximation_would_be_found_out() -> None:
    """The same patients as above: chi-square of Laplace's approximation is far beyond chance."""
    p = _p_values(_ranks(CLOSED["vancomycin, one trough"](), 200, seed=11, laplace=True))

    assert p.min() < 0.001 / len(p)


@pytest.mark.verify
@pytest.mark.parametrize("name", FAMILIES)
def test_truth_lies_anywhere_in_the_posterior_of_every_family(name: str) -> None:
    _is_calibrated(FAMILIES[name](), 1000, seed=101)


@pytest.mark.verify
@pytest.mark.parametrize("name", ["vancomycin, one trough", "occasions", "michaelis_menten_oral"])
def test_a_normal_approximation_would_be_found_out_in_full(name: str) -> None:
    p = _p_values(_ranks(FAMILIES[name](), 1000, seed=101, laplace=True))

    assert p.min() < 0.001 / len(p)
