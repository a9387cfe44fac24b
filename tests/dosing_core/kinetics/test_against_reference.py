"""The compiled kernels and the numpy reference agree, and both reproduce published concentrations.

The reference multiplies matrix exponentials; the kernels use Newton's form over decay rates. They share the
dose table and the meaning of the functions, nothing else.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from illustrative import infusions, one_person, tablets, tacrolimus, vancomycin
from scipy.linalg import expm

from dosing_core import kinetics
from dosing_core.kinetics import DoseTable, reference
from dosing_core.population.individual import FloatArray, Individual, ResidualError, Structure

BOTH = pytest.mark.parametrize("solver", [kinetics, reference], ids=["kernels", "reference"])


def _people(individual: Individual, n: int, seed: int) -> FloatArray:
    """Parameters of ``n`` people drawn from the model, with lags and absorption that differ between them."""
    rng = np.random.default_rng(seed)
    eta = rng.multivariate_normal(np.zeros(individual.dimension), individual.omega, size=n)
    parameters = individual.parameters(eta)
    parameters[:, :, 4] *= np.exp(rng.normal(0, 0.5, (n, 1)))
    parameters[:, :, 5] *= np.exp(rng.normal(0, 0.5, (n, 1)))
    return parameters


def _history(seed: int, oral: bool) -> DoseTable:
    """Irregular doses: overlapping infusions, a bolus, or tablets."""
    rng = np.random.default_rng(seed)
    n = 9
    duration = np.zeros(n) if oral else np.array([1.0, 2.0, 0.5, 30.0, 1.0, 0.0, 2.0, 1.5, 24.0])
    return DoseTable(
        time=np.sort(rng.uniform(-120, 5, n)),
        amount=rng.uniform(1, 10, n) if oral else rng.uniform(500, 2000, n),
        duration=duration,
        depot=np.full(n, oral),
    )


def _changing(individual: Individual, binding: FloatArray | None) -> Individual:
    """Three rows: clearance falls, volume grows, bioavailability drops."""
    factors = np.array([[1.0] * 7, [0.6, 1.1, 1, 1, 1, 1, 0.8], [0.4, 1.2, 0.9, 1.1, 1, 1, 0.7]])
    return Individual(
        structure=individual.structure,
        row_time=np.array([-np.inf, -60.0, -7.5]),
        typical=individual.typical * factors,
        eta_names=individual.eta_names,
        eta_index=individual.eta_index,
        omega=individual.omega,
        residual=individual.residual,
        binding=binding,
    )


VANCOMYCIN = _changing(vancomycin(), None)
TACROLIMUS = _changing(tacrolimus(), np.array([[0.15, 0.0038], [0.12, 0.0038], [0.10, 0.0038]]))


@pytest.mark.parametrize(
    ("individual", "oral"), [(VANCOMYCIN, False), (TACROLIMUS, True)], ids=["iv", "oral"]
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_concentrations_agree(individual: Individual, oral: bool, seed: int) -> None:
    doses, parameters = _history(seed, oral), _people(individual, 20, seed)
    times = np.concatenate([np.linspace(-110, 48, 23), doses.time[3:5], [-60.0, -7.5]])

    got = kinetics.concentrations(individual, parameters, doses, times)
    want = reference.concentrations(individual, parameters, doses, times)

    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(
    ("individual", "oral", "tolerance"),
    [(VANCOMYCIN, False, 1e-10), (TACROLIMUS, True, 1e-8)],
    ids=["iv", "oral"],
)
def test_areas_agree(individual: Individual, oral: bool, tolerance: float) -> None:
    """With binding both use quadrature, on panels of their own."""
    doses, parameters = _history(4, oral), _people(individual, 10, 4)

    for start, end in [(-100.0, -50.0), (-24.0, 0.0), (0.0, 24.0)]:
        got = kinetics.auc(individual, parameters, doses, start, end)
        want = reference.auc(individual, parameters, doses, start, end)
        np.testing.assert_allclose(got, want, rtol=tolerance)


@pytest.mark.parametrize("duration", [0.0, 1.0, 4.0, 12.0, 30.0])
@pytest.mark.parametrize("interval", [6.0, 12.0])
def test_steady_states_of_infusions_agree(duration: float, interval: float) -> None:
    """Infusions longer than the interval overlap; one as long as the interval never stops."""
    individual = vancomycin()
    parameters, offsets = (
        _people(individual, 20, 5),
        np.array([0.0, 0.5, 1.0, 3.0, 5.9, interval, interval + 1]),
    )

    got = kinetics.steady_state(individual, parameters, 1000.0, interval, duration, False, offsets)
    want = reference.steady_state(individual, parameters, 1000.0, interval, duration, False, offsets)
    np.testing.assert_allclose(got, want, rtol=1e-10)

    got = kinetics.steady_state_auc24(individual, parameters, 1000.0, interval, duration, False)
    want = reference.steady_state_auc24(individual, parameters, 1000.0, interval, duration, False)
    np.testing.assert_allclose(got, want, rtol=1e-10)


def test_oral_steady_states_agree() -> None:
    individual = tacrolimus()
    parameters, offsets = _people(individual, 10, 6), np.array([0.0, 0.2, 1.0, 1.5, 3.0, 11.9])

    got = kinetics.steady_state(individual, parameters, 5.0, 12.0, 0.0, True, offsets)
    want = reference.steady_state(individual, parameters, 5.0, 12.0, 0.0, True, offsets)
    np.testing.assert_allclose(got, want, rtol=1e-10)

    got = kinetics.steady_state_auc24(individual, parameters, 5.0, 12.0, 0.0, True)
    want = reference.steady_state_auc24(individual, parameters, 5.0, 12.0, 0.0, True)
    np.testing.assert_allclose(got, want, rtol=1e-8)


@BOTH
def test_many_doses_reach_the_steady_state(solver: ModuleType) -> None:
    """400 explicit doses end where the formula says, for both routes."""
    individual, parameters = vancomycin(), _people(vancomycin(), 3, 7)
    parameters[:, :, 0] = np.maximum(parameters[:, :, 0], 2.0)
    explicit = solver.concentrations(individual, parameters, infusions(400, 12.0, 1000.0), np.array([0.0]))
    formula = solver.steady_state(individual, parameters, 1000.0, 12.0, 1.0, False, np.array([0.0]))
    np.testing.assert_allclose(explicit, formula, rtol=1e-9)

    individual, parameters = tacrolimus(), _people(tacrolimus(), 3, 7)
    explicit = solver.concentrations(individual, parameters, tablets(400, 12.0, 5.0), np.array([0.0]))
    formula = solver.steady_state(individual, parameters, 5.0, 12.0, 0.0, True, np.array([0.0]))
    np.testing.assert_allclose(explicit, formula, rtol=1e-9)


def _thomson() -> tuple[Individual, FloatArray]:
    """Thomson et al. 2009 (doi:10.1093/jac/dkp085), 80 kg, 66 mL/min: CL 2.99, V1 0.675 · 80, Q 2.28,
    V2 0.732 · 80."""
    individual = Individual(
        structure=Structure(2, False),
        row_time=np.array([-np.inf]),
        typical=np.array([[2.99, 54.0, 2.28, 58.56, 1.0, 0.0, 1.0]]),
        eta_names=(),
        eta_index=np.full(7, -1),
        omega=np.empty((0, 0)),
        residual=ResidualError(1.6, 0.15),
        binding=None,
    )
    return individual, individual.parameters(np.zeros((1, 0)))


@BOTH
def test_published_concentrations_at_steady_state(solver: ModuleType) -> None:
    """clinPK's published unit test: 1,000 mg over 2 h every 12 h, printed to 0.01 mg/L."""
    individual, parameters = _thomson()

    got = solver.steady_state(individual, parameters, 1000.0, 12.0, 2.0, False, np.arange(5.0))

    np.testing.assert_allclose(got[0], [21.25, 29.20, 36.41, 34.14, 32.09], atol=0.02)


