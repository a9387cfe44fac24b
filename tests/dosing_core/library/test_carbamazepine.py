"""Carbamazepine: after autoinduction only, with what other drugs do to it."""

from __future__ import annotations

import math

import pytest
from bedside import option
from long_term import asked, beside

from dosing_core import recommend
from dosing_core.case import Genotype
from dosing_core.library import load_drug

MODEL = load_drug("carbamazepine").models[0]
TYPED = (Genotype(gene="HLA-B", diplotype="*07:02/*08:01", source="x"),)
LONG = {"taken": 60, "last_h_ago": 11}


def test_the_published_clearances_are_reached() -> None:
    """70 kg, phenytoin, 75 years: 4.805 L/h, so 800 mg a day give 6.94 mg/L on average."""
    clearance = MODEL.evaluate({"WT": 70, "AGE": 75, "PHT": 1, "PB": 0})["CL"]

    assert clearance == pytest.approx(4.805, rel=2e-3)
    assert 800 / 24 / clearance == pytest.approx(6.94, rel=2e-3)


@pytest.mark.parametrize(("drugs", "factor"), [(["phenytoin"], 1.42), (["phenobarbital"], 1.17)])
def test_an_inducer_is_read_from_the_list(drugs: list[str], factor: float) -> None:
    alone = recommend(asked("carbamazepine", 400, 12, **LONG))
    together = recommend(asked("carbamazepine", 400, 12, beside=[beside(one) for one in drugs], **LONG))

    assert together.parameters[0].typical / alone.parameters[0].typical == pytest.approx(factor, rel=1e-3)


def test_a_dose_that_works_stands() -> None:
    assert recommend(asked("carbamazepine", 400, 12, levels={0.5: 7.0}, **LONG)).outcome == "agree"


def test_a_low_level_asks_for_a_step_of_a_third_at_most() -> None:
    answer = recommend(asked("carbamazepine", 300, 12, levels={0.5: 2.5}, **LONG))

    assert 600 < option(answer, "recommended").regimen.daily_dose_mg <= 804


def test_erythromycin_since_yesterday_is_spoken_of() -> None:
    answer = recommend(
        asked("carbamazepine", 600, 12, levels={72: 10.0}, beside=[beside("erythromycin", 24)], **LONG)
    )

    assert answer.changing == ("Erythromycin was started 24 h ago: levels are expected to rise.",)
    assert any("another antibiotic" in text for text in answer.warnings)


def test_an_inducer_that_the_model_reads_is_spoken_of_when_it_stops() -> None:
    answer = recommend(asked("carbamazepine", 400, 12, beside=[beside("phenytoin", 9000, 48)], **LONG))

    assert answer.changing == ("Phenytoin was stopped 2 days ago: levels are expected to rise.",)
    assert any("when it stops" in text for text in answer.warnings)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"taken": 0}, "HLA-B"),
        ({"taken": 0, "genotypes": TYPED}, "begun slowly"),
        ({"taken": 20}, "autoinduction"),
        ({"age": 15}, "below 18"),
        ({"kg": None}, "weight"),
    ],
)
def test_what_the_model_does_not_hold_for_is_refused(facts: dict[str, object], why: str) -> None:
    answer = recommend(asked("carbamazepine", 400, 12, **(LONG | facts)))  # type: ignore[arg-type]

    assert why in answer.reason
    assert not any(one.role == "recommended" for one in answer.options)


@pytest.mark.parametrize(("kg", "age"), [(38, 88), (145, 20)])
def test_extremes_get_finite_answers_inside_the_limits(kg: float, age: float) -> None:
    answer = recommend(asked("carbamazepine", 200, 12, kg=kg, age=age, **LONG))

    for one in answer.options:
        assert one.regimen.daily_dose_mg <= min(1600, 25 * kg)
        assert all(math.isfinite(exposure.estimate.median) for exposure in one.exposures)
