"""What can be accepted with one click: another dose, or an order for what is missing. Labels name the dose.

Two doses never stand beside an order for a laboratory test: clients let a person accept one suggestion of
a card or any number of them, and of two doses only one may be taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from uuid import UUID, uuid5

from cds_hooks.cards.detail import shown_options
from cds_hooks.cards.escape import plain
from cds_hooks.cards.subject import CardSubject
from cds_hooks.protocol.response import Action, Suggestion
from dosing_core.facts import FACTS, LEVEL
from dosing_core.recommendation import RegimenOption
from fhir_adapters.errors import WritebackError
from fhir_adapters.writeback import lab_request, with_regimen

MOST = 3
REQUESTS = {fact.name: fact.at_bedside or f"Order {fact.asked}" for fact in FACTS}
REQUESTS[LEVEL] = "Order a drug level"


def suggestions(subject: CardSubject, card: UUID) -> tuple[Suggestion, ...]:
    """At most three suggestions, one of them recommended."""
    requests = list(_requests(subject, card))
    doses = list(_doses(subject, card))
    if requests and doses:
        return tuple([doses[0], *requests][:MOST])
    return tuple((doses or requests)[:MOST])


def behaviour(offered: tuple[Suggestion, ...]) -> Literal["at-most-one", "any"] | None:
    """How many of these may be accepted."""
    if not offered:
        return None
    updates = sum(action.type == "update" for suggestion in offered for action in suggestion.actions)
    return "at-most-one" if updates == len(offered) else "any"


def _doses(subject: CardSubject, card: UUID) -> Iterable[Suggestion]:
    """The recommended regimen, then the others of the table, unless the order says that already."""
    recommendation = subject.recommendation
    if recommendation.outcome not in ("recommend", "agree") or not subject.order.get("id"):
        return  # without an id the EHR could not tell which order to change
    ordered = recommendation.option("as_ordered")
    for option in shown_options(subject):
        if option.role == "as_ordered" or (option.role == "recommended" and subject.already_ordered):
            continue
        if option.role == "alternative" and (recommendation.outcome == "agree" or subject.already_ordered):
            continue
        paused = recommendation.red_flags or recommendation.hold
        if paused and ordered is not None and _more(option, ordered):
            continue
        suggestion = _dose(subject, card, option)
        if suggestion is not None:
            yield suggestion


def _more(option: RegimenOption, ordered: RegimenOption) -> bool:
    return option.loading_dose_mg is not None or option.regimen.daily_dose_mg > ordered.regimen.daily_dose_mg


def _dose(subject: CardSubject, card: UUID, option: RegimenOption) -> Suggestion | None:
    label = _label(subject, option)
    try:
        order = with_regimen(
            subject.order,
            subject.drug_name,
            option.regimen,
            loading_dose_mg=option.loading_dose_mg,
            loading_duration_h=option.loading_duration_h,
        )
    except WritebackError:
        return None
    return Suggestion(
        label=label,
        uuid=str(uuid5(card, label)),
        is_recommended=True if option.role == "recommended" else None,
        actions=(Action(type="update", description=label, resource=order),),
    )


def _label(subject: CardSubject, option: RegimenOption) -> str:
    wording, ordered = subject.wording, subject.recommendation.option("as_ordered")
    regimen = wording.regimen_in_full(option.regimen)
    if option.loading_dose_mg is not None:
        keep = "keep" if ordered is not None and ordered.regimen == option.regimen else "then"
        return plain(f"Load {wording.loading(option)}, {keep} {regimen}")
    return plain(f"Change to {regimen}" if ordered is not None else f"Order {regimen}")


def _requests(subject: CardSubject, card: UUID) -> Iterable[Suggestion]:
    """Orders for what is missing, in the order of the answer; none that is drafted already."""
    for kind in subject.recommendation.requests:
        level = subject.recommendation.next_level if kind == "level" else None
        label = REQUESTS[kind] + (f" for {subject.wording.when(level.time)}" if level else "")
        try:
            request = lab_request(
                kind,
                subject.patient_id,
                subject.encounter_id,
                subject.case.now,
                drug=subject.recommendation.drug,
                at=level.time if level else None,
            )
        except WritebackError:
            continue
        if request["code"]["coding"][0]["code"] in subject.requested:
            continue
        action = Action(type="create", description=label, resource=request)
        yield Suggestion(label=label, uuid=str(uuid5(card, label)), actions=(action,))
