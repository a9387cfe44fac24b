"""The doses that a course of treatment has asked for so far: step by step, as it is written.

Only what is understood whole is followed. A course of which one step is not understood has no doses here,
because half of them would look like all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

from dosing_core.case import LONGEST_INFUSION_H, Dose, Route
from fhir_adapters.dosage import Dosage
from fhir_adapters.product import Product, usual_infusion_h


def course_doses(
    dosages: Sequence[Dosage],
    product: Product,
    begun: datetime,
    *,
    until: datetime,
    zone: tzinfo,
    source: str,
) -> tuple[Dose, ...]:
    """The doses from ``begun`` to ``until``, in order of time, if it was followed to the letter.

    A course whose first interval is not over yet has given nothing: nobody knows whether the first dose was
    taken. Empty if an instruction is not understood, begins on a day without an hour, or does not say when
    the next step begins.
    """
    steps = in_order(dosages)
    ways = {one.route for one in dosages} - {None}
    if not steps or len(ways) != 1:
        return ()
    (way,) = ways
    found: list[Dose] = []
    start: datetime | None = begun
    for step in steps:
        if start is None:
            return ()  # the step before has no end
        for dosage in step:
            amount = _amount(dosage, way, product)
            if amount is None or dosage.times.vague:
                return ()
            if dosage.times.once and len(steps) == 1 and len(step) > 1:
                return ()  # beside a repeating dose: whether it comes before or with it is open
            mass, hours = amount
            own = dosage.times.start or start
            found += (
                Dose(time=time, amount_mg=mass, route=way, duration_h=hours, status="ordered", source=source)
                for time in dosage.times.instants(own, until, zone)
            )
        ends = [dosage.times.until(dosage.times.start or start) for dosage in step]
        known = [end for end in ends if end is not None]
        start = max(known) if len(known) == len(ends) else None
    if until - begun < _first_gap(steps[0]):
        return ()
    return tuple(sorted(found, key=lambda dose: (dose.time, dose.amount_mg)))


def in_order(dosages: Sequence[Dosage]) -> list[list[Dosage]]:
    """The instructions step by step: those of one ``sequence`` together, later ones after them. Without
    numbers all are followed at once, as FHIR says."""
    places = {one.sequence for one in dosages}
    if None in places:
        return [list(dosages)]
    ordered = sorted(place for place in places if place is not None)
    return [[one for one in dosages if one.sequence == place] for place in ordered]


def _first_gap(step: Sequence[Dosage]) -> timedelta:
    """Time until a second dose is due; a day where doses fall on days."""
    intervals = [one.times.interval_h for one in step if one.times.interval_h is not None]
    return timedelta(hours=float(min(intervals))) if intervals else timedelta(days=1)


def _amount(dosage: Dosage, way: Route | None, product: Product) -> tuple[float, float] | None:
    """mg and hours of one dose; None if the instruction is not understood."""
    if dosage.problems or dosage.dose_mg is None or way is None:
        return None
    mass = float(dosage.dose_mg)
    if way != "iv":
        return mass, 0.0
    if dosage.duration_h is not None:
        hours = float(dosage.duration_h)
        return (mass, hours) if hours <= LONGEST_INFUSION_H else None
    usual = usual_infusion_h(product.drug, mass) if product.drug else None
    return None if usual is None else (mass, usual)
