"""The if-then plan says before the level what a fit with that level says afterwards."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from core_case import case_of, scenario

from dosing_core import recommend
from dosing_core.averaging import panel
from dosing_core.consultation import Consultation, ask, consult, usable
from dosing_core.inference import Observations
from dosing_core.inference.belief import believe
from dosing_core.kinetics import hours, train
from dosing_core.library import load_drug
from dosing_core.recommendation import PlanStep, Recommendation
from dosing_core.regimens.comparison import best, is_relevant
from dosing_core.regimens.search import score
from dosing_core.screening import screen


def _consulted(slug: str, drug: str) -> tuple[Consultation, Recommendation]:
    case = case_of(scenario(slug), drug)
    drug_file = load_drug(drug)
    screening = screen(case, drug_file)
    counted = usable(case, screening.doses, screening)
    return consult(counted, drug_file, screening, panel(counted, drug_file)), recommend(case)


def _inside(step: PlanStep) -> float:
    """A value well inside the step: nothing that sits on a border is asked."""
    if step.low is None:
        assert step.high is not None
        return step.high * 0.8
    return step.low * 1.25 if step.high is None else float(np.sqrt(step.low * step.high))


@pytest.mark.parametrize(("slug", "drug"), [("07", "vancomycin"), ("08", "vancomycin"), ("25", "vancomycin")])
def test_each_step_is_what_a_fit_with_such_a_level_advises(slug: str, drug: str) -> None:
    """Another route: the level is added to the data and everything is fitted anew."""
    own, recommendation = _consulted(slug, drug)
    followed = recommendation.option("recommended") or recommendation.option("as_ordered")
    assert followed is not None
    assert recommendation.next_level is not None
    level_h = hours(recommendation.next_level.time, own.case.now)
    count = int(np.ceil((level_h - own.timing.first_h) / followed.regimen.interval_h))
    loading = (followed.loading_dose_mg, followed.loading_duration_h)
    given = own.question.history.joined(train(followed.regimen, own.timing.first_h, count, *loading))
    used = [own.case.levels[index] for index in own.reviewed.used]
    times = [hours(level.time, own.case.now) for level in used]
    values = [level.value_mg_L for level in used]
    people = own.panel.hypotheses

    assert len(recommendation.plan) > 1
    for step in recommendation.plan:
        seen = Observations(np.array([*times, level_h]), np.array([*values, _inside(step)]))
        question = ask(believe(people, given, seen), own.drug_file, own.target, own.timing, own.history)
        scored = [one for one in score(question, own.candidates) if one.usual]
        chosen = best(scored, own.target, own.drug_file.judgement)
        present = next(one for one in scored if one.regimen == followed.regimen)
        assert chosen is not None
        if not is_relevant(present, chosen, own.target, own.drug_file.judgement):
            chosen = present
        daily = chosen.regimen.daily_dose_mg
        assert daily == pytest.approx(step.regimen.daily_dose_mg, abs=260), (step, chosen.regimen)


@pytest.mark.parametrize("slug", ["01", "03", "06", "07", "08", "12", "25"])
def test_steps_run_from_low_to_high_without_gaps_and_higher_levels_never_ask_for_more(slug: str) -> None:
    plan = recommend(case_of(scenario(slug), "vancomycin")).plan
    borders = [(earlier.high, later.low) for earlier, later in pairwise(plan)]
    daily = [step.regimen.daily_dose_mg for step in plan]

    assert plan
    assert plan[0].low is None
    assert plan[-1].high is None
    assert all(high == low for high, low in borders)
    assert daily == sorted(daily, reverse=True)
    assert sum(step.stay for step in plan) == 1
    assert sum(step.chance for step in plan) == pytest.approx(1.0, abs=1e-4)


def test_there_is_no_plan_where_no_dose_is_advised() -> None:
    """Scenario 04: creatinine climbs, so nothing is optimised, not even in advance."""
    assert recommend(case_of(scenario("04"), "vancomycin")).plan == ()
