"""Target-mediated disposition: drug that binds its target and is removed with it.

Target and complex are counted as the drug that they can bind, mg/L in the central volume; the target is made
at kdeg R0. Full: Mager & Jusko, J Pharmacokinet Pharmacodyn 2001;28:507. Quasi-steady state and
quasi-equilibrium: Gibiansky et al., J Pharmacokinet Pharmacodyn 2008;35:573, where ``central`` is all drug
there, free and bound, and the state ``target`` all target.
"""

from __future__ import annotations

from dosing_core.population.families.binding import CONCENTRATION, Seen, free_of_total
from dosing_core.population.families.disposition import CENTRAL
from dosing_core.population.families.options import StructuralOptions
from dosing_core.population.families.part import Part


def mediated(options: StructuralOptions) -> tuple[Seen, str]:
    """The concentrations of a drug that binds its target, and the target's occupancy as text."""
    return _full(options) if options.target == "full" else _fast(options)


def _full(options: StructuralOptions) -> tuple[Seen, str]:
    free, total = CENTRAL, f"({CENTRAL} + complex)"
    bind, release = f"kon * {free} * target", "koff * complex"
    occupancy = "complex / (target + complex)"
    part = Part(
        parameters=("R0", "kdeg", "kint", "kon", "koff"),
        states=(("target", "R0"), ("complex", "0")),
        terms=(
            ("central", "-", f"V1 * {bind}"),
            ("central", "+", f"V1 * {release}"),
            ("target", "+", "kdeg * R0"),
            ("target", "-", "kdeg * target"),
            ("target", "-", bind),
            ("target", "+", release),
            ("complex", "+", bind),
            ("complex", "-", release),
            ("complex", "-", "kint * complex"),
        ),
        outputs=_outputs(options, free, total, occupancy, "target"),
        stiff=True,
    )
    return Seen(free, total if options.target_measured == "total" else free, free, part), occupancy


def _fast(options: StructuralOptions) -> tuple[Seen, str]:
    constant = "Kss" if options.target == "qss" else "KD"
    free = free_of_total(CENTRAL, "target", constant)
    occupancy = f"{free} / ({constant} + {free})"
    bound = f"target * {occupancy}"
    part = Part(
        parameters=("R0", "kdeg", "kint", constant),
        states=(("target", "R0"),),
        terms=(
            ("central", "-", f"kint * V1 * {bound}"),
            ("target", "+", "kdeg * R0"),
            ("target", "-", "kdeg * target"),
            ("target", "-", f"(kint - kdeg) * {bound}"),
        ),
        outputs=_outputs(options, free, CENTRAL, occupancy, f"target * {constant} / ({constant} + {free})"),
    )
    return Seen(free, CENTRAL if options.target_measured == "total" else free, free, part), occupancy


def _outputs(
    options: StructuralOptions, free: str, total: str, occupancy: str, free_target: str
) -> tuple[tuple[str, str, str], ...]:
    measured, other = (
        (total, ("free", free)) if options.target_measured == "total" else (free, ("total", total))
    )
    return (
        ("concentration", measured, CONCENTRATION),
        (*other, CONCENTRATION),
        ("occupancy", occupancy, "fraction"),
        ("free_target", free_target, CONCENTRATION),
    )
