"""Units of measure: a closed table with exact factors, never a parser.

A general UCUM parser reads ``mL/min/1.73.m2`` as 73 square metres and ``K/uL`` as kelvin. On patient data a
unit is therefore either in ``units.json`` (after trimming and folding the two micro signs) or unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from fhir_adapters.elements import member, number, text
from fhir_adapters.terminology.tables import table

UCUM = "http://unitsofmeasure.org"
NO_UNIT = "no unit is given"


@dataclass(frozen=True)
class Unit:
    """A known unit: its UCUM code, what it measures, and the factor to that dimension's canonical unit."""

    code: str
    dimension: str
    factor: Decimal


@dataclass(frozen=True)
class Quantity:
    """A number as charted, with its unit where that is known."""

    value: Decimal
    unit: Unit | None
    written: str
    """As charted, for people: ``14 arb. units``."""
    problem: str | None = None
    """Why the unit is not known, in words."""
    uncoded: bool = False
    """True if the unit comes from free text because there was no code."""
    comparator: str | None = None
    """``<``, ``>`` and the like: then the value is a bound, not a measurement."""

    def in_dimension(self, dimension: str) -> Decimal | None:
        """The value in the dimension's canonical unit, exactly; None if it measures something else."""
        if self.unit is None or self.unit.dimension != dimension:
            return None
        return self.value * self.unit.factor


@lru_cache(maxsize=4096)
def fold(written: str) -> str:
    """The spelling that the table is searched for: trimmed, micro signs as ``u``."""
    return written.strip().replace("µ", "u").replace("μ", "u")


@cache
def _units() -> dict[str, Unit]:
    found: dict[str, Unit] = {}
    for dimension in table("units")["dimensions"]:
        for entry in dimension["units"]:
            unit = Unit(entry["code"], dimension["dimension"], Decimal(entry["factor"]))
            for spelling in (entry["code"], *entry["synonyms"]):
                if found.setdefault(fold(spelling), unit) is not unit:
                    raise ValueError(f"units.json: {spelling!r} stands for two units")
    return found


def unit(written: str) -> Unit | None:
    """The unit spelled so, or None."""
    return _units().get(fold(written))


def as_written(value: Decimal) -> str:
    """A number for people: thousands apart, no trailing zeros, no exponent."""
    if value == value.to_integral_value():
        return f"{int(value):,}"
    return f"{value.normalize():,f}"


def quantity(element: Any) -> Quantity | None:
    """A FHIR Quantity; None if it holds no number.

    The code decides. The text ``unit`` is used only where there is no UCUM code, and if both are known they
    must mean the same unit: otherwise nobody knows which is right.
    """
    value = number(member(element, "value"))
    if value is None:
        return None
    system, code = text(member(element, "system")), text(member(element, "code"), 40)
    words = text(member(element, "unit"), 40)
    if code and system not in (None, UCUM):
        code = None
    comparator = text(member(element, "comparator"), 4)
    written = f"{comparator or ''}{as_written(value)} {words or code or '(no unit)'}"
    spoken = unit(words) if words else None
    if code is None:
        problem = None if spoken else (f'"{words}" is not a unit known here' if words else NO_UNIT)
        return Quantity(value, spoken, written, problem, uncoded=spoken is not None, comparator=comparator)
    coded = unit(code)
    if coded is None:
        return Quantity(
            value, None, written, f'"{words or code}" is not a unit known here', comparator=comparator
        )
    if (
        spoken is not None
        and spoken != coded
        and (spoken.dimension, spoken.factor) != (coded.dimension, coded.factor)
    ):
        problem = f'its unit is coded as "{code}" but reads "{words}"'
        return Quantity(value, None, written, problem, comparator=comparator)
    return Quantity(value, coded, written, comparator=comparator)
