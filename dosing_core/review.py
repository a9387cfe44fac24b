"""Each level held against what was expected of it, before it is believed.

A level is expected from everything but itself: the population, the doses and the other levels. If it lies
outside the central predictive interval, no dosing explains it; a wrong time, line or patient is likelier.
Then it is named, left out, and the answer is worked out without it. With several such levels the one that
surprises most goes first and the others are asked again, so that one wrong level takes no good one with it,
and the interval is widened so that many good levels are not flagged more often than one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from scipy.special import ndtr

from dosing_core import phrases
from dosing_core.case import Dose, Level
from dosing_core.inference.belief import Belief, believe
from dosing_core.inference.observations import Observations, observations
from dosing_core.inference.particles import Particles
from dosing_core.kinetics import DoseTable, concentrations
from dosing_core.library.schema import DrugFile, LevelRules
from dosing_core.population.individual import FloatArray, Individual, ResidualError
from dosing_core.recommendation import Estimate, LevelReview
from dosing_core.regimens.options import six
from dosing_core.regimens.timing import present_interval
from dosing_core.reweighted import reweighted

MOST_FLAGGED = 0.5
"""If more than this share of the levels is implausible, they say nothing together. Project policy."""
BY_OTHERS, BY_POPULATION = 512, 2048
"""Particles that a level is held against: what other levels leave open is narrow, the population is wide."""
LEAST_SPREAD = 1e-6
"""Least error of a level relative to its size, so that a model without one divides by no zero."""


@dataclass(frozen=True, eq=False)
class Expectation:
    """What was expected of one level, and how far out it lies."""

    interval: Estimate
    tail: float
    """Probability of a level at least as far out on the same side."""


@dataclass(frozen=True, eq=False)
class Reviewed:
    """What the levels, as far as they are plausible, say."""

    belief: Belief
    """From the plausible levels."""
    used: tuple[int, ...]
    """Indices of the levels that it rests on."""
    with_all: Belief | None
    """The belief if the flagged levels were believed too; None if none was flagged."""
    levels: tuple[LevelReview, ...]

    @property
    def contradictory(self) -> bool:
        """True if so many levels are implausible that none can be believed."""
        flagged = len(self.levels) - len(self.used)
        return flagged > 1 and flagged > MOST_FLAGGED * len(self.levels)


def review(
    people: list[tuple[float, str, Individual]],
    history: DoseTable,
    levels: Sequence[Level],
    doses: Sequence[Dose],
    drug_file: DrugFile,
    now: datetime,
) -> Reviewed:
    """Believe the levels one must; flag those that nothing explains.

    ``people``: every hypothesis of every model that speaks, with its prior probability.
    """
    everything = observations(levels, now)
    belief = believe(people, history, everything)
    with_all = belief
    used = list(range(len(levels)))
    expected: dict[int, Expectation] = {}
    held = _Held(people, history, everything, drug_file.levels)
    while used:
        asked = held.by_the_others(belief, used)
        expected.update(asked)
        out = [index for index in used if asked[index].tail < held.limit(len(used))]
        if not out:
            break
        used.remove(out[0] if len(out) == 1 else held.least_likely(out))
        belief = held.believed(used)
        if len(levels) - len(used) > MOST_FLAGGED * len(levels):
            break
    expected |= held.as_flagged(belief, [i for i in range(len(levels)) if i not in used])
    return Reviewed(
        belief=belief,
        used=tuple(used),
        with_all=None if len(used) == len(levels) else with_all,
        levels=tuple(
            _reviewed(level, expected[index], index in used, doses, drug_file)
            for index, level in enumerate(levels)
        ),
    )


class _Held:
    """The levels of one patient, to be held against what a belief expects."""

    def __init__(
        self,
        people: list[tuple[float, str, Individual]],
        history: DoseTable,
        everything: Observations,
        rules: LevelRules,
    ) -> None:
        self._people = people
        self._history = history
        self._everything = everything
        own, published = rules.plausible_error, people[0][2].residual
        self._error = ResidualError(own.additive.value, own.proportional.value) if own else published
        self._interval = rules.plausible_interval.value

    def limit(self, levels: int) -> float:
        """Tail beyond which one of so many levels is flagged."""
        return 0.5 * (1.0 - self._interval) / levels

    def believed(self, used: Sequence[int]) -> Belief:
        """The belief from these levels alone."""
        return believe(self._people, self._history, self._everything.only(used))

    def by_the_others(self, belief: Belief, used: Sequence[int]) -> dict[int, Expectation]:
        """What the other used levels expect of each; fitted anew where re-weighting is too thin."""
        if len(used) == 1:
            return {used[0]: self._by_no_level([used[0]])[used[0]]}
        found = {}
        for place, index in enumerate(used):
            weight = belief.without(place)
            if weight is None:
                others = self.believed([one for one in used if one != index])
                found[index] = self._expectation(others.particles(BY_OTHERS), index, len(used))
            else:
                found[index] = self._expectation(reweighted(belief, weight, BY_OTHERS), index, len(used))
        return found

    def as_flagged(self, belief: Belief, flagged: Sequence[int]) -> dict[int, Expectation]:
        """What is expected of flagged levels by those that are believed, not by another flagged one; by the
        population where none is. A level that this would explain keeps what it was flagged by."""
        if not flagged:
            return {}
        count = len(self._everything.value)
        if len(flagged) > MOST_FLAGGED * count:
            asked = self._by_no_level(flagged)
        else:
            particles = belief.particles(BY_OTHERS)
            asked = {index: self._expectation(particles, index, count) for index in flagged}
        return {index: one for index, one in asked.items() if one.tail < self.limit(count)}

    def least_likely(self, indices: Sequence[int]) -> int:
        """The level that the population alone expects least."""
        alone = self._by_no_level(indices)
        return min(indices, key=lambda index: alone[index].tail)

    def _by_no_level(self, indices: Sequence[int]) -> dict[int, Expectation]:
        prior = self.believed([]).particles(BY_POPULATION)
        return {index: self._expectation(prior, index, len(indices)) for index in indices}

    def _expectation(self, particles: Particles, index: int, levels: int) -> Expectation:
        time, value = self._everything.time[index : index + 1], self._everything.value[index]
        predicted = particles.map(lambda person, p: concentrations(person, p, self._history, time))[:, 0]
        spread = np.sqrt(self._error.additive**2 + (self._error.proportional * predicted) ** 2)
        spread = np.maximum(spread, LEAST_SPREAD * max(value, float(predicted.max())))
        below = float(np.mean(ndtr((value - predicted) / spread)))
        limit = self.limit(levels)
        low, middle, high = (_quantile(q, predicted, spread) for q in (limit, 0.5, 1.0 - limit))
        interval = Estimate(low=six(max(low, 0.0)), median=six(max(middle, 0.0)), high=six(high))
        return Expectation(interval, min(below, 1.0 - below))


def _quantile(share: float, predicted: FloatArray, spread: FloatArray) -> float:
    """Quantile of normal errors around equally likely predictions: Newton's steps in a closing bracket."""
    low, high = float(np.min(predicted - 6.0 * spread)), float(np.max(predicted + 6.0 * spread))
    fine = 1e-7 * max(abs(high), abs(low))
    x = float(np.quantile(predicted, share))
    while high - low > fine:
        z = (x - predicted) / spread
        gap = float(np.mean(ndtr(z))) - share
        low, high = (x, high) if gap < 0.0 else (low, x)
        slope = float(np.mean(np.exp(-0.5 * z * z) / spread)) / math.sqrt(2.0 * math.pi)
        step = gap / slope if slope > 0.0 else math.inf
        following = x - step if low < x - step < high else 0.5 * (low + high)
        if abs(following - x) <= fine:
            return following
        x = following
    return x


