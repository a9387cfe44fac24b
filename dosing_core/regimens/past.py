"""Where every particle is when the first dose that is decided on is given, so that no search runs the history
again.

Kinetics that is solved exactly needs no such state: its history is as cheap as any dose. Such a part holds
None and the doses are joined.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dosing_core.inference.particles import Particles
from dosing_core.kinetics import DoseTable, auc, concentrations
from dosing_core.kinetics.ode import State, state_at
from dosing_core.kinetics.symbolic import linear_form
from dosing_core.population.individual import FloatArray, Individual, IntArray
from dosing_core.population.system import System

TOLERANCE = 1e-4
"""Relative, of the solver's steps: far finer than anybody knows the patient."""
LOST = 0.01
"""Share of particles that a solver may lose before nothing is said at all. Project policy: fewer cannot move
a percentage, and count as the median of the others."""


@dataclass(frozen=True, eq=False)
class Past:
    """Particles at ``first_h`` (h from now), with every dose before it."""

    parts: tuple[tuple[Individual, FloatArray, State | None], ...]
    """Individual, parameters [n_part, n_rows, n_parameters], and where the part is."""
    history: DoseTable
    first_h: float
    tolerance: float = TOLERANCE

    def of(self, chosen: IntArray) -> Past:
        """Some of the particles, by their places over all parts, which stay together."""
        parts, start = [], 0
        for individual, parameters, state in self.parts:
            own = chosen[(chosen >= start) & (chosen < start + len(parameters))] - start
            start += len(parameters)
            if len(own):
                kept = np.ascontiguousarray(parameters[own])
                here = replace(state, values=np.ascontiguousarray(state.values[own])) if state else None
                parts.append((individual, kept, here))
        return replace(self, parts=tuple(parts))

    def at(self, future: DoseTable, times: FloatArray, outputs: tuple[int, ...] | int = 0) -> FloatArray:
        """[n, n_times] of an output (one for all parts, or one each) at times from ``first_h`` on, if
        ``future`` is given. Raises ``ArithmeticError`` if too many particles cannot be computed."""
        each = (outputs,) * len(self.parts) if isinstance(outputs, int) else outputs
        found = []
        for (individual, parameters, state), output in zip(self.parts, each, strict=True):
            if state is None:
                table = self.history.joined(future)
                found.append(concentrations(individual, parameters, table, times, output))
            else:
                found.append(
                    concentrations(individual, parameters, future, times, output, self.tolerance, state=state)
                )
        return sound(np.concatenate(found))

    def area(self, future: DoseTable, start: float, end: float) -> FloatArray:
        """Area [n] under the measured concentration, mg·h/L, from ``start`` >= ``first_h`` to ``end``."""
        found = []
        for individual, parameters, state in self.parts:
            if state is None:
                found.append(auc(individual, parameters, self.history.joined(future), start, end))
            else:
                found.append(auc(individual, parameters, future, start, end, 0, self.tolerance, state=state))
        return sound(np.concatenate(found))

    @cached_property
    def area_given(self) -> FloatArray:
        """Area [n] from the first dose of the history to ``first_h``, mg·h/L."""
        if not len(self.history):
            return np.zeros(sum(len(parameters) for _, parameters, _ in self.parts))
        start, end = float(self.history.time[0]), self.first_h
        found = [
            auc(individual, parameters, self.history, start, end, 0, TOLERANCE)
            if isinstance(individual.structure, System)
            else auc(individual, parameters, self.history, start, end)
            for individual, parameters, _ in self.parts
        ]
        return sound(np.concatenate(found))


def past_of(particles: Particles, history: DoseTable, first_h: float) -> Past:
    """The particles when the first dose is due. ``history``: every dose before ``first_h``."""
    parts = []
    for (individual, _), parameters in zip(particles, particles.parameters, strict=True):
        stepped = isinstance(individual.structure, System) and linear_form(individual.structure) is None
        state = state_at(individual, parameters, history, first_h, TOLERANCE) if stepped else None
        parts.append((individual, parameters, state))
    return Past(tuple(parts), history, float(first_h))


def sound(values: FloatArray) -> FloatArray:
    """Values [n] or [n, ...] with the few that could not be computed replaced by the median of the others.

    Raises ``ArithmeticError`` if they are not few.
    """
    lost = ~np.isfinite(values)
    if not lost.any():
        return values
    bad = lost.reshape(len(values), -1).any(axis=1)
    if bad.mean() > LOST:
        raise ArithmeticError("too many particles have no solution under these doses")
    filled = values.copy()
    filled[bad] = np.median(values[~bad], axis=0)
    return filled
