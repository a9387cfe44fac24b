"""What a rule reads: covariates, genes, the treatment so far and the aim, each with its source.

Nothing is filled in. A gene that was not tested is never taken for normal: it stays open, with every result
that it might have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from dosing_core import phrases
from dosing_core.case import Case, Dose, EffectMeasurement, Goal, Level
from dosing_core.genetics.known import known_genes
from dosing_core.library.rules import DosingRule, GeneInput, MeasuredInput
from dosing_core.library.schema import DrugFile
from dosing_core.library.targets import TargetRule
from dosing_core.population import covariates as timeline
from dosing_core.population import states
from dosing_core.population.quantity import QUANTITIES, words_of_quantity
from dosing_core.population.readings import read_now
from dosing_core.population.unknowns import resolved
from dosing_core.recommendation import Assumption, Display, UsedFact


@dataclass(frozen=True)
class Open:
    """A gene of which nothing usable is known."""

    name: str
    gene: str
    why: str
    untested: bool
    """False if there is a result that leaves it open."""
    alternatives: tuple[tuple[str, float], ...]
    """Results that lead to different numbers: ``Poor Metabolizer``."""


@dataclass(frozen=True)
class AimTaken:
    """The exposure aimed at, in the unit that the rule reads."""

    value: float
    low: float
    high: float
    unit: str
    set_for_patient: bool
    source: str

    @property
    def words(self) -> str:
        """``5 mg·min/mL``."""
        return f"{phrases.plain(round(self.value, 3))} {self.unit}"


@dataclass(frozen=True)
class RuleFacts:
    """A rule's inputs for one case."""

    values: dict[str, float]
    open: tuple[Open, ...]
    missing: tuple[str, ...]
    """Facts of the patient that are not on record: ``weight``, ``anti_muellerian_hormone``."""
    unmeasured: tuple[str, ...]
    """What of the treatment was not measured, in words."""
    used: tuple[UsedFact, ...]
    working: tuple[str, ...]
    aim: AimTaken | None
    assumptions: tuple[Assumption, ...] = ()
    """What the rule's file supposes of facts that are not known."""

    def ways(self) -> Iterator[tuple[tuple[str, ...], dict[str, float]]]:
        """Every way in which the open genes may stand, with what it supposes; one way where none is open."""
        for way in product(*(one.alternatives for one in self.open)):
            supposed = tuple(f"{one.gene} {label}" for one, (label, _) in zip(self.open, way, strict=True))
            extra = {one.name: value for one, (_, value) in zip(self.open, way, strict=True)}
            yield supposed, {**self.values, **extra}


def rule_facts(rule: DosingRule, case: Case, drug_file: DrugFile) -> RuleFacts:
    """Read everything that the rule asks for."""
    values: dict[str, float] = {}
    missing: list[str] = []
    used: list[UsedFact] = []
    working: list[str] = []
    opened: list[Open] = []
    assumptions: list[Assumption] = []
    supposed = resolved(rule, case)
    for name, covariate in rule.covariates.items():
        if name in supposed:
            found = supposed[name]
            used += found.used
            if len(found.alternatives) == 1:
                values[name] = found.alternatives[0].value
                assumptions += found.assumptions
            else:
                words = states.words(covariate)
                ways = tuple((one.label, one.value) for one in found.alternatives)
                opened.append(Open(name, words, f"{words} is not known", False, ways))
            continue
        facts = timeline.needed_facts(covariate)
        lacking = [fact for fact in facts if not timeline.is_known(fact, case)]
        reading = None if lacking else read_now(covariate, case)
        if covariate.quantity == "time_since_first_dose" and case.order.running and not case.doses:
            missing.append("dose of the running treatment")  # as a start, it would be started again
            continue
        if reading is None:
            missing += [timeline.fact_of(fact) for fact in lacking] or [states.lacking(covariate, case)]
            continue
        values[name] = reading.value
        used += timeline.measured_facts(facts, case.subject, case.now)
        row = QUANTITIES[str(covariate.quantity)]
        if row.kind == "state":
            if reading.value:
                used.append(UsedFact(name=states.words(covariate), value=reading.text))
        elif row.shown or covariate.maximum is not None:
            words = words_of_quantity(str(covariate.quantity))
            used.append(UsedFact(name=words, value=reading.text))
            working.append(f"{words} {reading.text}")
    for name, gene in rule.genes.items():
        tested = _gene(name, gene, case, used)
        if isinstance(tested, Open):
            opened.append(tested)
        else:
            values[name] = tested
    unmeasured: list[str] = []
    for name, one in rule.measured.items():
        value, said = _measured(one, case, drug_file.as_display, used)
        if value is None:
            unmeasured.append(said)
        else:
            values[name] = value
    aim = _aim(rule, case, drug_file)
    if aim is not None:
        values["aim"] = aim.value
    return RuleFacts(
        values=values,
        open=tuple(opened),
        missing=tuple(dict.fromkeys(missing)),
        unmeasured=tuple(dict.fromkeys(unmeasured)),
        used=tuple(dict.fromkeys(used)),
        working=tuple(dict.fromkeys(working)),
        aim=aim,
        assumptions=tuple(assumptions),
    )


