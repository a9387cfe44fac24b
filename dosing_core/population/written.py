"""A structure that a model file writes out: plain differential equations, where doses enter, what is seen.

Everything stands in the model's own units: states in whatever their equations mean, ``t`` and rates in its
unit of time, ``dose`` in its unit of amount. ``system`` turns that into a ``System`` in h and mg.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from dosing_core.case import Route
from dosing_core.errors import InvalidExpression
from dosing_core.population.expressions import FUNCTIONS, Expression, parse
from dosing_core.population.record import Record
from dosing_core.population.system import CLOCK, DOSE, TIME, Entry, Output, System
from dosing_core.population.units import ModelUnits, concentration_scale

MOST_STATES = 30
"""Project policy: the largest published models for single patients have about twenty states."""


class WrittenEntry(Record):
    """One way in for the doses of one route; a route with several has parallel inputs."""

    route: Route
    state: str
    amount: str = DOSE
    """What enters of ``dose``, over the parameters."""
    lag: str | None = None
    """Parameter: time between giving and entering."""
    duration: str | None = None
    """Parameter: time over which it enters at a constant rate."""


class WrittenOutput(Record):
    """Something that can be measured or aimed at. The first one is what a level of the drug measures."""

    name: str
    value: str
    unit: str = ""
    """Empty: the model's unit of concentration. Any other unit of concentration is converted; what is none
    (``%``, ``INR``) is kept."""


class WrittenStructure(Record):
    """Differential equations as a model file has them."""

    parameters: dict[str, str]
    """Name in the equations here: name of the covariate equation or theta that gives its value."""
    odes: Annotated[tuple[tuple[str, str], ...], Field(min_length=1, max_length=MOST_STATES)]
    """(state, its change per unit of time), over parameters, states, ``t`` (since the first dose) and
    ``clock`` (hour of the local day)."""
    initial: dict[str, str] = Field(default_factory=dict)
    """State: its value before the first dose, over parameters. 0 where not given."""
    entries: Annotated[tuple[WrittenEntry, ...], Field(min_length=1)]
    outputs: Annotated[tuple[WrittenOutput, ...], Field(min_length=1)]
    stiff: bool = False
    """True if rates span so many decades that an implicit solver is needed."""

    @property
    def routes(self) -> tuple[Route, ...]:
        """Routes by which a dose can be given."""
        return tuple(dict.fromkeys(entry.route for entry in self.entries))

    @model_validator(mode="after")
    def _names_hold(self) -> Self:
        states = [name for name, _ in self.odes]
        outputs = [output.name for output in self.outputs]
        for kind, names in (("odes", states), ("parameters", list(self.parameters))):
            for name in names:
                if not name.isidentifier() or name in (*FUNCTIONS, TIME, CLOCK, DOSE):
                    raise ValueError(f"{kind}.{name}: the name is taken or is not a name")
        for name in states:
            if states.count(name) > 1 or name in self.parameters:
                raise ValueError(f"odes.{name}: the name is there twice")
        if len(set(outputs)) != len(outputs):
            raise ValueError("outputs: a name is there twice")
        for name in self.initial:
            if name not in states:
                raise ValueError(f"initial.{name}: no such state")
        if {"oral", "subcutaneous"} <= set(self.routes):
            raise ValueError("entries: oral and subcutaneous doses need two models")
        for place, entry in enumerate(self.entries):
            if entry.state not in states:
                raise ValueError(f"entries.{place}.state: no state {entry.state!r}")
            for parameter in (entry.lag, entry.duration):
                if parameter is not None and parameter not in self.parameters:
                    raise ValueError(f"entries.{place}: no parameter {parameter!r}")
        return self

    @property
    def timings(self) -> frozenset[str]:
        """Parameters that are lags or durations: their columns are in h."""
        named = {name for entry in self.entries for name in (entry.lag, entry.duration) if name is not None}
        return frozenset(named)

    def system(self, units: ModelUnits, where: str) -> System:
        """The system in h, mg and mg/L. Raises ``InvalidExpression`` naming ``where`` and the equation."""
        states = tuple(name for name, _ in self.odes)
        moving = (*self.parameters, *states, TIME, CLOCK)
        hours = units.hours
        in_own_time = {TIME: f"({TIME}/{hours!r})"} if hours != 1.0 else {}
        in_own_time |= {name: f"({name}/{hours!r})" for name in self.timings} if hours != 1.0 else {}
        in_own_amount = dict(in_own_time)
        if units.amount_factor != 1.0:
            in_own_amount[DOSE] = f"({DOSE}/{units.amount_factor!r})"

        def change(name: str, text: str) -> Expression:
            return _converted(text, moving, f"{where}.odes.{name}", in_own_time, 1.0 / hours)

        def start(name: str) -> Expression:
            text = self.initial.get(name, "0")
            return _converted(text, self.parameters, f"{where}.initial.{name}", in_own_time, 1.0)

        return System(
            parameters=tuple(self.parameters),
            states=states,
            derivatives=tuple(change(name, text) for name, text in self.odes),
            initial=tuple(start(name) for name in states),
            entries=tuple(
                Entry(
                    route=entry.route,
                    state=states.index(entry.state),
                    amount=_converted(
                        entry.amount,
                        (*self.parameters, DOSE),
                        f"{where}.entries.{place}.amount",
                        in_own_amount,
                        1.0,
                    ),
                    lag=entry.lag,
                    duration=entry.duration,
                )
                for place, entry in enumerate(self.entries)
            ),
            outputs=tuple(
                Output(
                    name=output.name,
                    value=_converted(
                        output.value,
                        moving,
                        f"{where}.outputs.{output.name}",
                        in_own_time,
                        output_scale(output, units),
                    ),
                    unit=output.unit if concentration_scale(_unit(output, units), units) is None else "mg/L",
                )
                for output in self.outputs
            ),
            stiff=self.stiff,
        )


def _unit(output: WrittenOutput, units: ModelUnits) -> str:
    return output.unit or units.concentration


def output_scale(output: WrittenOutput, units: ModelUnits) -> float:
    """Multiply a value of this output by it to get mg/L; 1 where it is no concentration."""
    scale = concentration_scale(_unit(output, units), units)
    return 1.0 if scale is None else scale


class _Swap(ast.NodeTransformer):
    """Puts expressions in the place of names."""

    def __init__(self, swaps: Mapping[str, str]) -> None:
        self.swaps = {name: ast.parse(text, mode="eval").body for name, text in swaps.items()}

    def visit_Name(self, node: ast.Name) -> ast.expr:  # the name is ast's
        return self.swaps.get(node.id, node)

    def visit_Call(self, node: ast.Call) -> ast.expr:  # a function's name is no quantity
        node.args = [self.visit(argument) for argument in node.args]
        return node


def _converted(
    text: str, known: Iterable[str], where: str, swaps: Mapping[str, str], factor: float
) -> Expression:
    """The expression with names swapped and its value multiplied by ``factor``."""
    names = tuple(known)
    expression = parse(text, names, where)
    if factor == 1.0 and not expression.names & set(swaps):
        return expression
    swapped = ast.unparse(_Swap(swaps).visit(ast.parse(text, mode="eval").body))
    try:
        return parse(f"({swapped})*{factor!r}", names, where, built=True)
    except InvalidExpression as error:
        raise InvalidExpression(where, f"{text!r} is too long: {error.problem}") from error
