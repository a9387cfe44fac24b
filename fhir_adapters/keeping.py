"""Writes an answer to a server that wants to keep it: once, all or nothing, with who made it from what."""

from __future__ import annotations

from fhir_adapters import audit
from fhir_adapters.client import FhirClient
from fhir_adapters.errors import BadAnswer
from fhir_adapters.results import Answered, references, resources, transaction


def keep(client: FhirClient, answered: Answered, exchanged: audit.Exchanged) -> dict[str, str]:
    """Write the resources of an answer; where each lies, by its part. Nothing is written twice.

    What was created now, and only that, gets a Provenance and an AuditEvent each. Raises ``FhirError``, and
    ``WritebackError`` if the answer cannot be said in valid FHIR.
    """
    parts = tuple(resources(answered))
    if not parts:
        return {}
    response = client.transact(transaction(answered))
    found = references(response, parts)
    if set(found) != set(parts):
        raise BadAnswer("the server did not say where it has put what was written")
    new = [found[part] for part, status in zip(parts, _statuses(response), strict=True) if status == "201"]
    if new:
        sources = [one["reference"] for one in answered.sources()]
        made = audit.provenance(new, sources, answered.recommendation.engine, answered.issued)
        client.create(made)
        for one in new:
            client.create(audit.created(exchanged, one))
    return found


def _statuses(response: object) -> list[str]:
    entries = response.get("entry") if isinstance(response, dict) else None
    return [
        str(entry.get("response", {}).get("status", ""))[:3] if isinstance(entry, dict) else ""
        for entry in (entries if isinstance(entries, list) else [])
    ]
