"""Rules and models in one file, and rules of any case: who speaks, and what must hold of every answer."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dosing_core import recommend
from dosing_core.case import (
    Case,
    Dose,
    EffectMeasurement,
    Genotype,
    Level,
    Measurement,
    Order,
    Regimen,
    Subject,
)
from dosing_core.library import PACKAGE, Library, load_drug
from dosing_core.library.shelves import _text
from dosing_core.recommendation import Recommendation

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
RULE_DRUGS = (
    "azathioprine",
    "carboplatin",
    "fluorouracil",
    "follitropin-delta",
    "mercaptopurine",
    "methotrexate",
)

NUMBER = {"confidence": "policy", "source": "project policy: made up for a test"}
BY_WEIGHT: dict[str, Any] = {
    "id": "vancomycin.by_weight",
    "name": "by weight",
    "role": "a made-up rule",
    "confidence": "medium",
    "population": {"description": "adults of a test"},
    "reference": {"citation": "nobody"},
    "verified_by": ["nobody"],
    "covariates": {"WT": {"quantity": "weight", "unit": "kg"}},
    "numbers": {"per_kg": {"value": 15, "unit": "mg/kg", **NUMBER}},
    "outcomes": [
        {
            "id": "dose",
            "action": "dose",
            "dose": "per_kg * WT",
            "interval": {"value": 12, "unit": "h", **NUMBER},
            "text": "So much for each kilogram.",
            "source": "project policy: made up for a test",
        }
    ],
    "checks": [{"inputs": {"WT": 80}, "outcome": "dose", "dose_mg": 1200, "source": "by hand: 15 · 80"}],
}


def library(directory: Path, leading: str) -> Library:
    """The package's files with a made-up rule in vancomycin's."""
    file = yaml.safe_load(_text(PACKAGE, "vancomycin"))
    file |= {"rules": [copy.deepcopy(BY_WEIGHT)], "leading": leading}
    (directory / "vancomycin.yaml").write_text(
        yaml.safe_dump(file, allow_unicode=True, sort_keys=False), encoding="utf-8"
    )
    return Library((directory,))


def at(value: float) -> tuple[Measurement, ...]:
    return (Measurement(value=value, time=NOW - timedelta(hours=8), source="x"),)


def vancomycin(known: Library, level: bool = False, mg: float = 1000.0) -> Recommendation:
    person = Subject(
        age_years=60.0,
        sex="male",
        weight=at(80.0),
        height=at(178.0),
        creatinine=at(1.0),
        co_medications_read=True,
    )
    doses, levels = [], []
    if level:
        for back in (36, 24, 12):
            doses.append(
                Dose(time=NOW - timedelta(hours=back), amount_mg=mg, route="iv", duration_h=1.5, source="d")
            )
        levels.append(Level(time=NOW - timedelta(hours=0.5), value_mg_L=14.0, source="l"))
    regimen = Regimen(dose_mg=mg, interval_h=12, route="iv", duration_h=1.5)
    order = Order(drug="vancomycin", route="iv", regimen=regimen, running=level, source="o")
    return recommend(Case(now=NOW, subject=person, order=order, doses=doses, levels=levels), known)


def test_where_models_lead_the_rule_stands_beside_and_changes_nothing(tmp_path: Path) -> None:
    answer = vancomycin(library(tmp_path, "models"))
    plain = vancomycin(PACKAGE)

    assert answer.speaks == "models"
    assert [(rule.id, rule.spoke) for rule in answer.rules] == [("vancomycin.by_weight", False)]
    assert answer.rules[0].regimen is not None
    assert answer.rules[0].regimen.dose_mg == 1250  # 1,200 mg in steps of 250
    assert answer.model_copy(update={"rules": (), "engine": ""}) == plain.model_copy(update={"engine": ""})


def test_where_rules_lead_the_models_tell_what_they_would_choose(tmp_path: Path) -> None:
    answer = vancomycin(library(tmp_path, "rules"))
    plain = vancomycin(PACKAGE)

    assert answer.speaks == "rules"
    told = {model.id: model.alone.regimen for model in answer.models if model.alone is not None}
    assert told == {model.id: model.alone.regimen for model in plain.models if model.alone is not None}
    assert len(told) > 1
    assert all(option.inside is None for option in answer.options)


def test_a_start_by_rule_hands_over_to_the_models_once_a_level_is_there(tmp_path: Path) -> None:
    known = library(tmp_path, "rules_until_levels")

    assert vancomycin(known).speaks == "rules"
    measured = vancomycin(known, level=True)
    assert measured.speaks == "models"
    assert measured.levels[0].used
    assert not measured.rules[0].spoke


positive = st.floats(0.05, 500.0)
moments = st.floats(0.01, 900.0).map(lambda hours: NOW - timedelta(hours=hours))


@st.composite
def measurements(draw: st.DrawFn, low: float, high: float) -> tuple[Measurement, ...]:
    times = sorted(draw(st.lists(moments, max_size=3)))
    return tuple(Measurement(value=draw(st.floats(low, high)), time=time, source="x") for time in times)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Anybody on any of the drugs, with odd, missing and contradictory facts."""
    drug = draw(st.sampled_from(RULE_DRUGS))
    route = load_drug(drug).main_route
    single = "single" in load_drug(drug).orders and draw(st.booleans())
    amount = draw(st.floats(1e-4, 60000.0))
    hours = draw(st.floats(0.1, 100.0)) if route == "iv" else 0.0
    regimen = draw(
        st.sampled_from(
            [
                None,
                Regimen(
                    dose_mg=amount,
                    interval_h=24 if single else draw(st.sampled_from([12.0, 24.0, 56.0, 504.0])),
                    route=route,
                    duration_h=hours,
                    once=single,
                ),
            ]
        )
    )
    genes = [
        Genotype(gene=gene, diplotype=draw(st.sampled_from(alleles)), source="g")
        for gene, alleles in (
            ("TPMT", ["*1/*1", "*1/*3A", "*3A/*3C", "nonsense"]),
            ("NUDT15", ["*1/*1", "*1/*3", "*3/*3", "*1/*99"]),
            ("DPYD", ["*1/*1", "*1/*2A", "*2A/*2A", "c.2846A>T/Reference"]),
        )
        if draw(st.booleans())
    ]
    doses = [
        Dose(time=time, amount_mg=draw(positive), route=route, duration_h=hours, source="d")
        for time in sorted(draw(st.lists(moments, max_size=3)))
    ]
    levels = [
        Level(time=time, value_mg_L=draw(positive), source="l")
        for time in sorted(draw(st.lists(moments, max_size=3)))
    ]
    effects = [
        EffectMeasurement(
            name=draw(st.sampled_from(["neutrophils", "thioguanine_nucleotides"])),
            value=draw(positive),
            time=time,
            source="e",
        )
        for time in sorted(draw(st.lists(moments, max_size=3)))
    ]
    return Case(
        now=NOW,
        subject=Subject(
            age_years=draw(st.one_of(st.none(), st.floats(0.0, 110.0))),
            sex=draw(st.sampled_from([None, "female", "male"])),
            weight=draw(measurements(2.0, 250.0)),
            height=draw(measurements(50.0, 210.0)),
            creatinine=draw(measurements(0.2, 12.0)),
            anti_muellerian_hormone=draw(measurements(0.1, 120.0)),
            measured_gfr=draw(measurements(5.0, 200.0)),
            genotypes=tuple(genes),
            co_medications_read=draw(st.booleans()),
        ),
        order=Order(
            drug=drug,
            route=route,
            regimen=regimen,
            kind="single" if single else "repeating",
            running=draw(st.booleans()),
            source="o",
        ),
        doses=tuple(doses),
        levels=tuple(levels),
        effects=tuple(effects),
    )


