"""The equations of the European Kidney Function Consortium, from 2 years on without a jump at 18.

A marker is divided by Q, its median in healthy people of that age. Per 1.73 m²; no race.
"""

from __future__ import annotations

import math

from dosing_core.case import Sex
from dosing_core.physiology.renal import UMOL_L_PER_MG_DL

YOUNGEST_YEARS = 2.0
_Q_GROWN_MG_DL = {"female": 0.70, "male": 0.90}
_Q_GROWING = {
    "male": (3.200, 0.259, -0.543, -0.00763, 0.0000790),
    "female": (3.080, 0.177, -0.223, -0.00596, 0.0000686),
}
"""ln Q (µmol/L) = a + b · age + c · ln age + d · age² + e · age³, 2 to 25 years."""


def ekfc_creatinine(age_years: float, creatinine_mg_dL: float, sex: Sex) -> float:
    """eGFR, mL/min/1.73 m² (Pottel et al. 2021, doi:10.7326/M20-4366).

    Raises ``ValueError`` below 2 years.
    """
    return _full_range(age_years, creatinine_mg_dL / healthy_creatinine(age_years, sex))


def ekfc_cystatin(age_years: float, cystatin_c_mg_L: float) -> float:
    """eGFR from cystatin C, mL/min/1.73 m²; sex is no input (Pottel et al. 2023, N Engl J Med 388:333–343).

    Raises ``ValueError`` below 2 years.
    """
    healthy = 0.83 + 0.005 * max(age_years - 50.0, 0.0)
    return _full_range(age_years, cystatin_c_mg_L / healthy)


def healthy_creatinine(age_years: float, sex: Sex) -> float:
    """Q, the median creatinine of healthy people of this age, mg/dL."""
    if age_years > 25.0:
        return _Q_GROWN_MG_DL[sex]
    a, b, c, d, e = _Q_GROWING[sex]
    log_q = a + b * age_years + c * math.log(age_years) + d * age_years**2 + e * age_years**3
    return math.exp(log_q) / UMOL_L_PER_MG_DL


def _full_range(age_years: float, ratio: float) -> float:
    if age_years < YOUNGEST_YEARS:
        raise ValueError("EKFC holds from 2 years")
    ageing = 0.990 ** max(age_years - 40.0, 0.0)
    return float(107.3 * ratio ** (-0.322 if ratio < 1.0 else -1.132) * ageing)
