"""Every published example of a genetic result gives what it states, or says why it cannot be used.

The table was written by reading the files, not by running the reader.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fhir_adapters.genomics import read_genes

EXAMPLES = Path(__file__).parents[2] / "fixtures" / "genomics"
SOMEBODY, ADAM, SOMATIC = "ExamplePatient", "CGPatientExample01", "somaticPatient"

STATED: dict[str, tuple[str, set[str]]] = {
    "Observation-GenotypeExample1": (ADAM, {"HLA-B *15:02"}),
    "Observation-HLA-A-haplotype1": (SOMATIC, {"HLA-A *24:02"}),
    "Observation-HLA-B-haplotype1": (SOMATIC, {"HLA-B *35:01"}),
    "Observation-Pgx-geno-1001": (ADAM, {"CYP2C19 *2/*2"}),
    "Observation-Pgx-geno-1002": (ADAM, {"CYP2C9 *1/*1"}),
    "Observation-Pgx-geno-1003": (ADAM, {"VKORC1 rs9923231 C/T"}),
    # A conclusion about clopidogrel, voriconazole or citalopram can only be one about CYP2C19.
    "Observation-TxImp01": (ADAM, {"CYP2C19 Poor Metabolizer"}),
    "Observation-TxImp02": (ADAM, {"CYP2C19 Poor Metabolizer"}),
    "Observation-TxImp03": (ADAM, {"CYP2C19 Poor Metabolizer"}),
    "Observation-genotype-hla-a-glstring-r4": (SOMEBODY, {"HLA-A *03:01/*30:01"}),
    "Parameters-FindSubjectHaplotypesOutput": (ADAM, {"CYP2D6 *1/*1", "CYP2C19 *1/*2"}),
    "r4core-Observation-example-TPMT-diplotype": ("example", {"TPMT *1/*4"}),
    "r4core-Observation-example-phenotype": ("727127", {"CYP2C9 Normal Metabolizer"}),
}
UNUSABLE: dict[str, tuple[str, tuple[str, ...]]] = {
    # *35B is no CPIC allele, rs12345 no known variant, and CYP2C9 has no rapid metabolisers.
    "Bundle-bundle-pgxexample": (
        SOMEBODY,
        ("no allele '*35B'", "not one that is known", "Rapid metabolizer"),
    ),
    "stu1-Bundle-diagnosticreport-pgxexample": ("patient", ("no allele '*35B'", "Rapid metabolizer")),
    # Its twenty results are not in the file.
    "DiagnosticReport-PGxGenomicReportEMERGE": (ADAM, ("20 results that could not be read",)),
    # One haplotype: the other copy is not known.
    "Observation-HaplotypeExamplePharmVar01": (ADAM, ("only CYP2D6 *7 is reported", "*7.001 is read as *7")),
    # Positions of an older assembly, without a name that is known.
    "Observation-Pgx-var-1011": (ADAM, ("not one that is known here",)),
    "Observation-Pgx-var-1015": (ADAM, ("not one that is known here",)),
    "Observation-SNVexample": (SOMEBODY, ("gene without drug advice",)),
    "Observation-TherapeuticImplicationExample1": (ADAM, ("High risk for carbamazepine",)),
}
NOTHING = {
    "Patient-CGPatientExample01",
    "Procedure-PGXGenomicStudy",
    "ServiceRequest-eMERGEServiceRequest",
    "Specimen-GenomicSpecimenExample01",
    "Task-MedicationRecommendationExample1",
    "Task-PGxRecEx01",
    "Task-PGxRecEx02",
    "Task-PGxRecEx03",
}
"""No result: who, what was asked for, and proposals that rest on results elsewhere."""


def example(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_bytes())
    return read


def test_every_file_is_in_one_of_the_tables() -> None:
    files = {path.stem for path in EXAMPLES.glob("*.json")}

    assert files == set(STATED) | set(UNUSABLE) | NOTHING
    assert len(files) == 29


@pytest.mark.parametrize("name", sorted(STATED))
def test_a_file_gives_the_genotype_that_it_states(name: str) -> None:
    owner, stated = STATED[name]
    genes = read_genes([example(name)], patient_id=owner)
    read = {f"{one.gene} {one.diplotype}" for one in genes.genotypes}
    read |= {f"{one.gene} {one.phenotype}" for one in genes.phenotypes}

    assert read == stated
    assert genes.findings == ()


@pytest.mark.parametrize("name", sorted(UNUSABLE))
def test_what_a_file_cannot_tell_is_said(name: str) -> None:
    owner, said = UNUSABLE[name]
    genes = read_genes([example(name)], patient_id=owner)

    assert genes.genotypes == genes.phenotypes == ()
    for words in said:
        assert any(words in finding.detail for finding in genes.findings), words


@pytest.mark.parametrize("name", sorted(NOTHING))
def test_what_is_no_result_says_nothing(name: str) -> None:
    genes = read_genes([example(name)], patient_id=ADAM)

    assert genes == read_genes([], patient_id=ADAM)


def test_a_result_of_somebody_else_is_never_used() -> None:
    for name in (*STATED, *UNUSABLE):
        genes = read_genes([example(name)], patient_id="another-patient")
        assert genes.genotypes == genes.phenotypes == ()


def test_a_conclusion_takes_its_gene_from_the_genotype_that_it_rests_on() -> None:
    genes = read_genes(
        [example("Observation-TxImp02"), example("Observation-Pgx-geno-1001")], patient_id=ADAM
    )

    assert [(one.gene, one.diplotype) for one in genes.genotypes] == [("CYP2C19", "*2/*2")]
    assert [(one.gene, one.phenotype) for one in genes.phenotypes] == [("CYP2C19", "Poor Metabolizer")]
