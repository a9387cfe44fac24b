"""Genetic results in the shapes and with the faults that records have."""

from __future__ import annotations

from typing import Any

import pytest
from charting import PATIENT

from fhir_adapters.genomics import Genes, read_genes

LOINC = "http://loinc.org"
GENES = "http://www.genenames.org"


def coded(code: str, system: str = LOINC, **more: Any) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} | more]}


def component(code: str, **value: Any) -> dict[str, Any]:
    return {"code": coded(code)} | value


def studied(gene: str) -> dict[str, Any]:
    return component("48018-6", valueCodeableConcept=coded(gene, GENES))


def result(
    text: str | None = None, code: Any = "84413-4", gene: str | None = None, **members: Any
) -> dict[str, Any]:
    parts = [studied(gene)] if gene else []
    read: dict[str, Any] = {
        "resourceType": "Observation",
        "id": "g1",
        "status": "final",
        "code": coded(code) if isinstance(code, str) else code,
        "subject": {"reference": f"Patient/{PATIENT}"},
        "effectiveDateTime": "2026-09-30",
        "component": [*parts, *members.pop("component", [])],
    }
    if text is not None:
        read["valueCodeableConcept"] = {"text": text}
    return read | members


def variant(
    name: str, gene: str, state: str | None = None, value: str = "LA9633-4", **members: Any
) -> dict[str, Any]:
    parts = [
        component("81255-2", valueCodeableConcept=coded(name, "http://www.ncbi.nlm.nih.gov/projects/SNP"))
    ]
    if state:
        parts.append(component("53034-5", valueCodeableConcept=coded(state)))
    return result(
        code="69548-6", gene=gene, component=parts, valueCodeableConcept=coded(value), **members
    )  # fmt: skip


def read(*resources: Any) -> Genes:
    return read_genes(resources, patient_id=PATIENT)


def stated(genes: Genes) -> set[str]:
    return {f"{one.gene} {one.diplotype}" for one in genes.genotypes} | {
        f"{one.gene} {one.phenotype}" for one in genes.phenotypes
    }


CYP2D6, CYP2C19, DPYD, HLA_B, MT_RNR1, TPMT = (
    "HGNC:2625", "HGNC:2621", "HGNC:3012", "HGNC:4932", "HGNC:7470", "HGNC:12014",
)  # fmt: skip


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (result("*1x2/*4", gene=CYP2D6), "CYP2D6 *1x2/*4"),
        (result("CYP2D6*4/*1", gene="2625"), "CYP2D6 *1/*4"),
        (result("CYP2C19 *1/*2 (Intermediate Metabolizer)", gene=CYP2C19), "CYP2C19 *1/*2"),
        (result("Reference/c.1905+1G>A (*2A)", gene=DPYD), "DPYD Reference/c.1905+1G>A (*2A)"),
        (result("*2A/*2A", gene=DPYD), "DPYD c.1905+1G>A (*2A)/c.1905+1G>A (*2A)"),
        (result("m.1555A>G", gene=MT_RNR1), "MT-RNR1 m.1555A>G"),
        (result("HLA-B*57:01:01:02, HLA-B*07:02", gene=HLA_B), "HLA-B *07:02/*57:01"),
        (result("B*5701/B*0702", gene=HLA_B), "HLA-B *07:02/*57:01"),
        (result("HLA-B*57:01:01G", gene=HLA_B), "HLA-B *57:01"),
    ],
)
def test_a_genotype_is_read_from_its_words(resource: dict[str, Any], expected: str) -> None:
    assert expected in stated(read(resource))


def test_the_gene_studied_wins_over_the_code_of_the_test() -> None:
    """79716-7 is the activity of CYP2C9; the component says that this one is of CYP2C19."""
    genes = read(result("Poor metabolizer", code="79716-7", gene=CYP2C19))

    assert stated(genes) == {"CYP2C19 Poor Metabolizer"}
    assert any("names CYP2C19 as the gene studied" in one.detail for one in genes.findings)


def test_two_haplotypes_of_one_day_make_a_diplotype() -> None:
    one = result("CYP2C19*2", code="84414-2", gene=CYP2C19)
    other = result("CYP2C19*17", code="84414-2", gene=CYP2C19, id="g2")

    assert stated(read(one, other)) == {"CYP2C19 *2/*17"}
    assert stated(read(one, other | {"effectiveDateTime": "2020-01-01"})) == set()


