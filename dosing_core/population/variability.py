"""How parameters differ between people and, within one person, between occasions.

A random effect phi is normal with mean 0; its ``form`` says how it changes a typical value (see
``individual.LOG_NORMAL`` and its neighbours). Numbers stand as published and as used: ``omega_variance`` is
NONMEM's $OMEGA, a variance on the scale of phi.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from dosing_core.population.individual import BOX_COX, LOG_NORMAL, LOGIT_NORMAL, NORMAL
from dosing_core.population.record import Finite, Positive, Record

Form = Literal["log_normal", "normal", "logit_normal", "box_cox"]
FORMS: dict[Form, int] = {
    "log_normal": LOG_NORMAL,
    "normal": NORMAL,
    "logit_normal": LOGIT_NORMAL,
    "box_cox": BOX_COX,
}


class Variability(Record):
    """Variance of the random effect of one parameter, as published and as used.

    Short forms in model files: see ``short_forms``.
    """

    form: Form = "log_normal"
    reported_as: Literal["CV%", "omega_SD", "omega_variance"]
    reported_value: Positive
    omega_variance: Positive
    shape: Finite | None = None
    """Of ``box_cox``: its lambda."""
    also_on: tuple[str, ...] = ()
    """Further parameters that this same random effect acts on, in the same form."""
    only_when: str | None = None
    """Covariate (0/1) that must be 1 for this random effect to act."""
    note: str = ""

    @model_validator(mode="after")
    def _holds(self) -> Self:
        expected = variance_of(self.reported_as, self.reported_value)
        if expected is None or not math.isclose(self.omega_variance, expected, rel_tol=1e-5):
            raise ValueError(
                f"omega_variance should be {expected:.6g} for {self.reported_value} {self.reported_as}"
            )
        if self.reported_as == "CV%" and self.form != "log_normal":
            raise ValueError("CV% belongs to log_normal; give omega_SD or omega_variance")
        if (self.form == "box_cox") != (self.shape is not None):
            raise ValueError("box_cox, and only it, has a shape")
        if self.shape == 0:
            raise ValueError("box_cox with shape 0 is log_normal; say so")
        if len(set(self.also_on)) != len(self.also_on):
            raise ValueError("also_on names a parameter twice")
        return self


def variance_of(reported_as: Any, value: float) -> float | None:
    """On the scale of the random effect; None if the kind is not known."""
    match reported_as:
        case "CV%":
            return math.log1p((value / 100.0) ** 2)
        case "omega_SD":
            return value * value
        case "omega_variance":
            return value
    return None


class Correlation(Record):
    """Correlation of the random effects of two parameters, each on its own scale."""

    between: tuple[str, str]
    value: Annotated[float, Field(gt=-1, lt=1)]


class Covariance(Record):
    """Covariance of the random effects of two parameters: off the diagonal of NONMEM's $OMEGA BLOCK."""

    between: tuple[str, str]
    value: Finite


class Occasions(Record):
    """What delimits an occasion, for variability within a person.

    - ``dosing_interval``: each dose starts one.
    - ``day``: each local midnight starts one (in a dataset: each 24 h from its zero).
    - ``visit``: levels less than ``visit_h`` apart belong to one; it starts with the last dose before them.
    - ``column``: the dataset says so in ``column``; a patient's record has no such column, so there it is
      ``visit``.
    """

    by: Literal["dosing_interval", "day", "visit", "column"]
    column: str | None = None
    visit_h: Positive = 24.0
    """Project policy: levels of one day are one occasion, as in most studies with several occasions."""
    own: Annotated[int, Field(ge=1)] = 3
    """So many of the last occasions with levels have effects of their own in a patient's case; older ones
    stand at typical values. Project policy: they tell least of the present."""

    @model_validator(mode="after")
    def _column_is_named(self) -> Self:
        if (self.by == "column") != (self.column is not None):
            raise ValueError("occasions by column, and only they, name the column")
        return self
