"""``CardSubject``: all that a card is written from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

from cds_hooks.wording import Wording
from dosing_core.case import Case
from dosing_core.recommendation import LevelReview, Recommendation

Moment = Literal["select", "sign"]


@dataclass(frozen=True)
class CardSubject:
    """One order, the question it led to, and the answer."""

    recommendation: Recommendation
    case: Case
    order: dict[str, Any]
    """The EHR's own MedicationRequest; a suggestion changes a copy of it."""
    patient_id: str
    encounter_id: str | None
    moment: Moment
    recommendation_id: str
    page_url: str | None
    """Where the page behind the card is; None if there is none."""
    timezone: ZoneInfo
    ordered_loading_mg: float | None = None
    """The loading dose that the order already has beside its repeating dose."""
    route_in_scope: bool = True
    """False if the drug is ordered by a route that its file does not dose, such as vancomycin by mouth."""
    requested: frozenset[str] = frozenset()
    """Codes of the measurements that stand beside the order as drafts already."""
    guided_only: bool = False
    """True if only a guideline on genes speaks of the drug: then silence unless it asks for something."""
    one_of_several: bool = False
    """True if the call asks about more orders, so the card says which one it is about."""

    @property
    def wording(self) -> Wording:
        """Words for this recommendation."""
        return Wording(self.timezone, self.case.now, self.recommendation.display)

    @property
    def drug_name(self) -> str:
        """The drug's name as it stands inside a sentence."""
        display = self.recommendation.display
        return display.drug_name if display else self.recommendation.drug

    @property
    def already_ordered(self) -> bool:
        """True if what is recommended stands in the order, loading dose included."""
        ordered = self.recommendation.option("as_ordered")
        advised = self.recommendation.option("recommended")
        if ordered is None or advised is None or ordered.regimen != advised.regimen:
            return False
        return advised.loading_dose_mg in (None, self.ordered_loading_mg)

    @property
    def agrees_unseen(self) -> bool:
        """True if the order is let stand although something of its treatment could not be used."""
        recommendation = self.recommendation
        stands = recommendation.outcome == "agree" or (
            recommendation.outcome == "recommend" and self.already_ordered
        )
        return stands and bool(recommendation.left_out)

    @property
    def flagged_levels(self) -> tuple[LevelReview, ...]:
        """Levels that no dosing explains."""
        return tuple(level for level in self.recommendation.levels if not level.plausible)
