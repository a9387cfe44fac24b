"""What other drugs do to this one: factors of clearance and bioavailability, with uncertainty and over
time."""

from dosing_core.interactions.course import share_in_force
from dosing_core.interactions.effects import Effect, combined, effects
from dosing_core.interactions.static import (
    combined_ratio,
    induction_ratio,
    inhibition_ratio,
    strength_of_inducer,
    strength_of_inhibitor,
)

__all__ = [
    "Effect",
    "combined",
    "combined_ratio",
    "effects",
    "induction_ratio",
    "inhibition_ratio",
    "share_in_force",
    "strength_of_inducer",
    "strength_of_inhibitor",
]
