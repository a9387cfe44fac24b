"""Whether a resource that we emit is valid FHIR R4, by the published models (R4B, which differs from R4 only
in resources not used here)."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from fhir_adapters.elements import Resource

EMITTED = (
    "AuditEvent",
    "Communication",
    "DetectedIssue",
    "MedicationRequest",
    "Observation",
    "Provenance",
    "RiskAssessment",
    "ServiceRequest",
    "Task",
)


@cache
def _model(kind: str) -> Any:
    """The model of a type; imported late because that takes a third of a second."""
    return getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)


def is_valid(kind: str, resource: Resource) -> bool:
    """True if the published model takes it. Raises ``KeyError`` for a type that is not emitted here."""
    if kind not in EMITTED:
        raise KeyError(kind)
    try:
        _model(kind).model_validate(dict(resource))
    except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return False
    return True
