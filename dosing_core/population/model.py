"""``PopulationModel``: one published population model, a reviewed part of a drug file or a file by itself.

Numbers stay as published, in the model's own units; ``ModelUnits`` says by what to multiply.
What has no source of its own comes from ``reference``. A model that contradicts itself does not load: names,
variability, correlation, the range of its values and its own ``typical_check`` are all recomputed here.

Messages about a model begin with the place in the file (``iiv.ka: ...``), so that a line can be found for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from dosing_core.errors import InvalidExpression
from dosing_core.population import omega
from dosing_core.population.covariate import Covariate
from dosing_core.population.expressions import Equations, Expression, parse
from dosing_core.population.form import FamilyStructure, Form, form_of
from dosing_core.population.individual import FloatArray, Structure
from dosing_core.population.mixture import Subpopulation, SupportTable, check_sum
from dosing_core.population.publication import ModelPopulation, ModelReference, Theta, TypicalCheck
from dosing_core.population.quantity import QUANTITIES
from dosing_core.population.record import Record
from dosing_core.population.residual import ModelResidual
from dosing_core.population.units import ModelUnits
from dosing_core.population.variability import Correlation, Covariance, Occasions, Variability
from dosing_core.population.written import WrittenStructure

Interpolation = Literal["last_observation_carried_forward", "next_observation_carried_backward", "linear"]


STRUCTURE_KINDS = ("family", "written")
"""What the schema calls the two ways to give a structure; no part of a file."""


def _kind(structure: Any) -> str:
    written = "odes" in structure if isinstance(structure, dict) else isinstance(structure, WrittenStructure)
    return STRUCTURE_KINDS[written]


AnyStructure = Annotated[
    Annotated[FamilyStructure, Tag("family")] | Annotated[WrittenStructure, Tag("written")],
    Discriminator(_kind),
]


class Binding(Record):
    """Saturable binding: measured = C · (1 + capacity / (C + dissociation_constant)), in the model's unit."""

    capacity: str
    dissociation_constant: str
    note: str = ""


