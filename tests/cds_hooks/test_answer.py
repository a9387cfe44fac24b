"""Answers to hook calls: cards by the standard, the same each time, recorded, and leaking nothing."""

from __future__ import annotations

import json
import logging
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hook_call import (
    FIRST_DOSE,
    INSTANCE,
    NOW,
    SELECT,
    SIGN,
    TOKEN,
    TWO_LEVELS,
    Service,
    hook_call,
    named,
    refusal,
)
from sqlalchemy.exc import OperationalError

import cds_hooks.answer
from cds_hooks.protocol.response import SUMMARY_LENGTH

# Answers --------------------------------------------------------------------------------------------------


def test_a_card_keeps_to_the_standard(service: Service) -> None:
    (card,) = service.ask(hook_call(TWO_LEVELS))["cards"]

    assert len(card["summary"]) <= SUMMARY_LENGTH
    assert card["indicator"] in {"info", "warning", "critical"}
    assert card["source"]["label"]
    assert card["uuid"]
    assert card["selectionBehavior"] in {"at-most-one", "any"}
    assert sum(bool(s.get("isRecommended")) for s in card["suggestions"]) == 1
    for suggestion in card["suggestions"]:
        for action in suggestion["actions"]:
            assert action["description"]
            if action["type"] == "update":
                assert action["resource"]["id"] == TWO_LEVELS.question.order["id"]
    assert all(reason["display"] for reason in card["overrideReasons"])
    assert all(value not in (None, "", [], {}) for value in card.values())


def test_a_drug_that_is_not_known_meets_silence(service: Service) -> None:
    assert service.ask(hook_call(named("18"))) == {"cards": []}
    assert service.ledger.calls()[0].outcome == "silent"


def test_an_order_for_another_patient_gets_no_dose(service: Service) -> None:
    cards = service.ask(hook_call(named("19")))["cards"]

    assert "AUC24" not in json.dumps(cards)
    assert not any("suggestions" in card for card in cards)


def test_the_same_request_gives_the_same_cards(service: Service, tmp_path: Path) -> None:
    body = hook_call(TWO_LEVELS)
    again = tmp_path / "again"
    again.mkdir()

    assert service.ask(body) == service.ask(deepcopy(body)) == Service(again, NOW).ask(body)


def _with_tacrolimus(body: dict[str, Any]) -> dict[str, Any]:
    """The call, with a draft for tacrolimus beside the vancomycin."""
    second = deepcopy(named("09").question.order) | {"id": "draft-2"}
    second["subject"] = deepcopy(TWO_LEVELS.question.order["subject"])
    body["context"]["draftOrders"]["entry"].append({"resource": second})
    return body


def test_several_orders_get_a_card_each_that_names_its_order(service: Service) -> None:
    cards = service.ask(_with_tacrolimus(hook_call(TWO_LEVELS)))["cards"]

    assert len({card["uuid"] for card in cards}) == 2
    assert [card["detail"].splitlines()[0][:21] for card in cards] == [
        "**Order:** vancomycin",
        "**Order:** tacrolimus",
    ]


def _second_draft(hook: str, **changes: Any) -> dict[str, Any]:
    """Two drafts for vancomycin, 1,000 and 500 mg every 12 h; when selecting, the first one is selected."""
    body = hook_call(TWO_LEVELS, hook=hook)
    second = deepcopy(TWO_LEVELS.question.order) | {"id": "draft-2"} | changes
    second["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"] = 500
    body["context"]["draftOrders"]["entry"].append({"resource": second})
    if hook == "order-select":
        body["context"]["selections"] = ["MedicationRequest/draft-1"]
    return body


@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_the_same_drug_twice_is_named_and_gets_no_dose(service: Service, hook: str) -> None:
    """Each alone may be right; together they are half as much again."""
    (card,) = service.ask(_second_draft(hook))["cards"]

    assert card["indicator"] == "warning"
    assert card["summary"].startswith(
        "Vancomycin is ordered 2 times at once (1,000 mg every 12 h; 500 mg every 12 h)"
    )
    assert "suggestions" not in card


def test_the_same_order_sent_twice_is_one_order(service: Service) -> None:
    cards = service.ask(_second_draft("order-sign", id="draft-1"))["cards"]

    assert all("at once" not in card["summary"] for card in cards)


def test_vancomycin_by_mouth_beside_an_infusion_is_another_treatment(service: Service) -> None:
    oral = deepcopy(named("20").question.order["dosageInstruction"])
    cards = service.ask(_second_draft("order-sign", dosageInstruction=oral))["cards"]

    assert all("at once" not in card["summary"] for card in cards)


