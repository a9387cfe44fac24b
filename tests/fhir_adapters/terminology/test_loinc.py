"""LOINC codes: typed correctly, and each with something to measure."""

from __future__ import annotations

import pytest

from dosing_core.library import drugs
from fhir_adapters.elements import Coding
from fhir_adapters.terminology.loinc import analyte, check_digit_holds, code_list, codes, measured


@pytest.mark.parametrize("wrong", ["4084-1", "38476-0", "20578-2", "20578", "-1", "2160-O", ""])
def test_codes_that_public_programs_got_wrong_fail_the_check_digit(wrong: str) -> None:
    """4084-1 "vancomycin" and 38476-0 "AMH" stand in published code and do not exist."""
    assert not check_digit_holds(wrong)


def test_every_code_of_the_table_holds_its_check_digit() -> None:
    assert len(codes()) > 25
    assert all(check_digit_holds(code) for code in codes())


@pytest.mark.parametrize("code", ["3987-5", "3548-5", "2161-8"])
def test_codes_known_to_mean_something_else_are_not_in_the_table(code: str) -> None:
    """Promazine, diazepam and urine creatinine, which public code takes for other things."""
    assert code not in codes()


WITHOUT_CODE = {"cefepime", "sunitinib"}
"""No public source of a LOINC code of their levels was found; their drug files say that levels are not
read."""
WITHOUT_MASS = {"gentamicin", "sunitinib", "infliximab", "adalimumab", "vedolizumab"}
"""A mixture of several substances, or an antibody that nobody counts in mol: a level in µmol/L has no one
mass, so it is not read."""


def test_every_drug_of_the_library_has_levels_to_read_and_a_molar_mass() -> None:
    for drug in drugs():
        if not drug.models:  # a rule reads no level of the drug
            continue
        assert code_list(drug.drug) or drug.drug in WITHOUT_CODE
        assert (analyte(drug.drug).molar_mass is None) == (drug.drug in WITHOUT_MASS)


@pytest.mark.parametrize(
    ("name", "carbon", "hydrogen", "nitrogen", "oxygen", "chlorine", "sulfur"),
    [
        ("creatinine", 4, 7, 3, 1, 0, 0),
        ("vancomycin", 66, 75, 9, 24, 2, 0),
        ("tacrolimus", 44, 69, 1, 12, 0, 0),
        ("meropenem", 17, 25, 3, 5, 0, 1),
        ("piperacillin", 23, 27, 5, 7, 0, 1),
        ("cefepime", 19, 24, 6, 5, 0, 2),
        ("ciclosporin", 62, 111, 11, 12, 0, 0),
        ("everolimus", 53, 83, 1, 14, 0, 0),
    ],
)
def test_molar_masses_follow_from_the_sum_formula(
    name: str, carbon: int, hydrogen: int, nitrogen: int, oxygen: int, chlorine: int, sulfur: int
) -> None:
    """Atomic weights, IUPAC 2021 (abridged): C 12.011, H 1.008, N 14.007, O 15.999, Cl 35.45, S 32.06."""
    mass = carbon * 12.011 + hydrogen * 1.008 + nitrogen * 14.007 + oxygen * 15.999 + chlorine * 35.45
    mass += sulfur * 32.06
    named = analyte(name).molar_mass

    assert named is not None
    assert float(named) == pytest.approx(mass, rel=1e-4)


def test_a_code_counts_only_in_its_own_system() -> None:
    assert measured((Coding("http://loinc.org", "2160-0", None),))
    assert measured((Coding("urn:oid:2.16.840.1.113883.6.1", "2160-0", None),))
    assert not measured((Coding("urn:local", "2160-0", None), Coding(None, "2160-0", None)))
