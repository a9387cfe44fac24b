"""Warfarin: the file's regressions beside the ones written out in ``algorithms``, and who speaks when."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from rule_cases import advised, asked, at, repeated

from dosing_core.algorithms import warfarin as written
from dosing_core.case import CoMedication, Genotype
from dosing_core.library import load_drug
from dosing_core.recommendation import Recommendation

CYP2C9 = {
    "*1/*1": (0, 0),
    "*1/*2": (1, 0),
    "*1/*3": (0, 1),
    "*2/*2": (2, 0),
    "*2/*3": (1, 1),
    "*3/*3": (0, 2),
}
VKORC1 = {"rs9923231 C/C": 0, "rs9923231 C/T": 1, "rs9923231 T/T": 2}


def genes(cyp2c9: str | None = "*1/*1", vkorc1: str | None = "rs9923231 C/C") -> tuple[Genotype, ...]:
    told = {"CYP2C9": cyp2c9, "VKORC1": vkorc1}
    return tuple(Genotype(gene=gene, diplotype=said, source="g") for gene, said in told.items() if said)


def warfarin(mg: float | None = 5.0, **more: Any) -> Recommendation:
    person = {"age_years": 70.0, "sex": "male", "weight": at(70.0), "height": at(165.0)}
    return asked(
        repeated("warfarin", mg), {**person, "genotypes": genes(), "co_medications_read": True, **more}
    )


def doses(said: Recommendation) -> dict[str, float]:
    """What each rule gives before it is rounded to tablets."""
    return {use.id: use.dose.exact_mg for use in said.rules if use.dose is not None}


@pytest.mark.parametrize("pair", list(product(CYP2C9, VKORC1)))
@pytest.mark.parametrize("amiodarone", [False, True])
def test_each_pair_of_genes_gives_what_the_papers_equations_give(
    pair: tuple[str, str], amiodarone: bool
) -> None:
    """``algorithms.warfarin`` was transcribed on its own and is held by published examples."""
    taken = (CoMedication(drug="amiodarone", source="m"),) if amiodarone else ()
    said = doses(warfarin(genotypes=genes(*pair), co_medications=taken))
    genotype = written.Genotype(vkorc1_a=VKORC1[pair[1]], cyp2c9=CYP2C9[pair[0]])
    patient = written.Patient(70.0, 165.0, 70.0, genotype, amiodarone=amiodarone)

    assert said["warfarin.iwpc"] == pytest.approx(written.iwpc(patient), rel=5e-6)
    assert said["warfarin.gage"] == pytest.approx(written.gage(patient), rel=5e-6)
    assert said["warfarin.iwpc_clinical"] == pytest.approx(written.iwpc_clinical(patient), rel=5e-6)


def test_two_slow_genes_start_far_below_the_usual_five_milligrams() -> None:
    """By hand: IWPC 0.9 mg, Gage 1.6 mg a day for *2/*3 and A/A at 70 years, 165 cm, 70 kg."""
    said = warfarin(genotypes=genes("*2/*3", "rs9923231 T/T"))

    assert said.outcome == "recommend"
    assert advised(said).regimen.dose_mg <= 2.0


@pytest.mark.parametrize(
    "known", [(None, None), ("*1/*1", None), (None, "rs9923231 C/C"), ("*1/*8", "rs9923231 C/C")]
)
def test_genes_that_are_not_known_leave_the_word_to_the_clinical_regression(
    known: tuple[str | None, str | None],
) -> None:
    """By hand: IWPC without genes gives 3.8 mg a day. *8 has no term in either regression."""
    said = warfarin(genotypes=genes(*known))

    assert set(doses(said)) == {"warfarin.iwpc_clinical"}
    assert doses(said)["warfarin.iwpc_clinical"] == pytest.approx(3.775, abs=0.001)


def test_race_is_asked_by_no_rule() -> None:
    file = load_drug("warfarin")
    read = {covariate.quantity for rule in file.rules for covariate in rule.covariates.values()}

    assert read == {
        "age", "height", "weight", "body_surface_area", "time_since_first_dose", "taking", "smoker",
        "genotype",
    }  # fmt: skip


def test_a_running_treatment_of_which_no_dose_is_known_is_not_started_again() -> None:
    """The order is there and nothing says what was taken: a start dose would come on top of it."""
    order = repeated("warfarin", 5.0).model_copy(update={"running": True})
    person = {"age_years": 70.0, "sex": "male", "weight": at(70.0), "height": at(165.0)}
    said = asked(order, {**person, "genotypes": genes(), "co_medications_read": True})

    assert said.outcome == "insufficient"
    assert said.option("recommended") is None
    assert "no dose of the running treatment on record" in said.reason
