"""Phenytoin: elimination saturates, and only the unbound part acts, which a total level may hide."""

from __future__ import annotations

import math

import pytest
from bedside import median, option
from long_term import asked, beside

from dosing_core import recommend
from dosing_core.case import EffectMeasurement
from dosing_core.library import load_drug
from dosing_core.physiology.protein_binding import phenytoin_at_normal_albumin

FILE = load_drug("phenytoin")
GRASELA, YUKAWA = FILE.models
LONG = {"taken": 40, "last_h_ago": 23}


@pytest.mark.parametrize(("mg", "level"), [(300, 14.87), (350, 30.7), (400, 152.0)])
def test_grasela_gives_the_published_steady_state(mg: float, level: float) -> None:
    """Km R / (Vmax - R) at 70 kg: 14.87, 30.7 and 152 mg/L at 300, 350 and 400 mg a day."""
    values = GRASELA.evaluate({"WT": 70, "ALB": 45})

    assert values["KmTotal"] * mg / (values["Vmax"] - mg) == pytest.approx(level, abs=0.1)


def test_the_model_in_time_settles_at_the_steady_state_formula() -> None:
    """Grasela alone: 200 mg settle at 5.7 · 200 / (415 - 200) = 5.3 mg/L on average."""
    answer = recommend(asked("phenytoin", 200, taken=40, last_h_ago=24, model="phenytoin.grasela1983"))
    settled = median(option(answer, "as_ordered"), "auc24") / 24

    assert settled == pytest.approx(5.7 * 200 / 215, rel=0.1)


def test_yukawa_counts_the_acid_and_the_other_antiepileptic() -> None:
    """92 % of the salt is acid: the greatest rate is 393.23 / 0.92 mg of phenytoin sodium a day."""
    values = YUKAWA.evaluate({"WT": 70, "ALB": 45, "COAED": 1})

    assert values["Vmax"] == pytest.approx(393.23 / 0.92, rel=1e-4)
    assert values["KmTotal"] == pytest.approx(2.41 * 1.32)


@pytest.mark.parametrize("albumin", [20.0, 32.0, 45.0])
def test_binding_is_sheiner_and_tozers(albumin: float) -> None:
    """Total over ten times the unbound level is 0.2 · albumin (g/dL) + 0.1 for every albumin."""
    bound = GRASELA.evaluate({"WT": 70, "ALB": albumin})["PUB"]

    assert phenytoin_at_normal_albumin((1 + bound) * 1.5, albumin / 10) == pytest.approx(15.0)


def test_a_low_total_level_with_a_low_albumin_raises_nothing() -> None:
    """9 mg/L at 20 g/L are like 18 mg/L; unbound 1.8 mg/L, inside 1 to 2."""
    answer = recommend(asked("phenytoin", 350, past_mg=300, levels={1: 9.0}, albumin=20, **LONG))

    assert any("18 mg/L at a normal albumin" in text for text in answer.why)
    assert option(answer, "recommended").regimen.daily_dose_mg <= 300
    assert median(option(answer, "as_ordered"), "effect") > 2


def test_the_same_level_with_a_normal_albumin_leaves_room() -> None:
    answer = recommend(asked("phenytoin", 300, levels={1: 6.0}, albumin=45, **LONG))

    assert not any("at a normal albumin" in text for text in answer.why)
    assert option(answer, "recommended").regimen.daily_dose_mg > 300


def test_near_the_plateau_a_third_more_is_far_out_of_proportion() -> None:
    answer = recommend(asked("phenytoin", 400, past_mg=300, levels={1: 16.0}, **LONG))
    advised = option(answer, "recommended")

    assert any("out of proportion" in text for text in answer.why)
    assert {limit.kind for limit in answer.broken_limits} == {"step"}
    assert 250 <= advised.regimen.daily_dose_mg <= 325
    assert median(option(answer, "as_ordered"), "effect") > 2 * median(advised, "effect")


def test_a_measured_unbound_level_counts() -> None:
    """1.8 mg/L unbound, charted as an effect, teaches what 18 mg/L at a normal albumin does."""
    case = asked("phenytoin", 350, past_mg=300, levels={1: 9.0}, albumin=20, **LONG)
    only = case.model_copy(
        update={
            "levels": (),
            "effects": (
                EffectMeasurement(name="unbound", value=1.8, time=case.levels[0].time, source="free"),
            ),
        }
    )
    answer = recommend(only)

    assert answer.levels[0].output == "unbound"
    assert option(answer, "recommended").regimen.daily_dose_mg <= 300


def test_another_antiepileptic_is_read_from_the_list() -> None:
    alone = recommend(asked("phenytoin", 300, model="phenytoin.yukawa1990"))
    together = recommend(
        asked("phenytoin", 300, model="phenytoin.yukawa1990", beside=[beside("carbamazepine")])
    )
    one, two = (answer.parameters[0].typical for answer in (alone, together))

    assert two == pytest.approx(1.08 * one, rel=1e-3)


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ({"age": 9}, "out_of_scope"),
        ({"albumin": None}, "insufficient"),
        ({"kg": None}, "insufficient"),
        ({"albumin": 12}, "out_of_scope"),
        ({"conditions": ({"name": "haemodialysis", "source": "x"},)}, "out_of_scope"),
    ],
)
def test_what_no_model_holds_for_is_refused(facts: dict[str, object], outcome: str) -> None:
    answer = recommend(asked("phenytoin", 300, **facts))

    assert answer.outcome == outcome
    assert not any(one.role == "recommended" for one in answer.options)


@pytest.mark.parametrize(("kg", "albumin", "age"), [(40, 20, 80), (140, 50, 20)])
def test_extreme_patients_get_finite_answers_inside_the_limits(kg: float, albumin: float, age: float) -> None:
    answer = recommend(asked("phenytoin", kg=kg, albumin=albumin, age=age))

    for one in answer.options:
        assert one.regimen.daily_dose_mg <= min(600, 8 * kg)
        assert all(math.isfinite(exposure.estimate.median) for exposure in one.exposures)
