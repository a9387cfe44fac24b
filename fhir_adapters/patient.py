"""Reads the Patient: date of birth and sex, nothing else."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from dosing_core.case import Finding, Sex
from fhir_adapters.elements import Resource, resource_id


@dataclass(frozen=True)
class Person:
    """What dosing needs of a Patient."""

    birth_date: date | None = None
    exact: bool = True
    sex: Sex | None = None
    findings: tuple[Finding, ...] = ()


def read_patient(resource: Resource | None, patient_id: str) -> Person:
    """Read the Patient. The source of what is known about age and sex is always ``Patient``, never its id."""
    findings: list[Finding] = []
    if resource is not None and resource_id(resource) != patient_id:
        said = "the record answered with another patient; left out"
        findings += [Finding(kind="excluded", about=about, detail=said) for about in ("age", "sex")]
        resource = None
    if resource is None:
        return Person(findings=tuple(findings))
    born, exact = _birth_date(resource.get("birthDate"))
    gender = resource.get("gender")
    sex: Sex | None = "female" if gender == "female" else "male" if gender == "male" else None
    if sex is None and gender is not None:
        said = "the record's gender is neither female nor male, and the models know no other"
        findings.append(Finding(kind="excluded", about="sex", detail=said, source="Patient"))
    return Person(born, exact, sex, tuple(findings))


def _birth_date(written: object) -> tuple[date | None, bool]:
    """The date and whether it is exact; the middle of the month or year where only that is known."""
    found = (
        re.fullmatch(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T.*)?)?)?", written.strip())
        if isinstance(written, str)
        else None
    )
    if not found:
        return None, True
    try:
        year = int(found[1])
        if not 1900 <= year <= 2200:
            return None, True
        if found[3]:
            return date(year, int(found[2]), int(found[3])), True
        if found[2]:
            return date(year, int(found[2]), monthrange(year, int(found[2]))[1] // 2), False
        return date(year, 7, 1), False
    except ValueError:
        return None, True


def age_years(born: date, on: date) -> float:
    """Age in completed years; to two decimals below 18, where months matter, to the day below 2 years.

    Whole years for adults, as the published equations use, also keep the date of birth out of the case. An
    infant's clearance changes from day to day, and its models read days.
    """
    whole = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    if whole >= 18:
        return float(whole)
    return round((on - born).days / 365.25, 2 if whole >= 2 else 5)


OLDEST = 130
"""Years; nobody has become so old, so such a date of birth is a slip."""


def possible_age(born: date | None, on: date) -> float | None:
    """The age in years, or None where no date of birth is known that can be true."""
    if born is None or born > on:
        return None
    age = age_years(born, on)
    return age if age <= OLDEST else None
