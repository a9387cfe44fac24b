"""Warfarin: the published regressions for the dose, and the loading that follows from one of them.

The papers give coefficients for race. They are left out: ancestry is no input here, and CPIC's own advice
rests on the alleles themselves. Leaving them out gives the dose of the papers' reference group, which answers
say. Sources agree on every coefficient of IWPC (four public implementations) and Gage (two, and the
percentages of its abstract); Gage's clinical form, Lenzini and the loading rest on one implementation each.

Sources: IWPC, N Engl J Med 2009;360:753–764, PMID 19228618. Gage et al., Clin Pharmacol Ther 2008;84:326–331,
PMID 18305455. Lenzini et al., Clin Pharmacol Ther 2010, doi:10.1038/clpt.2010.13. EU-PACT: Pirmohamed et al.,
N Engl J Med 2013, doi:10.1056/NEJMoa1311386.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_IWPC_CYP2C9 = {
    (0, 0): 0.0,
    (1, 0): -0.5211,
    (0, 1): -0.9357,
    (2, 0): -1.0616,
    (1, 1): -1.9206,
    (0, 2): -2.3312,
}
_IWPC_VKORC1 = (0.0, -0.8677, -1.6974)
_ELIMINATION = {
    (0, 0): 0.0189,
    (1, 0): 0.0158,
    (0, 1): 0.0132,
    (2, 0): 0.0130,
    (1, 1): 0.0090,
    (0, 2): 0.0075,
}
"""1/h of S-warfarin by numbers of CYP2C9 *2 and *3, as EU-PACT took it."""


@dataclass(frozen=True)
class Genotype:
    """What is known of the two genes; None: not tested, which is not the same as normal."""

    vkorc1_a: int | None = None
    """Number of A alleles of VKORC1 -1639 G>A: 0, 1 or 2. A lowers the dose."""
    cyp2c9: tuple[int, int] | None = None
    """Numbers of CYP2C9 *2 and *3 alleles, together at most 2."""

    def __post_init__(self) -> None:
        if self.vkorc1_a is not None and self.vkorc1_a not in (0, 1, 2):
            raise ValueError(f"VKORC1 has 0, 1 or 2 A alleles, not {self.vkorc1_a}")
        if self.cyp2c9 is not None and self.cyp2c9 not in _IWPC_CYP2C9:
            raise ValueError(f"CYP2C9 *2 and *3 alleles cannot be {self.cyp2c9}")

    @property
    def complete(self) -> bool:
        """True if both genes were tested."""
        return self.vkorc1_a is not None and self.cyp2c9 is not None


@dataclass(frozen=True)
class Patient:
    """What the regressions read."""

    age_years: float
    height_cm: float
    weight_kg: float
    genotype: Genotype = Genotype()
    amiodarone: bool = False
    inducer: bool = False
    """Carbamazepine, phenytoin or rifampicin."""
    smoker: bool = False
    thrombosis: bool = False
    """Given for deep vein thrombosis or pulmonary embolism."""
    target_inr: float = 2.5

    @property
    def surface_m2(self) -> float:
        """Mosteller's, the usual choice with these regressions; Gage published none."""
        return math.sqrt(self.height_cm * self.weight_kg / 3600.0)


def iwpc(patient: Patient) -> float:
    """mg/day with genotypes, for an INR of 2 to 3. An untested gene takes the regression's own term for
    unknown."""
    known = patient.genotype
    total = 5.6044 - 0.2614 * math.floor(patient.age_years / 10.0)
    total += 0.0087 * patient.height_cm + 0.0128 * patient.weight_kg
    total += -0.4854 if known.vkorc1_a is None else _IWPC_VKORC1[known.vkorc1_a]
    total += -0.2188 if known.cyp2c9 is None else _IWPC_CYP2C9[known.cyp2c9]
    total += 1.1816 * patient.inducer - 0.5503 * patient.amiodarone
    return max(total, 0.0) ** 2 / 7.0


