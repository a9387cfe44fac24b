"""The same kinetics by another route: numpy and matrix exponentials, to hold the compiled kernels against.

Nothing here is shared with the kernels but the doses and the meaning of the functions. The state of one
person is the vector (central mg, peripheral mg, depot mg, infusion mg/h, area mg·h/L); between two events it
is multiplied by the exponential of its rate matrix. All off-diagonal rates are positive, so with the diagonal
shifted away the Taylor series and the squarings add positive terms only and lose no digits to cancellation.

People with the same lags see their events in the same order and are computed together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dosing_core.kinetics.history import DoseTable
from dosing_core.population.individual import FloatArray, Individual, IntArray

CENTRAL, PERIPHERAL, DEPOT, RATE, AREA = range(5)
_TAYLOR_TERMS = 22
"""With a norm below 1 after scaling, 1/22! is below 1e-21."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)


def concentrations(
    individual: Individual, parameters: FloatArray, doses: DoseTable, times: FloatArray
) -> FloatArray:
    """Observed concentration [n, n_times] at ``times`` (h), mg/L; before a dose of the same instant."""
    kinetic, _ = _histories(individual, parameters, doses, np.asarray(times, dtype=np.float64))
    return _observed(individual, kinetic, _rows_at(individual, np.asarray(times, dtype=np.float64)))


def auc(
    individual: Individual, parameters: FloatArray, doses: DoseTable, start: float, end: float
) -> FloatArray:
    """Area [n] under the observed concentration from ``start`` to ``end`` (h), mg·h/L."""
    if individual.binding is None:
        _, area = _histories(individual, parameters, doses, np.array([start, end], dtype=np.float64))
        difference: FloatArray = area[:, 1] - area[:, 0]
        return difference
    total = np.zeros(len(parameters))
    for members in _groups(parameters):
        lags = parameters[members[0], _rows_at(individual, doses.time), 5]
        breaks = [*individual.row_time, *doses.time, *(doses.time + doses.duration), *(doses.time + lags)]
        nodes, weights = _panels(start, end, breaks)
        total[members] = concentrations(individual, parameters[members], doses, nodes) @ weights
    return total


def steady_state(
    individual: Individual,
    parameters: FloatArray,
    amount: float,
    interval: float,
    duration: float,
    depot: bool,
    offsets: FloatArray,
) -> FloatArray:
    """Observed concentration [n, n_offsets] at steady state with the last row's parameters, mg/L.

    ``offsets`` h after the dose is swallowed or starts; 0 is before the dose.
    """
    last = parameters[:, -1]
    cycle = _Cycle.of(last, amount, interval, duration, depot)
    result = np.empty((len(last), len(offsets)))
    for column, offset in enumerate(offsets):
        for members in _groups(parameters[:, -1:]):
            since = (offset - (last[members[0], 5] if depot else 0.0)) % interval
            result[members, column] = cycle.central(members, interval if since == 0.0 else since)
    return _observed(
        individual, result / last[:, 1, None], np.full(len(offsets), len(individual.row_time) - 1)
    )


def steady_state_auc24(
    individual: Individual,
    parameters: FloatArray,
    amount: float,
    interval: float,
    duration: float,
    depot: bool,
) -> FloatArray:
    """Average 24-h area [n] under the observed concentration at steady state, mg·h/L."""
    last = parameters[:, -1]
    cycle = _Cycle.of(last, amount, interval, duration, depot)
    everyone = np.arange(len(last))
    if individual.binding is None:
        area: FloatArray = cycle.state(everyone, interval)[:, AREA] * (24.0 / interval)
        return area
    nodes, weights = _panels(0.0, interval, [cycle.rest])
    kinetic = np.stack([cycle.central(everyone, node) for node in nodes], axis=1) / last[:, 1, None]
    observed = _observed(individual, kinetic, np.full(len(nodes), len(individual.row_time) - 1))
    total: FloatArray = observed @ weights * (24.0 / interval)
    return total


