"""Each metric against a formula, or against doses given one by one."""

from __future__ import annotations

import numpy as np
import pytest
from illustrative import tablets, tacrolimus, vancomycin

from dosing_core.case import Regimen
from dosing_core.errors import UnusableGoal
from dosing_core.goals.metrics import check, exposures
from dosing_core.inference import Particles
from dosing_core.kinetics import auc, concentrations, no_doses, train
from dosing_core.library import load_drug
from dosing_core.population.individual import Individual, ResidualError, Structure
from dosing_core.recommendation import Target
from dosing_core.regimens.past import past_of
from dosing_core.regimens.responses import Schedule, responses
from dosing_core.regimens.scored import Question, valued
from dosing_core.regimens.simulated import SimulatedResponse

ETA = np.array([[-0.4], [0.0], [0.5]])
ONE = np.ones(3)
PERSON = Individual(
    structure=Structure(1, True),
    row_time=np.array([-np.inf]),
    typical=np.array([[5.0, 40.0, 0.0, 1.0, 0.9, 0.3, 0.7]]),
    eta_names=("CL",),
    eta_index=np.array([0, -1, -1, -1, -1, -1, -1]),
    omega=np.array([[0.16]]),
    residual=ResidualError(1.0, 0.1),
    binding=None,
)


def _target(metric: str, **more: object) -> Target:
    return Target.model_validate({"metric": metric, "low": 0.4, "high": 1.0, "source": "x"} | more)


def _response(schedule: Schedule, person: Individual = PERSON, eta: np.ndarray = ETA, history=None):  # type: ignore[no-untyped-def]
    given = no_doses() if history is None else history
    return responses(Particles(((person, eta),)), (schedule,), 0.0, given)[0]


def test_time_above_the_mic_after_boluses_is_the_logarithm_over_the_rate() -> None:
    """One compartment at steady state: C = D/V / (1 - exp(-k tau)) exp(-k t), so t = ln(C0 / limit) / k."""
    k = 5.0 * np.exp(ETA[:, 0]) / 40.0
    top = 500.0 / 40.0 / (1.0 - np.exp(-k * 8.0))
    target = _target("time_above_mic", mic_mg_L=2.0, unbound_fraction=0.5)

    (found,) = exposures(_response(Schedule(8.0, 0.0, "iv")), target, np.array([500.0]), ONE)

    assert found == pytest.approx(np.clip(np.log(top / 4.0) / k / 8.0, 0.0, 1.0), abs=2e-6)


def test_a_level_some_time_after_a_bolus_has_decayed_for_that_time() -> None:
    """One compartment at steady state: C0 exp(-k t); a level after the next dose is the trough before it."""
    k = 5.0 * np.exp(ETA[:, 0]) / 40.0
    top = 500.0 / 40.0 / (1.0 - np.exp(-k * 8.0))
    response = _response(Schedule(8.0, 0.0, "iv"))

    (early,) = exposures(response, _target("timed", after_h=1.5), np.array([500.0]), ONE)
    (late,) = exposures(response, _target("timed", after_h=12.0), np.array([500.0]), ONE)

    assert early == pytest.approx(top * np.exp(-1.5 * k))
    assert late == pytest.approx(top * np.exp(-8.0 * k))


@pytest.mark.parametrize("after_h", [0.5, 3.0, 12.0, 30.0])
def test_a_timed_level_is_the_same_given_dose_by_dose(after_h: float) -> None:
    schedule, dose, particles = Schedule(12.0, 1.0, "iv"), np.array([300.0]), Particles(((PERSON, ETA),))
    simulated = SimulatedResponse(schedule, past_of(particles, no_doses(), 0.0), horizon_h=480.0)

    found = simulated.timed(dose, after_h)

    assert found == pytest.approx(_response(schedule).timed(dose, after_h), rel=1e-4)


def test_a_timed_aim_without_its_time_is_refused() -> None:
    with pytest.raises(UnusableGoal, match="how long after"):
        exposures(_response(Schedule(8.0, 0.0, "iv")), _target("timed"), np.array([500.0]), ONE)


@pytest.mark.parametrize(
    "schedule", [Schedule(8.0, 3.0, "iv"), Schedule(6.0, 6.0, "iv"), Schedule(12.0, 0.0, "oral")]
)
def test_time_above_the_mic_is_that_of_doses_given_one_by_one(schedule: Schedule) -> None:
    interval, dose = schedule.interval_h, np.array([300.0])
    count = 60
    regimen = Regimen(
        dose_mg=300.0, interval_h=interval, route=schedule.route, duration_h=schedule.duration_h
    )
    times = interval * (count - 1) + (np.arange(20_000) + 0.5) * interval / 20_000
    dense = concentrations(PERSON, PERSON.parameters(ETA), train(regimen, 0.0, count), times)

    for limit in (2.0, 4.0, 6.0):
        target = _target("time_above_mic", mic_mg_L=limit)
        (found,) = exposures(_response(schedule), target, dose, ONE)
        assert found == pytest.approx(np.mean(dense > limit, axis=1), abs=3e-3)


def test_time_above_reads_whole_blood_where_the_drug_binds() -> None:
    person, eta = tacrolimus(), np.array([[-0.3, 0.1, 0.0], [0.2, -0.4, 0.3]])
    target = _target("time_above_mic", mic_mg_L=0.008)
    regimen = Regimen(dose_mg=4.0, interval_h=12.0, route="oral")
    times = 12.0 * 199 + (np.arange(20_000) + 0.5) * 12.0 / 20_000
    dense = concentrations(person, person.parameters(eta), train(regimen, 0.0, 200), times)

    (found,) = exposures(
        _response(Schedule(12.0, 0.0, "oral"), person, eta), target, np.array([4.0]), np.ones(2)
    )

    assert found == pytest.approx(np.mean(dense > 0.008, axis=1), abs=3e-3)
    assert 0.05 < found.min() < 0.95


