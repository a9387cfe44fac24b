"""Variability between occasions: where they start, which have effects, and on what these act."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from datasets import simple_model

from dosing_core.case import Case, Dose, Level, Measurement, Order, Subject
from dosing_core.population import occasions
from dosing_core.population.bind import bind
from dosing_core.population.occasions import Occasion
from dosing_core.population.rows import individual_of, row_of
from dosing_core.population.variability import Occasions

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
CL, V1, KA = 0, 1, 4
IOV = {
    "iov": {"CL": {"reported_as": "omega_variance", "reported_value": 0.04, "omega_variance": 0.04}},
    "occasions": {"by": "dosing_interval"},
}


def _starts(by: str, doses: list[float], levels: list[float], midnight: float = 0.0) -> list[float]:
    return occasions.starts(Occasions.model_validate({"by": by}), doses, levels, midnight)


def test_each_dose_starts_an_interval() -> None:
    assert _starts("dosing_interval", [-24, -12, -12, 0], [-13]) == [-24, -12, 0]


def test_days_start_at_local_midnight() -> None:
    """Midnight 9 h ago, doses from 50 h ago: by hand −57, −33 and −9 h."""
    assert _starts("day", [-50, -26], [-1], midnight=-9) == [-57, -33, -9]


def test_a_visit_starts_with_the_dose_before_its_first_level() -> None:
    """Levels at −99 and −96 h are one visit (less than 24 h apart), those at −30 h another."""
    assert _starts("visit", [-120, -108, -96, -84, -36, -24], [-99, -96, -30]) == [-108, -36]


def test_a_trough_drawn_as_the_next_dose_is_given_belongs_to_the_dose_before() -> None:
    assert _starts("visit", [-24, -12], [-12]) == [-24]


def test_the_last_occasions_with_levels_and_the_future_have_effects_of_their_own() -> None:
    spec = Occasions(by="dosing_interval")
    found = occasions.in_a_case(spec, [-48, -36, -24, -12], [-37, -13, -1], midnight=0, most=2)

    assert found == (
        Occasion(-48, ""),
        Occasion(-36, ""),
        Occasion(-24, "occasion 1"),
        Occasion(-12, "occasion 2"),
        Occasion(0, "future occasion"),
    )


def test_rows_split_where_an_occasion_starts_and_where_a_covariate_changes() -> None:
    found = (Occasion(-48, "a"), Occasion(-24, "b"), Occasion(0, "c"))

    times, rows, labels = occasions.split([-math.inf, -30], ["x", "y"], found)

    assert times == [-math.inf, -30, -24, 0]
    assert rows == ["x", "y", "y", "y"]
    assert labels == ["a", "a", "b", "c"]


def test_an_occasions_effect_adds_to_the_persons() -> None:
    model = simple_model(**IOV)
    row = row_of(model, {"WT": 70.0})
    individual = individual_of(model, [-math.inf, 12.0, 24.0], [row, row, row], ["A", "", "B"])

    assert individual.eta_names == ("CL", "CL A", "CL B")
    np.testing.assert_allclose(individual.omega, np.diag([0.09, 0.04, 0.04]))
    assert individual.occasion_effects.tolist() == [False, True, True]
    drawn = individual.parameters(np.array([[0.1, 0.2, -0.3]]))
    np.testing.assert_allclose(drawn[0, :, CL], 5.0 * np.exp([0.3, 0.1, -0.2]))


def test_rows_of_one_occasion_share_its_effect() -> None:
    model = simple_model(**IOV)
    light, heavy = row_of(model, {"WT": 70.0}), row_of(model, {"WT": 140.0})
    individual = individual_of(model, [-math.inf, 12.0], [light, heavy], ["A", "A"])

    assert individual.eta_names == ("CL", "CL A")
    np.testing.assert_allclose(
        individual.parameters(np.array([[0.0, 0.5]]))[0, :, CL], [8.2436064, 16.4872127]
    )


def test_one_effect_may_act_on_two_parameters() -> None:
    """A random effect on bioavailability written as apparent clearance and volume moves both alike."""
    iiv = {
        "CL": {"reported_as": "omega_SD", "reported_value": 0.3, "omega_variance": 0.09, "also_on": ["V1"]}
    }
    model = simple_model(iiv=iiv)
    individual = individual_of(model, [-math.inf], [row_of(model, {"WT": 70.0})])

    assert individual.eta_names == ("CL",)
    drawn = individual.parameters(np.array([[0.7]]))[0, 0]
    np.testing.assert_allclose(drawn[[CL, V1]], np.array([5.0, 50.0]) * np.exp(0.7))


def _case(levels: list[float]) -> Case:
    measured = Measurement(value=70.0, time=NOW - timedelta(days=30), source="w")
    return Case(
        now=NOW,
        subject=Subject(weight=(measured,)),
        order=Order(drug="drug", source="o"),
        doses=tuple(
            Dose(time=NOW - timedelta(hours=hours), amount_mg=100, route="iv", duration_h=1, source="d")
            for hours in range(240, 0, -12)
        ),
        levels=tuple(
            Level(time=NOW + timedelta(hours=hours), value_mg_L=5, source="l") for hours in sorted(levels)
        ),
    )


def test_a_long_history_keeps_three_occasions_and_the_future() -> None:
    bound = bind(simple_model(**IOV), _case([-193, -145, -97, -49, -1]))
    individual = bound.hypotheses[0].individual

    assert individual.eta_names == (
        "CL",
        "CL occasion 1",
        "CL occasion 2",
        "CL occasion 3",
        "CL future occasion",
    )
    assert individual.occasion_index is not None
    own = individual.row_time[individual.occasion_index[:, CL] >= 0]
    np.testing.assert_array_equal(own, [-108, -60, -12, 0])
    assert individual.occasion_index[-1, CL] == 4
    (note,) = bound.notes
    assert "the last 3 with levels are told apart, 17 others are taken as the patient's mean" in note


def test_without_levels_only_the_future_varies_by_occasion() -> None:
    individual = bind(simple_model(**IOV), _case([])).hypotheses[0].individual

    assert individual.eta_names == ("CL", "CL future occasion")
    assert individual.row_time.tolist() == [-math.inf, 0.0]


def test_the_clock_of_the_patients_day_is_carried() -> None:
    assert bind(simple_model(), _case([])).hypotheses[0].individual.clock_h == 9.0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"occasions": None}, "iov needs occasions"),
        ({"iov": {}}, "occasions need iov"),
        ({"occasions": {"by": "column"}}, "name the column"),
        ({"iov": {"Q": IOV["iov"]["CL"]}}, "no parameter 'Q'"),  # type: ignore[index]
        ({"iov": {"CL": {**IOV["iov"]["CL"], "form": "normal"}}}, "another form"),  # type: ignore[index]
    ],
)
def test_contradictory_occasions_do_not_load(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        simple_model(**{**IOV, **changes})
