"""Prefetch templates that every CDS Hooks 2.0 client can fill."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

import pytest
from charting import NOW

from dosing_core.library import drugs
from fhir_adapters.prefetch import PREFETCH, searches
from fhir_adapters.terminology.loinc import code_list

ALLOWED = {"patient", "category", "code", "status", "_count", "_sort"}


@pytest.mark.parametrize("key", sorted(PREFETCH))
def test_templates_use_one_token_and_simple_parameters_once(key: str) -> None:
    """No dates (2.0 has no token for today), no parameter twice (the sandbox joins them), no includes."""
    template = PREFETCH[key]
    names = [name for name, _ in parse_qsl(template.partition("?")[2])]

    assert re.findall(r"\{\{[^}]*\}\}", template) == ["{{context.patientId}}"]
    assert set(names) <= ALLOWED
    assert len(names) == len(set(names))


def test_every_drug_s_levels_are_asked_for() -> None:
    for drug in drugs():
        assert set(code_list(drug.drug)) <= _codes_of("labs")


def _codes_of(key: str) -> set[str]:
    return set(dict(parse_qsl(PREFETCH[key].partition("?")[2]))["code"].split(","))


@pytest.mark.parametrize("key", sorted(PREFETCH))
def test_a_template_fits_gateways_that_stop_at_two_thousand_characters(key: str) -> None:
    """Room for a base address, a long patient id and escaped commas (each three characters)."""
    template = PREFETCH[key]

    assert len(template) + 2 * template.count(",") + 150 < 2048


def test_our_own_searches_are_bounded_in_time_with_hour_and_zone() -> None:
    """Oracle Health wants effective-time with prefix, time and zone."""
    bounds = {
        name: value
        for search in searches()
        for name, value in search.query("somebody", NOW, "vancomycin")
        if name in ("date", "effective-time")
    }

    assert bounds["effective-time"] == "ge2026-10-10T09:00:00Z"
    assert all(re.fullmatch(r"ge\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value) for value in bounds.values())


def test_our_own_searches_name_the_patient_in_full() -> None:
    assert all(
        ("patient", "Patient/somebody") in search.query("somebody", NOW, "vancomycin")
        for search in searches()
    )
