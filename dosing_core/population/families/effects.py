"""What the drug does, without delay or with: effect compartment, Emax, indirect response.

``driver`` is the concentration (mg/L) that acts, or in a K-PD model the rate of elimination (mg/h), as text.
``potency`` names the parameter at half the effect: EC50, or EDK50 in a K-PD model. A concentration that a
solver takes a hair below 0 counts as 0 where it is raised to a power.
"""

from __future__ import annotations

from dosing_core.population.families.options import DirectEffect, IndirectResponse
from dosing_core.population.families.part import Part


def saturation(driver: str, potency: str, sigmoid: bool) -> str:
    """Share of the greatest effect: c / (EC50 + c), with exponents gamma if ``sigmoid``."""
    if not sigmoid:
        return f"{driver} / ({potency} + {driver})"
    power = f"max({driver}, 0) ** gamma"
    return f"{power} / ({potency} ** gamma + {power})"


def half(letter: str, kpd: bool) -> str:
    """Name of the parameter at half an effect: EC50, IC50, SC50; EDK50 and so on in a K-PD model."""
    return f"{letter}DK50" if kpd else f"{letter}C50"


def effect_compartment(driver: str, kpd: bool) -> Part:
    """A hypothetical compartment that follows the driver at ke0 (Sheiner et al., Clin Pharmacol Ther
    1979;25:358)."""
    return Part(
        parameters=("ke0",),
        states=(("effect_site", "0"),),
        terms=(("effect_site", "+", f"ke0 * {driver}"), ("effect_site", "-", "ke0 * effect_site")),
        outputs=(("effect_site", "effect_site", "mg/h" if kpd else "mg/L"),),
    )


def direct(effect: DirectEffect, driver: str, kpd: bool) -> Part:
    """An effect that follows its driver at once."""
    if effect.kind == "linear":
        return _output(("E0", "slope"), f"E0 + slope * {driver}")
    sigmoid = effect.kind == "sigmoid_emax"
    tail = ("gamma",) if sigmoid else ()
    if effect.action == "adds":
        potency = half("E", kpd)
        share = saturation(driver, potency, sigmoid)
        return _output(("E0", "Emax", potency, *tail), f"E0 + Emax * {share}")
    potency = half("I", kpd)
    share = saturation(driver, potency, sigmoid)
    return _output(("E0", "Imax", potency, *tail), f"E0 * (1 - Imax * {share})")


def indirect_response(effect: IndirectResponse, driver: str, kpd: bool) -> Part:
    """A response of baseline E0 that is made at kout E0 and lost at kout; see ``IndirectResponse``."""
    inhibits = effect.type in (1, 2, 5)
    potency = half("I" if inhibits else "S", kpd)
    greatest, sign = ("Imax", "-") if inhibits else ("Smax", "+")
    changed = f"(1 {sign} {greatest} * {saturation(driver, potency, effect.sigmoid)})"
    parameters = ("E0", "kout", greatest, potency, *(("gamma",) if effect.sigmoid else ()))
    production, loss = "kout * E0", "kout * response"
    if effect.type in (5, 6):
        released = f"kp * precursor * {changed}"
        return Part(
            parameters=("kp", *parameters),
            states=(("precursor", "kout * E0 / kp"), ("response", "E0")),
            terms=(
                ("precursor", "+", production),
                ("precursor", "-", released),
                ("response", "+", released),
                ("response", "-", loss),
            ),
            outputs=(("effect", "response", "unit of the effect"),),
        )
    if effect.type in (1, 3):
        production = f"{production} * {changed}"
    else:
        loss = f"{loss} * {changed}"
    return Part(
        parameters=parameters,
        states=(("response", "E0"),),
        terms=(("response", "+", production), ("response", "-", loss)),
        outputs=(("effect", "response", "unit of the effect"),),
    )


def _output(parameters: tuple[str, ...], text: str) -> Part:
    return Part(parameters=parameters, outputs=(("effect", text, "unit of the effect"),))
