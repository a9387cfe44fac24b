"""What stands in for given doses where none is charted: what was dispensed, else what is said to be taken.

Neither says that a dose reached the patient; the answer says which was used. Given beats dispensed, dispensed
beats ordered, ordered beats reported.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Literal

from dosing_core.case import Finding
from fhir_adapters.chart import OrderedCourse
from fhir_adapters.course import course_doses
from fhir_adapters.dosage import read_dosage
from fhir_adapters.elements import Resource, items, member, moment, said_at, source, word
from fhir_adapters.medications import Medications
from fhir_adapters.product import product
from fhir_adapters.subject import of_another
from fhir_adapters.terminology.units import quantity

DISPENSED = frozenset({"completed", "in-progress"})
"""States of a MedicationDispense whose medicine the patient has, or had."""
TAKEN = frozenset({"active", "completed"})
"""States of a MedicationStatement that says that a medicine is or was taken."""
AT_ONCE = timedelta(days=1)
"""Two packs handed over within this time are for one course, and how they go together is not known. Project
policy: refills are days apart."""

SHORTLY = timedelta(seconds=1)
"""When the supply of seven days is used up, the next dose is not in it any more."""


@dataclass(frozen=True)
class _Pack:
    course: OrderedCourse
    begun: datetime


def dispensed(
    resources: Iterable[Resource],
    *,
    patient_id: str,
    drug: str,
    now: datetime,
    since: datetime,
    medications: Medications,
    zone: tzinfo,
) -> tuple[OrderedCourse | None, list[Finding]]:
    """All packs of the drug as one course: each is taken as its instruction says until it is used up or the
    next one is handed over. None if nothing of the drug was handed over, or if it is not known how much."""
    packs: list[_Pack] = []
    findings: list[Finding] = []
    held = [
        one
        for one in resources
        if _is_of(one, drug, medications) and of_another(one, patient_id, "doses") is None
    ]
    for one in held:
        if word(one.get("status")) not in DISPENSED:
            continue
        begun = moment(one.get("whenHandedOver")) or moment(one.get("whenPrepared"))
        if begun is None or begun.instant > now:
            continue
        used_up = _days(one.get("daysSupply"))
        until = min(now, begun.instant + used_up - SHORTLY) if used_up is not None else now
        made = _course(one, "dispensed", begun.instant, until, medications, zone)
        if made is None or not begun.exact:
            findings.append(_left_out("a dispensed pack", one, begun.exact))
        else:
            packs.append(_Pack(made, begun.instant))
    packs.sort(key=lambda pack: (pack.begun, pack.course.source))
    if not packs or findings:
        return None, findings
    if any(after.begun - before.begun < AT_ONCE for before, after in pairwise(packs)):
        said = "several packs were handed over at once, so how much was taken is not known"
        return None, [Finding(kind="conflict", about="doses", detail=said, source=packs[-1].course.source)]
    ends = [*(pack.begun for pack in packs[1:]), None]
    doses = [
        dose
        for pack, end in zip(packs, ends, strict=True)
        for dose in pack.course.doses
        if dose.time >= since and (end is None or dose.time < end)
    ]
    return packs[-1].course.model_copy(update={"begun": packs[0].begun, "doses": tuple(doses)}), []


def reported(
    resources: Iterable[Resource],
    *,
    patient_id: str,
    drug: str,
    now: datetime,
    since: datetime,
    medications: Medications,
    zone: tzinfo,
) -> tuple[tuple[OrderedCourse, ...], list[Finding]]:
    """What is said to be taken of the drug, one course a statement."""
    courses: list[OrderedCourse] = []
    findings: list[Finding] = []
    for one in resources:
        if not _is_of(one, drug, medications) or of_another(one, patient_id, "doses") is not None:
            continue
        if word(one.get("status")) not in TAKEN:
            continue
        period = one.get("effectivePeriod")
        begun = moment(member(period, "start")) or moment(one.get("effectiveDateTime"))
        ended = moment(member(period, "end"))
        if begun is None or begun.instant > now or (ended is not None and ended.instant < since):
            continue
        until = min(now, ended.instant) if ended is not None else now
        made = _course(one, "reported", begun.instant, until, medications, zone)
        if made is None or not begun.exact:
            findings.append(_left_out("a medicine that is said to be taken", one, begun.exact))
        else:
            kept = tuple(dose for dose in made.doses if dose.time >= since)
            courses.append(made.model_copy(update={"doses": kept}))
    return tuple(courses), findings


def _is_of(resource: Resource, drug: str, medications: Medications) -> bool:
    read = product(resource, medications)
    return drug in read.holds and not read.local and read.problem is None


def _course(
    resource: Resource,
    kind: Literal["dispensed", "reported"],
    begun: datetime,
    until: datetime,
    medications: Medications,
    zone: tzinfo,
) -> OrderedCourse | None:
    """The course of one resource; None if its instructions are not understood."""
    read = product(resource, medications)
    written = items(resource.get("dosageInstruction")) or items(resource.get("dosage"))
    dosages = [read_dosage(one, read) for one in written]
    doses = course_doses(dosages, read, begun, until=until, zone=zone, source=source(resource))
    if not doses:
        return None
    intervals = [one.interval_h for one in dosages if one.interval_h is not None]
    return OrderedCourse(
        source=source(resource),
        kind=kind,
        route=doses[0].route,
        begun=begun,
        interval_h=float(intervals[0]) if len(intervals) == len(dosages) == 1 else None,
        doses=tuple(dose.model_copy(update={"status": kind}) for dose in doses),
    )


def _days(supply: object) -> timedelta | None:
    """How long a pack lasts; without a unit FHIR means days."""
    read = quantity(supply)
    if read is None or read.value <= 0:
        return None
    seconds = read.in_dimension("time")
    return timedelta(seconds=float(seconds)) if seconds is not None else timedelta(days=float(read.value))


def _left_out(what: str, resource: Resource, exact: bool) -> Finding:
    begun = moment(resource.get("whenHandedOver")) or moment(member(resource.get("effectivePeriod"), "start"))
    when = f" of {said_at(begun.instant)}" if begun is not None and exact else ""
    why = "its instruction is not understood" if exact else "the hour of its beginning is not written"
    detail = f"{what}{when} does not stand in for given doses: {why}"
    return Finding(kind="note", about="doses", detail=detail, source=source(resource))
