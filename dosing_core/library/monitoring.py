"""What is known of a patient and when it is asked again: age of facts, levels, the next sample."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from dosing_core.case import ConditionName, CovariateName
from dosing_core.library.sourced import Number, Part, Span, Text


class Lookback(Part):
    """How far back the record is read for this drug."""

    levels: Number
    """h."""
    doses: Number
    """h; longer than ``levels``, so that what was given before the first level is known."""

    @model_validator(mode="after")
    def _doses_reach_further(self) -> Lookback:
        if self.doses.value <= self.levels.value:
            raise ValueError("doses: must reach further back than levels")
        return self


class Freshness(Part):
    """How old a covariate may be, in h, and whether a dose needs it."""

    name: CovariateName
    max_age: Number
    required: bool


class Exclusion(Part):
    """A state in which no model of this file holds."""

    condition: ConditionName
    reason: Text


class LeastClearance(Part):
    """Kidneys so slow that nothing here holds, whatever a model says."""

    below: Number
    """mL/min; creatinine clearance by Cockcroft and Gault with the actual weight."""
    reason: Text
    """Why, and what to do, as sentences for the prescriber."""


class RisingCreatinine(Part):
    """What follows when creatinine rises."""

    rule: Literal["kdigo_2012"]
    """0.3 mg/dL within 48 h, or 1.5 times within 7 days (``physiology.creatinine_trend``)."""
    source: Text
    action: Literal["pause", "warn"]
    """``pause``: no dose is optimised on it. ``warn``: said beside the answer."""
    text: Text


class LevelError(Part):
    """Error of a level that was drawn and charted as intended. A published residual error also holds wrong
    times and wrong lines; judged by it, no level would ever look implausible."""

    additive: Number
    """mg/L."""
    proportional: Number


class HighLevel(Part):
    """When a level is so high that the next dose waits, whatever regimen follows."""

    trough: Number | None = None
    """mg/L, the highest trough aimed at; None where the target is a trough and says so itself."""
    factor: Number
    """A level just before a dose above this many times that trough is far too high."""


class LevelRules(Part):
    """How levels are read."""

    specimen: Text
    plausible_interval: Number
    """Central probability of the predictive interval outside which a level is flagged. With several levels it
    is widened, so that this is the probability that none of them is flagged by chance."""
    plausible_error: LevelError | None = None
    """Takes the place of the model's residual error in that interval, and nowhere else."""
    trough_tolerance_h: Number
    """A level called trough but drawn more than this before the next dose is named; its real time is used."""
    high: HighLevel | None = None
    earliest_after_dose: Number | None = None
    """h after a dose before which a level tells nothing, as the drug is still spreading; such a level is left
    out."""
    albumin_correction: Literal["sheiner_tozer", "hermida_tutor"] | None = None
    """A level is said beside what it would be at a normal albumin (``physiology.protein_binding``)."""
    oldest: Number
    """h; older levels are left out."""
    most: Number
    """So many of the last levels are used."""


class Immunogenicity(Part):
    """What to say of an antibody that patients may make antibodies against. Only of what the levels mean:
    which drug comes next is not decided here."""

    unmeasurable: Text
    """Where the last level is below the assay's range and antibodies are not on record."""
    present: Text
    """Where antibodies are on record and drug is measured."""
    both: Text
    """Where antibodies are on record and the last level is below the assay's range: why no dose is worked
    out."""


class Rounds(Part):
    """When a ward draws blood."""

    clock_hours: tuple[Annotated[float, Field(ge=0, lt=24)], ...] = ()
    """Hours of the local day; empty: at any."""
    after_dose_h: tuple[Annotated[float, Field(ge=0)], ...] = ()
    """Hours after a dose has ended at which a sample beside the trough makes sense."""
    source: Text


class Sampling(Part):
    """When the next level is worth drawing."""

    before_dose_h: Number
    """A trough is drawn so long before the dose."""
    after_start: Span
    """h after the first dose of a new treatment or of a changed dose."""
    when_stable: Number
    """h; repeat while nothing changes."""
    red_flag_within_h: Number
    advice: Text
    rounds: Rounds | None = None
    """When blood can be drawn at all; None: the usual rule is not weighed against other times."""
