"""Cases for drugs that a published rule doses: one patient, one order, asked of the package's library."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dosing_core import recommend
from dosing_core.case import Case, Measurement, Order, Regimen, Subject
from dosing_core.library import Library
from dosing_core.recommendation import Recommendation, RegimenOption

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(value: float, days: float = 1.0) -> tuple[Measurement, ...]:
    """One measurement, so many days ago."""
    return (Measurement(value=value, time=NOW - timedelta(days=days), source="x"),)


def repeated(drug: str, dose_mg: float | None, route: str = "oral", interval_h: float = 24.0) -> Order:
    """An order of a repeating dose; without a dose one that is not written yet."""
    regimen = None
    if dose_mg is not None:
        regimen = Regimen.model_validate({"dose_mg": dose_mg, "interval_h": interval_h, "route": route})
    return Order.model_validate({"drug": drug, "route": route, "regimen": regimen, "source": "draft"})


def single(drug: str, dose_mg: float | None, duration_h: float) -> Order:
    """An order of one infusion."""
    regimen = None
    if dose_mg is not None:
        regimen = Regimen(dose_mg=dose_mg, interval_h=24, route="iv", duration_h=duration_h, once=True)
    return Order(drug=drug, kind="single", route="iv", regimen=regimen, source="draft")


def asked(
    order: Order, subject: dict[str, Any], library: Library | None = None, **case: Any
) -> Recommendation:
    """The answer to this order for this patient."""
    return recommend(Case(now=NOW, subject=Subject(**subject), order=order, **case), library)


def advised(answer: Recommendation) -> RegimenOption:
    """The recommended option, which must be there."""
    found = answer.option("recommended")
    assert found is not None, answer.reason
    return found
