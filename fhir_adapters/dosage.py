"""One dosage instruction: how much, how often, by which route, over how long. Understood whole or not at all.

What is not understood (ranges, as-needed doses) becomes a sentence in ``problems``, never an approximation.
Free text alone is not interpreted. When doses fall is read in ``timing.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from dosing_core.case import Route
from dosing_core.library import load_drug
from fhir_adapters.combination import own_part
from fhir_adapters.dose_text import in_code
from fhir_adapters.elements import Resource, items, member, number, text
from fhir_adapters.product import Product
from fhir_adapters.terminology.routes import Named, charted_route, route
from fhir_adapters.terminology.units import Quantity, as_written, quantity, unit
from fhir_adapters.timing import Timetable, read_timing

_LEAST_MG, _MOST_MG = Decimal("1e-6"), Decimal("1e6")
"""1 ng and 1 kg; a dose outside is a fault of unit or typing (project policy)."""
_AGREE = Decimal("0.01")
"""Two ways of saying one length may differ by so much (project policy: rounded pump rates)."""


AREA_WRITTEN = "the dose is written as an AUC to reach"


@dataclass(frozen=True)
class Dosage:
    """What one instruction says. A part that is missing or not understood is None, with a reason."""

    route: Route | None = None
    local: bool = False
    """True if it names a route that does not reach the blood, or is not meant to."""
    unclear_route: str | None = None
    """What it calls the route, if that is not understood or not one that is modelled for the drug."""
    dose_mg: Decimal | None = None
    interval_h: Decimal | None = None
    duration_h: Decimal | None = None
    once: bool = False
    """A single dose, such as a loading dose."""
    as_needed: bool = False
    rate_only: bool = False
    """True if a rate is written and no dose: an infusion without an end."""
    times: Timetable = field(default_factory=Timetable)
    """When doses fall, and from when to when."""
    problems: tuple[str, ...] = ()
    from_words: bool = False
    """True if it is written in words alone."""
    sequence: Decimal | None = None
    """Its place among several instructions; those of one place go together."""
    area: Decimal | None = None
    """mg·min/mL, where the dose is written as an area under the curve to reach and not as an amount."""


@dataclass
class _Reading:
    problems: list[str] = field(default_factory=list)
    rate_only: bool = False

    def fails(self, problem: str) -> None:
        self.problems.append(problem)


def read_dosage(instruction: Resource, product: Product) -> Dosage:
    """Read one element of ``dosageInstruction``; one of words alone where they can be read in one way."""
    if (spoken := in_code(instruction)) is not None:
        return replace(read_dosage({**instruction, **spoken}, product), from_words=True)
    reading = _Reading()
    named = route(instruction.get("route"))
    way = product.route if named is None else systemic(named, product.drug)
    unclear = None
    if named not in (None, "local") and way is None:
        unclear = charted_route(instruction.get("route"))
        reading.fails(f'the route "{unclear}" is {"not covered" if named == "enteral" else "not understood"}')
    elif way and product.route and way != product.route and "oral" in (way, product.route):
        reading.fails(f"the route is {_said(way)} but the product is for {_said(product.route)} use")
        way = None
    as_needed = instruction.get("asNeededBoolean") is True or bool(instruction.get("asNeededCodeableConcept"))
    if as_needed:
        reading.fails("it is to be given as needed")
    dose, volume = _dose(instruction, product, reading)
    times = read_timing(instruction.get("timing"))
    if not reading.rate_only:
        reading.problems += times.problems
    duration = _duration(instruction, dose, volume, reading)
    return Dosage(
        way,
        named == "local",
        unclear,
        dose,
        None if reading.rate_only else times.interval_h,
        duration,
        times.once,
        as_needed,
        reading.rate_only,
        times,
        tuple(reading.problems),
        sequence=number(instruction.get("sequence")),
        area=_area(instruction) if dose is None else None,
    )


def systemic(named: Named, drug: str | None) -> Route | None:
    """The route as the models know it. A tube ends in the gut, so it is a way by mouth for a drug that acts
    there (vancomycin); what is swallowed for its level (tacrolimus) is another matter through a tube."""
    if named in ("iv", "oral", "subcutaneous"):
        return named
    if named == "enteral" and drug is not None:
        rule = load_drug(drug).route("oral")
        return "oral" if rule is not None and rule.past_doses == "ignore" else None
    return None


def _said(way: Route) -> str:
    return "intravenous" if way == "iv" else way


def _dose(
    instruction: Resource, product: Product, reading: _Reading
) -> tuple[Decimal | None, Decimal | None]:
    """mg and, where charted, mL of one dose."""
    parts = items(instruction.get("doseAndRate")) or (instruction,)
    if ranges := [part["doseRange"] for part in parts if part.get("doseRange")]:
        low, high = quantity(member(ranges[0], "low")), quantity(member(ranges[0], "high"))
        spelt = f", {low.written} to {high.written}" if low and high else ""
        reading.fails(f"the dose is a range{spelt}")
        return None, None
    charted = [part["doseQuantity"] for part in parts if part.get("doseQuantity") is not None]
    read = [quantity(one) for one in charted]
    doses = [one for one in read if one is not None]
    if len(doses) < len(read):
        reading.fails("the dose has no number")
        return None, None
    if not doses:
        rates = [rate for part in parts if (rate := _rate(part)) is not None]
        reading.rate_only = bool(rates)
        said = f"only a rate is written, {rates[0]}; a continuous infusion is not read" if rates else None
        reading.fails(said or "no dose is written")
        return None, None
    return amount(doses, product, reading.fails)


def _area(instruction: Resource) -> Decimal | None:
    """mg·min/mL, if just one area to reach is written."""
    parts = items(instruction.get("doseAndRate")) or (instruction,)
    read = [quantity(part["doseQuantity"]) for part in parts if part.get("doseQuantity") is not None]
    areas = {one.in_dimension("aimed area") for one in read if one is not None and not one.comparator}
    found = areas.pop() if len(areas) == 1 else None
    return found if found is not None and found > 0 else None


def _rate(part: Resource) -> str | None:
    """The rate as charted, for people."""
    if (rate := quantity(part.get("rateQuantity"))) is not None:
        return rate.written
    amount_, time = (quantity(member(part, "rateRatio", name)) for name in ("numerator", "denominator"))
    return f"{amount_.written} in {time.written}" if amount_ and time else None


def amount(
    doses: list[Quantity], product: Product, fails: Callable[[str], None]
) -> tuple[Decimal | None, Decimal | None]:
    """mg and mL that these ways of writing one dose agree on; ``fails`` is told why not."""
    volumes = {volume for one in doses if (volume := one.in_dimension("volume")) is not None}
    volume = volumes.pop() if len(volumes) == 1 else None
    if any(one.comparator for one in doses):
        fails("the dose is a bound, not a number")
        return None, volume
    masses = {mass for one in doses if (mass := one.in_dimension("mass")) is not None}
    pieces = [one for one in doses if one.in_dimension("dose form") is not None]
    if product.mg_each is not None:
        masses |= {one.value * product.mg_each for one in pieces}
    elif pieces and not masses:
        fails(f'the dose is written as "{pieces[0].written}" and no strength is stated')
        return None, volume
    if not masses and volume is not None:
        if product.mg_per_ml is None:
            fails(f"the dose is written as {as_written(volume)} mL and no strength is stated")
            return None, volume
        masses = {volume * product.mg_per_ml}
    if len(masses) != 1:
        if masses:
            fails("two different doses are written")
        elif any(one.in_dimension("aimed area") is not None for one in doses):
            fails(f"{AREA_WRITTEN}, {doses[0].written}")
        elif any(one.in_dimension("dose by surface") is not None for one in doses):
            fails(f"the dose is written by body surface only, {doses[0].written}")
        elif any(one.in_dimension("mass per mass") is not None for one in doses):
            fails(f"the dose is written by body weight only, {doses[0].written}")
        else:
            fails(f"the dose is written as {doses[0].written}, which is not an amount of drug")
        return None, volume
    mass = masses.pop()
    if mass <= 0:
        fails("the dose is not above zero")
        return None, volume
    if not _LEAST_MG <= mass <= _MOST_MG:
        fails("the dose is outside anything that is given")
        return None, volume
    return own_part(mass, product, fails), volume


def _duration(
    instruction: Resource, dose: Decimal | None, volume: Decimal | None, reading: _Reading
) -> Decimal | None:
    """Hours that one dose runs: as written, or from its rate."""
    repeat: Any = member(instruction, "timing", "repeat")
    written = number(member(repeat, "duration"))
    lengths: list[Decimal] = []
    if written is not None:
        measure = unit(text(member(repeat, "durationUnit")) or "")
        if (
            measure is None
            or measure.dimension != "time"
            or written <= 0
            or member(repeat, "durationMax") is not None
        ):
            reading.fails("the length of the infusion is not understood")
            return None
        lengths.append(written * measure.factor / 3600)
    for part in items(instruction.get("doseAndRate")) or (instruction,):
        if (length := rate_duration(part, dose, volume)) is not None:
            lengths.append(length)
    if not lengths:
        return None
    if max(lengths) - min(lengths) > _AGREE * max(lengths):
        reading.fails("the length of the infusion and its rate do not agree")
        return None
    return lengths[0]


def rate_duration(part: Resource, dose: Decimal | None, volume: Decimal | None) -> Decimal | None:
    """Hours that a dose takes at the rate charted beside it, or None."""
    rate = quantity(part.get("rateQuantity"))
    if rate is not None:
        by_mass, by_volume = rate.in_dimension("mass rate"), rate.in_dimension("volume rate")
    else:
        numerator = quantity(member(part, "rateRatio", "numerator"))
        denominator = quantity(member(part, "rateRatio", "denominator"))
        seconds = denominator.in_dimension("time") if denominator else None
        if numerator is None or not seconds:
            return None
        mass, filled = numerator.in_dimension("mass"), numerator.in_dimension("volume")
        by_mass = mass * 3600 / seconds if mass is not None else None
        by_volume = filled * 3600 / seconds if filled is not None else None
    if by_mass and by_mass > 0 and dose is not None:
        return dose / by_mass
    if by_volume and by_volume > 0 and volume is not None:
        return volume / by_volume
    return None
