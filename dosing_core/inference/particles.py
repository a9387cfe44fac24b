"""Equally likely patients: what every later question is asked of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dosing_core.population.individual import FloatArray, Individual, IntArray


@dataclass(frozen=True, eq=False)
class Particles:
    """A set of equally weighted particles, in parts that share an ``Individual``.

    The order is fixed: the same particle has the same place in everything that ``map`` returns, so
    candidates compared on the same particles share their chance (common random numbers).
    """

    parts: tuple[tuple[Individual, FloatArray], ...]
    """Hypothesis and its random effects [n_part, d_part]."""

    def __iter__(self) -> Iterator[tuple[Individual, FloatArray]]:
        return iter(self.parts)

    @property
    def size(self) -> int:
        """Number of particles n over all parts."""
        return sum(len(eta) for _, eta in self.parts)

    def map(self, function: Callable[[Individual, FloatArray], FloatArray]) -> FloatArray:
        """``function(individual, parameters [n_part, n_rows, 7])`` of each part, joined along axis 0."""
        return np.concatenate(
            [function(one, own) for (one, _), own in zip(self.parts, self.parameters, strict=True)]
        )

    @cached_property
    def parameters(self) -> tuple[FloatArray, ...]:
        """Parameters [n_part, n_rows, n_parameters] of each part, worked out once."""
        return tuple(individual.parameters(eta) for individual, eta in self.parts)

    def of(self, places: IntArray) -> Particles:
        """Some of the particles, by their places over all parts, which stay together."""
        parts, start = [], 0
        for individual, eta in self.parts:
            own = places[(places >= start) & (places < start + len(eta))] - start
            start += len(eta)
            if len(own):
                parts.append((individual, eta[own]))
        return Particles(tuple(parts))

    def every(self, step: int) -> Particles:
        """Every so many of the particles, counted over all parts."""
        return self.of(np.arange(0, self.size, step))
