"""Genes and earlier reactions decide before kinetics do. Expectations are CPIC's and the labels'."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from core_case import case_of, scenario

from dosing_core import recommend
from dosing_core.case import Case, CoMedication, Finding, Genotype, Order, Phenotype, Reaction, Subject
from dosing_core.errors import UnknownDrug
from dosing_core.genetics import guided_drugs
from dosing_core.genetics.advice import rows_of
from dosing_core.genetics.heard import forbids
from dosing_core.library import installed
from dosing_core.recommendation import Recommendation

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def answer(
    drug: str,
    genotypes: dict[str, str] | None = None,
    phenotypes: dict[str, str] | None = None,
    running: bool = False,
    findings: tuple[Finding, ...] = (),
    **person: Any,
) -> Recommendation:
    subject = Subject(
        genotypes=tuple(
            Genotype(gene=gene, diplotype=said, source="g") for gene, said in (genotypes or {}).items()
        ),
        phenotypes=tuple(
            Phenotype(gene=gene, phenotype=said, source="p") for gene, said in (phenotypes or {}).items()
        ),
        **person,
    )
    order = Order(drug=drug, running=running, source="o")
    return recommend(Case(now=NOW, subject=subject, order=order, findings=findings))


@pytest.mark.parametrize(
    ("drug", "genotypes"),
    [
        ("abacavir", {"HLA-B": "*57:01/*07:02"}),
        ("allopurinol", {"HLA-B": "*58:01"}),
        ("carbamazepine", {"HLA-B": "*15:02"}),
        ("carbamazepine", {"HLA-A": "*31:01/*02:01"}),
        ("oxcarbazepine", {"HLA-B": "*15:02"}),
        ("phenytoin", {"HLA-B": "*15:02"}),
        ("fluorouracil", {"DPYD": "*2A/*2A"}),
        ("capecitabine", {"DPYD": "c.1905+1G>A/c.1679T>G"}),
        ("rasburicase", {"G6PD": "A- 202A_376G"}),
        ("gentamicin", {"MT-RNR1": "m.1555A>G"}),
        ("tobramycin", {"MT-RNR1": "m.1494C>T"}),
        ("amikacin", {"MT-RNR1": "m.1555A>G"}),
        ("codeine", {"CYP2D6": "*4/*5"}),
        ("codeine", {"CYP2D6": "*1/*1x2"}),
        ("tramadol", {"CYP2D6": "*4/*4"}),
        ("sevoflurane", {"RYR1": "Reference/c.1840C>T"}),
    ],
)
def test_a_drug_that_a_strong_row_forbids_is_avoided_without_a_dose(
    drug: str, genotypes: dict[str, str]
) -> None:
    said = answer(drug, genotypes)

    assert said.outcome == "avoid"
    assert said.options == ()
    assert said.advice[0].verdict == "avoid"
    assert said.advice[0].strength in ("Strong", "Moderate")
    assert said.references


def test_the_one_who_has_taken_carbamazepine_for_long_is_named_as_an_exception() -> None:
    said = answer("carbamazepine", {"HLA-B": "*15:02"})

    assert "unless taken for over 3 months" in said.reason
    assert {one.population for one in said.advice} == {"CBZ naive", "CBZ-no alternatives", "CBZ use >3mos"}


@pytest.mark.parametrize(
    ("drug", "tested", "word"),
    [
        ("abacavir", "HLA-B*57:01", "required"),
        ("carbamazepine", "HLA-B*15:02", "required"),
        ("allopurinol", "HLA-B*58:01", "recommended"),
        ("capecitabine", "DPYD", "required"),
        ("rasburicase", "G6PD", "required"),
        ("thioguanine", "NUDT15 and TPMT", "recommended"),
    ],
)
def test_a_test_that_is_asked_for_before_the_drug_is_asked_for(drug: str, tested: str, word: str) -> None:
    """Not tested is no result: neither avoided nor cleared."""
    said = answer(drug)

    assert said.outcome == "insufficient"
    assert tested in said.reason
    assert f"is {word}" in said.reason
    assert any("could show" in one for one in said.why)


def test_a_test_is_not_asked_for_when_the_drug_is_taken_already() -> None:
    assert answer("oxcarbazepine", running=True).outcome == "agree"


def test_a_typing_that_settles_nothing_is_said_to_settle_nothing() -> None:
    said = answer("abacavir", {"HLA-B": "*57/*07:02"})

    assert said.outcome == "insufficient"
    assert "not settled" in said.reason


def test_a_record_that_could_not_be_read_is_not_called_untested() -> None:
    lost = Finding(kind="unreachable", about="genotypes", detail="the record was not read: no answer")
    said = answer("abacavir", findings=(lost,))

    assert "could not be read" in said.reason
    assert "not tested" not in said.reason
    assert lost in said.missing


@pytest.mark.parametrize(
    ("drug", "genotypes"),
    [
        ("abacavir", {"HLA-B": "*07:02/*08:01"}),
        ("codeine", {"CYP2D6": "*1/*1"}),
        ("capecitabine", {"DPYD": "Reference/Reference"}),
        ("clopidogrel", {"CYP2C19": "*1/*1"}),
        ("codeine", None),
    ],
)
def test_nothing_is_said_against_a_drug_that_the_genes_allow(
    drug: str, genotypes: dict[str, str] | None
) -> None:
    said = answer(drug, genotypes)

    assert (said.outcome, said.options) == ("agree", ())


@pytest.mark.parametrize(
    ("drug", "genotypes", "words"),
    [
        ("capecitabine", {"DPYD": "Reference/*2A"}, "another dose"),
        ("citalopram", {"CYP2C19": "*2/*2"}, "another drug"),
        ("simvastatin", {"SLCO1B1": "*5/*5"}, "another drug"),
        ("efavirenz", {"CYP2B6": "*6/*6"}, "another dose"),
    ],
)
def test_another_drug_or_dose_is_told_with_the_guideline_s_words(
    drug: str, genotypes: dict[str, str], words: str
) -> None:
    said = answer(drug, genotypes)

    assert said.outcome == "recommend"
    assert words in said.reason
    assert any(said.advice[0].text in one for one in said.why)


def test_a_drug_that_blocks_the_enzyme_decides_in_place_of_the_genes() -> None:
    said = answer(
        "codeine", {"CYP2D6": "*1/*1"}, co_medications=(CoMedication(drug="paroxetine", source="m"),)
    )

    assert said.outcome == "avoid"
    assert any("paroxetine blocks CYP2D6 (*1/*1" in one for one in said.warnings)


def test_of_two_results_that_contradict_each_other_the_graver_counts() -> None:
    said = answer("codeine", {"CYP2D6": "*4/*4"}, {"CYP2D6": "Normal Metabolizer"})

    assert said.outcome == "avoid"
    assert [one.kind for one in said.missing] == ["conflict"]


def test_children_and_adults_hear_their_own_rows() -> None:
    """CPIC's voriconazole rows for rapid metabolisers: another agent for adults, a dose for children."""
    rapid = {"CYP2C19": "*1/*17"}
    grown = answer("voriconazole", rapid, age_years=40.0)
    young = answer("voriconazole", rapid, age_years=10.0)

    assert {one.population for one in grown.advice} <= {"adults", "general"}
    assert {one.population for one in young.advice} <= {"pediatrics", "general"}


