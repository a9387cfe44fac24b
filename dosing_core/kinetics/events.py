"""The events that every particle shares, in the order in which they happen.

At one instant: the covariates change first (a row holds from its time on), then levels are drawn, then
doses start. So a level at the very time of a dose is a level before the dose. Oral doses are not here:
when they arrive depends on the particle's lag, so the kernel merges them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dosing_core.kinetics.compiled import compiled
from dosing_core.kinetics.history import DoseTable
from dosing_core.population.individual import BoolArray, FloatArray, Individual, IntArray

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

    Raises ``ValueError`` if a dose goes through a depot and the model knows none.
    """
    if doses.depot.any() and not individual.absorbs:
        raise ValueError("the model has no absorption, but a dose is not intravenous")
    fields = laid_out(
        np.ascontiguousarray(individual.row_time, dtype=np.float64),
        np.ascontiguousarray(doses.time, dtype=np.float64),
        np.ascontiguousarray(doses.amount, dtype=np.float64),
        np.ascontiguousarray(doses.duration, dtype=np.float64),
        np.ascontiguousarray(doses.depot),
        np.ascontiguousarray(times, dtype=np.float64),
    )
    return Events(*fields)


@compiled
def laid_out(
    row_time: FloatArray,
    dose_time: FloatArray,
    amount: FloatArray,
    duration: FloatArray,
    depot: BoolArray,
    times: FloatArray,
) -> tuple[FloatArray, IntArray, FloatArray, IntArray, FloatArray, FloatArray, IntArray]:
    """The fields of ``Events`` in their order."""
    n_depot, n_infused = 0, 0
    for k in range(len(dose_time)):
        n_depot += 1 if depot[k] else 0
        n_infused += 1 if not depot[k] and duration[k] > PUSH_H else 0
    n_row, n_out = max(len(row_time) - 1, 0), len(times)
    n_bolus = len(dose_time) - n_depot - n_infused
    n = n_row + n_out + 2 * n_infused + n_bolus
    time, value = np.empty(n), np.zeros(n)
    kind, index = np.empty(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    depot_time, depot_amount = np.empty(n_depot), np.empty(n_depot)
    depot_row = np.empty(n_depot, dtype=np.int64)
    for k in range(n_row):
        time[k], kind[k], index[k] = row_time[k + 1], ROW, k + 1
    for k in range(n_out):
        time[n_row + k], kind[n_row + k], index[n_row + k] = times[k], OUTPUT, k
    # Stops before starts, so that nothing runs for an instant when one infusion follows another.
    stop = n_row + n_out
    start, bolus, swallowed = stop + n_infused, stop + 2 * n_infused, 0
    for k in range(len(dose_time)):
        if depot[k]:
            depot_time[swallowed], depot_amount[swallowed] = dose_time[k], amount[k]
            depot_row[swallowed] = max(np.searchsorted(row_time, dose_time[k], side="right") - 1, 0)
            swallowed += 1
        elif duration[k] > PUSH_H:
            rate = amount[k] / duration[k]
            time[stop], kind[stop], value[stop] = dose_time[k] + duration[k], RATE, -rate
            time[start], kind[start], value[start] = dose_time[k], RATE, rate
            stop, start = stop + 1, start + 1
        else:
            time[bolus], kind[bolus], value[bolus] = dose_time[k], BOLUS, amount[k]
            bolus += 1
    # The kinds stand in their order already, and a stable sort by time keeps it at one instant.
    order = np.argsort(time, kind="mergesort")
    return time[order], kind[order], value[order], index[order], depot_time, depot_amount, depot_row
