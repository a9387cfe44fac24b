"""A rule's exact dose as it can be given: rounded to what is stocked, inside every limit of the drug file."""

from __future__ import annotations

from dataclasses import dataclass

from dosing_core import phrases
from dosing_core.case import Regimen, Route
from dosing_core.library.schema import DrugFile
from dosing_core.regimens.banding import band_of
from dosing_core.regimens.infusion import standard_duration
from dosing_core.regimens.limits import PatientLimits
from dosing_core.regimens.stock import can_be_made

MOST_STEPS = 40
"""So many steps to either side of the exact dose are tried for one that the stocked units make up."""
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Practical:
    """The regimen, and what kept it from the exact dose."""

    regimen: Regimen | None
    """None if no stocked dose is inside the limits."""
    because: tuple[str, ...] = ()


@dataclass(frozen=True)
class Schedule:
    """How often and how long, whatever the dose."""

    interval_h: float | None
    """None: a single dose."""
    route: Route
    duration_h: float | None
    """None: the file's shortest for the dose."""

    def regimen(self, dose_mg: float, drug_file: DrugFile) -> Regimen:
        """The dose so given."""
        length = 0.0
        if self.route == "iv" and self.duration_h is not None:
            length = self.duration_h
        elif self.route == "iv" and drug_file.infusion is not None:
            length = standard_duration(dose_mg, drug_file.infusion)
        once = self.interval_h is None
        return Regimen(
            dose_mg=float(f"{dose_mg:.9g}"),
            interval_h=24.0 if self.interval_h is None else self.interval_h,
            route=self.route,
            duration_h=length,
            once=once,
        )


def practical(exact_mg: float, schedule: Schedule, drug_file: DrugFile, limits: PatientLimits) -> Practical:
    """The stocked dose nearest to the exact one; where a limit bites, the highest one below it."""
    most, why = _most(schedule, drug_file, limits)
    because: list[str] = []
    wanted = exact_mg
    if wanted > most * (1.0 + _ROUNDING):
        because.append(f"{phrases.dose(exact_mg, drug_file.as_display)} by the rule, held to {why}")
        wanted = most
    doses = [dose for dose in _doses(wanted, schedule.route, drug_file) if dose <= most * (1.0 + _ROUNDING)]
    if not doses or wanted <= 0.0:
        return Practical(None, tuple(because))
    dose = min(doses, key=lambda one: (abs(one - wanted), one))
    return Practical(schedule.regimen(dose, drug_file), tuple(because))


def _most(schedule: Schedule, drug_file: DrugFile, limits: PatientLimits) -> tuple[float, str]:
    """mg of one dose that no limit forbids, and which limit that is, in words."""
    display = drug_file.as_display
    oral = drug_file.dosing.oral
    own = oral if oral is not None and schedule.route == "oral" else drug_file.dosing
    days = (24.0 if schedule.interval_h is None else schedule.interval_h) / 24.0
    bounds = [
        (own.most_per_dose.value, f"{phrases.dose(own.most_per_dose.value, display)} a dose"),
        (limits.single_mg, f"{phrases.dose(limits.single_mg, display)} a dose"),
        (limits.daily_mg * days, limits.daily_because),
    ]
    if limits.step_daily_mg is not None:
        bounds.append((limits.step_daily_mg * days, "what one step from the present dose may reach"))
    return min(bounds, key=lambda one: one[0])


def _doses(wanted_mg: float, route: Route, drug_file: DrugFile) -> list[float]:
    """Stocked doses around the wanted one, mg."""
    oral = drug_file.dosing.oral if route == "oral" else None
    if oral is None and drug_file.dosing.bands is not None:
        return [band_of(wanted_mg, drug_file.dosing.bands.doses_mg)[0], *drug_file.dosing.bands.doses_mg]
    step = (oral or drug_file.dosing).increment.value
    strengths = (oral or drug_file.dosing).strengths_mg
    middle = round(wanted_mg / step)
    counts = range(max(1, middle - MOST_STEPS), max(1, middle) + MOST_STEPS + 1)
    doses = [float(f"{count * step:.9g}") for count in counts]
    if not strengths:
        return doses
    return [dose for dose in doses if can_be_made(dose, strengths, drug_file.dosing.most_units)]
