"""The highest and the lowest point of curves that are known at some times only."""

from __future__ import annotations

import numpy as np

from dosing_core.population.individual import FloatArray


def highest(values: FloatArray, times: FloatArray) -> FloatArray:
    """Maximum [n] of curves [n, n_times]; see ``lowest``."""
    return -lowest(-values, times)


def lowest(values: FloatArray, times: FloatArray) -> FloatArray:
    """Minimum [n] of curves [n, n_times], by the parabola through the lowest point and its neighbours where
    those are about evenly apart; the lowest point itself at an end or beside a kink."""
    place = np.clip(np.argmin(values, axis=1), 1, values.shape[1] - 2)
    row = np.arange(len(values))
    left, middle, right = values[row, place - 1], values[row, place], values[row, place + 1]
    before, after = times[place] - times[place - 1], times[place + 1] - times[place]
    down, up = (middle - left) / before, (right - middle) / after
    bend = (up - down) / (before + after)
    slope = (down * after + up * before) / (before + after)
    smooth = (
        (bend > 0.0) & (middle <= left) & (middle <= right) & (np.maximum(before / after, after / before) < 3)
    )
    dip = 0.25 * slope * slope / np.where(bend > 0.0, bend, 1.0)
    lowest: FloatArray = np.where(smooth, middle - dip, values.min(axis=1))
    return lowest
