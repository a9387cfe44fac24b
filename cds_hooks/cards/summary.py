"""The first line: the drug, from → to, what it does to exposure, how sure. It decides in ten seconds."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cds_hooks.cards.escape import plain, shortened
from cds_hooks.cards.subject import CardSubject
from cds_hooks.protocol.response import SUMMARY_LENGTH
from cds_hooks.wording import minutes, percent, standing
from dosing_core.case import Regimen
from dosing_core.metric_words import name_of
from dosing_core.phrases import capital
from dosing_core.recommendation import RegimenOption, Target


def summary(subject: CardSubject) -> str:
    """The first line of a card, at most 139 characters, the most telling version that fits."""
    candidates = [plain(text) for text in _candidates(subject)]
    fitting = (text for text in candidates if len(text) <= SUMMARY_LENGTH)
    return next(fitting, shortened(candidates[-1], SUMMARY_LENGTH))


def _candidates(subject: CardSubject) -> Iterable[str]:
    """Versions of the first line, from the longest to the shortest."""
    recommendation = subject.recommendation
    if recommendation.outcome == "avoid":
        return _avoid(subject)
    if recommendation.broken_limits:
        return _broken_limit(subject)
    if recommendation.red_flags:
        return _red_flag(subject, recommendation.red_flags[0])
    if recommendation.hold:
        return _hold(subject)
    if subject.flagged_levels:
        return _flagged_level(subject)
    if subject.agrees_unseen:
        return _unseen(subject)
    if recommendation.changing and recommendation.outcome == "agree":
        return _changing(subject)
    match recommendation.outcome:
        case "recommend" | "agree" if _advised(subject):
            return _dose(subject)
        case "insufficient":
            return _reason(subject, "not individualised")
        case "out_of_scope":
            return _reason(subject, "outside every model here")
    return _reason(subject, recommendation.outcome)


def _avoid(subject: CardSubject) -> list[str]:
    """The reason, shorter by its exception and then by its explanation where it does not fit."""
    start = f"Avoid {subject.drug_name}: {_clause(subject.recommendation.reason)}"
    plainer = start.rpartition(", unless ")[0] or start
    head, colon, said = plainer.partition(": ")
    return [start, plainer, f"{head}{colon}{said.partition(': ')[0]}"]


def _reason(subject: CardSubject, verdict: str) -> list[str]:
    """The reason, under the drug's name if it does not name the drug itself."""
    reason, name = subject.recommendation.reason, subject.drug_name
    first = _first_sentence(reason)
    if name.lower() in first.lower():
        return [reason.rstrip(". "), first]
    return [f"{capital(name)} {verdict}: {_clause(text)}" for text in (reason, first)]


def _broken_limit(subject: CardSubject) -> list[str]:
    """The order and what is wrong with it, then what would be right."""
    recommendation, name = subject.recommendation, capital(subject.drug_name)
    ordered, limits = subject.case.order.regimen, recommendation.broken_limits
    assert ordered is not None  # noqa: S101 - a limit is broken by a dose that is written
    before = _regimen(subject, ordered)
    if any(limit.kind == "rate" for limit in limits):
        before += f", over {minutes(ordered.duration_h)}"
    start = f"{name} {before}: {_clause(limits[0].text)}"
    advised = recommendation.option("recommended")
    flags = [*recommendation.red_flags, *filter(None, [recommendation.hold])]
    if flags or advised is None:
        flag = [_clause(_first_sentence(text)) for text in flags[:1]]
        also = flag or (["not individualised"] if recommendation.outcome == "insufficient" else [])
        return ["; ".join([start, *also]), start]
    if _regimen(subject, ordered) == _regimen(subject, advised.regimen):
        after = f"over {minutes(advised.regimen.duration_h)}"
    else:
        after = _regimen(subject, advised.regimen)
    load = _load(subject, advised)
    return [
        f"{start} → {load}{after}{_about(subject, advised)}",
        f"{start} → {load}{after}",
        f"{start} → {after}",
        start,
    ]


def _red_flag(subject: CardSubject, flag: str) -> list[str]:
    """The flag, and to think again where it does not say itself what to do."""
    start = f"{capital(subject.drug_name)}: {_clause(_first_sentence(flag))}"
    if "hold" in start:
        return [start]
    return [f"{start}; re-evaluate before dosing", f"{start}; re-evaluate", start]


