"""Where solvers of these families usually go wrong, against scipy at 1e-10: saturation reached and passed, a
target in excess of its drug, a binding far tighter than the target, the fastest person of a chain, rates that
coincide."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from by_scipy import outputs_of
from family_levels import given
from structural_models import doses, person

from dosing_core.kinetics import DoseTable, concentrations
from dosing_core.population.families import build
from dosing_core.population.individual import ResidualError

TARGET = {"CL": 0.01, "V1": 3.2, "R0": 2.0, "kdeg": 0.02, "kint": 0.04}
INR = {"gamma": 1.15, "MTT2": 118.3, "INR0": 1.0, "INRmax": 20.0}
Case = tuple[Mapping[str, object], Mapping[str, float], DoseTable, list[float]]


def saturated(share: float) -> Case:
    """Tablets of a share of the greatest rate of elimination, for two months."""
    return (
        {"routes": ["oral"], "elimination": "michaelis_menten"},
        {"Vmax": 415.0 / 24, "Km": 5.7, "V1": 45.5, "ka": 0.5, "F": 1.0},
        doses(415.0 * share, 24.0, 60, oral=True, last=59 * 24.0),
        [100.0, 700.0, 1439.0],
    )


def bound(target: str, amount: float, rates: Mapping[str, float]) -> Case:
    """A dose beside a target of 2 mg/L in 3.2 L, so of 6.4 mg."""
    times = [0.1, 5.0, 100.0, 400.0]
    return {"routes": ["iv"], "target": target}, {**TARGET, **rates}, given((0.0, amount)), times


CASES: dict[str, Case] = {
    "just below the greatest rate": saturated(0.98),
    "at the greatest rate": saturated(1.0),
    "above the greatest rate": saturated(1.05),
    "little drug, much target, all rates": bound("full", 0.5, {"kon": 1.0, "koff": 0.46}),
    "little drug, much target, fast and tight": bound("full", 0.5, {"kon": 100.0, "koff": 0.1}),
    "little drug, much target, quasi-steady state": bound("qss", 0.5, {"Kss": 0.5}),
    "a constant ten thousand times below the target": bound("qe", 0.5, {"KD": 2e-4}),
    "drug runs out under a tight target": bound("qss", 20.0, {"Kss": 2e-2}),
    "a chain ten times as fast": (
        {"routes": ["oral"], "compartments": "kpd", "effect": {"kind": "inr"}},
        {"KDE": 0.5, "F": 0.5, "EDK50": 1.43, "MTT1": 2.9, **INR},
        doses(5.0, 24.0, 14, oral=True, last=13 * 24.0),
        [30.0, 100.0, 330.0],
    ),
    "parent and metabolite leave at one rate": (
        {"routes": ["oral"], "metabolite": {}},
        {"CL": 5.0, "V1": 40.0, "ka": 0.125, "F": 1.0, "fm": 0.5, "CLm": 2.5, "Vm": 20.0},
        given((0.0, 100.0), oral=True),
        [1.0, 8.0, 30.0],
    ),
    "a drug cleared in seconds stops cells for weeks": (
        {"routes": ["iv"], "effect": {"kind": "myelosuppression"}},
        {"CL": 250.0, "V1": 2.0, "Circ0": 5.0, "MTTcirc": 130.0, "feedback": 0.17, "slope": 5.0},
        given((0.0, 5000.0), duration=48.0),
        [24.0, 150.0, 400.0],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_hard_cases_keep_their_accuracy(name: str) -> None:
    """To 1e-5 at the tolerance of modes and 1e-3 at that of particles, of each output where it is above a
    ten-thousandth of its greatest value: below that no assay measures."""
    options, parameters, table, times = CASES[name]
    system = build(options).system
    individual = person(options, parameters, {}, [ResidualError(0.0, 0.1)])
    expected = outputs_of(system, parameters, table, times)

    for tolerance, bar in ((1e-6, 1e-5), (1e-4, 1e-3)):
        for output in range(len(system.outputs)):
            right = expected[:, output]
            found = concentrations(
                individual, individual.typical[None], table, np.array(times), output, tolerance
            )[0]
            counted = np.abs(right) > 1e-4 * np.abs(right).max()
            assert np.isfinite(found).all(), (output, tolerance)
            assert found[counted] == pytest.approx(right[counted], rel=bar), (output, tolerance)
