"""The if-then plan: what the next level would change, worked out before it is drawn.

For each value that the level may show, the particles are weighed by how well they would explain it; then the
same regimens are compared on the same particles as today. Neighbouring values with the same answer make one
step of the plan. No new simulation is needed but that of the level itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

import numpy as np

from dosing_core.case import Regimen
from dosing_core.inference.likelihood import log_likelihood
from dosing_core.inference.summaries import quantile
from dosing_core.kinetics import concentrations, hours, train
from dosing_core.population.individual import FloatArray, ResidualError
from dosing_core.recommendation import PlanStep, RegimenOption
from dosing_core.regimens.candidates import Candidate
from dosing_core.regimens.comparison import best, is_relevant
from dosing_core.regimens.options import six
from dosing_core.regimens.search import Question, Scored, Search, search

NODES = 21
"""Values that the level is supposed to show, evenly in probability."""
EVERY = 2
"""Every other particle is asked: borders are given to two digits, which half of them know."""
TAIL = 0.01
"""Beyond the central 98 % a level is checked before it is followed, so nothing is planned for it."""
MOST_STEPS = 5
"""A table that is read at the bedside. Project policy."""
RARE = 0.03
"""A step less likely than this is not worth a line. Project policy."""


def plan(
    question: Question,
    found: Search,
    followed: RegimenOption,
    duration_h: float,
    level_at: datetime,
    now: datetime,
) -> tuple[PlanStep, ...]:
    """What to do for each range of the next level, from low to high; empty if no level would change anything.

    ``followed``: the regimen given until then, ``duration_h`` the length of its infusions as judged.
    """
    regimen = followed.regimen.model_copy(update={"duration_h": duration_h})
    if all(candidate.regimen != regimen for candidate in found.candidates):
        found = search(question, (*found.candidates, Candidate(regimen, usual=True, preference=0)))
    asked = [n for n, one in enumerate(found.candidates) if one.usual or one.regimen == regimen]
    found = found.of(asked, EVERY)
    predicted = _predicted(question, followed, regimen, hours(level_at, now))[::EVERY]
    error = _error(question)
    values, chances = _supposed(predicted, error)
    log_weights = log_likelihood(error, predicted[None, :], values[:, None])
    weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    answers = [_answer(question, scored, regimen) for scored in found.reweighted(weights)]
    return _steps(values, chances, answers, regimen)


def _predicted(question: Question, followed: RegimenOption, regimen: Regimen, level_h: float) -> FloatArray:
    """True concentration [n] at the time of the level if the regimen is followed, mg/L."""
    count = max(0, int(np.ceil((level_h - question.first_h) / regimen.interval_h)))
    future = train(regimen, question.first_h, count, followed.loading_dose_mg, followed.loading_duration_h)
    doses, times = question.history.joined(future), np.array([level_h])
    return question.particles.map(lambda person, p: concentrations(person, p, doses, times))[:, 0]


def _error(question: Question) -> ResidualError:
    """Error of the level; variation that the model leaves out adds to it, as no level can tell them apart."""
    published = question.particles.parts[0][0].residual
    proportional = float(np.hypot(published.proportional, question.occasion_cv))
    return ResidualError(published.additive, proportional)


def _supposed(predicted: FloatArray, error: ResidualError) -> tuple[FloatArray, FloatArray]:
    """Values of the level, mg/L, in order, and how likely the level is nearest to each."""
    shares = np.linspace(TAIL, 1.0 - TAIL, NODES)
    spread = np.sqrt(error.additive**2 + (error.proportional * predicted) ** 2)
    normal = np.array([-1.2816, -0.5244, 0.0, 0.5244, 1.2816])  # deciles 1, 3, 5, 7, 9: equal weights
    sample = np.maximum(predicted[:, None] + spread[:, None] * normal, 1e-9 * predicted.max()).ravel()
    values = np.unique(quantile(sample, np.full(len(sample), 1.0 / len(sample)), shares.tolist()))
    edges = np.concatenate([[-np.inf], 0.5 * (values[1:] + values[:-1]), [np.inf]])
    chances = np.histogram(sample, edges)[0] / len(sample)
    return values, chances


def _answer(question: Question, scored: Sequence[Scored], followed: Regimen) -> Regimen:
    """The regimen that these scores call for: the followed one unless another is relevantly better."""
    chosen = best([one for one in scored if one.usual] or scored, question.target, question.judgement)
    present = next(one for one in scored if one.regimen == followed)
    if chosen is None or not is_relevant(present, chosen, question.target, question.judgement):
        return followed
    return chosen.regimen


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