@pytest.mark.parametrize("person", [vancomycin(), tacrolimus()])
def test_a_cumulative_area_counts_what_was_given_and_ends_with_the_course(person: Individual) -> None:
    """A course of 96 h of which 36 have passed, against the area of all its doses in one table."""
    eta = np.zeros((2, person.dimension))
    eta[0, 0] = 0.4
    oral = person.takes("oral")
    schedule = Schedule(12.0, 0.0 if oral else 1.0, "oral" if oral else "iv")
    given = tablets(3, 12.0, 5.0) if oral else train(_regimen(schedule, 5.0), -36.0, 3)
    target = _target("cumulative_auc", course_h=96.0)

    found = exposures(_response(schedule, person, eta, given), target, np.array([2.0, 8.0]), np.ones(2))

    for dose, row in zip((2.0, 8.0), found, strict=True):
        table = given.joined(train(_regimen(schedule, dose), 0.0, 5))
        assert row == pytest.approx(auc(person, person.parameters(eta), table, -36.0, 60.0), rel=1e-6)


def _regimen(schedule: Schedule, dose: float) -> Regimen:
    return Regimen(
        dose_mg=dose,
        interval_h=schedule.interval_h,
        route=schedule.route,
        duration_h=schedule.duration_h,
    )


def test_no_dose_changes_a_course_that_is_over() -> None:
    given = train(_regimen(Schedule(24.0, 1.0, "iv"), 100.0), -96.0, 4)
    target = _target("cumulative_auc", course_h=72.0)

    with pytest.raises(UnusableGoal, match="over"):
        exposures(_response(Schedule(24.0, 1.0, "iv"), history=given), target, np.array([100.0]), ONE)


@pytest.mark.parametrize("metric", ["auc24", "average", "trough", "peak", "time_above_mic", "cumulative_auc"])
@pytest.mark.parametrize("schedule", [Schedule(8.0, 1.0, "iv"), Schedule(12.0, 0.0, "oral")])
def test_simulating_every_dose_agrees_with_superposition(metric: str, schedule: Schedule) -> None:
    """A linear drug whose horizon is long against its half-life (at most 8 h) is at steady state there."""
    target = _target(metric, mic_mg_L=3.0, course_h=60.0)
    doses = np.array([100.0, 400.0])
    given = train(_regimen(schedule, 250.0), -24.0, 2)
    linear = exposures(_response(schedule, history=given), target, doses, ONE)
    simulated = SimulatedResponse(schedule, past_of(Particles(((PERSON, ETA),)), given, 0.0), 240.0)

    found = exposures(simulated, target, doses, ONE)

    assert found == pytest.approx(linear, rel=2e-3, abs=3e-3)
    assert simulated.still_rising(doses).tolist() == [0.0, 0.0]


def test_a_factor_on_the_exposure_moves_the_time_above_by_the_concentration_not_by_itself() -> None:
    """Twice the concentration is as half the MIC."""
    schedule, dose = Schedule(8.0, 0.0, "iv"), np.array([200.0])
    doubled = exposures(_response(schedule), _target("time_above_mic", mic_mg_L=4.0), dose, 2.0 * ONE)
    halved = exposures(_response(schedule), _target("time_above_mic", mic_mg_L=2.0), dose, ONE)

    assert doubled == pytest.approx(halved, rel=1e-12)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (_target("time_above_mic"), "no MIC"),
        (_target("time_above_mic", mic_mg_L=1.0, high=1.5), "between 0 and 1"),
        (_target("effect", output="inr"), "no output 'inr'"),
        (_target("occupancy"), "no output 'occupancy'"),
        (_target("trough", low=5.0, high=5.0), "contradicts"),
    ],
)
def test_a_goal_that_cannot_be_asked_is_refused_with_its_reason(target: Target, why: str) -> None:
    with pytest.raises(UnusableGoal, match=why):
        check(target, Particles(((PERSON, ETA),)))


def test_a_trough_that_harms_and_the_wait_for_the_next_dose_weigh_as_the_file_says() -> None:
    """Steady state: the trough over the limit by its logarithm, and 0.15 a day of waiting."""
    k, tau = 5.0 * np.exp(ETA[:, 0]) / 40.0, 36.0
    trough = 500.0 / 40.0 * np.exp(-k * tau) / (1.0 - np.exp(-k * tau))
    limit = float(np.median(trough)) * 0.9
    plain = load_drug("vancomycin").judgement
    number = plain.below_weight

    def lost(**more: object) -> np.ndarray:
        judgement = plain.model_copy(update=more)
        question = Question(
            particles=Particles(((PERSON, ETA),)),
            effective=3.0,
            first_h=0.0,
            history=no_doses(),
            target=_target("peak", low=1.0, high=30.0),
            judgement=judgement,
            harmful_trough=limit,
        )
        return valued(question, _response(Schedule(tau, 0.0, "iv")), np.array([500.0]))[1][0]

    harm = number.model_copy(update={"value": 0.3})
    wait = number.model_copy(update={"value": 0.15})
    none = lost()

    assert lost(harm_weight=harm) - none == pytest.approx(0.3 * (trough > limit))
    grown = 0.3 * np.log(np.maximum(trough / limit, 1.0))
    assert lost(harm_weight=harm, harm_grows=True) - none == pytest.approx(grown)
    assert lost(interval_weight=wait) - none == pytest.approx(0.15 * 1.5)
