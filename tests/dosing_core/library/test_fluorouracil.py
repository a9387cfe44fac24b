"""Fluorouracil: DPYD before the start, the measured area afterwards, low confidence only where allowed."""

from __future__ import annotations

from typing import Any

import pytest
from rule_cases import HOUR, NOW, advised, asked, at, single

from dosing_core.case import Dose, Genotype, Level, Phenotype
from dosing_core.library import Library
from dosing_core.recommendation import Recommendation

ALLOWED = Library(low_confidence=frozenset({"fluorouracil"}))
DAYS = 13


def person(dpyd: str | None = None) -> dict[str, Any]:
    genes = () if dpyd is None else (Genotype(gene="DPYD", diplotype=dpyd, source="g"),)
    return {"age_years": 60.0, "sex": "male", "weight": at(75.0), "height": at(175.0), "genotypes": genes}


def measured(
    css_mg_L: float | None,
    dpyd: str | None = "*1/*1",
    drawn_h: float = 20.0,
    library: Library | None = None,
    ordered_mg: float | None = 4000.0,
    dose_mg: float = 4000.0,
) -> Recommendation:
    """A level during 46 h of fluorouracil thirteen days ago, and an order of the next infusion."""
    start = NOW - 24 * DAYS * HOUR
    dose = Dose(time=start, amount_mg=dose_mg, route="iv", duration_h=46, source="d")
    levels = ()
    if css_mg_L is not None:
        levels = (Level(time=start + drawn_h * HOUR, value_mg_L=css_mg_L, source="l"),)
    doses = (dose,) if levels else ()
    order = single("fluorouracil", ordered_mg, 46)
    return asked(order, person(dpyd), library, doses=doses, levels=levels)


@pytest.mark.parametrize("dpyd", ["*2A/*2A", "c.1905+1G>A/c.2846A>T", "*2A/*13"])
@pytest.mark.parametrize("css", [None, 0.5])
def test_a_poor_metaboliser_gets_none_whatever_was_measured(dpyd: str, css: float | None) -> None:
    """Activity scores 0, 0.5 and 0 (CPIC: avoid at 0 and 0.5)."""
    answer = measured(css, dpyd)

    assert answer.outcome == "avoid"
    assert answer.options == ()


@pytest.mark.parametrize("dpyd", ["*1/*2A", "c.2846A>T/Reference", "c.1129-5923C>G/Reference"])
def test_an_intermediate_metaboliser_starts_at_half_of_the_protocols_dose(dpyd: str) -> None:
    """Activity scores 1, 1.5 and 1.5."""
    answer = measured(None, dpyd)

    assert answer.outcome == "insufficient"
    assert "50 %" in answer.reason


def test_a_name_that_may_be_two_scores_of_one_meaning_is_enough() -> None:
    """An intermediate metaboliser has a score of 1 or 1.5; half the dose either way (CPIC)."""
    named = (Phenotype(gene="DPYD", phenotype="Intermediate Metabolizer", source="p"),)
    answer = asked(single("fluorouracil", 4000, 46), {**person(), "phenotypes": named})

    assert "50 %" in " ".join((answer.reason, *answer.why))


def test_a_normal_metaboliser_has_the_protocols_dose() -> None:
    assert "full dose" in measured(None, "*1/*1").reason


def test_an_untested_gene_is_not_taken_for_normal() -> None:
    answer = measured(None, None)

    assert answer.outcome == "insufficient"
    assert "DPYD is not tested" in answer.reason
    assert "50 %" in answer.gains[0].text
    assert "no fluoropyrimidine" in answer.gains[0].text


@pytest.mark.parametrize(
    ("css", "auc", "said"),
    [(0.5, "23", "inside"), (0.3, "13.8", "too little"), (0.8, "36.8", "too much")],
)
def test_the_area_is_the_steady_level_times_the_hours(css: float, auc: str, said: str) -> None:
    """500 ng/mL over 46 h are 23 mg·h/L (worked example); 0.3 · 46 = 13.8 and 0.8 · 46 = 36.8 by hand."""
    answer = measured(css)
    words = " ".join((answer.reason, *answer.why))

    assert f"AUC {auc} mg·h/L" in words or f"AUC of {auc} mg·h/L" in words
    assert said in words
    assert answer.option("recommended") is None


def test_a_measured_exposure_speaks_also_where_dpyd_was_not_tested() -> None:
    assert "13.8" in measured(0.3, None).reason


def test_inside_the_aim_the_last_dose_stays() -> None:
    assert measured(0.5).outcome == "agree"
    more = measured(0.5, ordered_mg=6000)
    assert more.outcome == "recommend"
    assert advised(more).regimen.dose_mg == 4000
    assert advised(more).regimen.duration_h == 46


@pytest.mark.parametrize("drawn_h", [1.0, 50.0])
def test_a_level_outside_of_the_steady_infusion_gives_no_area(drawn_h: float) -> None:
    answer = measured(0.3, drawn_h=drawn_h)

    assert answer.outcome == "insufficient"
    assert "not drawn while" in answer.reason


@pytest.mark.parametrize(
    ("css", "dose"),
    [(0.25, 5200), (0.40, 5200), (0.42, 5200), (0.43, 5050), (0.5, 4000), (0.75, 2900), (1.5, 2800)],
)
def test_allowed_low_confidence_changes_in_proportion_and_at_most_by_30_percent(
    css: float, dose: float
) -> None:
    """25 over the measured area, between 0.7 and 1.3 times 4,000 mg, to 50 mg; from 20 to 30 nothing changes
    (0.43 mg/L are 19.8 mg·h/L: 25/19.8 = 1.264)."""
    answer = measured(css, library=ALLOWED, ordered_mg=None)

    assert advised(answer).regimen.dose_mg == pytest.approx(dose, abs=50)


def test_low_confidence_says_so_where_it_is_allowed_and_is_silent_elsewhere() -> None:
    allowed, plain = measured(0.3, library=ALLOWED), measured(0.3)

    assert any("low confidence" in text for text in allowed.warnings)
    assert "low confidence allowed" in allowed.engine
    silent = next(rule for rule in plain.rules if rule.confidence == "low")
    assert "not allowed" in silent.silent
    assert "low confidence allowed" not in plain.engine


def test_a_slip_is_a_broken_limit() -> None:
    assert any(limit.grave for limit in measured(0.5, ordered_mg=48000).broken_limits)
