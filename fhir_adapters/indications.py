"""What an order is for: its coded reasons, in the words by which drug files choose an aim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dosing_core.case import Finding
from dosing_core.library.targets import TargetRule
from fhir_adapters.conditions import holds, is_coded
from fhir_adapters.elements import Resource, items, referenced, wordings
from fhir_adapters.terminology.tables import table
from fhir_adapters.terminology.words import folded

KINDS = ("icd-10", "snomed")


def reasons(order: Resource) -> tuple[Resource, ...]:
    """What the order names as its reasons, each as a Condition would name it: ``code``."""
    contained = [one for one in items(order.get("contained")) if one.get("resourceType") == "Condition"]
    wanted = {str(one.get("reference", "")).removeprefix("#") for one in items(order.get("reasonReference"))}
    return (
        *({"code": concept} for concept in items(order.get("reasonCode"))),
        *(one for one in contained if one.get("id") in wanted),
    )


def reason_ids(order: Resource) -> tuple[str, ...]:
    """Ids of the Conditions that the order refers to as its reasons."""
    named = (referenced(one, "Condition") for one in items(order.get("reasonReference")))
    return tuple(one for one in named if one)


def words_for(reason: Resource) -> tuple[str, ...]:
    """Indications that a reason is one of, in drug files' words; empty for one that is unknown here."""
    said = {folded(one) for one in wordings(reason.get("code"))}
    found: dict[str, None] = {}
    for entry in table("indications")["indications"]:
        if is_coded(reason, entry, KINDS) or said & set(entry["words"]):
            found |= dict.fromkeys(entry["words"])
    return tuple(found)


def words_by_id(conditions: Iterable[Resource]) -> Mapping[str, tuple[str, ...]]:
    """The same of each Condition of the record that holds, by its id."""
    return {
        str(one.get("id")): words
        for one in conditions
        if one.get("id") and holds(one) and (words := words_for(one))
    }


def chosen(
    words: Iterable[str], targets: Iterable[TargetRule], source: str
) -> tuple[str | None, list[Finding]]:
    """The indication that decides among the drug's aims; None where none or several aims would follow."""
    said = tuple(dict.fromkeys(words))
    aims: dict[str, str] = {}
    for rule in targets:
        own = {one.casefold() for one in rule.indications}
        if named := next((word for word in said if word in own), None):
            aims[rule.id] = named
    if len(aims) > 1:
        detail = (
            f"the order names several reasons ({', '.join(sorted(set(aims.values())))}) with different aims"
        )
        return None, [
            Finding(kind="note", about="order", detail=f"{detail}; none of them chose", source=source)
        ]
    return next(iter(aims.values()), said[0] if said else None), []
