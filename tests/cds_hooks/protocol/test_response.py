"""Cards: what CDS Hooks 2.0.1 forbids cannot be built, and nothing empty goes out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from cds_hooks.protocol.response import (
    Action,
    Card,
    Coding,
    Link,
    OverrideReason,
    Source,
    Suggestion,
    response,
)

ORDER = {"resourceType": "MedicationRequest", "id": "m1", "note": [], "extension": None}
UPDATE = Action(type="update", description="Change the dose", resource=ORDER)


def _card(**members: Any) -> Card:
    return Card.model_validate(
        {"summary": "A line", "indicator": "info", "source": Source(label="Dosewright")} | members
    )


def test_nothing_to_say_is_an_empty_list_of_cards() -> None:
    assert response([]) == {"cards": []}


def test_members_without_a_value_are_left_out() -> None:
    assert response([_card()]) == {
        "cards": [{"summary": "A line", "indicator": "info", "source": {"label": "Dosewright"}}]
    }


def test_names_are_those_of_the_standard_and_false_is_a_value() -> None:
    suggestion = Suggestion(label="Change", uuid="u", is_recommended=False, actions=(UPDATE,))
    card = _card(
        suggestions=(suggestion,),
        selection_behavior="at-most-one",
        override_reasons=(OverrideReason(system="s", code="c", display="d"),),
        links=(Link(label="Page", url="https://cds.example.org/recommendations/1"),),
    )

    sent = response([card])["cards"][0]

    assert sent["selectionBehavior"] == "at-most-one"
    assert sent["suggestions"][0]["isRecommended"] is False
    assert sent["overrideReasons"] == [{"system": "s", "code": "c", "display": "d"}]
    assert sent["links"][0]["type"] == "absolute"
    json.dumps(sent, allow_nan=False)


def test_the_ehrs_own_resource_goes_back_as_it_came() -> None:
    """An update carries the whole order; what the EHR wrote into it is not ours to tidy."""
    card = _card(suggestions=(Suggestion(label="c", actions=(UPDATE,)),), selection_behavior="any")

    assert response([card])["cards"][0]["suggestions"][0]["actions"][0]["resource"] == ORDER


def test_139_characters_are_a_summary_and_140_are_not() -> None:
    assert _card(summary="x" * 139)
    with pytest.raises(ValidationError):
        _card(summary="x" * 140)


@pytest.mark.parametrize(
    "build",
    [
        lambda: _card(suggestions=(Suggestion(label="c"),)),
        lambda: _card(
            suggestions=(
                Suggestion(label="a", is_recommended=True),
                Suggestion(label="b", is_recommended=True),
            ),
            selection_behavior="at-most-one",
        ),
        lambda: _card(indicator="hard-stop"),
        lambda: _card(summary=""),
        lambda: _card(colour="red"),
        lambda: Action(type="update", description="no resource"),
        lambda: Action(type="delete", description="d", resource=ORDER),
        lambda: Action(type="create", description="", resource=ORDER),
        lambda: Link(label="l", url="javascript:alert(1)"),
        lambda: Link(label="l", url="https://a.example", app_context="x"),
        lambda: OverrideReason(system="s", code="c"),  # type: ignore[call-arg]
        lambda: Coding(system="", code="c"),
    ],
)
def test_what_the_standard_forbids_cannot_be_built(build: Any) -> None:
    with pytest.raises(ValidationError):
        build()