@BOTH
def test_published_concentrations_from_the_first_dose(solver: ModuleType) -> None:
    """clinPK's published unit test of the same regimen, first 14 h."""
    individual, parameters = _thomson()
    doses = DoseTable(np.array([0.0, 12.0]), np.full(2, 1000.0), np.full(2, 2.0), np.zeros(2, dtype=np.bool_))

    times = np.array([1.0, 2.0, 3.0, 4.0, 12.0, 13.0, 14.0])
    got = solver.concentrations(individual, parameters, doses, times)

    np.testing.assert_allclose(got[0], [8.82, 16.84, 15.31, 13.95, 7.14, 15.46, 23.03], atol=0.02)


@BOTH
def test_a_published_one_compartment_trough(solver: ModuleType) -> None:
    """clinPK's published unit test: CL 5, V 50, 100 mg over 2 h every 12 h gives a trough of 0.954 mg/L."""
    individual, parameters = one_person(np.array([[5.0, 50.0, 0.0, 1.0, 1.0, 0.0, 1.0]]))

    trough = solver.steady_state(individual, parameters, 100.0, 12.0, 2.0, False, np.array([0.0]))

    assert trough[0, 0] == pytest.approx(0.954, abs=0.001)


@BOTH
def test_a_level_at_the_time_of_a_dose_is_before_it(solver: ModuleType) -> None:
    individual, parameters = one_person(np.array([[5.0, 50.0, 0.0, 1.0, 1.0, 0.0, 1.0]]))
    bolus = DoseTable(np.array([0.0]), np.array([100.0]), np.zeros(1), np.zeros(1, dtype=np.bool_))

    got = solver.concentrations(individual, parameters, bolus, np.array([0.0, 1e-9]))

    np.testing.assert_allclose(got[0], [0.0, 2.0], rtol=1e-8)


def test_the_exponential_is_scipys() -> None:
    """Rates over seven decades. Entries that are zero come out of scipy as noise near 1e-16."""
    p = np.array(
        [
            [3.0, 30.0, 5.0, 40.0, 1.2, 0, 1],
            [100.0, 1.0, 1e-3, 1e3, 5.0, 0, 1],
            [1.0, 10.0, 0.0, 1.0, 1.0, 0, 1],
        ]
    )
    for time in (1e-6, 0.1, 1.0, 30.0):
        got = reference.exponential(reference.rate_matrices(p), time)
        want = np.stack([expm(matrix * time) for matrix in reference.rate_matrices(p)])
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-13)
