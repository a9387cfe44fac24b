"""The scenarios' answers in terms of the core: behaviour first, figures inside what medicine allows.

What a card says is checked where cards are made; here it is what a recommendation holds.
"""

from __future__ import annotations

import re

import pytest
from core_case import case_of, drug_of, scenario
from scenario import Scenario, read_scenario, scenario_paths

from dosing_core import recommend
from dosing_core.case import Case, Finding, Options, Subject
from dosing_core.recommendation import Recommendation

NOT_FOR_THE_CORE = {"18-unknown-drug", "19-order-for-another-patient", "104-abacavir-risk-excluded"}
"""An order that never becomes a case, and a result ("not detected") that only its reader understands."""
SLUGS = [
    slug
    for path in scenario_paths()
    if (slug := path.name.removesuffix(".question.json")) not in NOT_FOR_THE_CORE
]


def _case(asked: Scenario) -> Case:
    case = case_of(asked, drug_of(asked))
    if asked.question.record == "any":
        return case
    names = ("weight", "creatinine", "height", "doses", "levels", "conditions")
    findings = tuple(
        Finding(kind="unreachable", about=name, detail=f"{name} could not be read") for name in names
    )
    return case.model_copy(update={"subject": Subject(), "doses": (), "levels": (), "findings": findings})


@pytest.fixture(params=SLUGS)
def asked(request: pytest.FixtureRequest) -> Scenario:
    return scenario(request.param)


def test_the_answer_is_what_a_good_clinician_would_give(asked: Scenario) -> None:
    case, answer = _case(asked), asked.answer
    recommendation = recommend(case)
    context = f"{asked.slug}: {answer.because}\n{recommendation.reason}"

    assert recommendation.outcome in answer.outcome, context
    _dose_is_sensible(case, recommendation, asked, context)
    if answer.next_level_within_h:
        assert recommendation.next_level is not None, context
        hours = (recommendation.next_level.time - case.now).total_seconds() / 3600
        low, high = answer.next_level_within_h
        assert low <= hours <= high, context
    named = {finding.about for finding in recommendation.missing}
    assert set(answer.missing) <= named, context
    for expected, level in zip(answer.levels, recommendation.levels, strict=bool(answer.levels)):
        for name in ("used", "plausible"):
            if (wanted := getattr(expected, name)) is not None:
                assert getattr(level, name) is wanted, context
        if expected.hours_after_dose:
            assert level.hours_after_dose is not None
            assert expected.hours_after_dose[0] <= level.hours_after_dose <= expected.hours_after_dose[1]


def _dose_is_sensible(case: Case, recommendation: Recommendation, asked: Scenario, context: str) -> None:
    answer = asked.answer
    advised = recommendation.option("recommended")
    if answer.daily_dose_mg is None:
        assert advised is None, context
        return
    if recommendation.outcome == "agree":
        advised = advised or recommendation.option("as_ordered")
    low, high = answer.daily_dose_mg
    if advised is None:
        assert recommendation.outcome == "insufficient", context
        assert low == 0 or recommendation.outcome in answer.outcome, context
        return
    daily = advised.regimen.daily_dose_mg
    assert low <= daily <= high, context
    if answer.not_above_ordered:
        assert case.order.regimen is not None
        assert daily <= case.order.regimen.daily_dose_mg, context
    if answer.loading_dose_mg:
        assert advised.loading_dose_mg is not None, context
        assert answer.loading_dose_mg[0] <= advised.loading_dose_mg <= answer.loading_dose_mg[1], context


def test_every_scenario_is_asked() -> None:
    assert {read_scenario(path).slug for path in scenario_paths()} == {*SLUGS, *NOT_FOR_THE_CORE}


def _by_goti(asked: Scenario) -> Case:
    """With one model alone, so that its published numbers can be followed by hand."""
    return _case(asked).model_copy(update={"options": Options(model="vancomycin.goti2018")})


def _text(recommendation: Recommendation) -> str:
    """All that is said, without the curves, whose figures may hold any digits."""
    return recommendation.model_copy(update={"curves": ()}).to_bytes().decode()


