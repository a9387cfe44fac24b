"""Kidney function of children and young adults, mL/min/1.73 m². Height in cm, creatinine in mg/dL, cystatin C
in mg/L, age in years. Race is no input of any equation."""

from __future__ import annotations

from dosing_core.case import Sex


def bedside_schwartz(age_years: float, height_cm: float, creatinine_mg_dL: float) -> float:
    """0.413 · height / creatinine (Schwartz et al. 2009, J Am Soc Nephrol 20:629–637, PMID 19158356).

    Raises ``ValueError`` outside 1 to 18 years; the cohort was 1 to 16.
    """
    _within("bedside Schwartz", age_years, 1.0, 18.0)
    return 0.413 * height_cm / creatinine_mg_dL


def ckid_u25_creatinine(age_years: float, height_cm: float, creatinine_mg_dL: float, sex: Sex) -> float:
    """CKiD U25 (Pierce et al. 2021, Kidney Int 99:948–956, doi:10.1016/j.kint.2020.10.047).

    Raises ``ValueError`` outside 1 to 25 years.
    """
    _within("CKiD U25", age_years, 1.0, 25.0)
    base, growing, grown = (39.0, 1.045, 50.8) if sex == "male" else (36.1, 1.023, 41.4)
    if age_years < 12.0:
        k = base * 1.008 ** (age_years - 12.0)
    elif age_years < 18.0:
        k = base * growing ** (age_years - 12.0)
    else:
        k = grown
    return float(k * height_cm / 100.0 / creatinine_mg_dL)


def ckid_u25_cystatin(age_years: float, cystatin_c_mg_L: float, sex: Sex) -> float:
    """CKiD U25 by cystatin C (Pierce et al. 2021, as above).

    Raises ``ValueError`` outside 1 to 25 years.
    """
    _within("CKiD U25", age_years, 1.0, 25.0)
    if sex == "male":
        if age_years < 15.0:
            k = 87.2 * 1.011 ** (age_years - 15.0)
        else:
            k = 87.2 * 0.960 ** (age_years - 15.0) if age_years < 18.0 else 77.1
    elif age_years < 12.0:
        k = 79.9 * 1.004 ** (age_years - 12.0)
    else:
        k = 79.9 * 0.974 ** (age_years - 12.0) if age_years < 18.0 else 68.3
    return float(k / cystatin_c_mg_L)


def _within(name: str, age_years: float, lowest: float, highest: float) -> None:
    if not lowest <= age_years <= highest:
        raise ValueError(f"{name} holds from {lowest:g} to {highest:g} years")
