"""The mode of the posterior: Fisher scoring from five starts at once, Newton's method to finish.

Objective, in whitened random effects z with eta = L z and omega = L L'::

    0.5 z'z + sum over levels of 0.5 ((y - f)² / v + log v)

The Fisher matrix ``I + J' (1/v + 0.5 (v'/v)²) J`` is always positive definite. ``closed`` goes down for
structures that are solved in closed form, ``stepped`` for systems that are solved by steps, ``general`` for
any other prediction.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from dosing_core.errors import InvalidVariability
from dosing_core.inference import closed, general, stepped
from dosing_core.inference.descent import factor, to_eta
from dosing_core.inference.observations import Observations
from dosing_core.inference.points import DIMENSIONS, normal_points
from dosing_core.kinetics import DoseTable, Prediction, is_exact, prediction
from dosing_core.population.individual import FloatArray, Individual, Structure

STARTS = 4
"""Quasi-random starts beside the prior mode: the mode nearest to the prior's need not be the highest."""
FINE, COARSE = 1e-6, 1e-4
"""Relative tolerance of an adaptive solver where a mode is finished, and on the way and for particles."""
SPREAD = 1.5
"""Standard deviations of the prior that the starts are spread over."""


@dataclass(frozen=True, eq=False)
class Mode:
    """One local maximum of the posterior density."""

    z: FloatArray
    """[d] whitened."""
    eta: FloatArray
    """[d] random effects."""
    objective: float
    gradient_norm: float
    covariance: FloatArray
    """[d, d] of z: inverse of the Hessian, or of the Fisher matrix where that is not positive definite."""


@dataclass(frozen=True, eq=False)
class MapEstimate:
    """The best mode, and the others worth knowing."""

    eta: FloatArray
    """[d]."""
    objective: float
    gradient_norm: float
    iterations: int
    modes: tuple[Mode, ...]
    """Best first; at least one."""


def whitening(omega: FloatArray) -> FloatArray:
    """L with L L' = omega; also for an omega that is only semidefinite (an effect that does not vary, or
    follows from others). Raises ``InvalidVariability`` for what is no covariance matrix."""
    omega = np.ascontiguousarray(omega, dtype=np.float64)
    lower = np.empty_like(omega)
    if factor(omega, 0.0, lower) and np.array_equal(omega, omega.T):
        return lower
    scale = float(np.max(np.abs(omega), initial=0.0))
    if not np.all(np.isfinite(omega)) or not np.allclose(omega, omega.T, rtol=1e-9, atol=1e-12 * scale):
        raise InvalidVariability("the covariance of the random effects is not finite and symmetric")
    value, vector = np.linalg.eigh(0.5 * (omega + omega.T))
    if value[0] < -1e-9 * scale:
        raise InvalidVariability("the covariance of the random effects has a negative variance in it")
    return np.ascontiguousarray(vector * np.sqrt(np.maximum(value, 0.0)))


@cache
def starts(d: int) -> FloatArray:
    """[1 + STARTS, d] where the ways down begin. Beyond the dimensions of the stored points, at 0 in the
    rest."""
    points = np.zeros((1 + STARTS, d))
    stored = min(d, DIMENSIONS)
    points[1:, :stored] = SPREAD * normal_points("prior", STARTS, stored).normal
    points.flags.writeable = False
    return points


def map_estimate(
    individual: Individual,
    doses: DoseTable,
    observations: Observations,
    predict: Prediction | None = None,
) -> MapEstimate:
    """The most probable random effects given the levels. Without levels, the prior's mode.

    ``predict`` (parameters to the level at each observation) replaces the structure's own prediction.
    Raises ``InvalidObservation`` and ``InvalidVariability``.
    """
    d = individual.dimension
    lower = whitening(individual.omega)
    if d == 0 or len(observations) == 0:
        mode = Mode(np.zeros(d), np.zeros(d), 0.0, 0.0, np.eye(d))
        return MapEstimate(mode.eta, 0.0, 0.0, 0, (mode,))
    if predict is None and isinstance(individual.structure, Structure):
        return modes_of(closed.problem(individual, doses, observations, lower))
    if predict is None and by_steps(individual):
        return modes_by_steps(stepped.problem(individual, doses, observations, lower))
    fine, coarse = surfaces(individual, doses, observations, lower, predict)
    return modes_on(fine, coarse)


def by_steps(individual: Individual) -> bool:
    """True if ``stepped`` leads from start to end: a system that no formula solves."""
    return not is_exact(individual) and individual.dimension <= stepped.MOST_EFFECTS


def surfaces(
    individual: Individual,
    doses: DoseTable,
    observations: Observations,
    lower: FloatArray,
    predict: Prediction | None = None,
) -> tuple[general.Surface, general.Surface]:
    """The surface to finish a descent on, and the coarser one to begin it and to spread particles over."""
    if predict is None and is_exact(individual):
        predict = prediction(individual, doses, observations.time, observations.output)
    if predict is not None:
        surface = general.Surface(individual, observations, predict, lower)
        return surface, surface
    fine, coarse = (
        prediction(
            individual, doses, observations.time, observations.output, tolerance, together=general.TOGETHER
        )
        for tolerance in (FINE, COARSE)
    )
    surface = general.Surface(individual, observations, fine, lower)
    return surface, surface.by(coarse)


def modes_of(problem: closed.Problem) -> MapEstimate:
    """The same for levels that are already laid out."""
    return _estimate(problem.lower, closed.modes(problem, starts(len(problem.lower))))


def modes_by_steps(problem: stepped.Problem) -> MapEstimate:
    """The same for a system that is solved by steps."""
    return _estimate(problem.lower, stepped.modes(problem, starts(len(problem.lower)), FINE, COARSE))


def modes_on(fine: general.Surface, coarse: general.Surface) -> MapEstimate:
    """The same on the surfaces of any prediction."""
    return _estimate(fine.lower, general.modes(fine, coarse, starts(len(fine.lower))))


def _estimate(lower: FloatArray, ends: general.Ends) -> MapEstimate:
    z, objective, slope, covariance, iterations = ends
    eta = to_eta(lower, z)
    modes = tuple(
        Mode(z[k], eta[k], float(objective[k]), float(slope[k]), covariance[k]) for k in range(len(z))
    )
    best = modes[0]
    return MapEstimate(best.eta, best.objective, best.gradient_norm, iterations, modes)
