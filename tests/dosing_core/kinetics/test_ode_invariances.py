"""What must not change an answer, and what one particle must not do to the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from structural_models import MODELS, person
from structural_models import doses as repeated

from dosing_core.kinetics import DoseTable, concentrations, ode
from dosing_core.kinetics.equations import equations
from dosing_core.population.expressions import parse
from dosing_core.population.individual import FloatArray, Individual, ResidualError, Structure
from dosing_core.population.system import Entry, Output, System

TIMES = np.array([-60.0, -49.9, -31.0, -24.0, -12.0, -3.5, 5.0])
TOLERANCE = 1e-7
"""Answers that should be equal may differ by ten times this."""

ERROR = [ResidualError(0.1, 0.1)]


def _mixed() -> Individual:
    return person(
        {
            "routes": ["oral", "iv"],
            "compartments": 2,
            "elimination": "linear+michaelis_menten",
            "absorption": {"lag": True},
        },
        {
            "CL": 2.0,
            "Vmax": 30.0,
            "Km": 1.5,
            "V1": 60.0,
            "Q": 9.0,
            "V2": 90.0,
            "ka": 1.2,
            "tlag": 0.4,
            "F": 0.8,
        },
        {"CL": 0.3, "Vmax": 0.4, "V1": 0.3, "ka": 0.5, "tlag": 0.6},
        ERROR,
    )


def _people(individual: Individual, n: int, seed: int = 3) -> FloatArray:
    rng = np.random.default_rng(seed)
    return individual.parameters(
        rng.multivariate_normal(np.zeros(individual.dimension), individual.omega, size=n)
    )


HISTORY = DoseTable(
    time=np.array([-72.0, -48.0, -36.0, -24.0, -12.0]),
    amount=np.array([300.0, 250.0, 300.0, 200.0, 300.0]),
    duration=np.array([0.0, 4.0, 0.0, 0.0, 2.0]),
    depot=np.array([True, False, True, True, False]),
)


def _levels(
    individual: Individual, parameters: FloatArray, doses: DoseTable, times: FloatArray = TIMES
) -> FloatArray:
    return ode.prediction(individual, doses, times, None, TOLERANCE)(parameters)


def test_an_infusion_split_in_two_is_the_same_infusion() -> None:
    individual = _mixed()
    parameters = _people(individual, 20)
    halves = DoseTable(
        time=np.array([-72.0, -48.0, -46.0, -36.0, -24.0, -12.0]),
        amount=np.array([300.0, 125.0, 125.0, 300.0, 200.0, 300.0]),
        duration=np.array([0.0, 2.0, 2.0, 0.0, 0.0, 2.0]),
        depot=np.array([True, False, False, True, True, False]),
    )

    one, other = _levels(individual, parameters, HISTORY), _levels(individual, parameters, halves)

    np.testing.assert_allclose(one, other, rtol=10 * TOLERANCE)


def test_a_shift_of_time_and_the_order_of_people_change_nothing() -> None:
    individual = _mixed()
    parameters = _people(individual, 37)
    later = replace(HISTORY, time=HISTORY.time + 1000.0)
    order = np.random.default_rng(0).permutation(37)

    want = _levels(individual, parameters, HISTORY)

    np.testing.assert_allclose(
        _levels(individual, parameters, later, TIMES + 1000.0), want, rtol=10 * TOLERANCE
    )
    np.testing.assert_allclose(
        _levels(individual, parameters[order], HISTORY), want[order], rtol=10 * TOLERANCE
    )
    np.testing.assert_array_equal(_levels(individual, parameters, HISTORY), want)


def test_rows_that_change_nothing_and_an_instant_between_events_change_nothing() -> None:
    individual = _mixed()
    parameters = _people(individual, 10)
    rows = np.array([-np.inf, -47.0, -24.0, -24.0 + 1e-9, -3.5])
    split = replace(individual, row_time=rows, typical=np.repeat(individual.typical, 5, axis=0))

    got = _levels(split, np.repeat(parameters, 5, axis=1), HISTORY)

    np.testing.assert_allclose(got, _levels(individual, parameters, HISTORY), rtol=10 * TOLERANCE)


def test_another_unit_of_amount_gives_the_same_levels_in_that_unit() -> None:
    individual = _mixed()
    parameters = _people(individual, 10)
    micro = parameters.copy()
    for name in ("Vmax", "Km"):
        micro[:, :, individual.columns.index(name)] *= 1000.0
    doses = replace(HISTORY, amount=HISTORY.amount * 1000.0)

    got = _levels(individual, micro, doses) / 1000.0

    np.testing.assert_allclose(got, _levels(individual, parameters, HISTORY), rtol=10 * TOLERANCE)


def test_a_particle_without_solution_is_nan_and_leaves_its_block_alone() -> None:
    individual = _mixed()
    parameters = _people(individual, 16)
    want = _levels(individual, parameters, HISTORY)
    for value, name in [(np.nan, "CL"), (np.inf, "ka"), (np.nan, "tlag"), (0.0, "V1")]:
        broken = parameters.copy()
        broken[5, 0, individual.columns.index(name)] = value

        got = _levels(individual, broken, HISTORY)

        assert np.isnan(got[5, -1])
        others = np.arange(16) != 5
        np.testing.assert_allclose(got[others], want[others], rtol=10 * TOLERANCE)


@pytest.mark.parametrize("name", ["mixed_elimination", "myelosuppression", "tmdd_qss", "circadian"])
def test_a_particle_that_explodes_leaves_its_block_alone(name: str) -> None:
    """A clearance far below 0 makes the drug grow beyond every number within minutes."""
    case = MODELS[name]()
    individual, parameters = case.individual, _people(case.individual, 16)
    want = ode.prediction(individual, case.doses, case.times, case.outputs, TOLERANCE)(parameters)
    broken = parameters.copy()
    broken[5, :, individual.columns.index("CL")] = -1e9

    got = ode.prediction(individual, case.doses, case.times, case.outputs, TOLERANCE)(broken)

    others = np.arange(16) != 5
    np.testing.assert_allclose(got[others], want[others], rtol=1e-5)


def test_what_begins_at_an_hour_of_the_day_may_begin_from_nothing() -> None:
    """An input from 6 to 7 o'clock into an empty compartment, against its formula."""
    known = ("R", "k", "x", "t", "clock")
    system = System(
        parameters=("R", "k"),
        states=("x",),
        derivatives=(parse("(R if 6 <= clock < 7 else 0) - k * x", known, "test"),),
        initial=(parse("0", (), "test"),),
        entries=(Entry("iv", 0, parse("dose", ("R", "k", "dose"), "test")),),
        outputs=(Output("concentration", parse("x", known, "test")),),
    )
    individual = replace(
        _mixed(),
        structure=system,
        typical=np.array([[3.0, 0.2]]),
        eta_names=("R",),
        eta_index=np.array([0, -1]),
        omega=np.array([[0.1]]),
        clock_h=0.0,
    )
    none = DoseTable(np.empty(0), np.empty(0), np.empty(0), np.empty(0, dtype=np.bool_))
    times = np.array([0.5, 5.9, 6.5, 7.0, 12.0, 29.0])

    got = ode.prediction(individual, none, times, None, TOLERANCE)(np.array([[[3.0, 0.2]], [[300.0, 0.7]]]))

    for one, (rate, k) in zip(got, [(3.0, 0.2), (300.0, 0.7)], strict=True):
        inside = np.clip(times - 6.0, 0.0, 1.0)
        want = rate / k * -np.expm1(-k * inside) * np.exp(-k * np.maximum(times - 7.0, 0.0))
        np.testing.assert_allclose(one, want, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("name", ["kpd_inr", "myelosuppression", "mixed_elimination", "indirect_response"])
def test_the_fastest_particle_does_not_blow_up(name: str) -> None:
    """A step chosen for the typical person is unstable for one whose rates are a thousand times as fast."""
    case = MODELS[name]()
    parameters = np.repeat(case.individual.typical[None], 4, axis=0)
    rates = {
        "kpd_inr": "KDE",
        "myelosuppression": "CL",
        "mixed_elimination": "Q",
        "indirect_response": "kout",
    }
    place = case.individual.columns.index(rates[name])
    parameters[1, :, place] *= 1000.0

    predict = ode.prediction(case.individual, case.doses, case.times, case.outputs, 1e-6)
    got = predict(parameters)

    assert np.isfinite(got).all()
    np.testing.assert_allclose(got[0], predict(parameters[:1])[0], rtol=1e-4)


def test_lags_may_reorder_events_between_neighbours() -> None:
    """One absorbs before the change of row and the infusion, the other after: each is right by itself."""
    individual = _mixed()
    rows = np.array([-np.inf, -35.0])
    individual = replace(individual, row_time=rows, typical=np.repeat(individual.typical, 2, axis=0))
    parameters = np.repeat(individual.typical[None], 3, axis=0)
    parameters[:, 1, 0] *= 3.0
    lag = individual.columns.index("tlag")
    parameters[0, :, lag], parameters[1, :, lag], parameters[2, :, lag] = 0.0, 2.0, 14.0

    together = _levels(individual, parameters, HISTORY)
    alone = np.concatenate([_levels(individual, parameters[[k]], HISTORY) for k in range(3)])

    np.testing.assert_allclose(together, alone, rtol=10 * TOLERANCE)
    # 14 h after the dose at -72 nothing has been absorbed by the third.
    assert together[2, 0] == 0.0
    assert together[0, 0] > 0.1


def test_a_linear_system_by_steps_equals_the_closed_form() -> None:
    closed = Individual(
        structure=Structure(2, True),
        row_time=np.array([-np.inf, -30.0]),
        typical=np.array([[4.0, 30.0, 5.0, 40.0, 1.0, 0.5, 0.8], [6.0, 30.0, 5.0, 40.0, 1.3, 0.2, 0.8]]),
        eta_names=("CL", "V1"),
        eta_index=np.array([0, 1, -1, -1, -1, -1, -1]),
        omega=np.diag([0.2, 0.1]),
        residual=ResidualError(0.1, 0.1),
        binding=None,
    )
    parameters = ("CL", "V1", "Q", "V2", "ka", "tlag", "F")
    states = ("depot", "central", "peripheral")
    known = (*parameters, *states, "t", "clock")
    texts = (
        "-ka * depot",
        "ka * depot - CL * central / V1 - Q * (central / V1 - peripheral / V2)",
        "Q * (central / V1 - peripheral / V2)",
    )
    system = System(
        parameters=parameters,
        states=states,
        derivatives=tuple(parse(text, known, "test") for text in texts),
        initial=(parse("0", (), "test"),) * 3,
        entries=(
            Entry("oral", 0, parse("F * dose", (*parameters, "dose"), "test"), lag="tlag"),
            Entry("iv", 1, parse("dose", (*parameters, "dose"), "test")),
        ),
        outputs=(Output("concentration", parse("central / V1", known, "test")),),
    )
    stepped = replace(closed, structure=system)
    people = _people(closed, 12)

    want = concentrations(closed, people, HISTORY, TIMES)
    np.testing.assert_allclose(_levels(stepped, people, HISTORY), want, rtol=1e-6, atol=1e-9)
    area = ode.auc(stepped, people, HISTORY, -40.0, 5.0, 0, TOLERANCE)
    grid = np.linspace(-40.0, 5.0, 9001)
    curve = concentrations(closed, people, HISTORY, grid)
    np.testing.assert_allclose(area, np.trapezoid(curve, grid, axis=1), rtol=1e-5)


@pytest.mark.parametrize("name", ["mixed_elimination", "myelosuppression", "tmdd_full", "zero_order"])
def test_going_on_from_a_state_equals_one_run(name: str) -> None:
    """In the midst of an infusion or absorption, with a dose that is still in its lag."""
    case = MODELS[name]()
    individual, parameters = case.individual, _people(case.individual, 9)
    now = float(case.doses.time[-1]) + 0.25
    amount, oral = float(case.doses.amount[-1]), bool(case.doses.depot[-1])
    new = DoseTable(np.array([now, now + 24.0]), np.full(2, amount), np.zeros(2), np.full(2, oral))
    times, outputs = now + np.array([0.0, 1.0, 20.0, 40.0]), np.zeros(4, dtype=np.int64)

    want = ode.prediction(individual, case.doses.joined(new), times, outputs, TOLERANCE)(parameters)
    state = ode.state_at(individual, parameters, case.doses, now, TOLERANCE)
    got = ode.prediction(individual, new, times, outputs, TOLERANCE, state=state)(parameters)

    scale = np.abs(want).max()
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-7 * scale)
    some = np.array([4, 1])
    fewer = ode.prediction(individual, new, times, outputs, TOLERANCE, state=state.of(some))(parameters[some])
    np.testing.assert_allclose(fewer, got[some], rtol=1e-5, atol=1e-7 * scale)
    whole = ode.auc(individual, parameters, case.doses.joined(new), now, now + 30.0, 0, TOLERANCE)
    part = ode.auc(individual, parameters, new, now, now + 30.0, 0, TOLERANCE, state=state)
    np.testing.assert_allclose(part, whole, rtol=1e-5)


