"""What goes back to the EHR: the whole order, valid, and readable by ourselves."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from charting import INTRAVENOUS, NOW, ORAL, PATIENT, TACROLIMUS, instruction, quantity, request
from fhir.resources.R4B.medicationrequest import MedicationRequest
from fhir.resources.R4B.servicerequest import ServiceRequest
from scenario import read_scenario, scenario_paths

from dosing_core.case import Regimen
from fhir_adapters import writeback
from fhir_adapters.errors import WritebackError
from fhir_adapters.order import read_order
from fhir_adapters.writeback import lab_request, with_regimen

INFUSION = Regimen(dose_mg=1250, interval_h=8, route="iv", duration_h=2.5)
VIAL = Regimen(dose_mg=3000, interval_h=8, route="iv", duration_h=4)
CAPSULES = Regimen(dose_mg=3.5, interval_h=12, route="oral")


@pytest.mark.parametrize("path", scenario_paths(), ids=lambda path: path.name.split(".")[0])
@pytest.mark.parametrize("loading", [None, 2000.0])
def test_the_changed_order_is_valid_and_reads_as_the_regimen(path: Any, loading: float | None) -> None:
    scenario = read_scenario(path)
    order = scenario.question.order
    reading = read_order(order, patient_id=scenario.patient_id)
    if reading.drug is None:
        return
    regimen = {"tacrolimus": CAPSULES, "piperacillin": VIAL}.get(reading.drug, INFUSION)
    changed = with_regimen(order, reading.drug, regimen, loading_dose_mg=loading, loading_duration_h=3.5)
    MedicationRequest.model_validate(changed)
    again = read_order(changed, patient_id=scenario.patient_id)

    assert again.order.regimen == regimen
    assert again.loading_dose_mg == loading
    assert again.about_patient == reading.about_patient


def test_every_other_member_of_the_order_is_kept_known_or_not() -> None:
    order = request(
        instruction(additionalInstruction=[{"text": "in glucose"}], site={"text": "left arm"}),
        priority="urgent",
        note=[{"text": "for MRSA"}],
        vendorField={"deep": [1, {"x": None}]},
        _status={"extension": []},
        identifier=[{"value": "RX1"}],
        dispenseRequest={"numberOfRepeatsAllowed": 2},
    )
    before = deepcopy(order)
    changed = with_regimen(order, "vancomycin", INFUSION)

    assert order == before
    assert {k: v for k, v in changed.items() if k != "dosageInstruction"} == {
        k: v for k, v in before.items() if k != "dosageInstruction"
    }
    (dosage,) = changed["dosageInstruction"]
    assert dosage["additionalInstruction"] == [{"text": "in glucose"}]
    assert dosage["site"] == {"text": "left arm"}


def test_the_narrative_of_the_old_dose_goes_and_the_prescriber_s_note_stays() -> None:
    """EHRs generate it from the order; beside a new dose it would name the old one."""
    narrative = {
        "status": "generated",
        "div": '<div xmlns="http://www.w3.org/1999/xhtml">1,000 mg q12h</div>',
    }
    order = request(instruction(), text=narrative, note=[{"text": "for MRSA"}])
    changed = with_regimen(order, "vancomycin", INFUSION)

    assert "text" not in changed
    assert changed["note"] == [{"text": "for MRSA"}]
    assert order["text"] == narrative


def test_nothing_of_the_old_dose_stays_behind() -> None:
    """An old text, an as-needed flag or a maximum beside the new dose would contradict it."""
    old = instruction(
        1000,
        text="1 g every 12 h as needed",
        patientInstruction="take two",
        asNeededBoolean=True,
        maxDosePerAdministration=quantity(1, "g"),
        doseAndRate=[{"doseQuantity": quantity(1000, "mg"), "rateQuantity": quantity(500, "mg/h")}],
    )
    (dosage,) = with_regimen(request(old), "vancomycin", INFUSION)["dosageInstruction"]

    assert dosage["text"] == "1,250 mg intravenously every 8 h, each over 2.5 h"
    assert set(dosage) == {"text", "timing", "route", "doseAndRate"}
    assert set(dosage["doseAndRate"][0]) == {"type", "doseQuantity"}


def test_the_bounds_of_the_old_order_are_kept() -> None:
    bounds = {"start": "2026-11-24T20:00:00Z", "end": "2026-12-01T20:00:00Z"}
    timing = {"repeat": {"period": 12, "periodUnit": "h", "boundsPeriod": bounds}}
    (dosage,) = with_regimen(request(instruction(timing=timing)), "vancomycin", INFUSION)["dosageInstruction"]

    assert dosage["timing"]["repeat"]["boundsPeriod"] == bounds


@pytest.mark.parametrize(("old", "kept"), [({"text": "IV"}, {"text": "IV"}), (ORAL, None), (None, None)])
def test_the_route_is_kept_as_written_if_it_is_the_same(old: Any, kept: Any) -> None:
    (dosage,) = with_regimen(request(instruction(route=old)), "vancomycin", INFUSION)["dosageInstruction"]

    if kept is not None:
        assert dosage["route"] == kept
    else:
        assert dosage["route"]["coding"][0]["code"] == INTRAVENOUS["coding"][0]["code"]


def test_a_broken_order_is_changed_all_the_same() -> None:
    """The sandbox's orders are not valid before, so they need not be after; the dose must still be there."""
    order = {"resourceType": "MedicationRequest", "id": "request-123", "category": {}, "status": "draft"}
    changed = with_regimen(order | {"medicationCodeableConcept": TACROLIMUS}, "tacrolimus", CAPSULES)

    assert changed["category"] == {}
    assert read_order(changed, patient_id=PATIENT).order.regimen == CAPSULES


def test_an_order_that_we_would_break_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writeback, "_instruction", lambda *_: {"timing": 5})

    with pytest.raises(WritebackError):
        with_regimen(request(instruction()), "vancomycin", INFUSION)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("creatinine", "2160-0"),
        ("weight", "29463-7"),
        ("height", "8302-2"),
        ("haematocrit", "4544-3"),
        ("level", "20578-1"),
    ],
)
def test_what_is_missing_can_be_requested(kind: str, code: str) -> None:
    made = lab_request(kind, PATIENT, "Encounter/e1", NOW, drug="vancomycin")
    ServiceRequest.model_validate(made)

    assert made["code"]["coding"][0]["code"] == code
    assert (made["status"], made["intent"]) == ("draft", "order")
    assert made["subject"] == {"reference": f"Patient/{PATIENT}"}
    assert made["encounter"] == {"reference": "Encounter/e1"}
    assert ("category" in made) is (kind not in ("weight", "height"))


def test_a_level_is_requested_for_its_time() -> None:
    later = lab_request("level", PATIENT, None, NOW, drug="tacrolimus", at=NOW + timedelta(hours=11))

    assert later["occurrenceDateTime"] == "2026-11-24T20:00:00+00:00"
    assert "encounter" not in later
    assert later["code"]["coding"][0]["code"] == "11253-2"


def test_what_has_no_code_is_not_requested() -> None:
    with pytest.raises(WritebackError):
        lab_request("mood", PATIENT, None, NOW, drug="vancomycin")
    with pytest.raises(WritebackError):
        lab_request("level", PATIENT, None, NOW)
