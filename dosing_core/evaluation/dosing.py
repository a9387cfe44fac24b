"""Dosing records laid out as single doses: additional ones (ADDL), and those that lead to a steady state.

A steady state becomes as many preceding doses as it takes. With linear kinetics in closed form a person
three standard deviations slow in everything would still lack less than ``REMAINDER`` of it; with any other
structure the doses are doubled in number until neither the typical person nor one two standard deviations off
in any random effect changes by that much.
"""

from __future__ import annotations

import math

import numpy as np

from dosing_core.errors import InvalidDataset
from dosing_core.evaluation.records import DoseRecord
from dosing_core.kinetics import DoseTable, concentrations
from dosing_core.population.individual import FloatArray, Individual
from dosing_core.population.system import System

REMAINDER = 1e-6
"""Project policy: a thousandth of what the finest assay tells apart."""
SLOW = 3.0
"""Standard deviations of every random effect that make the slow person for whom ``REMAINDER`` holds."""
OFF = 2.0
"""Standard deviations of one random effect at a time, where the slow person is not known beforehand."""
MOST_PRECEDING = 2_000
"""Project policy: more preceding doses would be slower than useful; the answer is then a refusal."""


def given(record: DoseRecord, time: float, hours: float, mg: float, depot: bool) -> DoseTable:
    """The dose at ``time`` (h) and its additional ones. ``hours`` and ``mg`` are in the dataset's units."""
    return _repeated(record, time, hours, mg, depot, np.arange(1.0 + record.additional))


def preceding(
    individual: Individual, record: DoseRecord, time: float, hours: float, mg: float, depot: bool
) -> tuple[DoseTable, str]:
    """The doses that led to the steady state, and a note on how many.

    ``individual`` has the record's covariates in its first row. Raises ``InvalidDataset`` for too many.
    """
    if record.amount == 0:
        length = settling_time(individual) if not isinstance(individual.structure, System) else 0.0
        if length == 0.0:
            raise InvalidDataset(
                record.row, "SS", "a steady state of an infusion without end needs a model in closed form"
            )
        rate = record.rate * mg / hours
        table = DoseTable(
            np.array([time - length]), np.array([rate * length]), np.array([length]), np.array([depot])
        )
        return table, f"steady state at row {record.row}: an infusion of {length:.4g} h before it"
    count = _count(individual, record, time, hours, mg, depot)
    if count > MOST_PRECEDING:
        raise InvalidDataset(
            record.row,
            "SS",
            f"a steady state at this interval would take {count} preceding doses; at most "
            f"{MOST_PRECEDING} are supported",
        )
    table = _repeated(record, time, hours, mg, depot, np.arange(-count, 0.0))
    return table, f"steady state at row {record.row}: {count} preceding doses"


def _repeated(
    record: DoseRecord, time: float, hours: float, mg: float, depot: bool, steps: FloatArray
) -> DoseTable:
    duration = record.amount / record.rate * hours if record.rate > 0 else 0.0
    count = len(steps) if record.amount > 0 else 0
    return DoseTable(
        time=time + record.interval * hours * steps[:count],
        amount=np.full(count, record.amount * mg),
        duration=np.full(count, duration),
        depot=np.full(count, depot),
    )


def _count(
    individual: Individual, record: DoseRecord, time: float, hours: float, mg: float, depot: bool
) -> int:
    interval = record.interval * hours
    duration = record.amount / record.rate * hours if record.rate > 0 else 0.0
    if not isinstance(individual.structure, System):
        return math.ceil((settling_time(individual) + duration) / interval)
    d = individual.dimension
    off = OFF * np.sqrt(np.diag(individual.omega))
    eta = np.concatenate([np.zeros((1, d)), np.diag(off), -np.diag(off)])
    parameters = np.ascontiguousarray(individual.parameters(eta)[:, :1])
    count, before = 8, None
    while count <= MOST_PRECEDING:
        doses = _repeated(record, time, hours, mg, depot, np.arange(-count, 0.0))
        trough = concentrations(individual, parameters, doses, np.array([time]))[:, 0]
        if before is not None and np.allclose(trough, before, rtol=REMAINDER, atol=0.0):
            return count
        count, before = 2 * count, trough
    return count


def settling_time(individual: Individual) -> float:
    """Hours after which less than ``REMAINDER`` of a dose is left in the slow person, by the first row.

    The rate is the slowest of a person whose CL, Q and ka are ``SLOW`` standard deviations below the typical
    values, and whose volumes are as much above.
    """
    variance = np.append(np.diag(individual.omega), 0.0)
    spread = variance[individual.eta_index]
    if individual.occasion_index is not None:
        spread = spread + variance[individual.occasion_index[0]]
    slower = individual.typical[0] * np.exp(SLOW * np.sqrt(spread) * np.array([-1, 1, -1, 1, -1, 0, 0]))
    CL, V1, Q, V2, ka = (float(value) for value in slower[:5])
    out, back = (CL + Q) / V1, Q / V2
    gap = out - back
    fast = 0.5 * (out + back + math.sqrt(gap * gap + 4.0 * Q / V1 * back))
    rate = CL / V1 * back / fast if Q > 0 else CL / V1
    if individual.absorbs:
        rate = min(rate, ka)
    return math.log(1.0 / REMAINDER) / rate
