"""One metabolite, formed by the drug's elimination."""

from __future__ import annotations

from dosing_core.population.families.binding import CONCENTRATION
from dosing_core.population.families.options import Metabolite
from dosing_core.population.families.part import Part

METABOLITE = "metabolite / Vm"
"""Its concentration, mg/L."""


def metabolite(choice: Metabolite, eliminated: tuple[str, ...]) -> Part:
    """Its states; ``eliminated`` are the rates (mg/h) of which the share fm forms it."""
    terms = [
        *(("metabolite", "+", f"fm * {rate}") for rate in eliminated),
        ("metabolite", "-", f"CLm * {METABOLITE}"),
    ]
    two = choice.compartments == 2
    if two:
        out, back = f"Qm * {METABOLITE}", "Qm * metabolite_peripheral / Vpm"
        terms += [
            ("metabolite", "-", out),
            ("metabolite", "+", back),
            ("metabolite_peripheral", "+", out),
            ("metabolite_peripheral", "-", back),
        ]
    return Part(
        parameters=("fm", "CLm", "Vm", *(("Qm", "Vpm") if two else ())),
        states=(("metabolite", "0"), *((("metabolite_peripheral", "0"),) if two else ())),
        terms=tuple(terms),
        outputs=(("metabolite", METABOLITE, CONCENTRATION),),
    )
