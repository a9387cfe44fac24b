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
from functools import cached_property

import numpy as np
from scipy.special import ndtr, ndtri

from dosing_core import phrases
from dosing_core.case import Dose, EffectMeasurement, Level
from dosing_core.inference.belief import Belief, believe
from dosing_core.inference.likelihood import variance
from dosing_core.inference.observations import ABOVE, BELOW, Observations
from dosing_core.inference.particles import Particles
from dosing_core.kinetics import DoseTable, is_linear, prediction
from dosing_core.library.monitoring import LevelRules
from dosing_core.library.schema import DrugFile
from dosing_core.population.individual import FloatArray, Individual, ResidualError
from dosing_core.recommendation import Estimate, LevelReview
from dosing_core.regimens.options import six
from dosing_core.regimens.timing import present_interval
from dosing_core.reweighted import reweighted

MOST_FLAGGED = 0.5
"""If more than this share of the levels is implausible, they say nothing together. Project policy."""
BY_OTHERS, BY_POPULATION = 512, 2048
"""Particles that a level is held against: what other levels leave open is narrow, the population is wide."""
TOLERANCE = 1e-4
"""Of predictions where the kinetics are solved step by step: far finer than any level."""
LEAST_SPREAD = 1e-6
"""Least error of a level relative to its size, so that a model without one divides by no zero."""

MOST_STEPS = 60
"""Of a search for a quantile: halving alone comes to its end sooner."""


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
    """Indices of the levels that it rests on; after the levels come the measured effects."""
    seen: Observations
    """Those levels as inference took them."""
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
    measured: Sequence[Level | EffectMeasurement],
    everything: Observations,
    doses: Sequence[Dose],
    drug_file: DrugFile,
) -> Reviewed:
    """Believe the levels one must; flag those that nothing explains.

    ``people``: every hypothesis of every model that speaks, with its prior probability. ``measured``: levels
    and effects, which ``everything`` holds in the same order.
    """
    belief = believe(people, history, everything)
    with_all = belief
    used = list(range(len(measured)))
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
        if len(measured) - len(used) > MOST_FLAGGED * len(measured):
            break
    expected |= held.as_flagged(belief, [i for i in range(len(measured)) if i not in used])
    return Reviewed(
        belief=belief,
        used=tuple(used),
        seen=everything.only(used),
        with_all=None if len(used) == len(measured) else with_all,
        levels=tuple(
            _reviewed(one, expected[index], index in used, doses, drug_file)
            for index, one in enumerate(measured)
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
        own = rules.plausible_error
        self._error = ResidualError(own.additive.value, own.proportional.value) if own else None
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
        count = len(self._everything)
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

    @cached_property
    def _population(self) -> Particles:
        linear = all(is_linear(person) for _, _, person in self._people)
        return self.believed([]).particles(BY_POPULATION if linear else BY_OTHERS)

    def _by_no_level(self, indices: Sequence[int]) -> dict[int, Expectation]:
        return {index: self._expectation(self._population, index, len(indices)) for index in indices}

    def _expectation(self, particles: Particles, index: int, levels: int) -> Expectation:
        """Held on the logarithmic scale where the error is one of the logarithm."""
        seen = self._everything
        value, limit = float(seen.value[index]), self.limit(levels)
        centres, spreads = [], []
        errors = [self._error_of(person, index) for person, _ in particles]
        logarithmic = all(error.form == "log" for error in errors)
        for (person, eta), error in zip(particles, errors, strict=True):
            predicted = self._predicted(person, eta, index)
            if logarithmic:
                centres.append(np.log(np.maximum(predicted, LEAST_SPREAD * value)))
                spreads.append(np.full(len(predicted), error.proportional))
            else:
                centres.append(predicted)
                spreads.append(np.sqrt(variance(error, predicted, np.full(len(predicted), value))))
        predicted, spread = np.concatenate(centres), np.concatenate(spreads)
        asked = math.log(value) if logarithmic else value
        floor = max(abs(asked), float(np.max(np.abs(predicted))))
        spread = np.maximum(spread, LEAST_SPREAD * max(floor, LEAST_SPREAD))
        below = float(np.mean(ndtr((asked - predicted) / spread)))
        ends = _quantiles(np.array([limit, 0.5, 1.0 - limit]), predicted, spread).tolist()
        low, middle, high = (math.exp(end) if logarithmic else max(end, 0.0) for end in ends)
        interval = Estimate(low=six(low), median=six(middle), high=six(high))
        tails = {BELOW: below, ABOVE: 1.0 - below}
        return Expectation(interval, tails.get(int(seen.limit[index]), min(below, 1.0 - below)))

    def _error_of(self, person: Individual, index: int) -> ResidualError:
        """The error of a level drawn as intended; of an effect, the model's own."""
        if self._error is not None and self._everything.output[index] == 0:
            return self._error
        return person.error_of(int(self._everything.error[index]))

    def _predicted(self, person: Individual, eta: FloatArray, index: int) -> FloatArray:
        seen = self._everything
        time, output = seen.time[index : index + 1], seen.output[index : index + 1]
        predict = prediction(person, self._history, time, output, TOLERANCE)
        return predict(person.parameters(eta))[:, 0]


def _quantiles(shares: FloatArray, predicted: FloatArray, spread: FloatArray) -> FloatArray:
    """Quantiles [k] of normal errors around equally likely predictions.

    Newton's steps in closing brackets, on the scale of normal deviates: of one normal distribution the first
    step would be the last."""
    wanted = ndtri(shares)
    x: FloatArray = predicted.mean() + wanted * math.sqrt(predicted.var() + float(np.mean(spread * spread)))
    low = np.full(len(x), np.min(predicted - 6.0 * spread))
    high = np.full(len(x), np.max(predicted + 6.0 * spread))
    fine = 1e-7 * max(abs(float(high[0])), abs(float(low[0])))
    for _ in range(MOST_STEPS):
        z = (x[:, None] - predicted) / spread
        share = ndtr(z).mean(axis=1)
        low, high = np.where(share < shares, x, low), np.where(share < shares, high, x)
        reached, density = ndtri(share), (np.exp(-0.5 * z * z) / spread).mean(axis=1)
        with np.errstate(all="ignore"):
            step = x - (reached - wanted) * np.exp(-0.5 * reached * reached) / density
        arrived = np.abs(step - x) <= fine
        x = np.where(arrived | ((low < step) & (step < high)), step, 0.5 * (low + high))
        if arrived.all():
            break
    return x


def _reviewed(
    level: Level | EffectMeasurement,
    expectation: Expectation,
    used: bool,
    doses: Sequence[Dose],
    drug_file: DrugFile,
) -> LevelReview:
    before = [dose for dose in doses if dose.time < level.time]
    hours = phrases.hours_between(before[-1].time, level.time) if before else None
    display = drug_file.as_display
    if isinstance(level, Level):
        value, read = level.value_mg_L, phrases.measured(level.value_mg_L, display)
        interval = phrases.interval(expectation.interval, display)
        notes = [_timing_note(level, hours, before, drug_file)]
    else:
        value, read = level.value, f"{level.name} {phrases.plain(level.value)}"
        interval = f"{phrases.figure(expectation.interval.low)}–{phrases.figure(expectation.interval.high)}"
        notes = []
    if not used:
        notes.append(
            f"{read} is unlike what was expected from the doses on record "
            f"({interval}); check unit, line and time."
        )
    return LevelReview(
        time=level.time,
        observed=six(value),
        output="" if isinstance(level, Level) else level.name,
        limit=level.limit if isinstance(level, Level) else "exact",
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