def test_many_orders_do_not_keep_the_prescriber_waiting(service: Service) -> None:
    body = hook_call(TWO_LEVELS)
    body["context"]["draftOrders"]["entry"] *= 500

    *answered, last = service.ask(body)["cards"]

    assert len(answered) == cds_hooks.answer.MOST_ORDERS
    assert last["summary"].startswith(f"{500 - len(answered)} more orders were not looked at")


def test_an_answer_is_in_the_ledger_under_the_link_of_its_card(service: Service) -> None:
    (card,) = service.ask(hook_call(TWO_LEVELS))["cards"]
    identifier = card["links"][0]["url"].rpartition("/")[2]
    stored = service.ledger.recommendation(identifier)

    assert stored is not None
    assert stored.cards == (card["uuid"],)
    assert stored.request_id == service.ledger.calls()[0].request_id
    assert TWO_LEVELS.patient_id.encode() not in stored.case.replace(
        TWO_LEVELS.patient_id.encode() + b"-", b""
    )


def test_markup_in_the_record_does_not_reach_the_card(service: Service) -> None:
    body = hook_call(named("17"))
    hostile = "<img src=x onerror=alert(1)>[x](https://evil.example)"
    text = json.dumps(body).replace("[arb'U]", hostile)
    text = text.replace("arbitrary units", hostile).replace("[arb\\u2019U]", hostile)
    body = json.loads(text)

    words = json.dumps(
        [{k: v for k, v in card.items() if k != "suggestions"} for card in service.ask(body)["cards"]]
    )

    assert "<img" not in words
    assert "](https://evil" not in words.replace("\\\\]", "")


# Failures of ours -----------------------------------------------------------------------------------------


def test_a_failure_of_ours_is_a_card_and_never_a_500(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Any) -> None:
        raise RuntimeError("weight of Erika Mustermann: 80 kg")

    monkeypatch.setattr(cds_hooks.answer, "recommend", broken)
    with caplog.at_level(logging.INFO):
        (card,) = service.ask(hook_call(TWO_LEVELS))["cards"]

    assert "not individualised" in card["summary"]
    assert "suggestions" not in card
    call = service.ledger.calls()[0]
    assert (call.outcome, call.error_class, call.status) == ("failed", "RuntimeError", 200)
    assert "RuntimeError" in caplog.text
    assert "Mustermann" not in caplog.text + json.dumps(card)


