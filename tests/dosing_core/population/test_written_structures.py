"""Structures written as equations: units mean what they say; contradictions are refused with their line."""

from __future__ import annotations

import math

import by_scipy
import numpy as np
import pytest

from dosing_core.errors import InvalidDrugFile
from dosing_core.kinetics import DoseTable
from dosing_core.library import parse_model
from dosing_core.population.individual import FloatArray
from dosing_core.population.model import PopulationModel
from dosing_core.population.rows import individual_of, row_of
from dosing_core.population.system import System

IN_HOURS = """\
structure:
  odes:
    depot: -ka*depot
    central: ka*depot - Vmax*central/(Km*V + central)*(1 + 0.1*sin(0.5*t))
  entries:
    - {route: oral, state: depot, amount: F*dose, lag: tlag}
    - {route: iv, state: central}
  outputs: {concentration: central/V, amount: {value: central, unit: mg}}
theta: {ka: 1.2, Vmax: 4, Km: 2, V: 40, F: 0.8, tlag: 0.5}
iiv: {Vmax: 0.09}
residual: {additive_sd: 0.1, proportional_sd: 0.1}
"""
IN_DAYS = """\
units: {time: day, amount: ug, concentration: nmol/L, molar_mass: 400}
structure:
  odes:
    depot: -ka*depot
    central: ka*depot - Vmax*central/(Km*V + central)*(1 + 0.1*sin(12*t))
  entries:
    - {route: oral, state: depot, amount: F*dose, lag: tlag}
    - {route: iv, state: central}
  outputs: {concentration: central/V/0.4, amount: {value: central/1000, unit: mg}}
theta: {ka: 28.8, Vmax: 96000, Km: 2000, V: 40, F: 0.8, tlag: 0.020833333333333332}
iiv: {Vmax: 0.09}
residual: {additive_sd: 250, proportional_sd: 0.1}
"""
DOSES = DoseTable(
    time=np.array([0.0, 12.0, 24.0]),
    amount=np.array([100.0, 50.0, 100.0]),
    duration=np.array([0.0, 1.0, 0.0]),
    depot=np.array([True, False, True]),
)


def _solved(model: PopulationModel) -> FloatArray:
    person = individual_of(model, [-math.inf], [row_of(model, {})])
    assert isinstance(person.structure, System)
    values = dict(zip(person.columns, map(float, person.typical[0]), strict=True))
    return by_scipy.outputs_of(person.structure, values, DOSES, [1.0, 12.5, 20.0, 30.0])


def test_a_model_in_days_and_nanomoles_is_the_same_model() -> None:
    """2.5 nmol/L at 400 g/mol is 1 µg/L: both files describe one drug, and both end in mg, h and mg/L."""
    hours, days = parse_model(IN_HOURS, "hours.yaml"), parse_model(IN_DAYS, "days.yaml")

    np.testing.assert_allclose(_solved(days), _solved(hours), rtol=1e-7)
    errors = [individual_of(m, [-math.inf], [row_of(m, {})]).residual for m in (hours, days)]
    assert errors[1].additive == pytest.approx(errors[0].additive)
    assert days.form.outputs[0].scale == pytest.approx(4e-4)
    assert [output.unit for output in days.form.outputs] == ["nmol/L", "mg"]


def test_a_written_structure_is_what_is_written() -> None:
    """Bolus into one compartment: 100 mg, V 50 L, k 0.1/h: after 10 h 2 · exp(−1) = 0.735759 mg/L."""
    model = parse_model(
        """\
structure:
  odes: {central: -k*central}
  entries: [{route: iv, state: central}]
  outputs: {concentration: central/V}
theta: {k: 0.1, V: 50}
iiv: {k: 0.1}
residual: {proportional_sd: 0.1}
""",
        "bolus.yaml",
    )
    person = individual_of(model, [-math.inf], [row_of(model, {})])
    assert isinstance(person.structure, System)
    dose = DoseTable(np.zeros(1), np.array([100.0]), np.zeros(1), np.array([False]))

    (got,) = by_scipy.outputs_of(person.structure, {"k": 0.1, "V": 50.0}, dose, [10.0])[:, 0]

    assert got == pytest.approx(0.735759, rel=1e-5)
    assert not person.takes("oral")


@pytest.mark.parametrize(
    ("there", "instead", "line", "says"),
    [
        ("    depot: -ka*depot", "    depot: -kaa*depot", 3, "unknown name 'kaa'"),
        ("    depot: -ka*depot", "    depot: -ka*depot**", 3, "not an expression"),
        ("(Km*V + central)", "(Km*Q + central)", 4, "unknown name 'Q'"),
        ("state: depot, amount: F*dose", "state: gut, amount: F*dose", 6, "no state 'gut'"),
        ("amount: F*dose", "amount: F*central", 6, "unknown name 'central'"),
        ("lag: tlag", "lag: late", 6, "no parameter 'late'"),
        ("concentration: central/V,", "concentration: central/W,", 8, "unknown name 'W'"),
        ("    depot: -ka*depot", "    exp: -ka*depot", 3, "name is taken"),
        ("iiv: {Vmax: 0.09}", "iiv: {Vmax: 0.09, k: 0.1}", 10, "no parameter 'k'"),
        ("iiv: {Vmax: 0.09}", "iiv: {Vmax: -0.09}", 10, "greater than 0"),
        ("residual: {additive_sd", "residual: {additive_variance: -1, additive_sd", 11, "additive_variance"),
        ("  entries:\n", "  initial: {peripheral: 1}\n  entries:\n", 5, "no such state"),
        ("theta: {ka: 1.2", "theta: {ka: .nan", 9, "not a finite number"),
        ("theta: {ka: 1.2", "theta: {ka: one", 9, "object"),
        ("  odes:\n", "  parameters: {ka: kabs}\n  odes:\n", 2, "no equation 'kabs'"),
        ("tlag: 0.5}", "tlag: -0.5}", 9, "tlag is -0.5"),
    ],
)
def test_what_does_not_hold_is_refused_with_its_line(there: str, instead: str, line: int, says: str) -> None:
    assert there in IN_HOURS

    with pytest.raises(InvalidDrugFile) as refusal:
        parse_model(IN_HOURS.replace(there, instead, 1), "m.yaml")

    assert str(refusal.value).startswith(f"m.yaml:{line}"), refusal.value
    assert says in str(refusal.value)
