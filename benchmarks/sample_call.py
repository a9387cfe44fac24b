"""A hook call as an EHR makes it, for measuring: a sample patient of today, everything prefetched."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from cds_hooks.sample_ehr.record import Record
from cds_hooks.sample_ehr.search import search
from fhir_adapters.prefetch import PREFETCH

FIXTURES = Path(__file__).parent.parent / "fixtures"


class SampleCalls:
    """Calls of one service about one sample patient, each with a ``hookInstance`` of its own."""

    def __init__(self, patient_id: str, hook: str) -> None:
        """Raises ``LookupError`` if no scenario asks this hook about this patient."""
        record = Record(FIXTURES, lambda: datetime.now(UTC))
        story = next((s for s in record.stories(patient_id) if s["hook"] == hook), None)
        if story is None:
            raise LookupError(f"no scenario asks {hook} about {patient_id}")
        order = story["order"]
        context: dict[str, Any] = {
            "userId": "Practitioner/somebody",
            "patientId": patient_id,
            "draftOrders": {
                "resourceType": "Bundle",
                "type": "collection",
                "entry": [{"resource": order}],
            },
        }
        if hook == "order-select":
            context["selections"] = [f"MedicationRequest/{order['id']}"]
        body = {"hook": hook, "context": context, "prefetch": _prefetched(record, patient_id)}
        self._start = json.dumps(body)[:-1]
        self.path = f"/cds-services/dosewright-{hook}"

    def body(self) -> bytes:
        """The next call as JSON, made at next to no cost: the sender shares the machine with the server."""
        return f'{self._start}, "hookInstance": "{uuid4()}"}}'.encode()


def _prefetched(record: Record, patient_id: str) -> dict[str, Any]:
    """What an EHR prefetches for the templates of the discovery document."""
    filled: dict[str, Any] = {}
    for key, template in PREFETCH.items():
        kind, _, query = template.replace("{{context.patientId}}", patient_id).partition("?")
        if query:
            found = search(record.resources(kind), parse_qsl(query))
            entries = [{"resource": resource} for resource in found]
            filled[key] = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
        else:
            kind, _, resource_id = kind.partition("/")
            filled[key] = record.resource(kind, resource_id)
    return filled
