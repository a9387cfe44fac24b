"""Cases and recommendations written by hand, for tests of what is shown; the figures are invented.

Nothing here comes from the core: a test that shows these values cannot agree with it by accident.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from dosing_core.case import Case, Dose, Finding, Level, Measurement, Order, Regimen, Subject
from dosing_core.recommendation import (
    Assumption,
    Chance,
    Curve,
    CurvePoint,
    Diagnostics,
    Display,
    Estimate,
    Exposure,
    LevelReview,
    ModelUse,
    NextLevel,
    ParameterEstimate,
    Recommendation,
    Reference,
    RegimenOption,
    Target,
    UsedFact,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ORDERED = Regimen(dose_mg=1000, interval_h=12, route="iv", duration_h=2)
ADVISED = Regimen(dose_mg=750, interval_h=12, route="iv", duration_h=1.5)
OTHER = Regimen(dose_mg=1000, interval_h=24, route="iv", duration_h=2)
VANCOMYCIN = Display(drug_name="vancomycin", concentration_unit="mg/L", concentration_factor=1)
TACROLIMUS = Display(drug_name="tacrolimus", concentration_unit="ng/mL", concentration_factor=1000)
ENGINE = "dosewright 0.1.0, vancomycin 1, points 1"


def case(**changes: object) -> Case:
    """A man of 67 with three given doses and two levels, about to go on with 1,000 mg every 12 h."""
    values: dict[str, object] = {
        "now": NOW,
        "subject": Subject(
            age_years=67.5,
            sex="male",
            weight=(Measurement(value=81, time=NOW - 86 * HOUR, source="Observation/weight-1"),),
            creatinine=(Measurement(value=0.9, time=NOW - 3 * HOUR, source="Observation/creatinine-5"),),
        ),
        "order": Order(
            drug="vancomycin", route="iv", regimen=ORDERED, running=True, source="MedicationRequest/draft-1"
        ),
        "doses": tuple(
            Dose(
                time=NOW - hours * HOUR,
                amount_mg=1000,
                route="iv",
                duration_h=2,
                source=f"MedicationAdministration/given-{number}",
            )
            for number, hours in enumerate((35, 23, 11), 1)
        ),
        "levels": (
            Level(time=NOW - 7.5 * HOUR, value_mg_L=34.1, source="Observation/level-1"),
            Level(time=NOW - 3 * HOUR, value_mg_L=28.0, charted_as="trough", source="Observation/level-2"),
        ),
    }
    return Case.model_validate(values | changes)


def option(role: str, regimen: Regimen, auc: float, inside: float, above: float) -> RegimenOption:
    """One option whose trough is a thirtieth of its AUC24."""
    return RegimenOption.model_validate(
        {
            "role": role,
            "regimen": regimen,
            "first_dose_at": NOW + 1 * HOUR,
            "exposures": (
                Exposure(metric="auc24", estimate=_around(auc)),
                Exposure(metric="trough", estimate=_around(auc / 30)),
            ),
            "first_day": _around(auc * 1.1),
            "inside": _chance(inside),
            "above": _chance(above),
            "below": _chance(max(0.0, 1 - inside - above)),
            "expected_loss": 0.1,
        }
    )


def _around(median: float) -> Estimate:
    return Estimate(low=median * 0.82, median=median, high=median * 1.21)


def _chance(value: float) -> Chance:
    return Chance(value=value, standard_error=0.01)


def curve(role: str, regimen: Regimen, clearance: float = 0.066) -> Curve:
    """One compartment with given doses before now and the regimen after it; hourly, 36 h to each side."""
    given = [NOW + h * HOUR for h in (-35, -23, -11)]
    coming = [NOW + (1 + i * regimen.interval_h) * HOUR for i in range(int(47 / regimen.interval_h) + 1)]
    doses = [(t, 1000.0) for t in given] + [(t, regimen.dose_mg) for t in coming]

    def at(time: datetime, rate: float) -> float:
        hours = [((time - start) / HOUR, amount) for start, amount in doses if start <= time]
        return sum(amount / 52 * min(age / 2, 1) * math.exp(-rate * max(age - 1, 0)) for age, amount in hours)

    points = []
    for step in range(-72, 97):
        time = NOW + step * 0.5 * HOUR
        wide = 0.1 + 0.12 * max(step, 0) / 96
        median = at(time, clearance)
        points.append(
            CurvePoint(
                time=time,
                low=median * (1 - wide),
                median=median,
                high=median * (1 + wide),
                population=at(time, clearance * 1.6),
            )
        )
    return Curve.model_validate(
        {"role": role, "points": points, "dose_times": [t for t, _ in doses if t <= NOW + 48 * HOUR]}
    )


def change(**changes: object) -> Recommendation:
    """Another dose fits better: two levels show slow clearance."""
    values: dict[str, object] = {
        "outcome": "recommend",
        "drug": "vancomycin",
        "display": VANCOMYCIN,
        "reason": "The order as written is likely to give too much: clearance is slower than expected.",
        "target": Target(
            metric="auc24", low=400, high=600, source="ASHP/IDSA/PIDS/SIDP 2020", note="MIC assumed to be 1"
        ),
        "options": (
            option("as_ordered", ORDERED, 652, 0.27, 0.71),
            option("recommended", ADVISED, 489, 0.84, 0.08),
            option("alternative", OTHER, 326, 0.06, 0.0),
        ),
        "parameters": (
            ParameterEstimate(
                name="clearance",
                unit="L/h",
                typical=4.5,
                estimate=Estimate(low=2.4, median=2.9, high=3.5),
                learned=0.81,
            ),
            ParameterEstimate(
                name="central volume",
                unit="L",
                typical=58.4,
                estimate=Estimate(low=38, median=52, high=70),
                learned=0.34,
            ),
        ),
        "levels": (
            LevelReview(
                time=NOW - 7.5 * HOUR,
                observed=34.1,
                expected=Estimate(low=14, median=29, high=47),
                hours_after_dose=3.6,
                plausible=True,
                used=True,
                source="Observation/level-1",
            ),
            LevelReview(
                time=NOW - 3 * HOUR,
                observed=28.0,
                expected=Estimate(low=22, median=27, high=33),
                hours_after_dose=8.1,
                plausible=True,
                used=True,
                note="charted as a trough, drawn 4 h before the next dose",
                source="Observation/level-2",
            ),
        ),
        "curves": (
            curve("as_ordered", ORDERED),
            curve("recommended", ADVISED),
            curve("alternative", OTHER),
        ),
        "next_level": NextLevel(
            time=NOW + 36 * HOUR,
            latest=NOW + 37 * HOUR,
            reason="Before the fourth dose; sooner if creatinine rises by half.",
        ),
        "why": (
            "The two levels put clearance at 2.9 L/h (2.4–3.5), 35 % below what is expected.",
            "Creatinine is stable at 0.9 mg/dL, so it does not explain the difference.",
        ),
        "used": (
            UsedFact(name="Age", value="67 years", source="Patient"),
            UsedFact(name="Weight", value="81 kg", time=NOW - 86 * HOUR, source="Observation/weight-1"),
            UsedFact(
                name="Creatinine",
                value="0.9 mg/dL",
                time=NOW - 3 * HOUR,
                source="Observation/creatinine-5",
            ),
            UsedFact(name="Given doses", value="3", time=NOW - 11 * HOUR),
            UsedFact(name="Levels", value="2", time=NOW - 3 * HOUR),
        ),
        "missing": (Finding(kind="missing", about="height", detail="no height on record"),),
        "requests": ("height",),
        "warnings": ("Above 600 mg·h/L kidney injury becomes more frequent.",),
        "assumptions": (
            Assumption(
                text="The MIC is 1 mg/L or less.",
                otherwise="At 2 mg/L no tolerable dose reaches the target.",
            ),
            Assumption(
                text="Creatinine stays as it is.",
                otherwise="At 1.7 mg/dL the dose would be",
                regimen_otherwise=Regimen(dose_mg=500, interval_h=12, route="iv", duration_h=1),
            ),
        ),
        "models": (
            ModelUse(
                id="goti2018",
                name="Goti 2018",
                weight=1.0,
                confidence="high",
                population="adults in hospital, haemodialysis included",
                inside_population=True,
                reference="Goti V et al. Ther Drug Monit 2018;40:212–221",
                url="https://doi.org/10.1097/FTD.0000000000000490",
                notes=("Creatinine clearance after Cockcroft–Gault, capped at 150 mL/min",),
            ),
        ),
        "references": (
            Reference(
                text="Rybak MJ et al. Am J Health Syst Pharm 2020;77:835–864",
                url="https://doi.org/10.1093/ajhp/zxaa036",
            ),
        ),
        "diagnostics": Diagnostics(
            method="adaptive importance sampling",
            particles=3584,
            effective_sample_size=2210.4,
            k_hat=0.21,
            modes=1,
        ),
        "engine": ENGINE,
    }
    return Recommendation.model_validate(values | changes)


def without_weight() -> Recommendation:
    """No dose: the weight is missing."""
    return Recommendation(
        outcome="insufficient",
        drug="vancomycin",
        display=VANCOMYCIN,
        reason="Dose and interval cannot be individualised without a weight.",
        missing=(Finding(kind="missing", about="weight", detail="no weight on record"),),
        requests=("weight",),
        used=(UsedFact(name="Creatinine", value="0.9 mg/dL", time=NOW - 3 * HOUR),),
        engine=ENGINE,
    )
