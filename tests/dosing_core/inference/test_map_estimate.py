"""The mode against many starts of a different optimiser, and against a bimodal posterior known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from illustrative import flip_flop, infusions, tablets, tacrolimus, vancomycin
from scipy.optimize import minimize

from dosing_core.inference import Observations, map_estimate
from dosing_core.kinetics import DoseTable, concentrations, no_doses
from dosing_core.population.individual import FloatArray, Individual

Question = tuple[Individual, DoseTable, Observations]


def _objective(eta: FloatArray, question: Question) -> float:
    """0.5 eta' omega^-1 eta + sum 0.5 (r² / v + log v), written out in plain random effects."""
    individual, doses, levels = question
    f = concentrations(individual, individual.parameters(eta[None]), doses, levels.time)[0]
    v = individual.residual.additive**2 + (individual.residual.proportional * f) ** 2
    prior = eta @ np.linalg.solve(individual.omega, eta)
    return float(0.5 * prior + 0.5 * np.sum((levels.value - f) ** 2 / v + np.log(v)))


def _simulated(seed: int) -> Question:
    """A patient drawn from the model, with one to five levels."""
    rng = np.random.default_rng(seed)
    individual = vancomycin(crcl_ml_min=float(rng.uniform(20, 140))) if seed % 2 else tacrolimus()
    doses = infusions(5, 12.0, 1000.0) if seed % 2 else tablets(12, 12.0, 3.0)
    eta = rng.multivariate_normal(np.zeros(3), individual.omega)
    times = np.sort(rng.uniform(-40, 0, int(rng.integers(1, 6))))
    f = concentrations(individual, individual.parameters(eta[None]), doses, times)[0]
    sd = np.hypot(individual.residual.additive, individual.residual.proportional * f)
    return individual, doses, Observations(times, np.maximum(f + sd * rng.standard_normal(len(f)), 0.1 * f))


@pytest.mark.parametrize("seed", range(12))
def test_the_mode_is_as_good_as_the_best_of_32_starts(seed: int) -> None:
    """Within 1e-6 of what BFGS finds from 32 starts drawn from the prior."""
    question = _simulated(seed)
    rng = np.random.default_rng(1000 + seed)
    starts = rng.multivariate_normal(np.zeros(3), question[0].omega, 32)
    best = min(minimize(_objective, start, args=(question,), method="BFGS").fun for start in starts)

    found = map_estimate(*question)

    assert _objective(found.eta, question) <= best + 1e-6
    assert found.objective == pytest.approx(_objective(found.eta, question), abs=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_the_slope_vanishes_at_the_mode(seed: int) -> None:
    """Five-point differences of the plain objective, scaled to prior standard deviations."""
    question = _simulated(seed)
    found = map_estimate(*question)
    scale = np.sqrt(np.diag(question[0].omega))
    for k in range(3):
        h = 1e-3 * scale[k] * np.eye(3)[k]
        at = [_objective(found.eta + step * h, question) for step in (-2, -1, 1, 2)]
        assert abs(at[0] - 8 * at[1] + 8 * at[2] - at[3]) / 12e-3 < 1e-4
    assert found.gradient_norm < 1e-6


def test_without_levels_the_mode_is_the_prior_mode() -> None:
    found = map_estimate(vancomycin(), infusions(3, 12.0, 1000.0), Observations(np.empty(0), np.empty(0)))

    assert found.eta.tolist() == [0.0, 0.0, 0.0]
    assert len(found.modes) == 1


def test_both_modes_of_a_flip_flop_are_reported() -> None:
    """eta of V and ka at the two modes mirror each other: ±log(10 / V), ±log(1 / ka), slightly shrunk."""
    found = map_estimate(*flip_flop())

    assert len(found.modes) == 2
    one, other = sorted((mode.eta for mode in found.modes), key=lambda eta: float(eta[1]))
    assert one == pytest.approx([0.0, -0.5 * np.log(10 / 3), -0.5 * np.log(10 / 3)], abs=0.05)
    assert other == pytest.approx([0.0, 0.5 * np.log(10 / 3), 0.5 * np.log(10 / 3)], abs=0.05)
    # Equal but for the clearance, which also varies and bends the mirror a little.
    assert found.modes[0].objective == pytest.approx(found.modes[1].objective, abs=0.01)


def test_an_ordinary_posterior_has_one_mode() -> None:
    assert len(map_estimate(*_simulated(1)).modes) == 1


def test_a_level_that_no_dose_explains_leaves_the_prior() -> None:
    """Nothing was given: every patient predicts zero, so the level teaches nothing and nothing breaks."""
    found = map_estimate(tacrolimus(), no_doses(), Observations(np.array([-1.0]), np.array([0.008])))

    assert found.eta == pytest.approx(np.zeros(3), abs=1e-12)
