"""Small datasets and models for tests of the pharmacometrician's tools."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from scenario import FIXTURES

from dosing_core.evaluation import Dataset, ModelledSubject, modelled, occasion_column, read_dataset
from dosing_core.library import load_drug, read_models
from dosing_core.population.model import PopulationModel

THEOPHYLLINE = FIXTURES / "datasets" / "theophylline.csv"
THEOPHYLLINE_MODEL = FIXTURES / "datasets" / "theophylline.yaml"
GOTI = "80,70,0"
"""CRCL 80 mL/min, WT 70 kg, not on dialysis."""
GOTI_NAMES = "CRCL,WT,DIAL"
STORSET = "60,33,0,10,0"
"""Fat-free mass 60 kg, haematocrit 33 %, no expresser, prednisolone 10 mg/day, after the first day."""
STORSET_NAMES = "FFM,HCT,CYP3A5,PRED,DAY1"


def library_model(drug: str) -> PopulationModel:
    """The default model of a drug of the library."""
    file = load_drug(drug)
    return next(model for model in file.models if model.id == file.default_model)


def theophylline() -> tuple[PopulationModel, Dataset]:
    """The worked example's model and data."""
    (model,) = read_models(THEOPHYLLINE_MODEL)
    with THEOPHYLLINE.open(newline="") as file:
        return model, read_dataset(csv.reader(file))


def subjects(model: PopulationModel, text: str) -> tuple[ModelledSubject, ...]:
    """The subjects of a dataset written out as CSV."""
    rows = csv.reader(io.StringIO(text))
    return modelled(model, read_dataset(rows, model.covariates, occasion=occasion_column(model)))


def one_subject(model: PopulationModel, text: str) -> ModelledSubject:
    """The only subject."""
    (subject,) = subjects(model, text)
    return subject


def simple_model(**changes: Any) -> PopulationModel:
    """One compartment, of which CL varies; ``changes`` replace fields of the model."""
    values: Mapping[str, Any] = {
        "id": "drug.simple2026",
        "name": "Simple",
        "role": "nobody: invented for tests",
        "structure": {
            "compartments": 1,
            "routes": ["iv", "oral"],
            "parameters": {"CL": "CL", "V1": "V", "ka": "ka"},
        },
        "units": {"time": "h", "amount": "mg", "volume": "L", "concentration": "mg/L"},
        "interpolation": "last_observation_carried_forward",
        "theta": {
            "thCL": {"value": 5.0, "unit": "L/h"},
            "thV": {"value": 50.0, "unit": "L"},
            "thka": {"value": 1.5, "unit": "1/h"},
        },
        "covariates": {"WT": {"quantity": "weight", "unit": "kg"}},
        "equations": [["CL", "thCL*WT/70"], ["V", "thV"], ["ka", "thka"]],
        "iiv": {"CL": {"reported_as": "omega_variance", "reported_value": 0.09, "omega_variance": 0.09}},
        "residual": {"form": "additive+proportional", "additive_sd": 0.1, "proportional_sd": 0.1},
        "population": {"description": "nobody", "subjects": 1},
        "reference": {"citation": "none", "doi": "none"},
        "verified_by": ["invented"],
        "confidence": "medium",
        "use": "estimation",
        "typical_check": [{"inputs": {"WT": 70.0}, "typical_values": {"CL": 5.0}, "source": "by hand"}],
    }

    return PopulationModel.from_bytes(json.dumps({**values, **changes}))
