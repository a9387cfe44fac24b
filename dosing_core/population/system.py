"""``System``: a structural model written out: states, how they change, where doses enter, what is seen.

Every structure beyond the closed forms of one and two compartments is one of these, whether a named family
built it (three compartments, transit absorption, Michaelis–Menten, target-mediated disposition, turnover) or
a drug file spells its equations. Which solver runs it is decided from its form: a system that is linear with
constant coefficients is solved exactly, any other by an adaptive solver.

Names that an expression may read, beside parameters and states: ``t``, hours since the first dose of the
treatment, and ``clock``, the hour of the local day (0 to 24).
"""

from __future__ import annotations

from dataclasses import dataclass

from dosing_core.case import Route
from dosing_core.population.expressions import Expression

TIME, CLOCK, DOSE = "t", "clock", "dose"
"""Names that a system's expressions may read beside parameters and states; ``dose`` (mg) in entries only."""


@dataclass(frozen=True)
class Entry:
    """One way in for the doses of one route; a route with several has parallel inputs."""

    route: Route
    state: int
    """Place of the state that receives it."""
    amount: Expression
    """What enters of ``dose`` (mg), over the parameters in force when it is given: ``F * dose``, or a
    bioavailability that saturates with the dose."""
    lag: str | None = None
    """Parameter: h between giving and entering. None: none."""
    duration: str | None = None
    """Parameter: h over which it enters at a constant rate. None: the dose's own length."""


@dataclass(frozen=True)
class Output:
    """Something that can be measured or aimed at."""

    name: str
    """``concentration`` is the measured concentration of the drug, mg/L; others are free (``unbound``,
    ``metabolite``, ``inr``, ``neutrophils``, ``occupancy``)."""
    value: Expression
    """Over parameters, states, ``t`` and ``clock``."""
    unit: str = "mg/L"


@dataclass(frozen=True)
class System:
    """A structural model as the solvers take it. Times h, amounts mg, concentrations mg/L."""

    parameters: tuple[str, ...]
    """Names of the columns of a parameter array."""
    states: tuple[str, ...]
    derivatives: tuple[Expression, ...]
    """[n_states] change per hour, over parameters, states, ``t`` and ``clock``."""
    initial: tuple[Expression, ...]
    """[n_states] before the first dose, over the parameters of the first row (a baseline; 0 for amounts)."""
    entries: tuple[Entry, ...]
    outputs: tuple[Output, ...]
    """At least one; the first is what a level of the drug measures."""
    stiff: bool = False
    """True: rates span so many decades that an implicit solver is needed."""

    def output(self, name: str) -> int:
        """Place of the output of this name. Raises ``KeyError``."""
        for place, output in enumerate(self.outputs):
            if output.name == name:
                return place
        raise KeyError(name)

    def enters(self, route: Route) -> tuple[Entry, ...]:
        """The ways in for doses of this route; empty if it has none."""
        return tuple(entry for entry in self.entries if entry.route == route)

    def ways_in(self, depot: bool) -> tuple[Entry, ...]:
        """The ways in for doses through a depot, by mouth or under the skin, or for those into a vein."""
        return tuple(entry for entry in self.entries if (entry.route != "iv") == depot)
