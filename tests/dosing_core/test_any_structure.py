"""The whole answer for every kind of structure: saturable, target-mediated, effects, occasions, time above
MIC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from drug_files import DRUGS, write

from dosing_core import recommend
from dosing_core.case import (
    Case,
    Dose,
    EffectMeasurement,
    Goal,
    Level,
    Measurement,
    Order,
    Regimen,
    Subject,
)
from dosing_core.library import Library
from dosing_core.recommendation import Recommendation

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)

Written = tuple[Regimen, int, float | None, tuple[tuple[str, float, float], ...]]
GIVEN: dict[str, Written] = {
    "phenytoin": (Regimen(dose_mg=300, interval_h=24, route="oral"), 20, 8.0, ()),
    "voriconazole": (Regimen(dose_mg=300, interval_h=12, route="iv", duration_h=2), 8, 0.6, ()),
    "warfarin": (Regimen(dose_mg=5, interval_h=24, route="oral"), 10, None, (("inr", 1.8, 3.0),)),
    "docetaxel": (
        Regimen(dose_mg=160, interval_h=504, route="iv", duration_h=1),
        1,
        None,
        (("neutrophils", 0.4, 300.0),),
    ),
    "infliximab": (Regimen(dose_mg=400, interval_h=1344, route="iv", duration_h=2), 2, 4.0, ()),
    "busulfan": (Regimen(dose_mg=240, interval_h=24, route="iv", duration_h=3), 2, None, ()),
    "meropenem": (Regimen(dose_mg=1000, interval_h=8, route="iv", duration_h=0.5), 6, 6.0, ()),
}
"""Regimen, doses so far, a level two hours ago, effects as (name, value, hours ago)."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    directory: Path = tmp_path_factory.mktemp("drugs")
    return write(directory)


def _measured(value: float) -> Measurement:
    return Measurement(value=value, time=NOW - 3 * HOUR, source="x")


def _case(drug: str, measured: bool = True, **changes: object) -> Case:
    regimen, count, level, effects = GIVEN[drug]
    last = regimen.interval_h - 1.0
    values: dict[str, object] = {
        "now": NOW,
        "subject": Subject(
            age_years=55,
            sex="male",
            weight=(_measured(75),),
            height=(_measured(178),),
            creatinine=(_measured(1.0),),
        ),
        "order": Order(drug=drug, regimen=regimen, running=True, source="x"),
        "doses": tuple(
            Dose(
                time=NOW - (last + regimen.interval_h * back) * HOUR,
                amount_mg=regimen.dose_mg,
                route=regimen.route,
                duration_h=regimen.duration_h,
                source="x",
            )
            for back in reversed(range(count))
        ),
        "levels": (Level(time=NOW - 2 * HOUR, value_mg_L=level, source="x"),) if level and measured else (),
        "effects": tuple(
            EffectMeasurement(name=name, value=value, time=NOW - ago * HOUR, source="x")
            for name, value, ago in (effects if measured else ())
        ),
    }
    return Case.model_validate(values | changes)


def _option_exposure(recommendation: Recommendation, role: str, metric: str) -> float:
    option = recommendation.option(role)
    assert option is not None
    return next(one.estimate.median for one in option.exposures if one.metric == metric)


SLOW = {"docetaxel", "infliximab", "voriconazole"}
"""Simulated over weeks, or stiff: left to the full run."""


@pytest.mark.parametrize(
    "drug", [pytest.param(name, marks=pytest.mark.verify if name in SLOW else ()) for name in DRUGS]
)
def test_each_structure_gets_a_whole_answer(drug: str, library: Library) -> None:
    recommendation = recommend(_case(drug), library)

    assert recommendation.outcome in ("recommend", "agree")
    assert recommendation.target is not None
    assert any(
        one.metric == recommendation.target.metric
        for option in recommendation.options
        for one in option.exposures
    )
    assert recommendation.parameters
    assert all(parameter.unit for parameter in recommendation.parameters)
    assert recommendation.curves
    assert recommendation.for_patient
    assert recommendation.variability is not None
    assert Recommendation.from_bytes(recommendation.to_bytes()) == recommendation


@pytest.mark.verify
def test_neutrophils_teach_how_sensitive_the_marrow_is(library: Library) -> None:
    """A count of 0.4 where about 1 is expected: the marrow of this patient is more sensitive, so the nadir
    is lower than people alike would have."""
    alike, own = (recommend(_case("docetaxel", measured), library) for measured in (False, True))

    assert own.levels[0].output == "neutrophils"
    assert own.levels[0].used
    assert _option_exposure(own, "as_ordered", "nadir") < _option_exposure(alike, "as_ordered", "nadir")


