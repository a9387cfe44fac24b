"""The form of a drug file: what a pharmacist reviews and the core obeys.

Every number carries its source and how far it can be trusted. A number of low confidence has no place among
the numbers: it may stand in a note. What no paper settles is project policy, and says why.
"""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from dosing_core.case import ConditionName, CovariateName, Metric, Route
from dosing_core.library.interaction import Interaction
from dosing_core.library.sourced import Number, Span, Text
from dosing_core.library.sourced import Part as _Part
from dosing_core.population.model import PopulationModel
from dosing_core.recommendation import Display


class Review(_Part):
    """Who has looked at this file. ``transcribed``: nobody but its author has."""

    status: Literal["transcribed", "reviewed"]
    reviewers: tuple[Text, ...] = ()
    note: str = ""

    @model_validator(mode="after")
    def _a_review_has_a_reviewer(self) -> Review:
        if self.status == "reviewed" and not self.reviewers:
            raise ValueError("a reviewed file names its reviewers")
        return self


class DrugDisplay(_Part):
    """How clinicians read this drug's numbers; multiply mg/L by the factor to get the unit."""

    drug_name: Text
    concentration_unit: Text
    concentration_factor: Annotated[float, Field(gt=0)]
    dose_unit: Literal["mg"] = "mg"


class Combination(_Part):
    """A product that holds a second drug in a fixed ratio, whose doses may be written as the sum of both."""

    with_drug: Text
    """The second drug, as product names have it."""
    sum_over_own: Number
    """Sum of both over this drug alone."""
    own_mg: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]
    """Doses of this drug alone that the products give; their sums are read as sums, anything else of such a
    product is not read."""


class Identity(_Part):
    """Codes and names by which an order is recognised as this drug (ingredient level)."""

    rxnorm: tuple[Text, ...]
    atc: tuple[Text, ...]
    snomed: tuple[Text, ...] = ()
    names: tuple[Text, ...]
    """Lower case, the plain name first."""
    combination: Combination | None = None
    source: Text


class RouteRule(_Part):
    """Whether an order by this route is answered, and what past doses by it mean."""

    route: Route
    supported: bool
    reason: str = ""
    """Why not, as a sentence for the prescriber."""
    past_doses: Literal["count", "ignore", "block"]
    """``ignore``: they do not reach the blood. ``block``: they do, and no model here says how."""

    @model_validator(mode="after")
    def _refusal_has_a_reason(self) -> RouteRule:
        if not self.supported and not self.reason:
            raise ValueError("a route out of scope needs its reason")
        if self.supported and self.past_doses != "count":
            raise ValueError("past doses of a supported route count")
        return self


class OralDosing(_Part):
    """Doses and intervals by mouth."""

    increment: Number
    intervals_h: tuple[Annotated[float, Field(gt=0)], ...]
    most_per_dose: Number
    strengths_mg: tuple[Annotated[float, Field(gt=0)], ...] = ()


class Bands(_Part):
    """Ready-made doses that stand in for every exact dose near them (dose banding)."""

    doses_mg: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]
    """Ascending."""
    source: Text

    @model_validator(mode="after")
    def _ascending(self) -> Bands:
        if list(self.doses_mg) != sorted(set(self.doses_mg)):
            raise ValueError("doses_mg: not ascending")
        return self


class Dosing(_Part):
    """Which regimens a search may propose."""

    increment: Number
    """Maintenance doses are whole multiples of this."""
    intervals_h: tuple[Annotated[float, Field(gt=0)], ...]
    """In order of preference where exposure does not decide."""
    intervals_source: Text
    per_dose_mg_kg: Span | None = None
    """Usual single maintenance dose by actual weight; searched first, left only if nothing in it is near
    the target."""
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


class Infusion(_Part):
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


class RenalLimit(_Part):
    """What a day may hold where the kidneys clear little."""

    below: Number
    """mL/min; creatinine clearance by Cockcroft and Gault with the actual weight."""
    daily: Number
    """mg per 24 h."""


class Limits(_Part):
    """Bounds that no suggestion passes, whatever a model says."""

    single: Number
    """mg."""
    daily: Number
    """mg per 24 h."""
    daily_per_kg: Number
    """mg/kg per 24 h, actual weight."""
    step_up: Number | None = None
    """Highest ratio of a new daily dose to the one that the patient is on."""
    renal: tuple[RenalLimit, ...] = ()
    """By falling creatinine clearance, each with less a day than the one before."""

    @model_validator(mode="after")
    def _renal_limits_fall(self) -> Limits:
        for before, after in pairwise(self.renal):
            if not (after.below.value < before.below.value and after.daily.value < before.daily.value):
                raise ValueError("renal: not in order of falling clearance and daily dose")
        return self


class Loading(_Part):
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


