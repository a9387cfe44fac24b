"""FHIR search over resources in memory: the parameters that dosing needs, and a refusal of all others.

A parameter that is not understood is refused, because ignoring a filter would answer with too much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

Resource = dict[str, Any]

REFERENCES = {
    "patient": ("subject", "patient"),
    "subject": ("subject",),
    "encounter": ("encounter", "context"),
    "request": ("request",),
    "medication": ("medicationReference",),
    "result": ("result",),
}
"""Search parameters that are references, and the elements that they read; also what may be included."""
TOKENS = {
    "code": ("code", "medicationCodeableConcept"),
    "category": ("category",),
    "status": ("status",),
    "intent": ("intent",),
    "clinical-status": ("clinicalStatus",),
    "identifier": ("identifier",),
}
DATES = {
    "date": ("effectiveDateTime", "effectivePeriod", "period", "onsetDateTime"),
    "effective-time": ("effectiveDateTime", "effectivePeriod"),
    "authoredon": ("authoredOn",),
    "onset-date": ("onsetDateTime",),
    "recorded-date": ("recordedDate",),
}
SORTS = {**DATES, "_id": ("id",)}
RESULT = frozenset({"_sort", "_count", "_offset", "_include", "_format", "_total", "_summary"})
"""Parameters that say how to answer, not what to find."""

Instants = tuple[datetime, datetime]


class SearchError(ValueError):
    """A search parameter, modifier or value that this endpoint does not understand."""


def search(resources: Iterable[Resource], parameters: Iterable[tuple[str, str]]) -> list[Resource]:
    """What fits all parameters, sorted as asked. Raises ``SearchError``."""
    parameters = list(parameters)
    found = list(resources)
    for name, value in parameters:
        if name not in RESULT:
            fits = _filter(name, value)
            found = [resource for resource in found if fits(resource)]
    for keys in (value for name, value in parameters if name == "_sort"):
        for key in reversed(keys.split(",")):
            found.sort(key=_sort_key(key.removeprefix("-")), reverse=key.startswith("-"))
    return found


def included(
    found: Iterable[Resource],
    parameters: Iterable[tuple[str, str]],
    read: Callable[[str, str], Resource | None],
) -> list[Resource]:
    """What ``_include=Type:parameter`` adds to these results. Raises ``SearchError``."""
    added: dict[tuple[str, str], Resource] = {}
    for wanted in (value for name, value in parameters if name == "_include"):
        kind, _, parameter = wanted.partition(":")
        if parameter not in REFERENCES:
            raise SearchError(f"_include={wanted} is not supported")
        for resource in found:
            for reference in _references(resource, REFERENCES[parameter]):
                target, _, target_id = reference.partition("/")
                if resource["resourceType"] == kind and target_id and (other := read(target, target_id)):
                    added[(target, target_id)] = other
    return list(added.values())


def _filter(parameter: str, value: str) -> Callable[[Resource], bool]:
    name, _, modifier = parameter.partition(":")
    if modifier and not (name in REFERENCES and modifier == "Patient"):
        raise SearchError(f"the modifier of {parameter} is not supported")
    wanted = value.split(",")
    if name == "_id":
        return lambda resource: resource["id"] in wanted
    if name in REFERENCES:
        return lambda resource: _refers(resource, REFERENCES[name], wanted)
    if name in TOKENS:
        return lambda resource: any(_has_token(_tokens(resource, TOKENS[name]), token) for token in wanted)
    if name in DATES:
        bounds = [(_bound(part)) for part in wanted]
        return lambda resource: any(_in_time(resource, DATES[name], *bound) for bound in bounds)
    raise SearchError(f"the search parameter {name} is not supported")


def _references(resource: Resource, elements: tuple[str, ...]) -> list[str]:
    """The references that these elements hold, one or several each."""
    held = [resource[element] for element in elements if element in resource]
    each = [one for value in held for one in (value if isinstance(value, list) else [value])]
    return [str(one.get("reference", "")) for one in each]


def _refers(resource: Resource, elements: tuple[str, ...], wanted: list[str]) -> bool:
    """Whether a reference is one of those wanted, written ``Type/id`` or as a bare id."""
    references = _references(resource, elements)
    return any(one in wanted or one.rpartition("/")[2] in wanted for one in references)


def _tokens(resource: Resource, elements: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for element in elements:
        value = resource.get(element)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                yield "", item
            elif isinstance(item, dict):
                codings = item.get("coding") or [item]
                yield from ((c.get("system", ""), c.get("code") or c.get("value", "")) for c in codings)


def _has_token(held: Iterable[tuple[str, str]], wanted: str) -> bool:
    """``code`` in any system, ``system|code`` in one, ``|code`` in none, ``system|`` anything of one."""
    system, bar, code = wanted.rpartition("|")
    return any(
        (not bar or system == held_system) and (held_code == code or (bool(bar) and not code))
        for held_system, held_code in held
    )


def _bound(text: str) -> tuple[str, Instants]:
    """A comparison and the span of time that it compares with."""
    prefix = text[:2] if text[:2] in {"eq", "ge", "gt", "le", "lt"} else ""
    try:
        return prefix or "eq", _span(text.removeprefix(prefix))
    except ValueError:
        raise SearchError("a date must be like ge2026-11-24 or ge2026-11-24T09:00:00Z") from None


def _span(text: str) -> Instants:
    """First and last instant that a date or dateTime may mean; UTC where it has no offset."""
    if "T" in text:
        instant = datetime.fromisoformat(text.replace(" ", "+"))
        instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        return instant, instant
    start = datetime.combine(date.fromisoformat(text), time(), UTC)
    return start, start + timedelta(days=1, microseconds=-1)


def _times(resource: Resource, elements: tuple[str, ...]) -> Instants | None:
    for element in elements:
        value = resource.get(element)
        if isinstance(value, str):
            return _span(value)
        if isinstance(value, dict) and "start" in value:
            start = _span(value["start"])
            end = _span(value["end"]) if "end" in value else (start[0], datetime.max.replace(tzinfo=UTC))
            return start[0], end[1]
    return None


def _in_time(resource: Resource, elements: tuple[str, ...], comparison: str, bound: Instants) -> bool:
    times = _times(resource, elements)
    if times is None:
        return False
    (start, end), (first, last) = times, bound
    return {
        "eq": first <= start and end <= last,
        "ge": end >= first,
        "gt": end > last,
        "le": start <= last,
        "lt": start < first,
    }[comparison]


def _sort_key(name: str) -> Callable[[Resource], Any]:
    if name == "_lastUpdated":
        return lambda resource: resource.get("meta", {}).get("lastUpdated", "")
    if name not in SORTS:
        raise SearchError(f"_sort={name} is not supported")
    if name == "_id":
        return lambda resource: resource["id"]
    first = datetime.min.replace(tzinfo=UTC)

    def key(resource: Resource) -> datetime:
        times = _times(resource, SORTS[name])
        return times[0] if times else first

    return key
