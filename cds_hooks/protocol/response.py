"""What an EHR gets back: cards, after CDS Hooks 2.0.1. What the standard forbids cannot be built."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from cds_hooks.protocol.wire import Outgoing

Text = Annotated[str, StringConstraints(min_length=1)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$")]
Indicator = Literal["info", "warning", "critical"]

SUMMARY_LENGTH = 139
"""Characters of a summary at most: the standard says fewer than 140."""


class Coding(Outgoing):
    """A code of a code system."""

    system: Text
    code: Text
    display: Text | None = None


class OverrideReason(Coding):
    """A reason that a clinician may give for not following a card. It must be readable."""

    display: Text


class Source(Outgoing):
    """Who says so."""

    label: Text
    url: Url | None = None
    icon: Url | None = None
    topic: Coding | None = None


class Action(Outgoing):
    """One change to the orders. Create and update carry the whole resource."""

    type: Literal["create", "update", "delete"]
    description: Text
    resource: dict[str, Any] | None = None
    resource_id: Text | None = None

    @model_validator(mode="after")
    def _has_its_object(self) -> Action:
        if (self.type == "delete") != (self.resource is None):
            raise ValueError("create and update need a resource, delete must not have one")
        if (self.type == "delete") != (self.resource_id is not None):
            raise ValueError("delete needs a resourceId, create and update must not have one")
        return self


class Suggestion(Outgoing):
    """A change that the clinician can accept with one click. Its actions belong together."""

    label: Text
    uuid: Text | None = None
    is_recommended: bool | None = None
    actions: tuple[Action, ...] = ()


class Link(Outgoing):
    """A way to more."""

    label: Text
    url: Url
    type: Literal["absolute", "smart"] = "absolute"
    app_context: Text | None = None

    @model_validator(mode="after")
    def _context_for_apps_only(self) -> Link:
        if self.app_context is not None and self.type == "absolute":
            raise ValueError("an absolute link must not carry an appContext")
        return self


class Card(Outgoing):
    """One piece of advice."""

    uuid: Text | None = None
    summary: Annotated[str, Field(min_length=1, max_length=SUMMARY_LENGTH)]
    detail: Text | None = None
    """GitHub Flavored Markdown. Text that came from the EHR must be escaped before it gets here."""
    indicator: Indicator
    source: Source
    suggestions: tuple[Suggestion, ...] = ()
    selection_behavior: Literal["at-most-one", "any"] | None = None
    override_reasons: tuple[OverrideReason, ...] = ()
    links: tuple[Link, ...] = ()

    @model_validator(mode="after")
    def _says_how_to_choose(self) -> Card:
        if self.suggestions and self.selection_behavior is None:
            raise ValueError("suggestions need a selectionBehavior")
        recommended = sum(bool(suggestion.is_recommended) for suggestion in self.suggestions)
        if self.selection_behavior == "at-most-one" and recommended > 1:
            raise ValueError("at most one suggestion may be recommended")
        return self


def response(cards: Iterable[Card]) -> dict[str, Any]:
    """The body that answers a hook call, without a null or an empty element, but for ``cards`` itself."""
    return {"cards": [_on_the_wire(card.model_dump(mode="json", by_alias=True)) for card in cards]}


def _on_the_wire(members: dict[str, Any]) -> dict[str, Any]:
    """The members that say something. A resource is the EHR's own and stays as it is."""
    wire: dict[str, Any] = {}
    for name, value in members.items():
        if name != "resource" and isinstance(value, dict):
            value = _on_the_wire(value)
        elif isinstance(value, list):
            value = [_on_the_wire(item) for item in value]
        if value not in (None, "", [], {}):
            wire[name] = value
    return wire
