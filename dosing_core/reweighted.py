"""Equally likely particles of a belief under other weights, such as those without one level."""

from __future__ import annotations

import numpy as np

from dosing_core.inference.belief import Belief
from dosing_core.inference.particles import Particles
from dosing_core.population.individual import FloatArray


def reweighted(belief: Belief, weight: FloatArray, count: int) -> Particles:
    """``count`` particles, shared out by the weight of each component; ``weight`` in the order of ``map``."""
    pieces: list[FloatArray] = []
    start = 0
    for part in belief.components:
        pieces.append(weight[start : start + len(part.posterior.eta)])
        start += len(pieces[-1])
    shares = np.cumsum([0.0, *(float(piece.sum()) for piece in pieces)])
    counts = np.diff(np.round(shares / shares[-1] * count).astype(int)).tolist()
    parts = []
    for part, piece, number in zip(belief.components, pieces, counts, strict=True):
        if number:
            chosen = part.posterior.chosen(number, piece / piece.sum())
            parts.append((part.individual, part.posterior.eta[chosen]))
    return Particles(tuple(parts))
