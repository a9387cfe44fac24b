"""FHIR's elements in the shapes in which they really come."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_adapters.elements import codings, items, moment, referenced, said_at, text


@pytest.mark.parametrize(
    ("written", "iso", "exact"),
    [
        ("2026-11-24T06:10:00+01:00", "2026-11-24T06:10:00+01:00", True),
        ("2026-11-24T06:10:00Z", "2026-11-24T06:10:00+00:00", True),
        ("2026-11-24T06:10:00.123456789Z", "2026-11-24T06:10:00.123456+00:00", True),
        ("2026-11-24T06:10Z", "2026-11-24T06:10:00+00:00", True),
        ("2026-11-24 06:10:00+0100", "2026-11-24T06:10:00+01:00", True),
        ("2026-11-24T06:10:00-05:30", "2026-11-24T06:10:00-05:30", True),
        ("2026-11-24T06:10:00", "2026-11-24T06:10:00+00:00", False),
        ("2026-11-24", "2026-11-24T12:00:00+00:00", False),
    ],
)
def test_times_are_read_in_every_spelling_that_servers_use(written: str, iso: str, exact: bool) -> None:
    read = moment(written)

    assert read is not None
    assert (read.instant.isoformat(), read.exact) == (iso, exact)


@pytest.mark.parametrize(
    "written",
    [
        "2026-11",
        "2026",
        "24:00",
        "2026-11-24T24:00:00Z",
        "2026-02-30",
        "2026-11-24T06:10:00+99:00",
        "0001-01-01",
        "",
        None,
        5,
    ],
)
def test_what_names_no_instant_is_none(written: Any) -> None:
    assert moment(written) is None


def test_a_time_in_words_says_in_which_zone_it_is() -> None:
    local, utc = moment("2026-11-24T06:10:00+01:00"), moment("2026-11-24T06:10:00Z")

    assert local is not None
    assert utc is not None
    assert said_at(local.instant) == "24 Nov 2026 06:10 +01:00"
    assert said_at(utc.instant) == "24 Nov 2026 06:10 UTC"


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("Patient/a", "a"),
        ("https://ehr.example/fhir/Patient/a", "a"),
        ("Patient/a/_history/2", "a"),
        ("Patient/a_b", "a_b"),
        ("Patient/", None),
        ("Observation/a", None),
        ("a", None),
        ("#a", None),
        ("urn:uuid:3", None),
        ("Patient/a?b", None),
        (None, None),
        (["Patient/a"], None),
    ],
)
def test_a_reference_leads_to_an_id_of_its_kind_or_nowhere(reference: Any, found: str | None) -> None:
    assert referenced({"reference": reference}, "Patient") == found


def test_lists_and_single_objects_are_read_alike() -> None:
    one = {"coding": {"system": "s", "code": "c"}}

    assert codings(one) == codings([one]) == codings([None, one, "x"])
    assert items([None, 1, "x", []]) == ()


def test_text_is_short_and_printable() -> None:
    """It may end up on a card, and lone surrogates cannot be written as UTF-8 at all."""
    assert text(" mg\u0000\n\ud800 ") == "mg"
    assert len(str(text("x" * 10_000))) == 120
    assert text("\n") is None
