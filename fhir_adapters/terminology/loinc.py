"""LOINC codes that are read, and what they measure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from fhir_adapters.elements import Coding
from fhir_adapters.terminology.tables import table

LOINC = "http://loinc.org"
SYSTEMS = frozenset({LOINC, "urn:oid:2.16.840.1.113883.6.1"})

LABORATORY = ("creatinine", "haematocrit")
BODY = ("weight", "height")


@dataclass(frozen=True)
class Analyte:
    """Something measured: how it is counted here, and what cannot be true of it."""

    name: str
    unit: str
    dimension: str
    plausible: tuple[Decimal, Decimal] | None
    """In ``unit``; outside it a value is taken for a fault of unit or charting."""
    molar_mass: Decimal | None
    """g/mol."""
    valence: int | None = None
    """Charges of an ion: milliequivalents over millimoles. None: not read in milliequivalents."""


@dataclass(frozen=True)
class Code:
    """One LOINC code."""

    code: str
    display: str
    analyte: str
    charted_as: str | None
    """``trough``, ``peak`` or ``random`` where the code claims it."""
    kind: str | None
    """``stated`` or ``estimated`` where it was not measured."""


def check_digit_holds(code: str) -> bool:
    """Whether a LOINC code ends in its Luhn (mod 10) digit, which catches most codes copied wrongly."""
    found = re.fullmatch(r"(\d{1,7})-(\d)", code)
    if not found:
        return False
    total = 0
    for place, digit in enumerate(reversed(found[1])):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return -total % 10 == int(found[2])


@cache
def codes() -> dict[str, Code]:
    """Every measurement code. Raises ``ValueError`` for a code whose check digit does not hold."""
    read: dict[str, Code] = {}
    for entry in table("loinc")["codes"]:
        if not check_digit_holds(entry["code"]) or entry["code"] in read:
            raise ValueError(f"loinc.json: {entry['code']} is no LOINC code, or stands there twice")
        analyte(entry["analyte"])
        read[entry["code"]] = Code(
            entry["code"], entry["display"], entry["analyte"], entry.get("charted_as"), entry.get("kind")
        )
    return read


@cache
def analyte(name: str) -> Analyte:
    """What is known of an analyte. Raises ``KeyError`` for one that is not in the table."""
    entry = table("loinc")["analytes"][name]
    span, mass = entry.get("plausible"), entry.get("molar_mass")
    return Analyte(
        name,
        entry["unit"],
        entry["dimension"],
        (Decimal(span["low"]), Decimal(span["high"])) if span else None,
        Decimal(mass["value"]) if mass else None,
        entry.get("valence"),
    )


def measured(codings: tuple[Coding, ...]) -> tuple[Code, ...]:
    """The known codes among these codings."""
    known = codes()
    return tuple(known[c.code] for c in codings if c.system in SYSTEMS and c.code in known)


def code_list(*analytes: str) -> tuple[str, ...]:
    """The codes of these analytes, in the table's order."""
    return tuple(code.code for code in codes().values() if code.analyte in analytes)
