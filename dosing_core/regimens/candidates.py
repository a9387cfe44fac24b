"""The regimens that a search looks at: stocked doses, usual intervals, allowed infusion lengths."""

from __future__ import annotations

from dataclasses import dataclass

from dosing_core.case import Regimen, Route
from dosing_core.library.schema import DrugFile
from dosing_core.regimens.infusion import runs_too_fast, standard_duration
from dosing_core.regimens.limits import PatientLimits

_ROUNDING = 1.0 + 1e-9


@dataclass(frozen=True)
class Candidate:
    """One regimen that may be suggested."""

    regimen: Regimen
    usual: bool
    """True if the single dose lies in the drug file's usual range for this weight."""
    preference: int
    """Place of the interval among those that decide a tie; 0 is preferred."""
    delay_h: float = 0.0
    """h that the first dose is put off, to a better hour of the day; 0: as soon as it is due."""


def candidates(
    drug_file: DrugFile, limits: PatientLimits, weight_kg: float, route: Route, ordered: Regimen | None
) -> tuple[Candidate, ...]:
    """Every regimen inside the hard limits, by interval, then by dose.

    The interval as ordered comes first in preference, where the drug file knows it: the least change is the
    easiest to carry out.
    """
    rule = drug_file.dosing
    intervals = list(rule.intervals_h)
    if ordered is not None and ordered.interval_h in intervals:
        intervals.remove(ordered.interval_h)
        intervals.insert(0, ordered.interval_h)
    steps = int(rule.most_per_dose.value / rule.increment.value * _ROUNDING)
    found = []
    for preference, interval in enumerate(intervals):
        for step in range(1, steps + 1):
            dose = step * rule.increment.value
            regimen = Regimen(
                dose_mg=dose,
                interval_h=interval,
                route=route,
                duration_h=_duration(drug_file, dose, route, ordered),
            )
            if limits.allow(regimen):
                found.append(Candidate(regimen, _usual(drug_file, dose, weight_kg), preference))
    return tuple(found)


def _usual(drug_file: DrugFile, dose_mg: float, weight_kg: float) -> bool:
    span = drug_file.dosing.per_dose_mg_kg
    return span is None or span.low * weight_kg <= dose_mg * _ROUNDING <= span.high * weight_kg * _ROUNDING


def _duration(drug_file: DrugFile, dose_mg: float, route: Route, ordered: Regimen | None) -> float:
    """The length as ordered if the dose is the same and the length is allowed, else the standard one, h."""
    if drug_file.infusion is None or route != "iv":
        return 0.0
    if (
        ordered is not None
        and ordered.route == "iv"
        and ordered.dose_mg == dose_mg
        and ordered.duration_h > 0
        and not runs_too_fast(ordered, drug_file.infusion)
    ):
        return ordered.duration_h
    return standard_duration(dose_mg, drug_file.infusion)