class TargetRule(_Part):
    """An exposure to aim at, and for whom."""

    id: Text
    metric: Metric
    range: Span
    """In the metric's unit: mg·h/L, mg/L, a fraction, or the output's own. A one-sided aim names the natural
    bound as its other end."""
    indication: Text
    indications: tuple[Text, ...] = ()
    """The case's indications for which this aim is chosen before any other; empty: it is not chosen so."""
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
    first_weeks_after_transplant: Annotated[float, Field(gt=0)] | None = None
    """If set, the target holds only for so many weeks after the transplantation."""
    note: str = ""

    @model_validator(mode="after")
    def _says_what_it_needs(self) -> TargetRule:
        if self.metric == "cumulative_auc" and self.course is None:
            raise ValueError("course: a cumulative area needs the length of its course")
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


class Judgement(_Part):
    """How regimens are compared. Loss: weight · ln(limit / exposure) outside the target, plus a pull to its
    middle (see ``dosing_core.goals.loss``)."""

    loss: Literal["window", "attainment"] = "window"
    """``attainment``: 0 inside the target and the weight outside, however far."""
    below_weight: Number
    above_weight: Number
    centre_weight: Number
    harm_weight: Number | None = None
    """Weight of the chance of a trough above the lowest of ``harmful_troughs``, beside the target's own loss.
    None: such a trough is named and does not decide."""
    relevant_chance: Number
    """A change matters to a prescriber if it raises the chance of being inside the target by this …"""
    relevant_outside: Number
    """… or if the order's median exposure lies outside the target by more than this fraction of its limit."""
    same_dose: Number
    """Regimens whose daily doses differ by less than this fraction count as the same."""


class Freshness(_Part):
    """How old a covariate may be, in h, and whether a dose needs it."""

    name: CovariateName
    max_age: Number
    required: bool


class Exclusion(_Part):
    """A state in which no model of this file holds."""

    condition: ConditionName
    reason: Text


class RisingCreatinine(_Part):
    """What follows when creatinine rises."""

    rule: Literal["kdigo_2012"]
    """0.3 mg/dL within 48 h, or 1.5 times within 7 days (``physiology.creatinine_trend``)."""
    source: Text
    action: Literal["pause", "warn"]
    """``pause``: no dose is optimised on it. ``warn``: said beside the answer."""
    text: Text


class LevelError(_Part):
    """Error of a level that was drawn and charted as intended. A published residual error also holds wrong
    times and wrong lines; judged by it, no level would ever look implausible."""

    additive: Number
    """mg/L."""
    proportional: Number


class HighLevel(_Part):
    """When a level is so high that the next dose waits, whatever regimen follows."""

    trough: Number | None = None
    """mg/L, the highest trough aimed at; None where the target is a trough and says so itself."""
    factor: Number
    """A level just before a dose above this many times that trough is far too high."""


class LevelRules(_Part):
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
    oldest: Number
    """h; older levels are left out."""
    most: Number
    """So many of the last levels are used."""


class Rounds(_Part):
    """When a ward draws blood."""

    clock_hours: tuple[Annotated[float, Field(ge=0, lt=24)], ...] = ()
    """Hours of the local day; empty: at any."""
    after_dose_h: tuple[Annotated[float, Field(ge=0)], ...] = ()
    """Hours after a dose has ended at which a sample beside the trough makes sense."""
    source: Text


class Sampling(_Part):
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


class HarmfulTrough(_Part):
    """A concentration before a dose from which on harm is to be expected."""

    above: Number
    """mg/L, total."""
    text: Text
    """What to know and do, as a sentence for the prescriber."""


class SteepPoint(_Part):
    """An exposure or effect at which something begins."""

    metric: Metric
    output: str = ""
    level: Number
    text: Text
    """What it means, for a reader: "90 % of the greatest effect"."""


class SteepnessRule(_Part):
    """Between which two points the margin of a dose is measured."""

    benefit: SteepPoint
    harm: SteepPoint


class IndividualRule(_Part):
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


class SourceReference(_Part):
    """A paper, label or guideline that a reader can look up."""

    text: Text
    url: str = ""


class AveragedModel(_Part):
    """A model that speaks beside the default one."""

    model: Text
    """Id."""
    prior_weight: Number
    """Its weight before applicability and levels; the default's is 1."""