def test_a_low_inr_calls_for_more(library: Library) -> None:
    recommendation = recommend(_case("warfarin"), library)
    advised = recommendation.option("recommended")

    assert advised is not None
    assert advised.regimen.dose_mg > 5
    assert recommendation.levels[0].output == "inr"
    assert [one.metric for one in advised.exposures] == ["effect"], "a K-PD model knows no concentration"


def test_a_drug_level_is_no_inr(library: Library) -> None:
    """A model that works from doses and effects alone has no place for a concentration."""
    level = Level(time=NOW - 2 * HOUR, value_mg_L=1.2, source="x")
    recommendation = recommend(_case("warfarin", levels=(level,)), library)

    assert [one.output for one in recommendation.levels] == ["inr"]
    assert any("doses and effects alone" in finding.detail for finding in recommendation.missing)


def test_a_saturable_drug_has_no_steady_state_taken_for_granted(library: Library) -> None:
    """With Vmax 325 mg/day at 60 kg (Yukawa 1990) 600 mg a day has no plateau in most people."""
    order = Order(
        drug="phenytoin",
        regimen=Regimen(dose_mg=600, interval_h=24, route="oral"),
        running=True,
        source="x",
    )
    option = recommend(_case("phenytoin", order=order), library).option("as_ordered")

    assert option is not None
    assert option.judged_at_h is not None
    assert option.still_rising is not None
    assert option.still_rising > 0.5
    assert any("no plateau" in note for note in option.notes)


def test_double_the_dose_is_more_than_double_the_exposure_of_a_saturable_drug(library: Library) -> None:
    troughs = []
    for dose in (200.0, 400.0):
        order = Order(
            drug="phenytoin",
            regimen=Regimen(dose_mg=dose, interval_h=24, route="oral"),
            running=True,
            source="x",
        )
        troughs.append(
            _option_exposure(recommend(_case("phenytoin", order=order), library), "as_ordered", "trough")
        )

    assert troughs[1] > 2.2 * troughs[0]


def test_occasions_are_told_apart_from_people(library: Library) -> None:
    """Shukla 2020: variance of clearance 0.0595 between people and 0.0166 between days."""
    found = recommend(_case("busulfan", measured=False), library).variability

    assert found is not None
    assert found.between_before == pytest.approx(0.0595, rel=0.15)
    assert 0 < found.occasion < 0.0166


def test_an_effect_that_no_model_predicts_is_named_and_left_out(library: Library) -> None:
    effect = EffectMeasurement(name="anti_xa", value=0.4, time=NOW - HOUR, source="x")
    recommendation = recommend(_case("meropenem", effects=(effect,)), library)

    assert any(one.about == "effects" and "anti_xa" in one.detail for one in recommendation.missing)


@pytest.mark.parametrize(
    ("drug", "goal"),
    [
        ("meropenem", Goal(metric="effect", low=1, high=2, output="inr", source="x")),
        ("meropenem", Goal(metric="occupancy", low=0.5, high=0.9, source="x")),
        ("warfarin", Goal(metric="nadir", low=1, high=2, output="neutrophils", source="x")),
        ("vancomycin", Goal(metric="effect", low=1, high=2, output="inr", source="x")),
    ],
)
def test_an_aim_that_the_model_cannot_be_asked_is_refused_with_its_reason(
    drug: str, goal: Goal, library: Library
) -> None:
    case = _case("meropenem" if drug == "vancomycin" else drug, goal=goal)
    if drug == "vancomycin":
        case = case.model_copy(update={"order": case.order.model_copy(update={"drug": drug})})
    recommendation = recommend(case, library)

    assert recommendation.outcome == "insufficient"
    assert recommendation.option("recommended") is None
    assert recommendation.reason


def test_an_aim_beyond_every_allowed_dose_gives_the_nearest_allowed_one(library: Library) -> None:
    """No dose inside the limits reaches an AUC24 of 1e5; what is advised is inside the limits and says so by
    its chance, which is nothing."""
    goal = Goal(metric="auc24", low=1e5, high=2e5, source="x")
    recommendation = recommend(_case("meropenem", goal=goal), library)
    option = recommendation.option("recommended") or recommendation.option("as_ordered")

    assert option is not None
    assert option.inside.value < 0.01
    assert option.regimen.dose_mg <= 2000
