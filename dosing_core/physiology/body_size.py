"""Body size: weights that dosing equations take, and surface area. kg, cm, m²."""

from __future__ import annotations

import math
from enum import StrEnum

from dosing_core.case import Sex

CM_PER_INCH = 2.54


class WeightChoice(StrEnum):
    """Which weight an equation is given. Studies differ, so every use names its choice."""

    TOTAL = "total"
    IDEAL = "ideal"
    ADJUSTED = "adjusted"
    ADAPTIVE = "adaptive"
    """Total if below ideal, ideal up to 1.2 times ideal, adjusted above (Winter et al., Pharmacotherapy
    2012;32:604–612)."""


def body_mass_index(weight_kg: float, height_cm: float) -> float:
    """kg/m²."""
    return weight_kg / (height_cm / 100.0) ** 2


def ideal_body_weight(height_cm: float, sex: Sex) -> float:
    """Devine 1974 (Drug Intell Clin Pharm 8:650), kg. It was fitted above 60 inches (152.4 cm) only.

    Raises ``ValueError`` where the line gives no positive weight.
    """
    base = 50.0 if sex == "male" else 45.5
    weight = base + 2.3 * (height_cm / CM_PER_INCH - 60.0)
    if weight <= 0:
        raise ValueError(f"no ideal body weight at {height_cm:g} cm")
    return weight


def adjusted_body_weight(weight_kg: float, height_cm: float, sex: Sex, factor: float = 0.4) -> float:
    """Ideal weight plus ``factor`` of what is above it, kg. 0.4 is the usual factor (Winter et al. 2012)."""
    ideal = ideal_body_weight(height_cm, sex)
    return ideal + factor * (weight_kg - ideal)


def chosen_weight(choice: WeightChoice, weight_kg: float, height_cm: float | None, sex: Sex) -> float:
    """The weight that ``choice`` means for this person, kg.

    Raises ``ValueError`` if the choice needs a height and there is none.
    """
    if choice is WeightChoice.TOTAL:
        return weight_kg
    if height_cm is None:
        raise ValueError(f"{choice.value} body weight needs a height")
    ideal = ideal_body_weight(height_cm, sex)
    match choice:
        case WeightChoice.IDEAL:
            return ideal
        case WeightChoice.ADJUSTED:
            return adjusted_body_weight(weight_kg, height_cm, sex)
        case WeightChoice.ADAPTIVE:
            if weight_kg < ideal:
                return weight_kg
            if weight_kg <= 1.2 * ideal:
                return ideal
            return adjusted_body_weight(weight_kg, height_cm, sex)


def fat_free_mass(weight_kg: float, height_cm: float, sex: Sex) -> float:
    """Janmahasatian et al. 2005 (Clin Pharmacokinet 44:1051–1065), kg. Adults."""
    bmi = body_mass_index(weight_kg, height_cm)
    if sex == "male":
        return 9270.0 * weight_kg / (6680.0 + 216.0 * bmi)
    return 9270.0 * weight_kg / (8780.0 + 244.0 * bmi)


def lean_body_mass(weight_kg: float, height_cm: float, sex: Sex) -> float:
    """James 1976 (Research on Obesity, HMSO), kg. It falls again beyond 43 kg/m² in men and 37 kg/m² in women
    (Nyman 2016, PMID 26885737). Raises ``ValueError`` there, where it has no meaning."""
    if body_mass_index(weight_kg, height_cm) > (43.0 if sex == "male" else 37.0):
        raise ValueError("James' lean body mass falls again at this body mass index")
    linear, square = (1.10, 128.0) if sex == "male" else (1.07, 148.0)
    return linear * weight_kg - square * (weight_kg / height_cm) ** 2


def body_surface_area_dubois(weight_kg: float, height_cm: float) -> float:
    """Du Bois and Du Bois 1916 (Arch Intern Med 17:863–871), m²."""
    return float(0.007184 * weight_kg**0.425 * height_cm**0.725)


def body_surface_area_mosteller(weight_kg: float, height_cm: float) -> float:
    """Mosteller 1987 (N Engl J Med 317:1098), m²."""
    return math.sqrt(height_cm * weight_kg / 3600.0)


def body_surface_area_haycock(weight_kg: float, height_cm: float) -> float:
    """Haycock et al. 1978 (J Pediatr 93:62–66), m². Fitted from newborns to adults."""
    return float(0.024265 * weight_kg**0.5378 * height_cm**0.3964)
