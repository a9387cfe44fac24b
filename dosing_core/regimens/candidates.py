"""The regimens that a search looks at: doses as stocked, usual intervals, allowed infusion lengths and hours.

Everything here is inside the hard limits of the drug file and can be made up: a dose is a multiple of the
increment or one of the bands, put together from stocked units, in a bag that is neither too concentrated nor
too large, run neither too fast nor longer than its interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dosing_core.case import Regimen, Route
from dosing_core.library.schema import DrugFile
from dosing_core.regimens.infusion import lengths, runs_too_fast
from dosing_core.regimens.limits import PatientLimits
from dosing_core.regimens.stock import can_be_made

_ROUNDING = 1.0 + 1e-9


@dataclass(frozen=True)
class Candidate:
    """One regimen that may be suggested."""

    regimen: Regimen
    usual: bool
    """True if the single dose lies in the drug file's usual range for this weight."""
    preference: int
    """Place among those that decide a tie; the lowest is preferred: interval, then route, then the length of
    the infusion, then the hour of the first dose."""
    delay_h: float = 0.0
    """h that the first dose is put off, to a better hour of the day; 0: as soon as it is due."""


def candidates(
    drug_file: DrugFile,
    limits: PatientLimits,
    weight_kg: float,
    route: Route,
    ordered: Regimen | None,
    *,
    other_routes: Sequence[Route] = (),
    prolonged: bool = False,
    delays_h: Sequence[float] = (0.0,),
) -> tuple[Candidate, ...]:
    """Every regimen inside the hard limits, by interval, then by dose.

    The interval as ordered comes first in preference, where the drug file knows it: the least change is the
    easiest to carry out. ``other_routes`` are looked at beside ``route``; ``prolonged``: also the file's
    longer infusions, which only matter where the shape of the curve does; ``delays_h``: hours by which the
    first dose may be put off.
    """
    found = []
    for away, way in enumerate((route, *other_routes)):
        for rank, interval in enumerate(_intervals(drug_file, way, ordered)):
            for dose in _doses(drug_file, way):
                usual = _usual(drug_file, dose, weight_kg)
                if drug_file.dosing.usual_only and not usual:
                    continue
                own = _lengths(drug_file, dose, interval, way, ordered, prolonged)
                for shape, duration in enumerate(own):
                    regimen = Regimen(dose_mg=dose, interval_h=interval, route=way, duration_h=duration)
                    if not limits.allow(regimen):
                        continue
                    for late, delay in enumerate(delays_h):
                        place = ((away * 20 + rank) * 10 + shape) * 10 + late
                        found.append(Candidate(regimen, usual, place, delay))
    return tuple(found)


def delays_to(
    clock_hours: Sequence[float], clock_h: float, first_h: float, interval_h: float
) -> tuple[float, ...]:
    """Hours from the first dose's due time to each of these hours of the day, at most one interval and half a
    day away, as a treatment must not be left without its dose; 0 is always among them."""
    due = (clock_h + first_h) % 24.0
    longest = min(interval_h, 12.0)
    return (0.0, *sorted({away for hour in clock_hours if 0.0 < (away := (hour - due) % 24.0) <= longest}))


def _intervals(drug_file: DrugFile, route: Route, ordered: Regimen | None) -> list[float]:
    oral = drug_file.dosing.oral
    usual = oral.intervals_h if oral is not None and route == "oral" else drug_file.dosing.intervals_h
    intervals = list(usual)
    if ordered is not None and ordered.interval_h in intervals:
        if drug_file.dosing.keeps_interval:
            return [ordered.interval_h]
        intervals.remove(ordered.interval_h)
        intervals.insert(0, ordered.interval_h)
    return intervals


def _doses(drug_file: DrugFile, route: Route) -> Iterator[float]:
    """Doses that can be made up, ascending, mg."""
    rule, oral = drug_file.dosing, drug_file.dosing.oral
    if oral is not None and route == "oral":
        increment, most, strengths = oral.increment.value, oral.most_per_dose.value, oral.strengths_mg
    else:
        increment, most, strengths = rule.increment.value, rule.most_per_dose.value, rule.strengths_mg
    if rule.bands is not None and not (oral is not None and route == "oral"):
        doses = [dose for dose in rule.bands.doses_mg if dose <= most * _ROUNDING]
    else:
        doses = [step * increment for step in range(1, int(most / increment * _ROUNDING) + 1)]
    return (dose for dose in doses if not strengths or can_be_made(dose, strengths, rule.most_units))


def _usual(drug_file: DrugFile, dose_mg: float, weight_kg: float) -> bool:
    span = drug_file.dosing.per_dose_mg_kg
    return span is None or span.low * weight_kg <= dose_mg * _ROUNDING <= span.high * weight_kg * _ROUNDING


def _lengths(
    drug_file: DrugFile,
    dose_mg: float,
    interval_h: float,
    route: Route,
    ordered: Regimen | None,
    prolonged: bool,
) -> tuple[float, ...]:
    """Lengths, h, the preferred first: as ordered if the dose is the same and the length is allowed, else the
    standard one. None if the dose does not fit into a bag."""
    rule = drug_file.infusion
    if rule is None or route != "iv":
        return (0.0,)
    found = lengths(dose_mg, interval_h, rule, prolonged)
    if (
        found
        and ordered is not None
        and ordered.route == "iv"
        and ordered.dose_mg == dose_mg
        and ordered.duration_h > 0
        and not runs_too_fast(ordered, rule)
    ):
        first = ordered.duration_h
        return (first, *(length for length in found[1:] if length != first))
    return found
