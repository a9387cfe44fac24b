"""What a drug file says of other drugs."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dosing_core.case import Route
from dosing_core.library.sourced import Number, Part, Text


class Interaction(Part):
    """Another drug, or several of one kind, that change this drug's exposure."""

    drugs: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9 -]*$")], ...], Field(min_length=1)]
    """Names in lower case; a whole word of a name on the medication list must match one."""
    kind: Literal["inhibits", "induces"]
    """This drug's elimination or uptake: ``inhibits`` raises exposure, ``induces`` lowers it."""
    auc_ratio: Number
    """AUC of this drug with over without it, at full strength."""
    log_sd: Number
    """Standard deviation of ln(auc_ratio) between patients."""
    half_time: Number
    """h in which half of the effect sets in, or wears off after the other drug is stopped."""
    from_daily_mg: Number | None = None
    """mg/day of the other drug from which on this holds; None: any dose."""
    route: Route | None = None
    """Of this drug, to which it is confined; None: any."""
    in_model: bool = False
    """True if the models read it as a covariate, so that nothing is added."""
    avoid: bool = False
    """True if the combination is advised against."""
    action: Text
    """What to do, as a sentence for the prescriber."""

    @model_validator(mode="after")
    def _ratio_fits_kind(self) -> Self:
        if (self.kind == "inhibits") != (self.auc_ratio.value >= 1.0):
            raise ValueError("auc_ratio: an inhibitor's is 1 or more, an inducer's below 1")
        if self.auc_ratio.value <= 0 or self.log_sd.value < 0 or self.half_time.value <= 0:
            raise ValueError("auc_ratio and half_time are above 0, log_sd is not below")
        return self
