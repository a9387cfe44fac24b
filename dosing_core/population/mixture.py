"""Populations that one normal distribution does not describe: subpopulations, and support points."""

from __future__ import annotations

import math
from typing import Annotated, Self

from pydantic import Field, model_validator

from dosing_core.population.publication import Theta
from dosing_core.population.record import Finite, Record

MOST_POINTS = 1_000
"""Project policy: non-parametric fits have about as many points as subjects."""
_Share = Annotated[float, Field(gt=0, le=1)]


class Subpopulation(Record):
    """One of several kinds of people, whom nothing on record tells apart."""

    name: str
    probability: _Share
    theta: dict[str, Theta] = Field(default_factory=dict)
    """Fixed effects in which it differs."""


class SupportTable(Record):
    """A non-parametric population: so many people, each with a probability, and nobody between them."""

    theta: Annotated[tuple[str, ...], Field(min_length=1)]
    """Fixed effects that the points give."""
    points: Annotated[tuple[tuple[Finite, ...], ...], Field(min_length=1, max_length=MOST_POINTS)]
    """Each: its probability, then a value for each of ``theta``."""

    @model_validator(mode="after")
    def _a_table(self) -> Self:
        if len(set(self.theta)) != len(self.theta):
            raise ValueError("theta: a name is there twice")
        for place, point in enumerate(self.points):
            if len(point) != 1 + len(self.theta):
                raise ValueError(f"points.{place}: a probability and {len(self.theta)} values are wanted")
            if not 0 < point[0] <= 1:
                raise ValueError(f"points.{place}: a probability of {point[0]:g}")
        check_sum("points", [point[0] for point in self.points])
        return self

    def mean(self) -> dict[str, float]:
        """The probability-weighted mean of each theta."""
        return {
            name: math.fsum(point[0] * point[1 + place] for point in self.points)
            for place, name in enumerate(self.theta)
        }


def check_sum(place: str, probabilities: list[float]) -> None:
    """Raises ``ValueError`` if probabilities do not sum to 1 as exactly as they are usually printed."""
    if not math.isclose(math.fsum(probabilities), 1.0, abs_tol=1e-3):
        raise ValueError(f"{place}: probabilities sum to {math.fsum(probabilities):.6g}, not to 1")
