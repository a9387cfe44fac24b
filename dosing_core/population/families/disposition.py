"""Where the drug goes and how it leaves: compartments, elimination, clearance that changes with time."""

from __future__ import annotations

from dosing_core.population.families.options import StructuralOptions
from dosing_core.population.families.part import Part, Way

CENTRAL = "central / V1"
"""Concentration of all drug in the central compartment, mg/L."""

DOSE_RATE = "KDE * virtual"
"""Rate at which a dose of a K-PD model leaves, mg/h."""

_PERIPHERAL = (("peripheral", "Q", "V2"), ("peripheral2", "Q3", "V3"))
_RADIANS_PER_HOUR = "0.2617993877991494"  # 2 pi / 24
_HOURS_PER_WEEK = "168"
_LATER = "max(t - 1, 0)"


def compartments(options: StructuralOptions, driving: str) -> Part:
    """The central compartment and those that exchange with it at the concentration ``driving``."""
    others = _PERIPHERAL[: int(options.compartments) - 1]
    return Part(
        parameters=("V1", *(name for _, flow, volume in others for name in (flow, volume))),
        states=(("central", "0"), *((state, "0") for state, _, _ in others)),
        terms=tuple(
            term
            for state, flow, volume in others
            for term in (
                ("central", "-", f"{flow} * {driving}"),
                ("central", "+", f"{flow} * {state} / {volume}"),
                (state, "+", f"{flow} * {driving}"),
                (state, "-", f"{flow} * {state} / {volume}"),
            )
        ),
        ways=(Way("iv", "central", "dose"),) if "iv" in options.routes else (),
    )


def virtual_compartment(options: StructuralOptions) -> Part:
    """The K-PD stand-in for all kinetics, entered by every route."""
    depot = options.depot_route is not None
    return Part(
        parameters=("KDE", "F") if depot else ("KDE",),
        states=(("virtual", "0"),),
        terms=(("virtual", "-", DOSE_RATE),),
        ways=tuple(
            Way(route, "virtual", "dose" if route == "iv" else "F * dose") for route in options.routes
        ),
    )


def elimination(
    options: StructuralOptions, driving: str, absorbed: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Parameters and rates (products, mg/h) of elimination at ``driving``.

    ``absorbed`` is the rate (mg/h) at which swallowed drug arrives, all of which passes a well-stirred liver:
    the liver's concentration is (absorbed + QH c) / (QH + CLint), and CLint times it is eliminated, as in
    Yu et al., Br J Clin Pharmacol 2015;79:809. A Vmax that the drug inhibits falls from 1 h after the first
    dose by the share Vinh (t - 1) / (t - 1 + T50 - 1), as in Friberg et al., Antimicrob Agents Chemother
    2012;56:3032.
    """
    parameters: tuple[str, ...] = ()
    rates: tuple[str, ...] = ()
    if "linear" in options.elimination:
        names, clearance = _clearance(options)
        parameters += names
        rates += (f"{clearance} * {driving}",)
    if "michaelis_menten" in options.elimination:
        vmax = "Vmax"
        parameters += ("Vmax", "Km")
        if "vmax_inhibition" in options.clearance_changes:
            vmax += f" * (1 - Vinh * {_LATER} / ({_LATER} + T50 - 1))"
            parameters += ("Vinh", "T50")
        rates += (f"{vmax} * {driving} / (Km + {driving})",)
    if options.elimination == "well_stirred":
        parameters += ("CLint", "QH")
        inflow = f"QH * {driving}" if absorbed == "0" else f"({absorbed} + QH * {driving})"
        rates += (f"CLint * {inflow} / (QH + CLint)",)
    return parameters, rates


def enzyme(options: StructuralOptions, driving: str) -> Part:
    """The enzyme pool of ``enzyme_turnover``, 1 without drug: production rises with the concentration
    (Svensson et al., Clin Pharmacol Ther 2018;103:674)."""
    if "enzyme_turnover" not in options.clearance_changes:
        return Part()
    produced = f"kenz * (1 + Eind * {driving} / (EC50ind + {driving}))"
    return Part(
        parameters=("kenz", "Eind", "EC50ind"),
        states=(("enzyme", "1"),),
        terms=(("enzyme", "+", produced), ("enzyme", "-", "kenz * enzyme")),
    )


def _clearance(options: StructuralOptions) -> tuple[tuple[str, ...], str]:
    """Parameters of the linear clearance and its value over time as a product.

    Auto-induction: from CL0 at the first dose to CLss. Maturation: of the postmenstrual age in weeks
    (Anderson & Holford, Annu Rev Pharmacol Toxicol 2008;48:303).
    """
    parameters: tuple[str, ...] = ("CL",)
    factors = ["CL"]
    for change in options.clearance_changes:
        match change:
            case "auto_induction":
                parameters = ("CL0", "CLss", "kenz", *parameters[1:])
                factors[0] = "(CLss - (CLss - CL0) * exp(-kenz * max(t, 0)))"
            case "enzyme_turnover":
                factors.append("enzyme")
            case "circadian":
                parameters += ("amp", "acro")
                factors.append(f"(1 + amp * cos({_RADIANS_PER_HOUR} * (clock - acro)))")
            case "maturation":
                parameters += ("PMA", "TM50", "matur")
                age = f"(PMA + max(t, 0) / {_HOURS_PER_WEEK})"
                factors.append(f"{age} ** matur / ({age} ** matur + TM50 ** matur)")
    return parameters, " * ".join(factors)
