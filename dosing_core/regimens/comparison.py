"""Whether another dose would be a relevant change to the order, or noise."""

from __future__ import annotations

from dosing_core.library.schema import Judgement
from dosing_core.recommendation import Target
from dosing_core.regimens.search import Scored


def is_relevant(ordered: Scored, chosen: Scored, target: Target, judgement: Judgement) -> bool:
    """True if the chosen regimen is relevantly better than the order.

    Either the chance of being inside the target rises by the file's threshold, or the order's median exposure
    lies beyond the target by the file's fraction and the chosen one loses less.
    """
    gain = chosen.attainment.inside.value - ordered.attainment.inside.value
    if gain >= judgement.relevant_chance.value:
        return True
    tolerance = 1.0 + judgement.relevant_outside.value
    outside = ordered.median > target.high * tolerance or ordered.median < target.low / tolerance
    return outside and chosen.loss < ordered.loss
