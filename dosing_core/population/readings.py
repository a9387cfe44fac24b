"""How each quantity is read: one function a quantity, of a covariate and an instant of a case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dosing_core.case import Case, Sex
from dosing_core.physiology import body_size, renal, renal_children, renal_ekfc
from dosing_core.population import states
from dosing_core.population.covariate import Covariate
from dosing_core.population.covariates import (
    GROWN_YEARS,
    LOCF,
    TERM_WEEKS,
    is_known,
    needed_facts,
    value_at,
)
from dosing_core.population.daily_dose import daily_dose_at
from dosing_core.population.model import Interpolation
from dosing_core.population.quantity import QUANTITIES

DAYS_PER_YEAR = 365.25
DUBOIS = "dubois"
_SURFACES: dict[str, Callable[[float, float], float]] = {
    "dubois": body_size.body_surface_area_dubois,
    "mosteller": body_size.body_surface_area_mosteller,
    "haycock": body_size.body_surface_area_haycock,
}
_EQUATION_WORDS = {
    "ckd_epi_2021": "CKD-EPI 2021",
    "ckd_epi_2021_creatinine_cystatin_c": "CKD-EPI 2021 with cystatin C",
    "ckd_epi_2012_cystatin_c": "CKD-EPI 2012, cystatin C",
    "bedside_schwartz": "bedside Schwartz",
    "ckid_u25": "CKiD U25",
    "ekfc": "EKFC",
    "measured": "measured",
}


@dataclass(frozen=True)
class Reading:
    """One covariate at one instant, and the words that say how it came about."""

    value: float
    text: str


@dataclass(frozen=True)
class View:
    """One instant of a case."""

    case: Case
    time: datetime
    interpolation: Interpolation = LOCF

    def of(self, name: str) -> float:
        """A measured fact. Raises ``IndexError`` if it is not on record."""
        return value_at(self.case.subject.timeline(name), self.time, self.interpolation)

    @property
    def sex(self) -> Sex:
        """Raises ``ValueError`` if it is not on record."""
        if self.case.subject.sex is None:
            raise ValueError("no sex on record")
        return self.case.subject.sex

    @property
    def age_years(self) -> float:
        """As it is at ``now``. Raises ``ValueError`` if it is not on record."""
        if self.case.subject.age_years is None:
            raise ValueError("no age on record")
        return self.case.subject.age_years

    @property
    def postnatal_days(self) -> float:
        """Days since birth at this instant, not below 0."""
        return max(self.age_years * DAYS_PER_YEAR - (self.case.now - self.time) / timedelta(days=1), 0.0)

    def surface(self, covariate: Covariate) -> float:
        """Body surface, m²."""
        return _SURFACES[covariate.surface or DUBOIS](self.of("weight"), self.of("height"))


def read(covariate: Covariate, case: Case, time: datetime, interpolation: Interpolation = LOCF) -> Reading:
    """A covariate at ``time``, in its unit. All ``needed_facts`` must be known, and a state must be.

    Raises ``ValueError`` for a quantity that is not read instant by instant, for a state that is not known
    and for a person beyond an equation.
    """
    view = View(case, time, interpolation)
    if covariate.quantity is None:
        raise ValueError("only a dataset can give it")
    row = QUANTITIES[covariate.quantity]
    if row.kind == "measured":
        reading = _plain(view.of(covariate.quantity), covariate.unit)
    elif row.kind == "state":
        value = states.state_at(covariate, case, time)
        if value is None:
            raise ValueError(f"{states.words(covariate)} is not known")
        reading = _plain(value, covariate.unit)
    elif covariate.quantity in READERS:
        reading = READERS[covariate.quantity](covariate, view)
    else:
        raise ValueError(f"{covariate.quantity} is not read from a timeline")
    if covariate.maximum is not None and reading.value > covariate.maximum:
        return Reading(
            covariate.maximum, f"{reading.text}, counted as {covariate.maximum:g} {covariate.unit}"
        )
    return reading


def is_settled(covariate: Covariate, case: Case) -> bool:
    """True if the record says what the covariate is at ``now``; for what is resolved by rules of its own."""
    if covariate.quantity is None:
        return False
    if QUANTITIES[covariate.quantity].kind == "state":
        return states.state_at(covariate, case, case.now) is not None
    return all(is_known(fact, case) for fact in needed_facts(covariate))


def read_now(covariate: Covariate, case: Case) -> Reading | None:
    """The covariate as it stands at ``case.now``, or None if it is not known or not read from a timeline."""
    if not is_settled(covariate, case):
        return None
    try:
        return read(covariate, case, case.now)
    except (ValueError, ArithmeticError, IndexError):
        return None


def _plain(value: float, unit: str) -> Reading:
    return Reading(value, f"{round(value, 2):g} {unit}")


def _age(_: Covariate, view: View) -> Reading:
    return _plain(view.age_years, "years")


def _female(_: Covariate, view: View) -> Reading:
    return Reading(1.0 if view.sex == "female" else 0.0, view.sex)


def _male(_: Covariate, view: View) -> Reading:
    return Reading(1.0 if view.sex == "male" else 0.0, view.sex)


def _creatinine_clearance(covariate: Covariate, view: View) -> Reading:
    if covariate.weight is None:
        raise ValueError("a creatinine clearance needs to know which weight it takes")
    creatinine = view.of("creatinine")
    words = f"Cockcroft–Gault, {covariate.weight.value} body weight"
    floor = covariate.creatinine_floor
    if floor and view.age_years > floor.age_above_years and creatinine < floor.creatinine_mg_dL:
        words += (
            f", creatinine {round(creatinine, 2):g} counted as {floor.creatinine_mg_dL:g} mg/dL"
            f" above {floor.age_above_years:g} years as the model does"
        )
        creatinine = floor.creatinine_mg_dL
    if covariate.equation == "ckd_epi_2021":
        surface = view.surface(covariate)
        clearance = renal.absolute(renal.ckd_epi_2021(view.age_years, creatinine, view.sex), surface)
        return Reading(clearance, f"{clearance:.0f} mL/min (CKD-EPI 2021, at {surface:.2f} m2)")
    clearance = renal.cockcroft_gault(
        view.age_years,
        view.of("weight"),
        creatinine,
        view.sex,
        weight=covariate.weight,
        height_cm=view.of("height") if view.case.subject.timeline("height") else None,
    )
    return Reading(clearance, f"{clearance:.0f} mL/min ({words})")


def _indexed(covariate: Covariate, view: View) -> float:
    """Filtration by an estimating equation, mL/min/1.73 m²."""
    match covariate.equation:
        case "ckd_epi_2021":
            return renal.ckd_epi_2021(view.age_years, view.of("creatinine"), view.sex)
        case "ckd_epi_2021_creatinine_cystatin_c":
            return renal.ckd_epi_2021_creatinine_cystatin(
                view.age_years, view.of("creatinine"), view.of("cystatin_c"), view.sex
            )
        case "ckd_epi_2012_cystatin_c":
            return renal.ckd_epi_2012_cystatin(view.age_years, view.of("cystatin_c"), view.sex)
        case "bedside_schwartz":
            return renal_children.bedside_schwartz(view.age_years, view.of("height"), view.of("creatinine"))
        case "ckid_u25":
            return renal_children.ckid_u25_creatinine(
                view.age_years, view.of("height"), view.of("creatinine"), view.sex
            )
        case "ekfc":
            return renal_ekfc.ekfc_creatinine(view.age_years, view.of("creatinine"), view.sex)
    raise ValueError(f"{covariate.equation} estimates no filtration")


def _egfr(covariate: Covariate, view: View) -> Reading:
    if covariate.equation == "measured":
        value = renal.indexed(view.of("measured_gfr"), view.surface(covariate))
    else:
        value = _indexed(covariate, view)
    return Reading(value, f"{value:.0f} mL/min/1.73 m² ({_EQUATION_WORDS[str(covariate.equation)]})")


def _glomerular_filtration(covariate: Covariate, view: View) -> Reading:
    words = _EQUATION_WORDS[str(covariate.equation)]
    if covariate.equation == "measured":
        value = view.of("measured_gfr")
    else:
        surface = view.surface(covariate)
        value = renal.absolute(_indexed(covariate, view), surface)
        words += f", at {surface:.2f} m2"
    return Reading(value, f"{value:.0f} mL/min ({words})")


def _body_mass_index(_: Covariate, view: View) -> Reading:
    index = body_size.body_mass_index(view.of("weight"), view.of("height"))
    return Reading(index, f"{index:.1f} kg/m2")


def _body_surface_area(covariate: Covariate, view: View) -> Reading:
    surface = view.surface(covariate)
    return Reading(surface, f"{surface:.2f} m2 ({covariate.surface or DUBOIS})")


def _fat_free_mass(_: Covariate, view: View) -> Reading:
    mass = body_size.fat_free_mass(view.of("weight"), view.of("height"), view.sex)
    return Reading(mass, f"{mass:.1f} kg (Janmahasatian)")


def _lean_body_mass(_: Covariate, view: View) -> Reading:
    mass = body_size.lean_body_mass(view.of("weight"), view.of("height"), view.sex)
    return Reading(mass, f"{mass:.1f} kg (James)")


def _ideal_body_weight(_: Covariate, view: View) -> Reading:
    mass = body_size.ideal_body_weight(view.of("height"), view.sex)
    return Reading(mass, f"{mass:.1f} kg (Devine)")


def _adjusted_body_weight(_: Covariate, view: View) -> Reading:
    mass = body_size.adjusted_body_weight(view.of("weight"), view.of("height"), view.sex)
    return Reading(mass, f"{mass:.1f} kg (ideal plus 0.4 of what is above it)")


def _gestational_weeks(view: View) -> tuple[float, str]:
    weeks = view.case.subject.gestational_age_weeks
    if weeks is not None:
        return weeks, f"born at {weeks:.3g} weeks"
    if view.age_years > GROWN_YEARS:
        return TERM_WEEKS, f"taken to be born at {TERM_WEEKS:g} weeks"
    raise ValueError("no gestational age on record")


def _gestational_age(_: Covariate, view: View) -> Reading:
    weeks = view.case.subject.gestational_age_weeks
    if weeks is None:
        raise ValueError("no gestational age on record")
    return Reading(weeks, f"{weeks:.3g} weeks")


def _postnatal_age(_: Covariate, view: View) -> Reading:
    return Reading(view.postnatal_days, f"{view.postnatal_days:.0f} days")


def _postmenstrual_age(_: Covariate, view: View) -> Reading:
    gestation, words = _gestational_weeks(view)
    weeks = gestation + view.postnatal_days / 7.0
    return Reading(weeks, f"{weeks:.1f} weeks ({words})")


def _time_since_first_dose(_: Covariate, view: View) -> Reading:
    first = min((dose.time for dose in view.case.doses), default=view.case.now)
    hours = max((view.time - first) / timedelta(hours=1), 0.0)
    return Reading(hours, f"{hours:.0f} h")


def _daily_dose(covariate: Covariate, view: View) -> Reading:
    amount = daily_dose_at(view.case, view.time, as_given=covariate.as_given)
    if amount is None:
        raise ValueError("no daily dose on record")
    return Reading(amount, f"{amount:.3g} mg/day")


READERS: dict[str, Callable[[Covariate, View], Reading]] = {
    "age": _age,
    "female": _female,
    "male": _male,
    "creatinine_clearance": _creatinine_clearance,
    "egfr": _egfr,
    "glomerular_filtration": _glomerular_filtration,
    "body_mass_index": _body_mass_index,
    "body_surface_area": _body_surface_area,
    "fat_free_mass": _fat_free_mass,
    "lean_body_mass": _lean_body_mass,
    "ideal_body_weight": _ideal_body_weight,
    "adjusted_body_weight": _adjusted_body_weight,
    "gestational_age": _gestational_age,
    "postnatal_age": _postnatal_age,
    "postmenstrual_age": _postmenstrual_age,
    "time_since_first_dose": _time_since_first_dose,
    "daily_dose": _daily_dose,
}
