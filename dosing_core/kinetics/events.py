"""The events that every particle shares, in the order in which they happen.

At one instant: the covariates change first (a row holds from its time on), then levels are drawn, then
doses start. So a level at the very time of a dose is a level before the dose. Oral doses are not here:
when they arrive depends on the particle's lag, so the kernel merges them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dosing_core.kinetics.history import DoseTable
from dosing_core.population.individual import FloatArray, Individual, IntArray

ROW, OUTPUT, RATE, BOLUS = 0, 1, 2, 3
"""Kinds, in their order at one instant: change of row, output, infusion starts or stops, bolus."""

PUSH_H = 1e-3
"""An infusion of less than 4 s is a bolus. Shorter ones lose digits between two times far from now."""


@dataclass(frozen=True, eq=False)
class Events:
    """Shared events and, apart, the oral doses."""

    time: FloatArray
    """[n_events] h, ascending."""
    kind: IntArray
    """[n_events] one of the kinds above."""
    value: FloatArray
    """[n_events] change of infusion rate (mg/h) or amount of bolus (mg)."""
    index: IntArray
    """[n_events] the row that begins or the output that is due."""
    depot_time: FloatArray
    """[n_depot] h at which the dose is swallowed."""
    depot_amount: FloatArray
    """[n_depot] mg swallowed."""
    depot_row: IntArray
    """[n_depot] row in force when it is swallowed: its F and lag are the dose's."""


def rows_at(individual: Individual, times: FloatArray) -> IntArray:
    """The row in force at each time; a row holds at its own time already."""
    rows: IntArray = np.searchsorted(individual.row_time, times, side="right") - 1
    return np.maximum(rows, 0)


def build_events(individual: Individual, doses: DoseTable, times: FloatArray) -> Events:
    """Lay out doses, covariate changes and output ``times`` (h, any order).

    Raises ``ValueError`` if a dose is swallowed but the model knows no depot.
    """
    if doses.depot.any() and not individual.takes("oral"):
        raise ValueError("the model has no absorption, but a dose is oral")
    central = ~doses.depot
    infused = central & (doses.duration > PUSH_H)
    bolus = central & ~(doses.duration > PUSH_H)
    changes = individual.row_time[1:]
    start, length = doses.time[infused], doses.duration[infused]
    rate = doses.amount[infused] / length
    n_row, n_out, n_inf, n_bol = len(changes), len(times), len(start), int(bolus.sum())

    # Stops before starts, so that nothing runs for an instant when one infusion follows another.
    time = np.concatenate([changes, times, start + length, start, doses.time[bolus]])
    kind = np.repeat(np.array([ROW, OUTPUT, RATE, RATE, BOLUS]), [n_row, n_out, n_inf, n_inf, n_bol])
    value = np.concatenate([np.zeros(n_row + n_out), -rate, rate, doses.amount[bolus]])
    index = np.concatenate(
        [np.arange(1, n_row + 1), np.arange(n_out), np.zeros(2 * n_inf + n_bol, dtype=np.int64)]
    )
    order = np.lexsort((kind, time))
    depot_time = doses.time[doses.depot]
    return Events(
        time=time[order],
        kind=kind[order],
        value=value[order],
        index=index[order],
        depot_time=depot_time,
        depot_amount=doses.amount[doses.depot],
        depot_row=rows_at(individual, depot_time),
    )