def _reviewed(
    level: Level, expectation: Expectation, used: bool, doses: Sequence[Dose], drug_file: DrugFile
) -> LevelReview:
    before = [dose for dose in doses if dose.time < level.time]
    hours = phrases.hours_between(before[-1].time, level.time) if before else None
    display = drug_file.as_display
    notes = [_timing_note(level, hours, before, drug_file)]
    if not used:
        value = phrases.measured(level.value_mg_L, display)
        notes.append(
            f"{value} is unlike what was expected from the doses on record "
            f"({phrases.interval(expectation.interval, display)}); check unit, line and time."
        )
    return LevelReview(
        time=level.time,
        observed=six(level.value_mg_L),
        expected=expectation.interval,
        hours_after_dose=None if hours is None else six(hours),
        plausible=used,
        used=used,
        note=phrases.sentences(notes),
        source=level.source,
    )


def _timing_note(level: Level, hours: float | None, before: Sequence[Dose], drug_file: DrugFile) -> str:
    """What must be said of when it was drawn; empty if nothing."""
    if hours is None:
        return ""
    display = drug_file.as_display
    value = phrases.measured(level.value_mg_L, display)
    last = before[-1]
    if hours < last.duration_h:
        return f"{value} was drawn while the infusion ran, {hours:.1f} h after its start."
    interval = present_interval(before, None, drug_file.dosing.intervals_h)
    early = interval - hours
    if level.charted_as == "trough" and early > drug_file.levels.trough_tolerance_h.value:
        return (
            f"{value} is charted as a trough but was drawn {hours:.1f} h after a dose; "
            f"it is used as a {hours:.1f} h level."
        )
    return ""
