"""What each metric is called and in which unit it is read.

Concentrations and areas are shown in the drug's usual unit, fractions in percent, effects in the unit of the
model's output.
"""

from __future__ import annotations

from dosing_core.case import Metric
from dosing_core.recommendation import Display, Estimate, Target

AREAS: tuple[Metric, ...] = ("auc24", "cumulative_auc")
FRACTIONS: tuple[Metric, ...] = ("time_above_mic", "occupancy")
EFFECTS: tuple[Metric, ...] = ("effect", "nadir")

NAMES: dict[Metric, str] = {
    "auc24": "AUC24",
    "cumulative_auc": "cumulative AUC",
    "trough": "trough",
    "peak": "peak",
    "average": "average concentration",
    "time_above_mic": "time above the MIC",
    "effect": "effect",
    "occupancy": "occupancy",
    "nadir": "lowest value",
    "timed": "timed level",
}
CONCENTRATIONS = {"unbound": "unbound level", "metabolite": "metabolite level"}
"""Outputs that are concentrations of their own."""
SHORT = 4
"""An output's name of at most so many letters is an abbreviation: ``inr`` is INR."""


def name_of(metric: Metric, target: Target | None = None) -> str:
    """The metric's name inside a sentence; an effect is called by its output, as the target names it."""
    output = target.output if target is not None and target.metric == metric else ""
    if metric in EFFECTS and output:
        said = output.upper() if len(output) <= SHORT else CONCENTRATIONS.get(output, output)
        return said if metric == "effect" else f"lowest {said}"
    if metric == "timed" and target is not None and target.after_h is not None:
        return f"level {target.after_h:g} h after the start of a dose"
    return NAMES[metric]


def factor_of(metric: Metric, display: Display | None) -> float:
    """Multiply a value as it is stored by this to get it as it is read."""
    if metric in FRACTIONS:
        return 100.0
    if metric in EFFECTS or display is None:
        return 1.0
    if metric in AREAS and display.auc_unit:
        return display.auc_factor
    return display.concentration_factor


def unit_of(metric: Metric, display: Display | None, target: Target | None = None) -> str:
    """The unit in which it is read; empty where there is none."""
    if metric in FRACTIONS:
        return "%"
    if metric in EFFECTS:
        unit = target.unit if target is not None and target.metric == metric else ""
        return "" if unit == "1" else unit
    unit = display.concentration_unit if display is not None else "mg/L"
    if metric not in AREAS:
        return unit
    if display is not None and display.auc_unit:
        return display.auc_unit
    mass, _, volume = unit.partition("/")
    return f"{mass}·h/{volume}" if volume else f"{mass}·h"


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """An estimate in another unit."""
    return Estimate(low=estimate.low * factor, median=estimate.median * factor, high=estimate.high * factor)
