"""Every example of docs/models.md loads, runs, and predicts what an independent solver does."""

from __future__ import annotations

import math
import re
from pathlib import Path

import by_scipy
import numpy as np
import pytest

from dosing_core.kinetics import DoseTable
from dosing_core.kinetics.predict import concentrations
from dosing_core.library import parse_model
from dosing_core.population.individual import Individual
from dosing_core.population.model import PopulationModel
from dosing_core.population.rows import individual_of, row_of
from dosing_core.population.system import System

DOCUMENT = Path(__file__).parents[3] / "docs" / "models.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.S)
COVARIATES = {"CRCL": 80.0, "WT": 70.0, "STUDY": 1.0}
TIMES = [2.5, 8.0, 23.0, 49.0]


def _person(model: PopulationModel) -> Individual:
    row = row_of(model, {name: COVARIATES[name] for name in model.covariates})
    return individual_of(model, [-math.inf], [row])


def _doses(model: PopulationModel) -> DoseTable:
    oral = model.structure.routes[-1] == "oral"
    return DoseTable(
        time=np.array([0.0, 24.0]),
        amount=np.array([100.0, 100.0]),
        duration=np.array([0.0 if oral else 1.0] * 2),
        depot=np.array([oral, oral]),
    )


def test_the_document_has_an_example_of_every_kind() -> None:
    assert len(EXAMPLES) >= 12


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_runs(text: str) -> None:
    """Every output at the typical values; systems against scipy over the same expressions."""
    model = parse_model(text, "example.yaml")
    person, doses = _person(model), _doses(model)
    typical = person.parameters(np.zeros((1, person.dimension)))

    for output in range(len(model.form.outputs)):
        got = concentrations(person, typical, doses, np.array(TIMES), output)[0]
        assert np.isfinite(got).all()
        assert (got > 0).any()
        if isinstance(person.structure, System):
            values = dict(zip(person.columns, map(float, person.typical[0]), strict=True))
            want = by_scipy.outputs_of(person.structure, values, doses, TIMES, person.clock_h)[:, output]
            np.testing.assert_allclose(got, want, rtol=2e-5, atol=1e-8)


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_marked_as_unreviewed(text: str) -> None:
    model = parse_model(text, "example.yaml")

    assert not model.reviewed
    assert "reference.citation" in model.incomplete
