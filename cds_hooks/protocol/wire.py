"""What all parts of the wire format share: camel case names, frozen values, problems in plain words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from cds_hooks.errors import MalformedRequest, Problem

MAX_DEPTH = 100
"""Nesting that a body may have. FHIR stays far below; what follows after reading may walk it recursively."""
MAX_PROBLEMS = 20
"""Problems that one refusal lists."""


class Incoming(BaseModel):
    """A part of a request. Members that we do not know are ignored, as the standard allows extensions."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)


class Outgoing(BaseModel):
    """A part of a response. A member that the standard does not know is a mistake of ours."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


IncomingT = TypeVar("IncomingT", bound=Incoming)


def read_json(data: bytes) -> Any:
    """The JSON value that the body holds (RFC 8259).

    Raises ``MalformedRequest`` for anything else, and for what could not be written back: numbers beyond
    a double, half a surrogate pair, nesting deeper than ``MAX_DEPTH``.
    """
    try:
        text = data.decode("utf-8-sig")
        value = json.loads(text, parse_float=_finite, parse_constant=_finite)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise MalformedRequest.because("the body is nested too deeply") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise MalformedRequest.because(f"the body is not JSON: {error.msg} at {place}") from None
    except UnicodeDecodeError:
        raise MalformedRequest.because("the body is not UTF-8") from None
    except UnicodeEncodeError:
        raise MalformedRequest.because(
            "the body holds half a surrogate pair, which is no character"
        ) from None
    except ValueError as error:
        raise MalformedRequest.because(f"the body is not JSON: {error}") from None
    if _depth_exceeds(value, MAX_DEPTH):
        raise MalformedRequest.because("the body is nested too deeply")
    return value


def read(model: type[IncomingT], value: Any) -> IncomingT:
    """The value as this part of a request. Raises ``MalformedRequest`` that names each wrong field."""
    if not isinstance(value, dict):
        raise MalformedRequest.because("the body must be a JSON object")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=False)[:MAX_PROBLEMS]
        raise MalformedRequest(
            *(_problem(detail["type"], detail["loc"], detail["msg"]) for detail in details)
        ) from None


def path(location: Sequence[int | str]) -> str:
    """A place in the request as its sender would write it: ``context.draftOrders.entry[2].resource``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return "".join(steps).removeprefix(".")


_KINDS = {
    "string_type": "a string",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "list_type": "an array",
    "tuple_type": "an array",
    "bool_type": "true or false",
}


def _problem(kind: str, location: Sequence[int | str], message: str) -> Problem:
    field = path(location)
    if kind == "missing":
        return Problem(f"{field} is missing", field, "required")
    if kind in _KINDS:
        return Problem(f"{field} must be {_KINDS[kind]}", field, "structure")
    if kind == "string_too_short":
        return Problem(f"{field} must not be empty", field, "value")
    return Problem(f"{field or 'the body'} {message.removeprefix('Value error, ')}", field, "value")


def _finite(text: str) -> float:
    number = float(text)
    if not abs(number) < float("inf"):
        raise ValueError("a number is not finite")
    return number


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [child for parent in level for child in _containers(parent)]
        if not level:
            return False
    return True


def _containers(value: Any) -> Iterator[Any]:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (child for child in children if isinstance(child, dict | list))
