"""What differs for the young: sections of a drug file that an age group has of its own.

A child is no small adult: other models, aims, steps of dose and limits hold. An age group gives those
sections whole, and everything else is the file's. Nothing is merged inside a section, so that what a
pharmacist reads under the group is what holds there.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from dosing_core.library.averaged import AveragedModel
from dosing_core.library.monitoring import Freshness, LeastClearance, LevelRules, Sampling
from dosing_core.library.products import Dosing, Infusion, Limits, Loading
from dosing_core.library.sourced import Number, Part, Text
from dosing_core.library.targets import HarmfulTrough, Judgement, TargetRule

MAY_BE_NULL = ("loading", "least_clearance")
"""Sections that a group may say it does not have."""
OWN = ("name", "below", "refused")
"""Fields of a group that are no section of the file."""


class AgeGroup(Part):
    """People below an age and not below that of the group before."""

    name: Text
    """In words: "newborns and infants below 3 months"."""
    below: Number
    """Years."""
    refused: str = ""
    """Why nothing here holds for them, as a sentence for the prescriber; empty: the sections do."""
    dosing: Dosing | None = None
    infusion: Infusion | None = None
    limits: Limits | None = None
    loading: Loading | None = None
    """Given as null: no loading dose at this age."""
    targets: tuple[TargetRule, ...] | None = Field(default=None, min_length=1)
    judgement: Judgement | None = None
    freshness: tuple[Freshness, ...] | None = None
    least_clearance: LeastClearance | None = None
    """Given as null: no such bound at this age, as where creatinine clearance is no measure."""
    levels: LevelRules | None = None
    sampling: Sampling | None = None
    warnings_above: tuple[Text, ...] | None = None
    harmful_troughs: tuple[HarmfulTrough, ...] | None = None
    assumptions: tuple[Text, ...] | None = None
    pharmacist: tuple[Text, ...] | None = None
    patient: tuple[Text, ...] | None = None
    default_model: str | None = None
    averaged: tuple[AveragedModel, ...] | None = None

    @property
    def sections(self) -> dict[str, Any]:
        """The sections that the group has of its own."""
        return {name: getattr(self, name) for name in self.model_fields_set if name not in OWN}

    @model_validator(mode="after")
    def _says_something(self) -> AgeGroup:
        if bool(self.refused) == bool(self.sections):
            raise ValueError("an age group is either refused or has sections of its own")
        absent = [name for name, value in self.sections.items() if value is None and name not in MAY_BE_NULL]
        if absent:
            raise ValueError(f"{absent[0]}: empty; leave it out, and the file's own holds")
        if "default_model" in self.sections and "averaged" not in self.sections:
            raise ValueError("averaged: a group with its own default model says which others speak beside it")
        return self
