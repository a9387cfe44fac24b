"""Who did what with which record: Provenance of what we wrote, AuditEvents of what we read and wrote.

The AuditEvents follow the patterns of IHE's Basic Audit Log Patterns (BALP 1.1: PatientQuery, PatientCreate);
the client is the "source", the server the "destination", as DICOM has it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

DCM = "http://dicom.nema.org/resources/ontology/DCM"
EVENT = {
    "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
    "code": "rest",
    "display": "Restful Operation",
}
INTERACTION = "http://hl7.org/fhir/restful-interaction"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
ENTITY = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
REQUEST_ID = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
SERVICE = "urn:dosewright:service"


@dataclass(frozen=True)
class Exchanged:
    """One exchange with a server on behalf of somebody."""

    server: str
    """Base URL of the FHIR server."""
    service: str
    """Under which URL this service is known."""
    patient_id: str
    recorded: datetime
    request_id: str
    user: str | None = None
    """The user's identifier as the hook call named it: ``Practitioner/17``."""


def queried(exchanged: Exchanged, query: str, *, by_post: bool = False) -> dict[str, Any]:
    """A search by which the patient's data were read. ``query``: as it was sent, without the server."""
    asked = {
        "type": _coding(ENTITY, "2", "System Object"),
        "role": _coding(ROLE, "24", "Query"),
        "query": b64encode(query.encode()).decode(),
    }
    event = _event(exchanged, "PatientQuery", "E", "search-type" if by_post else "search", "IRCP", [asked])
    return event


def created(exchanged: Exchanged, reference: str) -> dict[str, Any]:
    """A resource that was written. ``reference``: where the server has put it, ``DetectedIssue/17``."""
    data = {
        "type": _coding(ENTITY, "2", "System Object"),
        "role": _coding(ROLE, "4", "Domain Resource"),
        "what": {"reference": reference},
    }
    return _event(exchanged, "PatientCreate", "C", "create", "AUT", [data])


def _event(
    exchanged: Exchanged, profile: str, action: str, interaction: str, part: str, entities: Sequence[Any]
) -> dict[str, Any]:
    agents = [
        {
            "type": _concept(DCM, "110153", "Source Role ID"),
            "who": {"identifier": {"system": SERVICE, "value": exchanged.service}, "display": "Dosewright"},
            "requestor": exchanged.user is None,
            "network": {"address": _host(exchanged.service), "type": "1"},
        },
        {
            "type": _concept(DCM, "110152", "Destination Role ID"),
            "who": {"identifier": {"value": _host(exchanged.server)}},
            "requestor": False,
            "network": {"address": exchanged.server, "type": "5"},
        },
    ]
    if exchanged.user is not None:
        agents.append(
            {
                "type": _concept(
                    PARTICIPATION, part, {"IRCP": "information recipient", "AUT": "author"}[part]
                ),
                "who": {"reference": exchanged.user},
                "requestor": True,
            }
        )
    return {
        "resourceType": "AuditEvent",
        "meta": {
            "profile": [f"https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.{profile}"]
        },
        "type": dict(EVENT),
        "subtype": [_coding(INTERACTION, interaction, interaction)],
        "action": action,
        "recorded": exchanged.recorded.isoformat(timespec="seconds"),
        "outcome": "0",
        "agent": agents,
        "source": {"observer": {"identifier": {"system": SERVICE, "value": exchanged.service}}},
        "entity": [
            *entities,
            {
                "type": _coding(ENTITY, "1", "Person"),
                "role": _coding(ROLE, "1", "Patient"),
                "what": {"reference": f"Patient/{exchanged.patient_id}"},
            },
            {
                "type": _coding(REQUEST_ID, "XrequestId", "X-Request-Id"),
                "what": {"identifier": {"value": exchanged.request_id}},
            },
        ],
    }


def provenance(
    targets: Iterable[str], sources: Iterable[str], engine: str, recorded: datetime
) -> dict[str, Any]:
    """Who made the resources ``targets`` and from which: references to where they lie. ``engine``: versions
    of package, drug file and tables."""
    return {
        "resourceType": "Provenance",
        "target": [{"reference": one} for one in targets],
        "recorded": recorded.isoformat(timespec="seconds"),
        "activity": {"text": "computed"},
        "agent": [
            {
                "type": _concept(AGENT, "assembler", "Assembler"),
                "who": {
                    "identifier": {"system": SERVICE, "value": engine},
                    "display": f"Dosewright {engine}",
                },
            }
        ],
        "entity": [{"role": "source", "what": {"reference": one}} for one in sources],
    }


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


def _coding(system: str, code: str, display: str) -> dict[str, str]:
    return {"system": system, "code": code, "display": display}


def _concept(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [_coding(system, code, display)]}
