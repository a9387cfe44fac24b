"""Who must not be dosed here, what is missing, what is odd: the questions before any number is computed.

Nothing is guessed. A required fact that is absent, stale, contradictory or unreachable stops the answer
and is named; a dose or level that cannot be used is left out and named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from dosing_core import phrases
from dosing_core.case import Case, CovariateName, Dose, Finding, Level, Measurement, Route
from dosing_core.library.schema import DrugFile
from dosing_core.physiology.renal import CreatinineTrend, creatinine_trend
from dosing_core.regimens.infusion import standard_duration

Request = Literal["creatinine", "weight", "height", "haematocrit", "level"]
ORDER_OF_REQUESTS: tuple[Request, ...] = ("creatinine", "weight", "height", "haematocrit", "level")
BASIS = ("doses", "levels", "conditions", "order")
"""What must have been readable, whatever the drug: without it nobody knows what the patient had or is."""

GAPS = ("excluded", "conflict")
"""Findings about doses that leave a gap in the history: something was given, nobody knows how much."""


@dataclass(frozen=True)
class Screening:
    """What the questions before the numbers found."""

    route: Route
    doses: tuple[Dose, ...]
    """Past doses that reach the blood, infusion lengths filled in."""
    levels: tuple[Level, ...]
    """Levels that can be held against a prediction."""
    trend: CreatinineTrend
    outcome: Literal["insufficient", "out_of_scope"] | None = None
    """None: go on."""
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    """The case's findings that matter here, and new ones."""
    requests: tuple[Request, ...] = ()
    red_flags: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()

    @property
    def paused(self) -> bool:
        """True if a red flag forbids to optimise a dose."""
        return bool(self.red_flags)


def screen(case: Case, drug_file: DrugFile) -> Screening:
    """Ask all questions; the first that stops the answer gives the reason."""
    route = case.order.regimen.route if case.order.regimen else case.order.route or drug_file.main_route
    doses, dose_findings, dose_assumptions = _usable_doses(case, drug_file)
    levels, level_findings = _usable_levels(case, drug_file, doses)
    trend = creatinine_trend(case.subject.creatinine, case.now)
    red_flags, warnings = _creatinine_moves(case, drug_file, trend)
    kept = tuple(finding for finding in case.findings if _matters(finding, drug_file))
    result = Screening(
        route=route,
        doses=doses,
        levels=levels,
        trend=trend,
        findings=(*kept, *dose_findings, *level_findings),
        red_flags=red_flags,
        warnings=warnings,
        assumptions=dose_assumptions,
    )
    reason = _out_of_scope(case, drug_file, route)
    if reason:
        return replace(result, outcome="out_of_scope", reason=reason)
    missing = tuple(_missing(case, drug_file, result))
    if missing:
        known = {(finding.kind, finding.about) for finding in result.findings}
        new = tuple(finding for finding in missing if (finding.kind, finding.about) not in known)
        requests = tuple(name for name in ORDER_OF_REQUESTS if any(f.about == name for f in missing))
        return replace(
            result,
            outcome="insufficient",
            reason=_insufficient(drug_file, missing),
            findings=(*result.findings, *new),
            requests=requests,
        )
    return result


def _out_of_scope(case: Case, drug_file: DrugFile, route: Route) -> str:
    """Why no model of this file may speak for this patient or order; empty if one may."""
    rule = drug_file.route(route)
    name = phrases.capital(drug_file.display.drug_name)
    if rule is None:
        return f"{name} {phrases.ROUTE_WORDS[route]} is not covered here."
    if not rule.supported:
        return rule.reason
    conditions = {condition.name for condition in case.subject.conditions}
    for exclusion in drug_file.exclusions:
        if exclusion.condition in conditions:
            return exclusion.reason
    age = case.subject.age_years
    if age is not None and age < drug_file.youngest_age.value:
        return (
            f"{name} below {phrases.plain(drug_file.youngest_age.value)} years is outside every model here."
        )
    return ""