@settings(max_examples=60, deadline=None)
@given(cases())
def test_any_case_gets_an_answer_inside_every_limit(case: Case) -> None:
    answer = recommend(case)
    file = load_drug(case.order.drug)

    assert answer.to_bytes() == recommend(case).to_bytes()
    assert Recommendation.from_bytes(answer.to_bytes()) == answer
    assert answer.reason
    assert sum(rule.spoke for rule in answer.rules) <= 1
    for option in answer.options:
        assert option.by_rule is not None
        assert option.inside is None
        if option.role != "as_ordered":
            assert option.regimen.dose_mg <= file.limits.single.value * (1 + 1e-9)
            assert option.regimen.daily_dose_mg <= file.limits.daily.value * (1 + 1e-9)
    if answer.outcome in ("avoid", "insufficient", "out_of_scope"):
        assert answer.option("recommended") is None
    if answer.hold:
        assert answer.options == ()


@pytest.mark.parametrize("drug", RULE_DRUGS)
def test_an_empty_record_is_no_reason_for_a_dose(drug: str) -> None:
    route = load_drug(drug).main_route
    regimen = Regimen(dose_mg=0.01, interval_h=24, route=route)
    order = Order(drug=drug, route=route, regimen=regimen, source="o")
    answer = recommend(Case(now=NOW, subject=Subject(), order=order))

    assert answer.outcome == "insufficient"
    assert answer.option("recommended") is None
