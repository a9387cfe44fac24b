"""Genotype and steroid: what is known is used, what is not is weighed on both sides and said."""

from __future__ import annotations

import pytest

from dosing_core.case import CoMedication, Genotype, Subject
from dosing_core.population.unknowns import cyp3a5_expresser, cyp3a5_expression, prednisolone_daily_dose


@pytest.mark.parametrize(
    ("diplotype", "expresser"),
    [
        ("*1/*1", True),
        ("*1/*3", True),
        ("*3/*1", True),
        ("*1/*7", True),
        ("CYP3A5 *1/*3", True),
        (" *3 / *3 ", False),
        ("*3/*6", False),
        ("*6/*7", False),
        ("*1/*9", None),
        ("*3", None),
        ("*1", None),
        ("normal metabolizer", None),
        ("*1/*3 or *3/*3", None),
        ("*11/*3", None),
        ("", None),
    ],
)
def test_an_expresser_carries_star_1(diplotype: str, expresser: bool | None) -> None:
    """CPIC guideline, Birdwell et al. 2015, doi:10.1002/cpt.113."""
    assert cyp3a5_expression(diplotype) is expresser


def _typed(*diplotypes: str) -> Subject:
    return Subject(
        genotypes=tuple(
            Genotype(gene="CYP3A5", diplotype=text, source="Observation/g") for text in diplotypes
        )
    )


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (Subject(), "not typed"),
        (Subject(genotypes=(Genotype(gene="CYP2C19", diplotype="*1/*1", source="x"),)), "not typed"),
        (_typed("*1/*99"), "cannot be read"),
        (_typed("*1/*3", "*3/*3"), "contradict"),
    ],
)
def test_an_unknown_genotype_is_weighed_equally_and_named(subject: Subject, reason: str) -> None:
    resolved = cyp3a5_expresser(subject)

    assert [(a.probability, a.value) for a in resolved.alternatives] == [(0.5, 1.0), (0.5, 0.0)]
    assert reason in resolved.assumptions[0].text
    assert "both phenotypes weighed equally" in resolved.assumptions[0].text
    assert resolved.used == ()


def test_a_known_genotype_is_used_with_its_source() -> None:
    resolved = cyp3a5_expresser(_typed("*1/*3"))

    assert [(a.probability, a.value) for a in resolved.alternatives] == [(1.0, 1.0)]
    assert (resolved.used[0].value, resolved.used[0].source) == ("*1/*3 (expresser)", "Observation/g")
    assert resolved.assumptions == ()


def _on(*drugs: tuple[str, float | None], read: bool = True) -> Subject:
    return Subject(
        co_medications=tuple(
            CoMedication(drug=drug, daily_dose_mg=dose, source="MedicationRequest/1") for drug, dose in drugs
        ),
        co_medications_read=read,
    )


def test_doses_of_prednisolone_and_prednisone_add_up() -> None:
    resolved = prednisolone_daily_dose(_on(("Prednisolone 5 mg tablet", 5.0), ("prednisone", 2.5)))

    assert [a.value for a in resolved.alternatives] == [7.5]
    assert [assumption.text for assumption in resolved.assumptions] == [
        "Prednisone counted as prednisolone, mg for mg"
    ]


def test_a_list_that_was_read_and_has_none_means_none() -> None:
    resolved = prednisolone_daily_dose(_on(("mycophenolate", 1000.0)))

    assert [a.value for a in resolved.alternatives] == [0.0]
    assert resolved.assumptions == ()


@pytest.mark.parametrize(
    ("subject", "values"),
    [
        (_on(read=False), [0.0, 20.0]),
        (_on(("prednisolone", None)), [6.0, 20.0]),
        (_on(("prednisolone", 5.0), ("prednisolone", None)), [6.0, 20.0]),
    ],
)
def test_an_unknown_dose_is_weighed_on_both_sides_and_named(subject: Subject, values: list[float]) -> None:
    resolved = prednisolone_daily_dose(subject)

    assert [a.value for a in resolved.alternatives] == values
    assert [a.probability for a in resolved.alternatives] == [0.5, 0.5]
    assert f"{values[0]:g} and {values[1]:g} mg/day" in resolved.assumptions[0].text


def test_a_listed_dose_counts_even_if_the_list_is_not_complete() -> None:
    assert [
        a.value for a in prednisolone_daily_dose(_on(("prednisolone", 10.0), read=False)).alternatives
    ] == [10]


def test_methylprednisolone_is_not_prednisolone() -> None:
    resolved = prednisolone_daily_dose(_on(("methylprednisolone", 40.0)))

    assert [a.value for a in resolved.alternatives] == [0.0]
    assert "no term for it" in resolved.assumptions[0].text
