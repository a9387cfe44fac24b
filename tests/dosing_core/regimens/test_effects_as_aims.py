"""Aims that are effects (INR, nadir, occupancy) against an independent solver, and what follows from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from by_scipy import outputs_of
from structural_models import MODELS

from dosing_core.case import Regimen
from dosing_core.foreseen import measured_output
from dosing_core.goals.dose_response import curves
from dosing_core.goals.individual_target import individual_aim
from dosing_core.goals.steepness import steepness
from dosing_core.inference import Particles
from dosing_core.informative import most_informative
from dosing_core.kinetics import train
from dosing_core.library import load_drug
from dosing_core.library.sourced import Number, Span
from dosing_core.library.targets import IndividualRule
from dosing_core.plan import plan
from dosing_core.population.system import System
from dosing_core.recommendation import NextLevel, Target
from dosing_core.regimens.candidates import Candidate
from dosing_core.regimens.comparison import best
from dosing_core.regimens.holding import holding
from dosing_core.regimens.options import Draft, judge
from dosing_core.regimens.responses import Schedule
from dosing_core.regimens.scored import Question
from dosing_core.regimens.search import score_one, search

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
JUDGEMENT = load_drug("vancomycin").judgement
DAILY = Regimen(dose_mg=5.0, interval_h=24.0, route="oral")


def _question(
    name: str, metric: str, low: float, high: float, size: int, output: str = "", horizon: float = 240.0
) -> Question:
    """People of this family after their history; the most typical one is the first particle."""
    case = MODELS[name]()
    person = case.individual
    random = np.random.default_rng(7)
    eta = 0.5 * random.normal(size=(size, person.dimension)) @ np.linalg.cholesky(person.omega).T
    eta[0] = 0.0
    target = {
        "metric": metric,
        "low": low,
        "high": high,
        "output": output,
        "horizon_h": horizon,
        "source": "x",
    }
    return Question(
        particles=Particles(((person, eta),)),
        effective=float(size),
        first_h=0.0,
        history=case.doses,
        target=Target.model_validate(target | {"source": "x"}),
        judgement=JUDGEMENT,
    )


def _by_scipy(question: Question, regimen: Regimen, times: np.ndarray, output: str) -> np.ndarray:
    """The typical person's output, by LSODA from the first dose of the history on."""
    ((person, eta),) = question.particles
    system = person.structure
    assert isinstance(system, System)
    values = dict(zip(system.parameters, person.parameters(eta[:1])[0, -1].tolist(), strict=True))
    count = int(np.ceil(times[-1] / regimen.interval_h))
    table = question.history.joined(train(regimen, 0.0, count))
    found = outputs_of(system, values, table, times.tolist(), person.clock_h)
    return np.asarray(found[:, system.output(output)])


def _value(question: Question, regimen: Regimen) -> float:
    return float(search(question, [Candidate(regimen, usual=True, preference=0)]).values[0, 0])


def test_an_inr_at_the_horizon() -> None:
    question = _question("warfarin_pk_inr", "effect", 2.0, 3.0, 4, "inr")

    exact = _by_scipy(question, DAILY, np.array([240.0]), "inr")[0]

    assert _value(question, DAILY) == pytest.approx(exact, rel=2e-3)


def test_a_nadir_over_the_horizon() -> None:
    """An infusion of the same size 300 h after the first; the lowest count of the next three weeks."""
    question = _question("myelosuppression", "nadir", 1.0, 2.0, 4, "neutrophils", 504.0)
    regimen = Regimen(dose_mg=5000.0, interval_h=504.0, route="iv", duration_h=24.0)
    times = np.linspace(4.0, 504.0, 126)

    exact = _by_scipy(question, regimen, times, "neutrophils").min()

    assert _value(question, regimen) == pytest.approx(exact, rel=5e-3)


def test_an_occupancy_before_a_dose() -> None:
    question = _question("tmdd_qss", "occupancy", 0.9, 1.0, 4, "", 336.0)
    regimen = Regimen(dose_mg=60.0, interval_h=336.0, route="iv")

    exact = _by_scipy(question, regimen, np.array([336.0]), "occupancy")[0]

    assert 0.05 < exact < 0.999
    assert _value(question, regimen) == pytest.approx(exact, rel=2e-3)


CHOICES = [
    Candidate(DAILY.model_copy(update={"dose_mg": dose}), usual=True, preference=0)
    for dose in np.arange(1.0, 13.0, 0.5)
]


def test_the_dose_for_an_inr_is_found_and_a_plan_says_what_the_next_inr_would_change() -> None:
    question = _question("warfarin_pk_inr", "effect", 2.0, 3.0, 128, "inr", 336.0)
    found = search(question, CHOICES)
    chosen = best(found.scored, question.target, question.judgement)
    assert chosen is not None
    (option,) = judge(question, [Draft(chosen, "recommended", NOW)])

    steps = plan(found, option, 0.0, NOW + timedelta(days=6), NOW)

    assert 2.0 < chosen.median < 3.0
    assert option.judged_at_h == 336.0
    assert option.still_rising is not None
    assert [one.metric for one in option.exposures][-1] == "effect"
    assert len(steps) > 1
    doses = [step.regimen.dose_mg for step in steps]
    assert doses == sorted(doses, reverse=True)
    borders = [step.high for step in steps[:-1] if step.high is not None]
    assert all(1.0 < border < 8.0 for border in borders)


