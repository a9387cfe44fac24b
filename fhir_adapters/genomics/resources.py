"""The Observations that may hold genetic results, wherever they lie: on their own, contained, in a Bundle or
in the answer of a genomics operation; and whose they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dosing_core.case import Finding
from fhir_adapters.elements import Resource, codings, items, referenced, resource_id, source, word, wordings
from fhir_adapters.genomics.report import excluded
from fhir_adapters.subject import of_another
from fhir_adapters.terminology.genetics import is_code, kinds, known, of_a_gene, symbols_in

_DEEPEST = 6
"""Levels of containment; more is not a record."""
_PART = 60
GENE_EXTENSIONS = ("geneticsGene",)


@dataclass(frozen=True)
class Found:
    """One Observation and the resource that a finding points at (its container, if it is contained)."""

    resource: Resource
    source: str
    owner: Any
    """The subject of the container, for a contained resource that does not repeat it."""


def observations(resources: Iterable[Resource]) -> Iterator[Found]:
    """Every Observation in these resources that says something genetic."""
    for resource in resources:
        for found in _opened(resource, source(resource), resource.get("subject"), 0):
            if is_genetic(found.resource):
                yield found


def _opened(resource: Resource, origin: str, owner: Any, depth: int) -> Iterator[Found]:
    if depth > _DEEPEST:
        return
    kind = resource.get("resourceType")
    if kind == "Observation":
        yield Found(resource, origin, owner)
    for one in items(resource.get("contained")):
        yield from _opened(one, origin, resource.get("subject") or owner, depth + 1)
    if kind == "Bundle":
        for entry in items(resource.get("entry"))[:_PART]:
            inner = entry.get("resource")
            if isinstance(inner, dict):
                yield from _opened(inner, source(inner), None, depth + 1)
    if kind == "Parameters" or "part" in resource:
        for part in (*items(resource.get("parameter")), *items(resource.get("part")))[:_PART]:
            inner = part.get("resource")
            if isinstance(inner, dict):
                yield from _opened(inner, source(inner), None, depth + 1)
            elif "part" in part:
                yield from _opened(part, origin, None, depth + 1)


def is_genetic(resource: Resource) -> bool:
    """Whether an Observation is a genetic result: by its code, category or gene, or because its code names a
    gene in words and its value is not a quantity (which an enzyme activity is)."""
    found = codings(resource.get("code"))
    if kinds(found) or of_a_gene(found):
        return True
    category = known("category")
    if any(
        c.system == category["system"] and c.code == category["code"]
        for c in codings(resource.get("category"))
    ):
        return True
    if any(is_code(part.get("code"), "gene_studied") for part in items(resource.get("component"))):
        return True
    if any(_is_gene(one) for one in items(resource.get("extension"))):
        return True
    return "valueQuantity" not in resource and bool(symbols_in(wordings(resource.get("code"))))


def _is_gene(extension: Resource) -> bool:
    return str(extension.get("url", "")).endswith(GENE_EXTENSIONS)


def gene_extension(resource: Resource) -> Any:
    """The value of the older gene extension (FHIR core, R2 to R4), if there is one."""
    return next(
        (one.get("valueCodeableConcept") for one in items(resource.get("extension")) if _is_gene(one)), None
    )


def references(resource: Resource) -> set[str]:
    """Ids of Observations that a report or an Observation rests on or gathers."""
    named = [
        *items(resource.get("result")),
        *items(resource.get("hasMember")),
        *items(resource.get("derivedFrom")),
        *(one.get("target") for one in items(resource.get("related"))),  # up to STU3
    ]
    return {one for one in (referenced(reference, "Observation") for reference in named) if one is not None}


def owned(resources: Iterable[Resource], patient_id: str) -> frozenset[str]:
    """Ids of Observations that this patient's reports and Observations refer to, directly or through others:
    they are the patient's even where they do not say so (a form of the guide's first edition)."""
    listed = list(resources)
    by_id = {identifier: one for one in listed if (identifier := resource_id(one)) is not None}
    open_ = [one for one in listed if referenced(one.get("subject"), "Patient") == patient_id]
    mine: set[str] = set()
    while open_:
        fresh = references(open_.pop()) - mine
        mine |= fresh
        open_ += [by_id[one] for one in fresh if one in by_id and by_id[one].get("subject") is None]
    return frozenset(mine)


def whose(found: Found, patient_id: str, mine: frozenset[str]) -> Finding | None:
    """A finding if an Observation is not, or not recognisably, this patient's."""
    if found.resource.get("subject") is not None:
        return of_another(found.resource, patient_id, "genotypes")
    if found.owner is not None:
        return of_another({"resourceType": "Observation", "subject": found.owner}, patient_id, "genotypes")
    if (resource_id(found.resource) or "") in mine:
        return None
    return of_another(found.resource, patient_id, "genotypes")


def unread_results(reports: Iterable[Resource], held: Mapping[str, Any], patient_id: str) -> list[Finding]:
    """What genetic reports of this patient name and nobody sent."""
    findings = []
    for report in reports:
        if report.get("resourceType") != "DiagnosticReport" or not _is_genetic_report(report):
            continue
        if referenced(report.get("subject"), "Patient") != patient_id:
            continue
        if word(report.get("status")) == "entered-in-error":
            continue
        lost = [one for one in references({"result": report.get("result")}) if one not in held]
        if lost:
            said = "1 result" if len(lost) == 1 else f"{len(lost)} results"
            findings.append(excluded(f"a genetic report names {said} that could not be read", source(report)))
        elif not items(report.get("result")) and not items(report.get("contained")):
            findings.append(excluded("a genetic report holds no result that can be read", source(report)))
    return findings


def _is_genetic_report(report: Resource) -> bool:
    category = known("category")
    coded = any(c.code in known("reports") for c in codings(report.get("code")))
    return (
        coded
        or any(
            c.system == category["system"] and c.code == category["code"]
            for c in codings(report.get("category"))
        )
        or bool(symbols_in(wordings(report.get("code"))))
    )
