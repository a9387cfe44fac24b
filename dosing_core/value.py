"""The base of every value that travels: frozen, checked once, the same JSON bytes each time."""

from __future__ import annotations

import json
from typing import Self

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """An immutable, typed value. Unknown fields and non-finite numbers are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ser_json_timedelta="float")

    def to_bytes(self) -> bytes:
        """The canonical JSON of the value: sorted keys, no spare blanks, UTF-8."""
        return json.dumps(
            self.model_dump(mode="json"),
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
            allow_nan=False,
        ).encode()

    @classmethod
    def from_bytes(cls, data: bytes | str) -> Self:
        """Read the value back. Raises ``pydantic.ValidationError`` naming each wrong field."""
        return cls.model_validate_json(data)
