"""Beside people alike, what knowledge would buy, and the words for the patient: against hand calculations."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from dosing_core import recommend
from dosing_core.case import (
    Case,
    Condition,
    Dose,
    Genotype,
    Level,
    Measurement,
    Options,
    Order,
    Regimen,
    Subject,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
GOTI = Options(model="vancomycin.goti2018")


def _measured(value: float, hours_ago: float = 3) -> Measurement:
    return Measurement(value=value, time=NOW - hours_ago * HOUR, source="x")


def _vancomycin(*levels: tuple[float, float], options: Options = GOTI) -> Case:
    """1,000 mg over 2 h every 12 h, six times, the last one 11 h ago; levels are (hours ago, mg/L)."""
    doses = tuple(
        Dose(time=NOW - (11 + 12 * k) * HOUR, amount_mg=1000, route="iv", duration_h=2, source="x")
        for k in reversed(range(6))
    )
    return Case(
        now=NOW,
        subject=Subject(
            age_years=60,
            sex="male",
            weight=(_measured(80),),
            height=(_measured(178),),
            creatinine=(_measured(1.0, 27), _measured(1.0)),
        ),
        order=Order(
            drug="vancomycin",
            regimen=Regimen(dose_mg=1000, interval_h=12, route="iv", duration_h=2),
            running=bool(levels),
            source="x",
        ),
        doses=doses if levels else (),
        levels=tuple(Level(time=NOW - ago * HOUR, value_mg_L=value, source="x") for ago, value in levels),
        options=options,
    )


def _tacrolimus(genotype: str | None) -> Case:
    doses = tuple(
        Dose(time=NOW - (0.5 + 12 * back) * HOUR, amount_mg=3, route="oral", source="x")
        for back in reversed(range(30))
    )
    return Case(
        now=NOW,
        subject=Subject(
            age_years=50,
            sex="female",
            weight=(_measured(70),),
            height=(_measured(168),),
            haematocrit=(_measured(33),),
            genotypes=(Genotype(gene="CYP3A5", diplotype=genotype, source="x"),) if genotype else (),
            co_medications_read=True,
            conditions=(Condition(name="kidney_transplant", time=NOW - 30 * 24 * HOUR, source="x"),),
        ),
        order=Order(
            drug="tacrolimus",
            regimen=Regimen(dose_mg=3, interval_h=12, route="oral"),
            running=True,
            source="x",
        ),
        doses=doses,
    )


def test_without_levels_people_alike_differ_as_the_model_says() -> None:
    """AUC goes with 1/CL, and the published omega² of CL is 0.147 (Goti 2018)."""
    found = recommend(_vancomycin()).variability

    assert found is not None
    assert found.between_before == pytest.approx(0.147, rel=0.05)
    assert found.removed == 0
    assert found.assay is None


def test_levels_remove_what_sets_people_apart_and_no_more() -> None:
    one = recommend(_vancomycin((0.5, 14.0))).variability
    three = recommend(_vancomycin((30.0, 16.0), (9.0, 26.0), (0.5, 14.0))).variability

    assert one is not None
    assert three is not None
    assert 0 < one.removed < three.removed < 1
    assert one.removed == pytest.approx(1 - one.between_after / one.between_before, rel=1e-4)


def test_the_assays_share_is_the_published_error_at_the_level() -> None:
    """Goti 2018: 3.4 mg/L and 22.7 %; at about 14 mg/L that is (3.4/14)² + 0.227² = 0.11."""
    found = recommend(_vancomycin((0.5, 14.0))).variability

    assert found is not None
    assert found.assay == pytest.approx((3.4 / 14) ** 2 + 0.227**2, rel=0.15)


def test_the_variation_that_the_drug_file_names_is_the_occasions() -> None:
    """Tacrolimus: 23 % from week to week, so ln(1 + 0.23²)."""
    found = recommend(_tacrolimus("*3/*3")).variability

    assert found is not None
    assert found.occasion == pytest.approx(math.log(1 + 0.23**2), rel=1e-4)


def test_a_patient_at_the_edge_of_people_alike_is_called_unusual() -> None:
    ordinary = recommend(_vancomycin((9.0, 26.0), (0.5, 14.0))).unusual
    slow = recommend(_vancomycin((30.0, 40.0), (9.0, 52.0), (0.5, 40.0))).unusual

    assert ordinary is not None
    assert slow is not None
    assert slow < 0.1 < ordinary


def test_a_genotype_that_is_not_known_is_worth_knowing() -> None:
    """Expressers need about 1.5 to 2 times the dose (CPIC 2015), so knowing it must lower the expected
    loss."""
    unknown, known = recommend(_tacrolimus(None)), recommend(_tacrolimus("*3/*3"))
    gain = next(one for one in unknown.gains if "CYP3A5" in one.about)

    assert gain.loss_then < gain.loss_now
    assert len(gain.regimens) == 2
    assert not any("CYP3A5" in one.about for one in known.gains)


def test_assumptions_stand_in_the_order_of_what_they_would_change() -> None:
    asked = [one.effect for one in recommend(_vancomycin((0.5, 14.0))).assumptions if one.effect is not None]

    assert len(asked) > 4
    assert asked == sorted(asked, key=lambda effect: -abs(effect))


def test_half_as_much_kidney_function_again_would_lower_the_dose() -> None:
    """Creatinine up by half leaves clearance at 1.5^-0.8 = 0.72 of what it was."""
    said = next(one for one in recommend(_vancomycin()).assumptions if one.about == "creatinine")

    assert said.regimen_otherwise is not None
    assert said.regimen_otherwise.daily_dose_mg < 2000
    assert said.effect == pytest.approx(said.regimen_otherwise.daily_dose_mg / 2000 - 1, abs=1e-6)


@pytest.mark.parametrize("about", ["weight", "renal_equation", "timing", "adherence", "level", "creatinine"])
def test_each_uncertain_assumption_is_worked_out(about: str) -> None:
    found = recommend(_vancomycin((9.0, 26.0), (0.5, 14.0))).assumptions

    assert any(one.about == about and one.regimen_otherwise is not None for one in found)


def test_several_models_are_an_assumption_too() -> None:
    found = recommend(_vancomycin((0.5, 14.0), options=Options())).assumptions

    assert sum(one.about == "model" for one in found) == 3


def test_options_that_were_asked_for_are_named() -> None:
    options = Options(prior_weight=0.5, recency_half_life_h=24)
    found = recommend(_vancomycin((9.0, 26.0), (0.5, 14.0), options=options)).assumptions
    texts = " ".join(one.text for one in found)

    assert "flattened prior" in texts
    assert "half as much with every 24 h of age" in texts


def test_old_levels_count_less_if_asked_to() -> None:
    """A low level of two days ago pulls the estimate of clearance up less when it counts for less."""
    case = _vancomycin((50.0, 6.0), (0.5, 20.0))
    plain, recent = (
        recommend(case.model_copy(update={"options": options})).parameters[0].estimate.median
        for options in (GOTI, GOTI.model_copy(update={"recency_half_life_h": 12.0}))
    )

    assert recent < plain


def test_the_patient_reads_short_words_and_one_dose() -> None:
    recommendation = recommend(_vancomycin((30.0, 40.0), (9.0, 52.0), (0.5, 40.0)))
    words = recommendation.for_patient

    assert "more slowly than we expected" in words
    assert "Your doctor decides" in words
    assert not any(term in words for term in ("AUC", "clearance", "mg·h", "posterior", "interval"))
    assert max(len(sentence.split()) for sentence in words.split(". ")) <= 30
