"""Somebody who takes a drug for years and the question of its dose, for tests of drug files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bedside import HOUR, NOW

from dosing_core.case import (
    Case,
    CoMedication,
    Dose,
    Level,
    Measurement,
    Options,
    Order,
    Regimen,
    Route,
    Subject,
)


def asked(
    drug: str,
    mg: float | None = None,
    every_h: float = 24,
    *,
    taken: int = 0,
    last_h_ago: float = 12,
    past_mg: float | None = None,
    levels: Mapping[float, float] | None = None,
    beside: Sequence[CoMedication] = (),
    route: Route = "oral",
    over_h: float = 0.0,
    indication: str | None = None,
    model: str | None = None,
    **facts: Any,
) -> Case:
    """The question: ``mg`` every ``every_h`` by mouth, after ``taken`` doses of ``past_mg`` (else ``mg``).

    ``levels`` are mg/L by hours before now. ``facts``: age, sex, kg, cm, creatinine (mg/dL), albumin (g/L),
    each None for unknown, and anything else that a ``Subject`` has.
    """

    def measured(value: float | None) -> tuple[Measurement, ...]:
        return () if value is None else (Measurement(value=value, time=NOW - 3 * HOUR, source="x"),)

    subject = {
        "age_years": facts.pop("age", 50),
        "sex": facts.pop("sex", "male"),
        "weight": measured(facts.pop("kg", 70)),
        "height": measured(facts.pop("cm", 175)),
        "creatinine": measured(facts.pop("creatinine", 0.9)),
        "albumin": measured(facts.pop("albumin", 45)),
        "co_medications": tuple(beside),
        "co_medications_read": True,
    }
    amount = mg if past_mg is None else past_mg
    return Case(
        now=NOW,
        subject=Subject.model_validate(subject | facts),
        order=Order(
            drug=drug,
            route=route,
            regimen=None
            if mg is None
            else Regimen(dose_mg=mg, interval_h=every_h, route=route, duration_h=over_h),
            running=taken > 0,
            source="x",
        ),
        doses=tuple(
            Dose(
                time=NOW - (last_h_ago + every_h * back) * HOUR,
                amount_mg=amount or 1.0,
                route=route,
                duration_h=over_h,
                source=f"dose-{back}",
            )
            for back in range(taken - 1, -1, -1)
        ),
        levels=tuple(
            Level(time=NOW - ago * HOUR, value_mg_L=value, source=f"level-{ago}")
            for ago, value in sorted((levels or {}).items(), reverse=True)
        ),
        indication=indication,
        options=Options(model=model),
    )


def beside(drug: str, since_h_ago: float | None = None, until_h_ago: float | None = None) -> CoMedication:
    """Another drug that is taken."""
    return CoMedication(
        drug=drug,
        since=None if since_h_ago is None else NOW - since_h_ago * HOUR,
        until=None if until_h_ago is None else NOW - until_h_ago * HOUR,
        source="other",
    )