def _gene(name: str, asked: GeneInput, case: Case, used: list[UsedFact]) -> float | Open:
    """The number for the result on record, or what it may be."""
    known = known_genes(case.subject).of(asked.gene)
    if known is None:
        why = f"{asked.gene} has not been tested, as far as the record says"
        return Open(name, asked.gene, why, True, _distinct(asked, asked.values))
    matching = [key for key in asked.values if key in known.result.keys]
    if len({asked.values[key] for key in matching}) == 1:
        score = f", activity {known.result.activity_score}" if known.result.activity_score else ""
        value = f"{known.said}{score}"
        used.append(UsedFact(name=asked.gene, value=value, time=known.time, source=known.source))
        return asked.values[matching[0]]
    why = f"{asked.gene} {known.said} leaves open what it does"
    return Open(name, asked.gene, why, False, _distinct(asked, matching or asked.values))


def _distinct(asked: GeneInput, labels: Iterable[str]) -> tuple[tuple[str, float], ...]:
    """One result for each number that the rule tells apart."""
    found: dict[float, str] = {}
    for label in labels:
        said = f"activity score {label}" if label[:1].isdigit() else label
        found.setdefault(asked.values[label], said)
    return tuple((label, value) for value, label in found.items())


def last_measured_dose(case: Case) -> tuple[Level, Dose] | None:
    """The newest level after the last dose that was given, and that dose; earlier levels tell of another."""
    given = [dose for dose in case.doses if dose.time <= case.now]
    if not given:
        return None
    after = [level for level in case.levels if given[-1].time < level.time <= case.now]
    return (after[-1], given[-1]) if after else None


def _measured(
    one: MeasuredInput, case: Case, display: Display, used: list[UsedFact]
) -> tuple[float | None, str]:
    """The value, or None and what is not there."""
    match one.fact:
        case "effect":
            return _effect(one, case, used)
        case "present_dose":
            given = [dose for dose in case.doses if dose.time <= case.now]
            return (given[-1].amount_mg, "") if given else (None, "no given dose on record")
        case "creatinine_ratio":
            return _creatinine_ratio(case, used)
    found = last_measured_dose(case)
    if found is None:
        return None, "no level after a dose on record"
    level, dose = found
    if one.max_age is not None and phrases.hours_between(level.time, case.now) > one.max_age.value:
        return None, f"the last level is more than {phrases.age(one.max_age.value)} old"
    if one.fact == "level" and level.limit != "exact":
        return None, f"the last level is {level.limit} the limit of its assay"
    match one.fact:
        case "level":
            since = phrases.hours_between(dose.time, level.time)
            drawn = f"{phrases.plain(round(since, 1))} h after the start of a dose"
            value = f"{phrases.measured(level.value_mg_L, display)}, {drawn}"
            used.append(UsedFact(name="level", value=value, time=level.time, source=level.source))
            return level.value_mg_L, ""
        case "level_after_start":
            return phrases.hours_between(dose.time, level.time), ""
        case "level_infusion":
            return dose.duration_h, ""
    return dose.amount_mg, ""


def _effect(one: MeasuredInput, case: Case, used: list[UsedFact]) -> tuple[float | None, str]:
    name = one.says or one.output
    known: list[EffectMeasurement] = [e for e in case.effects if e.name == one.output and e.time <= case.now]
    if not known:
        return None, f"no {name} on record"
    last = known[-1]
    if one.max_age is not None and phrases.hours_between(last.time, case.now) > one.max_age.value:
        return None, f"the last {name} is more than {phrases.age(one.max_age.value)} old"
    value = f"{phrases.plain(last.value)} {one.unit}"
    used.append(UsedFact(name=name, value=value, time=last.time, source=last.source))
    return last.value, ""


def _creatinine_ratio(case: Case, used: list[UsedFact]) -> tuple[float | None, str]:
    """The newest creatinine over the last one before the measured dose."""
    found = last_measured_dose(case)
    if found is None:
        return None, "no level after a dose on record"
    _, dose = found
    series = [one for one in case.subject.creatinine if one.time <= case.now]
    before = [one for one in series if one.time <= dose.time]
    after = [one for one in series if one.time > dose.time]
    if not before or not after:
        return None, "no creatinine before and after the last dose on record"
    last, first = after[-1], before[-1]
    value = (
        f"{phrases.plain(round(last.value, 2))} mg/dL, {phrases.plain(round(first.value, 2))} before the dose"
    )
    used.append(UsedFact(name="creatinine", value=value, time=last.time, source=last.source))
    return last.value / first.value, ""


def _aim(rule: DosingRule, case: Case, drug_file: DrugFile) -> AimTaken | None:
    aim = rule.aim
    if aim is None:
        return None
    target: TargetRule = next(one for one in drug_file.targets if one.id == aim.target)
    goal: Goal | None = case.goal
    if goal is not None and goal.metric == target.metric:
        low, high = goal.low * aim.factor, goal.high * aim.factor
        return AimTaken((low + high) / 2.0, low, high, aim.unit, True, goal.source)
    low, high = target.range.low * aim.factor, target.range.high * aim.factor
    return AimTaken(aim.usual.value, low, high, aim.unit, False, target.range.source)
