"""What of the charted doses and levels counts, and why the rest does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dosing_core import phrases
from dosing_core.case import Case, Dose, DoseStatus, Finding, Level
from dosing_core.library.schema import DrugFile
from dosing_core.regimens.infusion import standard_duration

LEAST_SHARE = 0.1
"""A charted dose below this share of the smallest step is a slip of the unit. Project policy: nothing that
small is made up or stocked."""


@dataclass(frozen=True)
class ReadLevels:
    """What became of the levels on record."""

    kept: tuple[Level, ...]
    """Those that can be held against a prediction."""
    findings: tuple[Finding, ...]
    """Why the others do not count."""
    lost: tuple[str, ...]
    """Of these, what would have counted if it could be read."""
    above: Level | None
    """The last level beyond the assay's range that no later level has answered."""
    on_record: bool
    """True if there is a recent level, whether or not it can be used."""
    too_soon: bool = False
    """True if a recent level was left out because it was drawn too soon after a dose."""


STAND_INS: dict[DoseStatus, str] = {"dispensed": "", "ordered": "", "reported": " as taken"}
"""What a dose is called that nobody charted as given."""


def usable_doses(
    case: Case, drug_file: DrugFile
) -> tuple[tuple[Dose, ...], tuple[Finding, ...], tuple[str, ...]]:
    """Past doses that count, what was left out, and what was assumed of those that count."""
    kept: list[Dose] = []
    findings: list[Finding] = []
    unlikely: list[Dose] = []
    without_length = 0
    future = ignored = 0
    instead: Counter[DoseStatus] = Counter()
    for dose in case.doses:
        rule = drug_file.route(dose.route)
        if dose.time > case.now:
            future += dose.status == "administered"
        elif rule is not None and rule.past_doses == "count" and _beyond_belief(dose, drug_file):
            unlikely.append(dose)
        elif rule is not None and rule.past_doses == "count":
            if drug_file.infusion and dose.route == "iv" and dose.duration_h == 0:
                length = standard_duration(dose.amount_mg, drug_file.infusion)
                dose = dose.model_copy(update={"duration_h": length})
                without_length += 1
            instead[dose.status] += 1
            kept.append(dose)
        elif rule is not None and rule.past_doses == "ignore":
            ignored += 1
    findings += _unlikely(unlikely, drug_file)
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
    assumptions += (
        f"{phrases.capital(_count(instead[status], 'dose'))} {status}{said} but not charted as given: "
        "taken as given."
        for status, said in STAND_INS.items()
        if instead[status]
    )
    return tuple(kept), tuple(findings), tuple(assumptions)


def _beyond_belief(dose: Dose, drug_file: DrugFile) -> bool:
    """True if no such dose is ever given: a slip of the unit or the decimal point is likelier."""
    least = LEAST_SHARE * drug_file.dosing.increment.value
    return not least <= dose.amount_mg <= drug_file.limits.single.value


def _unlikely(doses: Sequence[Dose], drug_file: DrugFile) -> Iterator[Finding]:
    """What is wrong with doses that nobody gives, one finding an amount."""
    amounts = Counter(dose.amount_mg for dose in doses)
    for amount, count in amounts.items():
        most, least = drug_file.limits.single.value, drug_file.dosing.increment.value
        why = (
            f"above the highest single dose of {phrases.dose(most, drug_file.display)}"
            if amount > most
            else f"far below the smallest step of {phrases.dose(least, drug_file.display)}"
        )
        charted = "a dose of {} is charted" if count == 1 else f"{count} doses of {{}} are charted"
        source = next(dose.source for dose in doses if dose.amount_mg == amount)
        detail = f"{charted.format(phrases.dose(amount, drug_file.display))}, {why}; check amount and unit"
        yield Finding(kind="conflict", about="doses", detail=detail, source=source)


def usable_levels(case: Case, drug_file: DrugFile, doses: tuple[Dose, ...]) -> ReadLevels:
    """Levels that follow a dose on record, and why the others do not count."""
    first = min((dose.time for dose in doses), default=None)
    kept: list[Level] = []
    findings: list[Finding] = []
    lost: list[str] = []
    above: Level | None = None
    recent = 0
    too_soon = False
    for level in case.levels:
        value = phrases.measured(level.value_mg_L, drug_file.as_display)
        hours = phrases.hours_between(level.time, case.now)
        counts = 0 <= hours <= drug_file.levels.oldest.value
        recent += counts
        if counts and level.limit != "below":
            above = level if level.limit == "above" else None
        if hours < 0:
            why = f"level of {value} charted {phrases.age(-hours)} in the future: not used"
        elif not counts:
            why = f"level of {value} is {phrases.age(hours)} old: not used"
        elif level.limit == "above":
            why = f"level above {value}, the top of the assay's range: not a value, not used"
        elif first is None:
            why = f"level of {value}, but no dose before it is on record: not used"
        elif level.time <= first:
            before = phrases.age(phrases.hours_between(level.time, first))
            why = f"level of {value} was drawn {before} before the first dose on record: not used"
        elif (soon := _too_soon(level, doses, drug_file)) is not None:
            since, least = map(phrases.age, soon)
            why = f"level of {value} was drawn {since} after a dose, sooner than {least}: not used"
            too_soon = too_soon or counts
        elif kept and (kept[-1].time, kept[-1].value_mg_L) == (level.time, level.value_mg_L):
            why = f"level of {value} is on record twice: used once"
            counts = False
        else:
            kept.append(level)
            if level.limit == "below":
                text = f"level below {value}, the bottom of the assay's range: used as that, not as a value"
                findings.append(Finding(kind="note", about="levels", detail=text, source=level.source))
            continue
        findings.append(Finding(kind="excluded", about="levels", detail=why, source=level.source))
        if counts or hours < 0:
            lost.append(why)
    most = int(drug_file.levels.most.value)
    if len(kept) > most:
        why = f"{_count(len(kept) - most, 'older level')} not used: the last {most} say enough"
        findings.append(Finding(kind="excluded", about="levels", detail=why))
    return ReadLevels(tuple(kept[-most:]), tuple(findings), tuple(lost), above, recent > 0, too_soon)


def _too_soon(level: Level, doses: Sequence[Dose], drug_file: DrugFile) -> tuple[float, float] | None:
    """h since the last dose and the least that they must be, where the drug was still spreading."""
    rule = drug_file.levels.earliest_after_dose
    before = [dose.time for dose in doses if dose.time <= level.time]
    if rule is None or not before:
        return None
    since = phrases.hours_between(max(before), level.time)
    return (since, rule.value) if since < rule.value else None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
