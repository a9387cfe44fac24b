"""Whose a resource is. Nothing of another patient may ever reach the answer."""

from __future__ import annotations

from dosing_core.case import Finding
from fhir_adapters.elements import Resource, referenced, source


def of_another(resource: Resource, patient_id: str, about: str) -> Finding | None:
    """A finding if the resource is not, or not recognisably, this patient's; None if it is."""
    reference = resource.get("subject") or resource.get("patient")
    named = referenced(reference, "Patient")
    if named == patient_id:
        return None
    said = "does not say whose it is" if named is None else "belongs to another patient"
    detail = f"an entry in the record {said}; left out"
    return Finding(
        kind="excluded", about=about, detail=detail, source=source(resource) if named is None else ""
    )
