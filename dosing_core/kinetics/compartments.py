"""A linear ``System`` made ready for the exact solver: one program and one pattern.

The state is enlarged by what drives it, so that everything is one matrix: a column for each state that is
infused (its value is the rate, mg/h), a column that is always 1 if equations have a constant part, and a row
that integrates an output if an area is asked for.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from dosing_core.kinetics.exponential import Pattern, pattern
from dosing_core.kinetics.graph import Graph
from dosing_core.kinetics.symbolic import affine
from dosing_core.kinetics.tape import compile_nodes
from dosing_core.population.individual import FloatArray, IntArray
from dosing_core.population.system import CLOCK, DOSE, TIME, System


class Machine(NamedTuple):
    """What the kernels need of a system: few arrays, since each costs seconds when kernels are compiled.

    "Register" is a place in the program's registers.
    """

    states: int
    size: int
    """States, infused columns, constant column, area."""
    dose_register: int
    steady: int
    """Instructions that do not read the dose; they come first."""
    registers: int
    constant_column: int
    """-1 if equations have no constant part."""
    area_row: int
    """-1 if no area is asked for."""
    entries: IntArray
    """[4, n_entries] of the pattern: row, column, where the products that make it up end, and its number."""
    products: IntArray
    """[2, n_products] left and right factors."""
    of_state: IntArray
    """[2, size] place of the diagonal entry, and where the entries of the row end."""
    rates: IntArray
    """[2, n_rates] place in the pattern, register."""
    ones: IntArray
    """Entries that are 1: what an infusion drives."""
    readouts: IntArray
    """[n_outputs + 1, states] registers of coefficients, -1 for 0 and for outputs that are not linear; last,
    of the amounts before the first dose."""
    amounts: IntArray
    """[n_entries] registers of what enters of the dose."""
    constants: FloatArray
    code: IntArray


@lru_cache(maxsize=256)
def machine(system: System, infused: tuple[int, ...], area: int | None) -> Machine | None:
    """The machine of a system with doses infused into ``infused`` states and, if ``area`` is an output, its
    integral. None if the system is not linear with constant coefficients, or the output of the area is not.
    """
    graph, n = Graph(), len(system.states)
    zero = graph.constant(0.0)
    rates: dict[tuple[int, int], int] = {}
    driven = False
    inputs: list[int] = []
    for i, expression in enumerate(system.derivatives):
        parts = affine(graph, graph.expression(expression), system.states, (TIME, CLOCK))
        if parts is None:
            return None
        rates |= {(i, j): place for j, place in enumerate(parts[0]) if place != zero}
        inputs.append(parts[1])
        driven = driven or parts[1] != zero
    constant = n + len(infused) if driven else -1
    if driven:
        rates |= {(i, constant): place for i, place in enumerate(inputs) if place != zero}
    size = n + len(infused) + int(driven)
    readouts = [_readout(graph, system, output) for output in range(len(system.outputs))]
    if area is not None:
        of = readouts[area]
        if of is None:
            return None
        rates |= {(size, j): place for j, place in enumerate(of) if place != zero}
        size += 1
    links = np.zeros((size, size), dtype=np.bool_)
    for i, j in rates:
        links[i, j] = True
    for column, state in enumerate(infused):
        links[state, n + column] = True
    shape = pattern(links)
    starts = [graph.expression(expression) for expression in system.initial]
    amounts = [graph.expression(entry.amount) for entry in system.entries]
    flat = [place for of in readouts for place in (of or [zero] * n)]
    places = [*rates.values(), *flat, *starts, *amounts]
    # Rates of nothing are read too: the constant 0 must be a register.
    program = compile_nodes(graph, places, (*system.parameters, DOSE), (DOSE,))
    registers = program.outputs
    at = len(rates)
    readout = registers[at : at + len(flat)].reshape(len(readouts), n).copy()
    readout[np.array(flat).reshape(readout.shape) == zero] = -1
    at += len(flat)
    starting = registers[at : at + n]
    return Machine(
        states=n,
        size=size,
        dose_register=len(system.parameters),
        steady=program.steady,
        registers=program.registers,
        constant_column=constant,
        area_row=-1 if area is None else size - 1,
        entries=np.stack([shape.row, shape.column, shape.ends, np.arange(len(shape.row))]),
        products=np.stack([shape.left, shape.right]),
        of_state=np.stack([shape.diagonal, np.cumsum(np.bincount(shape.row, minlength=size))]),
        rates=np.array(
            [[shape.place(i, j) for i, j in rates], registers[: len(rates)].tolist()], dtype=np.int64
        ),
        ones=_ones(shape, infused, n),
        readouts=np.concatenate([readout, starting[None]]),
        amounts=registers[at + n :].copy(),
        constants=program.constants,
        code=program.code,
    )


def _ones(shape: Pattern, infused: tuple[int, ...], n: int) -> IntArray:
    places = [shape.place(state, n + column) for column, state in enumerate(infused)]
    return np.array(places, dtype=np.int64)


def _readout(graph: Graph, system: System, output: int) -> list[int] | None:
    """Nodes of an output's coefficients, or None if it is not a sum of states times constants."""
    parts = affine(graph, graph.expression(system.outputs[output].value), system.states, (TIME, CLOCK))
    if parts is None or graph.value(parts[1]) != 0.0:
        return None
    return parts[0]


@lru_cache(maxsize=256)
def linear_outputs(system: System) -> tuple[bool, ...]:
    """Whether each output is a sum of states times what parameters decide."""
    graph = Graph()
    return tuple(_readout(graph, system, output) is not None for output in range(len(system.outputs)))
