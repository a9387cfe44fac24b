"""How long an infusion runs, and whether a dose fits into its bag."""

from __future__ import annotations

import math

from dosing_core.case import Regimen
from dosing_core.library.products import Infusion

_ROUNDING = 1e-9


def shortest_duration(amount_mg: float, rule: Infusion) -> float:
    """The shortest allowed length, h: the minimum, or what dose or volume take at their highest rates."""
    by_volume = 0.0
    if rule.most_volume_rate is not None:
        by_volume = least_volume(amount_mg, rule) / rule.most_volume_rate.value
    return max(rule.min_duration.value, amount_mg / (rule.max_rate.value * 60.0), by_volume)


def least_volume(amount_mg: float, rule: Infusion) -> float:
    """The smallest bag, mL, in which the dose is not too concentrated; 0 where the file sets no limit."""
    return 0.0 if rule.most_concentrated is None else amount_mg / rule.most_concentrated.value


def standard_duration(amount_mg: float, rule: Infusion) -> float:
    """The shortest allowed length, rounded up to the file's step, h: 1,000 mg at 10 mg/min take 2 h."""
    steps = math.ceil(shortest_duration(amount_mg, rule) / rule.step.value - _ROUNDING)
    return steps * rule.step.value


def lengths(amount_mg: float, interval_h: float, rule: Infusion, prolonged: bool) -> tuple[float, ...]:
    """Allowed lengths of this dose, h, the standard one first; empty if no bag holds it.

    ``prolonged`` adds the file's longer ones, at most the interval: as long as it is a continuous infusion.
    """
    if rule.most_volume is not None and least_volume(amount_mg, rule) > rule.most_volume.value + _ROUNDING:
        return ()
    standard = standard_duration(amount_mg, rule)
    longer = [one for one in rule.prolonged_h if standard < one <= interval_h] if prolonged else []
    return (standard, *sorted(longer))


def runs_too_fast(regimen: Regimen, rule: Infusion | None) -> bool:
    """True if an infusion's length is written and shorter than allowed."""
    if rule is None or regimen.route != "iv" or regimen.duration_h == 0:
        return False
    return regimen.duration_h < shortest_duration(regimen.dose_mg, rule) - _ROUNDING
