"""The ledger keeps calls, answers and feedback, and never says a thing twice."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from cds_hooks.errors import ConfigurationError
from cds_hooks.ledger import CallRecord, FeedbackRecord, Ledger, StoredRecommendation

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(f"sqlite:///{tmp_path}/deep/ledger.sqlite3")
    yield opened
    opened.close()


def _call(request_id: str, received_at: datetime = NOW) -> CallRecord:
    return CallRecord(
        request_id=request_id, received_at=received_at, status=200, outcome="cards", duration_ms=12.5
    )


def _recommendation(identifier: str = "r1", cards: tuple[str, ...] = ("c1",)) -> StoredRecommendation:
    return StoredRecommendation(
        id=identifier,
        request_id="q1",
        created_at=NOW,
        drug="vancomycin",
        outcome="recommend",
        engine="dosewright 0.1.0",
        case=b'{"a":"\xc3\xbc"}',
        recommendation=b"{}",
        cards=cards,
    )


def _feedback(card: str = "c1", **changes: object) -> FeedbackRecord:
    values: dict[str, object] = {"card": card, "outcome": "accepted", "received_at": NOW}
    return FeedbackRecord(**(values | changes))  # type: ignore[arg-type]


def test_calls_come_back_newest_first(ledger: Ledger) -> None:
    for number in range(3):
        ledger.record_call(_call(f"q{number}", NOW + timedelta(seconds=number)))

    assert [call.request_id for call in ledger.calls(2)] == ["q2", "q1"]
    assert ledger.calls(1)[0] == _call("q2", NOW + timedelta(seconds=2))


def test_an_answer_comes_back_byte_for_byte_with_its_cards_in_order(ledger: Ledger) -> None:
    stored = _recommendation(cards=("c2", "c1"))
    ledger.store_recommendation(stored)

    assert ledger.recommendation("r1") == stored
    assert ledger.recommendation("r2") is None


def test_the_same_answer_to_a_repeated_call_is_kept_once(ledger: Ledger) -> None:
    ledger.store_recommendation(_recommendation())
    ledger.store_recommendation(_recommendation())

    kept = ledger.recommendation("r1")
    assert kept is not None
    assert kept.cards == ("c1",)


def test_instants_keep_their_meaning_whatever_their_offset(ledger: Ledger) -> None:
    berlin = timezone(timedelta(hours=1))
    ledger.record_call(_call("q1", NOW.astimezone(berlin)))

    assert ledger.calls()[0].received_at == NOW


def test_feedback_said_twice_is_kept_once_and_a_change_of_mind_is_kept(ledger: Ledger) -> None:
    ledger.store_recommendation(_recommendation())

    assert ledger.record_feedback(_feedback(suggestions=("s1",)))
    assert not ledger.record_feedback(_feedback(suggestions=("s1",), received_at=NOW + timedelta(minutes=1)))
    assert ledger.record_feedback(_feedback(outcome="overridden", received_at=NOW + timedelta(minutes=2)))
    assert [one.outcome for one in ledger.feedback_for("r1")] == ["accepted", "overridden"]
    assert ledger.feedback_for("r1")[0].suggestions == ("s1",)


def test_feedback_about_an_unknown_card_is_kept_but_belongs_to_no_answer(ledger: Ledger) -> None:
    ledger.store_recommendation(_recommendation())

    assert ledger.record_feedback(_feedback("elsewhere"))
    assert ledger.feedback_for("r1") == ()


def test_a_token_passes_once_for_each_issuer_and_is_forgotten_after_it_expired(ledger: Ledger) -> None:
    soon = NOW + timedelta(minutes=5)

    assert ledger.use_token("a", "1", soon, NOW)
    assert not ledger.use_token("a", "1", soon, NOW)
    assert ledger.use_token("b", "1", soon, NOW)
    assert ledger.use_token("a", "1", soon, NOW + timedelta(minutes=6))


def test_of_many_at_once_one_may_use_a_token(ledger: Ledger) -> None:
    with ThreadPoolExecutor(8) as pool:
        passed = list(
            pool.map(lambda _: ledger.use_token("a", "1", NOW + timedelta(minutes=5), NOW), range(16))
        )

    assert passed.count(True) == 1


def test_two_ledgers_on_one_file_see_each_other(ledger: Ledger, tmp_path: Path) -> None:
    other = Ledger(f"sqlite:///{tmp_path}/deep/ledger.sqlite3")
    ledger.record_call(_call("q1"))

    assert [call.request_id for call in other.calls()] == ["q1"]
    other.close()


def test_the_file_is_for_its_owner_only(ledger: Ledger, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "deep" / "ledger.sqlite3").stat().st_mode) == 0o600


def test_writability_is_told_truly(ledger: Ledger) -> None:
    assert ledger.is_writable()


@pytest.mark.parametrize("url", ["not a url", "sqlite:////proc/none/ledger.sqlite3", "nosuch://x/y"])
def test_a_ledger_that_cannot_be_opened_says_so(url: str) -> None:
    with pytest.raises(ConfigurationError, match="ledger"):
        Ledger(url)
