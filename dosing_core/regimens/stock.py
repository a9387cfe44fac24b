"""Whether a dose can be put together from what is stocked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

GRAIN = 1e-4
"""mg; amounts are compared in whole grains, so that 0.1 + 0.2 is 0.3."""


def can_be_made(dose_mg: float, strengths_mg: Sequence[float], most_units: int) -> bool:
    """True if at most ``most_units`` whole units of these strengths make up the dose."""
    return fewest_units(dose_mg, tuple(strengths_mg), most_units) is not None


@lru_cache(maxsize=4096)
def fewest_units(dose_mg: float, strengths_mg: tuple[float, ...], most_units: int) -> int | None:
    """The least number of units that make up the dose; None if no such number is allowed."""
    wanted = round(dose_mg / GRAIN)
    units = sorted({round(strength / GRAIN) for strength in strengths_mg}, reverse=True)
    reached = {0}
    for count in range(1, most_units + 1):
        reached = {sum_ + unit for sum_ in reached for unit in units if sum_ + unit <= wanted}
        if wanted in reached:
            return count
        if not reached:
            return None
    return None
