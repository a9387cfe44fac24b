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
from dosing_core.case import Case, CovariateName, Dose, Finding, Level, Measurement, Regimen, Route
from dosing_core.charted import ReadLevels, usable_doses, usable_levels
from dosing_core.facts import BY_NAME, LEVEL, words_of
from dosing_core.library.schema import DrugFile
from dosing_core.physiology.creatinine_trend import CreatinineTrend, creatinine_trend
from dosing_core.population.readings import read_now
from dosing_core.population.unknowns import facts_read
from dosing_core.regimens.limits import RENAL

ORDER_OF_REQUESTS = (*BY_NAME, LEVEL)
BASIS = ("doses", "levels", "conditions", "order")
"""What must have been readable, whatever the drug: without it nobody knows what the patient had or is."""

GAPS = ("excluded", "conflict")
"""Findings about doses that leave a gap in the history: something was given, nobody knows how much."""
UNREAD = (*GAPS, "unreachable")
"""Findings that leave something on record unread."""
MOST_DETAILS = 3
"""Reasons that one sentence names; a long history holds the same one many times."""


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
    requests: tuple[str, ...] = ()
    red_flags: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    """Doses and levels of this treatment that could not be used, old ones and repeats aside."""

    level_too_soon: bool = False
    """True if a level was left out because it was drawn too soon after a dose."""
    level_flags: tuple[str, ...] = ()
    """Those of the red flags that hold whether or not a model may speak."""
    stale: tuple[str, ...] = ()
    """Measured facts that no dose needs and that are too old to be used: as good as unknown."""

    @property
    def doses_in_doubt(self) -> Finding | None:
        """Why it is not known what the patient was given; None if it is."""
        return next((f for f in self.findings if f.about == "doses" and f.kind in UNREAD), None)

    @property
    def order_unread(self) -> Finding | None:
        """Why the order's dose could not be read; None if it was, or if none is written."""
        return next((f for f in self.findings if f.about == "order" and f.kind in UNREAD), None)

    @property
    def paused(self) -> bool:
        """True if a red flag forbids to optimise a dose."""
        return bool(self.red_flags)


def screen(case: Case, drug_file: DrugFile) -> Screening:
    """Ask all questions; the first that stops the answer gives the reason."""
    route = case.order.regimen.route if case.order.regimen else case.order.route or drug_file.main_route
    doses, dose_findings, dose_assumptions = usable_doses(case, drug_file)
    read = usable_levels(case, drug_file, doses)
    trend = creatinine_trend(case.subject.creatinine, case.now)
    level_flags = tuple(_beyond_the_assay(read.above, drug_file))
    red_flags, warnings = _creatinine_moves(case, drug_file, trend)
    kept = tuple(finding for finding in case.findings if _matters(finding, drug_file))
    unread = (f for f in (*kept, *dose_findings) if f.about in ("doses", "levels") and f.kind in UNREAD)
    missing_doses = (f for f in kept if f.about == "doses" and f.kind == "missing")
    stale = tuple(_stale(case, drug_file))
    result = Screening(
        route=route,
        doses=doses,
        levels=read.kept,
        trend=trend,
        findings=(*kept, *dose_findings, *read.findings, *stale),
        stale=tuple(finding.about for finding in stale),
        red_flags=(*level_flags, *red_flags),
        level_flags=level_flags,
        level_too_soon=read.too_soon,
        warnings=warnings,
        assumptions=dose_assumptions,
        left_out=tuple(dict.fromkeys([*(f.detail for f in (*unread, *missing_doses)), *read.lost])),
    )
    reason = _out_of_scope(case, drug_file, route)
    if reason:
        return replace(result, outcome="out_of_scope", reason=reason)
    missing = tuple(_missing(case, drug_file, result, read))
    if missing:
        known = {(finding.kind, finding.about) for finding in result.findings}
        new = tuple(finding for finding in missing if (finding.kind, finding.about) not in known)
        wanted = {f.about for f in missing} | ({"level"} if read.above else set())
        requests = tuple(name for name in ORDER_OF_REQUESTS if name in wanted)
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
    ordered = case.order.regimen
    if drug_file.infusion and route == "iv" and (case.order.kind == "continuous" or _without_pause(ordered)):
        return drug_file.infusion.continuous
    conditions = {condition.name for condition in case.subject.conditions}
    for exclusion in drug_file.exclusions:
        if exclusion.condition in conditions:
            return exclusion.reason
    age = case.subject.age_years
    if age is not None and age < drug_file.youngest_age.value:
        return (
            f"{name} below {phrases.plain(drug_file.youngest_age.value)} years is outside every model here."
        )
    return drug_file.refused_at(age) or _kidneys_too_slow(case, drug_file)


def _kidneys_too_slow(case: Case, drug_file: DrugFile) -> str:
    """Why nothing holds for kidneys as slow as these; empty if something does, or if nobody knows."""
    rule = drug_file.least_clearance
    if rule is None:
        return ""
    clearance = read_now(RENAL, case)
    if clearance is None or clearance.value >= rule.below.value:
        return ""
    return phrases.sentences((f"Creatinine clearance is {clearance.text}.", rule.reason))


