"""The if-then plan: what the next level would change, worked out before it is drawn.

For each value that the level may show, the particles are weighed by how well they would explain it; then the
same regimens are compared on the same particles as today. Neighbouring values with the same answer make one
step of the plan. No new simulation is needed but that of the level itself. Where only finalists were
simulated exactly, the first stage of the search stands in: it knows every candidate well enough to choose.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from dosing_core.case import Regimen
from dosing_core.foreseen import followed_regimen, foresee, predicted_at
from dosing_core.kinetics import hours
from dosing_core.population.individual import FloatArray
from dosing_core.recommendation import PlanStep, RegimenOption
from dosing_core.regimens.candidates import Candidate
from dosing_core.regimens.comparison import kept_or_better
from dosing_core.regimens.options import six
from dosing_core.regimens.search import Search, score_all

NODES = 21
"""Values that the level is supposed to show, evenly in probability."""
EVERY = 2
"""Every other particle is asked: borders are given to two digits, which half of them know."""
MOST_STEPS = 5
"""A table that is read at the bedside. Project policy."""
RARE = 0.03
"""A step less likely than this is not worth a line. Project policy."""


def plan(
    found: Search,
    followed: RegimenOption,
    duration_h: float,
    level_at: datetime,
    now: datetime,
) -> tuple[PlanStep, ...]:
    """What to do for each range of the next level, from low to high; empty if no level would change anything.

    ``followed``: the regimen given until then, ``duration_h`` the length of its infusions as judged.
    """
    regimen = followed_regimen(followed, duration_h)
    pool = pool_with(found, regimen, EVERY)
    question = pool.question
    predicted = predicted_at(question, followed, duration_h, [hours(level_at, now)])[:, 0]
    foreseen = foresee(pool.particles, predicted, question.target, question.occasion_cv, NODES)
    answers = kept_or_better(pool, foreseen.weights, regimen)
    return _steps(foreseen.values, foreseen.chances, answers, regimen)


def pool_with(found: Search, regimen: Regimen, every: int = 1) -> Search:
    """The usual candidates and ``regimen``, of all that the search looked at; where it is exact, on every so
    many of the particles."""
    pool = found.coarse or found
    place = pool.place(regimen)
    if place is None:
        place = len(pool.candidates)
        pool = pool.joined(score_all(pool.question, (Candidate(regimen, usual=True, preference=0),)))
    asked = [n for n, one in enumerate(pool.candidates) if one.usual or n == place]
    return pool.of(asked, every if pool.question.superposes else 1)


def _steps(
    values: FloatArray, chances: FloatArray, answers: Sequence[Regimen], followed: Regimen
) -> tuple[PlanStep, ...]:
    """Neighbours with one answer joined, rare ones given to their neighbour, the ends open."""
    merged = [
        (answer, [place for place, _ in group])
        for answer, group in groupby(enumerate(answers), key=lambda pair: pair[1])
    ]
    while len(merged) > 1 and (len(merged) > MOST_STEPS or _rarest(merged, chances) < RARE):
        merged = _joined(merged, chances, followed)
    if len(merged) < 2:
        return ()
    return tuple(
        PlanStep(
            low=None if first == 0 else _between(values, merged[first][1][0]),
            high=None if first == len(merged) - 1 else _between(values, merged[first + 1][1][0]),
            regimen=regimen,
            chance=six(float(chances[places].sum())),
            stay=regimen == followed,
        )
        for first, (regimen, places) in enumerate(merged)
    )


def _rarest(merged: Sequence[tuple[Regimen, list[int]]], chances: FloatArray) -> float:
    return min(float(chances[places].sum()) for _, places in merged)


def _joined(
    merged: Sequence[tuple[Regimen, list[int]]], chances: FloatArray, followed: Regimen
) -> list[tuple[Regimen, list[int]]]:
    """The least likely step joins its likelier neighbour, whose answer stands; staying is kept longest."""
    order = sorted(range(len(merged)), key=lambda i: (merged[i][0] == followed, chances[merged[i][1]].sum()))
    rare = order[0]
    sides = [i for i in (rare - 1, rare + 1) if 0 <= i < len(merged)]
    into = max(sides, key=lambda i: (merged[i][0] != followed, chances[merged[i][1]].sum()))
    places = sorted(merged[rare][1] + merged[into][1])
    kept = [step for i, step in enumerate(merged) if i not in (rare, into)]
    result = [*kept, (merged[into][0], places)]
    return sorted(result, key=lambda step: step[1][0])


def _between(values: FloatArray, place: int) -> float:
    """The border below a node, to two significant digits: levels are not read finer."""
    return float(f"{0.5 * (values[place - 1] + values[place]):.2g}")
