"""What each metric is, and how a regimen's answer is read off for it: one place, whatever the kinetics.

=================  ==============================================  ======================================
metric             linear (``regimens.responses``)                 simulated (``regimens.simulated``)
=================  ==============================================  ======================================
``auc24``          F · dose / CL · 24 / interval at steady state    area of the last 24 h of the horizon
``average``        ``auc24`` / 24                                  the same
``timed``          so long after a dose at steady state            so long after the last dose's start
``trough``         before a dose at steady state                   before the last dose's successor
``peak``           highest at steady state                         highest of the last interval
``cumulative_auc`` area from the course's first dose to its end,   the same
                   doses already given included
``time_above_mic`` share of the steady interval above MIC / unbound share of the last interval
``effect``         -                                               the output at the horizon
``occupancy``      -                                               the output before a dose
``nadir``          -                                               the output's lowest over the horizon
=================  ==============================================  ======================================

Concentrations are the measured ones, mg/L; areas mg·h/L; fractions 0 to 1.
"""

from __future__ import annotations

from typing import Protocol

from dosing_core.case import Metric
from dosing_core.errors import UnusableGoal
from dosing_core.inference.particles import Particles
from dosing_core.population.individual import FloatArray
from dosing_core.population.system import System
from dosing_core.recommendation import Target

FRACTIONS: tuple[Metric, ...] = ("time_above_mic", "occupancy")
"""Metrics between 0 and 1."""
OF_AN_OUTPUT: tuple[Metric, ...] = ("effect", "occupancy", "nadir")
"""Metrics of an output that only a model written out has."""


class Response(Protocol):
    """What any dose of one schedule does to each particle; ``doses`` [n_doses] mg, results [n_doses, n]."""

    @property
    def interval_h(self) -> float:
        """h between the doses of the schedule."""
        ...

    def auc24(self, doses: FloatArray) -> FloatArray: ...

    def trough(self, doses: FloatArray) -> FloatArray: ...

    def peak(self, doses: FloatArray) -> FloatArray: ...

    def average(self, doses: FloatArray) -> FloatArray: ...

    def timed(self, doses: FloatArray, after_h: float) -> FloatArray: ...

    def cumulative_auc(self, doses: FloatArray, course_h: float) -> FloatArray: ...

    def time_above(self, doses: FloatArray, threshold: FloatArray) -> FloatArray:
        """``threshold`` [n] mg/L of the measured concentration, one a particle."""
        ...

    def effect(self, doses: FloatArray, output: str) -> FloatArray: ...

    def occupancy(self, doses: FloatArray, output: str) -> FloatArray: ...

    def nadir(self, doses: FloatArray, output: str) -> FloatArray: ...


def exposures(response: Response, target: Target, doses: FloatArray, factors: FloatArray) -> FloatArray:
    """The target's metric [n_doses, n].

    ``factors`` [n]: variation within the patient that the model leaves out. It multiplies concentrations; an
    effect is left as it is, since how variation reaches it is for its model to say.
    Raises ``UnusableGoal`` if the target lacks what its metric needs.
    """
    if target.metric == "time_above_mic":
        return response.time_above(doses, threshold(target) / factors)
    if target.metric == "timed":
        if target.after_h is None:
            raise UnusableGoal("A concentration some time after a dose is aimed at, but not how long after.")
        return response.timed(doses, target.after_h) * factors
    if target.metric == "cumulative_auc":
        if target.course_h is None:
            raise UnusableGoal("A cumulative area is aimed at, but the length of the course is not known.")
        return response.cumulative_auc(doses, target.course_h) * factors
    if target.metric in OF_AN_OUTPUT:
        of_output = {"effect": response.effect, "occupancy": response.occupancy, "nadir": response.nadir}
        return of_output[target.metric](doses, output_name(target))
    return plain(response, target.metric, doses) * factors


def plain(response: Response, metric: str, doses: FloatArray) -> FloatArray:
    """A metric that needs nothing beside the response: ``auc24``, ``trough``, ``peak`` or ``average``."""
    methods = {
        "auc24": response.auc24,
        "trough": response.trough,
        "peak": response.peak,
        "average": response.average,
    }
    return methods[metric](doses)


def threshold(target: Target) -> float:
    """Measured concentration, mg/L, at which the unbound one equals the MIC. Raises ``UnusableGoal``."""
    if target.mic_mg_L is None:
        raise UnusableGoal("Time above the MIC is aimed at, but no MIC is on record.")
    if not 0.0 < target.unbound_fraction <= 1.0:
        raise UnusableGoal("The unbound fraction must be above 0 and at most 1.")
    return target.mic_mg_L / target.unbound_fraction


def output_name(target: Target) -> str:
    """The model's output that the target is about; an occupancy needs no name."""
    return target.output or ("occupancy" if target.metric == "occupancy" else "")


def check(target: Target, particles: Particles) -> None:
    """Raise ``UnusableGoal`` if this goal contradicts itself or cannot be asked of these models."""
    low, high = target.low, target.high
    if not low < high:
        raise UnusableGoal("The aim contradicts itself: its lower end is not below its upper one.")
    if target.metric in FRACTIONS and not 0.0 <= low < high <= 1.0:
        raise UnusableGoal("The aim is a fraction, so both its ends lie between 0 and 1.")
    if target.metric == "time_above_mic":
        threshold(target)
    if target.metric in OF_AN_OUTPUT:
        name = output_name(target)
        for individual, _ in particles:
            structure = individual.structure
            if not isinstance(structure, System) or all(one.name != name for one in structure.outputs):
                raise UnusableGoal(f"The model has no output {name!r} that could be aimed at.")
