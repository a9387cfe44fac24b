"""Belief: what is now thought of the patient, over everything that is not known about them.

A component is one hypothesis: a model, or a model with one value of a fact that nobody measured (CYP3A5
not typed). Levels shift the weight between hypotheses by their evidence, as Bayes' theorem has it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dosing_core.inference.observations import Observations
from dosing_core.inference.particles import Particles
from dosing_core.inference.posterior import Posterior, posterior
from dosing_core.inference.summaries import effective_sample_size
from dosing_core.kinetics import DoseTable
from dosing_core.population.individual import FloatArray, Individual
from dosing_core.recommendation import Diagnostics

NEGLIGIBLE = 1e-3
"""A hypothesis with less probability than this does not decide whether to trust the whole. Project policy: it
cannot move a percentage."""


@dataclass(frozen=True, eq=False)
class Component:
    """One hypothesis after the levels."""

    prior_probability: float
    probability: float
    name: str
    individual: Individual
    posterior: Posterior


@dataclass(frozen=True, eq=False)
class Belief:
    """All hypotheses with their probabilities, which sum to 1."""

    components: tuple[Component, ...]

    @cached_property
    def weight(self) -> FloatArray:
        """[N] weight of every particle of every component, in the order of ``map``; sum 1."""
        return np.concatenate([part.probability * part.posterior.weight for part in self.components])

    def map(self, function: Callable[[Individual, FloatArray], FloatArray]) -> FloatArray:
        """``function(individual, parameters [n, n_rows, 7])`` of each component, joined along axis 0.

        These particles are weighted: read them with ``weight``. See ``particles`` for equal ones.
        """
        return np.concatenate(
            [
                function(part.individual, part.individual.parameters(part.posterior.eta))
                for part in self.components
            ]
        )

    def particles(self, n: int) -> Particles:
        """``n`` equally weighted particles, shared out by the components' probabilities; deterministic."""
        parts = []
        for part, count in zip(self.components, self._shares(n), strict=True):
            if count:
                parts.append((part.individual, part.posterior.eta[part.posterior.chosen(count)]))
        return Particles(tuple(parts))

    def without(self, index: int) -> FloatArray | None:
        """Weights [N], in the order of ``map``, as they would be without the level at ``index``.

        None if too few particles of any component would carry them: then the caller fits again without that
        level.
        """
        weights = [part.posterior.without(index) for part in self.components]
        log_probability = [
            _log(part.prior_probability) + part.posterior.log_evidence_without(index)
            for part in self.components
        ]
        joined = []
        for weight, probability in zip(weights, _normalised(log_probability), strict=True):
            if weight is None:
                return None
            joined.append(probability * weight)
        return np.concatenate(joined)

    def only(self, of: Callable[[Individual], bool]) -> Belief:
        """The belief among those hypotheses whose individual is wanted; at least one must be."""
        kept = [part for part in self.components if of(part.individual)]
        total = sum(part.probability for part in kept)
        share = [part.probability / total if total > 0.0 else 1.0 / len(kept) for part in kept]
        return Belief(tuple(replace(part, probability=one) for part, one in zip(kept, share, strict=True)))

    def selected(self) -> Belief:
        """Without the hypotheses that the levels have left with a negligible probability; the others' sum
        to 1 again."""
        kept = [part for part in self.components if part.probability >= NEGLIGIBLE] or [self.best]
        total = sum(part.probability for part in kept)
        return Belief(tuple(replace(part, probability=part.probability / total) for part in kept))

    @property
    def best(self) -> Component:
        """The most probable hypothesis."""
        return max(self.components, key=lambda part: part.probability)

    @property
    def diagnostics(self) -> Diagnostics:
        """The best component's, with the worst figures of all that matter."""
        parts = [part for part in self.components if part.probability > NEGLIGIBLE]
        each = [part.posterior.diagnostics for part in parts]
        k_hats = [one.k_hat for one in each if one.k_hat is not None]
        return Diagnostics(
            method=self.best.posterior.diagnostics.method,
            particles=sum(one.particles for one in each),
            effective_sample_size=self.effective_sample_size,
            k_hat=max(k_hats) if k_hats else None,
            modes=max(one.modes for one in each),
            escalations=max(one.escalations for one in each),
            trustworthy=all(one.trustworthy for one in each),
        )

    @cached_property
    def effective_sample_size(self) -> float:
        """Kish's, over all components. A resample's own equal weights would hide repeated particles."""
        worth = 0.0
        for part in self.components:
            own = part.posterior.diagnostics.effective_sample_size
            own = min(own, effective_sample_size(part.posterior.weight))
            worth += part.probability**2 / own
        return 1.0 / worth

    def _shares(self, n: int) -> list[int]:
        """How many of ``n`` particles each component gets: largest remainders."""
        exact = [part.probability * n for part in self.components]
        counts = [math.floor(share) for share in exact]
        by_remainder = sorted(range(len(exact)), key=lambda i: (counts[i] - exact[i], i))
        for i in by_remainder[: n - sum(counts)]:
            counts[i] += 1
        return counts


def believe(
    hypotheses: Sequence[tuple[float, str, Individual]], doses: DoseTable, observations: Observations
) -> Belief:
    """The belief after ``observations``; ``hypotheses`` are (prior probability, name, individual).

    Raises ``ValueError`` without hypotheses.
    """
    if not hypotheses:
        raise ValueError("nothing to believe in: no hypothesis")
    found = [posterior(individual, doses, observations) for _, _, individual in hypotheses]
    probabilities = _normalised(
        [_log(prior) + one.log_evidence for (prior, _, _), one in zip(hypotheses, found, strict=True)]
    )
    return Belief(
        tuple(
            Component(prior, probability, name, individual, one)
            for (prior, name, individual), probability, one in zip(
                hypotheses, probabilities, found, strict=True
            )
        )
    )


def _log(probability: float) -> float:
    return math.log(probability) if probability > 0.0 else -math.inf


def _normalised(log_values: Sequence[float]) -> list[float]:
    """Probabilities in proportion to exp of ``log_values``."""
    top = max(log_values)
    raw = [math.exp(value - top) for value in log_values]
    return [value / sum(raw) for value in raw]
