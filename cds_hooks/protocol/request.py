"""What an EHR sends when a prescriber chooses or signs orders: ``order-select`` 1.0, ``order-sign`` 1.1.

Strict about the envelope, because a wrong envelope is a wrong integration; narrow and tolerant about the
orders inside, because EHRs fire on half-written ones (the reference sandbox sends a Bundle without a type and
an order without a drug). Null stands for absent, as some clients write it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from cds_hooks.protocol.wire import Incoming

Resource = dict[str, Any]
"""A FHIR resource as JSON."""

_ID = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9._-]{1,128}")
"""FHIR's id, with the underscore that real servers use, and longer. Never only dots: it goes into URLs."""


def _patient_id(text: str) -> str:
    bare = text.removeprefix("Patient/")
    if not _ID.fullmatch(bare):
        raise ValueError("must be the id of a Patient")
    return bare


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise ValueError("must be a UUID") from None


def _nothing_for_null(value: Any) -> Any:
    return () if value is None else value


Text = Annotated[str, Field(min_length=1)]


class FhirAuthorization(Incoming):
    """The token that the EHR lends for this one call. Never stored, never shown, never logged."""

    access_token: Annotated[SecretStr, Field(alias="access_token", min_length=1)]


class DraftEntry(Incoming):
    """One entry of the Bundle of draft orders."""

    full_url: str | None = None
    resource: Resource | None = None

    @model_validator(mode="after")
    def _typed(self) -> DraftEntry:
        if self.resource is not None and not isinstance(self.resource.get("resourceType"), str):
            raise ValueError("holds a resource without a resourceType")
        return self


class DraftOrders(Incoming):
    """The Bundle of unsigned orders."""

    resource_type: Literal["Bundle"] = "Bundle"
    entry: Annotated[tuple[DraftEntry, ...], BeforeValidator(_nothing_for_null)] = ()

    @property
    def resources(self) -> tuple[Resource, ...]:
        """The orders, in the order of the Bundle."""
        return tuple(entry.resource for entry in self.entry if entry.resource is not None)

    @property
    def requested(self) -> frozenset[str]:
        """Codes of the measurements that are among the drafts."""
        drafts = (r for r in self.resources if r["resourceType"] == "ServiceRequest")
        return frozenset(code for draft in drafts for code in _codes(draft))


def _codes(resource: Resource) -> Iterator[str]:
    code = resource.get("code")
    codings = code.get("coding") if isinstance(code, dict) else None
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict) and isinstance(coding.get("code"), str):
            yield coding["code"]


class OrderContext(Incoming):
    """Who, for whom, and which orders."""

    user_id: Text
    patient_id: Annotated[str, AfterValidator(_patient_id)]
    encounter_id: str | None = None
    draft_orders: DraftOrders

    @property
    def in_question(self) -> tuple[Resource, ...]:
        """The MedicationRequests that the call is about: when signing, all of them."""
        return tuple(r for r in self.draft_orders.resources if r["resourceType"] == "MedicationRequest")


class OrderSelectContext(OrderContext):
    """The same while orders are being chosen."""

    selections: tuple[str, ...]

    @property
    def in_question(self) -> tuple[Resource, ...]:
        """The MedicationRequests that were just selected; the other drafts are context only."""
        selected = set(self.selections)
        return tuple(
            entry.resource
            for entry in self.draft_orders.entry
            if entry.resource is not None
            and entry.resource["resourceType"] == "MedicationRequest"
            and not selected.isdisjoint({f"MedicationRequest/{entry.resource.get('id')}", entry.full_url})
        )


class OrderRequest(Incoming):
    """One call of either hook."""

    hook: Text
    hook_instance: Annotated[str, AfterValidator(_uuid)]
    fhir_server: str | None = None
    fhir_authorization: FhirAuthorization | None = None
    context: OrderContext
    prefetch: dict[str, Any] | None = None
    extension: dict[str, Any] | None = None


class OrderSignRequest(OrderRequest):
    """``order-sign``: the prescriber is about to sign."""


class OrderSelectRequest(OrderRequest):
    """``order-select``: the prescriber has chosen one or more orders and is still writing."""

    context: OrderSelectContext
