"""Kernel of the time above a threshold: how much of a curve lies above, for many doses of it at once."""

from __future__ import annotations

import math

import numpy as np

from dosing_core.kinetics.compiled import compiled
from dosing_core.population.individual import FloatArray


@compiled
def share_above(profile: FloatArray, times: FloatArray, thresholds: FloatArray) -> FloatArray:
    """Share of the time [n_thresholds, n] in which a curve lies above its threshold.

    ``profile`` [n, n_times] at ascending ``times`` [n_times], ``thresholds`` [n_thresholds, n] in its unit.
    Between two times a falling curve is taken as exponential, a rising one as straight: as a drug washes out
    and as it is infused.
    """
    n, points = profile.shape
    span = times[points - 1] - times[0]
    result = np.zeros((len(thresholds), n))
    for i in range(n):
        for k in range(len(thresholds)):
            limit, above = thresholds[k, i], 0.0
            for j in range(points - 1):
                start, end, width = profile[i, j], profile[i, j + 1], times[j + 1] - times[j]
                if start > limit and end > limit:
                    above += width
                elif start > limit:
                    fallen = end > 0.0
                    above += width * (
                        math.log(start / limit) / math.log(start / end)
                        if fallen
                        else (start - limit) / (start - end)
                    )
                elif end > limit:
                    above += width * (end - limit) / (end - start)
            result[k, i] = above / span
    return result
