"""Thiopurines: the start by TPMT and NUDT15 for every pair of phenotypes, then counts and metabolites."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from rule_cases import HOUR, NOW, advised, asked, at, repeated

from dosing_core.case import CoMedication, Condition, Dose, EffectMeasurement, Genotype, Phenotype
from dosing_core.genetics import advise, phenotype, read_diplotype
from dosing_core.recommendation import Recommendation

ALLELES = {"normal": "*1/*1", "intermediate": "*1/*3", "poor": "*3/*3"}
TPMT = {"normal": "*1/*1", "intermediate": "*1/*3A", "poor": "*3A/*3A"}
SHARE = {("normal", "normal"): 1.0}
"""Of the standard dose, the middle of CPIC's range; poor ones apart."""
SHARE |= dict.fromkeys([("normal", "intermediate"), ("intermediate", "normal")], 0.55)
SHARE |= {("intermediate", "intermediate"): 0.35}


def genes(tpmt: str | None = "normal", nudt15: str | None = "normal") -> tuple[Genotype, ...]:
    found = []
    if tpmt is not None:
        found.append(Genotype(gene="TPMT", diplotype=TPMT.get(tpmt, tpmt), source="g"))
    if nudt15 is not None:
        found.append(Genotype(gene="NUDT15", diplotype=ALLELES.get(nudt15, nudt15), source="g"))
    return tuple(found)


def person(**more: Any) -> dict[str, Any]:
    grown = {"age_years": 35.0, "sex": "female", "weight": at(70.0), "height": at(170.0)}
    return {**grown, "genotypes": genes(), "co_medications_read": True, **more}


CROHN = (Condition(name="crohns_disease", source="c"),)


def azathioprine(mg: float | None = 150.0, case: dict[str, Any] | None = None, **more: Any) -> Recommendation:
    return asked(repeated("azathioprine", mg), person(**more), **(case or {}))


def mercaptopurine(mg: float | None = 135.0, **more: Any) -> Recommendation:
    return asked(repeated("mercaptopurine", mg), person(**more))


@pytest.mark.parametrize("pair", [pair for pair in product(ALLELES, ALLELES) if "poor" not in pair])
def test_azathioprine_starts_in_the_middle_of_the_guidelines_range(pair: tuple[str, str]) -> None:
    """2 mg/kg of 70 kg is 140 mg; tablets and halves make steps of 25 mg."""
    dose = advised(azathioprine(None, genotypes=genes(*pair))).regimen.dose_mg

    assert dose == pytest.approx(140 * SHARE[pair], abs=12.5)


@pytest.mark.parametrize("pair", [pair for pair in product(ALLELES, ALLELES) if "poor" in pair])
def test_a_poor_gene_rules_azathioprine_out(pair: tuple[str, str]) -> None:
    answer = azathioprine(genotypes=genes(*pair))

    assert answer.outcome == "avoid"
    assert answer.options == ()
    assert "no thiopurine" in answer.reason


@pytest.mark.parametrize("pair", [pair for pair in product(ALLELES, ALLELES) if "poor" in pair])
def test_a_poor_gene_leaves_a_tenth_of_mercaptopurine_three_times_a_week(pair: tuple[str, str]) -> None:
    """75 mg/m² of 1.81 m² is 136 mg; a tenth of it is 13.6 mg, three times a week."""
    option = advised(mercaptopurine(genotypes=genes(*pair)))

    assert option.regimen.dose_mg == pytest.approx(13.6, abs=2.5)
    assert option.regimen.interval_h == pytest.approx(168 / 3)


def test_in_bowel_disease_a_poor_gene_rules_mercaptopurine_out_and_the_standard_goes_by_weight() -> None:
    assert mercaptopurine(genotypes=genes("poor"), conditions=CROHN).outcome == "avoid"
    assert advised(mercaptopurine(None, conditions=CROHN)).regimen.dose_mg == pytest.approx(105)
    assert advised(mercaptopurine(None)).regimen.dose_mg == pytest.approx(135)


@pytest.mark.parametrize("pair", list(product(ALLELES, ALLELES)))
def test_what_is_said_agrees_with_the_guidelines_rows(pair: tuple[str, str]) -> None:
    """CPIC's own rows, looked up independently of the drug file: where they call for another agent nothing is
    dosed, where for the standard the full dose is, and where for a range its middle."""
    results = [phenotype(read_diplotype(one.gene, one.diplotype)) for one in genes(*pair)]
    (row,) = advise("azathioprine", results)
    answer = azathioprine(None, genotypes=genes(*pair))

    if "alternative" in row.text:
        assert answer.outcome == "avoid"
    elif "standard starting dose (e.g." in row.text:
        assert advised(answer).regimen.dose_mg == pytest.approx(140, abs=12.5)
    else:
        low, high = (0.3, 0.8) if "30-80%" in row.text else (0.2, 0.5)
        assert 140 * low <= advised(answer).regimen.dose_mg <= 140 * high