def _hold(subject: CardSubject) -> list[str]:
    """The next dose waits; the regimen that follows comes after that."""
    start = f"{capital(subject.drug_name)}: {_clause(subject.recommendation.hold)}"
    short = re.sub(r", the highest trough aimed at", "", start)
    advised = subject.recommendation.option("recommended")
    if subject.recommendation.outcome == "recommend" and advised is not None:
        then = f"; then {_regimen(subject, advised.regimen)}"
        return [f"{start}{then}", f"{short}{then}", short]
    return [start, short]


def _unseen(subject: CardSubject) -> list[str]:
    """What could not be used leads, where silence would say that all has been looked at."""
    name, left_out = capital(subject.drug_name), subject.recommendation.left_out
    more = f" and {len(left_out) - 1} more" if len(left_out) > 1 else ""
    regimen = subject.recommendation.option("as_ordered")
    said = _clause(left_out[0])
    start = f"{name} not fully checked: {said}{more}"
    judged = f"; {_regimen(subject, regimen.regimen)} judged without it" if regimen else ""
    return [f"{start}{judged}", start]


def _changing(subject: CardSubject) -> list[str]:
    """An order that can stand for now, although something beside it has not settled."""
    change = _clause(_first_sentence(subject.recommendation.changing[0]))
    start = f"{capital(subject.drug_name)}: {change}"
    level = _next_level(subject).removeprefix("; ")
    return [f"{start}; the dose can stand until then, {level}", f"{start}; {level}", start]


def _flagged_level(subject: CardSubject) -> list[str]:
    wording, level = subject.wording, subject.flagged_levels[0]
    unit = wording.concentration_unit
    start = f"{capital(subject.drug_name)} level {wording.measured(level.observed)} {unit}"
    expected = f"unlike what was expected ({wording.interval(level.expected)})"
    ask = "check unit, line, time"
    judged = not level.used and bool(subject.recommendation.options)
    without = ". Dose judged without it" if judged else ""
    return [f"{start}: {expected}; {ask}{without}", f"{start}: {expected}; {ask}", f"{start}: {ask}"]


def _advised(subject: CardSubject) -> RegimenOption | None:
    """What the line stands by. Where the order fits, that is its regimen, perhaps with a loading dose."""
    ordered = subject.recommendation.option("as_ordered")
    advised = subject.recommendation.option("recommended")
    if subject.recommendation.outcome == "recommend" or ordered is None:
        return advised
    return advised if advised is not None and advised.regimen == ordered.regimen else ordered


def _dose(subject: CardSubject) -> list[str]:
    recommendation = subject.recommendation
    ordered, advised = recommendation.option("as_ordered"), _advised(subject)
    assert advised is not None  # noqa: S101 - the caller has looked
    name = capital(subject.drug_name)
    load = _load(subject, advised)
    if ordered is None:
        start = f"{name}: {load}{_regimen(subject, advised.regimen)}"
        if unread := _unread_order(subject):
            start = f"{name}: {unread}; {load}{_regimen(subject, advised.regimen)} would fit"
            return [*_versions(subject, start, _about(subject, advised), ""), start, f"{name}: {unread}"]
        return _versions(subject, start, _about(subject, advised), _next_level(subject))
    if advised is ordered or subject.already_ordered:
        start = f"{name} {_regimen(subject, advised.regimen)} {_verdict(subject, advised)}"
        return _versions(subject, start, _about(subject, advised), _next_level(subject))
    if ordered.regimen == advised.regimen and advised.loading_dose_mg is not None:
        verdict = f"{_verdict(subject, advised)}; load {_loading(subject, advised)} first"
        start = f"{name} {_regimen(subject, advised.regimen)} {verdict}"
        return _versions(subject, start, _about(subject, advised), _next_level(subject))
    before, after = _regimen(subject, ordered.regimen), _regimen(subject, advised.regimen)
    if before == after:  # only the length of the infusion differs
        before = f"{before}, over {minutes(ordered.regimen.duration_h)}"
        after = f"over {minutes(advised.regimen.duration_h)}"
    start = f"{name} {before} → {load}{after}"
    return _change(subject, start, ordered, advised)


def _unread_order(subject: CardSubject) -> str:
    """Why the order's dose could not be read; empty if it was, or if none is written."""
    kinds = ("excluded", "conflict")
    missing = subject.recommendation.missing
    return next((_clause(one.detail) for one in missing if one.about == "order" and one.kind in kinds), "")


