"""``ModelResidual``: error of one measurement as published, in the model's own unit."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dosing_core.population.individual import ResidualError
from dosing_core.population.record import Finite, Positive, Record


class ModelResidual(Record):
    """How a measurement y scatters around the prediction f, both in the model's unit.

    - ``additive``: sd = additive_sd
    - ``proportional``: sd = proportional_sd · f
    - ``additive+proportional``: variance = additive_sd² + (proportional_sd · f)²
    - ``linear``: sd = additive_sd + proportional_sd · f
    - ``power``: sd = additive_sd + proportional_sd · f^power
    - ``log_normal``: ln y is normal around ln f with sd = log_sd

    NONMEM's $SIGMA holds variances; see ``short_forms`` for how a model file may give those.
    """

    form: Literal["additive", "proportional", "additive+proportional", "linear", "power", "log_normal"]
    additive_sd: Annotated[float, Field(ge=0)] = 0.0
    proportional_sd: Annotated[float, Field(ge=0)] = 0.0
    log_sd: Annotated[float, Field(ge=0)] = 0.0
    power: Finite | None = None
    lloq: Positive | None = None
    """Limit of quantification, in the model's unit."""
    below_lloq: Literal["m3", "drop"] = "m3"
    """What a level below ``lloq`` is: known to be below (Beal's M3), or left out."""
    note: str = ""

    @model_validator(mode="after")
    def _as_its_form_says(self) -> Self:
        wants = {
            "additive": (True, False),
            "proportional": (False, True),
            "additive+proportional": (True, True),
            "linear": (True, True),
            "power": (None, True),
            "log_normal": (False, False),
        }[self.form]
        given = (self.additive_sd > 0, self.proportional_sd > 0)
        for name, want, has in zip(("additive_sd", "proportional_sd"), wants, given, strict=True):
            if want is not None and want != has:
                raise ValueError(f"{name} and form disagree")
        if (self.form == "log_normal") != (self.log_sd > 0):
            raise ValueError("log_sd and form disagree")
        if (self.form == "power") != (self.power is not None):
            raise ValueError("power and form disagree")
        return self

    def error(self, scale: float) -> ResidualError:
        """As kinetics' units want it; ``scale`` times the model's unit is the canonical one."""
        match self.form:
            case "log_normal":
                return ResidualError(0.0, self.log_sd, "log")
            case "power":
                power = 1.0 if self.power is None else self.power
                slope = self.proportional_sd * scale ** (1.0 - power)
                return ResidualError(self.additive_sd * scale, slope, "power", power)
            case "linear":
                return ResidualError(self.additive_sd * scale, self.proportional_sd, "linear")
        return ResidualError(self.additive_sd * scale, self.proportional_sd)
