"""Effects that travel through chains of compartments: INR and blood cells."""

from __future__ import annotations

from itertools import pairwise

from dosing_core.population.families.effects import half, saturation
from dosing_core.population.families.options import Inr, Myelosuppression
from dosing_core.population.families.part import Part


def inr(effect: Inr, driver: str, kpd: bool) -> Part:
    """Two chains that start at 1 (normal synthesis) and are fed by what the drug leaves of it; see ``Inr``.

    Chain k of n compartments has rate n / MTTk.
    """
    potency = half("E", kpd)
    share = saturation(driver, potency, True)
    states: list[tuple[str, str]] = []
    terms: list[tuple[str, str, str]] = []
    ends: list[str] = []
    for chain, length in enumerate(effect.chains, 1):
        rate = f"{length} / MTT{chain}"
        names = [f"factor{chain}_{step}" for step in range(1, length + 1)]
        for before, name in zip([f"(1 - {share})", *names], names, strict=False):
            terms += [(name, "+", f"{rate} * {before}"), (name, "-", f"{rate} * {name}")]
        states += [(name, "1") for name in names]
        ends.append(names[-1])
    parameters: tuple[str, ...] = (potency, "gamma", "MTT1", "MTT2", "INR0", "INRmax")
    if effect.combined == "mean":
        rise = f"(1 - ({ends[0]} + {ends[1]}) / 2)"
    else:
        parameters += ("lam",)
        rise = f"max(1 - {ends[0]} * {ends[1]}, 0) ** lam"
    return Part(
        parameters=parameters,
        states=tuple(states),
        terms=tuple(terms),
        outputs=(("inr", f"INR0 + INRmax * {rise}", "INR"),),
    )


def myelosuppression(effect: Myelosuppression, driver: str, kpd: bool) -> Part:
    """Proliferating cells, ``stages`` transit compartments and circulating cells, all Circ0 at the start."""
    match effect.effect:
        case "linear":
            parameters, loss = ("slope",), f"slope * {driver}"
        case kind:
            sigmoid = kind == "sigmoid_emax"
            potency = half("E", kpd)
            parameters = ("Emax", potency, *(("gamma",) if sigmoid else ()))
            loss = f"Emax * {saturation(driver, potency, sigmoid)}"
    rate = f"{effect.stages + 1} / MTTcirc"
    names = ["proliferating", *(f"maturing{step}" for step in range(1, effect.stages + 1)), "circulating"]
    terms = [
        ("proliferating", "+", f"{rate} * proliferating * (1 - {loss}) * (Circ0 / circulating) ** feedback"),
        ("proliferating", "-", f"{rate} * proliferating"),
    ]
    for before, name in pairwise(names):
        terms += [(name, "+", f"{rate} * {before}"), (name, "-", f"{rate} * {name}")]
    return Part(
        parameters=("Circ0", "MTTcirc", "feedback", *parameters),
        states=tuple((name, "Circ0") for name in names),
        terms=tuple(terms),
        outputs=(("neutrophils", "circulating", "10⁹/L"),),
        stiff=True,  # weeks of counts beside minutes of distribution: explicit steps would follow the latter
    )
