"""The ledger's tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Index, LargeBinary, String, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Instant(TypeDecorator[datetime]):
    """An instant, stored as UTC because SQLite keeps no offset, read back with its offset."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Table(DeclarativeBase):
    """All tables of the ledger."""

    type_annotation_map = {datetime: Instant(), bytes: LargeBinary(), str: String()}  # noqa: RUF012


class CallRow(Table):
    """One call. No foreign key leads here: a recommendation is written before its call has ended."""

    __tablename__ = "calls"

    request_id: Mapped[str] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(index=True)
    service: Mapped[str]
    hook: Mapped[str]
    hook_instance: Mapped[str]
    status: Mapped[int]
    outcome: Mapped[str]
    duration_ms: Mapped[float]
    error_class: Mapped[str]


class RecommendationRow(Table):
    """One answer with its question."""

    __tablename__ = "recommendations"

    id: Mapped[str] = mapped_column(primary_key=True)
    request_id: Mapped[str] = mapped_column(index=True)
    created_at: Mapped[datetime]
    drug: Mapped[str]
    outcome: Mapped[str]
    engine: Mapped[str]
    case: Mapped[bytes]
    recommendation: Mapped[bytes]


class CardRow(Table):
    """Which recommendation a card carried, and its place among that recommendation's cards."""

    __tablename__ = "cards"

    uuid: Mapped[str] = mapped_column(primary_key=True)
    recommendation_id: Mapped[str] = mapped_column(index=True)
    position: Mapped[int]


class FeedbackRow(Table):
    """One feedback. ``digest`` is over all that the client said, so the same said twice is one row."""

    __tablename__ = "feedback"
    __table_args__ = (Index("feedback_by_card", "card", "received_at"),)

    digest: Mapped[str] = mapped_column(primary_key=True)
    card: Mapped[str]
    outcome: Mapped[str]
    received_at: Mapped[datetime]
    outcome_at: Mapped[datetime | None]
    suggestions: Mapped[str]
    """JSON list."""
    reason_system: Mapped[str]
    reason_code: Mapped[str]
    reason_display: Mapped[str]
    comment: Mapped[str]


class SeenTokenRow(Table):
    """A client token that was used, as a digest of issuer and ``jti``, kept until the token expires."""

    __tablename__ = "seen_tokens"

    digest: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