def exponential(matrices: FloatArray, time: float) -> FloatArray:
    """exp(matrix · time) for matrices [n, k, k] whose off-diagonal entries are not negative."""
    scaled = matrices * time
    largest = float(np.abs(scaled).sum(axis=2).max(initial=0.0))
    squarings = max(0, math.ceil(math.log2(largest)) + 1) if largest > 0 else 0
    scaled = scaled / 2.0**squarings
    identity = np.eye(scaled.shape[1])
    shift = -np.diagonal(scaled, axis1=1, axis2=2).min(axis=1)[:, None, None]
    positive = scaled + shift * identity
    term = np.broadcast_to(identity, scaled.shape).copy()
    total = term.copy()
    for k in range(1, _TAYLOR_TERMS + 1):
        term = term @ positive / k
        total += term
    result: FloatArray = total * np.exp(-shift)
    for _ in range(squarings):
        result = result @ result
    return result


def rate_matrices(p: FloatArray) -> FloatArray:
    """Rate matrices [n, 5, 5] of parameters [n, 7]."""
    cl, v1, q, v2, ka = p[:, :5].T
    matrices = np.zeros((len(p), 5, 5))
    matrices[:, CENTRAL, CENTRAL] = -(cl + q) / v1
    matrices[:, PERIPHERAL, CENTRAL] = q / v1
    matrices[:, CENTRAL, PERIPHERAL] = q / v2
    # A compartment that nothing reaches is empty whatever its rate; 1 keeps steady states solvable.
    matrices[:, PERIPHERAL, PERIPHERAL] = np.where(q > 0, -q / v2, -1.0)
    matrices[:, CENTRAL, DEPOT] = ka
    matrices[:, DEPOT, DEPOT] = -ka
    matrices[:, CENTRAL, RATE] = 1.0
    matrices[:, AREA, CENTRAL] = 1.0 / v1
    return matrices


def _groups(parameters: FloatArray) -> Iterator[IntArray]:
    """Indices of people whose lags are the same in every row."""
    _, group = np.unique(parameters[:, :, 5], axis=0, return_inverse=True)
    for number in range(int(group.max(initial=-1)) + 1):
        yield np.flatnonzero(group.ravel() == number)


def _rows_at(individual: Individual, times: FloatArray) -> IntArray:
    """The row in force at each time; a row holds at its own time already."""
    rows: IntArray = np.searchsorted(individual.row_time, times, side="right") - 1
    return rows


def _observed(individual: Individual, kinetic: FloatArray, rows: IntArray) -> FloatArray:
    if individual.binding is None:
        return kinetic
    capacity, constant = individual.binding[rows].T
    observed: FloatArray = kinetic + kinetic * capacity / (kinetic + constant)
    return observed


