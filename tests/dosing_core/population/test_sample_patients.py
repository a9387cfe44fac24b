"""Sample patients, read straight from their files, against concentrations computed outside the project.

``fixtures/README.md`` says which model and which individual gave which level; the figures are copied from
there. Facts, binding, model, doses and kinetics must all be right for them to come out.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dosing_core.case import Case, CoMedication, Condition, Dose, Genotype, Measurement, Order
from dosing_core.kinetics import concentrations, dose_table, hours, reference
from dosing_core.library import load_drug
from dosing_core.population.bind import bind

PATIENTS = Path(__file__).parents[3] / "fixtures" / "patients"
NAMES = {"Creatinine": "creatinine", "Haematocrit": "haematocrit", "Weight": "weight", "Height": "height"}


def _case(name: str) -> tuple[Case, list[datetime]]:
    """The case of a sample patient, and when levels were drawn."""
    bundle = json.loads((PATIENTS / f"{name}.json").read_text(encoding="utf-8"))
    now = datetime.fromisoformat(bundle["timestamp"])
    subject: dict[str, Any] = {value: [] for value in NAMES.values()}
    subject |= {"co_medications_read": True, "conditions": [], "co_medications": [], "genotypes": []}
    doses, drawn = [], []
    for resource in (entry["resource"] for entry in bundle["entry"]):
        text = resource.get("code", {}).get("text", "")
        match resource["resourceType"]:
            case "Patient":
                born = datetime.fromisoformat(resource["birthDate"]).replace(tzinfo=now.tzinfo)
                subject |= {"sex": resource["gender"], "age_years": int((now - born).days / 365.25)}
            case "Observation" if text in NAMES:
                time = datetime.fromisoformat(resource["effectiveDateTime"])
                value = Measurement(value=resource["valueQuantity"]["value"], time=time, source="fixture")
                subject[NAMES[text]].append(value)
            case "Observation" if text == "CYP3A5 genotype":
                diplotype = resource["valueCodeableConcept"]["text"].removeprefix("CYP3A5 ")
                subject["genotypes"].append(Genotype(gene="CYP3A5", diplotype=diplotype, source="fixture"))
            case "Observation":
                drawn.append(datetime.fromisoformat(resource["effectiveDateTime"]))
            case "Condition" if text == "Kidney transplant":
                time = datetime.fromisoformat(resource["onsetDateTime"])
                subject["conditions"].append(Condition(name="kidney_transplant", time=time, source="fixture"))
            case "MedicationRequest" if resource["medicationCodeableConcept"]["text"] == "prednisolone":
                subject["co_medications"].append(
                    CoMedication(drug="prednisolone", daily_dose_mg=10, source="fixture")
                )
            case "MedicationAdministration":
                doses.append(_dose(resource))
    for covariate in NAMES.values():
        subject[covariate].sort(key=lambda measurement: measurement.time)
    doses.sort(key=lambda dose: dose.time)
    return Case(now=now, subject=subject, doses=doses, order=Order(drug="x", source="fixture")), sorted(drawn)


def _dose(resource: dict[str, Any]) -> Dose:
    amount = resource["dosage"]["dose"]["value"]
    if period := resource.get("effectivePeriod"):
        start, end = (datetime.fromisoformat(period[key]) for key in ("start", "end"))
        length = (end - start).total_seconds() / 3600
        return Dose(time=start, amount_mg=amount, route="iv", duration_h=length, source="fixture")
    time = datetime.fromisoformat(resource["effectiveDateTime"])
    return Dose(time=time, amount_mg=amount, route="oral", source="fixture")


@pytest.mark.parametrize(
    ("patient", "drug", "eta", "expected"),
    [
        ("vancomycin-two-levels", "vancomycin", [-0.45, -0.1, 0.1], [33.7, 28.3]),
        ("vancomycin-well-dosed", "vancomycin", [-0.15, 0.05, -0.05], [21.9, 17.5]),
        ("level-in-molar-units", "vancomycin", [0.0, 0.0, 0.0], [16.9]),
        ("tacrolimus-mistimed-trough", "tacrolimus", [0.0, 0.0, 0.0], [0.0168]),
        ("tacrolimus-expresser", "tacrolimus", [0.0, 0.0, 0.0], [None, None, 0.0062]),
    ],
)
def test_a_sample_patient_has_the_concentrations_computed_outside(
    patient: str, drug: str, eta: list[float], expected: list[float | None]
) -> None:
    """Figures are printed to a tenth; of the expresser's three troughs one typical figure is given."""
    case, drawn = _case(patient)
    (hypothesis,) = bind(load_drug(drug).model, case).hypotheses
    individual = hypothesis.individual
    parameters = individual.parameters(np.array([eta]))
    doses, times = dose_table(case.doses, case.now), np.array([hours(time, case.now) for time in drawn])

    for solve in (concentrations, reference.concentrations):
        for got, want in zip(solve(individual, parameters, doses, times)[0], expected, strict=True):
            if want is not None:
                assert got == pytest.approx(want, abs=0.051 if drug == "vancomycin" else 0.000051)
