"""The units that a model speaks, and by what to multiply to get mg, L, h and mg/L."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from dosing_core.population.families.parameters import Dimension
from dosing_core.population.record import Positive, Record

TimeUnit = Literal["h", "day", "min"]
AmountUnit = Literal["mg", "ug", "g", "nmol", "umol"]
VolumeUnit = Literal["L", "mL"]
ConcentrationUnit = Literal["mg/L", "ug/mL", "g/L", "ug/L", "ng/mL", "nmol/L", "umol/L"]
_HOURS: dict[TimeUnit, float] = {"h": 1.0, "day": 24.0, "min": 1.0 / 60.0}
_MG: dict[str, float] = {"mg": 1.0, "ug": 1e-3, "g": 1e3}
_LITRES: dict[VolumeUnit, float] = {"L": 1.0, "mL": 1e-3}
_MG_L: dict[str, float] = {"mg/L": 1.0, "ug/mL": 1.0, "g/L": 1e3, "ug/L": 1e-3, "ng/mL": 1e-3}
_MOL: dict[str, float] = {"nmol": 1e-9, "umol": 1e-6, "nmol/L": 1e-9, "umol/L": 1e-6}


class ModelUnits(Record):
    """The model's own units."""

    time: TimeUnit = "h"
    amount: AmountUnit = "mg"
    volume: VolumeUnit = "L"
    concentration: ConcentrationUnit = "mg/L"
    molar_mass: Positive | None = None
    """g/mol, required where an amount or a concentration is molar."""

    @model_validator(mode="after")
    def _molar_mass_is_known(self) -> Self:
        molar = {self.amount, self.concentration} & set(_MOL)
        if molar and self.molar_mass is None:
            raise ValueError("molar units need a molar_mass (g/mol)")
        return self

    @property
    def hours(self) -> float:
        """Hours in the model's unit of time."""
        return _HOURS[self.time]

    @property
    def amount_factor(self) -> float:
        """Multiply the model's amounts by this to get mg."""
        return self._mass(self.amount, _MG)

    @property
    def concentration_factor(self) -> float:
        """Multiply the model's concentrations by this to get mg/L."""
        return self._mass(self.concentration, _MG_L)

    def _mass(self, unit: str, table: dict[str, float]) -> float:
        if unit in table:
            return table[unit]
        return _MOL[unit] * (self.molar_mass or 1.0) * 1e3

    def scale(self, dimension: Dimension) -> float:
        """Multiply a value of this dimension by this to get it in h, mg, L and mg/L."""
        hours, litres = self.hours, _LITRES[self.volume]
        mg, mg_L = self.amount_factor, self.concentration_factor
        return {
            "none": 1.0,
            "fraction": 1.0,
            "effect": 1.0,
            "volume": litres,
            "volume/time": litres / hours,
            "time": hours,
            "1/time": 1.0 / hours,
            "amount": mg,
            "amount/time": mg / hours,
            "concentration": mg_L,
            "effect/concentration": 1.0 / mg_L,
            "1/concentration": 1.0 / mg_L,
            "1/(concentration*time)": 1.0 / (mg_L * hours),
        }[dimension]

    def factor(self, parameter: str) -> float:
        """Multiply the model's value of a parameter of the closed forms by this to get L, h and L/h."""
        return self.scale(_CLOSED_FORM.get(parameter, "none"))


def concentration_scale(unit: str, units: ModelUnits) -> float | None:
    """Multiply a concentration in ``unit`` by this to get mg/L; None if it is not a unit of concentration.

    A molar one counts only where the model names its molar mass.
    """
    if unit in _MG_L:
        return _MG_L[unit]
    if unit in ("nmol/L", "umol/L") and units.molar_mass is not None:
        return _MOL[unit] * units.molar_mass * 1e3
    return None


_CLOSED_FORM: dict[str, Dimension] = {
    "CL": "volume/time",
    "V1": "volume",
    "Q": "volume/time",
    "V2": "volume",
    "ka": "1/time",
    "tlag": "time",
    "F": "fraction",
}
