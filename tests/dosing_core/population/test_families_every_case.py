"""Every family runs through the product's own solvers and agrees with scipy, in levels and in areas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from by_scipy import outputs_of, solved
from scipy.integrate import solve_ivp
from structural_models import LINEAR, MODELS, StructuralCase

from dosing_core.kinetics import auc, concentrations, is_linear
from dosing_core.population.expressions import parse
from dosing_core.population.individual import FloatArray
from dosing_core.population.system import Output, System


def people(case: StructuralCase, count: int) -> FloatArray:
    """Parameters [count, 1, n] of people well spread over the prior."""
    d = case.individual.dimension
    steps = np.arange(1, count + 1)[:, None] * np.sqrt(np.arange(2, d + 2))
    spread = np.sqrt(np.diag(case.individual.omega))
    return case.individual.parameters(1.6 * np.sin(3.0 * steps) * spread)


def system_of(case: StructuralCase) -> System:
    assert isinstance(case.individual.structure, System)
    return case.individual.structure


def named(case: StructuralCase, row: FloatArray) -> dict[str, float]:
    return dict(zip(system_of(case).parameters, map(float, row), strict=True))


def agrees(name: str, count: int, bars: Mapping[float, float]) -> None:
    """Levels of all outputs at the case's times and areas of its last day agree with scipy's within the bar
    of each tolerance: relative where a value is above a thousandth of the output's greatest, else of that.
    """
    case = MODELS[name]()
    system, clock = system_of(case), case.individual.clock_h
    parameters = people(case, count)
    times = np.unique([*case.times, -30.0, -0.25])
    start, end = np.searchsorted(times, [-30.0, -0.25])
    for lane, row in enumerate(parameters):
        expected, areas = solved(system, named(case, row[0]), case.doses, list(times), clock)
        for output, (tolerance, bar) in product(range(len(system.outputs)), bars.items()):
            found = concentrations(case.individual, parameters, case.doses, times, output, tolerance)[lane]
            scale = np.maximum(np.abs(expected[:, output]), 1e-3 * np.abs(expected[:, output]).max())
            assert (np.abs(found - expected[:, output]) / scale).max() < bar, (lane, output, tolerance)
            area = auc(case.individual, parameters, case.doses, -30.0, -0.25, output, tolerance)[lane]
            right = areas[end, output] - areas[start, output]
            assert area == pytest.approx(right, rel=bar, abs=1e-9), (lane, output, tolerance)


@pytest.mark.parametrize("name", MODELS)
def test_every_family_agrees_with_scipy(name: str) -> None:
    """At the tolerance of modes."""
    agrees(name, 1, {1e-6: 1e-5})


@pytest.mark.verify
@pytest.mark.parametrize("name", MODELS)
def test_every_family_agrees_with_scipy_for_many_people(name: str) -> None:
    """At the tolerance of modes to 1e-5, at that of particles to 1e-3."""
    agrees(name, 8, {1e-6: 1e-5, 1e-4: 1e-3})


def test_before_the_first_dose_the_baseline_is_seen_and_has_an_area() -> None:
    """INR 1 for ten hours; no drug."""
    case = MODELS["warfarin_pk_inr"]()
    parameters, first = case.individual.typical[None], float(case.doses.time.min())
    inr = system_of(case).output("inr")

    before = concentrations(case.individual, parameters, case.doses, np.array([first - 5.0, first]), inr)

    assert before == pytest.approx(np.ones((1, 2)))
    assert auc(case.individual, parameters, case.doses, first - 10.0, first, inr) == pytest.approx([10.0])
    assert auc(case.individual, parameters, case.doses, first - 10.0, first) == pytest.approx([0.0])


def test_amounts_stay_when_parameters_change() -> None:
    """A volume that doubles halves the level at once; from there the saturable decline of the new row."""
    case = MODELS["michaelis_menten_oral"]()
    individual = case.individual
    system = system_of(case)
    typical = np.repeat(individual.typical, 2, axis=0)
    typical[1, system.parameters.index("V1")] *= 2.0
    changed = replace(individual, row_time=np.array([-np.inf, -3.0]), typical=typical)
    times = np.array([-3.0 - 1e-9, -3.0, 20.0])

    found = concentrations(changed, typical[None], case.doses, times, tolerance=1e-9)[0]

    values = named(case, typical[1])
    absorbing = outputs_of(
        replace(system, outputs=(Output("depot", parse("depot", system.states, "test")),)),
        named(case, typical[0]),
        case.doses,
        [-3.0],
    )[0, 0]
    vmax, km, volume, ka = values["Vmax"], values["Km"], values["V1"], values["ka"]

    def change(t: float, y: FloatArray) -> list[float]:
        c = y[1] / volume
        return [-ka * y[0], ka * y[0] - vmax * c / (km + c)]

    start = [absorbing, found[0] * volume / 2.0]
    expected = solve_ivp(change, (-3.0, 20.0), start, rtol=1e-10, atol=1e-12).y[1, -1] / volume
    assert found[1] == pytest.approx(found[0] / 2.0, rel=1e-6)
    assert found[2] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_superposition_holds_where_it_is_said_to(name: str) -> None:
    """So the exact solver serves just these."""
    individual = MODELS[name]().individual
    outputs = range(len(system_of(MODELS[name]()).outputs))

    assert all(is_linear(individual, output) for output in outputs) == (name in LINEAR)