def _histories(
    individual: Individual, parameters: FloatArray, doses: DoseTable, times: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Kinetic concentration and area since the first event, each [n, n_times]."""
    concentration = np.zeros((len(parameters), len(times)))
    area = np.zeros_like(concentration)
    for members in _groups(parameters):
        group = parameters[members]
        matrices = [rate_matrices(group[:, row]) for row in range(group.shape[1])]
        known: dict[tuple[int, float], FloatArray] = {}
        state = np.zeros((len(members), 5))
        row, now = 0, None
        for time, _, act in sorted(_happenings(individual, group, doses, times), key=lambda event: event[:2]):
            if now is not None and time > now:
                key = (row, time - now)
                if key not in known:
                    known[key] = exponential(matrices[row], time - now)
                state = (known[key] @ state[:, :, None])[:, :, 0]
            now = time
            kind, value, index = act
            if kind == "row":
                row = index
            elif kind == "output":
                concentration[members, index] = state[:, CENTRAL] / group[:, row, 1]
                area[members, index] = state[:, AREA]
            elif kind == "swallowed":
                state[:, DEPOT] += value * group[:, index, 6]
            else:
                state[:, RATE if kind == "infusion" else CENTRAL] += value
    return concentration, area


def _happenings(
    individual: Individual, group: FloatArray, doses: DoseTable, times: FloatArray
) -> Iterator[tuple[float, int, tuple[str, float, int]]]:
    """(time, rank at that time, what): a change of row comes before an output, an output before a dose."""
    for row, start in enumerate(individual.row_time[1:], start=1):
        yield float(start), 0, ("row", 0.0, row)
    for index, time in enumerate(times):
        yield float(time), 1, ("output", 0.0, index)
    rows = _rows_at(individual, doses.time)
    for i in range(len(doses)):
        start, amount, row = float(doses.time[i]), float(doses.amount[i]), int(rows[i])
        if doses.depot[i]:
            yield start + float(group[0, row, 5]), 2, ("swallowed", amount, row)
        elif doses.duration[i] > 0:
            rate = amount / float(doses.duration[i])
            yield start, 2, ("infusion", rate, 0)
            yield start + float(doses.duration[i]), 2, ("infusion", -rate, 0)
        else:
            yield start, 2, ("bolus", amount, 0)


@dataclass(frozen=True, eq=False)
class _Cycle:
    """One dosing interval at steady state, from the moment at which the dose arrives."""

    matrices: FloatArray
    start: FloatArray
    """[n, 5] state at the start, after a bolus or swallowed dose and with the infusion running."""
    rest: float
    """h; infusions longer than the interval overlap: so long one more of them runs."""
    drop: float
    """mg/h by which the rate falls at ``rest``."""

    @classmethod
    def of(cls, p: FloatArray, amount: float, interval: float, duration: float, depot: bool) -> _Cycle:
        matrices = rate_matrices(p)
        start = np.zeros((len(p), 5))
        rest = drop = 0.0
        if depot:
            start[:, DEPOT] = amount * p[:, 6]
        elif duration > 0:
            whole, rest = divmod(duration, interval)
            drop = amount / duration if rest > 0 else 0.0
            start[:, RATE] = whole * amount / duration + drop
        else:
            start[:, CENTRAL] = amount
        fresh = cls(matrices, start, rest, drop)
        # Amounts repeat: x = exp(M interval) x + what one dose leaves behind.
        leaves = fresh.state(np.arange(len(p)), interval)[:, :RATE]
        kept = exponential(matrices, interval)[:, :RATE, :RATE]
        carried = np.linalg.solve(np.eye(RATE) - kept, leaves[:, :, None])[:, :, 0]
        start = start.copy()
        start[:, :RATE] += carried
        return cls(matrices, start, rest, drop)

    def state(self, members: IntArray, since: float) -> FloatArray:
        """State [members, 5] at ``since`` h after the start of the cycle."""
        state, matrices = self.start[members], self.matrices[members]
        before = min(since, self.rest)
        state = (exponential(matrices, before) @ state[:, :, None])[:, :, 0]
        if since > self.rest or self.rest == 0.0:
            state[:, RATE] -= self.drop
            state = (exponential(matrices, since - before) @ state[:, :, None])[:, :, 0]
        return state

    def central(self, members: IntArray, since: float) -> FloatArray:
        """Amount [members] in the central compartment, mg."""
        amount: FloatArray = self.state(members, since)[:, CENTRAL]
        return amount


def _panels(start: float, end: float, breaks: list[float]) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights from ``start`` to ``end``; panels double in length after each break."""
    edges = sorted({start, end, *(time for time in breaks if start < time < end)})
    nodes, weights = [], []
    for left, right in pairwise(edges):
        width = min(0.25, right - left)
        while left < right:
            stop = right if right - left < 1.5 * width else left + width
            half = 0.5 * (stop - left)
            nodes.append(left + half * (1.0 + _NODES))
            weights.append(half * _WEIGHTS)
            left, width = stop, 2.0 * width
    return np.concatenate(nodes), np.concatenate(weights)
