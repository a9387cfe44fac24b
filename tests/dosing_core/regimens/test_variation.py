"""Variation that a model leaves out widens what is predicted by what was asked for, without bias."""

from __future__ import annotations

import numpy as np
import pytest

from dosing_core.regimens.variation import occasion_factors


@pytest.mark.parametrize("n", [256, 1024])
def test_factors_have_the_spread_that_was_asked_for_and_median_one(n: int) -> None:
    """A log-normal of CV c has mean exp(ln(1 + c²) / 2) around a median of 1."""
    factors = occasion_factors(0.23, n)

    assert np.median(factors) == pytest.approx(1.0, abs=0.01)
    assert factors.std() / factors.mean() == pytest.approx(0.23, rel=0.03)
    assert factors.mean() == pytest.approx(np.sqrt(1 + 0.23**2), rel=0.003)


def test_neighbours_are_unlike_so_that_sorted_particles_get_all_of_it() -> None:
    """Particles of one component stand together; each quarter of them must see the whole spread."""
    quarters = occasion_factors(0.23, 1024).reshape(4, 256)

    assert quarters.std(axis=1) / quarters.mean(axis=1) == pytest.approx(np.full(4, 0.23), rel=0.05)


def test_without_variation_nothing_changes() -> None:
    assert (occasion_factors(0.0, 8) == 1.0).all()
