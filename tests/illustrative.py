"""Two published models brought to one patient each, as plain numbers, for tests of kinetics and inference.

They are transcribed here apart from the drug library, so that a change there moves nothing here.
"""

from __future__ import annotations

import numpy as np

from dosing_core.inference import Observations
from dosing_core.kinetics import DoseTable
from dosing_core.population.individual import FloatArray, Individual, ResidualError, Structure


def vancomycin(crcl_ml_min: float = 80.0, weight_kg: float = 70.0) -> Individual:
    """Goti et al., Ther Drug Monit 2018;40:212, without dialysis."""
    CL = 4.5 * (crcl_ml_min / 120.0) ** 0.8
    return Individual(
        structure=Structure(2, False),
        row_time=np.array([-np.inf]),
        typical=np.array([[CL, 58.4 * weight_kg / 70.0, 6.5, 38.4, 1.0, 0.0, 1.0]]),
        eta_names=("CL", "V1", "V2"),
        eta_index=np.array([0, 1, -1, 2, -1, -1, -1]),
        omega=np.diag([0.147043, 0.510339, 0.282198]),
        residual=ResidualError(3.4, 0.227),
        binding=None,
    )


def tacrolimus(haematocrit: float = 33.0, expresser: bool = False) -> Individual:
    """Størset et al., Ther Drug Monit 2014;36:312: fat-free mass 60 kg, no prednisolone, after day 1.

    Plasma kinetics; whole blood by saturable binding. ka, lag and F do not vary between people.
    """
    sd = np.array([0.385253, 0.505848, 0.578148])
    correlation = np.array([[1.0, 0.43, 0.62], [0.43, 1.0, 0.0], [0.62, 0.0, 1.0]])
    return Individual(
        structure=Structure(2, True),
        row_time=np.array([-np.inf]),
        typical=np.array(
            [
                [
                    811.0 * (1.3 if expresser else 1.0),
                    6290.0,
                    1200.0,
                    32100.0,
                    1.01,
                    0.41,
                    0.82 if expresser else 1.0,
                ]
            ]
        ),
        eta_names=("CL", "V1", "Q"),
        eta_index=np.array([0, 1, 2, -1, -1, -1, -1]),
        omega=correlation * np.outer(sd, sd),
        residual=ResidualError(0.0, 0.149),
        binding=np.array([[0.418 * haematocrit / 100.0, 0.0038]]),
    )


def infusions(count: int, interval_h: float, amount_mg: float, duration_h: float = 1.0) -> DoseTable:
    """``count`` infusions, the last of which started one interval before now."""
    return DoseTable(
        time=interval_h * np.arange(-count, 0, dtype=np.float64),
        amount=np.full(count, amount_mg),
        duration=np.full(count, duration_h),
        depot=np.zeros(count, dtype=np.bool_),
    )


def tablets(count: int, interval_h: float, amount_mg: float) -> DoseTable:
    """``count`` oral doses, the last of which was swallowed one interval before now."""
    return DoseTable(
        time=interval_h * np.arange(-count, 0, dtype=np.float64),
        amount=np.full(count, amount_mg),
        duration=np.zeros(count),
        depot=np.ones(count, dtype=np.bool_),
    )


def one_person(
    rows: FloatArray, row_time: FloatArray | None = None, binding: FloatArray | None = None
) -> tuple[Individual, FloatArray]:
    """An individual without random effects and their parameters [1, n_rows, 7]."""
    rows = np.atleast_2d(rows)
    individual = Individual(
        structure=Structure(2, True),
        row_time=np.array([-np.inf]) if row_time is None else row_time,
        typical=rows,
        eta_names=(),
        eta_index=np.full(7, -1),
        omega=np.empty((0, 0)),
        residual=ResidualError(0.0, 0.1),
        binding=binding,
    )
    return individual, rows[None]


def flip_flop() -> tuple[Individual, DoseTable, Observations]:
    """One compartment, oral, prior symmetric about ka = CL / V: absorption and elimination may swap.

    Dose 100 mg into V = 10 L with CL = 3 and ka = 1 gives the same curve as ka = 0.3 = CL / V with
    V = 3 L, and the prior (geometric centre of both) prefers neither.
    """
    V, ka = np.sqrt(10.0 * 3.0), np.sqrt(1.0 * 0.3)
    individual = Individual(
        structure=Structure(1, True),
        row_time=np.array([-np.inf]),
        typical=np.array([[3.0, V, 0.0, 1.0, ka, 0.0, 1.0]]),
        eta_names=("CL", "V1", "ka"),
        eta_index=np.array([0, 1, -1, -1, 2, -1, -1]),
        omega=np.diag([0.1, 1.0, 1.0]),
        residual=ResidualError(0.0, 0.05),
        binding=None,
    )
    doses = DoseTable(np.array([-12.0]), np.array([100.0]), np.zeros(1), np.ones(1, dtype=np.bool_))
    times = np.array([-11.0, -9.0, -6.0, 0.0])
    hours = times + 12.0
    values = 100.0 / 10.0 * 1.0 / (1.0 - 0.3) * (np.exp(-0.3 * hours) - np.exp(-1.0 * hours))
    return individual, doses, Observations(times, values)