@pytest.mark.parametrize(
    ("alleles", "copies", "expected"),
    [
        ("*1/*1", 3, {"CYP2D6 *1/*1x2"}),
        ("*1/*4", 3, set()),
        ("*1/*4", 2, {"CYP2D6 *1/*4"}),
        ("*4/*4", 1, {"CYP2D6 *4/*5"}),
    ],
)
def test_the_copies_that_are_counted_beside_a_diplotype(
    alleles: str, copies: int, expected: set[str]
) -> None:
    """Three copies of *1 and *4 leave open which is doubled: 1.0 or 2.0 of activity."""
    count = component("82155-3", valueQuantity={"value": copies})
    genes = read(result(alleles, gene=CYP2D6, component=[count]))

    assert stated(genes) == expected
    assert bool(genes.findings) is (not expected)


def test_variants_of_dpyd_count_on_their_own_copies() -> None:
    """CPIC: two decreased or no function variants are taken to lie on different copies."""
    two = read(
        variant("rs3918290", DPYD, "LA6706-1"), variant("rs67376798", DPYD, "LA6706-1", id="g2")
    )  # fmt: skip
    one = read(variant("rs3918290", DPYD, "LA6706-1"))
    both = read(variant("rs3918290", DPYD, "LA6705-3"))

    assert stated(two) == {"DPYD c.1905+1G>A (*2A)/c.2846A>T"}
    assert stated(one) == {"DPYD Reference/c.1905+1G>A (*2A)"}
    assert any("were taken as not there" in finding.detail for finding in one.findings)
    assert stated(both) == {"DPYD c.1905+1G>A (*2A)/c.1905+1G>A (*2A)"}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (variant("rs9923231", "HGNC:23663", "LA6706-1"), {"VKORC1 rs9923231 C/T"}),
        (variant("rs9923231", "HGNC:23663", value="LA9634-2"), {"VKORC1 rs9923231 C/C"}),
        (variant("rs4244285", CYP2C19, "LA6705-3"), {"CYP2C19 *2/*2"}),
        (variant("rs4244285", CYP2C19, "LA6706-1"), set()),
        (variant("rs3918290", DPYD, value="LA9634-2"), set()),
        (variant("rs3918290", DPYD), set()),
        (variant("rs1142345", TPMT, "LA6705-3"), set()),  # *3A or *3C
    ],
)
def test_a_single_variant_decides_only_what_it_can(resource: dict[str, Any], expected: set[str]) -> None:
    genes = read(resource)

    assert stated(genes) == expected
    assert expected or genes.findings


@pytest.mark.parametrize(
    ("code", "value", "expected"),
    [
        ("50956-2", "Positive", {"HLA-B *57:01 positive"}),
        ("50956-2", "Not detected", {"HLA-B *57:01 negative"}),
        ("57979-7", "Negative", {"HLA-B *15:02 negative"}),
        ({"text": "HLA-B*58:01 genotype"}, "positive", {"HLA-B *58:01 positive"}),
        ("13299-3", "HLA-B*57:01 negative", {"HLA-B *57:01 negative"}),
        (
            "13299-3",
            "HLA-B*57:01 not detected; *15:02 detected",
            {"HLA-B *57:01 negative", "HLA-B *15:02 positive"},
        ),
        ("13299-3", "HLA-B*57:01 and *15:02 not detected", set()),
    ],
)
def test_a_test_for_one_allele_gives_its_status_alone(code: Any, value: str, expected: set[str]) -> None:
    """A name beside "negative" is never read as a typing."""
    assert stated(read(result(value, code=code))) == expected


@pytest.mark.parametrize(
    ("gl", "expected"),
    [
        ("hla#3.31.0#HLA-B*57:01:01+HLA-B*07:02:01", {"HLA-B *07:02/*57:01"}),
        ('"hla#3.31.0#HLA-B*57:01"+HLA-B*07:02', {"HLA-B *07:02/*57:01"}),
        ("HLA-B*57:01:01/HLA-B*57:01:02+HLA-B*07:02", {"HLA-B *07:02/*57:01"}),
        ("HLA-B*57:01/HLA-B*57:03+HLA-B*07:02", {"HLA-B *07:02/*57"}),
        ("HLA-B*57:01/HLA-B*44:02+HLA-B*07:02", set()),
        ("HLA-A*01:01+HLA-A*02:01^HLA-B*57:01+HLA-B*07:02", {"HLA-B *07:02/*57:01"}),
        ("HLA-A*01:01+HLA-A*02:01", set()),
        ("HLA-B*57:01+HLA-B*07:02+HLA-B*08:01", set()),
    ],
)
def test_gl_strings(gl: str, expected: set[str]) -> None:
    """``/`` and ``|`` leave open which allele it is; what all alternatives share is kept."""
    value = {"coding": [{"system": "http://glstring.org", "code": gl}]}
    genes = read(result(gene=HLA_B, valueCodeableConcept=value))

    assert stated(genes) == expected
    assert expected or genes.findings


