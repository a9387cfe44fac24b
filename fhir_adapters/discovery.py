"""What a FHIR server says of itself: its CapabilityStatement and its SMART configuration, read narrowly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from fhir_adapters.elements import items, member
from fhir_adapters.errors import BadAnswer, NotHeld
from fhir_adapters.exchange import Exchange

VERSIONS = {"1.0": "DSTU2", "3.0": "STU3", "4.0": "R4", "4.3": "R4B", "5.0": "R5"}
"""FHIR's names of what ``fhirVersion`` begins with."""


@dataclass(frozen=True)
class Capabilities:
    """What the server claims that it can do."""

    fhir_version: str
    """As it writes it: ``4.0.1``."""
    release: str
    """``R4``; empty if the version is none that is known."""
    software: str
    searches: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By resource type: the parameters by which it can be searched; the type is missing if it cannot."""
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    """Types that can be created."""


@dataclass(frozen=True)
class SmartConfiguration:
    """Where tokens are to be had, and how."""

    token_url: str
    algorithms: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()

    @property
    def backend_services(self) -> bool:
        """True unless the server says that a client cannot prove itself with a signed token."""
        return not self.methods or "private_key_jwt" in self.methods


def capabilities(base_url: str, exchange: Exchange) -> Capabilities:
    """Read ``metadata``. Raises ``FhirError``."""
    statement = exchange.get(f"{base_url.rstrip('/')}/metadata")
    if member(statement, "resourceType") not in ("CapabilityStatement", "Conformance"):
        raise BadAnswer("the answer is no CapabilityStatement")
    version = str(member(statement, "fhirVersion") or "")
    searches: dict[str, frozenset[str]] = {}
    reads, writes = set(), set()
    for rest in items(member(statement, "rest")):
        if rest.get("mode") not in ("server", None):
            continue
        for resource in items(rest.get("resource")):
            kind = str(resource.get("type"))
            can = {one.get("code") for one in items(resource.get("interaction"))}
            if "search-type" in can:
                names = (one.get("name") for one in items(resource.get("searchParam")))
                searches[kind] = frozenset(name for name in names if isinstance(name, str))
            if "read" in can:
                reads.add(kind)
            if "create" in can:
                writes.add(kind)
    return Capabilities(
        fhir_version=version,
        release=VERSIONS.get(version[:3], ""),
        software=str(member(statement, "software", "name") or ""),
        searches=searches,
        reads=frozenset(reads),
        writes=frozenset(writes),
    )


def smart_configuration(base_url: str, exchange: Exchange) -> SmartConfiguration | None:
    """Read ``.well-known/smart-configuration``; None if the server has none. Raises ``FhirError``.

    A token URL that is not https is refused, but for a server that is itself reached without: a signed
    assertion sent in the open could be used by whoever reads it first.
    """
    try:
        found = exchange.get(f"{base_url.rstrip('/')}/.well-known/smart-configuration", "application/json")
    except NotHeld:
        return None
    token_url = member(found, "token_endpoint")
    if not isinstance(token_url, str) or not urlsplit(token_url).hostname:
        raise BadAnswer("the SMART configuration names no token endpoint")
    if urlsplit(token_url).scheme != "https" and urlsplit(base_url).scheme == "https":
        raise BadAnswer("the SMART configuration names a token endpoint without https")
    return SmartConfiguration(
        token_url=token_url,
        algorithms=_texts(member(found, "token_endpoint_auth_signing_alg_values_supported")),
        methods=_texts(member(found, "token_endpoint_auth_methods_supported")),
        scopes=_texts(member(found, "scopes_supported")),
        capabilities=_texts(member(found, "capabilities")),
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
