"""A made-up adult at the bedside and the question of a drug's dose, for tests of drug files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from dosing_core.case import (
    Case,
    CoMedication,
    Condition,
    Dose,
    Level,
    Measurement,
    Options,
    Order,
    Regimen,
    Subject,
)
from dosing_core.recommendation import Recommendation, RegimenOption

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def infusion(dose_mg: float, interval_h: float, duration_h: float) -> Regimen:
    """A repeating infusion."""
    return Regimen(dose_mg=dose_mg, interval_h=interval_h, route="iv", duration_h=duration_h)


def by_mouth(dose_mg: float, interval_h: float) -> Regimen:
    """A repeating dose by mouth."""
    return Regimen(dose_mg=dose_mg, interval_h=interval_h, route="oral")


def asked(
    drug: str,
    regimen: Regimen | None = None,
    *,
    age: float = 60,
    sex: str = "male",
    kg: float | None = 80,
    cm: float | None = 178,
    creatinine: float | None = 1.0,
    albumin: float | None = None,
    haematocrit: float | None = None,
    route: str = "iv",
    conditions: Sequence[str | Condition] = (),
    takes: Mapping[str, float | None] | None = None,
    doses: Sequence[Dose] = (),
    levels: Mapping[float, float] | None = None,
    indication: str | None = None,
    mic: float | None = None,
    model: str | None = None,
) -> Case:
    """The question; ``levels`` are mg/L by hours before now, ``takes`` mg a day of other drugs."""

    def measured(value: float | None) -> tuple[Measurement, ...]:
        return () if value is None else (Measurement(value=value, time=NOW - 3 * HOUR, source="x"),)

    return Case(
        now=NOW,
        subject=Subject.model_validate(
            {
                "age_years": age,
                "sex": sex,
                "weight": measured(kg),
                "height": measured(cm),
                "creatinine": measured(creatinine),
                "albumin": measured(albumin),
                "haematocrit": measured(haematocrit),
                "conditions": tuple(
                    one
                    if isinstance(one, Condition)
                    else Condition.model_validate({"name": one, "source": "x"})
                    for one in conditions
                ),
                "co_medications": tuple(
                    CoMedication(drug=name, daily_dose_mg=daily, source="x")
                    for name, daily in (takes or {}).items()
                ),
                "co_medications_read": True,
            }
        ),
        order=Order.model_validate(
            {
                "drug": drug,
                "route": regimen.route if regimen else route,
                "regimen": regimen,
                "running": bool(doses),
                "source": "x",
            }
        ),
        doses=tuple(doses),
        levels=tuple(
            Level(time=NOW - ago * HOUR, value_mg_L=value, source=f"level-{ago}")
            for ago, value in sorted((levels or {}).items(), reverse=True)
        ),
        indication=indication,
        mic_mg_L=mic,
        options=Options(model=model),
    )


def given(regimen: Regimen, count: int, last_h_ago: float) -> tuple[Dose, ...]:
    """``count`` doses of the regimen, the last one begun so long ago."""
    return tuple(
        Dose(
            time=NOW - (last_h_ago + regimen.interval_h * back) * HOUR,
            amount_mg=regimen.dose_mg,
            route=regimen.route,
            duration_h=regimen.duration_h,
            source=f"dose-{back}",
        )
        for back in range(count - 1, -1, -1)
    )


def option(answer: Recommendation, role: str) -> RegimenOption:
    """The option of this role. Raises ``StopIteration`` if there is none."""
    return next(one for one in answer.options if one.role == role)


def median(one: RegimenOption, metric: str) -> float:
    """Median of one exposure of an option."""
    return next(exposure.estimate.median for exposure in one.exposures if exposure.metric == metric)


def newborn(
    drug: str,
    regimen: Regimen | None,
    *,
    weeks: float | None,
    days: float,
    kg: float,
    cm: float,
    creatinine: float,
) -> Case:
    """The question for a newborn; ``weeks``: gestation at birth, None: not on record."""
    case = asked(drug, regimen, age=days / 365.25, kg=kg, cm=cm, creatinine=creatinine)
    subject = case.subject.model_copy(update={"gestational_age_weeks": weeks})
    return case.model_copy(update={"subject": subject})
