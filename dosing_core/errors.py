"""The errors that the dosing core raises.

::

    DosingError
    ├── UnknownDrug          the library holds no file for the drug that the case asks about
    ├── InvalidDrugFile      a drug file is incomplete or contradicts itself (says where)
    │   └── InvalidExpression    one of its covariate equations is not allowed or not computable
    ├── UnitError            a quantity has no exact conversion to the canonical unit
    ├── InvalidDataset       a pharmacometric dataset breaks a convention (says row and column)
    ├── InvalidCovariate     a covariate is absent, unknown to the model or out of its range (names it)
    ├── UnreadableGenotype   a genotype names what does not exist or leaves it open (says what)
    ├── RaceNotUsed          an equation with a term for race was asked for (says why there is none)
    ├── UnknownEquation      no estimate of kidney function has this name (says which there are)
    ├── UnusableGoal         what is aimed at contradicts itself or cannot be asked of the model (says why)
    ├── InvalidObservation   a level cannot be what it is said to be (says which)
    ├── InvalidVariability   a covariance matrix of random effects is none
    └── NotSupported         a model or regimen asks for something that the tools do not do yet (names it)

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


class InvalidDataset(DosingError):
    """A dataset breaks the conventions; ``row`` counts from 1, which is the header, or is 0 for the whole."""

    def __init__(self, row: int, column: str, problem: str) -> None:
        place = ", ".join(filter(None, (f"row {row}" if row else "", f"column {column}" if column else "")))
        super().__init__(f"{place}: {problem}" if place else problem)
        self.row = row
        self.column = column
        self.problem = problem


class InvalidCovariate(DosingError):
    """A covariate cannot be used as it is; ``name`` is the model's."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"covariate {name}: {problem}" if name else problem)
        self.name = name
        self.problem = problem


class InvalidObservation(DosingError):
    """A level cannot be what it is said to be; ``index`` is its place among the levels, from 0."""

    def __init__(self, index: int, problem: str) -> None:
        super().__init__(f"level {index + 1}: {problem}")
        self.index = index
        self.problem = problem


class InvalidVariability(DosingError):
    """The covariance of random effects is not finite, not symmetric or not positive semidefinite."""


class NotSupported(DosingError):
    """Something is asked for that is not built yet; the text names it."""


class RaceNotUsed(DosingError):
    """An estimate that takes race was asked for; ``reason`` says why there is none."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name!r} with race is not computed: {reason}")
        self.name = name
        self.reason = reason


class UnknownEquation(DosingError):
    """No estimate has this name."""

    def __init__(self, name: str, known: str) -> None:
        super().__init__(f"no kidney estimate is called {name!r}; there are {known}")
        self.name = name


class UnusableGoal(DosingError):
    """No regimen can be held against this goal; ``reason`` is a sentence for the prescriber."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnreadableGenotype(DosingError):
    """A genotype cannot be read as it is written; ``problem`` says why."""

    def __init__(self, gene: str, text: str, problem: str) -> None:
        super().__init__(f"{gene} {text!r}: {problem}")
        self.gene = gene
        self.text = text
        self.problem = problem
