"""``PopulationModel``: one published population model as a reviewed part of a drug file.

Numbers stay as published, in the model's own units; ``ModelUnits`` says by what to multiply.
What has no source of its own comes from ``reference``. A model that contradicts itself does not load: names,
variability, correlation and the model's own ``typical_check`` are all recomputed here.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dosing_core.case import ConditionName
from dosing_core.errors import InvalidExpression
from dosing_core.physiology.body_size import WeightChoice
from dosing_core.population import omega
from dosing_core.population.expressions import Equations, Expression, parse
from dosing_core.population.individual import FloatArray
from dosing_core.population.record import Finite, Positive, Record
from dosing_core.population.residual import ModelResidual
from dosing_core.population.units import ModelUnits
from dosing_core.population.variability import Correlation, Covariance, Occasions, Variability

ParameterName = Literal["CL", "V1", "Q", "V2", "ka", "tlag", "F"]
Quantity = Literal[
    "weight",
    "height",
    "age",
    "female",
    "creatinine",
    "haematocrit",
    "creatinine_clearance",
    "fat_free_mass",
    "body_mass_index",
    "cyp3a5_expresser",
    "prednisolone_daily_dose",
    "first_day_after_transplant",
    "haemodialysis",
]

QUANTITY_UNITS: dict[Quantity, str] = {
    "weight": "kg",
    "height": "cm",
    "age": "years",
    "female": "0/1",
    "creatinine": "mg/dL",
    "haematocrit": "%",
    "creatinine_clearance": "mL/min",
    "fat_free_mass": "kg",
    "body_mass_index": "kg/m2",
    "cyp3a5_expresser": "0/1",
    "prednisolone_daily_dose": "mg/day",
    "first_day_after_transplant": "0/1",
    "haemodialysis": "0/1",
}
"""Quantities that ``bind`` can supply. A model must want them in just this unit."""


class ModelStructure(Record):
    """Linear kinetics as published."""

    compartments: Literal[1, 2]
    routes: Annotated[tuple[Literal["iv", "oral"], ...], Field(min_length=1)]
    parameters: dict[ParameterName, str]
    """Canonical parameter: the name that the model's equations give it. Apparent values (CL/F) where ``F`` is
    relative; a parameter that the model does not have is absent."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = {"CL", "V1"}
        needed |= {"Q", "V2"} if self.compartments == 2 else set()
        needed |= {"ka"} if "oral" in self.routes else set()
        absent = needed - set(self.parameters)
        if absent:
            raise ValueError(f"parameters without an equation: {', '.join(sorted(absent))}")
        if self.compartments == 1 and {"Q", "V2"} & set(self.parameters):
            raise ValueError("one compartment has neither Q nor V2")
        return self


class Theta(Record):
    """One fixed effect."""

    value: Finite
    unit: str
    note: str = ""
    source: str = ""


class CreatinineFloor(Record):
    """Above this age, a creatinine below the floor counts as the floor."""

    age_above_years: Positive
    creatinine_mg_dL: Positive
    source: str


class Covariate(Record):
    """One input of the equations and how it is obtained from the case."""

    quantity: Quantity
    unit: str
    definition: str = ""
    weight: WeightChoice | None = None
    """Creatinine clearance only, and there required: the weight that goes into Cockcroft–Gault."""
    maximum: Positive | None = None
    """Values above it count as it."""
    creatinine_floor: CreatinineFloor | None = None
    typical: str = ""
    """What the cohort had, in words, for the reader."""

    @classmethod
    def plain(cls, quantity: Quantity) -> Self:
        """A covariate that is the quantity itself."""
        return cls(quantity=quantity, unit=QUANTITY_UNITS[quantity])

    @model_validator(mode="after")
    def _holds(self) -> Self:
        if self.unit != QUANTITY_UNITS[self.quantity]:
            raise ValueError(f"{self.quantity} is supplied in {QUANTITY_UNITS[self.quantity]}")
        clearance = self.quantity == "creatinine_clearance"
        if clearance != (self.weight is not None):
            raise ValueError("creatinine_clearance, and only it, says which weight it takes")
        if self.creatinine_floor is not None and not clearance:
            raise ValueError("creatinine_floor belongs to creatinine_clearance")
        return self


class Binding(Record):
    """Saturable binding: measured = C · (1 + capacity / (C + dissociation_constant)), in the model's unit."""

    capacity: str
    dissociation_constant: str
    note: str = ""


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


class ModelPopulation(Record):
    """Who the model was built from, and whom it may be used for."""

    description: str
    subjects: Annotated[int, Field(gt=0)] | None = None
    """None: not named where the model was read."""
    observations: Annotated[int, Field(gt=0)] | None = None
    limits: tuple[Limit, ...] = ()
    requires: tuple[ConditionName, ...] = ()
    """Conditions without which the model must not speak."""
    excludes: tuple[ConditionName, ...] = ()
    """Conditions with which the model must not speak."""


class ModelReference(Record):
    """The paper."""

    citation: str
    doi: str
    pmid: str = ""
    erratum_pmid: str = ""


class TypicalCheck(Record):
    """Inputs and the typical values that a public implementation computes from them, six digits."""

    inputs: dict[str, Finite]
    typical_values: dict[str, Finite]
    source: str


