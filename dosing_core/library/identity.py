"""Whom and what a drug file is about: names and codes, routes, who has looked at it, what it rests on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from dosing_core.case import Route
from dosing_core.library.sourced import Number, Part, Text


class Review(Part):
    """Who has looked at this file. ``transcribed``: nobody but its author has."""

    status: Literal["transcribed", "reviewed"]
    reviewers: tuple[Text, ...] = ()
    note: str = ""

    @model_validator(mode="after")
    def _a_review_has_a_reviewer(self) -> Review:
        if self.status == "reviewed" and not self.reviewers:
            raise ValueError("a reviewed file names its reviewers")
        return self


class DrugDisplay(Part):
    """How clinicians read this drug's numbers; multiply mg/L by the factor to get the unit."""

    drug_name: Text
    concentration_unit: Text
    concentration_factor: Annotated[float, Field(gt=0)]
    dose_unit: Literal["mg", "µg", "micrograms"] = "mg"
    """In which doses are read; the file's own numbers are mg all the same. Where a slip of µg for mg would be
    grave, the word is written out."""
    dose_factor: Annotated[float, Field(gt=0)] = 1.0
    """Multiply mg by this to get ``dose_unit``."""
    auc_unit: str = ""
    auc_factor: Annotated[float, Field(gt=0)] = 1.0
    """Of areas, where clinicians read another unit than the one of concentrations with h: multiply mg·h/L."""

    @model_validator(mode="after")
    def _units_agree(self) -> DrugDisplay:
        if self.dose_factor != {"mg": 1.0, "µg": 1000.0, "micrograms": 1000.0}[self.dose_unit]:
            raise ValueError("dose_factor: 1 of mg and 1000 of micrograms")
        if not self.auc_unit and self.auc_factor != 1.0:
            raise ValueError("auc_unit: missing")
        return self


class Combination(Part):
    """A product that holds a second drug in a fixed ratio, whose doses may be written as the sum of both."""

    with_drug: Text
    """The second drug, as product names have it."""
    sum_over_own: Number
    """Sum of both over this drug alone."""
    own_mg: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]
    """Doses of this drug alone that the products give; their sums are read as sums, anything else of such a
    product is not read."""


class Identity(Part):
    """Codes and names by which an order is recognised as this drug (ingredient level)."""

    rxnorm: tuple[Text, ...]
    atc: tuple[Text, ...]
    snomed: tuple[Text, ...] = ()
    names: tuple[Text, ...]
    """Lower case, the plain name first."""
    combination: Combination | None = None
    source: Text


class RouteRule(Part):
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


class SourceReference(Part):
    """A paper, label or guideline that a reader can look up."""

    text: Text
    url: str = ""
