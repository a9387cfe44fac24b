"""Quantiles, probabilities and the trust in weights, against distributions known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from dosing_core.inference.summaries import chance, effective_sample_size, psis, quantile


def test_quantiles_of_equal_weights_are_plain_quantiles() -> None:
    values = np.arange(1.0, 1001.0)

    assert quantile(values, np.full(1000, 0.001), (0.05, 0.5, 0.95)) == pytest.approx([50.5, 500.5, 950.5])
    assert quantile(values, np.full(1000, 0.001), 0.5) == pytest.approx(500.5)


def test_a_weight_of_two_is_a_particle_twice() -> None:
    values, weights = np.array([1.0, 2.0, 3.0]), np.array([0.25, 0.5, 0.25])

    assert quantile(values, weights, 0.5) == pytest.approx(2.0)
    assert quantile(np.stack([values, -values], axis=1), weights, (0.5,)) == pytest.approx(
        np.array([[2.0, -2.0]])
    )


def test_weighted_quantiles_recover_the_target() -> None:
    """Draws from N(0, 2²) weighted to N(1, 1): 5 % quantile 1 - 1.645, median 1."""
    x = 2.0 * np.random.default_rng(1).standard_normal(200_000)
    weights = np.exp(-0.5 * (x - 1.0) ** 2 + 0.5 * (x / 2.0) ** 2)
    weights /= weights.sum()

    assert quantile(x, weights, (0.05, 0.5)) == pytest.approx([1.0 - 1.6449, 1.0], abs=0.02)


def test_error_of_a_probability_is_binomial_for_equal_weights() -> None:
    """sqrt(0.3 · 0.7 / 1000) = 0.01449."""
    event = np.arange(1000) < 300
    weights = np.full(1000, 0.001)

    assert chance(event, weights) == pytest.approx((0.3, 0.01449), abs=1e-5)
    assert chance(event, weights, effective=250.0)[1] == pytest.approx(2 * 0.01449, abs=1e-5)


def test_effective_sample_size_counts_equal_weights() -> None:
    assert effective_sample_size(np.full(50, 0.02)) == pytest.approx(50.0)
    assert effective_sample_size(np.array([1.0, 0.0])) == 1.0


@pytest.mark.parametrize("shape", [0.2, 0.5, 0.9])
def test_k_hat_is_the_tail_of_pareto_weights(shape: float) -> None:
    """Weights u^-k have a generalised Pareto tail of shape k exactly."""
    u = np.random.default_rng(5).random(40_000)

    assert psis(-shape * np.log(u))[1] == pytest.approx(shape, abs=0.15)


def test_light_tails_have_low_k_hat_and_constant_weights_none() -> None:
    rng = np.random.default_rng(2)
    weights, k_hat = psis(np.log(rng.uniform(0.5, 1.0, 4000)))

    assert k_hat < 0.2
    assert weights.sum() == pytest.approx(1.0)
    constant, k_constant = psis(np.zeros(4000))
    assert constant == pytest.approx(np.full(4000, 1 / 4000))
    assert k_constant < 0.0


def test_smoothing_keeps_the_order_and_tames_the_largest() -> None:
    ratios = -0.9 * np.log(np.random.default_rng(9).random(5000))
    raw = np.exp(ratios) / np.exp(ratios).sum()

    smooth, _ = psis(ratios)

    assert np.array_equal(np.argsort(smooth, kind="stable")[-50:], np.argsort(raw, kind="stable")[-50:])
    assert smooth.max() <= 1.05 * raw.max()
