"""Reads the patient's other drugs: which are taken, since when, and which were stopped lately.

Orders say so; what is only said to be taken counts where nothing is ordered. Names come from our tables and
the drug library, never from the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from dosing_core.case import CoMedication, Finding
from dosing_core.library import names_in
from fhir_adapters.dosage import Dosage, read_dosage
from fhir_adapters.elements import Resource, codings, items, member, moment, source, word
from fhir_adapters.medications import INTENDED, Medications
from fhir_adapters.product import product, synonyms
from fhir_adapters.subject import of_another

OVER = frozenset({"completed", "stopped", "ended"})
"""States of an order that was carried out and is not any more."""
RENEWED = timedelta(days=14)
"""Project policy: an order that begins no longer than this after another of the same drug ended goes on with
it: prescriptions are renewed late."""
LATELY = timedelta(days=120)
"""Project policy: what was stopped longer ago has no effect any more; amiodarone is the slowest to go."""
REPORTED = frozenset({"active", "completed", "stopped"})
"""States of a MedicationStatement that says that a medicine is or was taken."""
RENEWABLE = frozenset({"community", "outpatient", "discharge"})
"""Categories of orders that are written anew every few weeks for a drug that is taken for years."""


@dataclass(frozen=True)
class Span:
    """One order of one drug over time."""

    name: str
    start: datetime | None
    end: datetime | None
    """None: it goes on, or, if it is over, nobody says since when."""
    over: bool
    may_renew: bool
    """True if the order may go on with an earlier one."""
    daily_dose_mg: float | None
    source: str
    reported: bool = False
    """True if nobody ordered it as far as the record says: it is only said to be taken."""


def read_spans(
    resource: Resource, *, patient_id: str, drug: str, now: datetime, medications: Medications
) -> tuple[list[Span], list[Finding]]:
    """The other known medicines of one order, active or over."""
    read, status = product(resource, medications), word(resource.get("status"))
    intended = word(resource.get("intent")) in INTENDED or resource.get("doNotPerform") is True
    names = sorted(read.holds - {drug})
    if read.local or intended or status not in ("active", *OVER) or not (names or read.unidentified):
        return [], []
    if of_another(resource, patient_id, "co_medications") is not None:
        return [], []
    origin = source(resource)
    if read.unidentified:
        if status != "active":
            return [], []
        detail = "some ordered medicines are named only by references that lead nowhere"
        return [], [Finding(kind="excluded", about="co_medications", detail=detail, source=origin)]
    dosages = [read_dosage(one, read) for one in items(resource.get("dosageInstruction"))]
    start, end = _bounds(resource, dosages)
    over = status != "active" or (end is not None and end < now)
    renewed = isinstance(resource.get("priorPrescription"), dict)
    categories = {c.code for one in items(resource.get("category")) for c in codings(one)}
    return [
        Span(
            name=name,
            start=None if renewed else start,
            end=end,
            over=over,
            may_renew=renewed or bool(categories & RENEWABLE),
            daily_dose_mg=_daily(dosages) if read.name is not None else None,
            source=origin,
        )
        for name in names
    ], []


def read_reported(
    resource: Resource, *, patient_id: str, drug: str, now: datetime, medications: Medications
) -> tuple[list[Span], list[Finding]]:
    """The other known medicines that a MedicationStatement says are, or were, taken."""
    read, status = product(resource, medications), word(resource.get("status"))
    names = sorted(read.holds - {drug})
    if read.local or status not in REPORTED or not names:
        return [], []
    if of_another(resource, patient_id, "co_medications") is not None:
        return [], []
    period = resource.get("effectivePeriod")
    begun = moment(member(period, "start")) or moment(resource.get("effectiveDateTime"))
    ended = moment(member(period, "end"))
    dosages = [read_dosage(one, read) for one in items(resource.get("dosage"))]
    return [
        Span(
            name=name,
            start=begun.instant if begun is not None and begun.exact else None,
            end=ended.instant if ended is not None else None,
            over=status != "active" or (ended is not None and ended.instant < now),
            may_renew=False,
            daily_dose_mg=_daily(dosages) if read.name is not None else None,
            source=source(resource),
            reported=True,
        )
        for name in names
    ], []


def _bounds(resource: Resource, dosages: Sequence[Dosage]) -> tuple[datetime | None, datetime | None]:
    """Start and end of an order as far as it says them; authored stands in for a start."""
    starts = [one.times.start for one in dosages if one.times.start is not None]
    authored = moment(resource.get("authoredOn"))
    start = min(starts) if starts else authored.instant if authored and authored.exact else None
    ends = [
        moment(member(one, "timing", "repeat", "boundsPeriod", "end"))
        for one in items(resource.get("dosageInstruction"))
    ]
    known = [one.instant for one in ends if one is not None]
    return start, max(known) if known and len(known) == len(ends) else None


def co_medications(
    spans: Iterable[Span], drug: str, now: datetime, *, earlier_known: bool
) -> tuple[list[CoMedication], list[Finding]]:
    """The drugs that are taken, and those that were stopped lately.

    ``earlier_known``: True if orders that are over were read too. Without them an order that may be a renewal
    says nothing of the start.
    """
    by_name: dict[str, list[Span]] = {}
    for span in spans:
        by_name.setdefault(span.name, []).append(span)
    found: list[CoMedication] = []
    findings: list[Finding] = []
    for name, own in sorted(by_name.items()):
        ordered = [span for span in own if not span.reported]
        # An order says more than a list. What is ordered and was on the list before goes on from there.
        counted = ordered or own
        going_on = [span for span in counted if not span.over]
        past = [span for span in counted if span.over]
        if ordered:
            past += [replace(span, end=span.end if span.over else None) for span in own if span.reported]
        if going_on:
            since = _begun(going_on, past, earlier_known=earlier_known)
            found += [_taken(span, drug, since, span.end) for span in going_on]
            continue
        ended = [span for span in past if span.end is not None and now - LATELY <= span.end <= now]
        if ended:
            last = max(ended, key=lambda span: (span.end or now, span.source))
            others = [span for span in past if span is not last]
            found.append(_taken(last, drug, _begun([last], others, earlier_known=True), last.end))
        elif _in_doubt(past, drug, now):
            detail = f"{name} was stopped, and when is not on record: taken not to act any more"
            findings.append(
                Finding(kind="note", about="co_medications", detail=detail, source=past[-1].source)
            )
    return found, findings


def _begun(going_on: Sequence[Span], past: Sequence[Span], *, earlier_known: bool) -> datetime | None:
    """When a drug was begun, through orders that go on with each other; None where nobody can tell."""
    starts = [span.start for span in going_on]
    if None in starts or (not earlier_known and any(span.may_renew for span in going_on)):
        return None
    begun = min(start for start in starts if start is not None)
    for span in sorted(past, key=_newest_first):
        goes_on = span.end is None or span.end >= begun - RENEWED
        if span.start is None and goes_on:
            return None
        if span.start is not None and span.start < begun and goes_on:
            begun = span.start
    return begun


def _newest_first(span: Span) -> float:
    return -span.start.timestamp() if span.start is not None else float("inf")


def _in_doubt(past: Sequence[Span], drug: str, now: datetime) -> bool:
    """True if a drug that the file names was ordered lately and stopped nobody knows when."""
    named = names_in(drug)
    return any(
        span.end is None
        and span.start is not None
        and span.start >= now - LATELY
        and bool(named & set(synonyms(span.name)))
        for span in past
    )


def _taken(span: Span, drug: str, since: datetime | None, until: datetime | None) -> CoMedication:
    return CoMedication(
        drug=_called(span.name, drug),
        daily_dose_mg=span.daily_dose_mg,
        since=since,
        until=until,
        source=span.source,
    )


def _called(name: str, drug: str) -> str:
    """The medicine by the name that the ordered drug's file has for it, else by its own."""
    named = names_in(drug)
    return next((one for one in synonyms(name) if one in named), name)


def _daily(dosages: Sequence[Dosage]) -> float | None:
    """mg per 24 h over all instructions; None as soon as one is not understood."""
    total = Decimal(0)
    for one in dosages:
        if one.problems or one.dose_mg is None or one.interval_h is None:
            return None
        total += one.dose_mg * 24 / one.interval_h
    return float(total) if total > 0 else None
