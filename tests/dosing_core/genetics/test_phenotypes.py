"""Phenotypes: the cases that guidelines and laboratories argue about, and every diplotype there is."""

from __future__ import annotations

import itertools

import pytest

from dosing_core.errors import UnreadableGenotype
from dosing_core.genetics import Diplotype, hla_result, phenotype, read_diplotype
from dosing_core.genetics.catalogue import genes


@pytest.mark.parametrize(
    ("gene", "text", "expected"),
    [
        # CPIC's diplotype tables, v1.54.0.
        ("CYP2C19", "*1/*2", "Intermediate Metabolizer"),
        ("CYP2C19", "*2/*17", "Intermediate Metabolizer"),
        ("CYP2C19", "*17/*17", "Ultrarapid Metabolizer"),
        ("CYP2C19", "*2/*3", "Poor Metabolizer"),
        ("CYP2D6", "*1/*4", "Intermediate Metabolizer"),
        ("CYP2D6", "*1/*1x2", "Ultrarapid Metabolizer"),
        ("CYP2D6", "*4/*4", "Poor Metabolizer"),
        ("CYP2D6", "*10/*10", "Intermediate Metabolizer"),
        ("CYP2C9", "*1/*3", "Intermediate Metabolizer"),
        ("CYP2C9", "*3/*3", "Poor Metabolizer"),
        ("CYP3A5", "*3/*3", "Poor Metabolizer"),
        ("CYP3A5", "*1/*3", "Intermediate Metabolizer"),
        ("UGT1A1", "*28/*28", "Poor Metabolizer"),
        ("UGT1A1", "*1/*80+*28", "Intermediate Metabolizer"),
        # The thiopurine update of 2025: a decreased allele beside a normal one stays normal.
        ("TPMT", "*1/*3A", "Intermediate Metabolizer"),
        ("TPMT", "*3A/*3C", "Poor Metabolizer"),
        ("NUDT15", "*3/*3", "Poor Metabolizer"),
        ("NUDT15", "*1/*3", "Intermediate Metabolizer"),
        ("SLCO1B1", "*1/*5", "Decreased Function"),
        ("SLCO1B1", "*5/*5", "Poor Function"),
        ("DPYD", "Reference/c.1905+1G>A (*2A)", "Intermediate Metabolizer"),
        ("DPYD", "*2A/*2A", "Poor Metabolizer"),
        ("DPYD", "Reference/c.2846A>T", "Intermediate Metabolizer"),
        ("MT-RNR1", "m.1555A>G", "increased risk of aminoglycoside-induced hearing loss"),
        ("VKORC1", "rs9923231 T/T", "-1639 AA"),
        ("VKORC1", "G/A", "-1639 AG"),
        ("ABCG2", "rs2231142 reference (G)/rs2231142 variant (T)", "Decreased Function"),
    ],
)
def test_known_diplotypes(gene: str, text: str, expected: str) -> None:
    assert phenotype(read_diplotype(gene, text)).phenotype == expected


@pytest.mark.parametrize(
    ("gene", "text", "score"),
    [
        ("CYP2D6", "*1/*4", "1.0"),
        ("CYP2D6", "*1/*10", "1.25"),
        ("CYP2D6", "*1x2/*1", "3.0"),
        ("CYP2D6", "*1x≥3/*1", "≥4.0"),
        ("CYP2C9", "*2/*3", "0.5"),
        ("CYP2C9", "*1/*2", "1.5"),
        ("DPYD", "c.1905+1G>A/c.2846A>T", "0.5"),
    ],
)
def test_activity_scores_are_written_as_cpic_writes_them(gene: str, text: str, score: str) -> None:
    """By hand: sums of CPIC's activity values."""
    found = phenotype(read_diplotype(gene, text))

    assert found.activity_score == score
    assert found.keys == {score}


def test_both_poor_dpyd_scores_are_poor_with_their_own_key() -> None:
    """0.0 and 0.5 are both Poor Metabolizer with different advice (CPIC)."""
    none, half = (phenotype(read_diplotype("DPYD", t)) for t in ("*2A/*2A", "*2A/c.2846A>T"))

    assert none.phenotype == half.phenotype == "Poor Metabolizer"
    assert none.keys != half.keys


def test_more_than_two_dpyd_variants_count_by_the_two_lowest() -> None:
    found = phenotype(read_diplotype("DPYD", "c.85T>C (*9A)/c.2846A>T/c.1905+1G>A (*2A)"))

    assert (found.phenotype, found.activity_score) == ("Poor Metabolizer", "0.5")
    assert any("more than two variants" in note for note in found.notes)


def test_a_man_has_one_g6pd() -> None:
    one = phenotype(read_diplotype("G6PD", "A- 202A_376G"))
    two = (
        phenotype(read_diplotype("G6PD", "A- 202A_376G/B (reference)"))
        if _has("G6PD", "B (reference)")
        else None
    )

    assert one.phenotype == "Deficient"
    assert two is None or two.phenotype == "Variable"


def _has(gene: str, allele: str) -> bool:
    return allele in genes()[gene].alleles


