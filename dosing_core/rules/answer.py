"""The answer where a published rule speaks: the same shape as any other, without chances.

The order stands unless it lies outside what the rule allows, or breaks a limit. A rule that says hold or
avoid is heard whatever else could be answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from dosing_core import explain, phrases
from dosing_core.case import Case, Finding, Regimen
from dosing_core.library.schema import DrugFile
from dosing_core.recommendation import (
    Assumption,
    BrokenLimit,
    Gain,
    NextLevel,
    Outcome,
    Recommendation,
    RegimenOption,
    RuleUse,
    Target,
)
from dosing_core.refusal import for_want_of, refusal
from dosing_core.regimens.limits import PatientLimits, broken
from dosing_core.rules.otherwise import otherwise
from dosing_core.rules.patient import for_patient
from dosing_core.rules.speak import Dosed, Spoken, ask, limits_of, rule_dose, use, what
from dosing_core.sampling import HOUR
from dosing_core.screening import Screening

ALARMS = ("hold", "avoid")


@dataclass(frozen=True)
class Asked:
    """Every rule of the file, asked about one case."""

    case: Case
    """With the usable doses and levels only."""
    drug_file: DrugFile
    screening: Screening
    limits: PatientLimits
    spoken: tuple[Spoken, ...]
    allow_low: bool

    @cached_property
    def leader(self) -> Spoken | None:
        """The first rule that has something to say."""
        return next((one for one in self.spoken if one.ways), None)

    @property
    def alarm(self) -> bool:
        """True if the first word is to hold or to avoid, from facts that are not in doubt."""
        said = self.leader.settled if self.leader else None
        return said is not None and said.outcome.action in ALARMS and not self.screening.doses_in_doubt

    @property
    def leads(self) -> bool:
        """True if the rules are to be heard before any model."""
        file = self.drug_file
        if not file.models:
            return True
        if self.leader is None or file.leading == "models":
            return False
        return file.leading == "rules" or not (self.case.levels or self.case.effects)

    def uses(self, leading: bool) -> tuple[RuleUse, ...]:
        """What each rule said; ``leading``: whether the answer follows the first that spoke."""
        return tuple(use(one, leading and one is self.leader, self.drug_file) for one in self.spoken)


def ask_all(case: Case, drug_file: DrugFile, screening: Screening, allow_low: bool) -> Asked | None:
    """Ask the file's rules; None if it has none. ``allow_low``: the hospital lets low confidence speak."""
    if not drug_file.rules:
        return None
    limits = limits_of(case, drug_file, screening)
    spoken = tuple(ask(rule, case, drug_file, limits, allow_low) for rule in drug_file.rules)
    return Asked(case, drug_file, screening, limits, spoken, allow_low)


def rule_answer(asked: Asked) -> Recommendation:
    """The answer of the first rule that speaks; ``engine`` and the models are still to be filled in."""
    leader = asked.leader
    if leader is None:
        return _nobody_speaks(asked)
    dosed = leader.settled
    if dosed is None:
        return _open(asked, leader)
    if dosed.outcome.action != "dose":
        return _without_dose(asked, leader, dosed)
    if asked.screening.paused:
        text = f"{_name(asked)} is not individualised while creatinine rises."
        answer = refusal(asked.case, asked.drug_file, asked.screening, "insufficient", text)
        return answer.model_copy(update={"speaks": "rules", "rules": asked.uses(True)})
    if dosed.regimen is None:
        text = f"{_name(asked)} is not individualised: no stocked dose is inside the limits for this patient."
        answer = refusal(asked.case, asked.drug_file, asked.screening, "insufficient", text)
        return answer.model_copy(update={"speaks": "rules", "rules": asked.uses(True)})
    return _dose(asked, leader, dosed, dosed.regimen)


def _name(asked: Asked) -> str:
    return phrases.capital(asked.drug_file.display.drug_name)


