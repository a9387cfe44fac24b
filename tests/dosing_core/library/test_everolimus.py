"""Everolimus: whole blood from plasma by hand, troughs towards the label's aim, and who is not answered."""

from __future__ import annotations

import pytest
from bedside import asked, by_mouth, given, median, option

from dosing_core import recommend
from dosing_core.case import Case, Options

KIDNEY = ["kidney_transplant"]
TWICE = by_mouth(0.75, 12)


def _asked(**facts: object) -> Case:
    values: dict[str, object] = {"conditions": KIDNEY, "haematocrit": 36, "regimen": TWICE, **facts}
    return asked("everolimus", **values)  # type: ignore[arg-type]


def test_the_day_of_a_typical_recipient_is_what_the_liver_and_red_cells_make_of_it() -> None:
    """ter Heine 2018: 1.5 mg / (0.27 · 340 L/h) = 16.3 µg·h/L in plasma; whole blood holds
    0.36 · (964 / 92 + 0.153) + 0.64 = 4.47 times that, 73 µg·h/L. From 20 mg prednisolone on, intrinsic
    clearance is 1.31 times as high."""
    alone, beside = recommend(_asked()), recommend(_asked(takes={"prednisolone": 25}))

    assert median(option(alone, "as_ordered"), "auc24") == pytest.approx(0.0730, rel=0.02)
    assert median(option(beside, "as_ordered"), "auc24") == pytest.approx(0.0730 / 1.31, rel=0.02)


def test_the_model_of_thyroid_cancer_speaks_only_when_asked_for() -> None:
    """de Wit 2016 at 70 kg: 1.5 mg / 17.4 L/h = 86.2 µg·h/L."""
    case = _asked(kg=70)
    named = case.model_copy(update={"options": Options(model="everolimus.dewit2016")})

    assert [model.id for model in recommend(case).models] == ["everolimus.terheine2018"]
    assert median(option(recommend(named), "as_ordered"), "auc24") == pytest.approx(0.0862, rel=0.03)


def test_a_low_trough_raises_the_dose_by_no_more_than_doubling() -> None:
    answer = recommend(_asked(doses=given(TWICE, 14, 11.7), levels={0.2: 0.0012}))

    assert option(answer, "recommended").regimen.daily_dose_mg == pytest.approx(3.0)
    assert median(option(answer, "as_ordered"), "trough") < 0.003


def test_ketoconazole_calls_for_a_fraction_of_the_dose_and_is_advised_against() -> None:
    answer = recommend(_asked(regimen=by_mouth(1.5, 12), takes={"ketoconazole": 200}))

    assert option(answer, "recommended").regimen.daily_dose_mg <= 1.0
    assert any("another antifungal" in said for said in answer.warnings)


@pytest.mark.parametrize("conditions", [[], ["kidney_transplant", "liver_transplant"]])
def test_who_has_no_aim_here_gets_no_dose(conditions: list[str]) -> None:
    answer = recommend(_asked(conditions=conditions))

    assert answer.outcome in ("insufficient", "out_of_scope")
    assert answer.option("recommended") is None


def test_a_haematocrit_must_be_there() -> None:
    assert recommend(_asked(haematocrit=None)).outcome == "insufficient"