def test_an_allele_of_unknown_function_is_never_taken_for_normal() -> None:
    for symbol, gene in genes().items():
        unknown = [
            name for name, allele in gene.alleles.items() if allele.function in (None, "Unknown function")
        ]
        if gene.method == "function_pair" and symbol != "CYP3A5" and "*1" in gene.alleles and unknown:
            found = phenotype(Diplotype(symbol, ("*1", unknown[0])))
            assert "Normal" not in found.phenotype, (symbol, unknown[0], found.phenotype)


def test_every_diplotype_gives_one_of_its_genes_results_in_any_order() -> None:
    """All 116,402 pairs of all alleles of every gene with a phenotype; each single G6PD and MT-RNR1."""
    count = 0
    for symbol, gene in genes().items():
        if gene.method not in ("function_pair", "activity_score", "single_variant"):
            continue
        results = {entry["result"] for entry in gene.rule.get("results", ())}
        results |= set(gene.rule.get("map", {}).values())
        for pair in itertools.combinations_with_replacement(gene.alleles, 2):
            found = phenotype(Diplotype(symbol, pair))
            assert found.phenotype in results, (symbol, pair)
            assert phenotype(Diplotype(symbol, pair[::-1])).keys == found.keys
            count += 1
    for name in genes()["MT-RNR1"].alleles:
        assert "risk" in phenotype(Diplotype("MT-RNR1", (name,))).phenotype
    for name in genes()["G6PD"].alleles:
        assert phenotype(Diplotype("G6PD", (name,))).phenotype in (
            "Deficient",
            "Deficient with CNSHA",
            "Normal",
            "Indeterminate",
        )
    assert count == 116_402


@pytest.mark.parametrize(
    ("gene", "text", "reason"),
    [
        ("CYP2C19", "*1/*999", "no allele"),
        ("CYP2C19", "*1/*2/*3", "3 alleles"),
        ("CYP2C19", "CYP2D6*1/*2", "another gene"),
        ("CYP2C19", "*2", "other copy"),
        ("CYP2C19", "", "nothing is written"),
        ("CYP2C19", "*1/", "missing"),
        ("CYP2D6", "(*1/*4)xN", "left open"),
        ("CYP2D6", "*1xN/*4", "left open"),
        ("SLCO1B1", "*1/*7", "no longer an allele"),
        ("CYP9X9", "*1/*1", "no content"),
        ("CYP4F2", "*1/*3", "no phenotype"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(gene: str, text: str, reason: str) -> None:
    with pytest.raises(UnreadableGenotype, match=reason):
        phenotype(read_diplotype(gene, text))


@pytest.mark.parametrize(
    "text", ["CYP2D6*1/*4", "cyp2d6 *1/*4", "CYP2D6*1/CYP2D6*4", "*1|*4", '"*1/*4"', "CYP2D6*1+CYP2D6*4"]
)
def test_one_diplotype_in_many_spellings(text: str) -> None:
    assert read_diplotype("CYP2D6", text).alleles == ("*1", "*4")


def test_old_and_finer_names_are_read_and_said() -> None:
    merged = read_diplotype("NUDT15", "*1/*2")
    finer = read_diplotype("CYP2D6", "*7.001/*1")

    assert merged.alleles == ("*1", "*3")
    assert "now part of *3" in merged.notes[0]
    assert finer.alleles == ("*7", "*1")
    assert "read as *7" in finer.notes[0]


def test_copies_of_a_dead_allele_stay_dead_and_of_a_living_one_are_counted() -> None:
    assert read_diplotype("CYP2D6", "*1x3/*4").alleles == ("*1x≥3", "*4")
    assert phenotype(read_diplotype("CYP2D6", "*3x4/*4")).phenotype == "Poor Metabolizer"


@pytest.mark.parametrize(
    "typings", [["HLA-B*57:01:01:02", "*07:02"], ["B*5701", "B*0702"], ["*57:01", "*57:01"]]
)
def test_a_risk_allele_is_found_at_any_resolution_from_two_fields(typings: list[str]) -> None:
    assert "*57:01 positive" in hla_result("HLA-B", typings).keys


def test_two_other_alleles_make_every_risk_allele_negative() -> None:
    assert hla_result("HLA-B", ["*07:02", "*08:01"]).keys == {
        "*15:02 negative",
        "*57:01 negative",
        "*58:01 negative",
    }


def test_one_field_settles_nothing_about_its_own_group() -> None:
    """B57 may be *57:01 or not; it is not *15:02 in any case."""
    found = hla_result("HLA-B", ["B57", "*07:02"])

    assert found.keys == {"*15:02 negative", "*58:01 negative"}
    assert any("one field" in note for note in found.notes)


def test_one_typed_allele_leaves_the_other_copy_open() -> None:
    assert hla_result("HLA-B", ["*07:02"]).keys == frozenset()


@pytest.mark.parametrize("typings", [["*57:01", "*07:02", "*08:01"], ["A*31:01", "*07:02"], ["banana"]])
def test_what_is_no_typing_is_refused(typings: list[str]) -> None:
    with pytest.raises(UnreadableGenotype):
        hla_result("HLA-B", typings)
