"""The errors that the dosing core raises.

::

    DosingError
    ├── UnknownDrug          the library holds no file for the drug that the case asks about
    ├── InvalidDrugFile      a drug file is incomplete or contradicts itself (says where)
    │   └── InvalidExpression    one of its covariate equations is not allowed or not computable
    └── UnitError            a quantity has no exact conversion to the canonical unit

A question that cannot be answered is not an error: it is a ``Recommendation`` whose outcome says so.
"""

from __future__ import annotations


class DosingError(Exception):
    """Root of the dosing core's errors."""


class UnknownDrug(DosingError):
    """The library holds no file for this drug."""

    def __init__(self, drug: str) -> None:
        super().__init__(f"no drug file for {drug!r}")
        self.drug = drug


class InvalidDrugFile(DosingError):
    """A drug file does not hold; ``where`` names the file and the field."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where
        self.problem = problem


class InvalidExpression(InvalidDrugFile):
    """A covariate equation uses something that the expression language does not have."""


class UnitError(DosingError):
    """A quantity cannot be brought to its canonical unit exactly."""

    def __init__(self, unit: str, quantity: str) -> None:
        super().__init__(f"{unit!r} is not a known unit of {quantity}")
        self.unit = unit
        self.quantity = quantity