class PopulationModel(Record):
    """One population model."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9_]+\.[a-z0-9_]+$")]
    name: str
    """How a card names it: first author and year."""
    role: str = ""
    structure: AnyStructure
    units: ModelUnits = ModelUnits()
    interpolation: Interpolation = "last_observation_carried_forward"
    """How covariates go on between measurements."""
    theta: dict[str, Theta]
    covariates: dict[str, Covariate] = Field(default_factory=dict)
    equations: tuple[tuple[str, str], ...] = ()
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
    subpopulations: tuple[Subpopulation, ...] = ()
    """A mixture; empty: one kind of people."""
    support: SupportTable | None = None
    """A non-parametric population, in place of ``iiv``."""
    residual: ModelResidual | None = None
    """Of the first output: what a level of the drug measures."""
    residuals: dict[str, ModelResidual] = Field(default_factory=dict)
    """Of further outputs that are measured, by name."""
    assays: dict[str, ModelResidual] = Field(default_factory=dict)
    """Name of an assay: the error of the drug's levels that it measured, in place of ``residual``."""
    binding: Binding | None = None
    """Of the closed forms; a family has a binding of its own, and equations spell it."""
    population: ModelPopulation = ModelPopulation()
    reference: ModelReference = ModelReference()
    verified_by: tuple[str, ...] = ()
    confidence: Literal["high", "medium", "low", "unreviewed"] = "unreviewed"
    use: Literal["estimation", "typical_values"] = "estimation"
    """``typical_values``: may be shown, must not be updated with levels."""
    notes: tuple[str, ...] = ()
    typical_check: tuple[TypicalCheck, ...] = ()

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

    @cached_property
    def form(self) -> Form:
        """The structure, its columns and its outputs."""
        return form_of(self.structure, self.units, f"{self.id} structure")

    @property
    def incomplete(self) -> tuple[str, ...]:
        """What a reviewed model says and this one does not; empty: complete."""
        wanting = {
            "role": self.role,
            "population.description": self.population.description,
            "reference.citation": self.reference.citation,
            "verified_by": self.verified_by,
            "confidence": self.confidence != "unreviewed",
            "typical_check": self.typical_check,
        }
        fields = [name for name, value in wanting.items() if not value]
        fields += [f"theta.{name}.unit" for name, theta in self.theta.items() if not theta.unit]
        fields += [
            f"covariates.{name}.quantity"
            for name, covariate in self.covariates.items()
            if covariate.quantity is None
        ]
        return tuple(fields)

    @property
    def reviewed(self) -> bool:
        """False for a file that was only typed in: fit for fitting and simulating, not for patients."""
        return not self.incomplete

    def residual_of(self, output: str) -> ModelResidual | None:
        """Residual error of an output; None if it cannot be measured."""
        first = output == self.form.outputs[0].name
        return self.residual if first and self.residual is not None else self.residuals.get(output)

    def evaluate(self, covariates: Mapping[str, float]) -> dict[str, float]:
        """Thetas, covariates and every equation's typical value, in the model's units.

        Raises ``InvalidExpression`` for a covariate that is absent or a result that is not finite.
        """
        thetas = {name: theta.value for name, theta in self.theta.items()}
        return self.parsed_equations.evaluate({**thetas, **covariates})

    def with_thetas(self, values: Mapping[str, Theta]) -> Self:
        """The model with other fixed effects, of one kind of people."""
        return self.model_copy(update={"theta": {**self.theta, **values}, "subpopulations": ()})

    def kinds(self) -> tuple[tuple[float, str, Self], ...]:
        """Probability, name and model of each subpopulation; the model itself where there are none."""
        total = math.fsum(kind.probability for kind in self.subpopulations)
        return tuple(
            (kind.probability / total, kind.name, self.with_thetas(kind.theta))
            for kind in self.subpopulations
        ) or ((1.0, "", self),)

    def omega(self, effects: tuple[str, ...]) -> FloatArray:
        """[d, d] covariance of the random effects of these parameters between people, in this order."""
        return omega.covariance_of(effects, self.iiv, self.correlations, self.covariances)

    def occasion_omega(self, effects: tuple[str, ...]) -> FloatArray:
        """[d, d] covariance of the random effects of these parameters within a person, on one occasion."""
        return omega.covariance_of(effects, self.iov, self.iov_correlations, self.iov_covariances)

    @model_validator(mode="after")
    def _names_hold(self) -> Self:
        if both := set(self.theta) & set(self.covariates):
            raise ValueError(f"theta.{min(both)}: a name is both a theta and a covariate")
        _ = self.parsed_binding
        if self.binding is not None and not isinstance(self.form.structure, Structure):
            raise ValueError("binding: this structure spells its own")
        known = {*self.theta, *self.covariates, *(name for name, _ in self.parsed_equations.steps)}
        for parameter, name in self.structure.parameters.items():
            if name not in known:
                raise ValueError(f"structure.parameters.{parameter}: no equation {name!r}")
        for name in self.residuals:
            if name not in [output.name for output in self.form.outputs]:
                raise ValueError(f"residuals.{name}: the structure has no such output")
        if self.residual is not None and self.form.outputs[0].name in self.residuals:
            raise ValueError("residuals: the first output has its error in residual already")
        own = {covariate.quantity for covariate in self.covariates.values()}
        for place, limit in enumerate(self.population.limits):
            if QUANTITIES[limit.quantity].required and limit.quantity not in own:
                wanting = " and ".join(QUANTITIES[limit.quantity].required)
                raise ValueError(
                    f"population.limits.{place}: {limit.quantity} needs a covariate that says its {wanting}"
                )
        return self

    @model_validator(mode="after")
    def _variability_holds(self) -> Self:
        for reason in (*self._effects("iiv", self.iiv), *self._effects("iov", self.iov), *self._mixture()):
            raise ValueError(reason)
        omega.check("iiv", self.iiv, self.correlations, self.covariances)
        omega.check("iov", self.iov, self.iov_correlations, self.iov_covariances)
        if bool(self.iov) != (self.occasions is not None):
            raise ValueError("iov needs occasions to say what an occasion is, and occasions need iov")
        if self.use == "estimation":
            varies = self.iiv or self.iov or self.support or self.subpopulations
            if not varies or self.residual_of(self.form.outputs[0].name) is None:
                raise ValueError(
                    "use: without variability and residual error: must not be used for estimation"
                )
        return self

    def _effects(self, place: str, effects: Mapping[str, Variability]) -> Iterator[str]:
        """Reasons why random effects do not hold."""
        acted_on: set[str] = set()
        for parameter, variability in effects.items():
            for name in (parameter, *variability.also_on):
                if name not in self.structure.parameters:
                    yield f"{place}.{parameter}: the model has no parameter {name!r}"
                if name in acted_on:
                    yield f"{place}.{parameter}: two random effects on {name!r}"
                acted_on.add(name)
            switch = variability.only_when
            if switch is not None and (
                switch not in self.covariates or self.covariates[switch].unit != "0/1"
            ):
                yield f"{place}.{parameter}: {switch!r} is not a 0/1 covariate"
        if place == "iov":
            for parameter, within in effects.items():
                between = next((v for name, v in self.iiv.items() if parameter in (name, *v.also_on)), None)
                if between is not None and (between.form, between.shape) != (within.form, within.shape):
                    yield f"iov.{parameter}: another form than in iiv"

    def _mixture(self) -> Iterator[str]:
        """Reasons why a mixture or support points do not hold."""
        if self.support is not None:
            if self.iiv or self.iov or self.subpopulations:
                yield "support: stands in place of iiv, iov and subpopulations"
            for name in self.support.theta:
                if name not in self.theta:
                    yield f"support.theta: no theta {name!r}"
        if self.subpopulations:
            if len(self.subpopulations) < 2:
                yield "subpopulations: one is no mixture"
                return
            names = [kind.name for kind in self.subpopulations]
            if len(set(names)) != len(names):
                yield "subpopulations: a name is there twice"
            check_sum("subpopulations", [kind.probability for kind in self.subpopulations])
            for place, kind in enumerate(self.subpopulations):
                for name in kind.theta:
                    if name not in self.theta:
                        yield f"subpopulations.{place}.theta.{name}: the model has no such theta"

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