def iwpc_clinical(patient: Patient) -> float:
    """mg/day without genotypes, for an INR of 2 to 3."""
    total = 4.0376 - 0.2546 * math.floor(patient.age_years / 10.0)
    total += 0.0118 * patient.height_cm + 0.0134 * patient.weight_kg
    total += 1.2799 * patient.inducer - 0.5695 * patient.amiodarone
    return max(total, 0.0) ** 2 / 7.0


def gage(patient: Patient) -> float:
    """mg/day with genotypes. Raises ``ValueError`` unless both genes were tested."""
    star2, star3, a = _tested(patient)
    total = 0.9751 - 0.3238 * a + 0.4317 * patient.surface_m2 - 0.4008 * star3 - 0.00745 * patient.age_years
    total += -0.2066 * star2 + 0.2029 * patient.target_inr - 0.2538 * patient.amiodarone
    total += 0.0922 * patient.smoker + 0.0664 * patient.thrombosis
    return math.exp(total)


def gage_clinical(patient: Patient) -> float:
    """mg/day without genotypes."""
    total = 0.613 + 0.425 * patient.surface_m2 - 0.0075 * patient.age_years + 0.216 * patient.target_inr
    total += -0.257 * patient.amiodarone + 0.108 * patient.smoker + 0.0784 * patient.thrombosis
    return math.exp(total)


@dataclass(frozen=True)
class Course:
    """The first days of treatment, for the refinement on day 4 or 5."""

    inr: float
    doses_mg: tuple[float, float, float]
    """Given 2, 3 and 4 days before the INR."""
    stroke: bool = False
    diabetes: bool = False
    fluvastatin: bool = False


def lenzini(patient: Patient, course: Course) -> float:
    """mg/day refined by the INR of day 4 or 5, with genotypes.

    Raises ``ValueError`` unless both genes were tested, and for an INR that is not positive.
    """
    if course.inr <= 0:
        raise ValueError("the refinement needs an INR above 0")
    star2, star3, a = _tested(patient)
    total = 3.10894 - 0.00767 * patient.age_years - 0.51611 * math.log(course.inr) - 0.23032 * a
    total += -0.14745 * star2 - 0.3077 * star3 + 0.24597 * patient.surface_m2 + 0.26729 * patient.target_inr
    total += -0.2059 * course.stroke - 0.11216 * course.diabetes - 0.1035 * patient.amiodarone
    total -= 0.19275 * course.fluvastatin
    total += sum(c * dose for c, dose in zip((0.0169, 0.02018, 0.01065), course.doses_mg, strict=True))
    return math.exp(total) / 7.0


def eu_pact_maintenance(patient: Patient) -> float:
    """mg/day: IWPC as EU-PACT used it, age by the year, without terms for race, inducers or unknown genes.

    Raises ``ValueError`` unless both genes were tested.
    """
    star2, star3, a = _tested(patient)
    total = 5.6044 - 0.02614 * patient.age_years + 0.0087 * patient.height_cm + 0.0128 * patient.weight_kg
    total += _IWPC_VKORC1[a] + _IWPC_CYP2C9[star2, star3] - 0.5503 * patient.amiodarone
    return max(total, 0.0) ** 2 / 7.0


def eu_pact_loading(patient: Patient) -> tuple[float, float, float]:
    """mg on days 1, 2 and 3: what fills a body that clears S-warfarin at this genotype's rate.

    Raises ``ValueError`` unless both genes were tested.
    """
    star2, star3, _ = _tested(patient)
    left = math.exp(-24.0 * _ELIMINATION[star2, star3])
    maintenance = eu_pact_maintenance(patient)
    loading = maintenance / ((1.0 - left) * (1.0 + left + left**2))
    first, second, third = (maintenance + share * (loading - maintenance) for share in (1.5, 1.0, 0.5))
    return first, second, third


def _tested(patient: Patient) -> tuple[int, int, int]:
    """Numbers of *2, *3 and A alleles."""
    known = patient.genotype
    if known.cyp2c9 is None or known.vkorc1_a is None:
        raise ValueError("this regression needs CYP2C9 and VKORC1")
    return *known.cyp2c9, known.vkorc1_a
