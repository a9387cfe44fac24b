"""Reads Conditions: transplants and renal replacement, which decide whether any model holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from dosing_core.case import Condition, ConditionName, Finding
from fhir_adapters.elements import Resource, codings, member, moment, source
from fhir_adapters.subject import of_another
from fhir_adapters.terminology.tables import table

ACTIVE = frozenset({"active", "recurrence", "relapse"})
DENIED = frozenset({"refuted", "entered-in-error"})


def read_condition(
    resource: Resource, *, patient_id: str, now: datetime
) -> tuple[list[Condition], list[Finding]]:
    """The conditions that matter in one Condition resource: none, one, or two (heart-lung transplant)."""
    names = sorted(set(_named(resource)))
    if not names or not _holds(resource):
        return [], []
    if (foreign := of_another(resource, patient_id, "conditions")) is not None:
        return [], [foreign]
    begun = moment(resource.get("onsetDateTime")) or moment(member(resource.get("onsetPeriod"), "start"))
    time = begun.instant if begun and begun.instant <= now else None
    return [Condition(name=name, time=time, source=source(resource)) for name in names], []


def _holds(resource: Resource) -> bool:
    """Active and not denied. A state that is not given counts as active: doubt must not clear a patient."""
    clinical = {c.code for c in codings(resource.get("clinicalStatus"))} - {None}
    verified = {c.code for c in codings(resource.get("verificationStatus"))} - {None}
    if verified & DENIED or resource.get("abatementDateTime") or resource.get("abatementPeriod"):
        return False
    return not clinical or bool(clinical & ACTIVE)


def _named(resource: Resource) -> Iterator[ConditionName]:
    systems = table("conditions")["systems"]
    for coding in codings(resource.get("code")):
        code = (coding.code or "").upper()
        for entry in table("conditions")["conditions"]:
            if coding.system in systems["icd-10"] and any(_under(code, known) for known in entry["icd-10"]):
                yield entry["name"]
            if coding.system in systems["snomed"] and code in entry["snomed"]:
                yield entry["name"]


def _under(code: str, known: str) -> bool:
    """Whether a code is the known one or a subdivision of it: ``T86.11`` under ``T86.1``."""
    return code == known or code.startswith(known + ("" if "." in known else "."))
