"""The static method: how an interaction changes exposure, from what a route contributes and how far it is
blocked.

A route that carries the fraction CR of a drug's clearance, blocked by the fraction IR, leaves clearance at 1
- CR · IR, so the AUC rises to 1 / (1 - CR · IR); induced by IC it falls to 1 / (1 + CR · IC). Ohno et al.,
Clin Pharmacokinet 2007;46:681–696, doi:10.2165/00003088-200746080-00005. One observed ratio gives the product
only, never CR and IR apart."""

from __future__ import annotations

import math
from collections.abc import Sequence

LEAST_LEFT = 0.02
"""Of clearance: inhibitors of one route cannot stop more than the route carries, and none here is known to
leave less. Project policy, so that several inhibitors never leave nothing."""


def inhibition_ratio(contribution: float, inhibition: float) -> float:
    """AUC with over AUC without an inhibitor. Both inputs are fractions, 0 to 1; raises ``ValueError`` if
    not."""
    _fraction("contribution ratio", contribution)
    _fraction("inhibition ratio", inhibition)
    return combined_ratio([contribution * inhibition], [])


def induction_ratio(contribution: float, induction: float) -> float:
    """AUC with over AUC without an inducer; ``induction`` (IC) is the rise of the route's clearance, 0 or
    more."""
    _fraction("contribution ratio", contribution)
    if induction < 0 or not math.isfinite(induction):
        raise ValueError(f"an increase of clearance is 0 or more, not {induction:g}")
    return combined_ratio([], [contribution * induction])


def combined_ratio(inhibited: Sequence[float], induced: Sequence[float]) -> float:
    """AUC ratio of several at once: 1 / (Π(1 - CR · IR) + Σ CR · IC).

    Inhibitors of one route leave what each leaves of the rest, so their shares multiply; inducers add. An
    extension of the method that no study has tested: its answer is wide, and a level follows."""
    left = math.prod(1.0 - share for share in inhibited) if inhibited else 1.0
    return 1.0 / (max(left, LEAST_LEFT) + sum(induced))


def strength_of_inhibitor(auc_ratio: float) -> float:
    """CR · IR from an observed AUC ratio of 1 or more."""
    if not auc_ratio >= 1.0 or not math.isfinite(auc_ratio):
        raise ValueError(f"an inhibitor raises the AUC: a ratio of 1 or more, not {auc_ratio:g}")
    return 1.0 - 1.0 / auc_ratio


def strength_of_inducer(auc_ratio: float) -> float:
    """CR · IC from an observed AUC ratio of at most 1."""
    if not 0.0 < auc_ratio <= 1.0:
        raise ValueError(f"an inducer lowers the AUC: a ratio between 0 and 1, not {auc_ratio:g}")
    return 1.0 / auc_ratio - 1.0


def _fraction(name: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"a {name} is a fraction from 0 to 1, not {value:g}")
