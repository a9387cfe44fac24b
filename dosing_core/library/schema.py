"""The form of a drug file: what a pharmacist reviews and the core obeys.

Every number carries its source and how far it can be trusted. A number of low confidence has no place among
the numbers: it may stand in a note. What no paper settles is project policy, and says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from dosing_core.case import Condition, ConditionName, CovariateName, Route
from dosing_core.library.ages import AgeGroup
from dosing_core.library.averaged import AveragedModel
from dosing_core.library.identity import DrugDisplay, Identity, Review, RouteRule, SourceReference
from dosing_core.library.interaction import Interaction
from dosing_core.library.monitoring import (
    Exclusion,
    Freshness,
    Immunogenicity,
    LeastClearance,
    LevelRules,
    Lookback,
    RisingCreatinine,
    Sampling,
)
from dosing_core.library.products import Dosing, Induction, Infusion, Limits, Loading
from dosing_core.library.rules import DosingRule
from dosing_core.library.sourced import Number, Part, Text
from dosing_core.library.targets import HarmfulTrough, IndividualRule, Judgement, SteepnessRule, TargetRule
from dosing_core.library.unmodelled import JUDGEMENT, LEVELS, SAMPLING
from dosing_core.population.model import PopulationModel
from dosing_core.recommendation import Display


class DrugFile(Part):
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
    earlier_doses: Literal["none", "none_and_said", "alike_since_transplant"]
    """What is taken of the time before the first dose on record: nothing; nothing, which the answer then
    names, as such drugs are taken for years; or the same dose from the day after the transplantation on."""
    dosing: Dosing
    infusion: Infusion | None = None
    limits: Limits
    loading: Loading | None = None
    induction: Induction | None = None
    lookback: Lookback | None = None
    """None: a month of levels and six weeks of doses, enough where doses are hours or days apart."""
    started_slowly: Text | None = None
    """How a treatment is begun, in words: its first doses follow a fixed scheme and not exposure, so that a
    treatment of which no dose is on record is not individualised."""
    targets: tuple[TargetRule, ...] = ()
    """The last one is the default; earlier ones win where their condition holds. A model needs one."""
    judgement: Judgement = JUDGEMENT
    """A file with models says its own, as it does for ``levels`` and ``sampling``."""
    freshness: tuple[Freshness, ...]
    exclusions: tuple[Exclusion, ...]
    least_clearance: LeastClearance | None = None
    rising_creatinine: RisingCreatinine | None = None
    levels: LevelRules = LEVELS
    sampling: Sampling = SAMPLING
    immunogenicity: Immunogenicity | None = None
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
    orders: tuple[Literal["repeating", "single"], ...] = ("repeating",)
    """Kinds of order that are answered. A single dose has no steady state: only rules speak of it."""
    rules: tuple[DosingRule, ...] = ()
    """Published formulas, tables and rules; the first that has something to say speaks."""
    leading: Literal["models", "rules", "rules_until_levels"] = "models"
    """Who speaks where a file has both; the other stands beside the answer. ``rules_until_levels``: the rules
    set the start, and a measured level or effect hands over to the models."""
    default_model: str = ""
    """Of a file with models: the one that speaks."""
    averaged: tuple[AveragedModel, ...] = ()
    """Models that speak beside the default; others of the file only speak when asked for by name."""
    models: tuple[PopulationModel, ...] = ()
    """May be empty where there are ``rules``."""
    ages: tuple[AgeGroup, ...] = ()
    """What differs for the young, the youngest group first."""

    @model_validator(mode="after")
    def _holds_together(self) -> DrugFile:
        self._check()
        for before, after in pairwise(self.ages):
            if before.below.value >= after.below.value:
                raise ValueError("ages: not in order of age")
        for place, group in enumerate(self._of_ages):
            try:
                group._check()
            except ValueError as error:
                raise ValueError(f"ages.{place}.{error}") from error
        return self

    def _check(self) -> None:
        """Raises ``ValueError`` if sections contradict each other."""
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
        self._speakers_hold(ids)
        self._averaged_hold()
        if self.judgement.harm_weight is not None and self.harmful_trough is None:
            raise ValueError("judgement.harm_weight: no harmful_troughs say what harms")
        if self.targets and self.targets[-1].first_weeks_after_transplant is not None:
            raise ValueError("targets: the last one, the default, must not depend on time")
        if self.dosing.most_per_dose.value > self.limits.single.value:
            raise ValueError("dosing.most_per_dose: above limits.single")
        high = self.levels.high
        if high and high.trough is None and any(rule.metric != "trough" for rule in self.targets):
            raise ValueError("levels.high.trough: a target that is no trough does not say what is high")
        if self.lookback and self.lookback.levels.value < self.levels.oldest.value:
            raise ValueError("lookback.levels: older levels count by levels.oldest and would not be read")
        if self.loading and self.loading.cap.value > self.limits.single.value:
            raise ValueError("loading.cap: above limits.single")

    def _speakers_hold(self, models: list[str]) -> None:
        """Raises ``ValueError`` if nobody could speak, or what a speaker needs is not there."""
        rules = [rule.id for rule in self.rules]
        if len(set(rules)) != len(rules):
            raise ValueError("rules: an id appears twice")
        for place, rule in enumerate(self.rules):
            aim = rule.aim
            if aim is not None and aim.target not in [target.id for target in self.targets]:
                raise ValueError(f"rules.{place}.aim.target: no target is called {aim.target!r}")
        if not models:
            if not rules:
                raise ValueError("models: a file without models needs rules")
            if self.default_model or self.leading == "rules_until_levels":
                raise ValueError("default_model: there is no model")
            return
        if self.default_model not in models:
            raise ValueError(f"default_model: no model is called {self.default_model!r}")
        if next(m for m in self.models if m.id == self.default_model).confidence == "low":
            raise ValueError("default_model: a model of low confidence is not a default")
        for name in ("targets", "judgement", "levels", "sampling"):
            if getattr(self, name) in ((), JUDGEMENT, LEVELS, SAMPLING):
                raise ValueError(f"{name}: obligatory where there are models")
        if self.leading != "models" and not rules:
            raise ValueError("leading: there are no rules")
        if self.orders != ("repeating",) and self.leading != "rules":
            raise ValueError("orders: models speak of repeating orders only")

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

    @cached_property
    def _of_ages(self) -> tuple[DrugFile, ...]:
        """The file as it reads for each age group."""
        return tuple(self.model_copy(update=group.sections) for group in self.ages)

    def _group_of(self, age_years: float | None) -> int | None:
        if age_years is None:
            return None
        return next((place for place, one in enumerate(self.ages) if age_years < one.below.value), None)

    def at_age(self, age_years: float | None) -> DrugFile:
        """The file as it reads for somebody of this age, years; the file itself for an unknown one."""
        place = self._group_of(age_years)
        return self if place is None else self._of_ages[place]

    def refused_at(self, age_years: float | None) -> str:
        """Why nothing here holds at this age, years, as a sentence; empty if something does."""
        place = self._group_of(age_years)
        return "" if place is None else self.ages[place].refused

    @property
    def asked(self) -> tuple[tuple[PopulationModel, float], ...]:
        """The models that are asked unless a case names one, with their weights, the default first."""
        by_name = {model.id: model for model in self.models}
        if not by_name:
            return ()
        others = ((by_name[one.model], one.prior_weight.value) for one in self.averaged)
        return ((by_name[self.default_model], 1.0), *others)

    @property
    def model(self) -> PopulationModel | None:
        """The model that speaks unless a patient calls for another; None if there is none."""
        return next((model for model in self.models if model.id == self.default_model), None)

    @property
    def harmful_trough(self) -> float | None:
        """The lowest trough that counts as harm where regimens are compared, mg/L; None: none does."""
        return min((one.above.value for one in self.harmful_troughs if one.counts), default=None)

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

    @property
    def usual_intervals_h(self) -> tuple[float, ...]:
        """Intervals by all routes, the preferred one first."""
        oral = self.dosing.oral.intervals_h if self.dosing.oral is not None else ()
        return tuple(dict.fromkeys((*self.dosing.intervals_h, *oral)))

    def max_age_h(self, name: CovariateName) -> float | None:
        """How old this covariate may be, h; None: any age."""
        return next((rule.max_age.value for rule in self.freshness if rule.name == name), None)

    def target(self, conditions: Sequence[Condition], now: datetime) -> TargetRule:
        """The target that holds now for somebody with these conditions and no stated indication; the default
        where no other holds, or the day that it depends on is not known."""
        return next(
            (rule for rule in self.targets[:-1] if self._holds(rule, conditions, now)), self.targets[-1]
        )

    def _holds(self, rule: TargetRule, conditions: Sequence[Condition], now: datetime) -> bool:
        if rule.indications or (rule.condition is None and rule.first_weeks_after_transplant is None):
            return False
        named = rule.condition or self.required_condition
        own = [condition for condition in conditions if condition.name == named]
        if rule.first_weeks_after_transplant is None:
            return bool(own)
        begun = next((condition.time for condition in own if condition.time is not None), None)
        weeks = (now - begun) / timedelta(weeks=1) if begun is not None else -1.0
        return 0.0 <= weeks < rule.first_weeks_after_transplant