def test_a_rising_creatinine_brings_no_dose_but_its_values_and_a_level() -> None:
    """Vignette 3. By hand: CG at 1.9 is 80·80/(72·1.9) = 46.8 mL/min, so CL is 4.5·(46.8/120)^0.8 = 2.12 L/h
    and 2 g a day give an AUC24 near 945; the truth is at least that."""
    recommendation = recommend(_by_goti(scenario("04")))

    assert [option.role for option in recommendation.options] == ["as_ordered"]
    assert recommendation.options[0].exposures[0].estimate.median == pytest.approx(945, rel=0.03)
    assert any("at least" in note for note in recommendation.options[0].notes)
    (flag,) = recommendation.red_flags
    assert re.search(r"Creatinine is rising: 0\.8 mg/dL .*1\.3 mg/dL .*1\.9 mg/dL", flag)
    assert "1.33" not in _text(recommendation)


def test_a_level_that_nothing_explains_is_named_and_its_dose_shown_beside() -> None:
    """Vignette 2."""
    recommendation = recommend(_case(scenario("03")))
    (level,) = recommendation.levels

    assert any("8 mg/L is unlike what was expected" in warning for warning in recommendation.warnings)
    assert not level.used
    assert recommendation.without_flagged is not None
    assert recommendation.next_level is not None
    assert "left out" in recommendation.next_level.reason
    ordered = recommendation.option("as_ordered")
    assert ordered is not None
    assert recommendation.without_flagged.daily_dose_mg >= ordered.regimen.daily_dose_mg


def test_an_agreed_running_order_brings_no_other_recommendation() -> None:
    recommendation = recommend(_case(scenario("08")))

    assert recommendation.outcome == "agree"
    assert recommendation.option("recommended") is None
    assert recommendation.red_flags == ()


def test_an_agreed_new_order_is_offered_with_a_loading_dose() -> None:
    recommendation = recommend(_case(scenario("01")))
    ordered, advised = recommendation.option("as_ordered"), recommendation.option("recommended")

    assert ordered is not None
    assert advised is not None
    assert ordered.loading_dose_mg is None
    assert advised.regimen == ordered.regimen
    assert advised.first_day.median > ordered.first_day.median


def test_without_a_level_the_interval_is_wide_and_that_is_said() -> None:
    """Goti 2018: the CV of CL is 39.8 %; 90 % of people lie within e^(±1.645·0.383), a factor of 3.5."""
    recommendation = recommend(_by_goti(scenario("01")))
    auc = recommendation.options[0].exposures[0].estimate

    assert auc.high / auc.low == pytest.approx(3.53, rel=0.02)
    assert recommendation.why[0].startswith("No vancomycin level")
    assert all(parameter.learned is None for parameter in recommendation.parameters)


def test_two_levels_narrow_what_is_known_of_clearance() -> None:
    recommendation = recommend(_case(scenario("07")))
    clearance = next(one for one in recommendation.parameters if one.name == "clearance")

    assert clearance.learned is not None
    assert clearance.learned > 0.5
    assert clearance.estimate.median < 0.8 * clearance.typical
    assert "below" in recommendation.why[0]


def test_a_mistimed_trough_is_read_at_its_real_time() -> None:
    """Vignette 12."""
    recommendation = recommend(_case(scenario("10")))
    (level,) = recommendation.levels

    assert "charted as a trough" in level.note
    assert "3.0 h after a dose" in level.note
    assert level.note in recommendation.why


def test_genotype_and_levels_stand_in_one_answer() -> None:
    """Vignette 10; never more than doubled in one step."""
    recommendation = recommend(_case(scenario("09")))
    advised = recommendation.option("recommended")

    assert any(fact.name == "CYP3A5" and "*1/*3" in fact.value for fact in recommendation.used)
    assert sum(level.used for level in recommendation.levels) == 3
    assert advised is not None
    assert 10 < advised.regimen.daily_dose_mg <= 20


def test_an_order_without_strength_is_not_judged() -> None:
    recommendation = recommend(_case(scenario("13")))

    assert recommendation.option("as_ordered") is None
    assert any("strength" in finding.detail for finding in recommendation.missing)


def test_far_too_much_is_said_to_pass_a_limit() -> None:
    recommendation = recommend(_case(scenario("25")))

    assert any("4,500 mg a day" in warning for warning in recommendation.warnings)
    assert any("4,500 mg a day" in note for note in recommendation.options[0].notes)
