"""``PatientChart``: what the record says about one patient, fact by fact, with value, unit, time and source.

Gaps and contradictions are facts too and stand among ``findings``. The chart still knows whose it is; the
``Case`` made from it (see ``intake.py``) does not.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Literal

from pydantic import AwareDatetime, Field, create_model

from dosing_core.case import (
    CoMedication,
    Condition,
    Dose,
    Finding,
    Genotype,
    Phenotype,
    Reaction,
    Route,
    Sex,
    Sign,
)
from dosing_core.facts import FACTS
from dosing_core.value import Value


class ChartedValue(Value):
    """One measured value in its canonical unit, and as it was charted."""

    value: float
    unit: str
    charted: str
    """Number and unit as the record has them: ``97 µmol/L``."""
    time: AwareDatetime
    source: str
    """``Observation/<id>``."""


class ChartedLevel(ChartedValue):
    """One measured concentration of the drug, mg/L."""

    limit: Literal["exact", "above", "below"] = "exact"
    """``above``: charted as ``>80``, so that the true value is above ``value``; ``below``: ``<2``."""
    charted_as: Literal["trough", "peak", "random"] | None = None


class ChartedReason(Value):
    """A condition of the record that an order may refer to as its reason."""

    id: str
    words: tuple[str, ...]
    """Indications in drug files' words."""


class OrderedCourse(Value):
    """A course of the drug that the record holds: an active order other than the one in question, what was
    dispensed, or what is said to be taken."""

    source: str
    kind: Literal["ordered", "dispensed", "reported"] = "ordered"
    route: Route | None = None
    begun: AwareDatetime | None = None
    interval_h: float | None = None
    doses: tuple[Dose, ...] = ()
    """Its doses up to now if it was followed to the letter; empty where it cannot be expanded."""


class ChartedEffect(ChartedValue):
    """One measured effect, by the name of a model's output."""

    name: str


if TYPE_CHECKING:

    class ChartedTimelines(Value):
        """A timeline a measured fact, empty where nothing is on record."""

        def __getattr__(self, name: str) -> tuple[ChartedValue, ...]: ...

else:
    ChartedTimelines = create_model(
        "ChartedTimelines", __base__=Value, **{fact.name: (tuple[ChartedValue, ...], ()) for fact in FACTS}
    )


class PatientChart(ChartedTimelines):
    """The record of one patient, as far as one drug's dose needs it. Timelines are in order of time.

    Each measured fact of ``dosing_core.facts`` is a field: ``chart.creatinine``.
    """

    patient_id: str = Field(repr=False)
    drug: str
    birth_date: date | None = Field(default=None, repr=False)
    birth_date_exact: bool = True
    """False if the record gives only a month or a year; then the middle of it stands here."""
    sex: Sex | None = None
    gestational_age_weeks: float | None = None
    effects: tuple[ChartedEffect, ...] = ()
    signs: tuple[Sign, ...] = ()
    mic_mg_L: float | None = None
    levels: tuple[ChartedLevel, ...] = ()
    given: tuple[Dose, ...] = ()
    """Administered doses of the drug."""
    unread_given: AwareDatetime | None = None
    """When the last dose began that was charted as given but is not among ``given``, because it could not be
    read, is of another product or may be somebody else's; the time of reading if that is not known."""
    ordered: tuple[OrderedCourse, ...] = ()
    genotypes: tuple[Genotype, ...] = ()
    phenotypes: tuple[Phenotype, ...] = ()
    reactions: tuple[Reaction, ...] = ()
    """Earlier reactions to this drug or its kin."""
    co_medications: tuple[CoMedication, ...] = ()
    co_medications_read: bool = False
    conditions: tuple[Condition, ...] = ()
    indications: tuple[ChartedReason, ...] = ()
    """Conditions of the record that a drug may be given for."""
    findings: tuple[Finding, ...] = ()


def distinct(findings: list[Finding]) -> tuple[Finding, ...]:
    """The findings without repetitions: one that differs only in its source is said once."""
    return tuple({(f.kind, f.about, f.detail): f for f in reversed(findings)}.values())[::-1]
