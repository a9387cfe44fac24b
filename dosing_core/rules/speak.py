"""One rule asked about one case: what follows, the dose as stocked, or why it has nothing to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dosing_core import phrases
from dosing_core.case import Case, Regimen
from dosing_core.errors import InvalidExpression
from dosing_core.facts import words_of
from dosing_core.library.rules import DosingRule, Outcome
from dosing_core.library.schema import DrugFile
from dosing_core.population.applies import beyond_limits, beyond_validity
from dosing_core.population.readings import read_now
from dosing_core.recommendation import RuleDose, RuleUse
from dosing_core.regimens.limits import RENAL, PatientLimits, patient_limits
from dosing_core.regimens.timing import timing
from dosing_core.rules.facts import RuleFacts, rule_facts
from dosing_core.rules.practical import Practical, Schedule, practical
from dosing_core.screening import Screening, latest_measurement

NOT_DOSED = Practical(None)


@dataclass(frozen=True)
class Dosed:
    """An outcome with its dose."""

    outcome: Outcome
    supposing: tuple[str, ...]
    """What had to be supposed of open genes for it; empty if nothing."""
    exact_mg: float | None = None
    low_mg: float | None = None
    high_mg: float | None = None
    practical: Practical = NOT_DOSED
    text: str = ""
    """What it means and what to do, with its values."""

    @property
    def regimen(self) -> Regimen | None:
        """The dose as stocked."""
        return self.practical.regimen

    @property
    def key(self) -> tuple[str, float | None]:
        """What tells it from another."""
        return self.outcome.id, self.regimen.dose_mg if self.regimen else self.exact_mg


@dataclass(frozen=True)
class Spoken:
    """What a rule said of a case."""

    rule: DosingRule
    facts: RuleFacts
    outside: tuple[str, ...]
    ways: tuple[Dosed, ...] = ()
    """One; several, all different, where an open gene decides. Empty: silent."""
    silent: str = ""
    kind: Literal["", "missing", "unmeasured", "beyond", "nothing", "low"] = ""
    """Why it is silent."""

    @property
    def settled(self) -> Dosed | None:
        """What follows, if it does not hang on an open gene."""
        return self.ways[0] if len(self.ways) == 1 else None


def ask(rule: DosingRule, case: Case, drug_file: DrugFile, limits: PatientLimits, allow_low: bool) -> Spoken:
    """Ask one rule. ``case``: with the usable doses and levels only."""
    facts = rule_facts(rule, case, drug_file)
    beyond = beyond_validity(rule, case)
    outside = (*beyond, *beyond_limits(rule, case, "observed"))
    if rule.confidence == "low" and not allow_low:
        said = "its confidence is low, and this hospital has not allowed it"
        return Spoken(rule, facts, outside, silent=said, kind="low")
    if facts.missing:
        said = f"no {' and no '.join(words_of(fact) for fact in facts.missing)} on record"
        return Spoken(rule, facts, outside, silent=said, kind="missing")
    if beyond:
        return Spoken(rule, facts, outside, silent="; ".join(beyond), kind="beyond")
    if facts.unmeasured:
        return Spoken(rule, facts, outside, silent="; ".join(facts.unmeasured), kind="unmeasured")
    found: dict[tuple[str, float | None], Dosed] = {}
    nothing = False
    try:
        for supposing, values in facts.ways():
            one = _dosed(rule, facts, supposing, values, case, drug_file, limits)
            nothing = nothing or one is None
            if one is not None:
                found.setdefault(one.key, one)
    except (InvalidExpression, ValueError, ArithmeticError):
        said = "it gives no usable number for this patient"
        return Spoken(rule, facts, outside, silent=said, kind="nothing")
    if found and nothing:  # what a gene may be is no reason to speak of it as if it were
        return Spoken(rule, facts, outside, silent="; ".join(one.why for one in facts.open), kind="nothing")
    if not found:
        return Spoken(rule, facts, outside, silent="it says nothing of such a patient", kind="nothing")
    return Spoken(rule, facts, outside, ways=tuple(found.values()))


def _dosed(
    rule: DosingRule,
    facts: RuleFacts,
    supposing: tuple[str, ...],
    values: dict[str, float],
    case: Case,
    drug_file: DrugFile,
    limits: PatientLimits,
) -> Dosed | None:
    followed = rule.follows(values)
    if followed is None:
        return None
    outcome, numbers = followed
    text = rule.said(outcome, rule.values(values))
    if outcome.action != "dose":
        return Dosed(outcome, supposing, text=text)
    exact = numbers["dose"]
    low, high = numbers.get("least"), numbers.get("most")
    if low is None and facts.aim is not None:
        low, high = (exact * end / facts.aim.value for end in (facts.aim.low, facts.aim.high))
    schedule = schedule_of(outcome, case, drug_file)
    return Dosed(outcome, supposing, exact, low, high, practical(exact, schedule, drug_file, limits), text)


def schedule_of(outcome: Outcome, case: Case, drug_file: DrugFile) -> Schedule:
    """The interval and length of the outcome, else of the order, else of the drug file."""
    ordered = case.order.regimen
    route = ordered.route if ordered else case.order.route or drug_file.main_route
    interval: float | None
    if outcome.interval is not None:
        interval = outcome.interval.value
    elif ordered is not None:
        interval = None if ordered.once else ordered.interval_h
    else:
        interval = None if "single" in drug_file.orders else drug_file.dosing.intervals_h[0]
    duration = outcome.duration.value if outcome.duration else None
    if duration is None and ordered is not None and ordered.duration_h > 0.0:
        duration = ordered.duration_h
    return Schedule(interval, route, duration)


def limits_of(case: Case, drug_file: DrugFile, screening: Screening) -> PatientLimits:
    """The drug file's limits for this patient; by weight only where one is known."""
    weight = latest_measurement(case.subject.weight, case.now)
    when = timing(case, screening.doses, drug_file.dosing.intervals_h)
    clearance = read_now(RENAL, case)
    return patient_limits(
        drug_file,
        weight.value if weight else float("inf"),
        when.present.daily_dose_mg if when.present else None,
        clearance.value if clearance else None,
    )