def _missing(case: Case, drug_file: DrugFile, found: Screening) -> Iterator[Finding]:
    """Each fact without which there is no dose, and what is wrong with it."""
    subject, findings = case.subject, found.findings
    for name in BASIS:
        yield from (f for f in findings if f.kind == "unreachable" and f.about == name)
    if subject.age_years is None:
        yield _said(findings, "age") or Finding(kind="missing", about="age", detail="no age on record")
    if subject.sex is None:
        yield _said(findings, "sex") or Finding(
            kind="missing",
            about="sex",
            detail="no sex on record, which the equations for body and kidneys take",
        )
    for rule in drug_file.freshness:
        if rule.required:
            problem = _covariate_problem(case, rule.name, rule.max_age.value, findings)
            if problem:
                yield problem
    required = drug_file.required_condition
    if required and required not in {condition.name for condition in subject.conditions}:
        yield Finding(
            kind="missing",
            about="conditions",
            detail=f"no {required.replace('_', ' ')} on record, and the model here holds only after one",
        )
    if found.levels:  # held against a history with a gap, they would tell of somebody else
        yield from (f for f in case.findings if f.about == "doses" and f.kind in GAPS)
    for dose in case.doses:
        past_rule = drug_file.route(dose.route)
        if dose.time <= case.now and (past_rule is None or past_rule.past_doses == "block"):
            yield Finding(
                kind="excluded",
                about="doses",
                detail=f"doses on record were {phrases.ROUTE_WORDS[dose.route]}, which no model here covers",
                source=dose.source,
            )
            return


def _covariate_problem(
    case: Case, name: CovariateName, max_age_h: float, findings: tuple[Finding, ...]
) -> Finding | None:
    """What is wrong with a required covariate; None if a fresh, undisputed value is there."""
    conflict = next((f for f in findings if f.about == name and f.kind == "conflict"), None)
    if conflict:
        return conflict
    latest = latest_measurement(getattr(case.subject, name), case.now)
    if latest is None:
        words = phrases.COVARIATE_WORDS[name]
        return _said(findings, name) or Finding(kind="missing", about=name, detail=f"no {words} on record")
    hours = phrases.hours_between(latest.time, case.now)
    if hours > max_age_h:
        return Finding(
            kind="excluded", about=name, detail=phrases.too_old(name, hours, max_age_h), source=latest.source
        )
    return None


def latest_measurement(series: tuple[Measurement, ...], now: datetime) -> Measurement | None:
    """The last value that was measured up to now."""
    known = [measurement for measurement in series if measurement.time <= now]
    return known[-1] if known else None


def _said(findings: tuple[Finding, ...], about: str) -> Finding | None:
    """What the record's reader already said about a fact; the gravest first."""
    order = ("conflict", "unreachable", "excluded", "missing")
    said = [f for f in findings if f.about == about and f.kind in order]
    return min(said, key=lambda f: order.index(f.kind), default=None)


def _insufficient(drug_file: DrugFile, missing: tuple[Finding, ...]) -> str:
    name = phrases.capital(drug_file.display.drug_name)
    details = []
    for finding in missing:
        if finding.detail not in details:
            details.append(finding.detail)
    return f"{name} is not individualised: {'; '.join(details)}."


def _matters(finding: Finding, drug_file: DrugFile) -> bool:
    """Whether a finding of the record's reader touches this answer: facts that the drug does not use are left
    out, unless they say something about doses, levels, the order or the person."""
    quantities = {covariate.quantity for covariate in drug_file.model.covariates.values()}
    used = {"doses", "levels", "order", "age", "sex", "conditions"}
    used |= {rule.name for rule in drug_file.freshness}
    used |= {name for name in ("weight", "height", "creatinine", "haematocrit") if name in quantities}
    if drug_file.loading:
        used.add("height")
    if "cyp3a5_expresser" in quantities:
        used.add("genotypes")
    if "prednisolone_daily_dose" in quantities:
        used.add("co_medications")
    return finding.about in used


