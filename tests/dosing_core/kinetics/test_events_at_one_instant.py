"""What happens first when several things happen at the same time."""

from __future__ import annotations

import numpy as np
import pytest
from illustrative import one_person, vancomycin

from dosing_core.kinetics import DoseTable, concentrations

ROW = np.array([4.0, 20.0, 0.0, 1.0, 1.0, 0.0, 1.0])


def _bolus(time: float) -> DoseTable:
    return DoseTable(np.array([time]), np.array([100.0]), np.zeros(1), np.zeros(1, dtype=np.bool_))


def test_a_level_at_the_time_of_a_bolus_is_before_it() -> None:
    individual, parameters = one_person(ROW)

    found = concentrations(individual, parameters, _bolus(0.0), np.array([0.0, 1e-9]))[0]

    assert found[0] == 0.0
    assert found[1] == pytest.approx(100.0 / 20.0)


def test_new_covariates_hold_at_the_time_they_begin_and_amounts_carry_over() -> None:
    """The volume doubles at 2 h: the same mg in twice the litres."""
    bigger = ROW * np.array([1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    individual, parameters = one_person(np.stack([ROW, bigger]), np.array([-np.inf, 2.0]))

    before, at = concentrations(individual, parameters, _bolus(0.0), np.array([2.0 - 1e-12, 2.0]))[0]

    assert before == pytest.approx(5.0 * np.exp(-4.0 / 20.0 * 2.0))
    assert at == pytest.approx(before / 2.0)


def test_an_infusion_runs_while_a_level_is_drawn() -> None:
    """Half of a one-hour infusion: rate / CL times what one compartment has reached."""
    individual, parameters = one_person(ROW)
    infusion = DoseTable(np.zeros(1), np.array([100.0]), np.ones(1), np.zeros(1, dtype=np.bool_))

    found = concentrations(individual, parameters, infusion, np.array([0.5]))[0, 0]

    assert found == pytest.approx(100.0 / 4.0 * (1.0 - np.exp(-0.2 * 0.5)), rel=1e-14)


def test_nothing_is_there_before_the_first_dose() -> None:
    individual, parameters = one_person(ROW)

    assert concentrations(individual, parameters, _bolus(0.0), np.array([-5.0]))[0, 0] == 0.0


def test_outputs_keep_the_order_in_which_they_are_asked_for() -> None:
    individual, parameters = one_person(ROW)
    times = np.array([3.0, 1.0, 2.0])

    found = concentrations(individual, parameters, _bolus(0.0), times)[0]

    assert found == pytest.approx(5.0 * np.exp(-0.2 * times), rel=1e-14)


def test_an_oral_dose_of_a_drug_without_absorption_is_refused() -> None:
    individual = vancomycin()
    swallowed = DoseTable(np.zeros(1), np.ones(1), np.zeros(1), np.ones(1, dtype=np.bool_))

    with pytest.raises(ValueError, match="no absorption"):
        concentrations(individual, individual.parameters(np.zeros((1, 3))), swallowed, np.ones(1))
