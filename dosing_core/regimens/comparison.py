"""Which regimen fits best, and whether it is relevantly better than another: the least expected loss wins."""

from __future__ import annotations

from collections.abc import Sequence

from dosing_core.case import Regimen
from dosing_core.library.targets import Judgement
from dosing_core.population.individual import FloatArray
from dosing_core.recommendation import Target
from dosing_core.regimens.scored import TIE, Scored, Search


def is_relevant(present: Scored, other: Scored, target: Target, judgement: Judgement) -> bool:
    """True if the other regimen is relevantly better than the present one, such as the order.

    Either the chance of being inside the target rises by the file's threshold, or the present one's median
    exposure lies beyond the target by the file's fraction and the other one loses less. Where whoever asks
    gave a utility, it decides alone: it runs from 0 to 1 as a chance does, so the same threshold holds. So it
    does for the loss where harm beside the target counts.
    """
    if target.utility is not None:
        return present.loss - other.loss >= judgement.relevant_chance.value
    if judgement.harm_weight is not None and present.loss - other.loss >= judgement.relevant_chance.value:
        return True
    gain = other.attainment.inside - present.attainment.inside
    if gain >= judgement.relevant_chance.value:
        return True
    tolerance = 1.0 + judgement.relevant_outside.value
    outside = present.median > target.high * tolerance or present.median < target.low / tolerance
    return outside and other.loss < present.loss


def best(scored: Sequence[Scored], target: Target, judgement: Judgement) -> Scored | None:
    """The least expected loss among usual doses; an unusual one only where it is relevantly better.

    Ties go to the preferred interval; of doses that keep a concentration above the MIC equally well, to the
    smallest. None if there is nothing to choose from.
    """
    sparing = target.metric == "time_above_mic"
    usual = _least([one for one in scored if one.usual], sparing)
    anything = _least(scored, sparing)
    if usual is None or anything is None:
        return anything
    return anything if is_relevant(usual, anything, target, judgement) else usual


def kept_or_better(found: Search, weights: FloatArray, present: Regimen) -> list[Regimen]:
    """What to give under each of several weights [m, n] of the particles (see ``Search.contenders``): the
    present regimen, unless another is relevantly better."""
    target, judgement = found.question.target, found.question.judgement
    place = found.place(present)
    kept = None if place is None else found.candidates[place].regimen
    answers = []
    for scored in found.contenders(weights, place):
        chosen = best(scored, target, judgement)
        now = next((one for one in scored if one.regimen is kept), None)
        stays = chosen is None or (now is not None and not is_relevant(now, chosen, target, judgement))
        answers.append(present if chosen is None or stays else chosen.regimen)
    return answers


def alternatives(
    scored: Sequence[Scored], chosen: Scored, ordered: Regimen | None, judgement: Judgement, count: int
) -> tuple[Scored, ...]:
    """The next best regimens with other daily doses than the chosen one, the ordered one and each other;
    unusual doses too where the chosen one is unusual, as usual ones are then far from the target."""
    taken = [chosen.regimen] + ([ordered] if ordered else [])
    found: list[Scored] = []
    rest = [one for one in scored if one.usual or not chosen.usual]
    while len(found) < count:
        rest = [one for one in rest if not any(_same(one.regimen, other, judgement) for other in taken)]
        following = _least(rest)
        if following is None:
            break
        found.append(following)
        taken.append(following.regimen)
    return tuple(found)


def _least(scored: Sequence[Scored], sparing: bool = False) -> Scored | None:
    """``sparing``: more drug always does a little better, so a tie goes to the smallest daily dose."""
    if not scored:
        return None
    least = min(one.loss for one in scored)
    tied = [one for one in scored if one.loss <= least + TIE]
    if sparing:
        return min(tied, key=lambda one: (one.preference, one.regimen.daily_dose_mg, one.loss))
    return min(tied, key=lambda one: (one.preference, one.loss, one.regimen.daily_dose_mg))


def _same(one: Regimen, other: Regimen, judgement: Judgement) -> bool:
    larger = max(one.daily_dose_mg, other.daily_dose_mg)
    return abs(one.daily_dose_mg - other.daily_dose_mg) <= judgement.same_dose.value * larger