class PopulationModel(Record):
    """One published population model."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9_]+\.[a-z0-9_]+$")]
    name: str
    """How a card names it: first author and year."""
    role: str
    structure: ModelStructure
    units: ModelUnits
    interpolation: Literal["last_observation_carried_forward"]
    """How covariates go on between measurements."""
    theta: dict[str, Theta]
    covariates: dict[str, Covariate]
    equations: tuple[tuple[str, str], ...]
    """(name, expression) in order; each sees thetas, covariates and the names above it."""
    iiv: dict[str, Variability] = Field(default_factory=dict)
    """Between people, by parameter of the structure."""
    correlations: tuple[Correlation, ...] = ()
    covariances: tuple[Covariance, ...] = ()
    iov: dict[str, Variability] = Field(default_factory=dict)
    """Within a person between occasions, on top of ``iiv`` and on the same scale."""
    iov_correlations: tuple[Correlation, ...] = ()
    iov_covariances: tuple[Covariance, ...] = ()
    occasions: Occasions | None = None
    residual: ModelResidual | None = None
    assays: dict[str, ModelResidual] = Field(default_factory=dict)
    """Name of an assay: the error of the drug's levels that it measured, in place of ``residual``."""
    binding: Binding | None = None
    population: ModelPopulation
    reference: ModelReference
    verified_by: Annotated[tuple[str, ...], Field(min_length=1)]
    confidence: Literal["high", "medium", "low"]
    use: Literal["estimation", "typical_values"]
    """``typical_values``: may be shown, must not be updated with levels."""
    notes: tuple[str, ...] = ()
    typical_check: Annotated[tuple[TypicalCheck, ...], Field(min_length=1)]

    @cached_property
    def parsed_equations(self) -> Equations:
        """The equations, parsed once."""
        names = [*self.theta, *self.covariates]
        return Equations.parse(self.equations, names, f"{self.id} equations")

    @cached_property
    def parsed_binding(self) -> tuple[Expression, Expression] | None:
        """Capacity and dissociation constant of ``binding``, parsed once."""
        if self.binding is None:
            return None
        names = [*self.theta, *self.covariates, *(name for name, _ in self.equations)]
        return (
            parse(self.binding.capacity, names, f"{self.id} binding.capacity"),
            parse(self.binding.dissociation_constant, names, f"{self.id} binding.dissociation_constant"),
        )

    def evaluate(self, covariates: dict[str, float]) -> dict[str, float]:
        """Thetas, covariates and every equation's typical value, in the model's units.

        Raises ``InvalidExpression`` for a covariate that is absent or a result that is not finite.
        """
        thetas = {name: theta.value for name, theta in self.theta.items()}
        return self.parsed_equations.evaluate({**thetas, **covariates})

    def omega(self, effects: tuple[str, ...]) -> FloatArray:
        """[d, d] covariance of the random effects of these parameters between people, in this order."""
        return omega.covariance_of(effects, self.iiv, self.correlations, self.covariances)

    def occasion_omega(self, effects: tuple[str, ...]) -> FloatArray:
        """[d, d] covariance of the random effects of these parameters within a person, on one occasion."""
        return omega.covariance_of(effects, self.iov, self.iov_correlations, self.iov_covariances)

    @model_validator(mode="after")
    def _names_hold(self) -> Self:
        if set(self.theta) & set(self.covariates):
            raise ValueError("a name is both a theta and a covariate")
        _ = self.parsed_binding
        computed = {name for name, _ in self.parsed_equations.steps}
        for parameter, name in self.structure.parameters.items():
            if name not in computed:
                raise ValueError(f"structure.parameters.{parameter}: no equation {name!r}")
        self._effects_hold("iiv", self.iiv)
        self._effects_hold("iov", self.iov)
        for varied, varies in self.iov.items():
            between = next((v for name, v in self.iiv.items() if varied in (name, *v.also_on)), None)
            if between is not None and (between.form, between.shape) != (varies.form, varies.shape):
                raise ValueError(f"iov.{varied}: another form than in iiv")
        return self

    def _effects_hold(self, place: str, effects: dict[str, Variability]) -> None:
        """Raises ``ValueError`` for effects on parameters that are not there, or on one parameter twice."""
        acted_on: set[str] = set()
        for parameter, variability in effects.items():
            for name in (parameter, *variability.also_on):
                if name not in self.structure.parameters:
                    raise ValueError(f"{place}.{parameter}: the model has no parameter {name!r}")
                if name in acted_on:
                    raise ValueError(f"{place}.{parameter}: two random effects on {name!r}")
                acted_on.add(name)
            switch = variability.only_when
            if switch is not None and (
                switch not in self.covariates or self.covariates[switch].unit != "0/1"
            ):
                raise ValueError(f"{place}.{parameter}: {switch!r} is not a 0/1 covariate")

    @model_validator(mode="after")
    def _variability_holds(self) -> Self:
        omega.check("iiv", self.iiv, self.correlations, self.covariances)
        omega.check("iov", self.iov, self.iov_correlations, self.iov_covariances)
        if bool(self.iov) != (self.occasions is not None):
            raise ValueError("iov needs occasions to say what an occasion is, and occasions need iov")
        if self.use == "estimation":
            if self.confidence == "low":
                raise ValueError("low confidence: must not be used for estimation")
            if not self.iiv or self.residual is None:
                raise ValueError("without variability and residual error: must not be used for estimation")
        return self

    @model_validator(mode="after")
    def _reproduces_its_check(self) -> Self:
        for check in self.typical_check:
            values = self.evaluate(check.inputs)
            for name, expected in check.typical_values.items():
                if name not in values:
                    raise InvalidExpression(f"{self.id} typical_check", f"no equation {name!r}")
                if not math.isclose(values[name], expected, rel_tol=1e-5):
                    raise InvalidExpression(
                        f"{self.id} typical_check",
                        f"{name} is {values[name]:.6g} where {expected:.6g} is published",
                    )
        return self
