"""Advice: which rows hold, and what they come to."""

from __future__ import annotations

import itertools

import pytest

from dosing_core.genetics import (
    GeneResult,
    advise,
    guided_drug,
    guided_drugs,
    hla_result,
    phenotype,
    read_diplotype,
)
from dosing_core.genetics.advice import untested_genes, verdict
from dosing_core.genetics.catalogue import recommendations


def _of(gene: str, text: str) -> GeneResult:
    return phenotype(read_diplotype(gene, text))


@pytest.mark.parametrize(
    ("drug", "results"),
    [
        ("abacavir", [hla_result("HLA-B", ["*57:01", "*07:02"])]),
        ("allopurinol", [hla_result("HLA-B", ["*58:01", "*07:02"])]),
        ("fluorouracil", [_of("DPYD", "*2A/*2A")]),
        ("capecitabine", [_of("DPYD", "*2A/*2A")]),
        ("rasburicase", [_of("G6PD", "A- 202A_376G")]),
        ("gentamicin", [_of("MT-RNR1", "m.1555A>G")]),
        ("codeine", [_of("CYP2D6", "*1/*1x2")]),
        ("voriconazole", [_of("CYP2C19", "*2/*2")]),
    ],
)
def test_not_this_drug(drug: str, results: list[GeneResult]) -> None:
    """CPIC: strong recommendations against the drug."""
    rows = advise(drug, results)

    assert rows
    assert all(row.verdict == "avoid" for row in rows)


def test_carbamazepine_in_a_naive_carrier_of_15_02_is_avoided_and_labelled_by_population() -> None:
    rows = advise("carbamazepine", [hla_result("HLA-B", ["*15:02", "*07:02"])])

    assert len({row.population for row in rows}) == len(rows) > 1
    assert next(row for row in rows if row.population == "CBZ naive").verdict == "avoid"


def test_mercaptopurine_with_two_dead_nudt15_is_drastically_less() -> None:
    rows = advise("mercaptopurine", [_of("NUDT15", "*3/*3"), _of("TPMT", "*1/*1")])

    assert len(rows) == 1
    assert "drastically reduced" in rows[0].text
    assert rows[0].verdict in ("adjust", "alternative")


def test_a_gene_that_was_not_tested_is_no_result_and_not_normal() -> None:
    normal = advise("azathioprine", [_of("TPMT", "*1/*1"), _of("NUDT15", "*1/*1")])
    half = advise("azathioprine", [_of("NUDT15", "*1/*1")])

    assert [row.verdict for row in normal] == ["standard"]
    assert untested_genes("azathioprine", [_of("NUDT15", "*1/*1")]) == ("TPMT",)
    assert half
    assert half[0].genes["TPMT"] == "No Result"
    assert {row.id for row in half}.isdisjoint({row.id for row in normal})


def test_a_typing_at_one_field_is_no_result_for_the_drug_that_asks_about_it() -> None:
    assert untested_genes("abacavir", [hla_result("HLA-B", ["B57", "*07:02"])]) == ("HLA-B",)


def test_a_drug_without_rows_gets_no_advice() -> None:
    assert advise("paracetamol", [_of("CYP2D6", "*4/*4")]) == ()
    assert guided_drug("paracetamol") is None


def test_a_drug_is_found_by_name_and_by_code() -> None:
    assert guided_drug("Abacavir") == guided_drug("190521")


def test_every_drug_answers_for_every_key_that_its_rows_know() -> None:
    """Each row is found again by its own keys, with its source."""
    asked = 0
    for drug in guided_drugs():
        rows = [row for row in recommendations()["recommendations"] if row["drug"] == drug.name]
        for row in rows:
            lookup = row["lookup"][0]
            results = [GeneResult(symbol, (), key, frozenset({key})) for symbol, key in lookup.items()]
            found = advise(drug.name, [one for one in results if one.phenotype != "No Result"])
            assert row["id"] in {one.id for one in found}, (drug.name, lookup)
            assert all(one.guideline.pmids for one in found)
            asked += 1
    assert asked == len(recommendations()["recommendations"])


def test_no_two_rows_of_one_population_contradict_each_other() -> None:
    """Several rows may hold, but only for different populations."""
    for drug in guided_drugs():
        rows = [row for row in recommendations()["recommendations"] if row["drug"] == drug.name]
        for one, other in itertools.combinations(rows, 2):
            if one["population"] == other["population"]:
                assert not any(lookup in other["lookup"] for lookup in one["lookup"]), (
                    one["id"],
                    other["id"],
                )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Avoid use", "avoid"),
        ("Avoid moderate and strong CYP2D6 inhibitors. Initiate therapy with recommended dosing.", "adjust"),
        ("No reason to avoid based on G6PD status", "standard"),
        ("Initiate therapy with recommended starting dose.", "standard"),
        ("Initiate therapy with recommended starting dose. Consider a slower titration schedule.", "adjust"),
        ("Consider alternative nonthiopurine immunosuppressant therapy.", "alternative"),
        ("No recommendation", "none"),
        ("If patient is carbamazepine-naïve, do not use carbamazepine.", "avoid"),
    ],
)
def test_what_the_words_of_a_row_come_to(text: str, expected: str) -> None:
    assert verdict(text) == expected
