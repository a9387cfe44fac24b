"""How bad an exposure is. Three losses, each bounded, so that no far particle rules the mean.

Window (the usual one): nothing inside the target, growing with the ratio to its nearer limit outside. ::

    loss(x) = below · ln(low / x)   for x < low
            = above · ln(x / high)  for x > high
            + centre · |ln(x / middle)|,   middle = √(low · high)

The logarithm because exposures scatter by factors; different weights because too much and too little are
different harms (the drug file says which weighs more, and why); the small last term so that a regimen at the
edge of the target does not win a tie. Each logarithm ends at that of ``FAR``: beyond it nothing is known
that would make one dose better than another.

Attainment: the weight alone outside, however far, so that the expected loss is the weighted chance of missing
the target. Utility: -(benefit - weight · harm), as whoever asks defines them (``goals.utility``).
"""

from __future__ import annotations

import math

import numpy as np

from dosing_core.goals.metrics import FRACTIONS
from dosing_core.library.targets import Judgement
from dosing_core.population.individual import FloatArray
from dosing_core.recommendation import Target

LEAST = 1e-12
"""mg/L or mg·h/L; an exposure of nothing counts as this, so that its loss is large and finite."""
FAR = 100.0
"""An exposure so many times beyond a limit is as bad as any farther one. Project policy: bounds the loss, as
the mean of an exposure without a steady state need not exist."""
ONE_SIDED = 10.0
"""A target whose ends are so many times apart has one end that matters, so nothing pulls to its middle.
Project policy: the widest two-sided target met so far spans a factor of 3."""


def losses(exposure: FloatArray, target: Target, judgement: Judgement) -> FloatArray:
    """Loss of each exposure, same shape, of the kind that the drug file asks for."""
    if judgement.loss == "attainment":
        return attainment_loss(exposure, target, judgement)
    return window_loss(exposure, target, judgement)


def window_loss(exposure: FloatArray, target: Target, judgement: Judgement) -> FloatArray:
    """Window loss of each exposure, same shape."""
    logarithm, low, high = _logarithms(exposure, target)
    far = math.log(FAR)
    outside = judgement.below_weight.value * np.clip(low - logarithm, 0.0, far)
    outside += judgement.above_weight.value * np.clip(logarithm - high, 0.0, far)
    return outside + _pull(logarithm, low, high, judgement)


def attainment_loss(exposure: FloatArray, target: Target, judgement: Judgement) -> FloatArray:
    """Weight of the side on which each exposure misses the target, same shape; the pull breaks ties."""
    logarithm, low, high = _logarithms(exposure, target)
    missed = judgement.below_weight.value * (exposure < target.low)
    missed = missed + judgement.above_weight.value * (exposure > target.high)
    loss: FloatArray = missed + _pull(logarithm, low, high, judgement)
    return loss


def _logarithms(exposure: FloatArray, target: Target) -> tuple[FloatArray, float, float]:
    """ln of the exposures and of the target's ends. A fraction of 0.01 is as good as none."""
    least = target.low / FAR if target.metric in FRACTIONS and target.low > 0.0 else LEAST
    logarithm = np.log(np.maximum(exposure, least))
    return logarithm, math.log(max(target.low, least)), math.log(max(target.high, least))


def _pull(logarithm: FloatArray, low: float, high: float, judgement: Judgement) -> FloatArray:
    if high - low > math.log(ONE_SIDED):
        return np.zeros_like(logarithm)
    distance = np.minimum(np.abs(logarithm - 0.5 * (low + high)), math.log(FAR))
    pull: FloatArray = judgement.centre_weight.value * distance
    return pull
