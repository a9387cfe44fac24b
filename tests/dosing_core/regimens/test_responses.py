"""Superposed unit responses against whole simulations by the independent numpy kinetics."""

from __future__ import annotations

import numpy as np
import pytest
from illustrative import infusions, tablets, tacrolimus, vancomycin

from dosing_core.case import Regimen
from dosing_core.inference import Particles
from dosing_core.kinetics import DoseTable, reference, train
from dosing_core.population.individual import FloatArray, Individual
from dosing_core.regimens.responses import Schedule, responses

FIRST_H = 2.0


def _question(name: str) -> tuple[Individual, DoseTable, Schedule, FloatArray]:
    if name == "vancomycin":
        return vancomycin(), infusions(4, 12.0, 1000.0), Schedule(8.0, 1.5, "iv"), np.array([500.0, 1250.0])
    if name == "bolus":
        return vancomycin(), infusions(2, 12.0, 500.0), Schedule(12.0, 0.0, "iv"), np.array([500.0])
    if name == "continuous":
        return vancomycin(), infusions(2, 12.0, 500.0), Schedule(24.0, 24.0, "iv"), np.array([2000.0])
    return tacrolimus(), tablets(6, 12.0, 3.0), Schedule(12.0, 0.0, "oral"), np.array([1.0, 4.5])


@pytest.fixture(params=["vancomycin", "bolus", "continuous", "tacrolimus"])
def question(
    request: pytest.FixtureRequest,
) -> tuple[Individual, DoseTable, Schedule, FloatArray, FloatArray]:
    individual, history, schedule, doses = _question(request.param)
    eta = np.random.default_rng(4).multivariate_normal(np.zeros(3), individual.omega, 5)
    return individual, history, schedule, doses, eta


Question = tuple[Individual, DoseTable, Schedule, FloatArray, FloatArray]


def test_steady_state_metrics_match_whole_simulations(question: Question) -> None:
    individual, history, schedule, doses, eta = question
    (response,) = responses(Particles(((individual, eta),)), [schedule], FIRST_H, history)
    parameters, depot = individual.parameters(eta), schedule.route == "oral"
    grid = np.linspace(0.0, schedule.interval_h, 241)[1:]
    for i, dose in enumerate(doses):
        regimen = (float(dose), schedule.interval_h, schedule.duration_h, depot)
        profile = reference.steady_state(individual, parameters, *regimen, np.insert(grid, 0, 0.0))
        just_after = reference.steady_state(individual, parameters, *regimen, np.array([1e-9]))

        assert response.auc24(doses)[i] == pytest.approx(
            reference.steady_state_auc24(individual, parameters, *regimen), rel=1e-7
        )
        assert response.trough(doses)[i] == pytest.approx(profile[:, 0], rel=1e-9)
        highest = np.maximum(profile.max(axis=1), just_after[:, 0])
        assert response.peak(doses)[i] == pytest.approx(highest, rel=1e-3)


@pytest.mark.parametrize("loading", [None, 2.0])
def test_the_first_day_matches_a_whole_simulation(question: Question, loading: float | None) -> None:
    """What is left of the history, a loading dose over twice the time, and the doses after it."""
    individual, history, schedule, doses, eta = question
    (response,) = responses(Particles(((individual, eta),)), [schedule], FIRST_H, history)
    parameters = individual.parameters(eta)
    loading_mg = None if loading is None else loading * float(doses[0])
    longer = None if loading is None else 2.0 * schedule.duration_h
    found = response.first_day_auc(doses, loading_mg, longer)
    for i, dose in enumerate(doses):
        regimen = Regimen(
            dose_mg=float(dose),
            interval_h=schedule.interval_h,
            route=schedule.route,
            duration_h=schedule.duration_h,
        )
        everything = history.joined(train(regimen, FIRST_H, 4, loading_mg, longer))

        assert found[i] == pytest.approx(
            reference.auc(individual, parameters, everything, FIRST_H, FIRST_H + 24.0), rel=1e-7
        )


def test_particles_of_several_hypotheses_keep_their_order() -> None:
    """Two parts side by side give each part's own numbers, in order."""
    slow, fast = vancomycin(30.0), vancomycin(120.0)
    eta = np.random.default_rng(4).multivariate_normal(np.zeros(3), slow.omega, 4)
    schedule, history, doses = Schedule(12.0, 1.0, "iv"), infusions(2, 12.0, 1000.0), np.array([750.0])
    (both,) = responses(Particles(((slow, eta), (fast, eta[:2]))), [schedule], FIRST_H, history)
    (one,) = responses(Particles(((slow, eta),)), [schedule], FIRST_H, history)
    (other,) = responses(Particles(((fast, eta[:2]),)), [schedule], FIRST_H, history)

    for name in ("auc24", "trough", "peak", "first_day_auc"):
        together = getattr(both, name)(doses)
        assert together.shape == (1, 6)
        assert np.array_equal(
            together, np.concatenate([getattr(one, name)(doses), getattr(other, name)(doses)], axis=1)
        )


def test_an_oral_schedule_of_a_drug_without_absorption_is_refused() -> None:
    individual = vancomycin()
    particles = Particles(((individual, np.zeros((1, 3))),))

    with pytest.raises(ValueError, match="no absorption"):
        responses(particles, [Schedule(12.0, 0.0, "oral")], FIRST_H, infusions(1, 12.0, 1000.0))
