"""Reads AllergyIntolerances: earlier reactions to a drug, or to the group that it belongs to.

Active ones that nobody has refuted count. A reaction is severe where the record says so, by its criticality
or by the severity of an event, or by its nature (anaphylaxis). Cross-reactions beyond a group are not judged.
"""

from __future__ import annotations

from collections.abc import Iterable

from dosing_core.case import Finding, Reaction
from fhir_adapters.elements import Resource, codings, items, moment, source, word, wordings
from fhir_adapters.product import atc_of, medicines_named
from fhir_adapters.subject import of_another
from fhir_adapters.terminology.tables import table
from fhir_adapters.terminology.words import any_word

OVER = frozenset({"inactive", "resolved"})
DENIED = frozenset({"refuted", "entered-in-error"})
SURE = frozenset({"confirmed", "presumed"})
GRAVE = frozenset({"high", "CRITH"})


def read_reactions(
    resources: Iterable[Resource], *, patient_id: str, drug: str
) -> tuple[tuple[Reaction, ...], list[Finding]]:
    """The reactions to this drug among these resources, the gravest first."""
    reactions: list[Reaction] = []
    findings: list[Finding] = []
    for resource in resources:
        substance = _substance(resource, drug)
        if substance is None or not _holds(resource):
            continue
        if (foreign := of_another(resource, patient_id, "reactions")) is not None:
            findings.append(foreign)
            continue
        reactions.append(_reaction(resource, drug, substance))
    reactions.sort(key=lambda one: (not one.severe, not one.confirmed, one.source))
    return tuple(reactions), findings


def _substance(resource: Resource, drug: str) -> str | None:
    """What the resource names of this drug: the drug itself or its group; None if it is about another."""
    concepts = [resource.get("code"), resource.get("substance")]
    concepts += [one.get("substance") for one in items(resource.get("reaction"))]
    if any(drug in medicines_named(concept) for concept in concepts):
        return drug
    codes = atc_of(drug)
    for group in table("allergies")["groups"]:
        inside = any(code.startswith(group["atc"]) for code in codes)
        outside = group.get("but") is not None and any(code.startswith(group["but"]) for code in codes)
        if inside and not outside and any_word(_said(concepts), tuple(group["words"])):
            return str(group["name"])
    return None


def _said(concepts: Iterable[object]) -> tuple[str, ...]:
    return tuple(one for concept in concepts for one in wordings(concept))


def _states(resource: Resource) -> frozenset[str]:
    """Clinical and verification status, as codes; up to STU3 they are plain words."""
    found = {c.code for name in ("clinicalStatus", "verificationStatus") for c in codings(resource.get(name))}
    plain = {word(resource.get(name)) for name in ("clinicalStatus", "verificationStatus", "status")}
    return frozenset(one for one in found | plain if one)


def _holds(resource: Resource) -> bool:
    """Active and not denied. A state that is not given counts as active: doubt must not clear a patient."""
    return not _states(resource) & (OVER | DENIED)


def _reaction(resource: Resource, drug: str, substance: str) -> Reaction:
    events = items(resource.get("reaction"))
    shown = [one for event in events for one in _said([event.get("manifestation")])]
    shown += _said([resource.get("code")])
    nature = any_word(shown, tuple(table("allergies")["severe"]))
    called = word(resource.get("criticality")) in GRAVE or any(
        word(event.get("severity")) == "severe" for event in events
    )
    when = moment(resource.get("onsetDateTime")) or moment(resource.get("recordedDate"))
    when = when or moment(resource.get("assertedDate"))
    return Reaction(
        drug=drug,
        substance=substance,
        severe=called or nature is not None,
        confirmed=bool(_states(resource) & SURE),
        manifestation=nature or "",
        time=when.instant if when else None,
        source=source(resource),
    )
