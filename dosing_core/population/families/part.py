"""Parts of a structural model and how they make a whole.

A part is what one idea adds: states, terms of how states change, ways in, outputs. It names states of other
parts in its terms, so that an effect can be driven by any concentration and a target can remove drug from any
disposition. ``assemble`` adds up the terms of each state and parses the sums in the safe language.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dosing_core.case import Route
from dosing_core.population.expressions import Expression, parse
from dosing_core.population.system import CLOCK, DOSE, TIME, Entry, Output, System


@dataclass(frozen=True)
class Way:
    """One way in, as text; see ``system.Entry``."""

    route: Route
    state: str
    amount: str
    lag: str | None = None
    duration: str | None = None


@dataclass(frozen=True)
class Part:
    """What one idea adds to a model."""

    parameters: tuple[str, ...] = ()
    states: tuple[tuple[str, str], ...] = ()
    """Name and start of each."""
    terms: tuple[tuple[str, str, str], ...] = ()
    """State, ``+`` or ``-``, and a product: what flows into the state or out of it per hour."""
    ways: tuple[Way, ...] = ()
    outputs: tuple[tuple[str, str, str], ...] = ()
    """Name, expression, unit."""
    stiff: bool = False


def assemble(parts: Iterable[Part]) -> System:
    """The system of these parts, in their order.

    Raises ``ValueError`` if two parts give the same name to a parameter, state or output.
    """
    parts = tuple(parts)
    parameters = _distinct("parameter", (name for part in parts for name in part.parameters))
    states = _distinct("state", (name for part in parts for name, _ in part.states))
    _distinct("name", parameters + states)
    outputs = tuple(output for part in parts for output in part.outputs)
    _distinct("output", (name for name, _, _ in outputs))
    names = {*parameters, *states, TIME, CLOCK}

    def over(text: str, known: Iterable[str], what: str) -> Expression:
        return parse(text, known, f"structure, {what}", built=True)

    return System(
        parameters=parameters,
        states=states,
        derivatives=tuple(over(_sum(parts, state), names, f"change of {state}") for state in states),
        initial=tuple(
            over(start, parameters, f"start of {state}") for part in parts for state, start in part.states
        ),
        entries=tuple(
            Entry(
                route=way.route,
                state=states.index(way.state),
                amount=over(way.amount, {*parameters, DOSE}, f"dose into {way.state}"),
                lag=way.lag,
                duration=way.duration,
            )
            for part in parts
            for way in part.ways
        ),
        outputs=tuple(Output(name, over(text, names, name), unit) for name, text, unit in outputs),
        stiff=any(part.stiff for part in parts),
    )


def _sum(parts: tuple[Part, ...], state: str) -> str:
    """All that changes the state, as one sum."""
    terms = [(sign, term) for part in parts for place, sign, term in part.terms if place == state]
    if not terms:
        return "0"
    first_sign, first = terms[0]
    text = first if first_sign == "+" else f"-{first}"
    return text + "".join(f" {sign} {term}" for sign, term in terms[1:])


def _distinct(what: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names, each once. Raises ``ValueError``."""
    names = tuple(names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{what} {', '.join(twice)} would have two meanings in this model")
    return names
