"""``Covariate``: one input of a model's equations, and the ranges within which the model was built."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from dosing_core.physiology.body_size import WeightChoice
from dosing_core.population.record import Finite, Positive, Record

Quantity = Literal[
    "weight",
    "height",
    "age",
    "female",
    "creatinine",
    "haematocrit",
    "creatinine_clearance",
    "fat_free_mass",
    "body_mass_index",
    "cyp3a5_expresser",
    "prednisolone_daily_dose",
    "first_day_after_transplant",
    "haemodialysis",
    "albumin",
]

QUANTITY_UNITS: dict[Quantity, str] = {
    "weight": "kg",
    "height": "cm",
    "age": "years",
    "female": "0/1",
    "creatinine": "mg/dL",
    "haematocrit": "%",
    "creatinine_clearance": "mL/min",
    "fat_free_mass": "kg",
    "body_mass_index": "kg/m2",
    "cyp3a5_expresser": "0/1",
    "prednisolone_daily_dose": "mg/day",
    "first_day_after_transplant": "0/1",
    "haemodialysis": "0/1",
    "albumin": "g/L",
}
"""Quantities that ``bind`` can supply. A model must want them in just this unit."""


class CreatinineFloor(Record):
    """Above this age, a creatinine below the floor counts as the floor."""

    age_above_years: Positive
    creatinine_mg_dL: Positive
    source: str


class Covariate(Record):
    """One input of the equations and how it is obtained from the case.

    Without a ``quantity`` only a dataset can give it, under the model's name; a patient's record cannot.
    """

    quantity: Quantity | None = None
    unit: str = ""
    definition: str = ""
    weight: WeightChoice | None = None
    """Creatinine clearance only, and there required: the weight that goes into Cockcroft–Gault."""
    equation: Literal["cockcroft_gault", "ckd_epi_2021"] = "cockcroft_gault"
    """Creatinine clearance only. CKD-EPI 2021 is brought from 1.73 m² to the patient's own surface."""
    maximum: Positive | None = None
    """Values above it count as it."""
    creatinine_floor: CreatinineFloor | None = None
    typical: str = ""
    """What the cohort had, in words, for the reader."""

    @classmethod
    def plain(cls, quantity: Quantity) -> Self:
        """A covariate that is the quantity itself."""
        return cls(quantity=quantity, unit=QUANTITY_UNITS[quantity])

    @model_validator(mode="after")
    def _holds(self) -> Self:
        if self.quantity is not None and self.unit != QUANTITY_UNITS[self.quantity]:
            raise ValueError(f"{self.quantity} is supplied in {QUANTITY_UNITS[self.quantity]}")
        clearance = self.quantity == "creatinine_clearance"
        if clearance != (self.weight is not None):
            raise ValueError("creatinine_clearance, and only it, says which weight it takes")
        if self.equation != "cockcroft_gault" and not clearance:
            raise ValueError("equation belongs to creatinine_clearance")
        if self.creatinine_floor is not None and not clearance:
            raise ValueError("creatinine_floor belongs to creatinine_clearance")
        return self


class Limit(Record):
    """A range of one quantity. Beyond a ``validity`` limit the model must not speak; beyond an ``observed``
    one the answer says so."""

    quantity: Quantity
    low: Finite | None = None
    high: Finite | None = None
    kind: Literal["validity", "observed"]
    source: str

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        if self.low is None and self.high is None:
            raise ValueError("a limit needs a low or a high end")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("low must be below high")
        return self