def test_a_panel_s_components_are_results_of_their_own() -> None:
    panel = result(
        code={"text": "Pharmacogenetic panel"},
        category=[coded("GE", "http://terminology.hl7.org/CodeSystem/v2-0074")],
        component=[
            {"code": coded("79714-2"), "valueCodeableConcept": {"text": "Poor metaboliser"}},
            {"code": {"text": "TPMT genotype"}, "valueString": "*1/*3A"},
            {"code": {"text": "comment"}, "valueString": "see report"},
        ],
    )

    assert stated(read(panel)) == {"CYP2C19 Poor Metabolizer", "TPMT *1/*3A"}


def test_results_inside_a_report_are_the_report_s_patient_s() -> None:
    inner = result("CYP2C19*2/*2", gene=CYP2C19)
    del inner["subject"]
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r1",
        "status": "final",
        "code": coded("51969-4"),
        "subject": {"reference": f"Patient/{PATIENT}"},
        "contained": [inner],
        "result": [{"reference": "#g1"}],
    }

    assert stated(read(report)) == {"CYP2C19 *2/*2"}
    assert stated(read(report | {"subject": {"reference": "Patient/other"}})) == set()


def test_a_result_without_a_subject_counts_where_the_patient_s_report_names_it() -> None:
    loose = result("CYP2C19*2/*2", gene=CYP2C19)
    del loose["subject"]
    report = {
        "resourceType": "DiagnosticReport", "id": "r1", "status": "final", "code": coded("51969-4"),
        "subject": {"reference": f"Patient/{PATIENT}"}, "result": [{"reference": "Observation/g1"}],
    }  # fmt: skip

    assert stated(read(loose)) == set()
    assert stated(read(loose, report)) == {"CYP2C19 *2/*2"}


def test_shapes_of_older_editions_are_read() -> None:
    """DSTU2 and STU3: the gene in an extension, members under ``related``, the value as a string."""
    old = {
        "resourceType": "Observation",
        "id": "g1",
        "status": "final",
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/observation-geneticsGene",
                "valueCodeableConcept": coded("12014", GENES),
            }
        ],
        "code": {"text": "genotype"},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "issued": "2016-03-01T10:00:00Z",
        "related": [{"type": "derived-from", "target": {"reference": "Observation/h1"}}],
        "valueString": "*1/*3A",
    }

    assert stated(read(old)) == {"TPMT *1/*3A"}


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        (result("*1/*999", gene=CYP2C19), "no allele"),
        (result("*1/*2/*3", gene=CYP2C19), "3 alleles"),
        (result("CYP2D6*1/*4", gene=CYP2C19), "the value speaks of CYP2D6"),
        (result("(*1/*4)xN", gene=CYP2D6), "left open"),
        (result("*1/*4 duplication", gene=CYP2D6), "leaves it open"),
        (result("*1/*7", gene="HGNC:10959"), "no longer an allele"),
        (result("Poor and rapid metabolizer", gene=CYP2C19), "more than one phenotype"),
        (result("banana", gene=HLA_B), "no HLA typing"),
        (result("*57:01/*07:02/*08:01", gene=HLA_B), "3 alleles"),
        (result("A/T", gene="HGNC:23663"), "different strands"),
        (result("*1/*1"), "which gene"),
        (result("*1/*1", gene=CYP2C19, status="preliminary"), "not final"),
        (result(gene=CYP2C19), "without a value"),
    ],
)
def test_what_is_malformed_is_a_finding_and_no_genotype(resource: dict[str, Any], said: str) -> None:
    genes = read(resource)

    assert stated(genes) == set()
    assert any(said in one.detail for one in genes.findings), genes.findings


@pytest.mark.parametrize(
    ("text", "said"),
    [("'*2/*2'", "quotation marks"), ('"*2"/"*2"', "quotation marks"), ("cyp2c19*2/*2", "read as CYP2C19")],
)
def test_a_slip_that_leaves_no_doubt_is_read_and_said(text: str, said: str) -> None:
    genes = read(result(text, gene=CYP2C19))

    assert stated(genes) == {"CYP2C19 *2/*2"}
    assert any(said in one.detail for one in genes.findings)


def test_a_typing_at_one_field_is_kept_and_said_to_settle_nothing() -> None:
    genes = read(result("B57", gene=HLA_B))

    assert stated(genes) == {"HLA-B *57"}
    assert any("one field" in one.detail for one in genes.findings)


def test_somatic_variants_and_other_genes_are_kept_apart() -> None:
    """They may be dozens in cancer, and say nothing about drugs here."""
    tumour = variant("rs121913529", "HGNC:6407")

    assert [one.about for one in read(tumour).findings] == ["other_genes"]


def test_an_enzyme_activity_is_no_genotype() -> None:
    activity = result(code={"text": "TPMT activity"}, valueQuantity={"value": 12, "unit": "U/mL"})

    assert read(activity) == Genes()
