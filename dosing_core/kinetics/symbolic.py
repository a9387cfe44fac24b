"""What can be read off a system's equations: their derivatives, and whether they are linear.

Built on ``graph``, whose nodes simplify themselves. A test of linearity here says yes only if it is sure: an
equation that is linear but hides it (``(A + B)**2 - A**2 - ...``) goes to the general solver, which is right
too, only slower.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from dosing_core.kinetics.graph import JUMPS, Graph
from dosing_core.kinetics.tape import Program, compile_nodes
from dosing_core.population.expressions import Expression
from dosing_core.population.system import CLOCK, DOSE, TIME, System


@dataclass(frozen=True, eq=False)
class LinearForm:
    """``derivatives = K states + input``: a program over ``System.parameters``.

    Its outputs are K row by row, [n_states · n_states], then the constant input, [n_states].
    """

    program: Program
    driven: bool
    """True if some constant input is not 0 (a turnover's production)."""


def derivative(expression: Expression, name: str, names: Sequence[str]) -> Program:
    """The program over ``names`` of the derivative of an expression with respect to one of them."""
    graph = Graph()
    return compile_nodes(graph, [graph.derivative(graph.expression(expression), name)], names)


def affine(
    graph: Graph, place: int, unknowns: Sequence[str], barred: Iterable[str] = ()
) -> tuple[list[int], int] | None:
    """Nodes of the coefficients and of the rest, if ``place`` is sum(coefficient · unknown) + rest.

    None if it is not, or if a coefficient or the rest reads a name in ``barred``.
    """
    moving = frozenset(unknowns)
    barred = frozenset(barred)
    for at in graph.reached([place]):
        if graph.nodes[at].what in JUMPS and graph.reads(at) & moving:
            return None
    coefficients = [graph.derivative(place, name) for name in unknowns]
    zero = graph.constant(0.0)
    rest = graph.replaced(place, dict.fromkeys(unknowns, zero))
    if any(graph.reads(part) & (moving | barred) for part in (*coefficients, rest)):
        return None
    return coefficients, rest


@lru_cache(maxsize=128)
def linear_form(system: System) -> LinearForm | None:
    """The rate matrix and constant input of a system whose equations are linear in its states with
    coefficients that only parameters decide; None for any other."""
    graph = Graph()
    matrix: list[int] = []
    inputs: list[int] = []
    for expression in system.derivatives:
        parts = affine(graph, graph.expression(expression), system.states, (TIME, CLOCK))
        if parts is None:
            return None
        matrix += parts[0]
        inputs.append(parts[1])
    return LinearForm(
        program=compile_nodes(graph, matrix + inputs, system.parameters),
        driven=any(graph.value(place) != 0.0 for place in inputs),
    )


@lru_cache(maxsize=128)
def linear_output(system: System, output: int) -> Program | None:
    """Coefficients [n_states] of an output over ``System.parameters``, if it is a sum of states times what
    parameters decide; else None."""
    graph = Graph()
    place = graph.expression(system.outputs[output].value)
    parts = affine(graph, place, system.states, (TIME, CLOCK))
    if parts is None or graph.value(parts[1]) != 0.0:
        return None
    return compile_nodes(graph, parts[0], system.parameters)


@lru_cache(maxsize=128)
def superposes(system: System) -> bool:
    """True if what several doses do is the sum of what each does: the equations are linear without constant
    input, nothing is there before the first dose, and what enters is proportional to the dose."""
    form = linear_form(system)
    if form is None or form.driven:
        return False
    graph = Graph()
    if any(graph.value(graph.expression(expression)) != 0.0 for expression in system.initial):
        return False
    for entry in system.entries:
        parts = affine(graph, graph.expression(entry.amount), (DOSE,))
        if parts is None or graph.value(parts[1]) != 0.0:
            return False
    return True
