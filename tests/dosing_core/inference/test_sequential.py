"""Yesterday's posterior and a new level against the fit of both."""

from __future__ import annotations

import numpy as np
import pytest
from illustrative import infusions, tablets, tacrolimus, vancomycin

from dosing_core.inference import Observations, continue_from, posterior
from dosing_core.inference.summaries import quantile
from dosing_core.kinetics import DoseTable, no_doses
from dosing_core.population.individual import Individual

QUANTILES = (0.05, 0.5, 0.95)
NOTHING = Observations(np.empty(0), np.empty(0))
Question = tuple[Individual, DoseTable, Observations, Observations]
QUESTIONS: dict[str, Question] = {
    "vancomycin, a trough after a peak": (
        vancomycin(),
        infusions(5, 12.0, 1000.0),
        Observations(np.array([-9.0]), np.array([31.0])),
        Observations(np.array([-0.5]), np.array([16.0])),
    ),
    "tacrolimus, a third trough": (
        tacrolimus(),
        tablets(14, 12.0, 3.0),
        Observations(np.array([-96.0, -48.0]), np.array([0.0041, 0.0068])),
        Observations(np.array([0.0]), np.array([0.0060])),
    ),
    "vancomycin, below the limit at last": (
        vancomycin(),
        infusions(2, 12.0, 500.0),
        Observations(np.array([-11.0, -6.0]), np.array([9.0, 5.0])),
        Observations(np.array([-0.5]), np.array([4.0]), limit=np.array([-1])),
    ),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_continuing_equals_the_fit_of_both(name: str) -> None:
    """Quantiles of each random effect within 5 % of its prior standard deviation, evidence within 0.05."""
    individual, doses, known, new = QUESTIONS[name]
    earlier = posterior(individual, doses, known)
    whole = posterior(individual, doses, known.joined(new))

    found = continue_from(earlier, individual, doses, known, new)

    assert found.diagnostics.method == "reweighted by new levels"
    scale = np.sqrt(np.diag(individual.omega))
    assert quantile(found.eta, found.weight, QUANTILES) / scale == pytest.approx(
        quantile(whole.eta, whole.weight, QUANTILES) / scale, abs=0.05
    )
    assert found.log_evidence == pytest.approx(whole.log_evidence, abs=0.05)
    assert found.map_eta == pytest.approx(whole.map_eta, abs=1e-9)
    assert found.log_likelihood.shape == (len(found.weight), len(known) + len(new))


def test_a_level_that_surprises_is_fitted_anew() -> None:
    """Ten precise-looking levels far from the first: few of yesterday's particles explain them."""
    individual, doses = vancomycin(), infusions(6, 12.0, 1000.0)
    known = Observations(np.array([-60.5]), np.array([3.0]))
    new = Observations(np.linspace(-48.0, -0.5, 12), np.full(12, 60.0))
    earlier = posterior(individual, doses, known)

    found = continue_from(earlier, individual, doses, known, new)

    assert found.diagnostics.method != "reweighted by new levels"
    assert found.map_eta == pytest.approx(posterior(individual, doses, known.joined(new)).map_eta)


def test_no_new_level_changes_nothing() -> None:
    individual, doses, known, _ = QUESTIONS["tacrolimus, a third trough"]
    earlier = posterior(individual, doses, known)

    assert continue_from(earlier, individual, doses, known, NOTHING) is earlier


def test_the_first_level_is_fitted_from_the_prior() -> None:
    individual, doses, known, _ = QUESTIONS["vancomycin, a trough after a peak"]
    earlier = posterior(individual, no_doses(), NOTHING)

    found = continue_from(earlier, individual, doses, NOTHING, known)

    assert found.diagnostics.method == "adaptive importance sampling"
