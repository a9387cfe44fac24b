"""Whether to speak, how loudly, and the card that results."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import NAMESPACE_URL, uuid5

from cds_hooks.cards.detail import detail
from cds_hooks.cards.escape import markdown, plain, shortened
from cds_hooks.cards.reasons import OVERRIDE_REASONS
from cds_hooks.cards.subject import CardSubject, Moment
from cds_hooks.cards.suggestions import behaviour, suggestions
from cds_hooks.cards.summary import summary
from cds_hooks.protocol.response import SUMMARY_LENGTH, Card, Coding, Indicator, Link, Source
from dosing_core import phrases
from dosing_core.case import Order
from dosing_core.library import load_drug
from dosing_core.recommendation import Recommendation

CARDS = uuid5(NAMESPACE_URL, "urn:dosewright:card")
SOURCE = Source(
    label="Dosewright: individual dosing",
    topic=Coding(system="urn:dosewright:topic", code="individual-dose", display="Individual dose"),
)


def card_for(subject: CardSubject) -> Card | None:
    """The card, or None where silence serves the prescriber better."""
    indicator = _indicator(subject)
    if indicator is None:
        return None
    uuid = uuid5(CARDS, subject.recommendation_id)
    offered = suggestions(subject, uuid)
    return Card(
        uuid=str(uuid),
        summary=summary(subject),
        detail=detail(subject),
        indicator=indicator,
        source=SOURCE,
        suggestions=offered,
        selection_behavior=behaviour(offered),
        override_reasons=OVERRIDE_REASONS if offered or subject.recommendation.outcome == "avoid" else (),
        links=_links(subject.page_url),
    )


def other_patient_card(drug_name: str, moment: Moment, key: str) -> Card:
    """An order for a drug that we dose, but not for the patient whose chart is open: no dose, and why."""
    name = phrases.capital(drug_name)
    return Card(
        uuid=_uuid("other-patient", key),
        summary=f"{name} not looked at: this order is for another patient than the open chart",
        detail="The order's subject is not the patient of this call, or cannot be read. No dose was worked "
        "out. Check whose order this is.",
        indicator="warning" if moment == "sign" else "info",
        source=SOURCE,
    )


def other_product_card(drug_name: str, why: str, key: str) -> Card:
    """An order for another formulation of a drug that we dose: another question, so no dose. ``why``: what it
    is."""
    return _not_looked_at(
        f"{phrases.capital(drug_name)} not individualised: another formulation",
        markdown(f"{phrases.capital(why)}. The models here are for other products of the drug."),
        _uuid("other-product", key),
    )


def unclear_route_card(drug_name: str, route: str, key: str) -> Card:
    """An order by a route that we do not understand: it may be one that we know, so it is not passed over."""
    name = phrases.capital(drug_name)
    told = f'{name} not individualised: the route "{plain(route)}" is not covered or understood'
    return _not_looked_at(
        shortened(told, SUMMARY_LENGTH),
        f'The order\'s route reads "{markdown(route)}", which is not known here as intravenous or oral.',
        _uuid("unclear-route", key),
    )


def _not_looked_at(summary: str, why: str, uuid: str) -> Card:
    """It is said on signing too, because silence there means that the order was looked at and is fine."""
    detail = f"{why} No dose was worked out, and the order was not checked."
    return Card(uuid=uuid, summary=summary, detail=detail, indicator="info", source=SOURCE)


def duplicate_card(drug_name: str, orders: Sequence[Order], key: str) -> Card:
    """The same drug more than once among the drafts: which one is meant is for the prescriber to say."""
    told = "; ".join(_told(order) for order in orders)
    name = phrases.capital(drug_name)
    return Card(
        uuid=_uuid("duplicate", key),
        summary=shortened(
            f"{name} is ordered {len(orders)} times at once ({told}): check which is meant; no dose offered",
            SUMMARY_LENGTH,
        ),
        detail=f"Orders for {markdown(drug_name)} among the drafts: {markdown(told)}. Each may be right "
        "alone; together they were not looked at, and no dose was worked out for any of them.",
        indicator="warning",
        source=SOURCE,
    )


def _told(order: Order) -> str:
    if order.regimen is None:
        return "a single dose" if order.kind == "single" else "a dose that is not read"
    return phrases.regimen(order.regimen, load_drug(order.drug).as_display)


def failure_card(drug_name: str, key: str) -> Card:
    """We failed. It is said, because silence on signing means that the order was looked at and is fine."""
    return Card(
        uuid=_uuid("failure", key),
        summary=f"{phrases.capital(drug_name)} not individualised: Dosewright could not work out an answer",
        detail="The order was not checked. The fault is Dosewright's, not the order's; it has been logged.",
        indicator="info",
        source=SOURCE,
    )


def unread_card(count: int, key: str) -> Card:
    """More orders than one call gets answers about. It is said, for the same reason as a failure."""
    orders = "1 more order was" if count == 1 else f"{count} more orders were"
    return Card(
        uuid=_uuid("unread", key),
        summary=f"{orders} not looked at: too many at once for an answer in time",
        indicator="info",
        source=SOURCE,
    )


def _indicator(subject: CardSubject) -> Indicator | None:
    """How loudly to speak; None: not at all. Quiet on signing unless a change or a danger is real."""
    recommendation, signing = subject.recommendation, subject.moment == "sign"
    if subject.guided_only:
        return _by_genes(recommendation, signing)
    if not subject.route_in_scope and recommendation.outcome in ("insufficient", "out_of_scope"):
        return None if signing else "info"
    if recommendation.outcome == "avoid" or any(limit.grave for limit in recommendation.broken_limits):
        return "critical"
    if (
        recommendation.red_flags
        or recommendation.hold
        or subject.flagged_levels
        or recommendation.broken_limits
    ):
        return "warning"
    if signing and (subject.agrees_unseen or recommendation.changing):
        return "warning"
    match recommendation.outcome:
        case "recommend" if subject.already_ordered:
            return None if signing else "info"
        case "recommend":
            return "warning" if signing and not _adds_only_loading(subject) else "info"
        case "agree":
            return None if signing else "info"
        case "out_of_scope":
            return "warning"
    return "warning" if recommendation.warnings else "info"


def _by_genes(recommendation: Recommendation, signing: bool) -> Indicator | None:
    """How loudly to speak of a drug without a dose of ours: critical to avoid, silent where nothing is asked
    for."""
    loudness: dict[str, Indicator] = {"avoid": "critical", "recommend": "warning", "insufficient": "warning"}
    found = loudness.get(recommendation.outcome)
    return "info" if found == "warning" and not signing else found


def _adds_only_loading(subject: CardSubject) -> bool:
    """True if the regimen stays and a loading dose is offered: help, no correction."""
    ordered = subject.recommendation.option("as_ordered")
    advised = subject.recommendation.option("recommended")
    return ordered is not None and advised is not None and ordered.regimen == advised.regimen


def _links(page_url: str | None) -> tuple[Link, ...]:
    return (Link(label="Curve, inputs and model behind this", url=page_url),) if page_url else ()


def _uuid(kind: str, key: str) -> str:
    return str(uuid5(CARDS, f"{kind}|{key}"))
