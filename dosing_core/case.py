"""``Case``: one dosing question, complete, in canonical units.

Canonical units: mg, L, h, mg/L, kg, cm, years; creatinine in mg/dL and haematocrit in % because every
equation that reads them is published so. Times are instants with an offset. Every fact carries an
opaque ``source`` string (who uses the core decides what it means), so an explanation can point back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, create_model, model_validator

from dosing_core.facts import FACTS, known_fact, known_sign
from dosing_core.value import Value

Sex = Literal["female", "male"]
Route = Literal["iv", "oral", "subcutaneous"]
CovariateName = Annotated[str, AfterValidator(known_fact)]
"""A measured fact: a row of ``dosing_core.facts`` and a timeline of ``Subject``."""
SignName = Annotated[str, AfterValidator(known_sign)]
ConditionName = Literal[
    "haemodialysis",
    "crrt",
    "kidney_transplant",
    "liver_transplant",
    "heart_transplant",
    "lung_transplant",
    "stem_cell_transplant",
    "heart_failure",
    "liver_disease",
    "crohns_disease",
    "ulcerative_colitis",
    "pregnancy",
    "trauma",
    "sepsis",
    "cystic_fibrosis",
    "gastrointestinal_stromal_tumour",
]

COVARIATE_UNITS: dict[str, str] = {fact.name: fact.unit for fact in FACTS}

PositiveFloat = Annotated[float, Field(gt=0)]
LONGEST_INFUSION_H = 168.0
"""h of one dose. Project policy: a week; fluorouracil runs for two to five days."""

Metric = Literal[
    "auc24",
    "cumulative_auc",
    "trough",
    "peak",
    "average",
    "time_above_mic",
    "effect",
    "occupancy",
    "nadir",
    "timed",
]
"""What a regimen can be judged by.

- ``auc24``: area over 24 h at steady state, mg·h/L; of a saturable drug, over the last day of its horizon.
- ``cumulative_auc``: area from the first dose of the course to its end, mg·h/L.
- ``trough``, ``peak``, ``average``: concentration before a dose, highest, and mean over an interval, mg/L.
- ``time_above_mic``: fraction of an interval (0 to 1) in which the unbound concentration is above the MIC.
- ``effect``: a named output of the model (INR) at the end of its horizon, in its unit.
- ``occupancy``: fraction (0 to 1) of a target that is occupied before a dose.
- ``timed``: concentration a given time after the start of a dose (the 1 h peak of an aminoglycoside), mg/L.
- ``nadir``: lowest value of a named output (neutrophils) over the horizon, in its unit.
"""


class Measurement(Value):
    """One measured value of one covariate, in the covariate's canonical unit."""

    value: PositiveFloat
    time: AwareDatetime
    source: str


class Sign(Value):
    """Something that was found present or absent: smoking, antibodies against the drug."""

    name: SignName
    present: bool
    time: AwareDatetime
    source: str


class Genotype(Value):
    """A reported genotype: gene ``CYP3A5``, diplotype ``*1/*3``; of HLA the alleles typed, one or two."""

    gene: str
    diplotype: str
    time: AwareDatetime | None = None
    source: str


class Phenotype(Value):
    """What a laboratory calls the function of a gene, with or without its alleles: ``Poor Metabolizer``; of
    HLA the status of one allele, ``*57:01 positive``."""

    gene: str
    phenotype: str
    time: AwareDatetime | None = None
    source: str


class Reaction(Value):
    """A reaction to a drug, or to its kin, that the record holds as an allergy or intolerance."""

    drug: str
    """The drug that it speaks about, by its name in the library or in a guideline."""
    substance: str
    """What the record names: the drug, or a group that it belongs to (``penicillins``)."""
    severe: bool
    """True if the record says so, or if the reaction is severe by its nature (anaphylaxis)."""
    confirmed: bool
    manifestation: str = ""
    """In words of a table, never of the record; empty if it is not charted or not understood."""
    time: AwareDatetime | None = None
    source: str


class CoMedication(Value):
    """Another drug that the patient takes or has just taken; ``daily_dose_mg`` where the record says it."""

    drug: str
    daily_dose_mg: PositiveFloat | None = None
    since: AwareDatetime | None = None
    """When it was started; None: not on record."""
    until: AwareDatetime | None = None
    """When it was stopped; None: it is taken still."""
    source: str


class Condition(Value):
    """A state of the patient that decides which models hold."""

    name: ConditionName
    time: AwareDatetime | None = None
    source: str


if TYPE_CHECKING:

    class Timelines(Value):
        """A timeline a measured fact, empty where nothing is on record."""

        def __getattr__(self, name: str) -> tuple[Measurement, ...]: ...

else:
    Timelines = create_model(
        "Timelines", __base__=Value, **{fact.name: (tuple[Measurement, ...], ()) for fact in FACTS}
    )


class Subject(Timelines):
    """Who is dosed. Timelines are in order of time; nothing here identifies a person.

    Each measured fact of ``dosing_core.facts`` is a field: ``subject.creatinine``.
    """

    age_years: Annotated[float, Field(ge=0, le=130)] | None = None
    """At ``now``; of a newborn as exact as the record allows."""
    gestational_age_weeks: Annotated[float, Field(ge=20, le=46)] | None = None
    """At birth."""
    sex: Sex | None = None
    signs: tuple[Sign, ...] = ()
    """In order of time."""
    genotypes: tuple[Genotype, ...] = ()
    phenotypes: tuple[Phenotype, ...] = ()
    reactions: tuple[Reaction, ...] = ()
    co_medications: tuple[CoMedication, ...] = ()
    co_medications_read: bool = False
    """True if the medication list was read, so that a drug not on it is known not to be recorded."""
    conditions: tuple[Condition, ...] = ()
    source: str = ""

    @model_validator(mode="after")
    def _in_order_of_time(self) -> Subject:
        for name in (*COVARIATE_UNITS, "signs"):
            times = [measurement.time for measurement in getattr(self, name)]
            if times != sorted(times):
                raise ValueError(f"{name}: measurements are not in order of time")
        return self

    def timeline(self, name: CovariateName) -> tuple[Measurement, ...]:
        """The measurements of one fact. Raises ``AttributeError`` for a fact that there is not."""
        measurements: tuple[Measurement, ...] = getattr(self, name)
        return measurements


