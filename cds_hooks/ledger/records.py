"""What goes into the ledger and comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

CallOutcome = Literal["cards", "silent", "refused", "failed", "discovery", "feedback"]
"""What became of a call: cards were sent; nothing was worth saying; the call was refused (4xx); we failed;
or it was no question at all."""


@dataclass(frozen=True)
class CallRecord:
    """One call to the service, answered or refused."""

    request_id: str
    """Also in the response's ``X-Request-Id`` header and in the log."""
    received_at: datetime
    status: int
    outcome: CallOutcome
    duration_ms: float
    service: str = ""
    hook: str = ""
    hook_instance: str = ""
    error_class: str = ""
    """Name of the exception's class where a call was refused or failed; never its text."""


@dataclass(frozen=True)
class StoredRecommendation:
    """One answer with the question it belongs to, byte for byte."""

    id: str
    request_id: str
    created_at: datetime
    drug: str
    outcome: str
    engine: str
    case: bytes
    """``Case.to_bytes()``."""
    recommendation: bytes
    """``Recommendation.to_bytes()``."""
    cards: tuple[str, ...] = ()
    """UUIDs of the cards that carried it."""


@dataclass(frozen=True)
class FeedbackRecord:
    """What a clinician did with one card."""

    card: str
    outcome: Literal["accepted", "overridden"]
    received_at: datetime
    outcome_at: datetime | None = None
    """When the clinician acted, by the client's clock."""
    suggestions: tuple[str, ...] = field(default=())
    """UUIDs of the suggestions that were accepted."""
    reason_system: str = ""
    reason_code: str = ""
    reason_display: str = ""
    comment: str = ""
