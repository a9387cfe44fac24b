"""Every candidate held against the target, all on the same particles.

The target's own metric decides, or the utility of whoever asks. What else a regimen does (other exposures,
the first day) is worked out for the few that are shown. Where doses superpose, every candidate is exact; else
``two_stage`` finds the finalists and only those come back, simulated exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dosing_core.case import Regimen
from dosing_core.goals.metrics import check
from dosing_core.regimens.candidates import Candidate
from dosing_core.regimens.responses import Schedule, responses
from dosing_core.regimens.scored import Question, Scored, Search, valued
from dosing_core.regimens.two_stage import exact, two_stage

__all__ = ["Question", "Scored", "Search", "score", "score_all", "score_one", "search"]


def search(question: Question, candidates: Sequence[Candidate]) -> Search:
    """Score every candidate, in their order; where doses do not superpose, the finalists, exact.

    Raises ``UnusableGoal`` if the target cannot be asked of the models.
    """
    check(question.target, question.particles)
    if not question.superposes:
        return two_stage(question, candidates)
    return score_all(question, candidates)


def score_all(question: Question, candidates: Sequence[Candidate]) -> Search:
    """Every candidate on all of the question's particles, exact, however long it takes."""
    if not question.superposes:
        return exact(question, candidates)
    alike = (
        question.target.metric in ("auc24", "average")
        and question.target.utility is None
        and all(p.binding is None for p, _ in question.particles)
    )
    schedules: dict[Schedule, list[int]] = {}
    for place, candidate in enumerate(candidates):
        schedules.setdefault(_schedule(candidate.regimen, alike), []).append(place)
    answers = responses(question.particles, tuple(schedules), question.first_h, question.history)
    shape = (len(candidates), question.particles.size)
    values, lost = np.empty(shape), np.empty(shape)
    for places, response in zip(schedules.values(), answers, strict=True):
        doses = np.array([candidates[place].regimen.dose_mg for place in places])
        values[places], lost[places] = valued(question, response, doses)
    return Search(question, tuple(candidates), values, lost)


def score(question: Question, candidates: Sequence[Candidate]) -> tuple[Scored, ...]:
    """The scores of a search."""
    return search(question, candidates).scored


def score_one(question: Question, regimen: Regimen) -> Scored:
    """Score one regimen, for instance the order as written."""
    return score(question, (Candidate(regimen, usual=True, preference=0),))[0]


def _schedule(regimen: Regimen, alike: bool) -> Schedule:
    """``alike``: the infusion's length does not matter, as for the AUC of a drug cleared linearly."""
    return Schedule(regimen.interval_h, 0.0 if alike else regimen.duration_h, regimen.route)
