"""A route is read by code or by words; what is not understood is not taken for something else."""

from __future__ import annotations

import pytest

from fhir_adapters.terminology.routes import route
from fhir_adapters.terminology.tables import table

V3 = "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration"
NCI = "http://ncimeta.nci.nih.gov"
EDQM = "http://standardterms.edqm.eu"


@pytest.mark.parametrize(
    "words",
    [
        "Intravenous (IV)",
        "IV piggyback",
        "IV Piggyback (IVPB)",
        "IVPB",
        "Central line",
        "via PICC",
        "peripheral line",
        "Infusion, intravenous",
        "I.V. push",
        "slow IV infusion",
        "Intravenous, continuous infusion",
    ],
)
def test_the_vein_has_many_names(words: str) -> None:
    assert route({"text": words}) == "iv"
    assert route({"coding": [{"system": "urn:local", "code": "1", "display": words}]}) == "iv"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("Oral", "oral"),
        ("P.O.", "oral"),
        ("by mouth", "oral"),
        ("Swallow, oral", "oral"),
        ("NG tube", "enteral"),
        ("per PEG", "enteral"),
        ("Eye drops, left eye", "local"),
        ("oral inhalation", "local"),
        ("catheter lock (IV)", "local"),
        ("Intrathecal", "local"),
        ("IV or PO", "unclear"),
        ("intravenous regional", "unclear"),
        ("topical / intravenous", "unclear"),
        ("arterial line", "unclear"),
        ("intraperitoneal", "unclear"),
        ("intramuscular", "unclear"),
        ("subcutaneous injection", "subcutaneous"),
        ("SC", "subcutaneous"),
        ("s.c. or i.v.", "unclear"),
        ("line", "unclear"),
        ("not IV", "unclear"),
    ],
)
def test_words_name_one_route_or_none(words: str, named: str) -> None:
    assert route({"text": words}) == named


@pytest.mark.parametrize(
    ("system", "code", "named"),
    [
        (V3, "IV", "iv"),
        (V3, "IVPUSH", "iv"),
        (V3, "IVRPUSH", "iv"),
        ("urn:oid:2.16.840.1.113883.5.112", "IVINJ", "iv"),
        (V3, "NGT", "enteral"),
        (V3, "IM", "unclear"),
        (NCI, "C38276", "iv"),
        (NCI, "C38279", "iv"),
        (NCI, "C38288", "oral"),
        (EDQM, "20045000", "iv"),
        ("urn:oid:0.4.0.127.0.16.1.1.2.1", "20045000", "iv"),
        (EDQM, "20053000", "oral"),
        (EDQM, "20066000", "subcutaneous"),
        (V3, "SQ", "subcutaneous"),
        (NCI, "C38299", "subcutaneous"),
        ("urn:local", "20045000", "unclear"),
    ],
)
def test_codes_count_in_their_own_system(system: str, code: str, named: str) -> None:
    assert route({"coding": [{"system": system, "code": code}]}) == named


def test_no_code_contradicts_its_own_display() -> None:
    for entry in table("routes")["routes"]:
        for system, code, display in entry["codes"]:
            assert route({"coding": [{"system": system, "code": code, "display": display}]}) == entry["route"]


def test_no_route_is_none() -> None:
    assert route(None) is None
    assert route({}) is None
