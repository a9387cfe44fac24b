"""Runs of doses that repeat: what a dense history collapses into.

Whoever takes 5 mg every 12 h for two years has 1,460 doses and one rule. Between two things that anybody
looks at (an output, a change of covariates), n equal cycles move the state x by the same map x -> P x + d
each, and the n-th power of a map takes log2 n squarings. This module finds such cycles in a table of doses;
the kernels raise the maps to powers.

A cycle may hold several doses (3 mg in the morning and 2 mg at night, or four at fixed hours).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dosing_core.kinetics.history import DoseTable
from dosing_core.population.individual import BoolArray, FloatArray, IntArray

LEAST_CYCLES = 6
"""Fewer than these in a row are as fast taken one by one."""
MOST_DOSES = 6
"""Doses in one cycle, at most."""
TOLERANCE_H = 1e-10
"""Times that differ by less are the same: a third of a microsecond, the rounding of a long history."""


@dataclass(frozen=True)
class Run:
    """Cycles of doses with nothing between them that anybody looks at.

    Cycles are numbered from 0. The doses of cycle 0 are taken one by one, since what arrives late from
    before may still come in; so are those after cycle ``count``.
    """

    first: int
    """The first dose of cycle 0."""
    doses: int
    """How many a cycle has."""
    count: int
    """Cycles 1 to ``count`` are taken together, from the first dose of cycle 1 on."""
    start: float
    """h, the first dose of cycle 1."""
    interval: float
    """h, length of a cycle."""

    @property
    def end(self) -> float:
        """h, start of the cycle after the last that is taken together."""
        return self.start + self.count * self.interval


def find_runs(doses: DoseTable, barriers: FloatArray) -> tuple[Run, ...]:
    """The runs in ``doses`` between ``barriers`` (h, ascending), in order of time."""
    runs: list[Run] = []
    free = [(0, len(doses))]
    for period in range(1, MOST_DOSES + 1):
        left: list[tuple[int, int]] = []
        for begin, end in free:
            found = _repeats(doses, period, begin, end) if end - begin >= (LEAST_CYCLES + 2) * period else []
            at = begin
            for first, last in found:
                pieces = _between(doses, period, first, last, barriers)
                runs += pieces
                left.append((at, first))
                at = last
            left.append((at, end))
        free = [(begin, end) for begin, end in left if end > begin]
    return tuple(sorted(runs, key=lambda run: run.start))


def _repeats(doses: DoseTable, period: int, begin: int, end: int) -> list[tuple[int, int]]:
    """Stretches [first, last) of doses in which each is as the one ``period`` before it, a constant time
    later."""
    time, amount = doses.time[begin:end], doses.amount[begin:end]
    duration, depot = doses.duration[begin:end], doses.depot[begin:end]
    gap = time[period:] - time[:-period]
    same = (amount[period:] == amount[:-period]) & (depot[period:] == depot[:-period]) & (gap > 0.0)
    same &= np.abs(duration[period:] - duration[:-period]) <= TOLERANCE_H
    steady = same[1:] & same[:-1] & (np.abs(np.diff(gap)) <= TOLERANCE_H)
    stretches: list[tuple[int, int]] = []
    for first, last in _true_stretches(steady):
        # ``last`` - ``first`` + 1 gaps in a row are equal, so that many doses and ``period`` more repeat.
        stop = last + 1 + period
        if stop - first >= (LEAST_CYCLES + 2) * period:
            stretches.append((begin + first, begin + stop))
    kept: list[tuple[int, int]] = []
    for first, stop in stretches:
        if not kept or first >= kept[-1][1]:
            kept.append((first, stop))
    return kept


def _true_stretches(flags: BoolArray) -> list[tuple[int, int]]:
    """[first, last) of each stretch of true flags."""
    edges: IntArray = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(edges[k]), int(edges[k + 1])) for k in range(0, len(edges), 2)]


def _between(doses: DoseTable, period: int, first: int, last: int, barriers: FloatArray) -> list[Run]:
    """The runs of one stretch, cut at barriers. A barrier at the time of a dose comes before it."""
    time = doses.time[first:last]
    cuts = np.unique(np.searchsorted(time, barriers, side="left"))
    edges = [0, *(int(cut) for cut in cuts if 0 < cut < len(time)), len(time)]
    runs: list[Run] = []
    for left, right in pairwise(edges):
        count = (right - left) // period - 2
        if count < LEAST_CYCLES:
            continue
        start, end = float(time[left + period]), float(time[left + period * (count + 1)])
        run = Run(first + left, period, count, start, (end - start) / count)
        grid = run.start + run.interval * np.arange(count)
        if np.abs(time[left + period : left + period * (count + 1) : period] - grid).max() <= TOLERANCE_H:
            runs.append(run)
    return runs
