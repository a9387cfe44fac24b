"""Targets, loss and chances against hand calculations."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from dosing_core.case import Case, Condition, Goal, Order, Subject
from dosing_core.errors import UnusableGoal
from dosing_core.goals import attainment, choose_target, losses, window_loss, with_error
from dosing_core.library import load_drug
from dosing_core.library.schema import DrugFile
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


def test_attainment_loss_counts_misses_however_far() -> None:
    """Weights 1 below and 1.5 above; the pull to the middle adds at most 5 % of ln(100)."""
    judgement = VANCOMYCIN.judgement.model_copy(update={"loss": "attainment"})

    found = losses(np.array([399.0, 4.0, 500.0, 601.0, 60_000.0]), AUC, judgement)

    assert found == pytest.approx([1.0, 1.0, 0.0, 1.5, 1.5], abs=0.05 * math.log(100) + 1e-9)
    assert found[2] < 0.01


def test_no_exposure_is_infinitely_bad() -> None:
    """A particle without a steady state must not rule the mean: a hundredfold excess is the worst."""
    worst = window_loss(np.array([600.0 * 100, 600.0 * 1e9]), AUC, VANCOMYCIN.judgement)

    assert worst[0] == pytest.approx(1.5 * math.log(100) + 0.05 * math.log(100), rel=0.01)
    assert worst[1] == pytest.approx(worst[0], rel=0.01)


def test_nothing_pulls_a_one_sided_aim_to_its_middle() -> None:
    above = Target(metric="trough", low=1.0, high=1000.0, source="x")

    assert window_loss(np.array([1.0, 30.0, 999.0]), above, VANCOMYCIN.judgement) == pytest.approx([0, 0, 0])


def _with_rules(**more: object) -> DrugFile:
    """Vancomycin with a second aim, for endocarditis, and the given changes to the default one."""
    default = VANCOMYCIN.targets[-1]
    other = default.model_copy(
        update={
            "id": "endocarditis",
            "indications": ("endocarditis",),
            "range": default.range.model_copy(update={"low": 500.0, "high": 650.0}),
        }
    )
    return VANCOMYCIN.model_copy(update={"targets": (other, default.model_copy(update=more))})


@pytest.mark.parametrize(("indication", "low"), [("Endocarditis ", 500), ("pneumonia", 400), (None, 400)])
def test_the_indication_chooses_the_aim(indication: str | None, low: float) -> None:
    target = choose_target(_with_rules(), _case("vancomycin", indication=indication))

    assert target.low == low
    assert ("no aim is on file for pneumonia" in target.note) == (indication == "pneumonia")


def test_an_aim_per_mic_follows_the_mic() -> None:
    """AUC/MIC 400 to 600: at a MIC of 0.5 mg/L that is 200 to 300; a fixed limit of harm stays."""
    both, low = _with_rules(per_mic="both"), _with_rules(per_mic="low")

    scaled = choose_target(both, _case("vancomycin", mic_mg_L=0.5))
    held = choose_target(low, _case("vancomycin", mic_mg_L=0.5))

    assert (scaled.low, scaled.high) == (200, 300)
    assert (held.low, held.high) == (200, 600)


def test_a_mic_at_which_what_works_harms_is_refused_with_the_reason() -> None:
    with pytest.raises(UnusableGoal, match="MIC of 2 mg/L"):
        choose_target(_with_rules(per_mic="low"), _case("vancomycin", mic_mg_L=2.0))


def test_an_aim_per_mic_without_a_mic_is_refused() -> None:
    with pytest.raises(UnusableGoal, match="none is on record"):
        choose_target(_with_rules(per_mic="both"), _case("vancomycin"))