@pytest.mark.parametrize("pair", [(None, None), (None, "normal"), ("normal", None), ("intermediate", None)])
def test_what_was_not_tested_is_never_taken_for_normal(pair: tuple[str | None, str | None]) -> None:
    answer = azathioprine(genotypes=genes(*pair))

    assert answer.outcome == "insufficient"
    assert answer.options == ()
    untested = [name for name, known in zip(("TPMT", "NUDT15"), pair, strict=True) if known is None]
    assert all(name in answer.reason for name in untested)
    (gain,) = answer.gains
    assert "Poor Metabolizer" in gain.text
    assert len(gain.regimens) >= 2 or "no thiopurine" in gain.text


def test_one_poor_gene_decides_whatever_the_other_is() -> None:
    assert azathioprine(genotypes=genes("poor", None)).outcome == "avoid"
    assert azathioprine(genotypes=genes(None, "poor")).outcome == "avoid"


def test_an_allele_of_unknown_function_leaves_it_open() -> None:
    """NUDT15 *11 is of uncertain function (CPIC), so *1/*11 is indeterminate."""
    answer = azathioprine(genotypes=genes("normal", "*1/*11"))

    assert answer.outcome == "insufficient"
    assert "*1/*11" in answer.reason


def test_a_reported_phenotype_counts_like_its_alleles() -> None:
    named = (
        Phenotype(gene="TPMT", phenotype="Normal Metabolizer", source="p"),
        Phenotype(gene="NUDT15", phenotype="Intermediate Metabolizer", source="p"),
    )
    answer = azathioprine(None, genotypes=(), phenotypes=named)

    assert advised(answer).regimen.dose_mg == pytest.approx(77, abs=12.5)


@pytest.mark.parametrize(
    ("mg", "outcome"), [(50, "agree"), (100, "agree"), (150, "recommend"), (25, "recommend")]
)
def test_an_order_inside_the_range_of_one_intermediate_gene_stands(mg: float, outcome: str) -> None:
    """30 to 80 % of 140 mg are 42 to 112 mg."""
    assert azathioprine(mg, genotypes=genes("intermediate")).outcome == outcome


def effect(name: str, value: float, days: float = 1.0) -> EffectMeasurement:
    return EffectMeasurement(name=name, value=value, time=NOW - 24 * days * HOUR, source="e")


def weeks_of_doses(mg: float = 150.0) -> tuple[Dose, ...]:
    return tuple(
        Dose(time=NOW - 24 * days * HOUR, amount_mg=mg, route="oral", source="d") for days in range(60, 0, -1)
    )


@pytest.mark.parametrize("pair", [("normal", "normal"), (None, None), ("poor", "normal")])
def test_few_neutrophils_come_before_everything_else(pair: tuple[str | None, str | None]) -> None:
    answer = azathioprine(case={"effects": (effect("neutrophils", 0.6),)}, genotypes=genes(*pair))

    assert answer.hold
    assert answer.options == ()
    assert answer.next_level is not None


def test_old_or_enough_neutrophils_hold_nothing() -> None:
    assert not azathioprine(case={"effects": (effect("neutrophils", 0.6, days=30),)}).hold
    assert not azathioprine(case={"effects": (effect("neutrophils", 3.1),)}).hold


@pytest.mark.parametrize(
    ("nucleotides", "outcome", "said"),
    [(300, "agree", "inside"), (600, "insufficient", "do not raise"), (120, "insufficient", "missed doses")],
)
def test_metabolites_say_whether_the_running_dose_reaches_its_aim(
    nucleotides: float, outcome: str, said: str
) -> None:
    """235 to 450 pmol/8×10⁸ red cells; how far to go outside of it no source says, so no dose is named."""
    case = {"effects": (effect("thioguanine_nucleotides", nucleotides, 7),), "doses": weeks_of_doses()}
    answer = azathioprine(150, case=case)

    assert answer.outcome == outcome
    assert said in " ".join((answer.reason, *answer.why))
    assert answer.option("recommended") is None


def test_a_treatment_of_two_months_is_not_started_again() -> None:
    answer = azathioprine(150, case={"doses": weeks_of_doses()})

    assert answer.outcome == "insufficient"
    assert "counts and metabolites lead" in answer.reason


def test_nothing_else_on_the_list_changes_the_start() -> None:
    """Other drugs are no input of the rule, and it says so."""
    other = (CoMedication(drug="allopurinol", source="m"),)

    said = azathioprine(150, co_medications=other).assumptions
    assert any("Allopurinol" in one.text for one in said)


def test_a_dose_beyond_every_limit_is_broken() -> None:
    assert azathioprine(1500).broken_limits
    assert mercaptopurine(750).broken_limits
