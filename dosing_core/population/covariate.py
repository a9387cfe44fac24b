"""``Covariate``: one input of a model's equations, and the ranges within which the model was built."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dosing_core.case import ConditionName
from dosing_core.physiology.body_size import WeightChoice
from dosing_core.population.quantity import QUANTITIES, YES_NO, Quantity
from dosing_core.population.record import Finite, Positive, Record

RenalEquation = Literal[
    "cockcroft_gault",
    "ckd_epi_2021",
    "ckd_epi_2021_creatinine_cystatin_c",
    "ckd_epi_2012_cystatin_c",
    "bedside_schwartz",
    "ckid_u25",
    "ekfc",
    "measured",
]
Surface = Literal["dubois", "mosteller", "haycock"]

OPTIONS = (
    "as_given",
    "weight",
    "equation",
    "surface",
    "drugs",
    "condition",
    "gene",
    "values",
    "creatinine_floor",
)
"""Fields that belong to some quantities only."""
CLEARANCE_EQUATIONS = ("cockcroft_gault", "ckd_epi_2021")
"""Those by which a creatinine clearance may be had."""


class CreatinineFloor(Record):
    """Above this age, a creatinine below the floor counts as the floor."""

    age_above_years: Positive
    creatinine_mg_dL: Positive
    source: str


class Covariate(Record):
    """One input of the equations and how it is obtained from the case.

    Without a ``quantity`` only a dataset can give it, under the model's name; a patient's record cannot.
    """

    quantity: Quantity | None = None
    unit: str = ""
    definition: str = ""
    weight: WeightChoice | None = None
    """Creatinine clearance only, and there required: the weight that goes into Cockcroft–Gault."""
    equation: RenalEquation | None = None
    """Of creatinine clearance (Cockcroft–Gault if not said; CKD-EPI 2021 is then brought from 1.73 m² to the
    patient's own surface), ``egfr`` and ``glomerular_filtration``."""
    surface: Surface | None = None
    """Equation of body surface, where one is needed; Du Bois if not said."""
    drugs: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9 -]*$")], ...] = ()
    """Of ``taking`` and ``co_medication_daily_dose``: names in lower case; a whole word of a name on the
    medication list must match one."""
    as_given: bool = False
    """Of ``daily_dose``: the dose given lately stands for the future too, whatever is ordered. For models
    whose clearance goes with the dose because those who clear more are given more."""
    condition: ConditionName | None = None
    gene: str = ""
    values: dict[str, Finite] = Field(default_factory=dict)
    """Of a genotype: diplotype (``*1/*3``, in either order) or CPIC's phenotype (``Poor Metabolizer``) to
    value."""
    when_unknown: Finite | None = None
    """Taken where the record does not say; the answer names it. The file's ``source`` says why."""
    unknown_mixture: tuple[tuple[Finite, Positive], ...] = ()
    """Taken where the record does not say: (value, probability), each a hypothesis that levels can decide."""
    source: str = ""
    """Of ``when_unknown`` and ``unknown_mixture``."""
    maximum: Positive | None = None
    """Values above it count as it."""
    creatinine_floor: CreatinineFloor | None = None
    typical: str = ""
    """What the cohort had, in words, for the reader."""

    @classmethod
    def plain(cls, quantity: Quantity) -> Self:
        """A covariate that is the quantity itself."""
        return cls(quantity=quantity, unit=QUANTITIES[quantity].unit)

    @property
    def copes(self) -> bool:
        """True if it says what holds where its facts are unknown."""
        return self.when_unknown is not None or bool(self.unknown_mixture)

    @model_validator(mode="after")
    def _holds(self) -> Self:
        if self.quantity is None:
            return self
        row = QUANTITIES[self.quantity]
        if row.unit and self.unit != row.unit:
            raise ValueError(f"{self.quantity} is supplied in {row.unit}")
        for name in OPTIONS:
            if getattr(self, name) and name not in row.options:
                raise ValueError(f"{name} does not belong to {self.quantity}")
            if name in row.required and not getattr(self, name):
                raise ValueError(f"{self.quantity} says which {name} it takes")
        if self.quantity == "creatinine_clearance":
            if self.equation not in (None, *CLEARANCE_EQUATIONS):
                raise ValueError("a creatinine clearance is had by " + " or ".join(CLEARANCE_EQUATIONS))
        elif self.equation == "cockcroft_gault":
            raise ValueError("cockcroft_gault gives a creatinine clearance, not a filtration")
        return self

    @model_validator(mode="after")
    def _unknown_holds(self) -> Self:
        if self.when_unknown is not None and self.unknown_mixture:
            raise ValueError("when_unknown and unknown_mixture exclude each other")
        if self.unknown_mixture:
            if not math.isclose(math.fsum(share for _, share in self.unknown_mixture), 1.0, abs_tol=1e-6):
                raise ValueError("unknown_mixture: probabilities do not sum to 1")
            values = [value for value, _ in self.unknown_mixture]
            if len(set(values)) != len(values) or len(values) < 2:
                raise ValueError("unknown_mixture: two values or more, each once")
        if self.copes:
            if self.quantity is None:
                raise ValueError("what only a dataset has is not supposed of a patient")
            if not self.source:
                raise ValueError("source: says where when_unknown or unknown_mixture comes from")
            for value in (self.when_unknown, *(value for value, _ in self.unknown_mixture)):
                if value is not None and self.unit == YES_NO and value not in (0.0, 1.0):
                    raise ValueError(f"{value:g} is neither 0 nor 1")
        return self


class Limit(Record):
    """A range of one quantity. Beyond a ``validity`` limit the model must not speak; beyond an ``observed``
    one the answer says so."""

    quantity: Quantity
    low: Finite | None = None
    high: Finite | None = None
    kind: Literal["validity", "observed"]
    source: str

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        if self.low is None and self.high is None:
            raise ValueError("a limit needs a low or a high end")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("low must be below high")
        return self
