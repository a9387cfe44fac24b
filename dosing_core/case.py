"""``Case``: one dosing question, complete, in canonical units.

Canonical units: mg, L, h, mg/L, kg, cm, years; creatinine in mg/dL and haematocrit in % because every
equation that reads them is published so. Times are instants with an offset. Every fact carries an
opaque ``source`` string (who uses the core decides what it means), so an explanation can point back.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from dosing_core.value import Value

Sex = Literal["female", "male"]
Route = Literal["iv", "oral"]
CovariateName = Literal["weight", "height", "creatinine", "haematocrit"]
ConditionName = Literal[
    "haemodialysis", "crrt", "kidney_transplant", "liver_transplant", "heart_transplant", "lung_transplant"
]

COVARIATE_UNITS: dict[CovariateName, str] = {
    "weight": "kg",
    "height": "cm",
    "creatinine": "mg/dL",
    "haematocrit": "%",
}

PositiveFloat = Annotated[float, Field(gt=0)]


class Measurement(Value):
    """One measured value of one covariate, in the covariate's canonical unit."""

    value: PositiveFloat
    time: AwareDatetime
    source: str


class Genotype(Value):
    """A reported genotype, as star alleles: gene ``CYP3A5``, diplotype ``*1/*3``."""

    gene: str
    diplotype: str
    time: AwareDatetime | None = None
    source: str


class CoMedication(Value):
    """Another drug that the patient takes now; ``daily_dose_mg`` where the record says it."""

    drug: str
    daily_dose_mg: PositiveFloat | None = None
    source: str


class Condition(Value):
    """A state of the patient that decides which models hold."""

    name: ConditionName
    time: AwareDatetime | None = None
    source: str


class Subject(Value):
    """Who is dosed. Timelines are in order of time; nothing here identifies a person."""

    age_years: Annotated[float, Field(ge=0, le=130)] | None = None
    sex: Sex | None = None
    weight: tuple[Measurement, ...] = ()
    height: tuple[Measurement, ...] = ()
    creatinine: tuple[Measurement, ...] = ()
    haematocrit: tuple[Measurement, ...] = ()
    genotypes: tuple[Genotype, ...] = ()
    co_medications: tuple[CoMedication, ...] = ()
    co_medications_read: bool = False
    """True if the medication list was read, so that a drug not on it is known not to be recorded."""
    conditions: tuple[Condition, ...] = ()
    source: str = ""

    @model_validator(mode="after")
    def _in_order_of_time(self) -> Subject:
        for name in COVARIATE_UNITS:
            times = [measurement.time for measurement in getattr(self, name)]
            if times != sorted(times):
                raise ValueError(f"{name}: measurements are not in order of time")
        return self


class Dose(Value):
    """One dose that the record holds. ``administered`` beats ``ordered``, which is only an intention."""

    time: AwareDatetime
    amount_mg: PositiveFloat
    route: Route
    duration_h: Annotated[float, Field(ge=0, le=24)] = 0.0
    """Length of the infusion; 0 for an oral dose or a bolus."""
    status: Literal["administered", "ordered"] = "administered"
    source: str


class Level(Value):
    """One measured concentration of the drug, total, in the drug file's specimen."""

    time: AwareDatetime
    value_mg_L: PositiveFloat
    charted_as: Literal["trough", "peak", "random"] | None = None
    """What the laboratory or ward calls it. The times decide what it is."""
    limit: Literal["exact", "above", "below"] = "exact"
    """``above``: the true value is above ``value_mg_L`` (charted as ``>80``); ``below``: it is below it."""
    source: str


class Regimen(Value):
    """A repeating dose: this much, this often, by this route."""

    dose_mg: PositiveFloat
    interval_h: PositiveFloat
    route: Route
    duration_h: Annotated[float, Field(ge=0, le=24)] = 0.0

    @property
    def daily_dose_mg(self) -> float:
        """mg per 24 h."""
        return self.dose_mg * 24.0 / self.interval_h


class Order(Value):
    """The order in question. A half-written order has no regimen, or parts of one; nothing is assumed."""

    drug: str
    route: Route | None = None
    regimen: Regimen | None = None
    start: AwareDatetime | None = None
    kind: Literal["repeating", "as_needed", "single", "several", "continuous", "other"] = "repeating"
    """What the order asks for. Only a repeating dose is judged or completed. ``several``: more than one
    instruction, and nobody knows how they go together; ``other``: a product or route not covered here."""
    running: bool = False
    """True if the same drug is already being given, so the order continues or changes a treatment."""
    source: str


class Goal(Value):
    """An exposure target that overrides the drug file's."""

    metric: Literal["auc24", "trough"]
    low: PositiveFloat
    high: PositiveFloat
    source: str

    @model_validator(mode="after")
    def _low_below_high(self) -> Goal:
        if self.low >= self.high:
            raise ValueError("low must be below high")
        return self


class Finding(Value):
    """Something about the record that the answer must not hide.

    ``about`` names the fact: a covariate, ``levels``, ``doses``, ``order``, ``genotypes``,
    ``co_medications``, ``age``, ``sex`` or ``conditions``.

    - ``missing``: it is not on record.
    - ``conflict``: the record contradicts itself; no value was taken.
    - ``excluded``: a value was there but cannot be used (unit, status, time); ``detail`` says why.
    - ``unreachable``: the source that would hold it did not answer.
    - ``note``: it was used, and this should be known.
    """

    kind: Literal["missing", "conflict", "excluded", "unreachable", "note"]
    about: str
    detail: str
    source: str = ""


class Case(Value):
    """One dosing question."""

    schema_version: Literal["1"] = "1"
    now: AwareDatetime
    subject: Subject
    order: Order
    doses: tuple[Dose, ...] = ()
    levels: tuple[Level, ...] = ()
    indication: str | None = None
    goal: Goal | None = None
    findings: tuple[Finding, ...] = ()

    @model_validator(mode="after")
    def _in_order_of_time(self) -> Case:
        for name in ("doses", "levels"):
            times = [event.time for event in getattr(self, name)]
            if times != sorted(times):
                raise ValueError(f"{name}: not in order of time")
        return self
