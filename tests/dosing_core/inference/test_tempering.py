"""Sequential Monte Carlo on posteriors known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from dosing_core.inference.tempering import tempered
from dosing_core.population.individual import FloatArray


def test_a_normal_likelihood_gives_the_conjugate_posterior() -> None:
    """Prior N(0, 1), one datum 2 with variance 0.25: posterior N(1.6, 0.2), evidence N(2; 0, 1.25)."""

    def log_likelihood(z: FloatArray) -> FloatArray:
        return -0.5 * (z[:, 0] - 2.0) ** 2 / 0.25 - 0.5 * np.log(2 * np.pi * 0.25)

    run = tempered(2, log_likelihood)

    assert run.moved_well
    assert run.z[:, 0].mean() == pytest.approx(1.6, abs=0.05)
    assert run.z[:, 0].var() == pytest.approx(0.2, rel=0.15)
    assert run.z[:, 1].var() == pytest.approx(1.0, rel=0.15)
    assert run.log_evidence == pytest.approx(-0.5 * 4.0 / 1.25 - 0.5 * np.log(2 * np.pi * 1.25), abs=0.15)


def test_both_of_two_distant_modes_survive() -> None:
    """A mixture at ±3 with weights 0.3 and 0.7, narrow beside the prior."""

    def log_likelihood(z: FloatArray) -> FloatArray:
        left = np.log(0.3) - 0.5 * ((z[:, 0] + 3.0) / 0.1) ** 2
        return np.logaddexp(left, np.log(0.7) - 0.5 * ((z[:, 0] - 3.0) / 0.1) ** 2)

    run = tempered(1, log_likelihood)

    assert np.mean(run.z[:, 0] > 0) == pytest.approx(0.7, abs=0.1)


def test_a_likelihood_that_cannot_be_explored_is_not_trusted() -> None:
    """Noise of a thousand nats between neighbours: no chain can move, and the answer must say so."""

    def log_likelihood(z: FloatArray) -> FloatArray:
        return 1e6 * np.sin(1e9 * z[:, 0])

    run = tempered(1, log_likelihood)

    assert not run.moved_well or run.effective_sample_size < 400
