"""Cases spelt out in a line, for tests of what models need to know of a patient."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dosing_core.case import (
    Case,
    CoMedication,
    Condition,
    Dose,
    Genotype,
    Measurement,
    Order,
    Regimen,
    Sign,
    Subject,
)

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def ago(hours: float) -> datetime:
    """So many hours before now."""
    return NOW - timedelta(hours=hours)


def once(value: float, hours: float = 24.0) -> tuple[Measurement, ...]:
    """A timeline of one measurement."""
    return (Measurement(value=value, time=ago(hours), source="Observation/1"),)


def taken(
    drug: str, mg: float | None = None, since: float | None = None, until: float | None = None
) -> CoMedication:
    """Another drug; ``since`` and ``until`` in hours ago."""
    return CoMedication(
        drug=drug,
        daily_dose_mg=mg,
        since=None if since is None else ago(since),
        until=None if until is None else ago(until),
        source="MedicationRequest/1",
    )


def has(name: Any, hours: float | None = None) -> Condition:
    """A condition, with its onset in hours ago where it is on record."""
    return Condition(name=name, time=None if hours is None else ago(hours), source="Condition/1")


def sign(name: str, present: bool, hours: float = 100.0) -> Sign:
    """Something found present or absent."""
    return Sign(name=name, present=present, time=ago(hours), source="Observation/2")


def typed(gene: str, diplotype: str) -> Genotype:
    """A genotype on record."""
    return Genotype(gene=gene, diplotype=diplotype, source="Observation/3")


def dose(hours: float, mg: float = 100.0) -> Dose:
    """A dose by mouth, so many hours ago."""
    return Dose(time=ago(hours), amount_mg=mg, route="oral", source="MedicationAdministration/1")


def case(*doses: Dose, ordered: Regimen | None = None, **subject: Any) -> Case:
    """A question about this subject."""
    return Case(
        now=NOW,
        subject=Subject(**subject),
        order=Order(drug="drug", regimen=ordered, source="o"),
        doses=tuple(sorted(doses, key=lambda one: one.time)),
    )
