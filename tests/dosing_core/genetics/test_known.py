"""What reports of one person come to, and what a drug that blocks an enzyme makes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dosing_core.case import CoMedication, Genotype, Phenotype, Subject
from dosing_core.errors import UnreadableGenotype
from dosing_core.genetics.known import known_genes
from dosing_core.genetics.named import named_phenotype
from dosing_core.genetics.phenoconversion import acting, converted, inhibitors
from dosing_core.genetics.variants import carried

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def person(genotypes: dict[str, str] | None = None, phenotypes: dict[str, str] | None = None) -> Subject:
    return Subject(
        genotypes=tuple(
            Genotype(gene=gene, diplotype=said, source="g") for gene, said in (genotypes or {}).items()
        ),
        phenotypes=tuple(
            Phenotype(gene=gene, phenotype=said, source="p") for gene, said in (phenotypes or {}).items()
        ),
    )


@pytest.mark.parametrize(
    ("gene", "written", "name"),
    [
        ("CYP2C19", "poor metaboliser", "Poor Metabolizer"),
        ("CYP2C19", "Ultra-rapid metabolizer", "Ultrarapid Metabolizer"),
        ("CYP2D6", "Extensive Metabolizer", "Normal Metabolizer"),
        ("SLCO1B1", "decreased function", "Decreased Function"),
        ("G6PD", "Deficient", "Deficient"),
        ("HLA-B", "*57:01 positive", "*57:01 positive"),
    ],
)
def test_phenotypes_by_name(gene: str, written: str, name: str) -> None:
    assert named_phenotype(gene, written).phenotype == name


def test_a_name_stands_for_every_score_that_bears_it() -> None:
    """CPIC: DPYD 0.0 and 0.5 are both poor, with different advice, so a name alone leaves both open."""
    assert named_phenotype("DPYD", "Poor Metabolizer").keys == {"0.0", "0.5"}


def test_a_name_that_the_gene_does_not_have_is_refused() -> None:
    with pytest.raises(UnreadableGenotype, match="no such phenotype"):
        named_phenotype("CYP2C9", "Rapid Metabolizer")


def test_a_phenotype_beside_its_diplotype_says_nothing_new() -> None:
    known = known_genes(person({"CYP2C19": "*2/*2"}, {"CYP2C19": "Poor Metabolizer"}))

    assert known.findings == ()
    assert known.genes[0].result.keys == {"Poor Metabolizer"}


def test_a_diplotype_narrows_what_a_name_leaves_open() -> None:
    known = known_genes(person({"DPYD": "*2A/c.2846A>T"}, {"DPYD": "Poor Metabolizer"}))

    assert known.findings == ()
    assert known.genes[0].result.keys == {"0.5"}


def test_a_phenotype_that_contradicts_its_diplotype_leaves_both_and_says_so() -> None:
    known = known_genes(person({"CYP2D6": "*4/*4"}, {"CYP2D6": "Normal Metabolizer"}))

    assert known.genes[0].result.keys >= {"0.0", "2.0"}
    assert [one.kind for one in known.findings] == ["conflict"]


def test_an_hla_typing_and_a_test_for_one_allele_stand_together() -> None:
    known = known_genes(person({"HLA-B": "*07:02/*08:01"}, {"HLA-B": "*57:01 negative"}))
    unlike = known_genes(person({"HLA-B": "*07:02/*57:01"}, {"HLA-B": "*57:01 negative"}))

    assert known.findings == ()
    assert "*57:01 negative" in known.genes[0].result.keys
    assert [one.kind for one in unlike.findings] == ["conflict"]
    assert {"*57:01 positive", "*57:01 negative"} <= unlike.genes[0].result.keys


def test_what_cannot_be_read_is_no_result_and_is_said() -> None:
    known = known_genes(person({"CYP2C19": "*1/*999"}))

    assert known.genes == ()
    assert [one.kind for one in known.findings] == ["excluded"]


def _taking(drug: str, **more: datetime) -> tuple[CoMedication, ...]:
    return (CoMedication(drug=drug, source="m", **more),)


def test_a_blocked_enzyme_is_a_poor_one_whatever_was_typed() -> None:
    blocked = acting(_taking("paroxetine"), NOW)
    typed, said = converted(known_genes(person({"CYP2D6": "*1/*1"})).genes, blocked)
    untyped, _ = converted((), blocked)

    assert typed[0].result.keys == untyped[0].result.keys == {"0.0"}
    assert "*1/*1" in typed[0].said
    assert "not tested" in untyped[0].said
    assert "paroxetine blocks CYP2D6" in said[0]


def test_how_far_an_ultrarapid_one_converts_is_left_open() -> None:
    """CPIC's paroxetine row for ultrarapid metabolisers says that it is unclear."""
    both, _ = converted(known_genes(person({"CYP2D6": "*1x2/*1"})).genes, acting(_taking("paroxetine"), NOW))

    assert both[0].result.keys == {"0.0", "3.0"}


def test_only_what_is_taken_now_converts() -> None:
    assert acting(_taking("paroxetine", until=NOW - timedelta(days=1)), NOW) == ()
    assert acting(_taking("paroxetine", since=NOW + timedelta(days=1)), NOW) == ()
    assert acting(_taking("furosemide"), NOW) == ()
    assert all(one.source and one.url for one in inhibitors())


def test_variants_stand_for_the_alleles_that_the_table_names() -> None:
    """rs3918290 is c.1905+1G>A, and rs1142345 is shared by TPMT *3A and *3C."""
    assert carried("DPYD", ("rs3918290",)).allele == "c.1905+1G>A (*2A)"
    assert carried("DPYD", ("NM_000110.4:c.2846A>T",)).itself
    with pytest.raises(UnreadableGenotype, match=r"\*3A, \*3C"):
        carried("TPMT", ("rs1142345",))
