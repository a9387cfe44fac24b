"""Discovery: two services with ids of their own, and templates that every 2.0 client can fill."""

from __future__ import annotations

import re

import pytest

from cds_hooks.errors import UnknownService
from cds_hooks.protocol.discovery import discovery, service_named
from fhir_adapters.prefetch import PREFETCH


def test_each_hook_has_one_service_with_an_id_of_its_own() -> None:
    """The reference sandbox files services by URL, so two entries with one id would collapse."""
    services = discovery(PREFETCH)["services"]

    assert {service["hook"]: service["id"] for service in services} == {
        "order-select": "dosewright-order-select",
        "order-sign": "dosewright-order-sign",
    }
    for service in services:
        assert service["description"]
        assert re.fullmatch(r"\d+\.\d+\.\d+", service["version"])


def test_templates_use_what_clients_of_version_2_can_fill() -> None:
    """2.0 knows root-level context fields only; the sandbox merges a parameter that is repeated."""
    for template in PREFETCH.values():
        tokens = re.findall(r"{{(.*?)}}", template)
        names = [pair.partition("=")[0] for pair in template.partition("?")[2].split("&") if pair]
        assert set(tokens) == {"context.patientId"}
        assert len(names) == len(set(names))


def test_an_unknown_service_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownService, match="dosewright-order-sign"):
        service_named("x")