def test_a_dose_in_its_lag_goes_on_from_a_state() -> None:
    individual = _mixed()
    parameters = _people(individual, 9)
    parameters[:, :, individual.columns.index("tlag")] = np.linspace(0.1, 3.0, 9)[:, None]
    doses = repeated(300.0, 12.0, 3, oral=True)
    times = np.array([-11.0, -8.0, -1.0])

    state = ode.state_at(individual, parameters, doses, -11.0, TOLERANCE)
    none = DoseTable(np.empty(0), np.empty(0), np.empty(0), np.empty(0, dtype=np.bool_))
    got = ode.prediction(individual, none, times, None, TOLERANCE, state=state)(parameters)

    np.testing.assert_allclose(got, _levels(individual, parameters, doses, times), rtol=1e-5)


def test_the_kernel_of_saturable_elimination_serves_its_kind_only() -> None:
    served = {
        name for name in MODELS if equations(MODELS[name]().individual.structure).saturable.applies == 1
    }

    assert {"michaelis_menten_oral", "mixed_elimination", "three_compartments"} <= served
    assert not served & {"vmax_inhibition", "tmdd_qss", "tmdd_full", "kpd_inr", "circadian", "auto_induction"}


def test_nothing_before_a_state_and_no_unknown_way_in() -> None:
    individual = _mixed()
    parameters = _people(individual, 2)
    state = ode.state_at(individual, parameters, HISTORY, 0.0)
    with pytest.raises(ValueError, match="before the state"):
        ode.prediction(individual, HISTORY, np.array([5.0]), state=state)
    with pytest.raises(ValueError, match="no such output"):
        ode.prediction(individual, HISTORY, np.array([5.0]), np.array([7]))
    with pytest.raises(ValueError, match="other particles"):
        ode.prediction(individual, HISTORY.before(-100.0), np.array([5.0]), state=state)(parameters[:1])
    infused_only = MODELS["tmdd_full"]().individual
    with pytest.raises(ValueError, match="not intravenous"):
        ode.prediction(infused_only, HISTORY, np.array([5.0]))
