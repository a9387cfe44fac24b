"""Targets, loss and chances against hand calculations."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from dosing_core.case import Case, Condition, Goal, Order, Subject
from dosing_core.goals import attainment, choose_target, window_loss, with_error
from dosing_core.library import load_drug
from dosing_core.recommendation import Target

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
AUC = Target(metric="auc24", low=400, high=600, source="ASHP/IDSA/PIDS/SIDP 2020")
VANCOMYCIN = load_drug("vancomycin")
TACROLIMUS = load_drug("tacrolimus")


def _case(drug: str, **changes: object) -> Case:
    values = {"now": NOW, "subject": Subject(), "order": Order(drug=drug, source="x")}
    return Case.model_validate(values | changes)


def _transplanted(days: int | None) -> Subject:
    time = None if days is None else NOW - timedelta(days=days)
    return Subject(conditions=(Condition(name="kidney_transplant", time=time, source="x"),))


def test_outside_the_target_loss_is_the_weighted_logarithm_of_the_ratio() -> None:
    """200 is half of 400, 1,200 twice 600; the pull to √(400·600) adds 0.05 · ln of the ratio to 489.9."""
    middle = math.sqrt(400 * 600)

    losses = window_loss(np.array([200.0, 1200.0]), AUC, VANCOMYCIN.judgement)

    assert losses == pytest.approx(
        [math.log(2) + 0.05 * math.log(middle / 200), 1.5 * math.log(2) + 0.05 * math.log(1200 / middle)]
    )


def test_too_much_vancomycin_is_worse_than_too_little_by_the_same_factor() -> None:
    low, high = window_loss(np.array([400 / 1.5, 600 * 1.5]), AUC, VANCOMYCIN.judgement)

    assert high > low


def test_the_middle_of_the_target_costs_nothing_and_nothing_is_infinite() -> None:
    losses = window_loss(np.array([math.sqrt(400 * 600), 0.0]), AUC, VANCOMYCIN.judgement)

    assert losses[0] == pytest.approx(0, abs=1e-12)
    assert np.isfinite(losses[1])


def test_chances_count_particles_and_know_their_error() -> None:
    values = np.array([[300.0, 400.0, 500.0, 600.0, 700.0]])

    (chances,) = attainment(values, AUC)

    assert (chances.inside, chances.above, chances.below) == pytest.approx((0.6, 0.2, 0.2))
    assert with_error(chances.inside, 5).standard_error == pytest.approx(math.sqrt(0.6 * 0.4 / 5))


def test_few_effective_particles_widen_the_error() -> None:
    """A share of one half, known from 100 independent particles: √(0.25 / 100)."""
    assert with_error(0.5, 100).standard_error == pytest.approx(0.05)


def test_a_goal_of_the_case_overrides_the_files_target() -> None:
    goal = Goal(metric="trough", low=0.004, high=0.007, source="transplant programme")

    target = choose_target(TACROLIMUS, _case("tacrolimus", subject=_transplanted(90), goal=goal))

    assert (target.metric, target.low, target.high) == ("trough", 0.004, 0.007)


@pytest.mark.parametrize(("days", "high"), [(10, 0.015), (41, 0.015), (42, 0.010), (90, 0.010)])
def test_the_tacrolimus_target_narrows_after_six_weeks(days: int, high: float) -> None:
    assert choose_target(TACROLIMUS, _case("tacrolimus", subject=_transplanted(days))).high == high


def test_an_unknown_day_of_transplantation_is_named_beside_the_target() -> None:
    target = choose_target(TACROLIMUS, _case("tacrolimus", subject=_transplanted(None)))

    assert (target.low, target.high) == (0.005, 0.010)
    assert "not on record" in target.note
