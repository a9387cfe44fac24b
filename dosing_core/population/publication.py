"""What a paper says of its model: fixed effects, whom it was built from, and numbers to check against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Protocol

from pydantic import Field

from dosing_core.case import ConditionName
from dosing_core.population.covariate import Covariate, Limit
from dosing_core.population.record import Finite, Record


class Theta(Record):
    """One fixed effect."""

    value: Finite
    unit: str = ""
    """Obligatory in the library."""
    note: str = ""
    source: str = ""


class ModelPopulation(Record):
    """Who the model was built from, and whom it may be used for."""

    description: str = ""
    subjects: Annotated[int, Field(gt=0)] | None = None
    """None: not named where the model was read."""
    observations: Annotated[int, Field(gt=0)] | None = None
    limits: tuple[Limit, ...] = ()
    requires: tuple[ConditionName, ...] = ()
    """Conditions without which the model must not speak."""
    excludes: tuple[ConditionName, ...] = ()
    """Conditions with which the model must not speak."""


class Described(Protocol):
    """A model or rule, as far as it says whom it is for."""

    @property
    def covariates(self) -> Mapping[str, Covariate]: ...

    @property
    def population(self) -> ModelPopulation: ...


class ModelReference(Record):
    """The paper."""

    citation: str = ""
    doi: str = ""
    pmid: str = ""
    erratum_pmid: str = ""


class TypicalCheck(Record):
    """Inputs and the typical values that a public implementation computes from them, six digits."""

    inputs: dict[str, Finite]
    typical_values: dict[str, Finite]
    source: str
