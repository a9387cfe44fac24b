"""The published models of the library against independent numbers; and a model that contradicts itself."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from dosing_core.errors import InvalidExpression
from dosing_core.library import load_drug
from dosing_core.population.model import PopulationModel

GOTI = load_drug("vancomycin").model
STORSET = load_drug("tacrolimus").model


@pytest.mark.parametrize(
    ("covariates", "expected"),
    [
        ({"CRCL": 120, "WT": 70, "DIAL": 0}, {"CL": 4.5, "V1": 58.4, "V2": 38.4, "Q": 6.5}),
        ({"CRCL": 65, "WT": 70, "DIAL": 0}, {"CL": 2.75549, "V1": 58.4, "V2": 38.4, "Q": 6.5}),
        ({"CRCL": 20, "WT": 90, "DIAL": 1}, {"CL": 0.751259, "V1": 37.5429, "V2": 38.4, "Q": 6.5}),
        # By hand: above 150 mL/min clearance stays at 4.5 · 1.25^0.8 = 4.5 · 1.195440.
        ({"CRCL": 190, "WT": 140, "DIAL": 0}, {"CL": 5.37948, "V1": 116.8}),
    ],
)
def test_goti_2018_typical_values(covariates: dict[str, float], expected: dict[str, float]) -> None:
    """Goti et al. 2018, doi:10.1097/FTD.0000000000000490; computed outside this project."""
    values = GOTI.evaluate(covariates)

    assert {name: values[name] for name in expected} == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("covariates", "expected"),
    [
        (
            {"FFM": 60, "HCT": 35, "CYP3A5": 0, "PRED": 0, "DAY1": 0},
            {"CLp": 811, "V1p": 6290, "Qp": 1200, "V2p": 32100, "F": 1, "ka": 1.01, "Tlag": 0.41},
        ),
        ({"FFM": 60, "HCT": 30, "CYP3A5": 1, "PRED": 20, "DAY1": 0}, {"CLp": 1054.3, "F": 0.620218}),
        ({"FFM": 60, "HCT": 30, "CYP3A5": 0, "PRED": 20, "DAY1": 1}, {"CLp": 811, "F": 2.02705}),
        # By hand: (45/60)^0.75 = 0.805927.
        ({"FFM": 45, "HCT": 30, "CYP3A5": 0, "PRED": 0, "DAY1": 0}, {"CLp": 653.607, "V2p": 24075.0}),
    ],
)
def test_storset_2014_typical_values(covariates: dict[str, float], expected: dict[str, float]) -> None:
    """Størset et al. 2014, doi:10.1111/bcp.12361; computed outside this project."""
    values = STORSET.evaluate(covariates)

    assert {name: values[name] for name in expected} == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("haematocrit", "whole_blood"), [(35.0, 3.85128), (30.0, 3.31538)])
def test_storset_2014_whole_blood_from_plasma(haematocrit: float, whole_blood: float) -> None:
    """0.1 µg/L in plasma, computed outside this project from the paper's binding equation."""
    values = STORSET.evaluate({"FFM": 60, "HCT": haematocrit, "CYP3A5": 0, "PRED": 0, "DAY1": 0})
    assert STORSET.parsed_binding is not None
    capacity, constant = (part.evaluate(values) for part in STORSET.parsed_binding)

    assert 0.1 * (1 + capacity / (0.1 + constant)) == pytest.approx(whole_blood, rel=1e-5)


def test_the_covariance_carries_the_published_correlations() -> None:
    """Covariances as a second public implementation of Størset 2014 (tdmore) writes them."""
    omega = STORSET.omega(("CL", "V1", "Q"))

    expected = [[0.14842, 0.08379814, 0.1380948], [0.08379814, 0.2558818, 0], [0.1380948, 0, 0.3342555]]
    np.testing.assert_allclose(omega, expected, rtol=1e-5)


