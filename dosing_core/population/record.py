"""``Record``: what every part of a drug or model file is: frozen, strict, nothing unknown in it."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from dosing_core.value import Value

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Record(Value):
    """A part of the drug file: strict, so a text is never taken for a number. Read it with ``from_bytes``."""

    model_config = ConfigDict(strict=True)
