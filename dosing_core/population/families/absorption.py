"""How drug that is swallowed or injected under the skin arrives: one way in or two in parallel, and how much
of a dose takes each."""

from __future__ import annotations

from dosing_core.case import Route
from dosing_core.population.families.options import Absorption, StructuralOptions
from dosing_core.population.families.part import Part, Way


def absorption(options: StructuralOptions) -> tuple[Part, str]:
    """All ways in through a depot, and the rate (mg/h) at which drug leaves them as text, ``0`` if none.

    Zero-order input goes straight into the central compartment and is no part of that rate. Raises
    ``ValueError`` where a well-stirred liver would have to see it.
    """
    if options.depot_route is None:
        return Part(), "0"
    inputs = options.absorption or (Absorption(),)
    if options.elimination == "well_stirred" and any(each.input == "zero_order" for each in inputs):
        raise ValueError("zero-order input passes no liver: use zero_then_first with a well-stirred one")
    available, parameters = _available(options)
    shares: tuple[str, ...] = (available,)
    if len(inputs) == 2:
        parameters += ("fr",)
        shares = (f"fr * {available}", f"(1 - fr) * {available}")
    parts = [
        _one(each, options.depot_route, number, share)
        for number, (each, share) in enumerate(zip(inputs, shares, strict=True))
    ]
    arriving = [term for part in parts for state, _, term in part.terms if state == "central"]
    return (
        Part(
            parameters=tuple(name for part in parts for name in part.parameters) + parameters,
            states=tuple(state for part in parts for state in part.states),
            terms=tuple(term for part in parts for term in part.terms),
            ways=tuple(way for part in parts for way in part.ways),
        ),
        " + ".join(arriving) or "0",
    )


def _available(options: StructuralOptions) -> tuple[str, tuple[str, ...]]:
    """What of ``dose`` arrives at all, and the parameters of that."""
    factors, parameters = ["F"], ["F"]
    if options.bioavailability == "saturable":
        factors.append("(1 - Fdrop * dose / (FD50 + dose))")
        parameters += ["Fdrop", "FD50"]
    if options.food:
        factors.append("(1 + Ffood * fed)")
        parameters += ["Ffood", "fed"]
    return " * ".join([*factors, "dose"]), tuple(parameters)


def _one(way: Absorption, route: Route, number: int, amount: str) -> Part:
    """One way in; the names of a second one end in 2."""
    end = "2" if number else ""
    ka, duration, depot = f"ka{end}", f"D{number + 1}", f"depot{end}"
    lag = f"tlag{end}" if way.lag else None
    lags = (lag,) if lag else ()
    if way.input == "zero_order":
        return Part(parameters=(duration, *lags), ways=(Way(route, "central", amount, lag, duration),))
    if way.stages is not None:
        return _chain(way, way.stages, route, end, amount, lag)
    zero = way.input == "zero_then_first"
    return Part(
        parameters=(*((duration,) if zero else ()), ka, *lags),
        states=((depot, "0"),),
        terms=((depot, "-", f"{ka} * {depot}"), ("central", "+", f"{ka} * {depot}")),
        ways=(Way(route, depot, amount, lag, duration if zero else None),),
    )


def _chain(way: Absorption, stages: int, route: Route, end: str, amount: str, lag: str | None) -> Part:
    """Steps of one rate each; a transit chain ends in a depot of its own rate."""
    under = f"_{end}" if end else ""
    steps = stages + 1 if way.input == "transit" else stages
    named = f"ktr{end}" if way.rate == "ktr" else f"MTT{under}"
    ktr = named if way.rate == "ktr" else f"{steps} / {named}"
    states = [f"transit{step}{under}" for step in range(1, steps + 1)]
    rates = [f"{ktr} * {state}" for state in states]
    parameters = [named]
    if way.input == "transit":
        states.append(f"depot{end}")
        rates.append(f"ka{end} * depot{end}")
        parameters.append(f"ka{end}")
    terms: list[tuple[str, str, str]] = []
    for state, rate, following in zip(states, rates, [*states[1:], "central"], strict=True):
        terms += [(state, "-", rate), (following, "+", rate)]
    return Part(
        parameters=(*parameters, *((lag,) if lag else ())),
        states=tuple((state, "0") for state in states),
        terms=tuple(terms),
        ways=(Way(route, states[0], amount, lag),),
    )
