"""What an EHR reports back about cards: accepted, or overridden and why.

One report may speak of several cards, repeat what was said, say that a card was accepted and later that it
was overridden, and give a reason as a bare code: clients do all of that.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from cds_hooks.ledger.records import FeedbackRecord
from cds_hooks.protocol.wire import Incoming, read

COMMENT_LENGTH = 1000
"""Characters of a clinician's comment that are kept."""
CODE_LENGTH = 300
"""Characters of a code, its system or its display that are kept."""
MAX_ENTRIES = 200
"""Entries that one report may have, and suggestions that one entry may name."""


def _nothing_for_null(value: Any) -> Any:
    return () if value is None else value


def _in_utc(time: datetime) -> datetime:
    """The instant in UTC, which is what a time without an offset is taken to be in."""
    try:
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise ValueError("must be a time that UTC can write") from None


Uuid = Annotated[str, Field(min_length=1, max_length=64)]


class AcceptedSuggestion(Incoming):
    """A suggestion that was followed."""

    id: Uuid


class Reason(Incoming):
    """The code of a reason; a display is welcome."""

    code: str | None = None
    system: str | None = None
    display: str | None = None


class OverrideFeedback(Incoming):
    """Why a card was not followed."""

    reason: Reason | None = None
    user_comment: str | None = None


class CardFeedback(Incoming):
    """What became of one card."""

    card: Uuid
    outcome: Literal["accepted", "overridden"]
    accepted_suggestions: Annotated[
        tuple[AcceptedSuggestion, ...], BeforeValidator(_nothing_for_null), Field(max_length=MAX_ENTRIES)
    ] = ()
    override_reason: OverrideFeedback | None = None
    outcome_timestamp: Annotated[datetime, AfterValidator(_in_utc)] | None = None


class Feedback(Incoming):
    """One report."""

    feedback: Annotated[tuple[CardFeedback, ...], Field(max_length=MAX_ENTRIES)]


def read_feedback(body: Any, received_at: datetime) -> tuple[FeedbackRecord, ...]:
    """The report as the ledger keeps it. Raises ``MalformedRequest`` that names each wrong field."""
    return tuple(_record(entry, received_at) for entry in read(Feedback, body).feedback)


def _record(entry: CardFeedback, received_at: datetime) -> FeedbackRecord:
    override = entry.override_reason or OverrideFeedback()
    reason = override.reason or Reason()
    return FeedbackRecord(
        card=entry.card,
        outcome=entry.outcome,
        received_at=received_at,
        outcome_at=entry.outcome_timestamp,
        suggestions=tuple(suggestion.id for suggestion in entry.accepted_suggestions),
        reason_system=(reason.system or "")[:CODE_LENGTH],
        reason_code=(reason.code or "")[:CODE_LENGTH],
        reason_display=(reason.display or "")[:CODE_LENGTH],
        comment=(override.user_comment or "")[:COMMENT_LENGTH],
    )
