"""Sample patients for a server that others use too: written so that they can be found and removed again.

Every resource gets an identifier of ours and none keeps its id: the server gives ids, and a second run finds
what the first one wrote (conditional create).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from fhir_adapters.client import FhirClient
from fhir_adapters.elements import Resource, items, member

SYSTEM = "urn:dosewright:sample"
"""System of the identifiers by which seeded resources are known."""
MOST_VALUES = 20
"""Identifiers that one search asks for, so that its URL stays short."""
KINDS = (
    "Observation",
    "MedicationAdministration",
    "MedicationRequest",
    "Condition",
    "AllergyIntolerance",
    "Procedure",
    "Medication",
    "Patient",
)
"""What a sample may hold, in the order in which it can be removed: what refers before what is referred to."""


def transaction(resources: Sequence[Resource]) -> dict[str, Any]:
    """A Bundle that creates these resources, each only if it is not there yet, with references among them
    kept."""
    urls = {f"{one['resourceType']}/{one['id']}": _url(one) for one in resources}
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [_entry(one, urls) for one in resources],
    }


def _entry(resource: Resource, urls: Mapping[str, str]) -> dict[str, Any]:
    kind, value = str(resource["resourceType"]), identifier_of(resource)
    kept = {name: content for name, content in resource.items() if name not in ("id", "meta")}
    kept["identifier"] = [*items(kept.get("identifier")), {"system": SYSTEM, "value": value}]
    return {
        "fullUrl": _url(resource),
        "resource": _relinked(kept, urls),
        "request": {"method": "POST", "url": kind, "ifNoneExist": f"identifier={SYSTEM}|{value}"},
    }


def identifier_of(resource: Resource) -> str:
    """The value of our identifier for a sample resource."""
    return str(resource["id"])


def _url(resource: Resource) -> str:
    """The same resource has the same URL on every run, so that a repeat is the same request."""
    name = f"{SYSTEM}:{resource['resourceType']}/{resource['id']}"
    return f"urn:uuid:{uuid5(NAMESPACE_URL, name)}"


def _relinked(value: Any, urls: Mapping[str, str]) -> Any:
    """The same content with references to other samples as the transaction names them."""
    if isinstance(value, dict):
        return {
            name: urls.get(content, content) if name == "reference" else _relinked(content, urls)
            for name, content in value.items()
        }
    return [_relinked(one, urls) for one in value] if isinstance(value, list) else value


def seeded(client: FhirClient, resources: Iterable[Resource]) -> Iterator[tuple[str, str]]:
    """Type and server's id of every resource that an earlier ``transaction`` has left there, in the order in
    which they can be removed. Raises ``FhirError``."""
    wanted: dict[str, list[str]] = {}
    for one in resources:
        wanted.setdefault(str(one["resourceType"]), []).append(identifier_of(one))
    for kind in sorted(wanted, key=lambda one: KINDS.index(one) if one in KINDS else -1):
        values = wanted[kind]
        for start in range(0, len(values), MOST_VALUES):
            tokens = ",".join(f"{SYSTEM}|{value}" for value in values[start : start + MOST_VALUES])
            for found in client.search(kind, (("identifier", tokens),)).resources:
                if found.get("resourceType") == kind and _is_ours(found):
                    yield kind, str(found.get("id"))


def _is_ours(resource: Resource) -> bool:
    """A server that does not understand the search may answer with everything it has."""
    return any(one.get("system") == SYSTEM for one in items(resource.get("identifier")))


def patient_ids(client: FhirClient, resources: Sequence[Resource]) -> dict[str, str]:
    """The server's id of each sample patient by the sample's own id."""
    people = [one for one in resources if one["resourceType"] == "Patient"]
    found: dict[str, str] = {}
    for one in people:
        asked = (("identifier", f"{SYSTEM}|{identifier_of(one)}"),)
        for held in client.search("Patient", asked).resources:
            if _is_ours(held) and member(held, "resourceType") == "Patient":
                found[identifier_of(one)] = str(held.get("id"))
    return found
