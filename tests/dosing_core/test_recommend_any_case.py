"""Whatever a valid case holds: an answer, never an exception, and never a dose beyond a hard limit."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from drug_files import DRUGS, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dosing_core import recommend
from dosing_core.case import (
    Case,
    CoMedication,
    Condition,
    Dose,
    EffectMeasurement,
    Finding,
    Genotype,
    Goal,
    Level,
    Measurement,
    Options,
    Order,
    Regimen,
    Subject,
)
from dosing_core.library import Library
from dosing_core.recommendation import Recommendation

KINDS = ["repeating", "repeating", "repeating", "as_needed", "single", "several", "continuous", "other"]
LOOK_BACK = timedelta(hours=336)
"""The shorter of the two drug files' spans in which a level counts."""
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LOADING_CAP_MG = 3000
INFUSION_MG_PER_H = 600

bounded = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

hours_ago = st.floats(-5, 400, allow_nan=False).map(lambda h: round(h, 2))


@st.composite
def series(draw: st.DrawFn, low: float, high: float, most: int = 3) -> tuple[Measurement, ...]:
    values = draw(st.lists(st.tuples(hours_ago, st.floats(low, high)), max_size=most))
    return tuple(
        Measurement(value=value, time=NOW - hours * HOUR, source="x")
        for hours, value in sorted(values, reverse=True)
    )


@st.composite
def subjects(draw: st.DrawFn, wild: bool) -> Subject:
    low, high = (0.1, 10.0) if wild else (0.5, 3.0)
    recent = (Measurement(value=draw(st.floats(low, high)), time=NOW - 3 * HOUR, source="x"),)
    weight = Measurement(value=draw(st.floats(30, 250)), time=NOW - 30 * HOUR, source="x")
    return Subject(
        age_years=draw(st.one_of(st.floats(18, 120), st.floats(0, 120)) if wild else st.floats(18, 95)),
        sex=draw(st.sampled_from(["female", "male", None]) if wild else st.sampled_from(["female", "male"])),
        weight=draw(series(1, 400)) if wild and draw(st.booleans()) else (weight,),
        height=draw(series(50, 230))
        if wild
        else (weight.model_copy(update={"value": draw(st.floats(140, 200))}),),
        creatinine=draw(series(0.05, 20, 4)) if wild and draw(st.booleans()) else recent,
        haematocrit=(weight.model_copy(update={"value": draw(st.floats(15, 60))}),),
        genotypes=tuple(
            Genotype(gene="CYP3A5", diplotype=diplotype, source="x")
            for diplotype in draw(st.lists(st.sampled_from(["*1/*3", "*3/*3", "*1/*1", "odd"]), max_size=2))
        ),
        co_medications=tuple(
            CoMedication(drug="prednisolone", daily_dose_mg=dose, source="x")
            for dose in draw(st.lists(st.one_of(st.none(), st.floats(1, 60)), max_size=1))
        ),
        co_medications_read=draw(st.booleans()),
        conditions=tuple(
            Condition(name=name, source="x")
            for name in draw(
                st.sampled_from(
                    [[], ["kidney_transplant"], ["kidney_transplant"], ["crrt"], ["haemodialysis"]]
                )
                if wild
                else st.just(["kidney_transplant"])
            )
        ),
    )


