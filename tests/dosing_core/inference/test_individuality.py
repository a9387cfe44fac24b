"""How unusual a patient is, against normal theory and against patients drawn from the model."""

from __future__ import annotations

import numpy as np
import pytest
from illustrative import flip_flop, infusions, vancomycin
from scipy.stats import chi2, kstest

from dosing_core.inference import Observations, individuality, posterior, shares_of_modes
from dosing_core.kinetics import concentrations

OMEGA = np.array([[0.16, 0.06], [0.06, 0.09]])


def _normal(mean: list[float], covariance: np.ndarray, n: int = 20_000) -> np.ndarray:
    """Points with exactly this mean and covariance."""
    z = np.random.default_rng(1).standard_normal((n, len(mean)))
    z -= z.mean(axis=0)
    z = z @ np.linalg.inv(np.linalg.cholesky(np.cov(z.T, ddof=0))).T
    return np.array(mean) + z @ np.linalg.cholesky(covariance).T


def test_levels_that_say_nothing_make_nobody_unusual() -> None:
    found = individuality(_normal([0.0, 0.0], OMEGA), np.full(20_000, 5e-5), OMEGA)

    assert found.tail == 1.0
    assert found.distance == pytest.approx(0.0, abs=1e-9)
    assert found.learned == pytest.approx([0.0, 0.0], abs=1e-9)


def test_a_patient_known_exactly_is_as_unusual_as_chi_square_says() -> None:
    """Posterior narrow at 2 standard deviations of the first effect, the second where it is expected then."""
    mean = [0.8, 0.8 * 0.06 / 0.16]
    found = individuality(_normal(mean, 1e-6 * OMEGA), np.full(20_000, 5e-5), OMEGA)

    assert found.distance == pytest.approx(2.0, rel=1e-9)
    assert found.tail == pytest.approx(chi2.sf(4.0, 2), rel=1e-4)
    assert found.effects == pytest.approx([2.0, 1.0], rel=1e-9)
    assert found.learned == pytest.approx([1.0, 1.0], abs=1e-5)


def test_shrinkage_does_not_hide_an_unusual_patient() -> None:
    """The level removes half of the first effect's variance (diagonal omega): the mean of a patient varies by
    sd · sqrt(1/2), so a mean of 1.5 sd is 2.12 of those; two-sided normal tail 0.0339."""
    omega = np.diag([0.16, 0.09])
    found = individuality(_normal([0.6, 0.0], np.diag([0.08, 0.09])), np.full(20_000, 5e-5), omega)

    assert found.learned == pytest.approx([0.5, 0.0], abs=1e-9)
    assert found.tail == pytest.approx(0.0339, abs=1e-4)


def test_tails_of_patients_from_the_model_are_spread_evenly() -> None:
    """60 patients with two levels each: the tails are uniform, as a tail probability should be."""
    rng = np.random.default_rng(5)
    individual, doses = vancomycin(), infusions(4, 12.0, 1000.0)
    tails = []
    for _ in range(60):
        eta = rng.multivariate_normal(np.zeros(3), individual.omega)
        times = np.array([-10.5, -0.5])
        f = concentrations(individual, individual.parameters(eta[None]), doses, times)[0]
        y = f + np.hypot(3.4, 0.227 * f) * rng.standard_normal(2)
        found = posterior(individual, doses, Observations(times, y))
        tails.append(individuality(found.eta, found.weight, individual.omega).tail)

    assert kstest(tails, "uniform").pvalue > 0.01


def test_an_effect_that_does_not_vary_is_no_obstacle() -> None:
    """A singular omega: the second effect is always 0."""
    omega = np.diag([0.16, 0.0])
    eta = np.column_stack([_normal([0.4, 0.0], np.diag([1e-6, 1e-6]))[:, 0], np.zeros(20_000)])

    found = individuality(eta, np.full(20_000, 5e-5), omega)

    assert found.effects == pytest.approx([1.0, 0.0], abs=1e-6)
    assert found.tail == pytest.approx(chi2.sf(1.0, 1), abs=0.35)
    assert np.isfinite(found.tail)


def test_each_mode_has_its_share_of_the_patients() -> None:
    """The flip-flop's two modes mirror each other: about half each."""
    individual, doses, levels = flip_flop()
    found = posterior(individual, doses, levels)

    shares = shares_of_modes(found.map, found.eta, found.weight, individual.omega)

    assert shares.sum() == pytest.approx(1.0)
    assert shares == pytest.approx([0.5, 0.5], abs=0.05)
