"""Valproate: the unbound part acts, and a low total at a low albumin is no reason for more."""

from __future__ import annotations

import math

import pytest
from bedside import median, option
from long_term import asked, beside

from dosing_core import recommend
from dosing_core.case import Genotype
from dosing_core.library import load_drug
from dosing_core.physiology.protein_binding import UNBOUND_VALPROATE_PERCENT, valproate_at_normal_albumin

MODEL = load_drug("valproate").models[0]
LONG = {"taken": 60, "last_h_ago": 12}


def unbound(albumin: float) -> float:
    """% at this albumin, g/L."""
    return 100 * MODEL.evaluate({"ALB": albumin, "MALE": 1, "NONEM": 0, "INDUCED": 0})["fu"]


@pytest.mark.parametrize("albumin", UNBOUND_VALPROATE_PERCENT)
def test_the_unbound_part_follows_hermida_and_tutors_table(albumin: int) -> None:
    assert unbound(albumin) == pytest.approx(UNBOUND_VALPROATE_PERCENT[albumin], rel=0.03)


def test_the_published_example_is_reached() -> None:
    """45 mg/L at 25 g/L: 149.5 mg/L at a normal albumin, 9.72 mg/L unbound."""
    assert valproate_at_normal_albumin(45, 25) == pytest.approx(149.5, abs=0.1)
    assert 45 * unbound(25) / 100 == pytest.approx(9.72, abs=0.15)
    assert unbound(50) == pytest.approx(6.5)


def test_an_albumin_below_the_table_has_no_answer() -> None:
    with pytest.raises(ValueError, match="18 g/L"):
        valproate_at_normal_albumin(45, 17)


def test_a_low_total_with_a_low_albumin_raises_nothing() -> None:
    answer = recommend(asked("valproate", 700, 12, past_mg=500, levels={0.5: 45.0}, albumin=27, **LONG))

    assert any("129 mg/L at a normal albumin" in text for text in answer.why)
    assert option(answer, "recommended").regimen.daily_dose_mg <= 1000


def test_a_total_in_range_at_a_normal_albumin_stands() -> None:
    answer = recommend(asked("valproate", 500, 12, levels={0.5: 70.0}, albumin=43, **LONG))

    assert answer.outcome == "agree"
    assert median(option(answer, "as_ordered"), "effect") == pytest.approx(0.065 * 70, rel=0.15)


def test_carriers_of_a_lost_allele_clear_a_third_less() -> None:
    carrier = (Genotype(gene="CYP2C19", diplotype="*1/*2", source="x"),)
    one, two = (
        recommend(asked("valproate", 500, 12, genotypes=genotypes)).parameters[0].typical
        for genotypes in ((), carrier)
    )

    assert two / one == pytest.approx(math.exp(-0.45), rel=1e-3)


@pytest.mark.parametrize(
    "facts",
    [
        {"beside": [beside("carbamazepine")]},
        {"beside": [beside("meropenem")]},
        {"albumin": 22},
        {"albumin": None},
        {"age": 15},
        {"conditions": ({"name": "liver_disease", "source": "x"},)},
        {"conditions": ({"name": "pregnancy", "source": "x"},)},
    ],
)
def test_what_the_model_does_not_hold_for_is_refused(facts: dict[str, object]) -> None:
    answer = recommend(asked("valproate", 500, 12, **facts))  # type: ignore[arg-type]

    assert answer.outcome in ("insufficient", "out_of_scope")
    assert not any(one.role == "recommended" for one in answer.options)


@pytest.mark.parametrize(("kg", "albumin", "sex"), [(40, 26, "female"), (140, 52, "male")])
def test_extremes_get_finite_answers_inside_the_limits(kg: float, albumin: float, sex: str) -> None:
    answer = recommend(asked("valproate", kg=kg, albumin=albumin, sex=sex))

    for one in answer.options:
        assert one.regimen.daily_dose_mg <= min(3000, 60 * kg)
        assert all(math.isfinite(exposure.estimate.median) for exposure in one.exposures)