@st.composite
def cases(draw: st.DrawFn, wild: bool) -> Case:
    drug = draw(st.sampled_from(["vancomycin", "tacrolimus"]))
    iv = drug == "vancomycin"
    own = "iv" if iv else "oral"
    route = draw(st.sampled_from([own, own, own, "iv", "oral"])) if wild else own
    top = 1e5 if wild else (2500 if iv else 15)
    amount = st.floats(0.01 if wild else top / 30, top)
    length = st.sampled_from([0.0, 0.5, 1.0, 2.0, 24.0]) if route == "iv" else st.just(0.0)
    interval = draw(st.sampled_from([1.0, 6.0, 8.0, 12.0, 24.0, 48.0, 7.3] if wild else [8.0, 12.0, 24.0]))
    regimen = Regimen(dose_mg=draw(amount), interval_h=interval, route=route, duration_h=draw(length))
    count = draw(st.integers(0, 8))
    first = draw(st.floats(0.1, 30))
    given_doses = [
        Dose(
            time=NOW - (first + back * interval) * HOUR,
            amount_mg=draw(amount),
            route=route,
            duration_h=draw(length),
            status=draw(st.sampled_from(["administered", "ordered"])),
            source="x",
        )
        for back in reversed(range(count))
    ]
    highest = (1e6 if wild else 60.0) * (1.0 if iv else 1e-3)
    levels = [
        Level(
            time=NOW - hours * HOUR,
            value_mg_L=draw(st.floats(highest * 1e-6 if wild else highest / 20, highest)),
            charted_as=draw(st.sampled_from([None, "trough", "peak"])),
            limit=draw(st.sampled_from(["exact", "exact", "exact", "above", "below"])) if wild else "exact",
            source="x",
        )
        for hours in sorted(draw(st.lists(hours_ago, max_size=3)), reverse=True)
    ]
    findings = draw(
        st.lists(
            st.builds(
                Finding,
                kind=st.sampled_from(["missing", "conflict", "excluded", "unreachable", "note"]),
                about=st.sampled_from(
                    ["weight", "creatinine", "levels", "doses", "order", "genotypes", "age"]
                ),
                detail=st.just("said by the record's reader"),
            ),
            max_size=2 if wild else 0,
        )
    )
    goal = draw(
        st.one_of(st.none(), st.just(Goal(metric="trough", low=0.004, high=0.4, source="x")))
        if wild
        else st.none()
    )
    return Case(
        now=NOW,
        subject=draw(subjects(wild)),
        order=Order(
            drug=drug,
            route=route,
            regimen=regimen if draw(st.booleans()) or not wild else None,
            running=draw(st.booleans()),
            start=draw(st.sampled_from([None, NOW + 5 * HOUR, NOW - 100 * HOUR, NOW + 2000 * HOUR])),
            kind=draw(st.sampled_from(KINDS)) if wild else "repeating",
            source="x",
        ),
        doses=tuple(given_doses),
        levels=tuple(levels),
        findings=tuple(findings),
        goal=goal,
    )


def _holds(case: Case, recommendation: Recommendation) -> None:
    weight = next((m.value for m in reversed(case.subject.weight) if m.time <= NOW), None)
    for option in recommendation.options:
        if option.role == "as_ordered":
            assert option.regimen == case.order.regimen
            continue
        regimen = option.regimen
        assert weight is not None
        assert option.first_dose_at >= NOW
        if case.order.drug == "vancomycin":
            assert regimen.dose_mg <= LOADING_CAP_MG
            assert regimen.daily_dose_mg <= min(4500, 60 * weight) + 1e-6
            assert regimen.dose_mg % 250 == 0
            assert regimen.duration_h >= max(1.0, regimen.dose_mg / INFUSION_MG_PER_H) - 1e-9
            if option.loading_dose_mg is not None:
                assert option.loading_dose_mg <= min(LOADING_CAP_MG, 35 * weight) + 1e-6
                assert option.loading_duration_h is not None
                assert option.loading_duration_h >= option.loading_dose_mg / INFUSION_MG_PER_H - 1e-9
        else:
            assert regimen.daily_dose_mg <= min(30, 0.3 * weight) + 1e-6
            assert regimen.dose_mg % 0.5 == 0
        chances = option.inside.value + option.above.value + option.below.value
        assert abs(chances - 1) < 1e-5
    if recommendation.red_flags:
        assert recommendation.option("recommended") is None
    recent = [level for level in case.levels if timedelta(0) <= NOW - level.time <= LOOK_BACK]
    if (recent and recent[-1].limit == "above") or case.order.kind != "repeating":
        assert recommendation.option("recommended") is None
        assert recommendation.outcome != "agree"
    if any(f.about == "doses" and f.kind in ("excluded", "conflict") for f in recommendation.missing):
        assert not any(option.loading_dose_mg for option in recommendation.options)
    if recommendation.hold and (ordered := case.order.regimen) is not None:
        advised = recommendation.option("recommended")
        assert advised is None or advised.regimen.daily_dose_mg <= ordered.daily_dose_mg
    if recommendation.outcome in ("insufficient", "out_of_scope"):
        assert recommendation.option("recommended") is None
        assert recommendation.reason
    if recommendation.outcome == "recommend":
        assert recommendation.option("recommended") is not None
    if recommendation.outcome == "agree":
        assert recommendation.option("as_ordered") is not None


