"""Finds the systems for which ``saturable`` has a kernel, by what their equations say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dosing_core.kinetics.graph import ADD, DIV, MUL, NEG, SUB, Graph
from dosing_core.kinetics.saturable import COEFFICIENTS, Saturable
from dosing_core.kinetics.symbolic import affine
from dosing_core.kinetics.tape import Program, compile_nodes, tape_of
from dosing_core.population.system import CLOCK, TIME, System

MOST_COMPARTMENTS = 3
POINTS = 64
"""At so many arbitrary parameters and amounts the saturable term must equal Michaelis and Menten's."""
ALIKE = 1e-9


def saturable(
    graph: Graph, places: Sequence[int], system: System, drains: Sequence[tuple[int, int]]
) -> Saturable:
    """The kernel's view of a system; ``applies`` is 0 if it is not of the kind.

    ``places``: nodes of the derivatives, and of the output whose area is asked for. ``drains``: states that
    only empty, with the nodes of their rates.
    """
    found = _found(graph, places, system, drains)
    if found is None:
        nothing = compile_nodes(graph, [], system.parameters)
        return Saturable(0, tape_of(nothing), 0, np.full(4, -1, dtype=np.int64))
    program, states = found
    compartments = sum(1 for state in states[:MOST_COMPARTMENTS] if state >= 0)
    return Saturable(1, tape_of(program), compartments, np.array(states, dtype=np.int64))


def _found(
    graph: Graph, places: Sequence[int], system: System, drains: Sequence[tuple[int, int]]
) -> tuple[Program, list[int]] | None:
    n = len(system.states)
    emptied = [state for state, _ in drains]
    stepped = [state for state in range(n) if state not in emptied]
    if len(drains) > 1 or not 1 <= len(stepped) <= MOST_COMPARTMENTS:
        return None
    parts = [_split(graph, place, system) for place in places]
    if any(part is None for part in parts):
        return None
    split = [part for part in parts if part is not None]
    curved = [(state, term) for state, (_, term) in enumerate(split) if term is not None]
    constant, one = graph.constant(0.0), graph.constant(1.0)
    most, half = constant, one
    if curved:
        (state, term), *others = curved
        if others or state not in stepped or graph.reads(term) & set(system.states) != {system.states[state]}:
            return None
        form = _michaelis_menten(graph, term, system, system.states[state])
        if form is None:
            return None
        most, half = form
        stepped.remove(state)
        stepped.insert(0, state)
    depot = emptied[0] if emptied else -1
    order = stepped + [-1] * (MOST_COMPARTMENTS - len(stepped))

    def coefficient(of: int, by: int) -> int:
        return constant if of < 0 or by < 0 else split[of][0][by]

    rates = [coefficient(of, by) for of in order for by in order]
    rates += [coefficient(of, depot) for of in order]
    rates += [drains[0][1] if drains else constant, most, half]
    area = n if len(places) > n else -1
    rates += [coefficient(area, by) for by in (*order, depot)]
    if len(rates) != COEFFICIENTS:
        raise AssertionError("the coefficients are not those of the kernel")
    return compile_nodes(graph, rates, system.parameters), [*order, depot]


def _split(graph: Graph, place: int, system: System) -> tuple[list[int], int | None] | None:
    """Coefficients of the states in the linear terms of a sum, and the sum of its other terms (None: none).

    None if something is driven by time or by nothing.
    """
    straight, curved = graph.constant(0.0), None
    for term in _terms(graph, place, 1.0):
        parts = affine(graph, term, system.states, (TIME, CLOCK))
        if parts is not None:
            straight = graph.add(ADD, straight, term)
        else:
            curved = term if curved is None else graph.add(ADD, curved, term)
    parts = affine(graph, straight, system.states, (TIME, CLOCK))
    if parts is None or graph.value(parts[1]) != 0.0:
        return None
    return parts[0], curved


def _terms(graph: Graph, place: int, sign: float) -> list[int]:
    """The terms of a sum, each with its sign."""
    node = graph.nodes[place]
    if node.what == ADD:
        return [term for part in node.parts for term in _terms(graph, part, sign)]
    if node.what == SUB:
        return _terms(graph, node.parts[0], sign) + _terms(graph, node.parts[1], -sign)
    if node.what == NEG:
        return _terms(graph, node.parts[0], -sign)
    return [place if sign > 0.0 else graph.add(NEG, place)]


def _michaelis_menten(graph: Graph, term: int, system: System, name: str) -> tuple[int, int] | None:
    """Nodes of v and m if ``term`` is -v x / (m + x): from its first two derivatives at 0, then tried."""
    if graph.reads(term) & {TIME, CLOCK}:
        return None
    smooth = (ADD, SUB, MUL, DIV, NEG)
    for at in graph.reached([term]):
        node = graph.nodes[at]
        if name in graph.reads(at) and node.parts and node.what not in smooth:
            return None
    zero = {name: graph.constant(0.0)}
    first = graph.derivative(term, name)
    second = graph.derivative(first, name)
    slope, bend = graph.replaced(first, zero), graph.replaced(second, zero)
    half = graph.add(DIV, graph.add(MUL, graph.constant(-2.0), slope), bend)
    most = graph.add(NEG, graph.add(MUL, slope, half))
    names = (*system.parameters, name)
    values = np.exp(np.random.default_rng(0).normal(size=(len(names), POINTS)))
    got, v, m = compile_nodes(graph, [term, most, half], names).evaluate(values)
    want = -v * values[-1] / (m + values[-1])
    same = np.isfinite(want) & (m > 0.0) & (np.abs(got - want) <= ALIKE * np.abs(want))
    return (most, half) if same.all() else None