def test_the_level_that_is_foreseen_is_the_effect_that_is_aimed_at() -> None:
    question = _question("warfarin_pk_inr", "effect", 2.0, 3.0, 96, "inr", 336.0)
    ((person, _),) = question.particles
    found = search(question, CHOICES)
    chosen = best(found.scored, question.target, question.judgement)
    assert chosen is not None
    (option,) = judge(question, [Draft(chosen, "recommended", NOW)])
    usual = NextLevel(time=NOW + timedelta(days=4), reason="As usual.")

    advice = most_informative(found, option, 0.0, load_drug("vancomycin"), usual, NOW)

    assert person.structure.outputs[measured_output(person, question.target)].name == "inr"  # type: ignore[union-attr]
    assert advice.time == usual.time
    assert advice.loss_now is not None
    assert advice.loss_after is not None
    assert advice.loss_after < advice.loss_now


def test_an_inr_far_too_high_is_waited_for() -> None:
    """20 mg a day for ten days; without another dose the INR falls below 3 within days, not at once."""
    question = _question("warfarin_pk_inr", "effect", 2.0, 3.0, 32, "inr", 336.0)
    heavy = replace(question.history, amount=question.history.amount * 4.0)

    held = holding(replace(question, history=heavy), DAILY, NOW)

    assert held is not None
    assert 1 <= held.skipped <= 10
    assert held.expected.median <= 3.0
    assert held.resume_at == NOW + timedelta(days=held.skipped)
    assert holding(question, DAILY, NOW) is None


def _rule(least: float) -> IndividualRule:
    said = {"source": "invented for this test", "confidence": "high"}
    return IndividualRule(
        output="inr",
        ec50="EC50",
        desired=Span(low=2.0, high=3.0, unit="INR", **said),  # type: ignore[arg-type]
        metric="average",
        least_learned=Number(value=least, unit="1", **said),  # type: ignore[arg-type]
    )


def test_who_needs_twice_the_concentration_gets_twice_the_aim() -> None:
    """The effect reads C / EC50 alone and the kinetics is linear, so twice the EC50 is twice every
    concentration that brings an INR of 2 to 3."""
    question = _question("warfarin_pk_inr", "effect", 2.0, 3.0, 48, "inr", 336.0)
    ((person, eta),) = question.particles
    known = eta * np.array([1.0, 1.0, 0.3])
    twice = known + np.array([0.0, 0.0, np.log(2.0)])
    heavier = replace(question.history, amount=question.history.amount * 2.0)

    one = individual_aim(replace(question, particles=Particles(((person, known),))), _rule(0.5), DAILY)
    other = individual_aim(
        replace(question, particles=Particles(((person, twice),)), history=heavier),
        _rule(0.5),
        DAILY.model_copy(update={"dose_mg": 10.0}),
    )

    assert one is not None
    assert other is not None
    assert one.target.metric == "average"
    assert 0.0 < one.target.low < one.target.high
    assert other.target.low == pytest.approx(2.0 * one.target.low, rel=5e-3)
    assert other.target.high == pytest.approx(2.0 * one.target.high, rel=5e-3)
    assert other.ec50.median == pytest.approx(2.0 * one.ec50.median, rel=1e-5)
    assert one.learned > 0.5


def test_without_measured_effects_the_populations_aim_stays() -> None:
    """Particles as wide as the prior: nothing was learned of the EC50."""
    question = _question("warfarin_pk_inr", "effect", 2.0, 3.0, 48, "inr")
    ((person, eta),) = question.particles

    assert (
        individual_aim(replace(question, particles=Particles(((person, 2.0 * eta),))), _rule(0.3), DAILY)
        is None
    )


def test_saturable_clearance_makes_a_wide_range_a_narrow_step_of_the_dose() -> None:
    """Phenytoin: from 10 to 20 mg/L at steady state the dose rises by the factor
    [20 / (Km + 20)] / [10 / (Km + 10)] = 1.22 for Km = 5.7 mg/L, whereas the concentration doubles."""
    question = _question("michaelis_menten_oral", "average", 10.0, 20.0, 2, "", 2400.0)
    ((person, eta),) = question.particles
    typical = replace(question, particles=Particles(((person, np.zeros_like(eta)),)))
    daily = Regimen(dose_mg=300.0, interval_h=24.0, route="oral")

    found = steepness(typical, None, daily)

    assert found.margin.median == pytest.approx((20 / 25.7) / (10 / 15.7), rel=0.06)


def test_curves_rise_with_the_dose() -> None:
    question = _question("warfarin_pk_inr", "effect", 2.0, 3.0, 8, "inr")

    found = curves(question, Schedule(24.0, 0.0, "oral"), 5.0, (question.target,))

    assert (np.diff(found.values[0], axis=0) > 0).all()
    assert score_one(question, DAILY).median > 1.0