def test_every_model_says_where_it_comes_from() -> None:
    for model in (GOTI, STORSET):
        assert model.reference.doi
        assert model.verified_by
        assert model.population.limits
        assert all(limit.source for limit in model.population.limits)


def _goti(*path: str | int, value: Any) -> bytes:
    """Goti's model as JSON with one field replaced."""
    document = json.loads(GOTI.to_bytes())
    document = copy.deepcopy(document)
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("iiv", "CL", "omega_variance"), 0.1584, "0.147043"),
        (("iiv", "CL", "reported_as"), "omega_SD", "omega_variance should be"),
        (("iiv", "ka"), {"reported_as": "CV%", "reported_value": 10.0, "omega_variance": 0.00995033}, "ka"),
        (("theta", "thCL", "value"), "4.5", "number"),
        (("theta", "CRCL"), {"value": 1.0, "unit": "-"}, "both a theta and a covariate"),
        (("covariates", "WT", "unit"), "lb", "kg"),
        (("covariates", "CRCL", "weight"), None, "which weight"),
        (("covariates", "CRCL", "weight"), "lean", "weight"),
        (("structure", "parameters", "CL"), "Clearance", "no equation"),
        (("structure", "parameters"), {"CL": "CL", "V1": "V1"}, "Q, V2"),
        (("structure", "routes"), ["iv", "oral"], "ka"),
        (("correlations",), [{"between": ["CL", "Q"], "value": 0.5}], "iiv"),
        (("correlations",), [{"between": ["CL", "V1"], "value": 1.2}], "less than 1"),
        (
            ("correlations",),
            [
                {"between": ["CL", "V1"], "value": 0.9},
                {"between": ["CL", "V2"], "value": 0.9},
                {"between": ["V1", "V2"], "value": -0.9},
            ],
            "positive definite",
        ),
        (("iiv",), {}, "estimation"),
        (("residual",), None, "estimation"),
        (("residual", "additive_sd"), 0.0, "additive_sd"),
        (("units", "concentration"), "ng/dL", "mg/L"),
        (("population", "limits", 0, "low"), 200.0, "below high"),
        (("unheard_of",), 1, "unheard_of"),
    ],
)
def test_a_model_that_contradicts_itself_does_not_load(
    path: tuple[str | int, ...], value: Any, says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        PopulationModel.from_bytes(_goti(*path, value=value))


def test_a_model_that_does_not_reproduce_its_check_does_not_load() -> None:
    """A slipped digit in a theta must not become a dose."""
    with pytest.raises(InvalidExpression, match=r"goti2018 typical_check: CL is 5\.4 where 4\.5"):
        PopulationModel.from_bytes(_goti("theta", "thCL", "value", value=5.4))


def test_an_equation_outside_the_language_is_named_with_its_place() -> None:
    with pytest.raises(InvalidExpression, match=r"vancomycin\.goti2018 equations\.V2: .*open"):
        PopulationModel.from_bytes(_goti("equations", 2, value=["V2", "open('/etc/passwd')"]))


def test_typical_values_alone_may_be_kept_but_not_for_estimation() -> None:
    document = json.loads(GOTI.to_bytes())
    document |= {"iiv": {}, "residual": None, "confidence": "low", "use": "typical_values"}

    assert (
        PopulationModel.from_bytes(json.dumps(document)).evaluate({"CRCL": 120, "WT": 70, "DIAL": 0})["CL"]
        == 4.5
    )


def test_units_convert_once_to_mg_l_and_hours() -> None:
    """1 µg/L is 0.001 mg/L; 24 L/day is 1 L/h; a lag of 0.5 days is 12 h."""
    units = STORSET.units.model_copy(update={"time": "day"})

    assert STORSET.units.concentration_factor == 0.001
    assert 24 * units.factor("CL") == pytest.approx(1.0)
    assert 48 * units.factor("ka") == pytest.approx(2.0)
    assert 0.5 * units.factor("tlag") == pytest.approx(12.0)
    assert units.factor("V1") == units.factor("F") == GOTI.units.factor("CL") == 1.0
