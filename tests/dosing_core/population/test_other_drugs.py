"""Other drugs in a patient: clearance over time, the future, and how sure that is."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from datasets import simple_model

from dosing_core.case import Case, CoMedication, Dose, Level, Measurement, Order, Subject
from dosing_core.library.interaction import Interaction
from dosing_core.library.sourced import Number
from dosing_core.population.bind import Bound, bind
from dosing_core.population.individual import Individual

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
CL, V1 = 0, 1


def _number(value: float, unit: str = "1") -> Number:
    return Number(value=value, unit=unit, source="project policy: a test's own number", confidence="policy")


FLUCONAZOLE = Interaction(
    drugs=("fluconazole",),
    kind="inhibits",
    auc_ratio=_number(2.0),
    log_sd=_number(0.3),
    half_time=_number(24, "h"),
    action="Watch levels.",
)


def _bound(model: Any = None, **taken: Any) -> Bound:
    drugs = (CoMedication(drug="Fluconazole 200 mg", source="m", **taken),) if taken else ()
    case = Case(
        now=NOW,
        subject=Subject(
            weight=(Measurement(value=70.0, time=NOW - timedelta(days=30), source="w"),), co_medications=drugs
        ),
        order=Order(drug="drug", route="oral", source="o"),
        doses=(Dose(time=NOW - timedelta(hours=96), amount_mg=100, route="oral", source="d"),),
        levels=(Level(time=NOW - timedelta(hours=1), value_mg_L=1, source="l"),),
    )
    return bind(model or simple_model(), case, (FLUCONAZOLE,))


def _at(individual: Individual, hours: float) -> float:
    row = int(np.searchsorted(individual.row_time, hours, side="right")) - 1
    return float(individual.typical[row, CL])


def test_without_another_drug_nothing_changes() -> None:
    individual = _bound().hypotheses[0].individual

    assert individual.row_time.tolist() == [-math.inf]
    assert individual.eta_names == ("CL",)


def test_a_drug_taken_all_along_halves_clearance_throughout() -> None:
    """An AUC ratio of 2 is half the clearance; it differs between patients by 0.3 on the log scale."""
    bound = _bound(daily_dose_mg=200)
    individual = bound.hypotheses[0].individual

    assert individual.typical[:, CL].tolist() == [2.5]
    assert individual.typical[0, V1] == 50.0
    assert individual.eta_names == ("CL", "interaction")
    np.testing.assert_allclose(np.diag(individual.omega), [0.09, 0.09])
    drawn = individual.parameters(np.array([[0.0, 0.2], [0.1, 0.0]]))[:, 0]
    np.testing.assert_allclose(drawn[:, CL], 2.5 * np.exp([0.2, 0.1]))
    assert drawn[0, V1] == 50.0
    assert any("all along" in assumption.text for assumption in bound.assumptions)
    assert any(fact.source == "m" and "times 2" in fact.value for fact in bound.used)


def test_an_interaction_sets_in_by_its_half_time_and_the_future_meets_what_is_to_come() -> None:
    """By hand: started 48 h ago, half-time 24 h; in the middle of a step, 6 h after the start, a share of
    1 − 2^(−6/24) = 0.159104, at 42 h 0.702698; for the future, 96 h, 0.9375. CL is 5 · (1 − share/2)."""
    individual = _bound(since=NOW - timedelta(hours=48)).hypotheses[0].individual

    assert _at(individual, -60) == 5.0
    assert _at(individual, -42) == pytest.approx(5 * (1 - 0.159104 / 2), rel=1e-5)
    assert _at(individual, -6) == pytest.approx(5 * (1 - 0.702698 / 2), rel=1e-5)
    assert _at(individual, 0) == pytest.approx(5 * (1 - 0.9375 / 2), rel=1e-5)


def test_before_the_other_drug_its_random_effect_does_not_act() -> None:
    individual = _bound(since=NOW - timedelta(hours=48)).hypotheses[0].individual

    drawn = individual.parameters(np.array([[0.0, 0.5]]))[0, :, CL]
    assert drawn[0] == 5.0
    assert drawn[-1] == pytest.approx(individual.typical[-1, CL] * math.exp(0.5))


def test_a_drug_that_starts_now_counts_for_the_regimen_alone() -> None:
    """By hand: 48 h on, a share of 0.75."""
    individual = _bound(since=NOW).hypotheses[0].individual

    assert individual.row_time.tolist() == [-math.inf, 0.0]
    np.testing.assert_allclose(individual.typical[:, CL], [5.0, 5 * (1 - 0.375)])


def test_a_drug_that_was_stopped_long_ago_is_over() -> None:
    individual = (
        _bound(since=NOW - timedelta(days=90), until=NOW - timedelta(days=30)).hypotheses[0].individual
    )

    assert set(individual.typical[:, CL]) == {5.0}
    assert individual.eta_names == ("CL",)


def test_where_occasions_vary_already_their_variance_grows() -> None:
    model = simple_model(
        iov={"CL": {"reported_as": "omega_variance", "reported_value": 0.04, "omega_variance": 0.04}},
        occasions={"by": "dosing_interval"},
    )
    individual = _bound(model, daily_dose_mg=200).hypotheses[0].individual

    assert individual.eta_names == ("CL", "CL occasion 1", "CL future occasion")
    np.testing.assert_allclose(np.diag(individual.omega), [0.09, 0.13, 0.13])
