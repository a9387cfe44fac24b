"""Warfarin's regressions against independent recomputations and the papers' own percentages."""

from __future__ import annotations

import inspect
import itertools

import pytest

from dosing_core.algorithms import warfarin
from dosing_core.algorithms.warfarin import (
    Course,
    Genotype,
    Patient,
    eu_pact_loading,
    eu_pact_maintenance,
    gage,
    gage_clinical,
    iwpc,
    iwpc_clinical,
    lenzini,
)

MAN_OF_65 = Patient(65, 175, 80, Genotype(vkorc1_a=1, cyp2c9=(0, 0)))


def _with_surface(surface_m2: float, **facts: object) -> Patient:
    """A patient whose Mosteller surface is this: height 180 cm, weight to match."""
    return Patient(age_years=60, height_cm=180, weight_kg=surface_m2**2 * 3600 / 180, **facts)  # type: ignore[arg-type]


def test_iwpc() -> None:
    """65 y, 175 cm, 80 kg, VKORC1 A/G, CYP2C9 *1/*1: 32.7 mg/week, recomputed independently without race."""
    assert iwpc(MAN_OF_65) * 7 == pytest.approx(32.7, abs=0.1)


def test_gage() -> None:
    """60 y, 1.9 m², one A, *1/*1, target 2.5: 4.63 mg/day, recomputed independently."""
    patient = _with_surface(1.9, genotype=Genotype(vkorc1_a=1, cyp2c9=(0, 0)))

    assert gage(patient) == pytest.approx(4.63, abs=0.02)


@pytest.mark.parametrize(
    ("genotype", "change"),
    [(Genotype(1, (0, 0)), -28), (Genotype(0, (0, 1)), -33), (Genotype(0, (1, 0)), -19)],
)
def test_gage_moves_by_the_percentages_of_its_abstract(genotype: Genotype, change: float) -> None:
    """Gage 2008, abstract: −28 % per VKORC1 A, −33 % per *3, −19 % per *2."""
    plain = gage(_with_surface(1.9, genotype=Genotype(0, (0, 0))))

    assert 100 * (gage(_with_surface(1.9, genotype=genotype)) / plain - 1) == pytest.approx(change, abs=0.6)


def test_amiodarone_lowers_gage_by_22_percent() -> None:
    """Gage 2008, abstract."""
    known = Genotype(0, (0, 0))
    with_it = gage(_with_surface(1.9, genotype=known, amiodarone=True))

    assert with_it / gage(_with_surface(1.9, genotype=known)) == pytest.approx(0.78, abs=0.005)


def test_eu_pact() -> None:
    """31.2 mg/week, 4.45 mg/day; days 1 to 3: 6.76, 5.99, 5.22 mg, recomputed independently."""
    assert eu_pact_maintenance(MAN_OF_65) == pytest.approx(4.45, abs=0.05)
    assert eu_pact_loading(MAN_OF_65) == pytest.approx((6.76, 5.99, 5.22), abs=0.05)


def test_the_sensitive_need_much_less_than_a_standard_5_mg() -> None:
    """CYP2C9 *2/*3 with VKORC1 A/A: every regression starts below 2 mg a day."""
    sensitive = Patient(65, 170, 70, Genotype(vkorc1_a=2, cyp2c9=(1, 1)))

    assert iwpc(sensitive) < 2.0
    assert gage(sensitive) < 2.0
    assert eu_pact_maintenance(sensitive) < 2.0
    assert iwpc_clinical(sensitive) > 3.0  # what ignoring the genes would give


def test_every_risk_allele_lowers_every_dose() -> None:
    genotypes = [
        Genotype(a, c) for a, c in itertools.product((0, 1, 2), ((0, 0), (1, 0), (0, 1), (1, 1), (0, 2)))
    ]
    for function in (iwpc, gage, eu_pact_maintenance):
        doses = {g: function(Patient(60, 170, 75, g)) for g in genotypes}
        for one, other in itertools.combinations(genotypes, 2):
            if one.vkorc1_a == other.vkorc1_a or one.cyp2c9 == other.cyp2c9:
                assert doses[one] > doses[other], (function.__name__, one, other)


def test_an_untested_gene_has_a_term_of_its_own_and_is_not_normal() -> None:
    normal, unknown = Genotype(0, (0, 0)), Genotype(None, (0, 0))

    assert iwpc(Patient(60, 170, 75, unknown)) < iwpc(Patient(60, 170, 75, normal))
    with pytest.raises(ValueError, match="needs CYP2C9 and VKORC1"):
        gage(Patient(60, 170, 75, unknown))


def test_a_high_inr_on_day_4_lowers_the_refined_dose() -> None:
    """Lenzini: ln(INR) has the coefficient −0.51611, so a doubled INR gives 0.699 of the dose."""
    low, high = (lenzini(MAN_OF_65, Course(inr, (5.0, 5.0, 5.0))) for inr in (1.5, 3.0))

    assert high / low == pytest.approx(2**-0.51611)
    with pytest.raises(ValueError, match="INR"):
        lenzini(MAN_OF_65, Course(0.0, (5.0, 5.0, 5.0)))


def test_the_refinement_by_hand() -> None:
    """60 y, 1.9 m², one A, INR 2 after three doses of 5 mg, by hand: exp(3.10894 − 0.4602 − 0.35774 − 0.23032
    + 0.46734 + 0.66823 + 0.23865) / 7."""
    patient = _with_surface(1.9, genotype=Genotype(1, (0, 0)))

    assert lenzini(patient, Course(2.0, (5.0, 5.0, 5.0))) == pytest.approx(4.4326, rel=1e-4)


def test_clinical_forms_by_hand() -> None:
    """IWPC: (4.0376 − 6·0.2546 + 175·0.0118 + 80·0.0134)² / 7; Gage: exp(0.613 + 0.8075 − 0.45 + 0.54)."""
    assert iwpc_clinical(MAN_OF_65) == pytest.approx((4.0376 - 1.5276 + 2.065 + 1.072) ** 2 / 7)
    assert gage_clinical(_with_surface(1.9)) == pytest.approx(4.5283, rel=1e-3)


def test_impossible_genotypes_are_refused() -> None:
    for bad in ({"vkorc1_a": 3}, {"cyp2c9": (2, 1)}):
        with pytest.raises(ValueError, match="alleles"):
            Genotype(**bad)


def test_race_is_no_input() -> None:
    fields = set(inspect.signature(Patient).parameters) | set(inspect.signature(Course).parameters)

    assert not {"race", "ethnicity", "african_american", "asian", "black", "ancestry"} & fields
    assert "race" not in {name for name, _ in inspect.getmembers(warfarin, inspect.isfunction)}
