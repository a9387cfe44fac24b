"""What happens to every particle and when, as the exact solver's kernel takes it.

A dose becomes items: a bolus into a state, or the start and the stop of an infusion, one set for each of its
entries. When an item happens may depend on the particle (lag, length of zero-order absorption), so an item
has a time that all share and a delay that the kernel adds. What follows at one instant: the row changes,
then outputs are read, then infusions stop and start, then boluses enter; so a level at the very time of a
dose is a level before it. ``laying`` makes itineraries.
"""

from __future__ import annotations

from typing import NamedTuple

from dosing_core.population.individual import FloatArray, IntArray

ROW, OUTPUT, STOP, START, BOLUS, RUN = range(6)
"""Kinds of item; the first five in their order at one instant."""
ALWAYS, EARLY, LATE, WRAPPED = range(4)
"""When an item counts. A dose of the first cycle of a run that is delayed by more than the rest of its cycle
comes in with the next one's, and so on, until the last of the run comes in after it. So each has an item
before the run that counts only if it is ``EARLY`` and one after it that counts only if it is ``LATE``.
``WRAPPED``: its time is taken within the interval of a steady state."""


(KIND, PLACE, COLUMN, VALUE, DELAY, COUNTS, OF_RUN, SEGMENT) = range(8)
"""Columns of an item: its kind; row (of ``rows``), output, state of a bolus, or run; infused column; which
value enters; which delay is added (0: none); one of ``ALWAYS`` to ``WRAPPED``, and the run that this speaks
of; the first item that this one may change places with. -1 where there is none."""


class Itinerary(NamedTuple):
    """Items in order of their shared times; few arrays, since each makes the kernels slower to compile."""

    start: float
    """h; nothing happens before."""
    grid: float
    """h, unit of all times."""
    first_row: int
    """Place in ``rows`` of the one in force at ``start``."""
    time: FloatArray
    """[2, n_items] h: when; and how long after the start of its cycle, of items of runs."""
    item: IntArray
    """[8, n_items]."""
    rows: IntArray
    """[n_rows] rows of the parameter array that are in force at some time of the itinerary."""
    outputs: IntArray
    """[n_outputs] which of the system's outputs is due."""
    value: IntArray
    """[3, n_values] what enters: place in ``rows``, ascending; entry of the system; parameter that is the
    length of the infusion, or -1."""
    dose: FloatArray
    """[2, n_values] mg, and h (0 for a bolus)."""
    delay: IntArray
    """[3, n_delays] place in ``rows``; parameters that are the lag and the length, or -1. The first delay is
    none."""
    run: IntArray
    """[2, n_runs + 1] cycles (0: as many as it takes to reach the steady state); where the items of the cycle
    begin in ``cycle``."""
    run_time: FloatArray
    """[2, n_runs] h: start, and length of a cycle."""
    cycle: IntArray
    """[5, n_cycle_items] kind to delay."""
    cycle_time: FloatArray
    """[n_cycle_items] h after the start of the cycle."""
