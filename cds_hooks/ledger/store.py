"""``Ledger``: the one door to the database."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast

from sqlalchemy import Engine, create_engine, delete, event, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.schema import CreateIndex, CreateTable

from cds_hooks.errors import ConfigurationError
from cds_hooks.ledger.records import CallOutcome, CallRecord, FeedbackRecord, StoredRecommendation
from cds_hooks.ledger.tables import (
    CallRow,
    CardRow,
    FeedbackRow,
    RecommendationRow,
    SeenTokenRow,
    Table,
)

BUSY_TIMEOUT_MS = 1000
"""How long a writer waits for another worker's write; half of what an answer may take."""


class Ledger:
    """What was asked, answered, accepted and overridden. Safe to use from several threads and processes.

    Its methods raise ``sqlalchemy.exc.SQLAlchemyError`` if the database does not answer.
    """

    def __init__(self, url: str) -> None:
        """Open the ledger and make its tables where they are missing. Raises ``ConfigurationError``."""
        try:
            _make_private_file(url)
            self._engine = create_engine(url)
            if self._engine.dialect.name == "sqlite":
                event.listen(self._engine, "connect", _prepare_sqlite)
            _make_tables(self._engine)
        except (SQLAlchemyError, ArgumentError, OSError) as error:
            raise ConfigurationError(
                f"the ledger at {url.split('@')[-1]} cannot be opened: {error}"
            ) from error

    def after_fork(self) -> None:
        """Forget the connections of the parent process, which must not be shared."""
        self._engine.dispose(close=False)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def is_writable(self) -> bool:
        """True if the database accepts a write now."""
        try:
            with self._engine.begin() as connection:
                connection.execute(delete(SeenTokenRow).where(SeenTokenRow.digest == ""))
        except SQLAlchemyError:
            return False
        return True

    def record_call(self, call: CallRecord) -> None:
        """Keep the request id and outcome of one call."""
        with self._engine.begin() as connection:
            connection.execute(insert(CallRow).values(**vars(call)))

    def calls(self, limit: int = 20) -> tuple[CallRecord, ...]:
        """The last calls, newest first."""
        newest = select(CallRow).order_by(CallRow.received_at.desc(), CallRow.request_id).limit(limit)
        with Session(self._engine) as session:
            return tuple(_call(row) for row in session.scalars(newest))

    def store_recommendation(self, stored: StoredRecommendation) -> None:
        """Keep one answer. The same id again is the same answer to a repeated call: the first is kept."""
        values = {name: value for name, value in vars(stored).items() if name != "cards"}
        with self._engine.begin() as connection:
            connection.execute(self._insert_once(RecommendationRow, values))
            for position, uuid in enumerate(stored.cards):
                card = {"uuid": uuid, "recommendation_id": stored.id, "position": position}
                connection.execute(self._insert_once(CardRow, card))

    def recommendation(self, recommendation_id: str) -> StoredRecommendation | None:
        """The answer with this id, or None."""
        with Session(self._engine) as session:
            row = session.get(RecommendationRow, recommendation_id)
            return None if row is None else _recommendation(session, row)

    def recommendations_of(self, request_id: str) -> tuple[StoredRecommendation, ...]:
        """The answers that one call led to, also those that were kept silent about."""
        asked = select(RecommendationRow).where(RecommendationRow.request_id == request_id)
        with Session(self._engine) as session:
            rows = session.scalars(asked.order_by(RecommendationRow.id))
            return tuple(_recommendation(session, row) for row in rows)

    def record_feedback(self, feedback: FeedbackRecord) -> bool:
        """Keep one feedback; False if exactly this was said before. Never judges which of two holds."""
        values = {**vars(feedback), "suggestions": json.dumps(feedback.suggestions)}
        said = {name: str(value) for name, value in values.items() if name != "received_at"}
        values["digest"] = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        with self._engine.begin() as connection:
            return connection.execute(self._insert_once(FeedbackRow, values)).rowcount == 1

    def feedback_for(self, recommendation_id: str) -> tuple[FeedbackRecord, ...]:
        """What was said about the cards of this recommendation, oldest first."""
        about = (
            select(FeedbackRow)
            .where(FeedbackRow.card.in_(_cards_of(recommendation_id)))
            .order_by(FeedbackRow.received_at, FeedbackRow.outcome_at, FeedbackRow.digest)
        )
        with Session(self._engine) as session:
            return tuple(_feedback(row) for row in session.scalars(about))

    def use_token(self, issuer: str, jti: str, expires_at: datetime, now: datetime) -> bool:
        """Mark a client token as used; False if it was used before. Forgets tokens that have expired."""
        digest = hashlib.sha256(json.dumps([issuer, jti]).encode()).hexdigest()
        values = {"digest": digest, "expires_at": expires_at}
        with self._engine.begin() as connection:
            connection.execute(delete(SeenTokenRow).where(SeenTokenRow.expires_at < now))
            return connection.execute(self._insert_once(SeenTokenRow, values)).rowcount == 1

    def _insert_once(self, row: type[Table], values: dict[str, Any]) -> Any:
        """An insert that leaves a row with the same key as it is."""
        dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        return dialect.insert(row).values(**values).on_conflict_do_nothing()


def _cards_of(recommendation_id: str) -> Any:
    return select(CardRow.uuid).where(CardRow.recommendation_id == recommendation_id)


def _recommendation(session: Session, row: RecommendationRow) -> StoredRecommendation:
    return StoredRecommendation(
        id=row.id,
        request_id=row.request_id,
        created_at=row.created_at,
        drug=row.drug,
        outcome=row.outcome,
        engine=row.engine,
        case=row.case,
        recommendation=row.recommendation,
        cards=tuple(session.scalars(_cards_of(row.id).order_by(CardRow.position))),
    )


def _call(row: CallRow) -> CallRecord:
    return CallRecord(
        request_id=row.request_id,
        received_at=row.received_at,
        status=row.status,
        outcome=cast(CallOutcome, row.outcome),
        duration_ms=row.duration_ms,
        service=row.service,
        hook=row.hook,
        hook_instance=row.hook_instance,
        error_class=row.error_class,
    )


def _feedback(row: FeedbackRow) -> FeedbackRecord:
    return FeedbackRecord(
        card=row.card,
        outcome=cast(Literal["accepted", "overridden"], row.outcome),
        received_at=row.received_at,
        outcome_at=row.outcome_at,
        suggestions=tuple(json.loads(row.suggestions)),
        reason_system=row.reason_system,
        reason_code=row.reason_code,
        reason_display=row.reason_display,
        comment=row.comment,
    )


def _make_private_file(url: str) -> None:
    """Create a SQLite file that only this user can read: it holds clinical facts, though no names."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and address.database not in {None, "", ":memory:"}:
        path = Path(str(address.database))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Readers never wait for a writer (WAL); a writer waits a moment for another."""
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _make_tables(engine: Engine) -> None:
    """Make what is missing, also if another process does the same at this moment."""
    with engine.begin() as connection:
        connection.execute(text("SELECT 1"))
        for table in Table.metadata.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                connection.execute(CreateIndex(index, if_not_exists=True))
