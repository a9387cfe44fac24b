"""Kidney function of adults. Creatinine in mg/dL, cystatin C in mg/L, age in years. Race is no input of any
equation.

All estimates assume a steady marker; ``creatinine_trend`` says when it is not. Those per 1.73 m² say so: a
dose goes by ``absolute`` mL/min unless the model asks otherwise (FDA, Pharmacokinetics in Patients with
Impaired Renal Function, March 2024).
"""

from __future__ import annotations

from typing import Literal

from dosing_core.case import Sex
from dosing_core.physiology.body_size import WeightChoice, chosen_weight

ADULT_YEARS = 18.0
STANDARD_SURFACE_M2 = 1.73
UMOL_L_PER_MG_DL = 88.4
"""Of creatinine, 113.12 g/mol."""

Category = Literal["G1", "G2", "G3a", "G3b", "G4", "G5"]


def cockcroft_gault(
    age_years: float,
    weight_kg: float,
    creatinine_mg_dL: float,
    sex: Sex,
    *,
    weight: WeightChoice,
    height_cm: float | None = None,
) -> float:
    """Creatinine clearance, mL/min, not indexed to body surface (Cockcroft and Gault 1976, PMID 1244564).

    ``weight_kg`` is the total weight; ``weight`` says which weight the equation is given. Zero from 140 years
    on. Raises ``ValueError`` if that choice needs a height and there is none.
    """
    mass = chosen_weight(weight, weight_kg, height_cm, sex)
    clearance = max(140.0 - age_years, 0.0) * mass / (72.0 * creatinine_mg_dL)
    return clearance * (0.85 if sex == "female" else 1.0)


def ckd_epi_2021(age_years: float, creatinine_mg_dL: float, sex: Sex) -> float:
    """eGFR, mL/min/1.73 m² (Inker et al. 2021, doi:10.1056/NEJMoa2102953). Adults only.

    Raises ``ValueError`` below 18 years.
    """
    _adult("CKD-EPI 2021", age_years)
    kappa, alpha, factor = (0.7, -0.241, 1.012) if sex == "female" else (0.9, -0.302, 1.0)
    ratio = creatinine_mg_dL / kappa
    egfr = 142.0 * min(ratio, 1.0) ** alpha * max(ratio, 1.0) ** -1.200 * 0.9938**age_years * factor
    return float(egfr)


def ckd_epi_2021_creatinine_cystatin(
    age_years: float, creatinine_mg_dL: float, cystatin_c_mg_L: float, sex: Sex
) -> float:
    """eGFR from both markers, mL/min/1.73 m² (Inker et al. 2021, doi:10.1056/NEJMoa2102953). Adults only.

    Raises ``ValueError`` below 18 years.
    """
    _adult("CKD-EPI 2021", age_years)
    kappa, alpha, factor = (0.7, -0.219, 0.963) if sex == "female" else (0.9, -0.144, 1.0)
    creatinine, cystatin = creatinine_mg_dL / kappa, cystatin_c_mg_L / 0.8
    by_creatinine = min(creatinine, 1.0) ** alpha * max(creatinine, 1.0) ** -0.544
    by_cystatin = min(cystatin, 1.0) ** -0.323 * max(cystatin, 1.0) ** -0.778
    return float(135.0 * by_creatinine * by_cystatin * 0.9961**age_years * factor)


def ckd_epi_2012_cystatin(age_years: float, cystatin_c_mg_L: float, sex: Sex) -> float:
    """eGFR from cystatin C, mL/min/1.73 m² (Inker et al. 2012, N Engl J Med 367:20–29). Adults only.

    Raises ``ValueError`` below 18 years.
    """
    _adult("CKD-EPI 2012", age_years)
    ratio = cystatin_c_mg_L / 0.8
    by_cystatin = min(ratio, 1.0) ** -0.499 * max(ratio, 1.0) ** -1.328
    return float(133.0 * by_cystatin * 0.9962**age_years * (0.932 if sex == "female" else 1.0))


def measured_clearance(urine_mg_dL: float, urine_volume_mL: float, hours: float, serum_mg_dL: float) -> float:
    """Creatinine clearance from a timed urine collection, mL/min: U · V / (P · t).

    Raises ``ValueError`` for a collection without time or a serum value of nothing.
    """
    if hours <= 0 or serum_mg_dL <= 0:
        raise ValueError("a measured clearance needs a time of collection and a serum creatinine above 0")
    return urine_mg_dL * urine_volume_mL / (serum_mg_dL * hours * 60.0)


def absolute(gfr_indexed: float, body_surface_m2: float) -> float:
    """mL/min of this body, from mL/min/1.73 m²."""
    return gfr_indexed * body_surface_m2 / STANDARD_SURFACE_M2


def indexed(gfr_absolute: float, body_surface_m2: float) -> float:
    """mL/min/1.73 m², from mL/min of this body."""
    return gfr_absolute * STANDARD_SURFACE_M2 / body_surface_m2


def gfr_category(gfr_indexed: float) -> Category:
    """KDIGO 2012 (Kidney Int Suppl 3:1–150, table 5) by mL/min/1.73 m²."""
    floors: tuple[tuple[float, Category], ...] = (
        (90.0, "G1"),
        (60.0, "G2"),
        (45.0, "G3a"),
        (30.0, "G3b"),
        (15.0, "G4"),
    )
    return next((category for floor, category in floors if gfr_indexed >= floor), "G5")


def _adult(name: str, age_years: float) -> None:
    if age_years < ADULT_YEARS:
        raise ValueError(f"{name} holds from 18 years")