def _nobody_speaks(asked: Asked) -> Recommendation:
    """What is missing, or why no rule is for this patient."""
    file, spoken = asked.drug_file, asked.spoken
    wanting = next((one for one in spoken if one.kind == "missing"), None)
    if wanting is not None:
        answer = for_want_of(asked.case, file, asked.screening, wanting.facts.missing)
    else:
        order = ("beyond", "low", "unmeasured", "nothing")
        first = min(spoken, key=lambda one: order.index(one.kind) if one.kind in order else len(order))
        if first.kind == "beyond":
            text = f"{_name(asked)} is outside the rule here: {first.silent}."
            answer = refusal(asked.case, file, asked.screening, "out_of_scope", text)
        else:
            text = f"{_name(asked)} is not individualised: of {first.rule.name}, {first.silent}."
            answer = refusal(asked.case, file, asked.screening, "insufficient", text)
    return answer.model_copy(update={"speaks": "rules", "rules": asked.uses(True)})


def _open(asked: Asked, leader: Spoken) -> Recommendation:
    """A gene decides and is not known: what each result would call for, and no dose."""
    genes = list(dict.fromkeys(one.gene for one in leader.facts.open))
    why = tuple(dict.fromkeys(one.why for one in leader.facts.open))
    untested = [one.gene for one in leader.facts.open if one.untested]
    said = [one.why for one in leader.facts.open if not one.untested]
    if untested:
        verb = "has" if len(untested) == 1 else "have"
        said.insert(0, f"{phrases.listed(untested)} {verb} not been tested, as far as the record says")
    text = f"{_name(asked)} is not individualised: {'; '.join(said)}. The dose depends on it."
    known = {finding.detail for finding in asked.screening.findings}
    findings = tuple(
        Finding(kind="missing", about="genotypes", detail=detail) for detail in why if detail not in known
    )
    answer = refusal(
        asked.case, asked.drug_file, asked.screening, "insufficient", text,
        (*asked.screening.findings, *findings), (),
    )  # fmt: skip
    ways = [_if(dosed, asked.drug_file) for dosed in leader.ways]
    test = f"A test of {phrases.listed(genes)} decides between {len(ways)} ways to start; none is assumed."
    gain = Gain(
        about="genotypes",
        text=f"{test} {phrases.capital('; '.join(ways))}.",
        regimens=tuple(dosed.regimen for dosed in leader.ways if dosed.regimen is not None),
    )
    return answer.model_copy(
        update={
            "speaks": "rules",
            "rules": asked.uses(True),
            "why": (test, *(f"{phrases.capital(way)}." for way in ways), *answer.why),
            "used": leader.facts.used,
            "gains": (gain,),
            "warnings": (*answer.warnings, *_confidence(leader)),
            "for_patient": for_patient(asked, leader, "insufficient", None),
        }
    )


def _if(dosed: Dosed, drug_file: DrugFile) -> str:
    return f"if {' and '.join(dosed.supposing)}: {what(dosed, drug_file)}"


def _without_dose(asked: Asked, leader: Spoken, dosed: Dosed) -> Recommendation:
    """Hold, avoid, or something that must be known first."""
    outcome: Outcome = "avoid" if dosed.outcome.action == "avoid" else "insufficient"
    answer = refusal(asked.case, asked.drug_file, asked.screening, "insufficient", dosed.text)
    hold = dosed.text if dosed.outcome.action == "hold" else ""
    why = tuple(_sentence(text) for text in leader.facts.working)
    return answer.model_copy(
        update={
            "outcome": outcome,
            "speaks": "rules",
            "rules": asked.uses(True),
            "hold": hold,
            "why": why,
            "used": leader.facts.used,
            "next_level": _recheck(asked, dosed),
            "warnings": (*answer.warnings, *dosed.outcome.advice, *_confidence(leader)),
            "for_patient": for_patient(asked, leader, outcome, None),
        }
    )


