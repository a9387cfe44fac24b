"""Medications that an order names only by a reference: found among what came along, or asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fhir_adapters.client import FhirClient
from fhir_adapters.elements import Resource, items, member, referenced, resource_id
from fhir_adapters.errors import FhirError
from fhir_adapters.product import product


def medications_in(bundles: Iterable[Any]) -> dict[str, Resource]:
    """Every Medication in these Bundles (or single resources), by id and by ``fullUrl``."""
    found: dict[str, Resource] = {}
    for bundle in bundles:
        entries = items(member(bundle, "entry")) or ({"resource": bundle},)
        for entry in entries:
            resource = entry.get("resource")
            if not isinstance(resource, dict) or resource.get("resourceType") != "Medication":
                continue
            for name in (resource_id(resource), entry.get("fullUrl")):
                if isinstance(name, str):
                    found.setdefault(name, resource)
    return found


def unresolved(order: Resource, medications: Mapping[str, Resource]) -> str | None:
    """The reference that has to be followed before anybody knows what an order is for; None if that is known,
    or if nothing can be asked for."""
    reference = member(order.get("medicationReference"), "reference")
    wanted = referenced(order.get("medicationReference"), "Medication")
    if wanted is None or wanted in medications or reference in medications:
        return None
    known = order.get("medicationCodeableConcept") or product(order, medications).holds
    return None if known else str(reference)


def fetch_medication(client: FhirClient, reference: str) -> Resource | None:
    """The Medication that a literal reference leads to, from the call's own server only; None if it cannot be
    had there."""
    identifier = referenced({"reference": reference}, "Medication")
    if identifier is None or not client.holds(reference):
        return None
    try:
        return client.read("Medication", identifier)
    except FhirError:
        return None
