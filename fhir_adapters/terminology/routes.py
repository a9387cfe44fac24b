"""Routes: intravenous, by mouth, under the skin, by a tube into the gut, local, or not understood.

What is not understood is not the same as something else: an order "via Hickman" may well be intravenous, and
whoever passes it over in silence has told the prescriber that it is fine.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any, Literal, cast

from dosing_core.case import Route
from fhir_adapters.elements import codings, wordings
from fhir_adapters.terminology.tables import table
from fhir_adapters.terminology.words import folded, words_in

Known = Literal["iv", "oral", "subcutaneous", "enteral", "local"]
"""``enteral``: by a tube into the gut. ``local``: does not reach the blood, or is not meant to."""
Named = Known | Literal["unclear"]

_SYSTEMS = {
    "urn:oid:2.16.840.1.113883.6.96": "http://snomed.info/sct",
    "urn:oid:2.16.840.1.113883.5.112": "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration",
    "http://hl7.org/fhir/v3/RouteOfAdministration": (
        "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration"
    ),
    "urn:oid:0.4.0.127.0.16.1.1.2.1": "http://standardterms.edqm.eu",
    "https://standardterms.edqm.eu": "http://standardterms.edqm.eu",
    "urn:oid:2.16.840.1.113883.3.26.1.1": "http://ncimeta.nci.nih.gov",
    "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl": "http://ncimeta.nci.nih.gov",
}
"""Other names of the code systems in the table."""
_MARKS = re.compile(r"[^\w]+")


@cache
def _codes() -> dict[tuple[str, str], Known]:
    return {
        (system, code): cast(Known, entry["route"])
        for entry in table("routes")["routes"]
        for system, code, _ in entry["codes"]
    }


@cache
def _words() -> dict[Known, tuple[tuple[str, ...], frozenset[str] | None]]:
    """Of each route the words that name it, and every word that may stand beside them (None: any)."""
    found: dict[Known, tuple[tuple[str, ...], frozenset[str] | None]] = {}
    for entry in table("routes")["routes"]:
        beside = entry.get("beside")
        together = {word for phrase in (*entry["words"], *(beside or ())) for word in phrase.split()}
        found[entry["route"]] = (tuple(entry["words"]), frozenset(together) if beside else None)
    return found


def spellings() -> tuple[str, ...]:
    """Every way of writing that a dose goes into a vein, is swallowed, or goes under the skin; lower case."""
    return tuple(word for way in ("iv", "oral", "subcutaneous") for word in _words()[way][0])


@lru_cache(maxsize=1024)
def _said(written: str) -> Named:
    """The route that a text names."""
    plain = folded(_MARKS.sub(" ", written))
    named: set[Known] = set()
    for way, (words, together) in _words().items():
        whole = together is None or set(plain.split()) <= together
        if whole and words_in(plain, words):
            named.add(way)
    if "local" in named and words_in(plain, _words()["iv"][0]) and not words_in(plain, _LOCKS):
        return "unclear"
    return named.pop() if len(named) == 1 else "unclear"


_LOCKS = ("lock",)
"""A lock stays in the line, whatever vein the line lies in."""


def route(concept: Any) -> Named | None:
    """The route that a CodeableConcept names; ``unclear`` if it names one that is not known here or
    contradicts itself; None if it names none."""
    coded = {
        _codes().get((_SYSTEMS.get(c.system or "", c.system or ""), c.code or "")) for c in codings(concept)
    } - {None}
    said = {_said(written) for written in wordings(concept)}
    found = coded | (said - {"unclear"})
    if not found:
        return "unclear" if said or codings(concept) else None
    return cast(Named, found.pop()) if len(found) == 1 else "unclear"


def charted_route(concept: Any) -> str:
    """What the record calls the route, for people."""
    return next((word for word in (*wordings(concept), *(c.code for c in codings(concept))) if word), "?")


_TEXTS: dict[Route, str] = {"iv": "Intravenous", "oral": "Oral", "subcutaneous": "Subcutaneous"}


def preferred(wanted: Route) -> dict[str, Any]:
    """The CodeableConcept by which we write a route."""
    entry = next(entry for entry in table("routes")["routes"] if entry["route"] == wanted)
    system, code, display = entry["codes"][0]
    return {
        "coding": [{"system": system, "code": code, "display": display}],
        "text": _TEXTS[wanted],
    }
