"""This patient's dose-response curves: what each dose of one schedule brings, particle by particle."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dosing_core.goals.metrics import check, exposures
from dosing_core.population.individual import BoolArray, FloatArray
from dosing_core.recommendation import Target
from dosing_core.regimens.respond import respond
from dosing_core.regimens.responses import Schedule
from dosing_core.regimens.scored import Question

STEPS = 2.0 ** np.linspace(-5.0, 5.0, 21)
"""Doses that are looked at, as multiples of the regimen's: a factor of 32 to each side, each step by 1.41."""
SIMULATED_STEPS = 2.0 ** np.linspace(-4.0, 4.0, 9)
SIMULATED_PARTICLES = 128
"""Where each dose has to be simulated, fewer of both: a median is then known to a few percent."""


@dataclass(frozen=True, eq=False)
class Curves:
    """Several exposures or effects over the same doses and particles."""

    doses: FloatArray
    """[n_doses] mg, ascending."""
    values: tuple[FloatArray, ...]
    """Each [n_doses, n], in its target's unit."""


def curves(question: Question, schedule: Schedule, dose_mg: float, targets: tuple[Target, ...]) -> Curves:
    """The metric of each target over the doses around ``dose_mg``.

    Variation from occasion to occasion is left out, as it moves benefit and harm alike.
    Raises ``UnusableGoal`` if one of them cannot be asked of the models.
    """
    asked = question
    if not question.superposes:
        step = max(1, question.particles.size // SIMULATED_PARTICLES)
        asked = replace(question, particles=question.particles.every(step))
    doses = dose_mg * (STEPS if asked.superposes else SIMULATED_STEPS)
    values = []
    for target in targets:
        check(target, asked.particles)
        own = replace(asked, target=target)
        (response,) = respond(own, (schedule,))
        values.append(exposures(response, target, doses, np.ones(asked.particles.size)))
    return Curves(doses, tuple(values))


def dose_at(doses: FloatArray, values: FloatArray, level: float) -> tuple[FloatArray, BoolArray]:
    """Dose [n] at which each curve ``values`` [n_doses, n] first reaches ``level`` from the lowest dose on,
    and whether it does within these doses; where not, the nearest of them.

    Between doses the curve is straight in ln(dose), of its logarithm where it is positive.
    """
    logs = np.log(doses)
    shape, wanted = values, level
    if level > 0.0 and (values > 0.0).all():
        shape, wanted = np.log(values), float(np.log(level))
    rising = shape[-1] >= shape[0]
    reached = np.where(rising, shape >= wanted, shape <= wanted)
    place = np.argmax(reached, axis=0)
    row = np.arange(values.shape[1])
    ever = reached.any(axis=0)
    inside = ever & (place > 0)
    after = np.maximum(place, 1)
    low, high = shape[after - 1, row], shape[after, row]
    step = np.where(high != low, high - low, 1.0)
    share = np.clip((wanted - low) / step, 0.0, 1.0)
    found = logs[after - 1] + share * (logs[after] - logs[after - 1])
    found = np.where(inside, found, np.where(ever, logs[0], logs[-1]))
    return np.exp(found), inside


def value_at(doses: FloatArray, values: FloatArray, wanted: FloatArray) -> FloatArray:
    """Each curve ``values`` [n_doses, n], positive, read at its own dose ``wanted`` [n]: straight in
    logarithms."""
    logs, shape = np.log(doses), np.log(np.maximum(values, 1e-300))
    place = np.clip(np.searchsorted(logs, np.log(wanted)), 1, len(logs) - 1)
    row = np.arange(values.shape[1])
    share = (np.log(wanted) - logs[place - 1]) / (logs[place] - logs[place - 1])
    low, high = shape[place - 1, row], shape[place, row]
    return np.asarray(np.exp(low + share * (high - low)))