class DrugFile(_Part):
    """All that Dosewright knows about one drug."""

    schema_version: Literal["1"]
    drug: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    version: Text
    review: Review
    display: DrugDisplay
    identity: Identity
    youngest_age: Number
    """Years; below, no model here holds."""
    routes: tuple[RouteRule, ...]
    required_condition: ConditionName | None = None
    """The models hold only for patients with it."""
    earlier_doses: Literal["none", "alike_since_transplant"]
    """What is taken of the time before the first dose on record: nothing given, or the same dose from the day
    after the transplantation on."""
    dosing: Dosing
    infusion: Infusion | None = None
    limits: Limits
    loading: Loading | None = None
    targets: Annotated[tuple[TargetRule, ...], Field(min_length=1)]
    """The last one is the default; earlier ones win where their condition holds."""
    judgement: Judgement
    freshness: tuple[Freshness, ...]
    exclusions: tuple[Exclusion, ...]
    rising_creatinine: RisingCreatinine | None = None
    levels: LevelRules
    sampling: Sampling
    steepness: SteepnessRule | None = None
    individual_target: IndividualRule | None = None
    horizon: Number | None = None
    """h after the next dose at which a regimen is judged where no steady state exists in closed form."""
    occasion_cv: Number | None = None
    """Coefficient of variation of exposure within a patient from week to week, where the model leaves it out.
    Widens what is predicted, never sharpens it."""
    warnings_above: tuple[Text, ...] = ()
    """Shown where the order, or without one the advised regimen, is likelier than not above the target."""
    harmful_troughs: tuple[HarmfulTrough, ...] = ()
    """Shown, the highest one reached, where the median trough of the order, or without one of the advised
    regimen, lies above it."""
    interactions: tuple[Interaction, ...] = ()
    """Other drugs that change this one's exposure."""
    assumptions: tuple[Text, ...] = ()
    """What every answer takes for granted."""
    pharmacist: tuple[Text, ...] = ()
    """What a pharmacist who reviews the answer should know."""
    patient: tuple[Text, ...] = ()
    """What the patient should know or do."""
    references: tuple[SourceReference, ...]
    default_model: Text
    averaged: tuple[AveragedModel, ...] = ()
    """Models that speak beside the default; others of the file only speak when asked for by name."""
    models: Annotated[tuple[PopulationModel, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _holds_together(self) -> DrugFile:
        supported = {rule.route for rule in self.routes if rule.supported}
        if not supported:
            raise ValueError("routes: none is supported")
        if "iv" in supported and self.infusion is None:
            raise ValueError("infusion: an infused drug needs its rules")
        ids = [model.id for model in self.models]
        if len(set(ids)) != len(ids):
            raise ValueError("models: an id appears twice")
        for place, model in enumerate(self.models):
            if model.incomplete:
                raise ValueError(f"models.{place}.{model.incomplete[0]}: obligatory in the library")
        if self.default_model not in ids:
            raise ValueError(f"default_model: no model is called {self.default_model!r}")
        if next(m for m in self.models if m.id == self.default_model).confidence == "low":
            raise ValueError("default_model: a model of low confidence is not a default")
        self._averaged_hold()
        if self.judgement.harm_weight is not None and not self.harmful_troughs:
            raise ValueError("judgement.harm_weight: no harmful_troughs say what harms")
        if self.targets[-1].first_weeks_after_transplant is not None:
            raise ValueError("targets: the last one, the default, must not depend on time")
        if self.dosing.most_per_dose.value > self.limits.single.value:
            raise ValueError("dosing.most_per_dose: above limits.single")
        high = self.levels.high
        if high and high.trough is None and any(rule.metric != "trough" for rule in self.targets):
            raise ValueError("levels.high.trough: a target that is no trough does not say what is high")
        if self.loading and self.loading.cap.value > self.limits.single.value:
            raise ValueError("loading.cap: above limits.single")
        return self

    def _averaged_hold(self) -> None:
        """Raises ``ValueError`` if a model that is to be averaged cannot be."""
        names = [one.model for one in self.averaged]
        if len(set(names)) != len(names) or self.default_model in names:
            raise ValueError("averaged: each model once, and the default not again")
        for one in self.averaged:
            model = next((model for model in self.models if model.id == one.model), None)
            if model is None:
                raise ValueError(f"averaged: no model is called {one.model!r}")
            if model.use != "estimation" or model.confidence == "low":
                raise ValueError(f"averaged: {one.model} may not be held against levels")
            if one.prior_weight.value <= 0:
                raise ValueError(f"averaged: the weight of {one.model} must be positive")

    @property
    def asked(self) -> tuple[tuple[PopulationModel, float], ...]:
        """The models that are asked unless a case names one, with their weights, the default first."""
        by_name = {model.id: model for model in self.models}
        others = ((by_name[one.model], one.prior_weight.value) for one in self.averaged)
        return ((by_name[self.default_model], 1.0), *others)

    @property
    def model(self) -> PopulationModel:
        """The model that speaks unless a patient calls for another."""
        return next(model for model in self.models if model.id == self.default_model)

    @property
    def as_display(self) -> Display:
        """What a recommendation carries about reading its numbers."""
        return Display.model_validate(self.display.model_dump())

    def route(self, route: Route) -> RouteRule | None:
        """The rule of a route, or None if the file does not mention it."""
        return next((rule for rule in self.routes if rule.route == route), None)

    @property
    def main_route(self) -> Route:
        """The supported route; the first if there are several."""
        return next(rule.route for rule in self.routes if rule.supported)

    def max_age_h(self, name: CovariateName) -> float | None:
        """How old this covariate may be, h; None: any age."""
        return next((rule.max_age.value for rule in self.freshness if rule.name == name), None)

    def target(self, transplanted_at: datetime | None, now: datetime) -> TargetRule:
        """The target that holds now; the default where the day of transplantation is not known."""
        if transplanted_at is not None:
            weeks = (now - transplanted_at).total_seconds() / (7 * 24 * 3600)
            for rule in self.targets[:-1]:
                if (
                    rule.first_weeks_after_transplant is not None
                    and 0 <= weeks < rule.first_weeks_after_transplant
                ):
                    return rule
        return self.targets[-1]
