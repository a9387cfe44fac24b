"""What may be given: products, doses, infusions, and the limits that no suggestion passes."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import Field, model_validator

from dosing_core.library.sourced import Number, Part, Span, Text


class OralDosing(Part):
    """Doses and intervals by mouth."""

    increment: Number
    intervals_h: tuple[Annotated[float, Field(gt=0)], ...]
    most_per_dose: Number
    strengths_mg: tuple[Annotated[float, Field(gt=0)], ...] = ()


class Bands(Part):
    """Ready-made doses that stand in for every exact dose near them (dose banding)."""

    doses_mg: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]
    """Ascending."""
    source: Text

    @model_validator(mode="after")
    def _ascending(self) -> Bands:
        if list(self.doses_mg) != sorted(set(self.doses_mg)):
            raise ValueError("doses_mg: not ascending")
        return self


class Dosing(Part):
    """Which regimens a search may propose."""

    increment: Number
    """Maintenance doses are whole multiples of this."""
    intervals_h: tuple[Annotated[float, Field(gt=0)], ...]
    """In order of preference where exposure does not decide."""
    intervals_source: Text
    per_dose_mg_kg: Span | None = None
    """Usual single maintenance dose by actual weight; searched first, left only if nothing in it is near
    the target."""
    labelled_mg: tuple[Annotated[float, Field(gt=0)], ...] = ()
    """Single doses with which the label begins, the preferred first; of ``judgement.until_level``."""
    labelled_daily_mg_kg: Span | None = None
    """Daily dose by actual weight with which the label begins; of ``judgement.until_level``."""
    keeps_interval: bool = False
    """True: a search keeps the order's interval where it is one of ``intervals_h``."""
    usual_only: bool = False
    """True: nothing outside ``per_dose_mg_kg`` is proposed, however well it would fit."""
    most_per_dose: Number
    """No single maintenance dose above this is proposed, mg."""
    products: Text
    """What is stocked, in words."""
    strengths_mg: tuple[Annotated[float, Field(gt=0)], ...] = ()
    """Units that a dose is put together from (tablets, vials); empty: any multiple of the increment."""
    most_units: Annotated[int, Field(gt=0)] = 10
    """A dose of more units is not proposed."""
    oral: OralDosing | None = None
    """What differs for oral doses where this section describes infusions."""
    either_route: bool = False
    """True: a search may change between the supported routes."""
    clock_hours: tuple[Annotated[float, Field(ge=0, lt=24)], ...] = ()
    """Hours of the day at which the first dose may be given, where the model depends on the clock."""
    bands: Bands | None = None


class Infusion(Part):
    """How fast an infusion may run."""

    max_rate: Number
    """mg/min."""
    min_duration: Number
    """h."""
    step: Number
    """h; proposed infusion lengths are multiples of this."""
    continuous: Text
    """Why an infusion without a pause is not answered, as a sentence for the prescriber."""
    prolonged_h: tuple[Annotated[float, Field(gt=0, le=24)], ...] = ()
    """Longer lengths that a search may propose; one as long as the interval is a continuous infusion."""
    most_concentrated: Number | None = None
    """mg/mL of the bag."""
    most_volume: Number | None = None
    """mL of one dose."""
    most_volume_rate: Number | None = None
    """mL/h."""


class RenalLimit(Part):
    """What a day may hold where the kidneys clear little."""

    below: Number
    """mL/min; creatinine clearance by Cockcroft and Gault with the actual weight."""
    daily: Number | None = None
    """mg per 24 h."""
    daily_per_kg: Number | None = None
    """mg/kg per 24 h, actual weight."""

    @model_validator(mode="after")
    def _one_of_both(self) -> RenalLimit:
        if (self.daily is None) == (self.daily_per_kg is None):
            raise ValueError("a renal limit is either a daily dose or one by weight")
        return self

    def daily_mg(self, weight_kg: float) -> float:
        """mg per 24 h at this weight."""
        per_kg = self.daily_per_kg.value * weight_kg if self.daily_per_kg is not None else 0.0
        return self.daily.value if self.daily is not None else per_kg


class Limits(Part):
    """Bounds that no suggestion passes, whatever a model says."""

    single: Number
    """mg."""
    daily: Number
    """mg per 24 h."""
    daily_per_kg: Number
    """mg/kg per 24 h, actual weight."""
    single_per_kg: Number | None = None
    """mg/kg of one dose, actual weight."""
    in_words: str = ""
    """The limit of a day as prescribers know it, where doses are weeks apart: ``10 mg/kg every 4 weeks``."""
    step_up: Number | None = None
    """Highest ratio of a new daily dose to the one that the patient is on."""
    renal: tuple[RenalLimit, ...] = ()
    """By falling creatinine clearance, each with less a day than the one before."""

    @model_validator(mode="after")
    def _renal_limits_fall(self) -> Limits:
        for before, after in pairwise(self.renal):
            if (before.daily is None) != (after.daily is None):
                raise ValueError("renal: all by weight or none")
            if not (after.below.value < before.below.value and after.daily_mg(1.0) < before.daily_mg(1.0)):
                raise ValueError("renal: not in order of falling clearance and daily dose")
        return self


class Induction(Part):
    """The first doses of a treatment, at times of their own, before the regular ones."""

    starts: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=2)]
    """h after the first dose, ascending, the first 0."""
    pause_h: Annotated[float, Field(gt=0)] | None = None
    """h from the last of these to the first regular dose; None: the regular interval."""
    text: Text
    """How it goes, as a sentence for the prescriber."""
    source: Text

    @model_validator(mode="after")
    def _ascending(self) -> Induction:
        if self.starts[0] != 0.0 or list(self.starts) != sorted(set(self.starts)):
            raise ValueError("starts: not ascending from 0")
        return self


class Loading(Part):
    """The loading dose of a treatment that is not running."""

    per_kg: Span
    """mg/kg of actual weight."""
    obesity_per_kg: Span
    obesity_bmi: Number
    """kg/m²; from here on ``obesity_per_kg`` holds."""
    cap: Number
    """mg."""
    increment: Number
    when: Text
