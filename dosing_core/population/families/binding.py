"""Which concentration is measured, which is free, and which one the kinetics are of."""

from __future__ import annotations

from dataclasses import dataclass

from dosing_core.population.families.disposition import CENTRAL
from dosing_core.population.families.options import Binding
from dosing_core.population.families.part import Part

Outputs = tuple[tuple[str, str, str], ...]
CONCENTRATION = "mg/L"


@dataclass(frozen=True)
class Seen:
    """The concentrations of the drug as text, and what they take to compute."""

    driving: str
    """What is distributed and cleared."""
    measured: str
    free: str
    part: Part


def free_of_total(total: str, capacity: str, constant: str) -> str:
    """Free concentration where total = free + capacity · free / (constant + free), all in one unit.

    The positive root of that quadratic, with d = total - capacity + constant and s = sqrt(d² + 4 · constant ·
    capacity): free = total (d + s) / (total + capacity + constant + s). The usual form, half of total -
    capacity - constant + sqrt(...), subtracts nearly equal numbers where little drug meets much target, and
    a solver would then follow its rounding.
    """
    d = f"({total} - {capacity} + {constant})"
    root = f"sqrt({d} ** 2 + 4 * {constant} * {capacity})"
    return f"({total} * ({d} + {root}) / ({total} + {capacity} + {constant} + {root}))"


def seen(binding: Binding) -> Seen:
    """The concentrations under this binding."""
    c = CENTRAL
    match binding.kind:
        case "none":
            return Seen(c, c, c, _outputs((), c))
        case "fraction_unbound":
            return _with_unbound(c, c, f"fu * {c}", ("fu",))
        case "albumin":
            return _with_unbound(c, c, f"{c} / (1 + KA * ALB)", ("KA", "ALB"))
        case "saturable_total":
            albumin = binding.capacity == "albumin"
            free = free_of_total(c, "Ncap * ALB" if albumin else "Bmax", "KB")
            parameters = ("Ncap", "ALB", "KB") if albumin else ("Bmax", "KB")
            return _with_unbound(free if binding.acts == "unbound" else c, c, free, parameters)
        case "bound_ratio":
            return _with_unbound(c, f"{c} * (1 + PUB)", c, ("PUB",))
        case "saturable":
            return _with_unbound(c, f"{c} * (1 + Bmax / (KB + {c}))", c, ("Bmax", "KB"))
        case "red_cells":
            cells = f"{c} * (Bmax / (KB + {c}) + NS)"
            whole = f"HCT * {cells} + (1 - HCT) * {c}"
            part = _outputs(("Bmax", "KB", "NS", "HCT"), whole, ("plasma", c, CONCENTRATION))
            return Seen(c, f"({whole})", c, part)


def _with_unbound(driving: str, measured: str, free: str, parameters: tuple[str, ...]) -> Seen:
    return Seen(driving, measured, free, _outputs(parameters, measured, ("unbound", free, CONCENTRATION)))


def _outputs(parameters: tuple[str, ...], measured: str, *others: tuple[str, str, str]) -> Part:
    return Part(parameters=parameters, outputs=(("concentration", measured, CONCENTRATION), *others))