def _without_pause(ordered: Regimen | None) -> bool:
    """True if the infusion lasts until the next one begins."""
    return ordered is not None and not ordered.once and ordered.duration_h >= ordered.interval_h


def _missing(case: Case, drug_file: DrugFile, found: Screening, read: ReadLevels) -> Iterator[Finding]:
    """Each fact without which there is no dose, and what is wrong with it."""
    subject, findings = case.subject, found.findings
    for name in BASIS:
        yield from (f for f in findings if f.kind == "unreachable" and f.about == name)
    if read.above is not None:
        value = phrases.measured(read.above.value_mg_L, drug_file.as_display)
        detail = f"a level is above {value}, and nobody knows by how much"
        yield Finding(kind="excluded", about="levels", detail=detail, source=read.above.source)
    if case.order.kind not in drug_file.orders:  # another regimen would be no answer to it
        words = {"as_needed": "to be given as needed", "single": "for a single dose"}
        detail = f"the order is {words.get(case.order.kind, 'not one repeating dose')}"
        yield found.order_unread or Finding(kind="excluded", about="order", detail=detail)
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
    if drug_file.exclusions:  # a doubt about a condition may be a doubt about one that rules every model out
        yield from (f for f in findings if f.about == "conditions" and f.kind == "conflict")
    required = drug_file.required_condition
    if required and required not in {condition.name for condition in subject.conditions}:
        yield Finding(
            kind="missing",
            about="conditions",
            detail=f"no {required.replace('_', ' ')} on record, and the model here holds only after one",
        )
    if read.on_record:  # held against a history with a gap, they would tell of somebody else
        yield from (f for f in findings if f.about == "doses" and f.kind in GAPS)
    if drug_file.started_slowly and not case.doses and not _gap_in_doses(findings):
        detail = f"no dose of it is on record, and a treatment is begun slowly: {drug_file.started_slowly}"
        yield Finding(kind="missing", about="doses", detail=detail)
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


def _gap_in_doses(findings: tuple[Finding, ...]) -> bool:
    """True if something was given and could not be read."""
    return any(f.about == "doses" and f.kind in UNREAD for f in findings)


def _covariate_problem(
    case: Case, name: CovariateName, max_age_h: float, findings: tuple[Finding, ...]
) -> Finding | None:
    """What is wrong with a required covariate; None if a fresh, undisputed value is there."""
    conflict = next((f for f in findings if f.about == name and f.kind == "conflict"), None)
    if conflict:
        return conflict
    latest = latest_measurement(getattr(case.subject, name), case.now)
    if latest is None:
        words = words_of(name)
        return _said(findings, name) or Finding(kind="missing", about=name, detail=f"no {words} on record")
    hours = phrases.hours_between(latest.time, case.now)
    if hours > max_age_h:
        return Finding(
            kind="excluded", about=name, detail=phrases.too_old(name, hours, max_age_h), source=latest.source
        )
    return None


def _stale(case: Case, drug_file: DrugFile) -> Iterator[Finding]:
    """Facts that no dose needs and that are older than the file allows."""
    for rule in drug_file.freshness:
        latest = None if rule.required else latest_measurement(case.subject.timeline(rule.name), case.now)
        if latest is not None:
            hours = phrases.hours_between(latest.time, case.now)
            if hours > rule.max_age.value:
                detail = f"{phrases.too_old(rule.name, hours, rule.max_age.value)}: not used"
                yield Finding(kind="excluded", about=rule.name, detail=detail, source=latest.source)


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
    if len(details) > MOST_DETAILS:
        details[MOST_DETAILS - 1 :] = [f"{len(details) - MOST_DETAILS + 1} more such facts"]
    return f"{name} is not individualised: {'; '.join(details)}."


def _matters(finding: Finding, drug_file: DrugFile) -> bool:
    """Whether a finding of the record's reader touches this answer: facts that the drug does not use are left
    out, unless they say something about doses, levels, the order or the person."""
    covariates = [one for model, _ in drug_file.asked for one in model.covariates.values()]
    covariates += [one for rule in drug_file.rules for one in rule.covariates.values()]
    used = {"doses", "levels", "effects", "order", "age", "sex", "conditions", "reactions"}
    if any(rule.metric == "time_above_mic" or rule.per_mic != "no" for rule in drug_file.targets):
        used.add("mic")
    absent = finding.kind == "missing"  # what no dose needs is not missed, unless a model would read it
    used |= {rule.name for rule in drug_file.freshness if rule.required or not absent}
    used |= {fact for one in covariates for fact in facts_read(one)}
    if drug_file.loading:
        used.add("height")
    if any(rule.genes for rule in drug_file.rules):
        used.add("genotypes")
    return finding.about in used


def _beyond_the_assay(level: Level | None, drug_file: DrugFile) -> Iterator[str]:
    """The red flag of a level that is higher than the assay can tell."""
    if level is not None:
        value = phrases.measured(level.value_mg_L, drug_file.as_display)
        yield (
            f"Level above {value}, the top of the assay's range: hold the next dose, repeat the level and "
            "ask for a dilution."
        )


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
