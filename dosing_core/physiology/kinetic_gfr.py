"""Kidney function while creatinine changes: Chen's kinetic estimate.

A steady-state estimate lags: creatinine goes on rising for days after clearance has fallen. Chen balances
what muscle makes against what the body holds (J Am Soc Nephrol 2013;24:877–888, PMID 23704286).
"""

from __future__ import annotations

WATER_PER_KG = 0.6
"""Total body water, L/kg, as Chen takes it."""


def kinetic_gfr(
    baseline_creatinine_mg_dL: float,
    baseline_gfr_mL_min: float,
    earlier_mg_dL: float,
    later_mg_dL: float,
    hours: float,
    weight_kg: float,
) -> float:
    """GFR between two creatinine values, mL/min (of this body, as the baseline is); never below 0.

    ``baseline``: a steady creatinine of this patient and the GFR that goes with it. ``hours`` from the
    earlier to the later value. Raises ``ValueError`` without a positive time between them.
    """
    if hours <= 0:
        raise ValueError("a kinetic estimate needs two values at different times")
    mean = 0.5 * (earlier_mg_dL + later_mg_dL)
    change_per_day = 24.0 * (later_mg_dL - earlier_mg_dL) / hours
    steepest = fastest_rise(baseline_creatinine_mg_dL, baseline_gfr_mL_min, weight_kg)
    made = baseline_creatinine_mg_dL * baseline_gfr_mL_min
    return max(made / mean * (1.0 - change_per_day / steepest), 0.0)


def fastest_rise(baseline_creatinine_mg_dL: float, baseline_gfr_mL_min: float, weight_kg: float) -> float:
    """Rise of creatinine without any clearance, mg/dL per day: production over body water. 1.44 turns mL/min
    into L/day."""
    return 1.44 * baseline_creatinine_mg_dL * baseline_gfr_mL_min / (WATER_PER_KG * weight_kg)
