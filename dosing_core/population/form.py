"""``Form``: a model's structure ready for rows of typical values: columns, scales and what can be seen.

A structure stands in a model file in one of two ways: a family by its parts (``FamilyStructure``), or plain
differential equations (``WrittenStructure``). Both end here. One and two linear compartments, infused or
absorbed at first order, have a closed form, which is faster; everything else is a ``System``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal, Self

from pydantic import model_validator

from dosing_core.population.families import PARAMETERS as CANONICAL
from dosing_core.population.families import Dimension, Family, StructuralOptions, build, closed_form
from dosing_core.population.individual import PARAMETERS, Structure
from dosing_core.population.system import Output, System
from dosing_core.population.units import ModelUnits
from dosing_core.population.written import WrittenStructure, output_scale

Sign = Literal["positive", "not negative", "any"]
_ABSENT = {"Q": 0.0, "V2": 1.0, "ka": 1.0, "tlag": 0.0, "F": 1.0}
"""What a parameter that a closed form does not have is set to; see ``individual.PARAMETERS``."""
_MAY_BE_ZERO = ("Q", "tlag")
_SIGNS: dict[Dimension, Sign] = {
    "volume": "positive",
    "volume/time": "not negative",
    "time": "not negative",
    "1/time": "not negative",
    "amount": "not negative",
    "amount/time": "not negative",
    "concentration": "not negative",
    "1/concentration": "not negative",
    "1/(concentration*time)": "not negative",
}


class FamilyStructure(StructuralOptions):
    """A structural model by its parts, and what the model's equations call its parameters."""

    parameters: dict[str, str]
    """Canonical parameter (``families.PARAMETERS``): name of the equation, theta or covariate that gives it.
    Apparent values (CL/F) where ``F`` is relative; what may be left out and is not had is absent."""

    @cached_property
    def options(self) -> StructuralOptions:
        """The parts alone."""
        return StructuralOptions.model_construct(
            **{name: getattr(self, name) for name in StructuralOptions.model_fields}
        )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed, allowed = names_of(self.options)
        absent = needed - set(self.parameters)
        if absent:
            raise ValueError(f"parameters without an equation: {', '.join(sorted(absent))}")
        surplus = set(self.parameters) - allowed
        if surplus:
            raise ValueError(
                f"parameters.{min(surplus)}: this structure has no such parameter; it has "
                f"{', '.join(sorted(allowed))}"
            )
        return self


@dataclass(frozen=True)
class Seen:
    """One output of a model."""

    name: str
    unit: str
    """The model's own."""
    scale: float
    """Multiply a value in ``unit`` by this to get what an individual's output has (mg/L; an effect: 1)."""


@dataclass(frozen=True)
class Form:
    """A structure with the columns of its parameter array."""

    structure: Structure | System
    columns: tuple[str, ...]
    scales: tuple[float, ...]
    """Multiply the model's own value by this to get what the column holds."""
    absent: tuple[float, ...]
    """What a column holds that the model has no value for."""
    signs: tuple[Sign, ...]
    outputs: tuple[Seen, ...]


@lru_cache(maxsize=64)
def _built(options: StructuralOptions) -> Family:
    return build(options)


def names_of(options: StructuralOptions) -> tuple[set[str], set[str]]:
    """Canonical parameters that a structure must have, and all that it may have.

    Raises ``ValueError`` for parts that do not go together.
    """
    closed = closed_form(options)
    if closed is None:
        family = _built(options)
        return set(family.system.parameters) - set(family.optional), set(family.system.parameters)
    needed = {"CL", "V1"} | ({"Q", "V2"} if closed.compartments == 2 else set())
    needed |= {"ka"} if closed.depot else set()
    # A model of infusions alone may still carry F and a lag, which nothing reads.
    return needed, needed | {"tlag", "F"}


def form_of(structure: FamilyStructure | WrittenStructure, units: ModelUnits, where: str) -> Form:
    """The form of a structure; ``where`` names the model in messages.

    Raises ``InvalidExpression`` for equations that do not hold.
    """
    if isinstance(structure, WrittenStructure):
        return _written(structure, units, where)
    closed = closed_form(structure.options)
    if closed is not None:
        return Form(
            structure=closed,
            columns=PARAMETERS,
            scales=tuple(units.factor(name) for name in PARAMETERS),
            absent=tuple(_ABSENT.get(name, 0.0) for name in PARAMETERS),
            signs=tuple("not negative" if name in _MAY_BE_ZERO else "positive" for name in PARAMETERS),
            outputs=(Seen("concentration", units.concentration, units.concentration_factor),),
        )
    family = _built(structure.options)
    columns = family.system.parameters
    optional: Mapping[str, float] = family.optional
    return Form(
        structure=family.system,
        columns=columns,
        scales=tuple(units.scale(CANONICAL[name].dimension) for name in columns),
        absent=tuple(optional.get(name, 0.0) for name in columns),
        signs=tuple(_SIGNS.get(CANONICAL[name].dimension, "any") for name in columns),
        outputs=tuple(_seen(output, units) for output in family.system.outputs),
    )


def _seen(output: Output, units: ModelUnits) -> Seen:
    """A family's concentrations are mg/L inside and the model's unit outside."""
    if output.unit == "mg/L":
        return Seen(output.name, units.concentration, units.concentration_factor)
    return Seen(output.name, output.unit, 1.0)


def _written(structure: WrittenStructure, units: ModelUnits, where: str) -> Form:
    columns = tuple(structure.parameters)
    timed = structure.timings
    return Form(
        structure=structure.system(units, where),
        columns=columns,
        scales=tuple(units.hours if name in timed else 1.0 for name in columns),
        absent=(0.0,) * len(columns),
        signs=tuple("not negative" if name in timed else "any" for name in columns),
        outputs=tuple(
            Seen(output.name, output.unit or units.concentration, output_scale(output, units))
            for output in structure.outputs
        ),
    )
