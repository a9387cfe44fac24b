"""Several published models of one drug in one answer: who speaks, how loudly, and what each says alone."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from dosing_core import recommend
from dosing_core.case import Case, Dose, Level, Measurement, Options, Order, Regimen, Subject
from dosing_core.inference import observations
from dosing_core.kinetics import concentrations, dose_table
from dosing_core.library import load_drug
from dosing_core.population.bind import bind
from dosing_core.recommendation import ModelUse, Recommendation

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FILE = load_drug("vancomycin")


def _measured(value: float, hours_ago: float = 3) -> Measurement:
    return Measurement(value=value, time=NOW - hours_ago * HOUR, source="x")


def _case(weight: float = 80, age: float = 60, levels: tuple[tuple[float, float], ...] = ()) -> Case:
    """``levels``: (hours ago, mg/L); 1,000 mg over 2 h every 12 h, the last one 11 h ago."""
    doses = [
        Dose(time=NOW - (11 + 12 * k) * HOUR, amount_mg=1000, route="iv", duration_h=2, source="x")
        for k in reversed(range(6))
    ]
    return Case(
        now=NOW,
        subject=Subject(
            age_years=age,
            sex="male",
            weight=(_measured(weight),),
            height=(_measured(178),),
            creatinine=(_measured(1.0, 27), _measured(1.0)),
        ),
        order=Order(
            drug="vancomycin",
            regimen=Regimen(dose_mg=1000, interval_h=12, route="iv", duration_h=2),
            running=bool(levels),
            source="x",
        ),
        doses=tuple(doses) if levels else (),
        levels=tuple(Level(time=NOW - ago * HOUR, value_mg_L=value, source="x") for ago, value in levels),
    )


def _uses(recommendation: Recommendation) -> dict[str, ModelUse]:
    return {use.name: use for use in recommendation.models}


def test_without_levels_models_weigh_what_the_drug_file_gives_them() -> None:
    uses = _uses(recommend(_case()))
    speaking = [use.weight for use in uses.values() if not use.silent]

    assert speaking == pytest.approx([1 / 3, 1 / 3, 1 / 3], abs=1e-6)


def test_a_model_of_other_people_is_left_out_and_named() -> None:
    """Adane 2015 was built from people with a BMI of 40 and more; 80 kg at 178 cm are 25.2."""
    adane = _uses(recommend(_case()))["Adane 2015"]

    assert adane.weight == 0
    assert "body mass index 25.25" in adane.silent
    assert adane.alone is None


def test_a_model_of_such_people_speaks() -> None:
    """140 kg at 178 cm are a BMI of 44.2."""
    adane = _uses(recommend(_case(weight=140)))["Adane 2015"]

    assert adane.silent == ""
    assert adane.weight == pytest.approx(0.25, abs=1e-6)


def test_at_the_edge_of_a_studied_range_a_model_counts_half() -> None:
    """Goti 2018: 17 to 101 years, whose outermost tenth on the logarithmic scale begins at 84.5 years."""
    goti = _uses(recommend(_case(age=88)))["Goti 2018"]

    assert goti.applicability == "edge"
    assert any("age 88 years" in text for text in goti.because)
    assert goti.prior_weight == pytest.approx(0.5 / 2.5, abs=1e-5)


def test_weights_follow_how_well_each_model_predicted_the_levels() -> None:
    """Recomputed here by plain Monte Carlo: the mean likelihood of the levels over each model's
    population."""
    case = _case(levels=((9.0, 26.0), (0.5, 14.0)))
    uses = [use for use in recommend(case).models if not use.silent]
    seen, history = observations(case.levels, NOW), dose_table(case.doses, NOW)
    rng = np.random.default_rng(1)
    evidence = []
    for use in uses:
        model = next(one for one in FILE.models if one.id == use.id)
        (hypothesis,) = bind(model, case).hypotheses
        person = hypothesis.individual
        eta = rng.multivariate_normal(np.zeros(person.dimension), person.omega, 40_000)
        predicted = concentrations(person, person.parameters(eta), history, seen.time)
        error = person.residual
        spread = np.sqrt(error.additive**2 + (error.proportional * predicted) ** 2)
        density = np.exp(-0.5 * ((seen.value - predicted) / spread) ** 2) / (math.sqrt(2 * math.pi) * spread)
        evidence.append(float(np.mean(np.prod(density, axis=1))))

    expected = np.array(evidence) / sum(evidence)
    assert [use.weight for use in uses] == pytest.approx(expected.tolist(), abs=0.02)


def test_each_model_says_what_it_would_do_alone() -> None:
    """What a model says beside others is what it says when it is asked alone, but for fewer particles."""
    case = _case(levels=((9.0, 26.0), (0.5, 14.0)))
    thomson = _uses(recommend(case))["Thomson 2009"].alone
    alone = recommend(case.model_copy(update={"options": Options(model="vancomycin.thomson2009")}))
    option = alone.option("recommended") or alone.option("as_ordered")

    assert thomson is not None
    assert option is not None
    assert thomson.regimen is not None
    assert thomson.regimen.daily_dose_mg == pytest.approx(option.regimen.daily_dose_mg, abs=260)
    assert [use.name for use in alone.models] == ["Thomson 2009"]
    assert alone.models[0].weight == 1


def test_a_model_that_no_file_holds_is_refused_by_name() -> None:
    recommendation = recommend(_case().model_copy(update={"options": Options(model="vancomycin.nobody")}))

    assert recommendation.outcome == "insufficient"
    assert "vancomycin.nobody" in recommendation.reason
