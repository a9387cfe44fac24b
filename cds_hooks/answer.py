"""One order's trip: reading → chart → case → recommendation → ledger → card.

An order is answered on its own: if something goes wrong with one, the others are answered all the same, and
the EHR hears of it only as a card.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cds_hooks import calls
from cds_hooks.cards import (
    CardSubject,
    card_for,
    duplicate_card,
    failure_card,
    other_patient_card,
    other_product_card,
    unclear_route_card,
    unread_card,
)
from cds_hooks.errors import MissingData, Problem
from cds_hooks.ledger import Ledger, StoredRecommendation
from cds_hooks.protocol.discovery import Service
from cds_hooks.protocol.request import OrderRequest, Resource
from cds_hooks.protocol.response import Card
from cds_hooks.settings import Settings
from dosing_core import recommend
from dosing_core.case import Case, Order
from dosing_core.library import load_drug
from fhir_adapters.chart import PatientChart
from fhir_adapters.client import FhirClient
from fhir_adapters.errors import NothingToRead
from fhir_adapters.gather import gather, gather_genes
from fhir_adapters.guided import guided_case
from fhir_adapters.intake import to_case
from fhir_adapters.medication_lookup import fetch_medication, medications_in, unresolved
from fhir_adapters.order import OrderReading, read_order
from fhir_adapters.reading import Answers

RECOMMENDATIONS = uuid5(NAMESPACE_URL, "urn:dosewright:recommendation")
MOST_ORDERS = 6
"""Orders that one call gets answers about, and Medications that it looks up for them. Of more orders it is
only said that they were left, so that the answer comes in time. Project policy: nobody orders more drugs of
narrow therapeutic range at a time."""
MOST_GUIDED = 40
"""Orders of one call that are looked up in guidelines on genes. Project policy: more are no order set."""
LEAST_WAIT = 0.05
"""Seconds left to the FHIR server for a second drug after the first has used up the time."""


@dataclass(frozen=True)
class Answered:
    """What goes back, and whether we failed on the way."""

    cards: tuple[Card, ...]
    failed: str = ""
    """Class of the error that kept an order from being answered."""


def answer(
    request: OrderRequest,
    service: Service,
    settings: Settings,
    ledger: Ledger,
    now: datetime,
    request_id: str,
) -> Answered:
    """The cards for all orders in question, in their order. ``now`` is cut to whole seconds.

    Raises ``MissingData`` if neither prefetch nor a server that may be contacted holds what is needed.
    """
    call = _Call(request, service, settings, ledger, now.replace(microsecond=0), request_id)
    cards: list[Card] = []
    found = list(call.readings())
    twice = call.ordered_twice(found)
    for drug, orders in twice.items():
        name, key = load_drug(drug).display.drug_name, f"{service.id}|{request.hook_instance}|{drug}"
        cards.append(duplicate_card(name, orders, key))
    readings = [one for one in found if not one[1].about_patient or one[1].drug not in twice]
    dosed = [one for one in readings if one[1].guided is None]
    # Genes are read once for all orders, so those that only they speak about cost little.
    by_genes = [one for one in readings if one[1].guided is not None][:MOST_GUIDED]
    for order, reading, key in (*dosed[:MOST_ORDERS], *by_genes):
        try:
            card = call.card(order, reading, key, one_of_several=len(found) > 1)
        except MissingData:
            raise
        except Exception as error:  # one order's fault is not the call's
            call.note(error)
            card = failure_card(reading.drug or str(reading.guided), key)
        if card is not None:
            cards.append(card)
    if (left := len(dosed) - MOST_ORDERS) > 0:
        cards.append(unread_card(left, f"{service.id}|{request.hook_instance}"))
    return Answered(tuple(cards), call.failed)


@dataclass
class _Call:
    """One hook call while its orders are answered, one after the other."""

    request: OrderRequest
    service: Service
    settings: Settings
    ledger: Ledger
    now: datetime
    request_id: str
    started: float = field(default_factory=monotonic)
    charts: dict[str, PatientChart] = field(default_factory=dict)
    genes: Answers | None = None
    looked_up: int = 0
    failed: str = ""

    def note(self, error: Exception) -> None:
        """Log a failure of ours and remember its class."""
        calls.log_failure(error, self.request_id)
        self.failed = type(error).__name__

    def readings(self) -> Iterator[tuple[Resource, OrderReading, str]]:
        """The orders for drugs that we know, each with a key that is its own within this call and the same
        whenever the call is repeated."""
        context = self.request.context
        medications = self._medications()
        for position, order in enumerate(context.in_question):
            try:
                self._look_up(order, medications)
                reading = read_order(order, patient_id=context.patient_id, medications=medications)
            except Exception as error:  # an order that we cannot read, so nobody can tell if it is ours
                self.note(error)
                continue
            if reading.drug is not None or reading.guided is not None:
                yield order, reading, f"{self.service.id}|{self.request.hook_instance}|{position}"

    def ordered_twice(self, found: Sequence[tuple[Resource, OrderReading, str]]) -> dict[str, list[Order]]:
        """Of each drug in question that stands more than once among the drafts, all its orders.

        Each alone may be right and both together too much, so neither gets a dose. An order by a route that
        is another treatment (vancomycin by mouth) does not count, nor does one that was sent twice.
        """
        context, medications = self.request.context, self._medications()
        asked = {reading.drug for _, reading, _ in found if reading.about_patient and _is_dosed(reading)}
        orders: dict[str, dict[str, Order]] = {}
        read = {id(order): reading for order, reading, _ in found}
        for position, draft in enumerate(context.draft_orders.resources):
            reading = read.get(id(draft))
            if reading is None and draft["resourceType"] == "MedicationRequest":
                try:
                    reading = read_order(draft, patient_id=context.patient_id, medications=medications)
                except Exception as error:
                    self.note(error)
            if reading is not None and reading.about_patient and _is_dosed(reading):
                same = orders.setdefault(str(reading.drug), {})
                same.setdefault(str(draft.get("id", position)), reading.order)
        return {drug: list(one.values()) for drug, one in orders.items() if drug in asked and len(one) > 1}

    def _medications(self) -> dict[str, Mapping[str, Any]]:
        """The Medications that came along, among the drafts or prefetched."""
        drafts: dict[str, Mapping[str, Any]] = {
            entry.full_url: entry.resource
            for entry in self.request.context.draft_orders.entry
            if entry.full_url and entry.resource and entry.resource["resourceType"] == "Medication"
        }
        sent = (*self.request.context.draft_orders.resources, *(self.request.prefetch or {}).values())
        return medications_in(sent) | drafts

    def _look_up(self, order: Resource, medications: dict[str, Mapping[str, Any]]) -> None:
        """Ask for the Medication that an order names only by a reference, and add it."""
        reference = unresolved(order, medications)
        client = self._client() if reference is not None and self.looked_up < MOST_ORDERS else None
        if reference is None or client is None:
            return
        self.looked_up += 1
        found = fetch_medication(client, reference)
        if found is not None:
            medications[reference] = found

    def card(self, order: Resource, reading: OrderReading, key: str, one_of_several: bool) -> Card | None:
        """The card about one order, or None. The recommendation is in the ledger before the card is sent."""
        if reading.guided is not None:
            return self._guided_card(order, reading, key, one_of_several)
        drug_file = load_drug(str(reading.drug))
        if not reading.about_patient:
            return other_patient_card(drug_file.display.drug_name, self.service.moment, key)
        if reading.other_product:
            why = next(
                (one.detail for one in reading.findings if one.kind == "excluded"),
                "the order is not answered",
            )
            return other_product_card(drug_file.display.drug_name, why, key)
        if reading.unclear_route is not None:
            return unclear_route_card(drug_file.display.drug_name, reading.unclear_route, key)
        case = to_case(self._chart(drug_file.drug), reading, self.now)
        route = drug_file.route(case.order.route) if case.order.route else None
        in_scope = route is None or route.supported
        return self._answered(order, reading, case, key, one_of_several, in_scope)

    def _guided_card(
        self, order: Resource, reading: OrderReading, key: str, one_of_several: bool
    ) -> Card | None:
        """The card about a drug of which only a guideline on genes speaks; None unless it asks for another
        drug, another dose or a test, or a severe reaction is on record."""
        if not reading.about_patient:
            return None
        case = guided_case(self.request.context.patient_id, self._genes(), reading, self.now)
        return self._answered(order, reading, case, key, one_of_several, True)

    def _answered(
        self,
        order: Resource,
        reading: OrderReading,
        case: Case,
        key: str,
        one_of_several: bool,
        in_scope: bool,
    ) -> Card | None:
        """The recommendation, stored, and the card that comes of it."""
        recommendation_id = str(uuid5(RECOMMENDATIONS, f"{key}|{case.to_bytes().decode()}"))
        subject = CardSubject(
            recommendation=recommend(case),
            case=case,
            order=order,
            patient_id=self.request.context.patient_id,
            encounter_id=self.request.context.encounter_id,
            moment=self.service.moment,
            recommendation_id=recommendation_id,
            page_url=f"{self.settings.base_url}/recommendations/{recommendation_id}",
            timezone=self.settings.zone,
            ordered_loading_mg=reading.loading_dose_mg,
            route_in_scope=in_scope,
            requested=self.request.context.draft_orders.requested,
            one_of_several=one_of_several,
            guided_only=reading.guided is not None,
        )
        card = card_for(subject)
        if not self._stored(subject, card) and card is not None:
            return card.model_copy(update={"links": ()})  # the page would not be found
        return card

    def _stored(self, subject: CardSubject, card: Card | None) -> bool:
        stored = StoredRecommendation(
            id=subject.recommendation_id,
            request_id=self.request_id,
            created_at=self.now,
            drug=subject.recommendation.drug,
            outcome=subject.recommendation.outcome,
            engine=subject.recommendation.engine,
            case=subject.case.to_bytes(),
            recommendation=subject.recommendation.to_bytes(),
            cards=(card.uuid,) if card is not None and card.uuid else (),
        )
        return calls.write("recommendation", lambda: self.ledger.store_recommendation(stored))

    def _chart(self, drug: str) -> PatientChart:
        """What the record says that matters for this drug, read once. Raises ``MissingData``."""
        if drug not in self.charts:
            patient_id, prefetch = self.request.context.patient_id, self.request.prefetch or {}
            try:
                self.charts[drug] = gather(
                    patient_id, drug, prefetch, self._client(), self.now, self.settings.zone
                )
            except NothingToRead as error:
                raise self._missing(error) from None
        return self.charts[drug]

    def _genes(self) -> Answers:
        """What the record says of genes and reactions, read once."""
        if self.genes is None:
            patient_id, prefetch = self.request.context.patient_id, self.request.prefetch or {}
            self.genes = gather_genes(patient_id, prefetch, self._client(), self.now)
        return self.genes

    def _client(self) -> FhirClient | None:
        """A client of the server that the call names, if that server may be contacted."""
        authorization = self.request.fhir_authorization
        server = self.settings.allowed_fhir_server(self.request.fhir_server or "")
        if server is None:
            return None
        token = authorization.access_token.get_secret_value() if authorization else None
        left = self.settings.fhir_timeout - (monotonic() - self.started)
        return FhirClient(server, token, max(left, LEAST_WAIT), self.settings.quirks_of(server))

    def _missing(self, error: NothingToRead) -> MissingData:
        server = "fhirServer is not on the list of servers that may be contacted"
        if not self.request.fhir_server:
            server = "there is no fhirServer to ask"
        return MissingData(
            *(
                Problem(f"prefetch.{key} is missing, and {server}", f"prefetch.{key}", MissingData.code)
                for key in error.missing
            )
        )


def _is_dosed(reading: OrderReading) -> bool:
    """True if the order is for a drug that we dose, by a route by which we may."""
    if reading.drug is None:
        return False
    route = load_drug(reading.drug).route(reading.order.route) if reading.order.route else None
    return route is None or route.supported
