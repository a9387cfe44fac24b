"""``build``: from a modeller's choices to a system, and to the closed form where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from dosing_core.population.families.absorption import absorption
from dosing_core.population.families.binding import seen
from dosing_core.population.families.chains import inr, myelosuppression
from dosing_core.population.families.disposition import (
    DOSE_RATE,
    compartments,
    elimination,
    enzyme,
    virtual_compartment,
)
from dosing_core.population.families.effects import direct, effect_compartment, indirect_response
from dosing_core.population.families.metabolite import METABOLITE, metabolite
from dosing_core.population.families.options import (
    DirectEffect,
    IndirectResponse,
    Inr,
    StructuralOptions,
)
from dosing_core.population.families.parameters import PARAMETERS, Dimension
from dosing_core.population.families.part import Part, assemble
from dosing_core.population.families.target import mediated
from dosing_core.population.individual import Structure
from dosing_core.population.system import System


@dataclass(frozen=True)
class Family:
    """A structural model ready to be bound to a population's parameters."""

    system: System
    closed_form: Structure | None
    """The same model in closed form where it has one: to be preferred, its kernels are faster."""

    @property
    def dimensions(self) -> Mapping[str, Dimension]:
        """Dimension of each parameter, by which a file's units convert."""
        return {name: PARAMETERS[name].dimension for name in self.system.parameters}

    @property
    def optional(self) -> Mapping[str, float]:
        """Parameters that a file may leave out, and what is then meant."""
        defaults = {name: PARAMETERS[name].default for name in self.system.parameters}
        return {name: default for name, default in defaults.items() if default is not None}


def build(options: StructuralOptions | Mapping[str, object]) -> Family:
    """The structural model of these choices, ``StructuralOptions`` or a mapping of its fields.

    Raises ``ValueError`` for unknown or contradictory choices, in the modeller's words.
    """
    chosen = options if isinstance(options, StructuralOptions) else _chosen(options)
    kinetics, drivers = _virtual(chosen) if chosen.compartments == "kpd" else _kinetics(chosen)
    return Family(assemble((*kinetics, *_effect(chosen, drivers))), closed_form(chosen))


def _chosen(fields: Mapping[str, object]) -> StructuralOptions:
    try:
        return StructuralOptions.model_validate(fields)
    except ValidationError as error:
        reasons = (
            f"{'.'.join(('structure', *map(str, each['loc'])))}: {each['msg'].removeprefix('Value error, ')}"
            for each in error.errors(include_url=False)
        )
        raise ValueError("; ".join(reasons)) from error


def closed_form(options: StructuralOptions) -> Structure | None:
    """The closed form of one or two linear compartments, infused or absorbed at first order; or None.

    Whatever else is chosen (three compartments, a chain, a second analyte, a binding, an effect) has none.
    A lag or its absence is the same closed form.
    """
    if options.compartments not in (1, 2):
        return None
    plain = StructuralOptions(
        routes=options.routes, compartments=options.compartments, absorption=options.absorption
    )
    if options != plain or any(way.input != "first_order" for way in options.absorption):
        return None
    if len(options.absorption) > 1:
        return None
    return Structure(options.compartments, options.depot_route is not None)


def _kinetics(options: StructuralOptions) -> tuple[tuple[Part, ...], Mapping[str, str]]:
    """Parts of a drug with a concentration, and what may drive an effect."""
    occupancy = ""
    if options.target == "none":
        view = seen(options.binding)
    else:
        view, occupancy = mediated(options)
    arriving, absorbed = absorption(options)
    parameters, rates = elimination(options, view.driving, absorbed)
    parts = [
        Part(parameters=parameters, terms=tuple(("central", "-", rate) for rate in rates)),
        compartments(options, view.driving),
        arriving,
        enzyme(options, view.driving),
        view.part,
    ]
    drivers = {"concentration": view.measured, "unbound": view.free, "occupancy": occupancy}
    if options.metabolite is not None:
        parts.append(metabolite(options.metabolite, rates))
        drivers["metabolite"] = METABOLITE
    return tuple(parts), drivers


def _virtual(options: StructuralOptions) -> tuple[tuple[Part, ...], Mapping[str, str]]:
    return (virtual_compartment(options),), {"concentration": DOSE_RATE}


def _effect(options: StructuralOptions, drivers: Mapping[str, str]) -> tuple[Part, ...]:
    """The effect compartment and the effect, if chosen."""
    kpd, effect = options.compartments == "kpd", options.effect
    site = (effect_compartment(drivers["concentration"], kpd),) if options.effect_site else ()
    if effect is None:
        return site
    driver = "effect_site" if effect.driven_by == "effect_site" else drivers[effect.driven_by]
    match effect:
        case DirectEffect():
            part = direct(effect, driver, kpd)
        case IndirectResponse():
            part = indirect_response(effect, driver, kpd)
        case Inr():
            part = inr(effect, driver, kpd)
        case _:
            part = myelosuppression(effect, driver, kpd)
    # A K-PD model measures its effect first, because it has no level.
    return (part, *site) if kpd else (*site, part)
