"""What cannot be: a typed error that names it, or a finite answer; never a NaN."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from illustrative import infusions, tablets, tacrolimus, vancomycin

from dosing_core.errors import InvalidObservation, InvalidVariability
from dosing_core.inference import Observations, individuality, map_estimate, posterior
from dosing_core.kinetics import no_doses
from dosing_core.population.individual import FloatArray, ResidualError

DOSES = infusions(4, 12.0, 1000.0)
LEVELS = Observations(np.array([-9.0, -0.5]), np.array([24.0, 15.0]))


@pytest.mark.parametrize(
    "omega",
    [
        np.diag([0.1, np.nan, 0.2]),
        np.diag([0.1, np.inf, 0.2]),
        np.diag([0.1, -0.2, 0.2]),
        np.array([[0.1, 0.3, 0.0], [0.3, 0.1, 0.0], [0.0, 0.0, 0.1]]),
        np.array([[0.1, 0.05, 0.0], [0.0, 0.1, 0.0], [0.0, 0.0, 0.1]]),
    ],
    ids=["nan", "infinite", "negative", "correlation above 1", "not symmetric"],
)
@pytest.mark.parametrize("levels", [LEVELS, Observations(np.empty(0), np.empty(0))], ids=["levels", "none"])
def test_what_is_no_covariance_is_refused(omega: FloatArray, levels: Observations) -> None:
    individual = replace(vancomycin(), omega=omega)

    with pytest.raises(InvalidVariability):
        map_estimate(individual, DOSES, levels)
    with pytest.raises(InvalidVariability):
        posterior(individual, DOSES, levels)


@pytest.mark.parametrize(
    "omega",
    [
        np.zeros((3, 3)),
        np.diag([0.15, 0.0, 0.3]),
        np.outer([0.4, 0.3, 0.2], [0.4, 0.3, 0.2]),
    ],
    ids=["nobody varies", "one effect does not vary", "effects in step"],
)
def test_a_singular_covariance_is_a_covariance(omega: FloatArray) -> None:
    """Effects stay inside what omega allows; everything is finite."""
    individual = replace(vancomycin(), omega=omega)

    found = posterior(individual, DOSES, LEVELS)

    assert np.all(np.isfinite(found.eta))
    assert np.isfinite(found.log_evidence)
    allowed = omega @ np.linalg.pinv(omega)
    np.testing.assert_allclose(found.eta @ allowed.T, found.eta, atol=1e-6)
    assert np.isfinite(individuality(found.eta, found.weight, omega).tail)


def test_a_level_of_an_output_that_is_not_there_is_refused() -> None:
    levels = Observations(np.array([-9.0, -0.5]), np.array([24.0, 15.0]), output=np.array([0, 1]))

    with pytest.raises(InvalidObservation, match="level 2"):
        posterior(vancomycin(), DOSES, levels)


@pytest.mark.parametrize("form", ["combined", "linear", "power", "log"])
@pytest.mark.parametrize("limit", [-1, 0, 1])
def test_levels_before_any_dose_leave_finite_answers(form: str, limit: int) -> None:
    """Nothing is predicted there, so no form of error may divide by it or take its logarithm."""
    error = ResidualError(0.0, 0.2, form, 0.8)  # type: ignore[arg-type]
    individual = replace(vancomycin(), residual=error)
    levels = Observations(np.array([-100.0, -0.5]), np.array([5.0, 15.0]), limit=np.array([limit, 0]))
    alone = Observations(np.array([-0.5]), np.array([15.0]))

    for doses in (DOSES, no_doses()):
        found = posterior(individual, doses, levels)
        assert np.all(np.isfinite(found.eta))
        assert np.isfinite(found.log_evidence)
        assert not np.any(np.isnan(found.weight))
    assert posterior(individual, DOSES, levels).map_eta == pytest.approx(
        posterior(individual, DOSES, alone).map_eta, abs=1e-6
    )


def test_absurd_levels_of_every_kind_leave_finite_answers() -> None:
    """60 patients with values over twelve decades, limits, weights, forms and times at random."""
    rng = np.random.default_rng(21)
    for case in range(60):
        individual = vancomycin() if case % 2 else tacrolimus()
        doses = infusions(5, 12.0, 1000.0) if case % 2 else tablets(6, 12.0, 3.0)
        form = ("combined", "linear", "power", "log")[case % 4]
        individual = replace(individual, residual=ResidualError(1e-4, 0.2, form, 0.5))  # type: ignore[arg-type]
        n = int(rng.integers(1, 6))
        levels = Observations(
            rng.choice(np.array([-200.0, -60.0, -48.0, -24.0, -11.5, 0.0]), n),
            10.0 ** rng.uniform(-6, 6, n),
            limit=rng.integers(-1, 2, n),
            weight=rng.choice(np.array([0.0, 0.3, 1.0]), n),
        )
        found = posterior(individual, doses, levels)
        assert np.all(np.isfinite(found.eta))
        assert np.all(np.isfinite(found.weight))
        assert found.weight.sum() == pytest.approx(1.0)
        assert np.isfinite(found.log_evidence)
        assert np.all(np.isfinite(found.map_eta))
