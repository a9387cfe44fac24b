"""How fast an interaction sets in and wears off.

Inhibition follows the inhibitor: it is there when its level is. Induction follows the enzyme, which is made
and broken down: both ways take its half-life. After rifampicin the AUC of midazolam was 0.123, 0.383 and
0.815 of its own at 0, 1 and 2 weeks (Reitman et al. 2011), so CR · IC fell from 7.1 to 1.6 to 0.23: a
half-life of 2.5 to 3.3 days, 68 h from end to end (14 days · ln 2 / ln(7.13 / 0.227)).
"""

from __future__ import annotations


def share_in_force(
    hours_since_start: float, half_time_h: float, hours_since_stop: float | None = None
) -> float:
    """Share (0 to 1) of an interaction's full strength that is in force.

    ``half_time_h``: h in which half of what is missing comes, and half of what is there goes.
    ``hours_since_stop``: None while the other drug is taken. Raises ``ValueError`` for a half-time that is
    not positive and for a stop before the start."""
    if half_time_h <= 0:
        raise ValueError("a half-time is more than 0 h")
    if hours_since_start <= 0:
        return 0.0
    if hours_since_stop is None or hours_since_stop <= 0:
        return float(1.0 - 0.5 ** (hours_since_start / half_time_h))
    taken = hours_since_start - hours_since_stop
    if taken < 0:
        raise ValueError("it was stopped before it was started")
    return float((1.0 - 0.5 ** (taken / half_time_h)) * 0.5 ** (hours_since_stop / half_time_h))
