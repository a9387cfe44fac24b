"""Numbers of a drug file: none without its unit, its source and how far it can be trusted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from dosing_core.value import Value

Confidence = Literal["high", "medium", "policy"]
Text = Annotated[str, Field(min_length=1)]
POLICY = "project policy: "


class Part(Value):
    """A part of a drug file: types are taken at their word, a number written as text is refused."""

    model_config = ConfigDict(strict=True)


class Sourced(Part):
    unit: Text
    source: Annotated[str, Field(min_length=8)]
    """Paper, label or guideline; or ``project policy:`` and the reason."""
    confidence: Confidence

    @model_validator(mode="after")
    def _policy_says_so(self) -> Sourced:
        if (self.confidence == "policy") != self.source.startswith(POLICY):
            raise ValueError(f"confidence is 'policy' exactly if the source starts with {POLICY!r}")
        return self


class Number(Sourced):
    """One number with its unit, source and confidence."""

    value: float


class Span(Sourced):
    """A lowest and a highest value with their unit, source and confidence."""

    low: float
    high: float

    @model_validator(mode="after")
    def _in_order(self) -> Span:
        if self.low > self.high:
            raise ValueError("low is above high")
        return self