def use(spoken: Spoken, spoke: bool, drug_file: DrugFile) -> RuleUse:
    """What the answer tells of a rule."""
    rule, one = spoken.rule, spoken.settled
    reference = rule.reference
    working = (*spoken.facts.working, *(one.practical.because if one else ()))
    return RuleUse(
        id=rule.id,
        name=rule.name,
        spoke=spoke,
        confidence=rule.confidence,
        population=rule.population.description,
        inside_population=not spoken.outside,
        because=spoken.outside,
        silent=spoken.silent,
        outcome=one.outcome.action if one else "",
        says=one.text if one else "; ".join(_way(dosed, drug_file) for dosed in spoken.ways),
        regimen=one.regimen if one else None,
        dose=rule_dose(spoken, one, one.regimen) if one and one.regimen else None,
        working=working,
        reference=reference.citation,
        url=f"https://doi.org/{reference.doi}" if reference.doi else "",
        notes=rule.notes,
    )


def _way(dosed: Dosed, drug_file: DrugFile) -> str:
    supposed = " and ".join(dosed.supposing)
    return f"if {supposed}: {what(dosed, drug_file)}"


def what(dosed: Dosed, drug_file: DrugFile) -> str:
    """The dose or the text of an outcome, inside a sentence."""
    if dosed.regimen is None:
        text = dosed.text.rstrip(".")
        return f"{text[:1].lower()}{text[1:]}" if text[1:2].islower() else text
    return phrases.regimen(dosed.regimen, drug_file.as_display)


def rule_dose(spoken: Spoken, dosed: Dosed, regimen: Regimen, inside: bool | None = None) -> RuleDose:
    """What the rule says of this regimen: its own, or the order as written."""
    aim, exposure = spoken.facts.aim, None
    if aim is not None and dosed.exact_mg and spoken.rule.aim is not None:
        exposure = aim.value * regimen.dose_mg / dosed.exact_mg / spoken.rule.aim.factor
    return RuleDose(
        rule=spoken.rule.id,
        exact_mg=_six(dosed.exact_mg),
        low_mg=_six(dosed.low_mg),
        high_mg=_six(dosed.high_mg),
        exposure=_six(exposure),
        inside=inside,
    )


def _six(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
