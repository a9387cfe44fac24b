"""How organs grow up: kidney function by postmenstrual age, fat-free mass of children."""

from __future__ import annotations

from dosing_core.case import Sex
from dosing_core.physiology.body_size import fat_free_mass


def gfr_maturation(postmenstrual_weeks: float) -> float:
    """Fraction of an adult's size-standardised GFR (Rhodin et al. 2009, Pediatr Nephrol 24:67–76)."""
    grown = postmenstrual_weeks**3.4
    return float(grown / (grown + 47.7**3.4))


def typical_gfr(postmenstrual_weeks: float, weight_kg: float) -> float:
    """Typical GFR at this age and weight, mL/min, not indexed (Rhodin et al. 2009)."""
    return float(121.2 * (weight_kg / 70.0) ** 0.75 * gfr_maturation(postmenstrual_weeks))


def fat_free_mass_of_child(age_years: float, weight_kg: float, height_cm: float, sex: Sex) -> float:
    """kg (Al-Sallami et al. 2015, Clin Pharmacokinet 54:1169–1178). Becomes the adult's equation with age."""
    if sex == "male":
        share = 0.88 + 0.12 / (1.0 + (age_years / 13.4) ** -12.7)
    else:
        share = 1.11 - 0.11 / (1.0 + (age_years / 7.1) ** -1.1)
    return float(share * fat_free_mass(weight_kg, height_cm, sex))
