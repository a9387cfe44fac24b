"""Piperacillin is written alone or as the sum with tazobactam; either is read right, written back alike."""

from __future__ import annotations

from typing import Any

import pytest
from charting import INTRAVENOUS, instruction, request

from dosing_core.case import Regimen
from fhir_adapters.order import read_order
from fhir_adapters.writeback import with_regimen

LONGER = Regimen(dose_mg=4000, interval_h=6, route="iv", duration_h=4)


def _order(name: str, mg: float) -> dict[str, Any]:
    return request(
        instruction(mg, hours=6, over=0.5, route=INTRAVENOUS), medicationCodeableConcept={"text": name}
    )


def _mg(order: dict[str, Any]) -> float | None:
    regimen = read_order(order, patient_id="p1").order.regimen
    return regimen.dose_mg if regimen else None


@pytest.mark.parametrize(
    ("name", "mg", "own"),
    [
        ("piperacillin / tazobactam", 4500, 4000),
        ("Piperacillin-Tazobactam", 3375, 3000),
        ("piperacillin 4000 MG / tazobactam 500 MG Injection", 2250, 2000),
        ("piperacillin / tazobactam", 4000, 4000),
        ("piperacillin", 4000, 4000),
        ("piperacillin", 4500, 4000),
    ],
)
def test_the_dose_is_that_of_piperacillin(name: str, mg: float, own: float) -> None:
    assert _mg(_order(name, mg)) == own


@pytest.mark.parametrize("mg", [3500, 1000, 9000])
def test_a_dose_that_no_vial_gives_is_not_guessed_at(mg: float) -> None:
    assert _mg(_order("piperacillin / tazobactam", mg)) is None


@pytest.mark.parametrize(("written", "back"), [(3375, 4500), (3000, 4000)])
def test_it_is_written_back_as_it_was_written(written: float, back: float) -> None:
    changed = with_regimen(_order("piperacillin / tazobactam", written), "piperacillin", LONGER)
    (dosage,) = changed["dosageInstruction"]

    assert dosage["doseAndRate"][0]["doseQuantity"]["value"] == back
    assert "4,000 mg of piperacillin" in dosage["text"]
    assert _mg(changed) == 4000