def test_one_order_that_cannot_be_answered_does_not_silence_the_other(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = cds_hooks.answer.recommend, []

    def fails_once(case: Any) -> Any:
        asked.append(case)
        if len(asked) == 1:
            raise RuntimeError
        return real(case)

    monkeypatch.setattr(cds_hooks.answer, "recommend", fails_once)
    body = hook_call(TWO_LEVELS)
    body["context"]["draftOrders"]["entry"] *= 2
    first, second = service.ask(body)["cards"]

    assert "suggestions" not in first
    assert "suggestions" in second


def test_an_error_outside_an_order_is_an_outcome_without_a_trace(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("cds_hooks.app.answer", broken)
    answered = service.client.post(SELECT, json=hook_call(FIRST_DOSE))

    assert answered.status_code == 500
    refusal(answered)
    assert "secret" not in answered.get_data(as_text=True)
    assert "Traceback" not in answered.get_data(as_text=True)


def test_the_answer_goes_out_while_the_ledger_is_away(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    for method in ("record_call", "store_recommendation", "record_feedback"):
        monkeypatch.setattr(service.ledger, method, away)
    (card,) = service.ask(hook_call(TWO_LEVELS))["cards"]
    feedback = service.client.post(
        f"{SIGN}/feedback", json={"feedback": [{"card": card["uuid"], "outcome": "accepted"}]}
    )

    assert card["suggestions"]
    assert "links" not in card, "a page that was not stored must not be linked"
    assert feedback.status_code == 503, "what was not kept must not be acknowledged; clients may repeat it"
    assert "not written" in caplog.text


# What is kept and logged ----------------------------------------------------------------------------------


def test_every_call_is_recorded_with_its_request_id_andrefusal(service: Service) -> None:
    ids = [
        service.client.get("/cds-services").headers["X-Request-Id"],
        service.client.post(SELECT, json={}).headers["X-Request-Id"],
        service.client.post(SELECT, json=hook_call(FIRST_DOSE)).headers["X-Request-Id"],
        service.client.post(f"{SELECT}/feedback", json={"feedback": []}).headers["X-Request-Id"],
        service.client.post("/cds-services/unknown", json={}).headers["X-Request-Id"],
    ]
    recorded = {call.request_id: (call.outcome, call.status) for call in service.ledger.calls()}

    assert [recorded[identifier] for identifier in ids] == [
        ("discovery", 200),
        ("refused", 400),
        ("cards", 200),
        ("feedback", 200),
        ("refused", 404),
    ]


def test_a_request_id_is_ours_whatever_the_client_sends(service: Service) -> None:
    answered = service.client.get("/cds-services", headers={"X-Request-Id": "Patient/1"})

    assert len(answered.headers["X-Request-Id"]) == 36


def test_the_log_has_one_line_a_call_and_nothing_of_patient_or_token(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        service.ask(
            hook_call(
                TWO_LEVELS,
                fhirServer="https://ehr.example.org/fhir",
                fhirAuthorization={"access_token": TOKEN, "token_type": "Bearer"},
            ),
            Authorization=f"Bearer {TOKEN}",
        )
        service.client.post(SIGN, json={"hook": TOKEN, "hookInstance": TWO_LEVELS.patient_id})
    lines = [
        json.loads(record.getMessage()) for record in caplog.records if record.name == "dosewright.calls"
    ]

    assert [(line["service"], line["status"], line["outcome"]) for line in lines] == [
        ("dosewright-order-sign", 200, "cards"),
        ("dosewright-order-sign", 400, "refused"),
    ]
    for secret in (TOKEN, TWO_LEVELS.patient_id):
        assert secret not in caplog.text


def test_no_token_in_answer_or_ledger(service: Service, tmp_path: Path) -> None:
    body = hook_call(
        TWO_LEVELS,
        fhirServer="https://ehr.example.org/fhir",
        fhirAuthorization={"access_token": TOKEN, "token_type": "Bearer"},
    )
    answered = json.dumps(service.ask(body, Authorization=f"Bearer {TOKEN}"))
    service.ledger.close()

    assert TOKEN not in answered
    for file in tmp_path.iterdir():
        assert TOKEN.encode() not in file.read_bytes(), file


# Feedback -------------------------------------------------------------------------------------------------


def test_feedback_is_kept_with_the_answer_it_belongs_to(service: Service) -> None:
    (card,) = service.ask(hook_call(TWO_LEVELS))["cards"]
    accepted = {
        "card": card["uuid"],
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": card["suggestions"][0]["uuid"]}],
        "outcomeTimestamp": "2026-11-24T09:00:30Z",
    }
    overridden = {
        "card": card["uuid"],
        "outcome": "overridden",
        "overrideReason": {"reason": {k: v for k, v in card["overrideReasons"][0].items() if k != "display"}},
        "outcomeTimestamp": "2026-11-24T09:01:00Z",
    }
    for said in (
        [accepted],
        [accepted],
        [overridden],
        [accepted, overridden],
        [{**accepted, "card": "other"}],
    ):
        assert service.client.post(f"{SIGN}/feedback", json={"feedback": said}).status_code == 200

    identifier = card["links"][0]["url"].rpartition("/")[2]
    assert [one.outcome for one in service.ledger.feedback_for(identifier)] == ["accepted", "overridden"]


def test_a_malformed_report_names_the_field(service: Service) -> None:
    answered = service.client.post(f"{SIGN}/feedback", json={"feedback": [{"card": "c", "outcome": "maybe"}]})

    assert answered.status_code == 400
    assert refusal(answered)["issue"][0]["expression"] == ["feedback[0].outcome"]


def test_the_instance_of_the_hook_is_recorded(service: Service) -> None:
    service.ask(hook_call(FIRST_DOSE))

    assert service.ledger.calls()[0].hook_instance == INSTANCE


@pytest.mark.parametrize(("slug", "words"), [("16", "before the first dose"), ("17", "not a unit")])
def test_signing_is_not_silent_about_a_level_that_could_not_be_used(
    service: Service, slug: str, words: str
) -> None:
    """Silence on signing says that everything was looked at and is fine."""
    (card,) = service.ask(hook_call(named(slug), hook="order-sign"))["cards"]

    assert card["indicator"] == "warning"
    assert card["summary"].startswith("Vancomycin not fully checked: ")
    assert words in card["summary"]
