"""Orders in words: read where they can mean one thing only, else left unread and said."""

from __future__ import annotations

import pytest
from charting import PATIENT, request

from fhir_adapters.order import OrderReading, read_order


def read(words: str, drug: str = "vancomycin", **more: object) -> OrderReading:
    order = request({"text": words}, medicationCodeableConcept={"text": drug}, **more)
    return read_order(order, patient_id=PATIENT)


@pytest.mark.parametrize(
    ("words", "mg", "hours", "route", "over"),
    [
        ("1000 mg IV every 12 h over 2 h", 1000, 12, "iv", 2),
        ("1000 mg intravenously every 12 hours, each over 90 min", 1000, 12, "iv", 1.5),
        ("Give 1.5 g IV q8h.", 1500, 8, "iv", None),
        ("1 g every 24 h intravenously", 1000, 24, "iv", None),
        ("Infuse 750mg iv bid over 60 minutes", 750, 12, "iv", 1),
    ],
)
def test_plain_words_are_read(words: str, mg: float, hours: float, route: str, over: float | None) -> None:
    reading = read(words)
    regimen = reading.order.regimen

    assert regimen is not None
    assert (regimen.dose_mg, regimen.interval_h, regimen.route) == (mg, hours, route)
    assert over is None or regimen.duration_h == pytest.approx(over)
    assert "the dose is written in words only, and was read from them" in {f.detail for f in reading.findings}


def test_micrograms_and_tablets_by_mouth() -> None:
    regimen = read("125 micrograms by mouth once daily", "digoxin").order.regimen

    assert regimen is not None
    assert (regimen.dose_mg, regimen.interval_h, regimen.route) == (0.125, 24, "oral")


@pytest.mark.parametrize(
    "words",
    [
        "1,000 mg IV every 12 h",
        "1.500 mg IV every 12 h",
        "500-1000 mg IV every 12 h",
        "1000 mg IV every 8 to 12 h",
        "1000 mg IV every 12 h if needed",
        "1000 mg IV every 12 h for 3 days",
        "1000 mg IV every 12 h, hold if level above 20",
        "1000 mg then 750 mg IV every 12 h",
        "1000 mg IV OD",
        "1000 mg IV QD",
        "1000 mg IV",
        "IV every 12 h",
        "1000 IV every 12 h",
        "1000 ml IV every 12 h",
        "one gram IV every 12 h",
        "1000 mg IV orally every 12 h by mouth",
        "15 mg/kg IV every 12 h",
        "1-0-1",
        "as directed",
    ],
)
def test_what_could_mean_something_else_is_not_read(words: str) -> None:
    reading = read(words)

    assert reading.order.regimen is None
    assert any("text only" in finding.detail for finding in reading.findings)


def test_words_beside_codes_do_not_count() -> None:
    """The codes say what is ordered; the text is for people."""
    order = request({"text": "1000 mg IV every 12 h", "timing": {"code": {"text": "q8h"}}})

    assert read_order(order, patient_id=PATIENT).order.regimen is None


def test_no_route_is_not_guessed_from_the_words() -> None:
    reading = read("1000 mg every 12 h")

    assert reading.order.regimen is None
    assert any("no route is written" in finding.detail for finding in reading.findings)
