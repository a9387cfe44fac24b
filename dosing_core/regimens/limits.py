"""The hard limits of a drug file, applied to one patient. No suggestion passes them."""

from __future__ import annotations

from dataclasses import dataclass

from dosing_core import phrases
from dosing_core.case import Regimen
from dosing_core.library.schema import DrugFile
from dosing_core.physiology.body_size import WeightChoice
from dosing_core.population.covariate import Covariate
from dosing_core.recommendation import BrokenLimit
from dosing_core.regimens.infusion import runs_too_fast

GRAVE = 2.0
"""So many times a dose limit, an order is likelier a slip than an intention. Project policy."""
ABSURD = 5.0
"""So many times a dose limit, no exposure is worth showing: no model was built there. Project policy."""
RENAL = Covariate(quantity="creatinine_clearance", unit="mL/min", weight=WeightChoice.TOTAL)
"""The creatinine clearance that renal limits go by, as labels do."""
_ROUNDING = 1.0 + 1e-9


@dataclass(frozen=True)
class PatientLimits:
    """What one dose and one day may hold for this patient, mg."""

    single_mg: float
    daily_mg: float
    daily_because: str
    """Which limit the day's is, in words."""
    step_daily_mg: float | None
    """Highest daily dose that one step may reach; None: no such limit, or nothing is running."""

    @property
    def highest_daily_mg(self) -> float:
        """What a suggestion may hold in a day."""
        return self.daily_mg if self.step_daily_mg is None else min(self.daily_mg, self.step_daily_mg)

    def allow(self, regimen: Regimen) -> bool:
        """True if the regimen may be suggested."""
        return (
            regimen.dose_mg <= self.single_mg * _ROUNDING
            and regimen.daily_dose_mg <= self.highest_daily_mg * _ROUNDING
        )


def patient_limits(
    drug_file: DrugFile,
    weight_kg: float,
    current_daily_mg: float | None,
    creatinine_clearance: float | None = None,
) -> PatientLimits:
    """The file's limits for this weight, for the present daily dose (None: no treatment runs) and for this
    creatinine clearance, mL/min (None: not known)."""
    limits = drug_file.limits
    per_kg = limits.daily_per_kg.value * weight_kg
    display = drug_file.display
    daily, because = limits.daily.value, f"{phrases.dose(limits.daily.value, display)} a day"
    if per_kg < daily:
        daily, because = per_kg, f"{phrases.dose(limits.daily_per_kg.value, display)}/kg a day"
    because = limits.in_words or because
    for rule in limits.renal:
        reached = creatinine_clearance is not None and creatinine_clearance < rule.below.value
        least = rule.daily_mg(weight_kg)
        if reached and least < daily:
            daily = least
            by_weight = rule.daily_per_kg
            much = (
                phrases.dose(daily, display)
                if by_weight is None
                else f"{phrases.dose(by_weight.value, display)}/kg"
            )
            because = (
                f"{much} a day for a creatinine clearance below {phrases.plain(rule.below.value)} mL/min"
            )
    single = limits.single.value
    if limits.single_per_kg is not None:
        single = min(single, limits.single_per_kg.value * weight_kg)
    step = None
    if limits.step_up is not None and current_daily_mg is not None:
        step = limits.step_up.value * current_daily_mg
    return PatientLimits(
        single_mg=single,
        daily_mg=daily,
        daily_because=because,
        step_daily_mg=step,
    )


def broken(regimen: Regimen, limits: PatientLimits, drug_file: DrugFile) -> tuple[BrokenLimit, ...]:
    """Each limit that the regimen breaks; empty if it holds all of them."""
    said = []
    single, daily = regimen.dose_mg / limits.single_mg, regimen.daily_dose_mg / limits.daily_mg
    if single > _ROUNDING:
        most = phrases.dose(round(limits.single_mg, 0 if limits.single_mg >= 10 else 4), drug_file.display)
        text = f"Above the highest single dose of {most}."
        said.append(BrokenLimit(kind="single", text=text, grave=single > GRAVE))
    if daily > _ROUNDING:
        text = f"Above the limit of {limits.daily_because}."
        said.append(BrokenLimit(kind="daily", text=text, grave=daily > GRAVE))
    if limits.step_daily_mg is not None and regimen.daily_dose_mg > limits.step_daily_mg * _ROUNDING:
        factor = drug_file.limits.step_up.value if drug_file.limits.step_up else 1.0
        text = f"More than {phrases.plain(factor)} times the present daily dose in one step."
        said.append(BrokenLimit(kind="step", text=text))
    if drug_file.infusion and runs_too_fast(regimen, drug_file.infusion):
        rate = phrases.dose(drug_file.infusion.max_rate.value, drug_file.display)
        shortest = phrases.infusion_length(drug_file.infusion.min_duration.value)
        said.append(BrokenLimit(kind="rate", text=f"Runs faster than {rate}/min or shorter than {shortest}."))
    return tuple(said)


def is_absurd(regimen: Regimen, limits: PatientLimits) -> bool:
    """True if the dose is so far beyond the limits that its exposure means nothing."""
    return max(regimen.dose_mg / limits.single_mg, regimen.daily_dose_mg / limits.daily_mg) > ABSURD


def touched(regimen: Regimen, limits: PatientLimits, increment_mg: float) -> tuple[str, ...]:
    """Each limit that leaves no room for one more step of the dose, as a sentence."""
    more = (regimen.dose_mg + increment_mg) * 24.0 / regimen.interval_h
    if limits.step_daily_mg is not None and more > limits.step_daily_mg * _ROUNDING:
        return ("As far as one step may go from the present dose; the next level decides on more.",)
    if more > limits.daily_mg * _ROUNDING:
        return (f"At the limit of {limits.daily_because}.",)
    return ()
