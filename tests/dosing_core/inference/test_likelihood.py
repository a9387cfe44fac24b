"""Each form of error and each kind of level against scipy's distributions and 50-digit arithmetic."""

from __future__ import annotations

from dataclasses import replace

import mpmath
import numpy as np
import pytest
from illustrative import infusions, vancomycin
from scipy import stats

from dosing_core.errors import InvalidObservation
from dosing_core.inference import Observations, map_estimate, posterior
from dosing_core.inference.likelihood import (
    LEAST_ERROR,
    densities,
    likelihood,
    log_likelihood,
    log_ndtr,
    mills,
    terms,
)
from dosing_core.population.individual import FloatArray, ResidualError

FORMS = {
    "combined": ResidualError(0.5, 0.2),
    "linear": ResidualError(0.5, 0.2, "linear"),
    "power": ResidualError(0.3, 0.4, "power", 0.7),
    "log": ResidualError(0.0, 0.3, "log"),
}
PREDICTED = np.array([0.02, 0.7, 3.0, 9.0, 40.0])
OBSERVED = np.array([0.5, 0.6, 4.0, 30.0, 38.0])


def _scale(error: ResidualError, f: FloatArray) -> FloatArray:
    """Standard deviation as the forms are defined in ``ResidualError``."""
    if error.form == "combined":
        return np.hypot(error.additive, error.proportional * f)
    return error.additive + error.proportional * f ** (error.power if error.form == "power" else 1.0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("limit", [0, -1, 1])
def test_a_level_is_as_likely_as_scipy_says(form: str, limit: int) -> None:
    error = FORMS[form]
    if form == "log":
        distribution = stats.lognorm(s=0.3, scale=PREDICTED)
    else:
        distribution = stats.norm(PREDICTED, _scale(error, PREDICTED))
    want = {0: distribution.logpdf, -1: distribution.logcdf, 1: distribution.logsf}[limit](OBSERVED)

    np.testing.assert_allclose(log_likelihood(error, PREDICTED, OBSERVED, limit), want, rtol=1e-9)


@pytest.mark.parametrize("x", [-1e6, -300.0, -38.6, -14.01, -13.99, -5.0, -0.1, 0.0, 0.1, 3.0, 9.0, 40.0])
def test_the_normal_tail_keeps_its_digits(x: float) -> None:
    """Phi(-38.6) underflows; its logarithm must not (pitfall of M3)."""
    with mpmath.workdps(50):
        big = mpmath.mpf(x)
        phi = mpmath.erfc(-big / mpmath.sqrt(2)) / 2
        ratio = mpmath.npdf(big) / phi
        assert log_ndtr(x) == pytest.approx(float(mpmath.log(phi)), rel=1e-11)
        assert mills(x)[0] == pytest.approx(float(ratio), rel=1e-10)
        assert mills(x)[1] == pytest.approx(float(ratio + big), rel=1e-8)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("limit", [0, -1, 1])
@pytest.mark.parametrize("f", [0.3, 2.0, 55.0])
def test_slope_and_curvature_are_those_of_the_density(form: str, limit: int, f: float) -> None:
    """Against numerical derivatives in 40 digits of scipy-free formulas written out anew."""
    error, y = FORMS[form], 2.5

    def objective(x: mpmath.mpf) -> mpmath.mpf:
        if form == "log":
            s, u = mpmath.mpf(error.proportional), mpmath.log(y / x) / error.proportional
        else:
            power = {"combined": 1, "linear": 1, "power": error.power}[form]
            part = error.proportional * x**power
            s = mpmath.sqrt(error.additive**2 + part**2) if form == "combined" else error.additive + part
            u = (y - x) / s
        if limit == 0:
            return u * u / 2 + mpmath.log(s)
        return -mpmath.log(mpmath.ncdf(-limit * u))

    codes = {"combined": 0, "linear": 1, "power": 2, "log": 3}
    value, slope, fisher, curvature = terms(
        codes[form], error.additive, error.proportional, error.power, limit, y, f
    )
    with mpmath.workdps(40):
        assert value == pytest.approx(float(objective(mpmath.mpf(f))), rel=1e-12, abs=1e-14)
        assert slope == pytest.approx(float(mpmath.diff(objective, f)), rel=1e-8, abs=1e-12)
        assert curvature == pytest.approx(float(mpmath.diff(objective, f, 2)), rel=1e-7, abs=1e-12)
    assert fisher >= 0.0


def test_fisher_weight_is_the_mean_curvature_of_an_exact_level() -> None:
    """By quadrature over what the level might have been: E[d² objective / df²] is Fisher's information."""
    node, weight = np.polynomial.hermite_e.hermegauss(60)
    for form in ("combined", "linear", "power"):
        error, f = FORMS[form], 3.0
        s = float(_scale(error, np.array(f)))
        codes = {"combined": 0, "linear": 1, "power": 2}
        at = [
            terms(codes[form], error.additive, error.proportional, error.power, 0, f + s * x, f) for x in node
        ]
        mean = sum(w * one[3] for w, one in zip(weight, at, strict=True)) / weight.sum()

        assert at[0][2] == pytest.approx(mean, rel=1e-10)


def test_a_proportional_error_alone_has_a_floor() -> None:
    """f → 0: the density stays finite and does not reward the vanishing prediction."""
    error = ResidualError(0.0, 0.2)
    far, none = log_likelihood(error, np.array([1e-3, 0.0]), np.array([5.0, 5.0]))

    assert none == pytest.approx(stats.norm.logpdf(5.0, 0.0, LEAST_ERROR * 5.0))
    assert np.isfinite(far)
    assert max(far, none) < log_likelihood(error, np.array([1.0]), np.array([5.0]))[0]


@pytest.mark.parametrize("error", [ResidualError(0.0, 0.2), ResidualError(0.0, 0.2, "log")])
@pytest.mark.parametrize("value", [0.0, -1.0])
def test_zero_is_no_value_without_an_additive_error(error: ResidualError, value: float) -> None:
    individual = replace(vancomycin(), residual=error)

    with pytest.raises(InvalidObservation, match="level 2"):
        posterior(individual, infusions(3, 12.0, 1000.0), Observations(np.zeros(2), np.array([3.0, value])))


@pytest.mark.parametrize(
    "wrong",
    [
        {"time": np.array([np.nan])},
        {"value": np.array([np.inf])},
        {"weight": np.array([-1.0])},
        {"limit": np.array([2])},
        {"output": np.array([0, 0])},
    ],
)
def test_what_no_level_can_be_is_refused(wrong: dict[str, FloatArray]) -> None:
    with pytest.raises(InvalidObservation):
        Observations(**{"time": np.zeros(1), "value": np.ones(1), **wrong})


def test_a_weight_is_a_power_of_the_likelihood() -> None:
    levels = Observations(np.zeros(3), np.array([3.0, 4.0, 5.0]), weight=np.array([1.0, 0.25, 0.0]))
    f = np.array([[2.5, 3.0, 1e9]])
    plain = stats.norm.logpdf(levels.value, f, np.hypot(3.4, 0.227 * f))

    got = densities(likelihood(vancomycin(), levels), f)

    np.testing.assert_allclose(got, plain * levels.weight, rtol=1e-12)


def test_a_level_of_weight_zero_is_no_level() -> None:
    doses = infusions(5, 12.0, 1000.0)
    both = Observations(np.array([-6.0, -0.5]), np.array([60.0, 12.0]), weight=np.array([0.0, 1.0]))
    one = Observations(np.array([-0.5]), np.array([12.0]))

    assert map_estimate(vancomycin(), doses, both).eta == pytest.approx(
        map_estimate(vancomycin(), doses, one).eta, abs=1e-8
    )


def test_a_level_below_the_limit_pulls_down_and_one_above_it_up() -> None:
    """Clearance at the mode: with "< 5" above the population's, with "> 40" below it; exact 5 in between."""
    doses = infusions(5, 12.0, 1000.0)

    def clearance(value: float, limit: int) -> float:
        levels = Observations(np.array([-0.5]), np.array([value]), limit=np.array([limit]))
        return float(map_estimate(vancomycin(), doses, levels).eta[0])

    assert clearance(5.0, -1) > 0.1
    assert clearance(40.0, 1) < -0.1
    assert clearance(60.0, -1) == pytest.approx(0.0, abs=0.05)
    assert clearance(1.0, 1) == pytest.approx(0.0, abs=0.05)