DoseStatus = Literal["administered", "dispensed", "ordered", "reported"]


class Dose(Value):
    """One dose that the record holds. ``administered`` beats what stands in for it: ``dispensed``, which the
    patient has, ``ordered``, which is an intention, and ``reported``, which somebody said."""

    time: AwareDatetime
    amount_mg: PositiveFloat
    route: Route
    duration_h: Annotated[float, Field(ge=0, le=LONGEST_INFUSION_H)] = 0.0
    """Length of the infusion; 0 for a bolus and for a dose that is swallowed or goes under the skin."""
    status: DoseStatus = "administered"
    source: str


class Level(Value):
    """One measured concentration of the drug, total, in the drug file's specimen."""

    time: AwareDatetime
    value_mg_L: PositiveFloat
    charted_as: Literal["trough", "peak", "random"] | None = None
    """What the laboratory or ward calls it. The times decide what it is."""
    limit: Literal["exact", "above", "below"] = "exact"
    """``above``: the true value is above ``value_mg_L`` (charted as ``>80``); ``below``: it is below it."""
    assay: str | None = None
    """How it was measured, by the name that a model gives an assay with an error of its own."""
    source: str


class Regimen(Value):
    """A repeating dose, this much, this often, by this route; or a single one."""

    dose_mg: PositiveFloat
    interval_h: PositiveFloat
    """Of a single dose 24 h: the day that it is given on."""
    route: Route
    duration_h: Annotated[float, Field(ge=0, le=LONGEST_INFUSION_H)] = 0.0
    once: bool = False
    """A single dose; nothing is said of another."""

    @model_validator(mode="after")
    def _one_dose_is_one_day(self) -> Regimen:
        if self.once and self.interval_h != 24.0:
            raise ValueError("interval_h: a single dose has no interval; 24 h stand for its day")
        return self

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
    """What the order asks for. A repeating dose is judged or completed, and of drugs whose file says so a
    single one. ``several``: more than one instruction, and nobody knows how they go together; ``other``: a
    product or route not covered here."""
    running: bool = False
    """True if the same drug is already being given, so the order continues or changes a treatment."""
    source: str


class EffectMeasurement(Value):
    """One measured effect, by the name and in the unit of a model's output: ``inr``, ``neutrophils``."""

    name: str
    value: PositiveFloat
    time: AwareDatetime
    source: str


class Utility(Value):
    """What an exposure is worth: benefit - weight · harm, each a formula over the exposures of a regimen.

    Formulas are written in the expression language of model files and may read ``auc24``, ``trough``,
    ``peak`` and ``average`` (mg/L, mg·h/L), and ``effect`` where the model has one.
    """

    benefit: str
    harm: str
    weight: Annotated[float, Field(ge=0)] = 1.0
    source: str


class Goal(Value):
    """An aim that overrides the drug file's. A one-sided aim names the natural bound as its other end."""

    metric: Metric
    low: PositiveFloat
    high: PositiveFloat
    output: str = ""
    """Of ``effect`` and ``nadir``: which output of the model."""
    mic_mg_L: PositiveFloat | None = None
    """Of ``time_above_mic``, and to scale an AUC given per MIC."""
    utility: Utility | None = None
    """Where given, it ranks regimens in place of the window's loss."""
    source: str

    @model_validator(mode="after")
    def _low_below_high(self) -> Goal:
        if self.low >= self.high:
            raise ValueError("low must be below high")
        return self


class Finding(Value):
    """Something about the record that the answer must not hide.

    ``about`` names the fact: a measured fact or sign, ``levels``, ``effects``, ``doses``, ``order``,
    ``genotypes``, ``reactions``, ``co_medications``, ``age``, ``sex``, ``gestational_age`` or ``conditions``.

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


class Options(Value):
    """Departures from the plain posterior that whoever asks may want. The answer names each one used."""

    prior_weight: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Below 1 the prior is flattened: its variances are divided by this (flattened priors: Hughes and Keizer,
    CPT Pharmacometrics Syst Pharmacol 2021;10:1150)."""
    recency_half_life_h: PositiveFloat | None = None
    """Weight of a level in the likelihood halves with each such age; None: all count alike."""
    model: str | None = None
    """Id of the only model that may speak; None: the drug file decides."""


class Case(Value):
    """One dosing question."""

    schema_version: Literal["1"] = "1"
    now: AwareDatetime
    subject: Subject
    order: Order
    doses: tuple[Dose, ...] = ()
    levels: tuple[Level, ...] = ()
    effects: tuple[EffectMeasurement, ...] = ()
    indication: str | None = None
    goal: Goal | None = None
    mic_mg_L: PositiveFloat | None = None
    options: Options = Options()
    findings: tuple[Finding, ...] = ()

    @model_validator(mode="after")
    def _in_order_of_time(self) -> Case:
        for name in ("doses", "levels", "effects"):
            times = [event.time for event in getattr(self, name)]
            if times != sorted(times):
                raise ValueError(f"{name}: not in order of time")
        return self
