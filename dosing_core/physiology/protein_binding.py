"""What a total level would be at normal albumin. Levels mg/L."""

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


UNBOUND_VALPROATE_PERCENT = {
    **{42: 6.5, 41: 6.8, 40: 7.3, 39: 7.9, 38: 8.5, 37: 9.1, 36: 9.8, 35: 10.5, 34: 11.3, 33: 12.1, 32: 13.0},
    **{31: 14.0, 30: 15.0, 29: 16.2, 28: 17.4, 27: 18.7, 26: 20.1, 25: 21.6, 24: 23.2, 23: 24.9, 22: 26.8},
    **{21: 28.9, 20: 31.0, 19: 33.3, 18: 35.8},
}
"""By albumin, g/L: Hermida and Tutor, J Pharmacol Sci 2005;97:489-493, for totals below 75 mg/L."""


def valproate_at_normal_albumin(total_mg_L: float, albumin_g_L: float) -> float:
    """Hermida and Tutor's normalised level, mg/L: total · unbound part / 6.5 %, the part at 42 g/L and above.

    Raises ``ValueError`` for an albumin below 18 g/L, where the table ends.
    """
    if albumin_g_L < 18.0:
        raise ValueError("the table of unbound valproate ends at an albumin of 18 g/L")
    albumin = min(albumin_g_L, 42.0)
    below = min(int(albumin), 41)
    share = albumin - below
    part = (1.0 - share) * UNBOUND_VALPROATE_PERCENT[below] + share * UNBOUND_VALPROATE_PERCENT[below + 1]
    return total_mg_L * part / UNBOUND_VALPROATE_PERCENT[42]
