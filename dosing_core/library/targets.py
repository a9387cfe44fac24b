"""What a regimen is to reach, how regimens are compared, and what harms."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from dosing_core.case import ConditionName, Metric
from dosing_core.library.sourced import Number, Part, Span, Text


class TargetRule(Part):
    """An exposure to aim at, and for whom."""

    id: Text
    metric: Metric
    range: Span
    """In the metric's unit: mg·h/L, mg/L, a fraction, or the output's own. A one-sided aim names the natural
    bound as its other end."""
    indication: Text
    indications: tuple[Text, ...] = ()
    """The case's indications for which this aim is chosen before any other; empty: it is not chosen so."""
    condition: ConditionName | None = None
    """If set, the target holds only for patients with it."""
    output: str = ""
    """Of ``effect``, ``nadir``, ``occupancy``: which output of the model."""
    per_mic: Literal["no", "low", "both"] = "no"
    """Which ends are given per mg/L of MIC: both of a pure AUC/MIC; only the low one where the high one is a
    limit of harm."""
    mic: Number | None = None
    """mg/L, taken where the case brings none."""
    unbound_fraction: Number | None = None
    """Of ``time_above_mic``."""
    course: Number | None = None
    """h; of ``cumulative_auc``: length of the course from its first dose."""
    after: Number | None = None
    """h; of ``timed``: so long after a dose has begun."""
    first_weeks_after_transplant: Annotated[float, Field(gt=0)] | None = None
    """If set, the target holds only for so many weeks after the transplantation."""
    note: str = ""

    @model_validator(mode="after")
    def _says_what_it_needs(self) -> TargetRule:
        if self.condition is not None and self.indications:
            raise ValueError("indications: a target for a stated indication needs no condition")
        if self.metric == "cumulative_auc" and self.course is None:
            raise ValueError("course: a cumulative area needs the length of its course")
        if (self.metric == "timed") != (self.after is not None):
            raise ValueError("after: a timed concentration, and only it, says how long after the dose")
        if self.metric in ("effect", "nadir") and not self.output:
            raise ValueError("output: an effect needs the name of its output")
        if (
            self.metric in ("time_above_mic", "occupancy")
            and not 0.0 <= self.range.low < self.range.high <= 1.0
        ):
            raise ValueError("range: a fraction lies between 0 and 1")
        if self.range.high <= 0.0:
            raise ValueError("range: nothing at or below 0 can be aimed at")
        return self


class Judgement(Part):
    """How regimens are compared. Loss: weight · ln(limit / exposure) outside the target, plus a pull to its
    middle (see ``dosing_core.goals.loss``)."""

    loss: Literal["window", "attainment"] = "window"
    """``attainment``: 0 inside the target and the weight outside, however far."""
    below_weight: Number
    above_weight: Number
    centre_weight: Number
    harm_weight: Number | None = None
    """Weight of the chance of a trough above the lowest of ``harmful_troughs`` that counts, beside the
    target's own loss. None: such a trough is named and does not decide."""
    harm_grows: bool = False
    """True: such a trough weighs by the logarithm of how far it is above, so that the slowest kidneys, in
    which any regimen brings one, still tell regimens apart. False: by its chance alone."""
    interval_weight: Number | None = None
    """Loss a day between doses, so that a longer interval is taken only for what it spares. None: an interval
    costs nothing."""
    relevant_chance: Number
    """A change matters to a prescriber if it raises the chance of being inside the target by this …"""
    relevant_outside: Number
    """… or if the order's median exposure lies outside the target by more than this fraction of its limit."""
    until_level: Text | None = None
    """Why an order of usual doses stands while no level speaks, as a sentence; None: it is held against the
    target from the first dose on."""
    same_dose: Number
    """Regimens whose daily doses differ by less than this fraction count as the same."""


class HarmfulTrough(Part):
    """A concentration before a dose from which on harm is to be expected."""

    above: Number
    """mg/L, total."""
    text: Text
    """What to know and do, as a sentence for the prescriber."""
    counts: bool = True
    """False: it is named and does not decide between regimens, whatever ``harm_weight``."""


class SteepPoint(Part):
    """An exposure or effect at which something begins."""

    metric: Metric
    output: str = ""
    level: Number
    text: Text
    """What it means, for a reader: "90 % of the greatest effect"."""


class SteepnessRule(Part):
    """Between which two points the margin of a dose is measured."""

    benefit: SteepPoint
    harm: SteepPoint


class IndividualRule(Part):
    """An aim derived from the patient's own dose-response."""

    output: Text
    """The measured effect."""
    ec50: Text
    """The model's parameter: concentration at half the greatest effect, mg/L."""
    desired: Span
    """Of the output, in its unit."""
    metric: Literal["trough", "average", "peak"]
    """The concentration that the derived aim is for."""
    least_learned: Number
    """1 - posterior / prior variance of ln EC50 from which on the patient's own value replaces the file's
    aim."""
