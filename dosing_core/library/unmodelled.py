"""What stands where a drug file has no model: how regimens would be compared, levels held against a
prediction and the next one timed. Nothing reads these numbers for a dose: without a model no regimen is
simulated."""

from __future__ import annotations

from dosing_core.library.monitoring import LevelRules, Sampling
from dosing_core.library.sourced import Number, Span
from dosing_core.library.targets import Judgement

_WHY = "project policy: not read for a dose, as this file has no model"


def _number(value: float, unit: str = "1", source: str = _WHY) -> Number:
    return Number(value=value, unit=unit, source=source, confidence="policy")


SAME_DOSE = "project policy: an order within a twentieth of what a rule gives is what it gives"

JUDGEMENT = Judgement(
    below_weight=_number(1.0),
    above_weight=_number(1.0),
    centre_weight=_number(0.0),
    relevant_chance=_number(0.1),
    relevant_outside=_number(0.05),
    same_dose=_number(0.05, source=SAME_DOSE),
)
LEVELS = LevelRules(
    specimen="not read",
    plausible_interval=_number(0.99),
    trough_tolerance_h=_number(1.0, "h"),
    oldest=_number(720.0, "h"),
    most=_number(10.0),
)
SAMPLING = Sampling(
    before_dose_h=_number(0.5, "h"),
    after_start=Span(low=24.0, high=168.0, unit="h", source=_WHY, confidence="policy"),
    when_stable=_number(168.0, "h"),
    red_flag_within_h=_number(24.0, "h"),
    advice="As the rule says.",
)
