"""Linear systems written out as a drug file would, and their rate matrices in 50 digits by hand.

Parameters of a chain: CL, V1, Q2, V2, Q3, V3, ktr, tlag, F. Compartments that a system lacks have no
parameters that it reads.
"""

from __future__ import annotations

from dataclasses import dataclass

import mpmath as mp
import numpy as np

from dosing_core.kinetics import DoseTable
from dosing_core.population.expressions import parse
from dosing_core.population.individual import FloatArray, Individual, ResidualError
from dosing_core.population.system import Entry, Output, System

NAMES = ("CL", "V1", "Q2", "V2", "Q3", "V3", "ktr", "tlag", "F")


@dataclass(frozen=True)
class Chain:
    """One to three compartments, and an Erlang chain of ``steps`` states before the central one."""

    compartments: int
    steps: int

    def system(self) -> System:
        states = ["A1", "A2", "A3"][: self.compartments] + [f"T{k}" for k in range(self.steps)]
        central = "-CL / V1 * A1"
        equations = []
        for k in range(2, self.compartments + 1):
            central += f" - Q{k} / V1 * A1 + Q{k} / V{k} * A{k}"
            equations.append(f"Q{k} / V1 * A1 - Q{k} / V{k} * A{k}")
        if self.steps:
            central += f" + ktr * T{self.steps - 1}"
        equations.insert(0, central)
        for k in range(self.steps):
            equations.append(f"ktr * T{k - 1} - ktr * T{k}" if k else "-ktr * T0")
        entries = [Entry("iv", 0, parse("dose", ["dose"], "iv"))]
        if self.steps:
            oral = parse("F * dose", ["F", "dose"], "oral")
            entries.append(Entry("oral", self.compartments, oral, lag="tlag"))
        known = [*NAMES, *states]
        return System(
            parameters=NAMES,
            states=tuple(states),
            derivatives=tuple(parse(text, known, "equation") for text in equations),
            initial=tuple(parse("0", [], "initial") for _ in states),
            entries=tuple(entries),
            outputs=(Output("concentration", parse("A1 / V1", known, "output")),),
        )

    def matrix(self, p: FloatArray) -> mp.matrix:
        """Rates of the states, then of infusion into the first, then of the area under A1 / V1."""
        CL, V1, Q2, V2, Q3, V3, ktr = (mp.mpf(float(value)) for value in p[:7])
        n = self.compartments + self.steps
        m = mp.zeros(n + 2)
        m[0, 0] = -CL / V1
        for k, (Q, V) in enumerate([(Q2, V2), (Q3, V3)][: self.compartments - 1], start=1):
            m[0, 0] -= Q / V1
            m[k, 0], m[0, k], m[k, k] = Q / V1, Q / V, -Q / V
        for k in range(self.steps):
            at = self.compartments + k
            m[at, at] = -ktr
            m[at + 1 if k < self.steps - 1 else 0, at] = ktr
        m[0, n], m[n + 1, 0] = 1, 1 / V1
        return m


def person(system: System, typical: FloatArray, row_time: FloatArray | None = None) -> Individual:
    """An individual without random effects; ``typical`` [n_rows, n_parameters] or one row."""
    rows = np.atleast_2d(typical)
    return Individual(
        structure=system,
        row_time=np.array([-np.inf]) if row_time is None else row_time,
        typical=rows,
        eta_names=(),
        eta_index=np.full(rows.shape[1], -1),
        omega=np.zeros((0, 0)),
        residual=ResidualError(0.0, 0.1),
        binding=None,
    )


def exact(
    chain: Chain, rows: FloatArray, row_time: FloatArray, doses: DoseTable, times: list[float]
) -> tuple[list[mp.mpf], list[mp.mpf]]:
    """Concentrations and areas so far at ``times``, by multiplying matrix exponentials in 50 digits.

    At one instant rows change, then outputs are read, then doses enter.
    """
    n = chain.compartments + chain.steps
    happenings: list[tuple[mp.mpf, int, int]] = []
    with mp.workdps(50):
        happenings += [(mp.mpf(float(row_time[i])), 0, i) for i in range(1, len(rows))]
        happenings += [(mp.mpf(time), 1, i) for i, time in enumerate(times)]
        at_dose = np.searchsorted(row_time, doses.time, side="right") - 1
        for i in range(len(doses)):
            start = mp.mpf(float(doses.time[i]))
            if doses.depot[i]:
                happenings.append((start + mp.mpf(float(rows[at_dose[i], 7])), 2, i))
            elif doses.duration[i] > 0:
                happenings.append((start, 3, i))
                happenings.append((start + mp.mpf(float(doses.duration[i])), 4, i))
            else:
                happenings.append((start, 5, i))
        happenings.sort()
        matrices = [chain.matrix(row) for row in rows]
        state, row, now = mp.zeros(n + 2, 1), 0, happenings[0][0]
        concentration, area = [mp.mpf(0)] * len(times), [mp.mpf(0)] * len(times)
        kept: dict[tuple[int, mp.mpf], mp.matrix] = {}
        for time, kind, i in happenings:
            if time > now:
                key = (row, time - now)
                if key not in kept:
                    kept[key] = mp.expm(matrices[row] * (time - now))
                state = kept[key] * state
            now = time
            if kind == 0:
                row = i
            elif kind == 1:
                concentration[i] = state[0] / mp.mpf(float(rows[row, 1]))
                area[i] = state[n + 1]
            elif kind == 2:
                swallowed = mp.mpf(float(doses.amount[i])) * mp.mpf(float(rows[at_dose[i], 8]))
                state[chain.compartments] += swallowed
            elif kind == 5:
                state[0] += mp.mpf(float(doses.amount[i]))
            else:
                rate = mp.mpf(float(doses.amount[i])) / mp.mpf(float(doses.duration[i]))
                state[n] += rate if kind == 3 else -rate
    return concentration, area
