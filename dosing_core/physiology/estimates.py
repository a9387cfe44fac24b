"""Kidney estimates by name, with unit and source, and why those that take race are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dosing_core.errors import RaceNotUsed, UnknownEquation
from dosing_core.physiology import kinetic_gfr, renal, renal_children, renal_ekfc


@dataclass(frozen=True)
class Equation:
    """One published estimate of kidney function."""

    name: str
    function: Callable[..., float]
    unit: str
    ages: str
    reference: str


EQUATIONS: tuple[Equation, ...] = (
    Equation("cockcroft_gault", renal.cockcroft_gault, "mL/min", "adults", "PMID 1244564"),
    Equation(
        "ckd_epi_2021", renal.ckd_epi_2021, "mL/min/1.73 m²", "from 18 years", "doi:10.1056/NEJMoa2102953"
    ),
    Equation(
        "ckd_epi_2021_creatinine_cystatin",
        renal.ckd_epi_2021_creatinine_cystatin,
        "mL/min/1.73 m²",
        "from 18 years",
        "doi:10.1056/NEJMoa2102953",
    ),
    Equation(
        "ckd_epi_2012_cystatin",
        renal.ckd_epi_2012_cystatin,
        "mL/min/1.73 m²",
        "from 18 years",
        "N Engl J Med 2012;367:20–29",
    ),
    Equation(
        "ekfc_creatinine",
        renal_ekfc.ekfc_creatinine,
        "mL/min/1.73 m²",
        "from 2 years",
        "doi:10.7326/M20-4366",
    ),
    Equation(
        "ekfc_cystatin",
        renal_ekfc.ekfc_cystatin,
        "mL/min/1.73 m²",
        "from 2 years",
        "N Engl J Med 2023;388:333–343",
    ),
    Equation(
        "bedside_schwartz",
        renal_children.bedside_schwartz,
        "mL/min/1.73 m²",
        "1 to 18 years",
        "PMID 19158356",
    ),
    Equation(
        "ckid_u25_creatinine",
        renal_children.ckid_u25_creatinine,
        "mL/min/1.73 m²",
        "1 to 25 years",
        "doi:10.1016/j.kint.2020.10.047",
    ),
    Equation(
        "ckid_u25_cystatin",
        renal_children.ckid_u25_cystatin,
        "mL/min/1.73 m²",
        "1 to 25 years",
        "doi:10.1016/j.kint.2020.10.047",
    ),
    Equation("kinetic_gfr", kinetic_gfr.kinetic_gfr, "mL/min", "while creatinine changes", "PMID 23704286"),
    Equation("measured_clearance", renal.measured_clearance, "mL/min", "any", "U · V / (P · t)"),
)

WITH_RACE = frozenset({"mdrd", "mdrd4", "mdrd6", "ckd_epi_2009", "ckd_epi_2012_creatinine_cystatin"})
"""Equations that were published with a coefficient for race."""
BECAUSE = (
    "Race is no biology: it made kidneys of Black patients look better than they are. The NKF–ASN task force "
    "asks for the equations of 2021, which do without it (Delgado et al. 2022, "
    "doi:10.1053/j.ajkd.2021.08.003)."
)


def equation(name: str, *, race: bool = False) -> Equation:
    """The estimate of this name, such as ``ckd_epi_2021``; spaces, hyphens and case do not matter.

    ``race``: True if a term for race was asked for. Raises ``RaceNotUsed`` with the reason for that and for
    equations that were built with one, and ``UnknownEquation`` naming those that there are.
    """
    plain = name.strip().lower().replace("-", "_").replace(" ", "_")
    if race or plain in WITH_RACE:
        raise RaceNotUsed(name, BECAUSE)
    for one in EQUATIONS:
        if one.name == plain:
            return one
    raise UnknownEquation(name, ", ".join(one.name for one in EQUATIONS))
