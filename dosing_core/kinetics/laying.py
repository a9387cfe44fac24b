"""Doses, changes of covariates and outputs laid out for the exact solver, once for all particles.

All times stand on a grid that is fine enough to be exact (a few units in the last place of the longest time)
and makes equal intervals equal to the bit, so that a regular regimen needs few exponentials.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from dosing_core.kinetics.events import PUSH_H, rows_at
from dosing_core.kinetics.history import DoseTable
from dosing_core.kinetics.itinerary import (
    ALWAYS,
    BOLUS,
    EARLY,
    LATE,
    OUTPUT,
    ROW,
    RUN,
    START,
    STOP,
    WRAPPED,
    Itinerary,
)
from dosing_core.kinetics.runs import Run, find_runs
from dosing_core.population.individual import BoolArray, FloatArray, Individual, IntArray
from dosing_core.population.system import System


@dataclass(frozen=True, eq=False)
class Laid:
    """An itinerary, and for whom it holds."""

    itinerary: Itinerary
    most_delay: float
    """h; a particle with a longer delay needs the itinerary without runs."""
    delayed: bool
    """True if any delay depends on the particle."""
    infused: tuple[int, ...]
    """States that are infused, in the order of their columns."""


@dataclass
class _Items:
    """Columns of items under construction."""

    time: list[FloatArray] = field(default_factory=list)
    kind: list[IntArray] = field(default_factory=list)
    place: list[IntArray] = field(default_factory=list)
    column: list[IntArray] = field(default_factory=list)
    value: list[IntArray] = field(default_factory=list)
    delay: list[IntArray] = field(default_factory=list)
    dose: list[IntArray] = field(default_factory=list)

    def add(
        self,
        time: FloatArray,
        kind: int,
        place: IntArray | int,
        column: int = -1,
        value: IntArray | int = -1,
        delay: IntArray | int = 0,
        dose: IntArray | int = -1,
    ) -> None:
        n = len(time)
        self.time.append(time)
        for target, given in (
            (self.kind, kind),
            (self.place, place),
            (self.column, column),
            (self.value, value),
            (self.delay, delay),
            (self.dose, dose),
        ):
            target.append(given if isinstance(given, np.ndarray) else np.full(n, given))

    def joined(self) -> tuple[FloatArray, IntArray, IntArray, IntArray, IntArray, IntArray, IntArray]:
        return (
            np.concatenate(self.time),
            np.concatenate(self.kind),
            np.concatenate(self.place),
            np.concatenate(self.column),
            np.concatenate(self.value),
            np.concatenate(self.delay),
            np.concatenate(self.dose),
        )


@dataclass
class _Book:
    """What doses bring, each different thing once."""

    rows: IntArray
    values: dict[tuple[int, int, float, float, int], int] = field(default_factory=dict)
    delays: dict[tuple[int, int, int], int] = field(default_factory=dict)

    def value(self, row: IntArray, entry: int, dose: FloatArray, length: FloatArray, column: int) -> IntArray:
        """Numbers of the values of doses, whose rows are places in ``rows``."""
        return _numbers(
            self.values, zip(row, [entry] * len(row), dose, length, [column] * len(row), strict=True)
        )

    def delay(self, row: IntArray, lag: int, length: int) -> IntArray:
        """Numbers of the delays; 0 is none."""
        if lag < 0 and length < 0:
            return np.zeros(len(row), dtype=np.int64)
        return 1 + _numbers(self.delays, ((int(r), lag, length) for r in row))


def _numbers(known: dict, keys: Iterable[tuple]) -> IntArray:  # type: ignore[type-arg]
    return np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.int64)


def system_of(individual: Individual) -> System:
    """The structure of an individual that is a ``System``. Raises ``TypeError`` for another."""
    system = individual.structure
    if not isinstance(system, System):
        raise TypeError("the exact solver takes a System")
    return system


def grid_of(*times: FloatArray) -> float:
    """The finest grid (h) on which all these times, twice as long ones and their differences are exact."""
    longest = max((float(np.abs(some[np.isfinite(some)]).max(initial=0.0)) for some in times), default=0.0)
    return math.ldexp(1.0, math.ceil(math.log2(max(longest, 1.0))) - 51)


def lay_out(
    individual: Individual, doses: DoseTable, times: FloatArray, outputs: IntArray, *, collapse: bool
) -> Laid:
    """The itinerary of ``doses`` and of outputs at ``times`` (h, any order), with runs if ``collapse``.

    Raises ``ValueError`` if a dose goes a way that the model does not know.
    """
    _check_ways(individual, doses)
    system = system_of(individual)
    last = float(times.max(initial=-np.inf))
    doses = doses.before(last)
    begin = float(doses.time[0]) if len(doses) else float(times.min(initial=0.0))
    changes = individual.row_time[(individual.row_time > begin) & (individual.row_time <= last)]
    rows = np.unique(np.concatenate([[0], rows_at(individual, np.array([begin, *changes, *times, last]))]))
    grid = grid_of(times, doses.time, doses.time + doses.duration)
    book, items = _Book(rows), _Items()
    infused = _dose_items(individual, doses, book, items, grid)
    barriers = np.sort(np.concatenate([times, changes]))
    runs, most = _usable(system, doses, find_runs(doses, barriers)) if collapse else ((), np.inf)
    items.add(_snapped(changes, grid), ROW, np.searchsorted(rows, rows_at(individual, changes)))
    items.add(_snapped(times, grid), OUTPUT, np.arange(len(times)))
    first_row = int(np.searchsorted(rows, rows_at(individual, np.array([begin]))[0]))
    return Laid(
        _assembled(items, book, runs, begin, grid, first_row, outputs, doses),
        most,
        bool(book.delays),
        infused,
    )


def lay_steady(
    individual: Individual,
    amount: float,
    interval: float,
    duration: float,
    depot: bool,
    offsets: FloatArray,
    outputs: IntArray,
) -> Laid:
    """The itinerary of a steady state with the last row's parameters: outputs ``offsets`` h after a dose.

    Offset 0, like any whole number of intervals, is just before the dose. Raises ``ValueError`` if the model
    knows no way in for the dose.
    """
    one = DoseTable(np.zeros(1), np.array([amount]), np.array([duration]), np.array([depot]))
    _check_ways(individual, one)
    row = len(individual.row_time) - 1
    grid = grid_of(np.array([interval, duration]))
    book, items = _Book(np.array([row])), _Items()
    infused = _dose_items(replace(individual, row_time=np.full(row + 1, -np.inf)), one, book, items, grid)
    cycle = len(np.concatenate(items.time))
    since = offsets - interval * np.floor(offsets / interval)
    items.add(_snapped(since, grid), OUTPUT, np.arange(len(offsets)))
    items.add(np.zeros(1), RUN, 0)
    time, kind, place, column, value, delay, _ = items.joined()
    after = (kind != RUN).astype(np.int64)
    counts = np.where(np.arange(len(kind)) < cycle, WRAPPED, ALWAYS)
    order = np.lexsort((kind, time, after))
    values = np.array(list(book.values), dtype=np.float64).reshape(-1, 5)
    return Laid(
        Itinerary(
            start=0.0,
            grid=grid,
            first_row=0,
            time=np.ascontiguousarray(np.stack([time, time])[:, order]),
            item=np.ascontiguousarray(
                np.stack([kind, place, column, value, delay, counts, np.zeros_like(kind), after])[:, order]
            ),
            rows=book.rows,
            outputs=np.asarray(outputs, dtype=np.int64),
            value=np.ascontiguousarray(values[:, [0, 1, 4]].T).astype(np.int64),
            dose=np.ascontiguousarray(values[:, [2, 3]].T),
            delay=np.ascontiguousarray(np.array([(0, -1, -1), *book.delays], dtype=np.int64).T),
            run=np.array([[0, 0], [0, cycle]]),
            run_time=np.array([[0.0], [interval]]),
            cycle=np.stack([part[:cycle] for part in (kind, place, column, value, delay)]),
            cycle_time=time[:cycle],
        ),
        np.inf,
        bool(book.delays),
        infused,
    )


def _check_ways(individual: Individual, doses: DoseTable) -> None:
    system = system_of(individual)
    if (doses.depot.any() and not system.ways_in(depot=True)) or (
        not doses.depot.all() and not system.ways_in(depot=False)
    ):
        raise ValueError("the model has no way in for the route of a dose")


def _dose_items(
    individual: Individual, doses: DoseTable, book: _Book, items: _Items, grid: float
) -> tuple[int, ...]:
    """Add the items of all doses; returns the states that are infused."""
    system = system_of(individual)
    infused: list[int] = []
    row = np.searchsorted(book.rows, rows_at(individual, doses.time))
    time = _snapped(doses.time, grid)
    for number, entry in enumerate(system.entries):
        given: BoolArray = doses.depot == (entry.route != "iv")
        lag, length = _column(system, entry.lag), _column(system, entry.duration)
        own = doses.duration > PUSH_H if entry.route == "iv" and length < 0 else np.zeros_like(given)
        slow = given & (own | (length >= 0))
        pushed = np.flatnonzero(given & ~slow)
        if len(pushed):
            value = book.value(row[pushed], number, doses.amount[pushed], np.zeros(len(pushed)), -1)
            delay = book.delay(row[pushed], lag, -1)
            items.add(time[pushed], BOLUS, entry.state, -1, value, delay, pushed)
        at = np.flatnonzero(slow)
        if len(at):
            if entry.state not in infused:
                infused.append(entry.state)
            column = len(system.states) + infused.index(entry.state)
            lasts = np.zeros(len(at)) if length >= 0 else doses.duration[at]
            value = book.value(row[at], number, doses.amount[at], lasts, length)
            start, stop = book.delay(row[at], lag, -1), book.delay(row[at], lag, length)
            items.add(_snapped(time[at] + lasts, grid), STOP, entry.state, column, value, stop, at)
            items.add(time[at], START, entry.state, column, value, start, at)
    return tuple(infused)


def _usable(system: System, doses: DoseTable, runs: tuple[Run, ...]) -> tuple[tuple[Run, ...], float]:
    """The runs that nothing from before them reaches into, and the longest delay (h) for which that is so.

    Where an infusion from before does, so many more cycles are taken one by one.
    """
    delayed = any(entry.lag or entry.duration for entry in system.entries)
    own = ~doses.depot & (doses.duration > PUSH_H)
    over = doses.time + np.where(own, doses.duration, 0.0)
    kept: list[Run] = []
    most = np.inf
    for run in runs:
        before = float(over[: run.first].max(initial=-np.inf))
        late = max(0, math.ceil((before - run.start) / run.interval)) if before > run.start else 0
        usable = Run(
            run.first + late * run.doses,
            run.doses,
            run.count - late,
            run.start + late * run.interval,
            run.interval,
        )
        longest = float((over - doses.time)[usable.first : usable.first + run.doses].max())
        slack = min(run.interval - longest, usable.start - before)
        if usable.count > 1 and slack >= 0.0 and (slack > 0.0 or not delayed):
            kept.append(usable)
            most = min(most, slack)
    return tuple(kept), most


def _assembled(
    items: _Items,
    book: _Book,
    runs: tuple[Run, ...],
    begin: float,
    grid: float,
    first_row: int,
    outputs: IntArray,
    doses: DoseTable,
) -> Itinerary:
    """Take the doses of runs out of the items, sort the rest, and number everything."""
    time, kind, place, column, value, delay, dose = items.joined()
    counts, of_run, offset = np.zeros_like(kind), np.full_like(kind, -1), np.zeros_like(time)
    # Even: between runs; odd: a run.
    segment = np.zeros_like(kind)
    kept = np.ones(len(kind), dtype=np.bool_)
    extra: list[IntArray] = []
    cycles: list[IntArray] = []
    cycle_offset: list[FloatArray] = []
    snapped = _snapped(doses.time, grid)
    for number, run in enumerate(runs):
        begins = snapped[run.first + run.doses]
        ends = snapped[run.first + run.doses * (run.count + 1)]
        after = dose >= run.first + run.doses * (run.count + 1)
        after |= (dose < 0) & (time >= 0.5 * (begins + ends))
        segment[after] = 2 * number + 2
        first = (dose >= run.first) & (dose < run.first + run.doses)
        inside = (dose >= run.first + run.doses) & ~after & (dose >= 0)
        kept &= ~inside
        members = np.flatnonzero((dose >= run.first + run.doses) & (dose < run.first + 2 * run.doses))
        cycles.append(members)
        cycle_offset.append(time[members] - begins)
        # Items of cycle 0 that may come late, and of the last cycle for those that do.
        offset[first] = time[first] - snapped[run.first]
        of_run[first] = number
        sure = first & (delay == 0)
        kept &= ~(sure & (offset >= run.interval))
        counts[first & (delay > 0)] = EARLY
        final = (dose >= run.first + run.doses * run.count) & (dose < run.first + run.doses * (run.count + 1))
        offset[final] = time[final] - snapped[run.first + run.doses * run.count]
        of_run[final] = number
        segment[final] = 2 * number + 2
        counts[final & (delay > 0)] = LATE
        late = np.flatnonzero(final & ((delay > 0) | (offset >= run.interval)))
        extra.append(late)
    if runs:
        kept[np.concatenate(extra)] = True
    if runs:
        chosen = np.flatnonzero(kept)
        n_runs = len(runs)
        run_start = np.array([snapped[run.first + run.doses] for run in runs], dtype=np.float64)
        run_end = np.array(
            [snapped[run.first + run.doses * (run.count + 1)] for run in runs], dtype=np.float64
        )
        count = np.array([run.count for run in runs], dtype=np.int64)
        column_of = [
            np.concatenate([part[chosen], run_part])
            for part, run_part in (
                (time, run_start),
                (kind, np.full(n_runs, RUN)),
                (place, np.arange(n_runs)),
                (column, np.full(n_runs, -1)),
                (value, np.full(n_runs, -1)),
                (delay, np.zeros(n_runs, dtype=np.int64)),
                (counts, np.zeros(n_runs, dtype=np.int64)),
                (of_run, np.arange(n_runs)),
                (offset, np.zeros(n_runs)),
                (segment, 2 * np.arange(n_runs) + 1),
            )
        ]
    else:
        run_start = run_end = np.zeros(0)
        count = np.zeros(0, dtype=np.int64)
        column_of = [time, kind, place, column, value, delay, counts, of_run, offset, segment]
    order = np.lexsort((column_of[1], column_of[0], column_of[9]))
    time_, kind_, place_, column_, value_, delay_, counts_, run_, offset_, segment_ = (
        part[order] for part in column_of
    )
    members = np.concatenate(cycles) if runs else np.zeros(0, dtype=np.int64)
    value_order, values = _by_row(book.values)
    renumbered = _renumbered(value_order)
    bounds = np.searchsorted(segment_, segment_, side="left")
    return Itinerary(
        start=float(_snapped(np.array([begin]), grid)[0]),
        grid=grid,
        first_row=first_row,
        time=np.stack([time_, offset_]),
        item=np.stack([kind_, place_, column_, renumbered[value_], delay_, counts_, run_, bounds]),
        rows=book.rows.astype(np.int64),
        outputs=np.asarray(outputs, dtype=np.int64),
        value=np.ascontiguousarray(values[:, [0, 1, 4]].T).astype(np.int64),
        dose=np.ascontiguousarray(values[:, [2, 3]].T),
        delay=np.ascontiguousarray(np.array([(0, -1, -1), *book.delays], dtype=np.int64).T),
        run=np.stack([np.append(count, 0), np.cumsum([0, *(len(some) for some in cycles)])]),
        run_time=np.stack([run_start, (run_end - run_start) / np.maximum(count, 1)]),
        cycle=np.stack(
            [kind[members], place[members], column[members], renumbered[value[members]], delay[members]]
        ),
        cycle_time=np.concatenate(cycle_offset) if runs else np.zeros(0),
    )


def _by_row(values: dict[tuple[int, int, float, float, int], int]) -> tuple[IntArray, FloatArray]:
    table = np.array(list(values), dtype=np.float64).reshape(-1, 5)
    order: IntArray = np.argsort(table[:, 0], kind="stable")
    return order, table[order]


def _renumbered(order: IntArray) -> IntArray:
    """New number of each old one; the last place answers for -1."""
    new = np.full(len(order) + 1, -1, dtype=np.int64)
    new[order] = np.arange(len(order))
    return new


def _column(system: System, name: str | None) -> int:
    return -1 if name is None else system.parameters.index(name)


def _snapped(times: FloatArray, grid: float) -> FloatArray:
    snapped: FloatArray = np.rint(times / grid) * grid
    return snapped
