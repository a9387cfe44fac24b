"""Structural families: every model of the field as parts that combine, from choices to a ``System``."""

from dosing_core.population.families.build import Family, build, closed_form
from dosing_core.population.families.options import (
    Absorption,
    Binding,
    DirectEffect,
    IndirectResponse,
    Inr,
    Metabolite,
    Myelosuppression,
    StructuralOptions,
)
from dosing_core.population.families.parameters import PARAMETERS, UNITS, Dimension, Parameter

__all__ = [
    "PARAMETERS",
    "UNITS",
    "Absorption",
    "Binding",
    "Dimension",
    "DirectEffect",
    "Family",
    "IndirectResponse",
    "Inr",
    "Metabolite",
    "Myelosuppression",
    "Parameter",
    "StructuralOptions",
    "build",
    "closed_form",
]
