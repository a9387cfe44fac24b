"""What an exposure is worth to whoever asks: benefit - weight · harm, each a formula over exposures.

Benefit and harm are between 0 and 1, such as a chance of cure and a chance of injury, so that the weight
between them means something and the expectation exists. A formula that leaves that range is refused.

The formulas are those of the expression language; here they are read for whole arrays at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dosing_core.case import Utility
from dosing_core.errors import InvalidExpression, UnusableGoal
from dosing_core.population.expressions import Expression, parse
from dosing_core.population.individual import FloatArray
from dosing_core.population.over_arrays import over_arrays

NAMES = ("auc24", "trough", "peak", "average", "effect")
"""What the formulas may read: mg·h/L, mg/L and the unit of the target's output."""
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Worth:
    """A utility whose formulas were read."""

    benefit: Expression
    harm: Expression
    weight: float

    @property
    def names(self) -> frozenset[str]:
        """The exposures that the formulas read."""
        return self.benefit.names | self.harm.names

    def loss(self, values: Mapping[str, FloatArray]) -> FloatArray:
        """-(benefit - weight · harm), in the shape of the values. Raises ``UnusableGoal``."""
        benefit = _within(self.benefit, values, "benefit")
        return self.weight * _within(self.harm, values, "harm") - benefit


def worth(utility: Utility) -> Worth:
    """Read the formulas. Raises ``UnusableGoal`` with the reason if one is not allowed."""
    try:
        benefit = parse(utility.benefit, NAMES, "utility.benefit")
        harm = parse(utility.harm, NAMES, "utility.harm")
    except InvalidExpression as error:
        raise UnusableGoal(f"The utility cannot be used: {error}.") from error
    if not benefit.names:
        raise UnusableGoal("The utility cannot be used: its benefit is the same for every dose.")
    return Worth(benefit, harm, utility.weight)


def _within(expression: Expression, values: Mapping[str, FloatArray], what: str) -> FloatArray:
    shape = np.broadcast_shapes(*(value.shape for value in values.values())) if values else ()
    with np.errstate(all="ignore"):
        result = np.broadcast_to(np.asarray(over_arrays(expression.tree, values), dtype=np.float64), shape)
    if not np.isfinite(result).all():
        raise UnusableGoal(
            f"The utility cannot be used: its {what} is not a finite number for some exposure."
        )
    least, most = float(result.min(initial=0.0)), float(result.max(initial=0.0))
    if least < -_ROUNDING or most > 1.0 + _ROUNDING:
        text = f"its {what} must stay between 0 and 1, and reaches {least if least < 0.0 else most:.3g}"
        raise UnusableGoal(f"The utility cannot be used: {text}.")
    return result