def _usable_doses(
    case: Case, drug_file: DrugFile
) -> tuple[tuple[Dose, ...], tuple[Finding, ...], tuple[str, ...]]:
    """Past doses that count, what was left out, and what was assumed of those that count."""
    kept: list[Dose] = []
    findings: list[Finding] = []
    without_length = 0
    future = ignored = intended = 0
    for dose in case.doses:
        rule = drug_file.route(dose.route)
        if dose.time > case.now:
            future += dose.status == "administered"
        elif rule is not None and rule.past_doses == "count":
            if drug_file.infusion and dose.route == "iv" and dose.duration_h == 0:
                length = standard_duration(dose.amount_mg, drug_file.infusion)
                dose = dose.model_copy(update={"duration_h": length})
                without_length += 1
            intended += dose.status == "ordered"
            kept.append(dose)
        elif rule is not None and rule.past_doses == "ignore":
            ignored += 1
    if future:
        findings.append(
            Finding(
                kind="excluded",
                about="doses",
                detail=f"{_count(future, 'dose')} charted as given in the future",
            )
        )
    if ignored:
        findings.append(
            Finding(
                kind="note",
                about="doses",
                detail=f"{_count(ignored, 'dose')} by a route that does not reach the blood: not counted",
            )
        )
    assumptions = []
    if without_length:
        assumptions.append(
            f"{phrases.capital(_count(without_length, 'dose'))} on record without a length of infusion: "
            "the usual one is taken."
        )
    if intended:
        assumptions.append(
            f"{phrases.capital(_count(intended, 'dose'))} ordered but not charted as given: taken as given."
        )
    return tuple(kept), tuple(findings), tuple(assumptions)


def _usable_levels(
    case: Case, drug_file: DrugFile, doses: tuple[Dose, ...]
) -> tuple[tuple[Level, ...], tuple[Finding, ...]]:
    """Levels that follow a dose on record, and why the others do not count."""
    first = min((dose.time for dose in doses), default=None)
    kept: list[Level] = []
    findings: list[Finding] = []
    for level in case.levels:
        value = phrases.measured(level.value_mg_L, drug_file.as_display)
        hours = phrases.hours_between(level.time, case.now)
        if hours < 0:
            why = f"level of {value} charted {phrases.age(-hours)} in the future: not used"
        elif hours > drug_file.levels.oldest.value:
            why = f"level of {value} is {phrases.age(hours)} old: not used"
        elif first is None:
            why = f"level of {value}, but no dose before it is on record: not used"
        elif level.time <= first:
            before = phrases.age(phrases.hours_between(level.time, first))
            why = f"level of {value} was drawn {before} before the first dose on record: not used"
        elif kept and (kept[-1].time, kept[-1].value_mg_L) == (level.time, level.value_mg_L):
            why = f"level of {value} is on record twice: used once"
        else:
            kept.append(level)
            continue
        findings.append(Finding(kind="excluded", about="levels", detail=why, source=level.source))
    most = int(drug_file.levels.most.value)
    if len(kept) > most:
        why = f"{_count(len(kept) - most, 'older level')} not used: the last {most} say enough"
        findings.append(Finding(kind="excluded", about="levels", detail=why))
    return tuple(kept[-most:]), tuple(findings)


def _creatinine_moves(
    case: Case, drug_file: DrugFile, trend: CreatinineTrend
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Red flags and warnings about a creatinine that is not steady."""
    rule = drug_file.rising_creatinine
    if rule is None:
        return (), ()
    if trend.direction == "rising" and trend.earlier and trend.later:
        series = [m for m in case.subject.creatinine if trend.earlier.time <= m.time <= trend.later.time]
        text = phrases.sentences((phrases.rising_creatinine(series, case.now), rule.text))
        return ((text,), ()) if rule.action == "pause" else ((), (text,))
    if trend.direction == "falling" and rule.action == "pause":
        return (), (
            "Creatinine is falling, so the kidneys may clear more than the newest value says: "
            "a level tells soonest.",
        )
    return (), ()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
