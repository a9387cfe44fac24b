"""Routes of administration: intravenous, by mouth, or another one that is not modelled."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, cast

from dosing_core.case import Route
from fhir_adapters.elements import codings, wordings
from fhir_adapters.terminology.tables import table
from fhir_adapters.terminology.words import folded


@cache
def _codes() -> dict[tuple[str, str], Route]:
    return {
        (system, code): cast(Route, entry["route"])
        for entry in table("routes")["routes"]
        for system, code, _ in entry["codes"]
    }


@cache
def _words() -> dict[str, Route]:
    return {
        word: cast(Route, entry["route"]) for entry in table("routes")["routes"] for word in entry["words"]
    }


def route(concept: Any) -> Route | Literal["other"] | None:
    """The route that a CodeableConcept names; ``other`` for any that is not known here or contradicts
    itself; None if it names none."""
    coded = {_codes().get((c.system or "", c.code or "")) for c in codings(concept)} - {None}
    if not coded:
        said = wordings(concept)
        coded = {_words().get(folded(word)) for word in said} - {None}
        if not coded:
            return "other" if said or codings(concept) else None
    return cast(Route, coded.pop()) if len(coded) == 1 else "other"


def preferred(wanted: Route) -> dict[str, Any]:
    """The CodeableConcept by which we write a route."""
    entry = next(entry for entry in table("routes")["routes"] if entry["route"] == wanted)
    system, code, display = entry["codes"][0]
    return {
        "coding": [{"system": system, "code": code, "display": display}],
        "text": "Intravenous" if wanted == "iv" else "Oral",
    }