@settings(bounded, max_examples=60)
@given(cases(wild=True))
def test_any_valid_case_is_answered_inside_the_limits(case: Case) -> None:
    _holds(case, recommend(case))


@settings(bounded, max_examples=25)
@given(cases(wild=False))
def test_ordinary_cases_are_answered_inside_the_limits(case: Case) -> None:
    recommendation = recommend(case)

    _holds(case, recommendation)
    assert "no usable numbers" not in recommendation.reason


@st.composite
def other_cases(draw: st.DrawFn) -> Case:
    """Any drug of the test-only library: odd options, aims of every kind, effects, overlapping infusions."""
    drug = draw(st.sampled_from(sorted(DRUGS)))
    route = "oral" if drug in ("phenytoin", "warfarin") else "iv"
    interval = draw(st.sampled_from([8.0, 12.0, 24.0, 504.0, 1344.0]))
    amount, length = st.floats(0.1, 3000), st.sampled_from([0.0, 1.0, 24.0])
    regimen = Regimen(dose_mg=draw(amount), interval_h=interval, route=route, duration_h=draw(length))
    count = draw(st.integers(0, 3))
    given_doses = tuple(
        Dose(
            time=NOW - (1 + draw(st.floats(0, 30)) + 40 * back) * HOUR,
            amount_mg=draw(amount),
            route=route,
            duration_h=draw(length),
            source="x",
        )
        for back in reversed(range(count))
    )
    levels = tuple(
        Level(
            time=NOW - hours * HOUR,
            value_mg_L=draw(st.floats(1e-6, 1e4)),
            limit=draw(st.sampled_from(["exact", "exact", "below", "above"])),
            source="x",
        )
        for hours in sorted(draw(st.lists(hours_ago, max_size=2)), reverse=True)
    )
    effects = tuple(
        EffectMeasurement(
            name=draw(st.sampled_from(["inr", "neutrophils", "concentration", "nothing"])),
            value=draw(st.floats(1e-3, 100)),
            time=NOW - hours * HOUR,
            source="x",
        )
        for hours in sorted(draw(st.lists(hours_ago, max_size=2)), reverse=True)
    )
    metric = st.sampled_from(["auc24", "trough", "average", "effect", "occupancy", "nadir", "time_above_mic"])
    goals = st.builds(
        Goal,
        metric=metric,
        low=st.floats(1e-3, 0.4),
        high=st.floats(0.5, 1e3),
        output=st.sampled_from(["", "inr", "neutrophils"]),
        source=st.just("x"),
    )
    options = Options(
        prior_weight=draw(st.sampled_from([1.0, 1.0, 0.25, 1e-3])),
        recency_half_life_h=draw(st.sampled_from([None, None, 12.0, 1e-3])),
        model=draw(st.sampled_from([None, None, None, f"{drug}.nobody"])),
    )
    return Case(
        now=NOW,
        subject=draw(subjects(wild=False)),
        order=Order(drug=drug, route=route, regimen=regimen, running=draw(st.booleans()), source="x"),
        doses=given_doses,
        levels=levels,
        effects=effects,
        goal=draw(st.one_of(st.none(), st.none(), goals)),
        options=options,
    )


def _answered(case: Case, library: Library) -> None:
    recommendation = recommend(case, library)
    assert Recommendation.from_bytes(recommendation.to_bytes()) == recommendation, "every number is finite"
    if recommendation.outcome in ("insufficient", "out_of_scope"):
        assert recommendation.option("recommended") is None
        assert recommendation.reason
    most = library.load(case.order.drug).limits.single.value
    assert all(o.regimen.dose_mg <= most for o in recommendation.options if o.role != "as_ordered")


@pytest.mark.verify
@settings(bounded, max_examples=6)
@given(case=other_cases())
def test_any_structure_is_answered_inside_the_limits(case: Case) -> None:
    _answered(case, _library())


@pytest.mark.verify
@settings(bounded, max_examples=2000)
@given(case=other_cases())
def test_many_cases_of_any_structure_are_answered(case: Case) -> None:
    _answered(case, _library())


@pytest.mark.verify
@settings(bounded, max_examples=98_000)
@given(case=cases(wild=True))
def test_a_hundred_thousand_cases_have_no_escape(case: Case) -> None:
    """With the two thousand of other structures; hours of one core."""
    _holds(case, recommend(case))


@cache
def _library() -> Library:
    return write(Path(tempfile.mkdtemp()))