def _verdict(subject: CardSubject, option: RegimenOption) -> str:
    return standing(subject.recommendation, option)


def _change(subject: CardSubject, start: str, ordered: RegimenOption, advised: RegimenOption) -> list[str]:
    target = subject.recommendation.target
    if advised.by_rule is not None:
        return _rule_versions(subject, start, advised)
    if target is None or advised.inside is None or ordered.inside is None:
        return [start]
    before, after = _median(subject, ordered, target), _median(subject, advised, target)
    wording = subject.wording
    exposure = f"{_metric(target)} {before} → {after}"
    chance = f"{percent(advised.inside)} chance of {_bounds(subject, target)}"
    now = f" (now {percent(ordered.inside)})"
    unit = f" {wording.unit(target.metric, target)}".rstrip()
    return [
        f"{start}: {exposure}{unit}, {chance}{now}",
        f"{start}: {exposure}, {chance}{now}",
        f"{start}: {exposure}, {chance}",
        f"{start}: {_metric(target)} {after}, {percent(advised.inside)} on target",
    ]


def _rule_versions(subject: CardSubject, start: str, option: RegimenOption) -> list[str]:
    """Which rule, for what exposure, and what was counted otherwise than measured."""
    rule = next((one for one in subject.recommendation.rules if one.spoke), None)
    if rule is None:
        return [start]
    meant = subject.wording.by_rule(subject.recommendation, option)
    by = f"{start}: by {rule.name}" + (f" for {meant}" if meant else "")
    counted = [text for text in rule.working if "counted as" in text or "held to" in text]
    low = "" if rule.confidence == "high" else f" (confidence {rule.confidence})"
    return [*(f"{by}{low}; {text}" for text in counted[:1]), f"{by}{low}", f"{start}: by {rule.name}", start]


def _versions(subject: CardSubject, start: str, about: str, tail: str) -> list[str]:
    target = subject.recommendation.target
    advised = _advised(subject)
    if advised is not None and advised.by_rule is not None:
        return _rule_versions(subject, start, advised)
    short = start
    if target is not None and advised is not None and advised.inside is not None:
        exposure = f"{_metric(target)} {_median(subject, advised, target)}"
        short = f"{start}: {exposure}, {percent(advised.inside)} on target"
    return [f"{start}{about}{tail}", f"{start}{about}", short]


def _about(subject: CardSubject, option: RegimenOption) -> str:
    target = subject.recommendation.target
    if target is None or option.inside is None:
        return ""
    exposure = (
        f"{_metric(target)} about {_median(subject, option, target)} "
        f"{subject.wording.unit(target.metric, target)}"
    ).rstrip()
    return f": {exposure}, {percent(option.inside)} chance of {_bounds(subject, target)}"


def _next_level(subject: CardSubject) -> str:
    level = subject.recommendation.next_level
    which = "next" if any(level.used for level in subject.recommendation.levels) else "first"
    return f"; {which} level {subject.wording.when(level.time)}" if level else ""


def _load(subject: CardSubject, option: RegimenOption) -> str:
    return f"load {_loading(subject, option)}, then " if option.loading_dose_mg is not None else ""


def _loading(subject: CardSubject, option: RegimenOption) -> str:
    return subject.wording.dose(option.loading_dose_mg or 0.0)


def _regimen(subject: CardSubject, regimen: Regimen) -> str:
    return subject.wording.regimen(regimen)


def _median(subject: CardSubject, option: RegimenOption, target: Target) -> str:
    exposure = next((e for e in option.exposures if e.metric == target.metric), None)
    return subject.wording.value(target.metric, exposure.estimate.median) if exposure else "not computed"


def _metric(target: Target) -> str:
    return name_of(target.metric, target)


def _bounds(subject: CardSubject, target: Target) -> str:
    return "–".join(subject.wording.bounds(target))


def _first_sentence(text: str) -> str:
    """Up to the first full stop before a capital letter, which a number or an abbreviation has not."""
    return re.split(r"(?<=[^A-Z])\. (?=[A-Z])", text, maxsplit=1)[0].rstrip(". ")


def _clause(sentence: str) -> str:
    """A sentence as the second half of another."""
    first, rest = sentence[:1], sentence[1:]
    keeps_case = rest[:1].isupper() or not rest[:1].isalpha()
    return f"{first if keeps_case else first.lower()}{rest}".rstrip(". ")
