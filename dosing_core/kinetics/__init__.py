"""From doses and parameters to what is observed: in closed form, exactly, or by steps under error control."""

from dosing_core.kinetics.history import DoseTable, dose_table, hours, no_doses, train
from dosing_core.kinetics.ode import State, state_at
from dosing_core.kinetics.predict import (
    Prediction,
    auc,
    bound,
    concentrations,
    is_exact,
    is_linear,
    prediction,
    steady_state,
    steady_state_auc24,
)

__all__ = [
    "DoseTable",
    "Prediction",
    "State",
    "auc",
    "bound",
    "concentrations",
    "dose_table",
    "hours",
    "is_exact",
    "is_linear",
    "no_doses",
    "prediction",
    "state_at",
    "steady_state",
    "steady_state_auc24",
    "train",
]
