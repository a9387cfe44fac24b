"""Recompute a stored recommendation and compare the bytes: does the case still give what was advised?"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from cds_hooks.errors import UnknownRecommendation, UnreadableRecommendation
from cds_hooks.ledger import Ledger
from dosing_core.case import Case
from dosing_core.errors import DosingError
from dosing_core.recommendation import Recommendation


@dataclass(frozen=True)
class Replay:
    """What a stored recommendation looks like computed anew."""

    same: bool
    stored_engine: str
    engine: str
    differs_in: tuple[str, ...]
    """Fields of the recommendation that differ, the engine aside."""


def replay(ledger: Ledger, recommendation_id: str) -> Replay:
    """Recompute the stored case. Raises ``UnknownRecommendation``, or ``UnreadableRecommendation`` if this
    version cannot read what an earlier one stored."""
    from dosing_core import recommend  # compiled kernels load here, not when the command starts

    stored = ledger.recommendation(recommendation_id)
    if stored is None:
        raise UnknownRecommendation(recommendation_id)
    try:
        before = Recommendation.from_bytes(stored.recommendation)
        after = recommend(Case.from_bytes(stored.case))
    except (ValidationError, DosingError) as error:
        raise UnreadableRecommendation(recommendation_id, stored.engine) from error
    then, now = before.model_dump(mode="json"), after.model_dump(mode="json")
    return Replay(
        same=after.to_bytes() == stored.recommendation,
        stored_engine=stored.engine,
        engine=after.engine,
        differs_in=tuple(name for name in then if name != "engine" and then[name] != now[name]),
    )