def _dose(asked: Asked, leader: Spoken, dosed: Dosed, regimen: Regimen) -> Recommendation:
    """The dose of the rule held against the order."""
    case, file, ordered = asked.case, asked.drug_file, asked.case.order.regimen
    limits = broken(ordered, asked.limits, file) if ordered else ()
    stands = ordered is not None and not limits and order_stands(ordered, dosed, file)
    outcome: Outcome = "agree" if stands else "recommend"
    options = tuple(_options(asked, leader, dosed, regimen, stands, limits))
    answered = ordered if stands and ordered is not None else regimen
    supposed = (*asked.screening.assumptions, *file.assumptions)
    return Recommendation(
        outcome=outcome,
        drug=file.drug,
        display=file.as_display,
        reason=_reason(asked, leader, dosed, regimen, stands, limits),
        target=_target(asked, leader),
        broken_limits=limits,
        options=options,
        next_level=_recheck(asked, dosed),
        why=tuple(_why(asked, leader, dosed)),
        used=leader.facts.used,
        missing=asked.screening.findings,
        left_out=asked.screening.left_out,
        warnings=(
            *explain.about_the_order(limits),
            *asked.screening.warnings,
            *(f"Unlike the people of {leader.rule.name}: {text}." for text in leader.outside),
            *dosed.outcome.advice,
            *_confidence(leader),
        ),
        assumptions=(
            *leader.facts.assumptions,
            *otherwise(leader, case, file, asked.limits, answered, asked.allow_low),
            *(Assumption(text=text) for text in supposed),
        ),
        speaks="rules",
        rules=asked.uses(True),
        references=explain.references(file),
        for_patient=for_patient(asked, leader, outcome, answered),
        engine="",
    )


def order_stands(ordered: Regimen, dosed: Dosed, drug_file: DrugFile) -> bool:
    """True if the order is inside the rule's range, or near enough to its one dose, day for day."""
    same = drug_file.judgement.same_dose.value
    rule = dosed.regimen
    if rule is None:
        return False
    day = 24.0 / rule.interval_h
    limited = bool(dosed.practical.because)
    exact = rule.dose_mg if limited or dosed.exact_mg is None else dosed.exact_mg
    doses = [exact, rule.dose_mg]
    low = min(doses) if dosed.low_mg is None else min(dosed.low_mg, rule.dose_mg)
    high = max(doses) if dosed.high_mg is None else max(dosed.high_mg, rule.dose_mg)
    if limited:
        high = rule.dose_mg
    return low * day * (1.0 - same) <= ordered.daily_dose_mg <= high * day * (1.0 + same)


def _options(
    asked: Asked,
    leader: Spoken,
    dosed: Dosed,
    regimen: Regimen,
    stands: bool,
    limits: tuple[BrokenLimit, ...],
) -> Iterator[RegimenOption]:
    ordered = asked.case.order.regimen
    when = max(asked.case.now, asked.case.order.start or asked.case.now)
    if ordered is not None:
        yield RegimenOption(
            role="as_ordered",
            regimen=ordered,
            first_dose_at=when,
            exposures=(),
            by_rule=rule_dose(leader, dosed, ordered, inside=stands),
            notes=tuple(one.text for one in limits),
        )
    if not stands:
        notes = tuple(_sentence(text) for text in dosed.practical.because)
        yield RegimenOption(
            role="recommended",
            regimen=regimen,
            first_dose_at=when,
            exposures=(),
            by_rule=rule_dose(leader, dosed, regimen, inside=True),
            notes=notes,
        )
    for other in asked.spoken:
        said = other.settled
        if other is not leader and said is not None and said.regimen not in (None, regimen, ordered):
            assert said.regimen is not None  # noqa: S101 - looked at in the line above
            yield RegimenOption(
                role="alternative",
                regimen=said.regimen,
                first_dose_at=when,
                exposures=(),
                by_rule=rule_dose(other, said, said.regimen, inside=True),
                notes=(f"By {other.rule.name}.",),
            )


