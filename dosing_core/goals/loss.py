"""How bad an exposure is: nothing inside the target, growing with the ratio to its nearer limit outside.

::

    loss(x) = below · ln(low / x)   for x < low
            = above · ln(x / high)  for x > high
            + centre · |ln(x / middle)|,   middle = √(low · high)

The logarithm because exposures scatter by factors; different weights because too much and too little are
different harms (the drug file says which weighs more, and why); the small last term so that a regimen at the
edge of the target does not win a tie. Robust by construction: linear in the logarithm, so no far particle
rules the mean.
"""

from __future__ import annotations

import numpy as np

from dosing_core.library.schema import Judgement
from dosing_core.population.individual import FloatArray
from dosing_core.recommendation import Target

LEAST = 1e-12
"""mg/L or mg·h/L; an exposure of nothing counts as this, so that its loss is large and finite."""


def window_loss(exposure: FloatArray, target: Target, judgement: Judgement) -> FloatArray:
    """Loss of each exposure, same shape."""
    logarithm = np.log(np.maximum(exposure, LEAST))
    low, high = np.log(target.low), np.log(target.high)
    outside = judgement.below_weight.value * np.maximum(low - logarithm, 0.0)
    outside += judgement.above_weight.value * np.maximum(logarithm - high, 0.0)
    loss: FloatArray = outside + judgement.centre_weight.value * np.abs(logarithm - 0.5 * (low + high))
    return loss
