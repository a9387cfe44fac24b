"""What a total level would be at normal albumin. Levels mg/L, albumin g/dL."""

from __future__ import annotations

KIDNEY_FAILURE_ML_MIN = 20.0


def phenytoin_at_normal_albumin(
    total_mg_L: float, albumin_g_dL: float, clearance_mL_min: float | None = None
) -> float:
    """Sheiner and Tozer's correction, mg/L: total / (0.2 · albumin + 0.1); in kidney failure, where phenytoin
    is displaced, 0.1 · albumin + 0.1 (three independent public calculators agree).

    ``clearance_mL_min``: creatinine clearance; None: not known, taken to be above 20 mL/min. It estimates,
    badly in the critically ill: a measured unbound level is better. Raises ``ValueError`` for an albumin of
    nothing.
    """
    if albumin_g_dL <= 0:
        raise ValueError("the correction needs an albumin above 0")
    failing = clearance_mL_min is not None and clearance_mL_min < KIDNEY_FAILURE_ML_MIN
    return total_mg_L / ((0.1 if failing else 0.2) * albumin_g_dL + 0.1)
