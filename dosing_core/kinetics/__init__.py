"""From doses and parameters to concentrations: linear kinetics in closed form."""

from dosing_core.kinetics.history import DoseTable, dose_table, hours, no_doses, train
from dosing_core.kinetics.predict import (
    Prediction,
    auc,
    bound,
    concentrations,
    prediction,
    steady_state,
    steady_state_auc24,
)

__all__ = [
    "DoseTable",
    "Prediction",
    "auc",
    "bound",
    "concentrations",
    "dose_table",
    "hours",
    "no_doses",
    "prediction",
    "steady_state",
    "steady_state_auc24",
    "train",
]
