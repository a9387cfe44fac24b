"""Hypotheses weighed by their evidence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from illustrative import infusions, tablets, tacrolimus, vancomycin
from scipy.stats import norm

from dosing_core.inference import Observations, believe, log_predictive, posterior
from dosing_core.inference.summaries import quantile
from dosing_core.kinetics import concentrations
from dosing_core.population.individual import FloatArray, Individual, Structure

NOTHING = Observations(np.empty(0), np.empty(0))
LOW_TROUGHS = Observations(np.array([-48.0, -24.0, 0.0]), np.array([0.0032, 0.0029, 0.0034]))
TYPES = [(0.8, "non-expresser", tacrolimus()), (0.2, "expresser", tacrolimus(expresser=True))]


def _clearance(individual: Individual, parameters: FloatArray) -> FloatArray:
    return parameters[:, -1, 0]


def test_without_levels_the_prior_probabilities_stand() -> None:
    belief = believe(TYPES, tablets(10, 12.0, 3.0), NOTHING)

    assert [part.probability for part in belief.components] == pytest.approx([0.8, 0.2], rel=1e-12)
    assert [len(eta) for _, eta in belief.particles(1000)] == [800, 200]


def test_levels_shift_the_weight_by_bayes_theorem() -> None:
    """Posterior odds = prior odds times the ratio of evidences, each computed alone."""
    doses = tablets(20, 12.0, 3.0)
    evidence = [posterior(one, doses, LOW_TROUGHS).log_evidence for _, _, one in TYPES]

    belief = believe(TYPES, doses, LOW_TROUGHS)

    odds = belief.components[1].probability / belief.components[0].probability
    assert odds == pytest.approx(0.25 * np.exp(evidence[1] - evidence[0]), rel=1e-9)
    assert odds > 0.25


def test_particles_and_weights_describe_the_same_mixture() -> None:
    belief = believe(TYPES, tablets(20, 12.0, 3.0), LOW_TROUGHS)

    few = belief.particles(2000)

    assert few.size == 2000
    assert belief.weight.sum() == pytest.approx(1.0)
    assert quantile(few.map(_clearance), np.full(2000, 1 / 2000), (0.05, 0.5, 0.95)) == pytest.approx(
        quantile(belief.map(_clearance), belief.weight, (0.05, 0.5, 0.95)), rel=0.01
    )


def test_a_single_hypothesis_is_certain() -> None:
    belief = believe([(1.0, "goti2018", vancomycin())], infusions(4, 12.0, 1000.0), NOTHING)

    assert belief.best.probability == 1.0
    assert belief.diagnostics == belief.best.posterior.diagnostics


def test_an_impossible_hypothesis_gets_no_particles() -> None:
    hypotheses = [(1.0, "possible", vancomycin()), (0.0, "impossible", vancomycin(20.0))]

    belief = believe(hypotheses, infusions(4, 12.0, 1000.0), NOTHING)

    assert len(belief.particles(100).parts) == 1
    assert belief.diagnostics.trustworthy


def test_without_a_level_the_hypotheses_are_weighed_anew() -> None:
    """Leaving a level out of the mixture is what a fit to the others says."""
    doses = tablets(20, 12.0, 3.0)
    whole = believe(TYPES, doses, LOW_TROUGHS)
    fitted = believe(TYPES, doses, LOW_TROUGHS.without(2))

    weight = whole.without(2)

    assert weight is not None
    first = len(whole.components[0].posterior.weight)
    assert weight.sum() == pytest.approx(1.0)
    assert weight[:first].sum() == pytest.approx(fitted.components[0].probability, abs=0.01)
    predicted = whole.map(lambda one, p: concentrations(one, p, doses, np.zeros(1))[:, 0])
    refitted = fitted.map(lambda one, p: concentrations(one, p, doses, np.zeros(1))[:, 0])
    assert quantile(predicted, weight, (0.05, 0.5, 0.95)) == pytest.approx(
        quantile(refitted, fitted.weight, (0.05, 0.5, 0.95)), rel=0.03
    )


def test_nothing_to_believe_is_refused() -> None:
    with pytest.raises(ValueError, match="no hypothesis"):
        believe([], infusions(1, 12.0, 1000.0), NOTHING)


def test_models_of_different_structure_are_averaged_by_how_well_they_predicted() -> None:
    """Two published kinds of model for one drug: odds = prior odds times the product over levels of the
    ratio of each one's density given the earlier levels."""
    doses = infusions(6, 12.0, 1000.0)
    levels = Observations(np.array([-30.0, -0.5]), np.array([22.0, 19.0]))
    two = vancomycin()
    one = replace(
        two,
        structure=Structure(1, False),
        typical=np.array([[3.0, 60.0, 0.0, 1.0, 1.0, 0.0, 1.0]]),
        eta_names=("CL", "V1"),
        eta_index=np.array([0, 1, -1, -1, -1, -1, -1]),
        omega=np.diag([0.2, 0.1]),
    )
    belief = believe([(0.5, "two", two), (0.5, "one", one)], doses, levels)

    gain = log_predictive(one, doses, levels).sum() - log_predictive(two, doses, levels).sum()
    odds = belief.components[1].probability / belief.components[0].probability
    assert odds == pytest.approx(np.exp(gain), rel=1e-2)
    areas = belief.map(lambda person, p: 1.0 / p[:, -1, person.columns.index("CL")])
    assert areas.shape == belief.weight.shape


def test_selection_drops_what_the_levels_have_ruled_out() -> None:
    hypotheses = [(0.98, "likely", vancomycin()), (0.02, "ruled out", vancomycin(0.05))]
    belief = believe(hypotheses, infusions(6, 12.0, 1000.0), Observations(np.array([-0.5]), np.array([9.0])))

    kept = belief.selected()

    assert belief.components[1].probability < 1e-3
    assert [part.name for part in kept.components] == ["likely"]
    assert kept.weight.sum() == pytest.approx(1.0)


def test_each_level_is_predicted_from_the_earlier_ones() -> None:
    """The first level's density under the prior, by plain averaging over draws of the prior."""
    doses, levels = infusions(4, 12.0, 1000.0), Observations(np.array([-0.5, -9.0]), np.array([14.0, 30.0]))
    individual = vancomycin()
    eta = np.random.default_rng(3).multivariate_normal(np.zeros(3), individual.omega, 40_000)
    f = concentrations(individual, individual.parameters(eta), doses, levels.time)[:, 1]
    first = np.log(np.mean(norm.pdf(30.0, f, np.hypot(3.4, 0.227 * f))))

    found = log_predictive(individual, doses, levels)

    assert found[1] == pytest.approx(first, abs=0.03)
    assert found.sum() == pytest.approx(posterior(individual, doses, levels).log_evidence, abs=0.01)
