"""A ``System`` as programs that the kernels run: slopes, their derivatives, outputs, what enters."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from dosing_core.kinetics.course import Equations
from dosing_core.kinetics.explicit import Motion
from dosing_core.kinetics.graph import ADD, Graph
from dosing_core.kinetics.implicit import Jacobian
from dosing_core.kinetics.recognised import saturable
from dosing_core.kinetics.symbolic import affine
from dosing_core.kinetics.tape import compile_expressions, compile_nodes, tape_of
from dosing_core.population.individual import BoolArray
from dosing_core.population.system import CLOCK, DOSE, TIME, System

LONGEST_H = 4.0
"""Of a step where the equations read the hour of the day: a longer one could jump over what happens then."""


@lru_cache(maxsize=256)
def equations(system: System, area: int = -1) -> Equations:
    """The programs of a system; ``area``: the output whose area is one more state, or -1."""
    names = (*system.parameters, *system.states, TIME, CLOCK)
    varying = (*system.states, TIME, CLOCK)
    graph = Graph()
    places = [graph.expression(expression) for expression in system.derivatives]
    if area >= 0:
        places.append(graph.expression(system.outputs[area].value))
    drains = _drains(graph, places, system, varying)
    reads = frozenset().union(*(graph.reads(place) for place in places))
    outputs = compile_expressions([output.value for output in system.outputs], names, varying, amounts=True)
    return Equations(
        motion=_motion(graph, places, drains, names, varying),
        saturable=saturable(graph, places, system, drains),
        jacobian=_jacobian(graph, places, system, names, varying),
        outputs=tape_of(outputs),
        initial=tape_of(compile_expressions(system.initial, system.parameters)),
        entries=tape_of(
            compile_expressions([entry.amount for entry in system.entries], (*system.parameters, DOSE))
        ),
        feeds=_feeds(graph, places, system),
        timed=int(bool(reads & {TIME, CLOCK})),
        longest=LONGEST_H if CLOCK in reads else math.inf,
        stiff=int(system.stiff),
    )


def _drains(
    graph: Graph, places: list[int], system: System, varying: tuple[str, ...]
) -> list[tuple[int, int]]:
    """States that only empty, ``-ka · depot``, and the nodes of the coefficients."""
    drains = []
    for state, (place, name) in enumerate(zip(places, system.states, strict=False)):
        parts = affine(graph, place, (name,), varying)
        if parts is not None and graph.value(parts[1]) == 0.0:
            drains.append((state, parts[0][0]))
    return drains


def _motion(
    graph: Graph,
    places: list[int],
    drains: list[tuple[int, int]],
    names: tuple[str, ...],
    varying: tuple[str, ...],
) -> Motion:
    program = compile_nodes(graph, [*places, *(rate for _, rate in drains)], names, varying, amounts=True)
    emptied = np.array([state for state, _ in drains], dtype=np.int64)
    return Motion(
        tape=tape_of(program),
        stepped=np.setdiff1d(np.arange(len(places)), emptied),
        drains=np.column_stack([emptied, program.outputs[len(places) :]]),
    )


def _jacobian(
    graph: Graph, places: list[int], system: System, names: tuple[str, ...], varying: tuple[str, ...]
) -> Jacobian:
    total = len(places)
    wanted: list[int] = []
    where: list[tuple[int, int]] = []
    fills = np.eye(total, dtype=np.bool_)
    for row, place in enumerate(places):
        for column, state in enumerate(system.states):
            slope = graph.derivative(place, state)
            if graph.value(slope) != 0.0:
                wanted.append(slope)
                where.append((row, column))
                fills[row, column] = True
    drifting = []
    for row, place in enumerate(places):
        # The hour of the day goes on with time.
        by_time = [graph.derivative(place, name) for name in (TIME, CLOCK)]
        kept = [slope for slope in by_time if graph.value(slope) != 0.0]
        if kept:
            drifting.append(row)
            wanted.append(kept[0] if len(kept) == 1 else graph.add(ADD, *kept))
    program = compile_nodes(graph, wanted, names, varying, amounts=True)
    entries = np.array(
        [(row, column, program.outputs[place]) for place, (row, column) in enumerate(where)], dtype=np.int64
    ).reshape(-1, 3)
    drift = np.full(total, -1, dtype=np.int64)
    drift[drifting] = program.outputs[len(where) :]
    for pivot in range(total):
        below = fills[pivot + 1 :, pivot]
        fills[pivot + 1 :][below] |= fills[pivot] & (np.arange(total) > pivot)
    return Jacobian(tape_of(program), entries, drift, fills)


def _feeds(graph: Graph, places: list[int], system: System) -> BoolArray:
    """[states, states] True where the first acts on the second, directly or through others."""
    total = len(places)
    feeds = np.zeros((total, total), dtype=np.bool_)
    for to, place in enumerate(places):
        for origin, state in enumerate(system.states):
            feeds[origin, to] = state in graph.reads(place)
    for through in range(total):
        feeds |= feeds[:, [through]] & feeds[[through], :]
    return feeds
