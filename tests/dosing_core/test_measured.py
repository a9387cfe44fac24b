"""Levels and effects as inference takes them: which output, which error, and what no model here predicts."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from datasets import simple_model

from dosing_core.case import Case, EffectMeasurement, Level, Order, Subject
from dosing_core.library import parse_model
from dosing_core.measured import measured
from dosing_core.population.individual import Individual
from dosing_core.population.rows import individual_of, row_of

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
KPD = """\
structure:
  compartments: kpd
  routes: [oral]
  effect: {kind: inr, chains: [3, 3], combined: mean}
theta: {KDE: 0.03, EDK50: 0.1, gamma: 0.8, MTT1: 28, MTT2: 120, INRmax: 18, INR0: 1.1}
iiv: {EDK50: 0.15}
residual: {log_sd: 0.12}
"""
CELLS = """\
structure: {compartments: 2, routes: [iv], effect: {kind: myelosuppression, effect: linear}}
theta: {CL: 10, V1: 20, Q: 5, V2: 100, Circ0: 5, MTTcirc: 90, feedback: 0.17, slope: 0.5}
iiv: {CL: 0.1}
residual: {proportional_sd: 0.2}
"""


def _case() -> Case:
    before = NOW - timedelta(hours=3)
    return Case(
        now=NOW,
        subject=Subject(),
        order=Order(drug="drug", source="o"),
        levels=(
            Level(time=before, value_mg_L=2.0, source="l1"),
            Level(time=before, value_mg_L=3.0, assay="immunoassay", source="l2"),
            Level(time=before, value_mg_L=4.0, assay="unheard of", source="l3"),
        ),
        effects=(
            EffectMeasurement(name="inr", value=2.5, time=before, source="e1"),
            EffectMeasurement(name="neutrophils", value=1.5, time=before, source="e2"),
        ),
    )


def _written(text: str) -> Individual:
    model = parse_model(text, "m.yaml")
    return individual_of(model, [-math.inf], [row_of(model, {})])


def _simple(**assays: float) -> Individual:
    errors = {name: {"form": "proportional", "proportional_sd": sd} for name, sd in assays.items()}
    model = simple_model(assays=errors)
    return individual_of(model, [-math.inf], [row_of(model, {"WT": 70.0})])


def test_a_level_has_the_error_of_its_assay() -> None:
    case = _case()
    person = _simple(immunoassay=0.3)

    seen = measured(case, case.levels, [person]).seen

    assert seen.output.tolist() == [0, 0, 0]
    assert [person.error_of(int(place)).proportional for place in seen.error] == [0.1, 0.3, 0.1]


def test_an_assay_that_not_all_models_know_has_no_error_of_its_own() -> None:
    case = _case()

    seen = measured(case, case.levels, [_simple(immunoassay=0.3), _simple()]).seen

    assert seen.error.tolist() == [0, 0, 0]


def test_a_model_without_a_concentration_takes_the_effect_and_leaves_the_levels() -> None:
    case = _case()

    found = measured(case, case.levels, [_written(KPD)])

    assert found.seen.value.tolist() == [2.5]
    assert found.seen.output.tolist() == [0]
    assert sorted(finding.source for finding in found.unused) == ["e2", "l1", "l2", "l3"]


def test_an_effect_whose_error_nobody_knows_is_not_used() -> None:
    case = _case()
    known = measured(case, (), [_written(CELLS + "residuals: {neutrophils: {log_sd: 0.3}}\n")])
    unknown = measured(case, (), [_written(CELLS)])

    assert known.seen.value.tolist() == [1.5]
    assert len(unknown.seen) == 0
    assert [finding.source for finding in unknown.unused] == ["e1", "e2"]
