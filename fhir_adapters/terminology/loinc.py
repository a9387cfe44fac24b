"""LOINC codes that are read, and what they measure: facts and effects (``facts.json``), levels of the drugs
and genotypes (``loinc.json``)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Literal, cast

from dosing_core.facts import words_of
from fhir_adapters.elements import Coding
from fhir_adapters.terminology.tables import table

LOINC = "http://loinc.org"
SYSTEMS = frozenset({LOINC, "urn:oid:2.16.840.1.113883.6.1"})

Role = Literal["fact", "effect", "born", "level"]
"""A covariate; a measured effect; something about the patient's birth; a concentration of a drug."""
_ROLES: tuple[tuple[str, Role], ...] = (("facts", "fact"), ("effects", "effect"), ("born", "born"))


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
    role: Role = "level"
    words: str = ""
    """In a sentence."""
    look_back: timedelta | None = None
    """How far back it is read; None: any time, or as the drug file says of levels."""
    search: str = "labs"
    """Key of the search that asks for it."""
    unitless: bool = False
    """True if a number without a unit is one of it."""
    drug: str = ""
    """Of an effect that several drugs' models call alike (``unbound``): the drug that it is of …"""
    output: str = ""
    """… and what its model calls it."""


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
    remark: str | None = None
    """What is to be said of a value under this code."""


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


def _rows() -> Iterator[tuple[Role, dict[str, Any]]]:
    """The rows of ``facts.json`` with their roles."""
    for section, role in _ROLES:
        for row in table("facts")[section]:
            yield role, row


@cache
def codes() -> dict[str, Code]:
    """Every measurement code. Raises ``ValueError`` for a code whose check digit does not hold."""
    rows = [{**code, "analyte": row["name"]} for _, row in _rows() for code in row["codes"]]
    read: dict[str, Code] = {}
    for entry in (*rows, *table("loinc")["codes"]):
        if not check_digit_holds(entry["code"]) or entry["code"] in read:
            raise ValueError(f"{entry['code']} is no LOINC code, or stands in the tables twice")
        analyte(entry["analyte"])
        read[entry["code"]] = Code(
            entry["code"],
            entry["display"],
            entry["analyte"],
            entry.get("charted_as"),
            entry.get("kind"),
            entry.get("remark"),
        )
    return read


@cache
def analytes() -> dict[str, Analyte]:
    """Everything that is measured, by name."""
    found = {row["name"]: _analyte(row["name"], role, row) for role, row in _rows()}
    levels = {name: _analyte(name, "level", row) for name, row in table("loinc")["analytes"].items()}
    return levels | found


def analyte(name: str) -> Analyte:
    """What is known of an analyte. Raises ``KeyError`` for one that is not in the tables."""
    return analytes()[name]


def _analyte(name: str, role: Role, row: dict[str, Any]) -> Analyte:
    span, mass, days = row.get("plausible"), row.get("molar_mass"), row.get("look_back_days")
    return Analyte(
        name,
        row["unit"],
        row["dimension"],
        (Decimal(span["low"]), Decimal(span["high"])) if span else None,
        Decimal(mass["value"]) if mass else None,
        row.get("valence"),
        role,
        cast(str, row.get("words", name if role == "level" else words_of(name))),
        timedelta(days=days) if days else None,
        row.get("search", "labs"),
        bool(row.get("unitless")),
        row.get("drug", ""),
        row.get("output", ""),
    )


def measured(codings: tuple[Coding, ...]) -> tuple[Code, ...]:
    """The known codes among these codings."""
    known = codes()
    return tuple(known[c.code] for c in codings if c.system in SYSTEMS and c.code in known)


def code_list(*analytes: str) -> tuple[str, ...]:
    """The codes of these analytes, in the table's order."""
    return tuple(code.code for code in codes().values() if code.analyte in analytes)
