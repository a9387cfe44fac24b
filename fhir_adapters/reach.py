"""What can be read from a server, judged by what it says of itself: question by question."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fhir_adapters.discovery import Capabilities
from fhir_adapters.prefetch import Search

READABLE = ("DSTU2", "STU3", "R4", "R4B", "R5")
"""Releases whose shapes the readers know."""


@dataclass(frozen=True)
class Reach:
    """Whether one question can be put to the server."""

    what: str
    about: tuple[str, ...]
    """The facts that it would bring."""
    possible: bool
    problem: str = ""
    """Why not, or what is doubtful."""


def reach(found: Capabilities, searches: Iterable[Search]) -> tuple[Reach, ...]:
    """Each question, and the Patient before them. A server that names no parameters at all is believed to
    know the usual ones, and that is said."""
    person = "Patient" in found.reads
    said = "" if person else "the server does not say that a Patient can be read"
    return (Reach("Patient", ("age", "sex"), person, said), *(_one(found, search) for search in searches))


def _one(found: Capabilities, search: Search) -> Reach:
    name = f"{search.resource} ({search.key})"
    known = found.searches.get(search.resource)
    if known is None:
        problem = f"the server does not say that {search.resource} can be searched"
        return Reach(name, search.about, False, problem)
    if not known:
        return Reach(name, search.about, True, "the server names no search parameters")
    wanted = ["patient", *(pair.partition("=")[0] for pair in search.parameters.split("&"))]
    if search.since is not None:
        wanted.append(search.since[0])
    absent = [one for one in dict.fromkeys(wanted) if not one.startswith("_") and one not in known]
    if "patient" in absent:
        return Reach(name, search.about, False, "no search by patient")
    problem = f"not named by the server: {', '.join(absent)}" if absent else ""
    return Reach(name, search.about, True, problem)
