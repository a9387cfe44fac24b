"""Feedback as clients really send it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cds_hooks.errors import MalformedRequest
from cds_hooks.protocol.feedback import COMMENT_LENGTH, read_feedback

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def _one(**members: Any) -> dict[str, Any]:
    return {"feedback": [{"card": "c1", "outcome": "accepted"} | members]}


def test_an_accepted_suggestion_is_read() -> None:
    (record,) = read_feedback(
        _one(acceptedSuggestions=[{"id": "s1"}], outcomeTimestamp="2026-11-24T08:59:30Z"), NOW
    )

    assert (record.card, record.outcome, record.suggestions) == ("c1", "accepted", ("s1",))
    assert record.outcome_at == datetime(2026, 11, 24, 8, 59, 30, tzinfo=UTC)
    assert record.received_at == NOW


def test_an_override_is_read_with_or_without_a_display() -> None:
    reason = {"code": "cds-not-applicable", "system": "s"}
    (record,) = read_feedback(
        _one(outcome="overridden", overrideReason={"reason": reason, "userComment": "comfort care"}), NOW
    )

    assert (record.reason_code, record.reason_system, record.reason_display) == (
        "cds-not-applicable",
        "s",
        "",
    )
    assert record.comment == "comfort care"


@pytest.mark.parametrize("override", [None, {}, {"reason": None}, {"userComment": None}])
def test_an_override_without_a_reason_is_read(override: Any) -> None:
    (record,) = read_feedback(_one(outcome="overridden", overrideReason=override), NOW)

    assert record.outcome == "overridden"


def test_one_report_may_speak_of_several_cards() -> None:
    body = {"feedback": [{"card": c, "outcome": "accepted"} for c in ("c1", "c2")]}

    assert [record.card for record in read_feedback(body, NOW)] == ["c1", "c2"]


def test_a_time_without_offset_is_utc_and_a_long_comment_is_cut() -> None:
    (record,) = read_feedback(
        _one(
            outcome="overridden",
            outcomeTimestamp="2026-11-24T08:59:30",
            overrideReason={"userComment": "x" * (COMMENT_LENGTH + 1)},
        ),
        NOW,
    )

    assert record.outcome_at == datetime(2026, 11, 24, 8, 59, 30, tzinfo=UTC)
    assert len(record.comment) == COMMENT_LENGTH


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "feedback"),
        ({"feedback": {}}, "feedback"),
        ({"feedback": [1]}, "feedback[0]"),
        ({"feedback": [{"outcome": "accepted"}]}, "feedback[0].card"),
        ({"feedback": [{"card": "c1"}]}, "feedback[0].outcome"),
        (_one(outcome="ignored"), "feedback[0].outcome"),
        (_one(acceptedSuggestions=[{}]), "feedback[0].acceptedSuggestions[0].id"),
        (_one(outcomeTimestamp="yesterday"), "feedback[0].outcomeTimestamp"),
        (_one(outcomeTimestamp="0001-01-01T00:00:00+14:00"), "feedback[0].outcomeTimestamp"),
        (_one(card="x" * 65), "feedback[0].card"),
    ],
)
def test_a_wrong_field_is_named(body: Any, named: str) -> None:
    with pytest.raises(MalformedRequest) as refused:
        read_feedback(body, NOW)

    assert [problem.field for problem in refused.value.problems] == [named]
