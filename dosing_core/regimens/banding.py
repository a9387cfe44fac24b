"""Dose bands: which ready-made dose stands in for the exact one, and what that costs.

Bands meet at geometric means, so that a dose is never off by more than half the step between two bands as a
ratio. The cost is the expected loss of the band's dose less that of the best unrounded dose at the same
schedule, both on the same particles.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from dosing_core.case import Regimen
from dosing_core.library.schema import DrugFile
from dosing_core.population.individual import FloatArray
from dosing_core.recommendation import Band
from dosing_core.regimens.respond import respond
from dosing_core.regimens.responses import Schedule
from dosing_core.regimens.scored import Question, valued

GRID, ROUNDS = 9, 4
"""Each round looks at so many doses, then between the neighbours of the best: after four rounds the dose is
known to 1 % of the first step."""


def band(question: Question, drug_file: DrugFile, regimen: Regimen) -> Band | None:
    """The band that the exact dose at this regimen's schedule falls into; None if the file has no bands."""
    rule = drug_file.dosing.bands
    if rule is None or (regimen.route == "oral" and drug_file.dosing.oral is not None):
        return None
    doses = rule.doses_mg
    schedule = Schedule(regimen.interval_h, regimen.duration_h, regimen.route)
    least, most = doses[0] / 2.0, min(2.0 * doses[-1], drug_file.limits.single.value)
    exact, exact_loss = exact_dose(question, schedule, least, max(most, doses[-1]))
    chosen, low, high = band_of(exact, doses)
    loss = float(_loss(question, schedule, np.array([chosen]))[0])
    return Band(
        dose_mg=chosen,
        low_mg=float(f"{low:.6g}"),
        high_mg=high if math.isinf(high) else float(f"{high:.6g}"),
        exact_mg=float(f"{exact:.4g}"),
        loss=float(f"{loss:.6g}"),
        exact_loss=float(f"{min(exact_loss, loss):.6g}"),
    )


def band_of(exact_mg: float, doses_mg: Sequence[float]) -> tuple[float, float, float]:
    """The band's dose for an exact dose, and where the band begins and ends, mg (0 and infinity outside)."""
    borders = [0.0, *(math.sqrt(one * other) for one, other in pairwise(doses_mg)), math.inf]
    for dose, low, high in zip(doses_mg, borders[:-1], borders[1:], strict=True):
        if exact_mg < high:
            return dose, low, high
    raise ValueError("a dose that is not a number has no band")


def exact_dose(
    question: Question, schedule: Schedule, least_mg: float, most_mg: float
) -> tuple[float, float]:
    """The dose between two with the least expected loss, unrounded, mg, and that loss."""
    low, high = math.log(least_mg), math.log(most_mg)
    best, loss = least_mg, math.inf
    for _ in range(ROUNDS):
        grid = np.linspace(low, high, GRID)
        found = _loss(question, schedule, np.exp(grid))
        place = int(np.argmin(found))
        if found[place] < loss:
            best, loss = float(np.exp(grid[place])), float(found[place])
        low, high = float(grid[max(place - 1, 0)]), float(grid[min(place + 1, GRID - 1)])
    return best, loss


def _loss(question: Question, schedule: Schedule, doses: FloatArray) -> FloatArray:
    (response,) = respond(question, (schedule,))
    mean: FloatArray = valued(question, response, doses)[1].mean(axis=1)
    return mean
