"""How long an infusion runs."""

from __future__ import annotations

import math

from dosing_core.case import Regimen
from dosing_core.library.schema import Infusion

_ROUNDING = 1e-9


def shortest_duration(amount_mg: float, rule: Infusion) -> float:
    """The shortest allowed length, h: the longer of the minimum and dose / highest rate."""
    return max(rule.min_duration.value, amount_mg / (rule.max_rate.value * 60.0))


def standard_duration(amount_mg: float, rule: Infusion) -> float:
    """The shortest allowed length, rounded up to the file's step, h: 1,000 mg at 10 mg/min take 2 h."""
    steps = math.ceil(shortest_duration(amount_mg, rule) / rule.step.value - _ROUNDING)
    return steps * rule.step.value


def runs_too_fast(regimen: Regimen, rule: Infusion | None) -> bool:
    """True if an infusion's length is written and shorter than allowed."""
    if rule is None or regimen.route != "iv" or regimen.duration_h == 0:
        return False
    return regimen.duration_h < shortest_duration(regimen.dose_mg, rule) - _ROUNDING
