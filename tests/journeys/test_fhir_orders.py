"""Orders as EHRs write them, put to the whole service: what is not answered is said, not passed over."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hook_call import Service, hook_call, named
from journeys.record_server import TOKEN, serving

FIRST_DOSE = named("01")
TACROLIMUS = named("09")


def ask(directory: Path, body: dict[str, Any], **settings: Any) -> list[dict[str, Any]]:
    service = Service(directory, FIRST_DOSE.now, **settings)
    try:
        cards: list[dict[str, Any]] = service.ask(body)["cards"]
    finally:
        service.ledger.close()
    return cards


def order_of(body: dict[str, Any]) -> dict[str, Any]:
    order: dict[str, Any] = body["context"]["draftOrders"]["entry"][0]["resource"]
    return order


@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_a_route_that_is_not_understood_gets_a_card_without_a_dose(hook: str, tmp_path: Path) -> None:
    body = hook_call(FIRST_DOSE) | {"hook": hook}
    order = order_of(body)
    body["context"]["selections"] = [f"MedicationRequest/{order['id']}"]
    order["dosageInstruction"] = [{"route": {"text": "via [Hickman](https://x.example)"}}]
    (card,) = ask(tmp_path, body)

    assert card["indicator"] == "info"
    assert "via [Hickman]" in card["summary"]
    assert "\\[Hickman\\]" in card["detail"]
    assert not card.get("suggestions")


@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_a_prolonged_release_product_gets_a_card_without_a_dose(hook: str, tmp_path: Path) -> None:
    body = hook_call(TACROLIMUS) | {"hook": hook}
    order = order_of(body)
    body["context"]["selections"] = [f"MedicationRequest/{order['id']}"]
    order["medicationCodeableConcept"] = {"text": "Envarsus 4 mg"}
    (card,) = ask(tmp_path, body)

    assert card["indicator"] == "info"
    assert "another formulation" in card["summary"]
    assert "prolonged-release" in card["detail"]
    assert not card.get("suggestions")


def by_reference(body: dict[str, Any]) -> dict[str, Any]:
    """The order with its medicine moved into a Medication of its own, which is given back."""
    order = order_of(body)
    concept = order.pop("medicationCodeableConcept")
    order["medicationReference"] = {"reference": "Medication/vanc-bag"}
    return {"resourceType": "Medication", "id": "vanc-bag", "code": concept}


@pytest.mark.parametrize("where", ["among the drafts", "prefetched", "on the server"])
def test_a_medicine_named_by_a_reference_is_answered_like_one_named_in_the_order(
    where: str, tmp_path: Path
) -> None:
    plain = ask(tmp_path, hook_call(FIRST_DOSE))
    body = deepcopy(hook_call(FIRST_DOSE))
    medication = by_reference(body)
    with serving((medication,), "answers") as base:
        if where == "among the drafts":
            body["context"]["draftOrders"]["entry"].append({"resource": medication})
        elif where == "prefetched":
            body["prefetch"]["requests"].setdefault("entry", []).append({"resource": medication})
        else:
            lent = {
                "access_token": TOKEN,
                "token_type": "Bearer",
                "expires_in": 300,
                "scope": "x",
                "subject": "y",
            }
            body |= {"fhirServer": base, "fhirAuthorization": lent}
        referred = ask(tmp_path, body, allow_fhir_servers=[base])

    assert [card["summary"] for card in referred] == [card["summary"] for card in plain]


def test_a_medicine_that_cannot_be_looked_up_is_nobody_s(tmp_path: Path) -> None:
    """Without a server nobody can tell whether it is one of ours, and a card on every such order would be
    noise."""
    body = deepcopy(hook_call(FIRST_DOSE))
    by_reference(body)

    assert ask(tmp_path, body) == []
