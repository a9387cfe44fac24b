"""Reads what was given of the drug (MedicationAdministration) and what is ordered (MedicationRequest).

Given beats ordered: an order is an intention. A dose that was given but cannot be read is never dropped in
silence, because a history without it would ask for too much.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

from dosing_core.case import Dose, Finding, Regimen, Route
from dosing_core.library import load_drug
from fhir_adapters.chart import OrderedCourse
from fhir_adapters.course import course_doses
from fhir_adapters.dosage import Dosage, amount, rate_duration, read_dosage, systemic
from fhir_adapters.elements import Resource, items, member, moment, referenced, said_at, source, word
from fhir_adapters.labs import CLOCKS
from fhir_adapters.order import regimen_of
from fhir_adapters.product import A_DAY_H, Product, longest_infusion_h, product, usual_infusion_h
from fhir_adapters.subject import of_another
from fhir_adapters.terminology.routes import charted_route, route
from fhir_adapters.terminology.units import quantity

GIVEN = frozenset({"completed", "in-progress"})
NOT_GIVEN = frozenset({"not-done", "entered-in-error"})
INTENDED = frozenset({"plan", "proposal", "option"})
"""Intents of requests that nobody carries out yet."""

Medications = Mapping[str, Resource]


def read_administration(
    resource: Resource,
    *,
    patient_id: str,
    drug: str,
    now: datetime,
    since: datetime,
    medications: Medications,
    requests: Mapping[str, Resource],
) -> tuple[Dose | None, list[Finding]]:
    """One given dose of the drug; None without a finding if nothing of it was given since ``since``."""
    read = product(resource, medications)
    status = word(resource.get("status"))
    if status in NOT_GIVEN or read.local or not (drug in read.holds or read.unidentified):
        return None, []
    origin = source(resource)
    start, end = _times(resource)
    if start is not None and start < since:
        return None, []
    if (foreign := of_another(resource, patient_id, "doses")) is not None:
        return None, [foreign]
    when = f" of {said_at(start)}" if start else ""

    def left_out(why: str) -> tuple[None, list[Finding]]:
        detail = f"a given dose{when} is not counted: {why}"
        return None, [Finding(kind="excluded", about="doses", detail=detail, source=origin)]

    if read.unidentified:
        detail = "some given medicines are named only by references that lead nowhere"
        return None, [Finding(kind="excluded", about="doses", detail=detail, source=origin)]
    if read.problem:
        return left_out(read.problem)
    if status not in GIVEN:
        return left_out(f'its status is "{status}"' if status else "it has no status")
    if start is None:
        return left_out("its time is missing or lacks hour or time zone")
    if start > now + CLOCKS:
        return left_out("its time lies in the future")
    order = requests.get(referenced(resource.get("request"), "MedicationRequest") or "")
    way = _route(resource, read, order)
    notes: list[Finding] = []
    if way is None and _is_infused(resource, drug):
        way = "iv"
        said = "the route of some doses is not charted; those with a rate were taken as intravenous"
        notes.append(Finding(kind="note", about="doses", detail=said, source=origin))
    if way is None:
        return left_out(_no_route(resource))
    problems: list[str] = []
    mass, volume, is_zero = _amount(resource, read, start, end, problems)
    if is_zero:
        return None, []
    if mass is None:
        return left_out(problems[0] if problems else "its amount is not charted")
    hours, remark = _duration(resource, way, mass, volume, start, end, order, read)
    if hours is None or hours > longest_infusion_h(drug):
        longest = f"it runs longer than {'a day' if longest_infusion_h(drug) == A_DAY_H else 'a week'}"
        return left_out("its length is not charted" if hours is None else longest)
    if remark:
        notes.append(Finding(kind="note", about="doses", detail=remark, source=origin))
    begun = min(start, now)
    return Dose(time=begun, amount_mg=float(mass), route=way, duration_h=hours, source=origin), notes


def began(resource: Resource) -> datetime | None:
    """When an administration began; None if the record does not say so exactly."""
    return _times(resource)[0]


def _times(resource: Resource) -> tuple[datetime | None, datetime | None]:
    period: Any = resource.get("effectivePeriod")
    start = moment(resource.get("effectiveDateTime")) or moment(member(period, "start"))
    end = moment(member(period, "end"))
    return (
        start.instant if start and start.exact else None,
        end.instant if end and end.exact else None,
    )


def _ordered_dosage(order: Resource | None, read: Product) -> Dosage | None:
    instructions = items(order.get("dosageInstruction")) if order else ()
    return read_dosage(instructions[0], read) if len(instructions) == 1 else None


def _route(resource: Resource, read: Product, order: Resource | None) -> Route | None:
    named = route(member(resource, "dosage", "route"))
    if named is not None:
        return systemic(named, read.drug)
    if read.route:
        return read.route
    ordered = _ordered_dosage(order, read)
    return ordered.route if ordered else None


def _no_route(resource: Resource) -> str:
    charted = member(resource, "dosage", "route")
    named = route(charted)
    if named is None:
        return "its route is not charted"
    if named == "local":
        return f'its route "{charted_route(charted)}" does not lead into the blood, or only in part'
    known = "not covered" if named == "enteral" else "not understood"
    return f'its route "{charted_route(charted)}" is {known}'


def _is_infused(resource: Resource, drug: str) -> bool:
    """Whether a dose without a route ran at a rate, of a drug that is infused."""
    dosage = member(resource, "dosage")
    has_rate = any(member(dosage, name) is not None for name in ("rateQuantity", "rateRatio"))
    charted = member(dosage, "route") is not None
    return not charted and (has_rate or _over(resource) is not None) and load_drug(drug).main_route == "iv"


def _over(resource: Resource) -> Decimal | None:
    """Seconds of the ``infuse-over-time`` extension (Oracle Health)."""
    for extension in items(resource.get("extension")):
        if str(extension.get("url", "")).endswith("/infuse-over-time"):
            over = quantity(extension.get("valueQuantity"))
            return over.in_dimension("time") if over else None
    return None


def _amount(
    resource: Resource, read: Product, start: datetime, end: datetime | None, problems: list[str]
) -> tuple[Decimal | None, Decimal | None, bool]:
    """mg, mL and whether nothing was given (a paused infusion)."""
    dosage = member(resource, "dosage")
    dose, rate = quantity(member(dosage, "dose")), quantity(member(dosage, "rateQuantity"))
    if dose is not None:
        if dose.value == 0:
            return None, None, True
        mass, volume = amount([dose], read, problems.append)
        return mass, volume, False
    flow = rate.in_dimension("mass rate") if rate else None
    if flow is None:
        problems.append("its amount is not charted")
        return None, None, False
    if end is None or end <= start:
        problems.append("it is charted as a rate without an end")
        return None, None, flow == 0
    return flow * Decimal(repr((end - start).total_seconds())) / 3600, None, flow == 0


def _duration(
    resource: Resource,
    way: Route,
    mass: Decimal,
    volume: Decimal | None,
    start: datetime,
    end: datetime | None,
    order: Resource | None,
    read: Product,
) -> tuple[float | None, str | None]:
    """Hours that the dose ran, from the best that the record has, and what is to be said about it."""
    if way != "iv":
        return 0.0, None
    if end is not None and end > start:
        return (end - start).total_seconds() / 3600, None
    seconds = _over(resource)
    if seconds is not None and seconds > 0:
        return float(seconds / 3600), None
    dosage = member(resource, "dosage")
    rated = rate_duration(dosage, mass, volume) if isinstance(dosage, dict) else None
    if rated is not None:
        return float(rated), None
    ordered = _ordered_dosage(order, read)
    if ordered is not None and ordered.duration_h:
        return float(ordered.duration_h), "the length of some infusions is not charted; taken as ordered"
    usual = usual_infusion_h(read.drug, float(mass)) if read.drug else None
    said = "the length of some infusions is not charted; taken as the drug file's shortest for the dose"
    return usual, said if usual is not None else None


def read_course(
    resource: Resource,
    *,
    patient_id: str,
    drug: str,
    now: datetime,
    since: datetime,
    medications: Medications,
    zone: tzinfo = UTC,
) -> tuple[OrderedCourse | None, list[Finding]]:
    """An active order of the drug, with the doses that it asked for between ``since`` and now. Hours of the
    day are of ``zone``."""
    read = product(resource, medications)
    if read.local or drug not in read.holds or not _is_active(resource, now):
        return None, []
    if (foreign := of_another(resource, patient_id, "doses")) is not None:
        return None, [foreign]
    origin = source(resource)
    if read.problem:
        detail = f"an active order is not counted: {read.problem}"
        course = OrderedCourse(source=origin, route="oral") if read.modified_release else None
        return course, [Finding(kind="excluded", about="doses", detail=detail, source=origin)]
    dosages = tuple(read_dosage(one, read) for one in items(resource.get("dosageInstruction")))
    if dosages and all(one.local for one in dosages):
        return None, []
    regimen, way, _, _ = regimen_of(resource, dosages, drug, origin)
    authored = moment(resource.get("authoredOn"))
    starts = [one.times.start for one in dosages if one.times.start is not None]
    begun = min(starts) if starts else authored.instant if authored and authored.exact else None
    course = OrderedCourse(
        source=origin, route=way, begun=begun, interval_h=regimen.interval_h if regimen else None
    )
    if begun is None:
        return course, []
    if regimen is not None and regimen.once:
        return _single(regimen, begun, since, now, origin), []
    asked_for = course_doses(dosages, read, begun, until=now, zone=zone, source=origin)
    return course.model_copy(update={"doses": tuple(d for d in asked_for if d.time >= since)}), []


def _single(regimen: Regimen, begun: datetime, since: datetime, now: datetime, origin: str) -> OrderedCourse:
    """An order of one dose, with it if its time has come."""
    course = OrderedCourse(source=origin, route=regimen.route, begun=begun)
    if not since <= begun <= now:
        return course
    dose = Dose(
        time=begun, amount_mg=regimen.dose_mg, route=regimen.route,
        duration_h=regimen.duration_h, status="ordered", source=origin,
    )  # fmt: skip
    return course.model_copy(update={"doses": (dose,)})


def _is_active(resource: Resource, now: datetime) -> bool:
    if resource.get("status") != "active" or word(resource.get("intent")) in INTENDED:
        return False
    if resource.get("doNotPerform") is True:
        return False
    ends = [
        moment(member(one, "timing", "repeat", "boundsPeriod", "end"))
        for one in items(resource.get("dosageInstruction"))
    ]
    return not ends or any(end is None or end.instant >= now for end in ends)
