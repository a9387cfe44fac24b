"""Courses: stretches of a subject's time that start from nothing, or from a steady state, and are predicted
each by itself.

Most subjects have one. A reset (EVID 3 and 4) and a steady state that takes the place of what was there
(SS 1) begin another; a steady state on top of what is there (SS 2) is one more that is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dosing_core.kinetics import DoseTable, Prediction, prediction
from dosing_core.population.individual import FloatArray, Individual, IntArray
from dosing_core.population.system import System


@dataclass(frozen=True, eq=False)
class Course:
    """What is given in one stretch of time, and the samples that it reaches."""

    first_row: int
    """Row of the subject's ``Individual`` that is in force at the start, and before it."""
    doses: DoseTable
    place: IntArray
    """[m] which of the subject's samples."""
    time: FloatArray
    """[m] h of those samples, on the clock of ``doses``."""


def whole(individual: Individual, courses: Sequence[Course]) -> Course | None:
    """The only course of a subject, where it is the plain kinetics of ``individual``; else None."""
    return courses[0] if len(courses) == 1 and courses[0].first_row == 0 else None


def prediction_of(
    individual: Individual,
    courses: Sequence[Course],
    output: IntArray,
    only: IntArray | None = None,
    together: int = 1,
) -> Prediction:
    """Parameters [n, n_rows, n_parameters] to what is predicted at each sample, [n, n_samples].

    ``output`` [n_samples] is which output each sample is of; ``only`` takes some of them, in its order.
    ``together``: so many in a row take the same steps (see ``kinetics.prediction``).
    """
    chosen = np.arange(len(output)) if only is None else only
    wanted = np.full(len(output), -1)
    wanted[chosen] = np.arange(len(chosen))
    parts = []
    for course in courses:
        kept = wanted[course.place] >= 0
        place = wanted[course.place[kept]]
        if len(place):
            own = from_row(individual, course.first_row)
            due = output[course.place[kept]]
            outputs = due if isinstance(own.structure, System) else None
            part = prediction(own, course.doses, course.time[kept], outputs, together=together)
            parts.append((course.first_row, place, part))

    def predict(parameters: FloatArray) -> FloatArray:
        found = np.zeros((len(parameters), len(chosen)))
        for first_row, place, part in parts:
            found[:, place] += part(np.ascontiguousarray(parameters[:, first_row:]))
        return found

    return predict


def from_row(individual: Individual, first: int) -> Individual:
    """The individual as if its row ``first`` had always been in force before the next."""
    if first == 0:
        return individual
    time = individual.row_time[first:].copy()
    time[0] = -np.inf

    def rows(values: Any) -> Any:
        return None if values is None else values[first:]

    return replace(
        individual,
        row_time=time,
        typical=individual.typical[first:],
        binding=rows(individual.binding),
        eta_acts=rows(individual.eta_acts),
        occasion_index=rows(individual.occasion_index),
    )
