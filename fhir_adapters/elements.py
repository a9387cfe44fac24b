"""FHIR elements as they come: every accessor answers for any JSON value and never raises.

Real servers send single objects for lists, nulls inside lists and text for numbers. What does not have the
expected shape counts as absent here; the readers turn absence into findings. Text is kept short and
printable, because it may end up on a card.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

Resource = Mapping[str, Any]
"""A FHIR resource, or any JSON object that claims to be one."""

LARGEST = Decimal("1e12")
"""No quantity of medicine needs more; beyond it a number is a fault."""

_KIND = re.compile(r"[A-Za-z]{1,40}")
_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:(Z)|([+-])(\d\d):?(\d\d))?"
)
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")


def member(value: Any, *names: str) -> Any:
    """``value[name1][name2]…``, or None where the way breaks off."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def items(value: Any) -> tuple[Resource, ...]:
    """The objects of a list; a single object counts as a list of one."""
    if isinstance(value, dict):
        return (value,)
    if isinstance(value, list | tuple):
        return tuple(item for item in value if isinstance(item, dict))
    return ()


def text(value: Any, limit: int = 120) -> str | None:
    """Printable text without surrounding blanks, cut at ``limit``; None if nothing is left."""
    if not isinstance(value, str):
        return None
    if not value.isprintable():
        value = "".join(character for character in value[: 4 * limit] if character.isprintable())
    return value.strip()[:limit] or None


def word(value: Any) -> str:
    """A code such as a status; empty if there is none, so that it can be looked up in any table."""
    return text(value, 40) or ""


def number(value: Any) -> Decimal | None:
    """A finite number as it was written; a number written as text is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        read = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except (InvalidOperation, ValueError):
        return None
    return read if read.is_finite() and abs(read) <= LARGEST else None


class Coding(NamedTuple):
    """One code of a code system, with the display that came along."""

    system: str | None
    code: str | None
    display: str | None


def codings(concept: Any) -> tuple[Coding, ...]:
    """The codings of a CodeableConcept, or of several in a list."""
    return tuple(
        Coding(text(coding.get("system")), text(coding.get("code")), text(coding.get("display")))
        for one in items(concept)
        for coding in items(one.get("coding"))
    )


def wordings(concept: Any) -> tuple[str, ...]:
    """What a CodeableConcept calls itself in words: its text, then its displays."""
    said = [text(one.get("text")) for one in items(concept)] + [c.display for c in codings(concept)]
    return tuple(dict.fromkeys(word for word in said if word))


def resource_id(resource: Any) -> str | None:
    """The resource's id, if it is one."""
    read = member(resource, "id")
    return read if isinstance(read, str) and _ID.fullmatch(read) else None


def source(resource: Any) -> str:
    """``Type/id``: how a fact points back to the record."""
    kind = member(resource, "resourceType")
    named = kind if isinstance(kind, str) and _KIND.fullmatch(kind) else "Resource"
    return f"{named}/{resource_id(resource) or 'unnamed'}"


def referenced(reference: Any, kind: str) -> str | None:
    """Id of the ``kind`` that a Reference points at, whether relative, versioned or absolute."""
    target = member(reference, "reference")
    if not isinstance(target, str):
        return None
    steps = target.partition("/_history/")[0].split("/")
    found = steps[-1] if len(steps) >= 2 and steps[-2] == kind else None
    return found if found and _ID.fullmatch(found) else None


@dataclass(frozen=True)
class Moment:
    """When something was, and how exactly the record says so."""

    instant: datetime
    """Aware. Noon UTC of the day where only a day is given; taken as UTC where the zone is missing."""
    exact: bool
    """False if the record gives only a day or no time zone."""


def moment(value: Any) -> Moment | None:
    """A FHIR date, dateTime or instant. Months and years alone are too coarse and count as absent."""
    if not isinstance(value, str):
        return None
    written = value.strip()
    try:
        if found := _DAY.fullmatch(written):
            day = date(*map(int, found.groups()))
            return Moment(datetime.combine(day, time(12), UTC), exact=False) if _sane(day.year) else None
        if not (found := _INSTANT.fullmatch(written)):
            return None
        year, month, day_, hour, minute = map(int, found.groups()[:5])
        if not _sane(year):
            return None
        micro = int((found[7] or "0").ljust(6, "0")[:6])
        zone: timezone | None = UTC if found[8] else None
        if found[9]:
            offset = timedelta(hours=int(found[10]), minutes=int(found[11]))
            zone = timezone(offset if found[9] == "+" else -offset)
        read = datetime(year, month, day_, hour, minute, int(found[6] or 0), micro, tzinfo=zone or UTC)
    except ValueError:
        return None
    return Moment(read, exact=zone is not None)


def _sane(year: int) -> bool:
    return 1900 <= year <= 2200


def said_at(instant: datetime) -> str:
    """An instant in words for findings, as the record has it: ``23 Nov 2026 18:30 UTC``, ``… +01:00``."""
    offset = instant.utcoffset()
    zone = f"{instant:%z}" if offset else "UTC"
    return f"{instant.day} {instant:%b %Y %H:%M} {zone if zone == 'UTC' else f'{zone[:3]}:{zone[3:5]}'}"