def _vancomycin() -> Case:
    return case_of(scenario("01-first-dose-selected"), "vancomycin")


def _reaction(**members: Any) -> Reaction:
    return Reaction(
        **{"drug": "vancomycin", "substance": "vancomycin", "severe": True, "confirmed": True, "source": "a"}
        | members
    )


def _with(case: Case, *reactions: Reaction) -> Case:
    return case.model_copy(update={"subject": case.subject.model_copy(update={"reactions": reactions})})


def test_after_a_severe_reaction_no_dose_is_offered_however_well_it_would_fit() -> None:
    case = _vancomycin()
    said = recommend(_with(case, _reaction(manifestation="anaphylaxis", confirmed=False)))

    assert recommend(case).options
    assert (said.outcome, said.options) == ("avoid", ())
    assert "anaphylaxis" in said.reason
    assert "not confirmed" in said.reason


def test_after_a_reaction_that_was_not_severe_the_dose_stands_with_a_warning() -> None:
    case = _vancomycin()
    said = recommend(_with(case, _reaction(severe=False)))

    assert said.options == recommend(case).options
    assert any("earlier reaction to vancomycin" in one for one in said.warnings)


def test_a_reaction_to_another_drug_says_nothing() -> None:
    case = _vancomycin()

    assert recommend(_with(case, _reaction(drug="gentamicin"))).outcome == recommend(case).outcome


def test_a_drug_that_nobody_knows_stays_unknown() -> None:
    with pytest.raises(UnknownDrug):
        answer("paracetamol")


def test_every_guided_drug_answers_for_each_of_its_rows_and_for_no_result() -> None:
    """Outcome by outcome: a row that forbids makes ``avoid`` for a drug without a file here."""
    asked = 0
    for drug in guided_drugs():
        if drug.name in installed().names():  # their own files speak too
            continue
        assert answer(drug.name).outcome in ("agree", "insufficient", "recommend", "avoid")
        for row in rows_of(drug.name):
            known = {gene: value for gene, value in row.genes.items() if value != "No Result"}
            if any(value in ("n/a", "Indeterminate") for value in known.values()):
                continue
            try:
                said = answer(drug.name, phenotypes=known)
            except UnknownDrug:
                pytest.fail(drug.name)
            if forbids(row) and said.advice:
                assert said.outcome == "avoid", (drug.name, known)
            asked += 1
    assert asked > 1500