def _target(asked: Asked, leader: Spoken) -> Target | None:
    """The exposure that the rule aims at, in the metric's own unit."""
    aim, rule = leader.facts.aim, leader.rule.aim
    if aim is None or rule is None:
        return None
    target = next(one for one in asked.drug_file.targets if one.id == rule.target)
    return Target(
        metric=target.metric,
        low=float(f"{aim.low / rule.factor:.6g}"),
        high=float(f"{aim.high / rule.factor:.6g}"),
        source=aim.source,
        note=target.note,
        course_h=target.course.value if target.course else None,
    )


def _reason(
    asked: Asked,
    leader: Spoken,
    dosed: Dosed,
    regimen: Regimen,
    stands: bool,
    limits: tuple[BrokenLimit, ...],
) -> str:
    rule = phrases.capital(leader.rule.name)
    display, ordered = asked.drug_file.as_display, asked.case.order.regimen
    given = phrases.regimen(regimen, display)
    aim = f" for {leader.facts.aim.words}" if leader.facts.aim else ""
    if limits:
        return f"The order as written exceeds a limit of the drug file. {rule} gives {given}{aim}."
    if ordered is None:
        return f"{rule} gives {given}{aim}."
    aimed = leader.facts.aim
    if stands and aimed is not None and ordered is not None:
        gives = aimed.value * ordered.dose_mg / (dosed.exact_mg or ordered.dose_mg)
        ends = f"{phrases.plain(round(aimed.low, 3))}–{phrases.plain(round(aimed.high, 3))} {aimed.unit}"
        said = f"By {rule} the order gives {phrases.figure(gives)} {aimed.unit}, inside {ends}"
        return f"{said}." if aimed.set_for_patient else f"{said}; no aim is on record."
    if stands and dosed.low_mg is not None:
        return f"The order is inside what {rule} allows; its own dose is {given}{aim}."
    if stands:
        return f"The order is the dose that {rule} gives{aim}."
    return f"{rule} gives {given}{aim}; the order is {_against(ordered, regimen)}."


TIMES = 1.95
"""From here on people say "twice as much" and not "95 % above it". Project policy."""


def _against(ordered: Regimen, advised: Regimen) -> str:
    """The order's daily dose beside the advised one: ``38 % above it``, ``9 times as much``."""
    ratio = ordered.daily_dose_mg / advised.daily_dose_mg
    if ratio >= TIMES:
        return f"{phrases.figure(ratio) if ratio < 10 else round(ratio)} times as much"
    return f"{phrases.percent(abs(ratio - 1.0))} {'above' if ratio > 1.0 else 'below'} it"


def _why(asked: Asked, leader: Spoken, dosed: Dosed) -> Iterator[str]:
    display = asked.drug_file.as_display
    yield dosed.text
    yield from (_sentence(text) for text in (*leader.facts.working, *dosed.practical.because))
    if dosed.low_mg is not None and dosed.high_mg is not None:
        low, high = (phrases.dose(float(f"{end:.3g}"), display) for end in (dosed.low_mg, dosed.high_mg))
        yield f"Its range for this patient is {low} to {high} a dose."
    for other in asked.spoken:
        said = other.settled
        if other is not leader and said is not None and said.regimen is not None:
            yield f"{other.rule.name} would give {phrases.regimen(said.regimen, display)}."
    yield "A rule knows no chances: how people differ from it is not in the answer."


def _confidence(leader: Spoken) -> tuple[str, ...]:
    if leader.rule.confidence == "low":
        return (f"{leader.rule.name} is of low confidence; this hospital has allowed it.",)
    return ()


def _recheck(asked: Asked, dosed: Dosed) -> NextLevel | None:
    due = dosed.outcome.recheck
    if due is None:
        return None
    return NextLevel(time=asked.case.now + due.value * HOUR, reason=dosed.outcome.recheck_what)


def _sentence(text: str) -> str:
    return f"{phrases.capital(text.strip().rstrip('.'))}."
