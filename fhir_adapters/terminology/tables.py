"""Reads the JSON tables beside this file, once each."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def table(name: str) -> dict[str, Any]:
    """The table ``name``.json. Raises ``OSError`` or ``ValueError`` if it is missing or broken."""
    read: dict[str, Any] = json.loads(
        files("fhir_adapters.terminology").joinpath(f"{name}.json").read_text(encoding="utf-8")
    )
    return read
