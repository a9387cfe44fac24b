"""Codes of what is present or absent (smoking, antibodies against a drug), and of a pathogen's MIC."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from fhir_adapters.terminology.loinc import Analyte, check_digit_holds
from fhir_adapters.terminology.tables import table

SMOKER = "smoker"
ANTIBODIES = "anti_drug_antibodies"


def _of(name: str) -> dict[str, Any]:
    rows: dict[str, Any] = table("facts")[name]
    return rows


@cache
def smoking_codes() -> tuple[str, ...]:
    """LOINC codes of a smoking status."""
    return tuple(_checked(entry["code"]) for entry in _of(SMOKER)["codes"])


@cache
def smoking_answers() -> dict[str, bool | None]:
    """SNOMED CT code of a status: whether the patient smokes; None where nobody knows."""
    row = _of(SMOKER)
    held: tuple[tuple[str, bool | None], ...] = (("present", True), ("absent", False), ("unknown", None))
    return {code: smokes for name, smokes in held for code in row[name]}


@cache
def antibody_codes(drug: str) -> tuple[str, ...]:
    """LOINC codes of antibodies against a drug."""
    return tuple(_checked(code) for code in _of(ANTIBODIES)["drugs"].get(drug, ()))


@cache
def antibody_answers() -> tuple[dict[str, bool], dict[str, bool]]:
    """Words and SNOMED CT codes: whether antibodies were found."""
    row = _of(ANTIBODIES)
    both = (("positive", True), ("negative", False))
    words = {word: found for name, found in both for word in row[name]}
    return words, {code: found for name, found in both for code in row[f"{name}_codes"]}


@cache
def mic_codes(drug: str) -> tuple[str, ...]:
    """LOINC codes of the MIC of a drug."""
    return tuple(_checked(entry["code"]) for entry in _of("mic")["codes"] if entry["drug"] == drug)


@cache
def mic_analyte() -> Analyte:
    """How an MIC is counted."""
    row = _of("mic")
    span = row["plausible"]
    return Analyte(
        name="mic",
        unit=row["unit"],
        dimension=row["dimension"],
        plausible=(Decimal(span["low"]), Decimal(span["high"])),
        molar_mass=None,
        words="MIC",
        look_back=timedelta(days=row["look_back_days"]),
    )


def codes_beside(drug: str) -> tuple[str, ...]:
    """What is asked for of one drug alone, beside its levels."""
    return (*antibody_codes(drug), *mic_codes(drug))


def sign_look_back(name: str) -> timedelta:
    """How far back a sign is read. Raises ``KeyError`` for one that is not in the table."""
    return timedelta(days=_of(name)["look_back_days"])


def _checked(code: str) -> str:
    if not check_digit_holds(code):
        raise ValueError(f"facts.json: {code} is no LOINC code")
    return code
