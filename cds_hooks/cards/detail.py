"""The basis of a card in GitHub Flavored Markdown: options side by side, why, what was used and what was not.

Everything that is not a number of ours goes through ``escape.markdown``: it may quote the record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from cds_hooks.cards.escape import markdown
from cds_hooks.cards.subject import CardSubject
from cds_hooks.wording import percent
from dosing_core.case import Finding, Metric
from dosing_core.facts import words_of
from dosing_core.metric_words import name_of
from dosing_core.recommendation import Chance, Exposure, LevelReview, ModelUse, RegimenOption, Target

USUAL: tuple[Metric, ...] = ("auc24", "trough", "peak")
"""Shown of every drug that has them, after the target's own metric."""
MOST_COLUMNS = 3
STANDING = {
    "inside": ", inside its population",
    "edge": ", at the edge of its population",
    "outside": ", **outside its population**",
}
NAMED = {
    "levels": "drug level",
    "doses": "doses",
    "order": "order",
    "genotypes": "genotype",
    "co_medications": "other drugs",
}


def detail(subject: CardSubject) -> str:
    """The detail of a card."""
    parts = (
        _which_order(subject),
        *_dangers(subject),
        _table(subject),
        _why(subject),
        _next_level(subject),
        _plan(subject),
        *_cautions(subject),
        _used(subject),
        _findings(subject, "Not known or not used", ("missing", "conflict", "excluded", "unreachable")),
        _findings(subject, "Noted", ("note",)),
        *_assumptions(subject),
        _guidelines(subject),
        *_rules(subject),
        _models(subject),
    )
    return "\n\n".join(part for part in parts if part)


def _which_order(subject: CardSubject) -> str:
    if not subject.one_of_several:
        return ""
    order = subject.wording.order(subject.case.order)
    return f"**Order:** {markdown(f'{subject.drug_name} {order}')}"


def _dangers(subject: CardSubject) -> Iterable[str]:
    for limit in subject.recommendation.broken_limits:
        yield f"**The order as written:** {_sentence(f'{limit.text[:1].lower()}{limit.text[1:]}')}"
    for text in subject.recommendation.red_flags:
        yield f"**Red flag:** {markdown(text)}"
    if subject.recommendation.hold:
        yield f"**Hold:** {markdown(subject.recommendation.hold)}"
    for level in subject.flagged_levels:
        yield _flagged_level(subject, level)


def _flagged_level(subject: CardSubject, level: LevelReview) -> str:
    wording, unit = subject.wording, subject.wording.concentration_unit
    text = (
        f"{wording.measured(level.observed)} {unit} ({wording.when(level.time)}), expected "
        f"{wording.interval(level.expected)} {unit} (99 of 100 such levels). Check unit, line and time."
    )
    if not level.used and subject.recommendation.options:
        included = subject.recommendation.without_flagged
        text += " The dose is judged without it"
        text += f"; with it the answer would be {wording.regimen(included)}." if included else "."
    return f"**Level:** {markdown(text)}"


def _table(subject: CardSubject) -> str:
    options = shown_options(subject)
    if not options:
        return ""
    rows = [_heads(subject, options), "|---" * (len(options) + 1) + "|", *_rows(subject, options)]
    return "\n".join(rows)


def shown_options(subject: CardSubject) -> tuple[RegimenOption, ...]:
    """As ordered, recommended, and others as far as there is room."""
    return subject.recommendation.options[:MOST_COLUMNS]


def _heads(subject: CardSubject, options: tuple[RegimenOption, ...]) -> str:
    names = {"as_ordered": "as ordered", "recommended": "recommended", "alternative": "other"}
    heads = (
        _cell(f"{names[option.role]}: {subject.wording.regimen(option.regimen)}", option)
        for option in options
    )
    return _row("", heads)


def _rows(subject: CardSubject, options: tuple[RegimenOption, ...]) -> Iterable[str]:
    wording, target = subject.wording, subject.recommendation.target
    if any(option.loading_dose_mg for option in options):
        yield _row("loading dose", (_cell(wording.loading(option), option) for option in options))
    for metric in _metrics(target):
        if any(_exposure(option, metric) for option in options):
            cells = (_cell(_estimate(subject, option, metric), option) for option in options)
            unit = wording.unit(metric, target)
            yield _row(f"{name_of(metric, target)}{f', {unit}' if unit else ''} (90 %)", cells)
    yield from _rule_rows(subject, options)
    if target is not None and any(option.inside for option in options):
        low, high = wording.bounds(target)
        name = name_of(target.metric, target)
        chances: tuple[tuple[str, Callable[[RegimenOption], Chance | None]], ...] = (
            (f"{name} inside {low}–{high}", lambda option: option.inside),
            (f"above {high}", lambda option: option.above),
            (f"below {low}", lambda option: option.below),
        )
        for label, chance in chances:
            yield _row(label, (_cell(_chance(chance(option)), option) for option in options))


def _chance(chance: Chance | None) -> str:
    return "–" if chance is None else percent(chance)


def _rule_rows(subject: CardSubject, options: tuple[RegimenOption, ...]) -> Iterable[str]:
    """What a rule says of each option: the exposure that the dose is meant to give, and its own dose."""
    wording, answer = subject.wording, subject.recommendation
    for label, told in (
        ("meant to give", [wording.by_rule(answer, option) for option in options]),
        ("dose by the rule", [wording.rule_range(option) for option in options]),
    ):
        if any(told):
            cells = (_cell(text or "–", option) for text, option in zip(told, options, strict=True))
            yield _row(label, cells)


def _metrics(target: Target | None) -> tuple[Metric, ...]:
    """The usual ones; the target's own first where it is another."""
    if target is None or target.metric in USUAL:
        return USUAL
    return (target.metric, *USUAL)


def _exposure(option: RegimenOption, metric: Metric) -> Exposure | None:
    return next((exposure for exposure in option.exposures if exposure.metric == metric), None)


def _estimate(subject: CardSubject, option: RegimenOption, metric: Metric) -> str:
    exposure = _exposure(option, metric)
    if exposure is None:
        return "–"
    estimate = exposure.estimate
    return f"{subject.wording.value(metric, estimate.median)} ({subject.wording.span_of(metric, estimate)})"


def _cell(text: str, option: RegimenOption) -> str:
    return f"**{markdown(text)}**" if option.role == "recommended" else markdown(text)


def _row(label: str, cells: Iterable[str]) -> str:
    return f"| {' | '.join((label, *cells))} |"


def _why(subject: CardSubject) -> str:
    sentences = (subject.recommendation.reason, *subject.recommendation.why)
    return f"**Why:** {' '.join(_sentence(text) for text in dict.fromkeys(sentences) if text)}"


def _next_level(subject: CardSubject) -> str:
    level, wording = subject.recommendation.next_level, subject.wording
    if level is None:
        return ""
    latest = f", by {wording.when(level.latest)} at the latest" if level.latest else ""
    return f"**Next level:** {wording.when(level.time)}{latest}. {_sentence(level.reason)}"


def _plan(subject: CardSubject) -> str:
    """``If it shows below 11: 1,000 mg …``: what the next level would call for."""
    wording = subject.wording
    steps = [
        markdown(f"{wording.step(step)}: {wording.action(step)}") for step in subject.recommendation.plan
    ]
    return f"**If it shows** ({wording.concentration_unit}) {'; '.join(steps)}." if steps else ""


def _cautions(subject: CardSubject) -> Iterable[str]:
    """Warnings, then what is to be known about single options, each thing once."""
    flagged = [level.note for level in subject.flagged_levels if level.note]
    said = []
    for text in dict.fromkeys(subject.recommendation.warnings):
        if not any(note in text for note in flagged):  # the level itself has been spoken of
            said.append(text.lower())
            yield f"**Caution:** {_sentence(text)}"
    for option in shown_options(subject):
        for note in option.notes:
            if not any(note.rstrip(".").lower() in text for text in said):
                yield f"**{markdown(subject.wording.regimen(option.regimen))}:** {_sentence(note)}"


def _used(subject: CardSubject) -> str:
    wording = subject.wording
    facts = [
        markdown(f"{_small(fact.name)} {fact.value}")
        + (f" ({wording.when(fact.time)}, {wording.age(fact.time)})" if fact.time else "")
        for fact in subject.recommendation.used
    ]
    return f"**Used:** {'; '.join(facts)}." if facts else ""


def _findings(subject: CardSubject, heading: str, kinds: tuple[str, ...]) -> str:
    facts = [_finding(finding) for finding in subject.recommendation.missing if finding.kind in kinds]
    return f"**{heading}:** {'; '.join(dict.fromkeys(facts))}." if facts else ""


def _finding(finding: Finding) -> str:
    about = NAMED.get(finding.about) or words_of(finding.about)
    detail_text = finding.detail.rstrip(". ")
    named = about.lower() in detail_text.lower()
    return markdown(detail_text if named else f"{about}: {detail_text}")


def _assumptions(subject: CardSubject) -> Iterable[str]:
    """What is taken for granted, but for what would change nothing; the page has all of it."""
    answer = subject.recommendation.option("recommended") or subject.recommendation.option("as_ordered")
    for assumption in subject.recommendation.assumptions:
        if answer is not None and assumption.regimen_otherwise == answer.regimen:
            continue
        otherwise = assumption.otherwise
        if assumption.regimen_otherwise is not None:
            otherwise = f"{otherwise.rstrip('. ')} {subject.wording.regimen(assumption.regimen_otherwise)}"
        yield f"**Assumed:** {_sentence(assumption.text)}" + (f" {_sentence(otherwise)}" if otherwise else "")


def _rules(subject: CardSubject) -> Iterable[str]:
    """The rule that spoke with its confidence, and what the others say."""
    wording = subject.wording
    for rule in subject.recommendation.rules:
        about = f" ({markdown(rule.population)})" if rule.population else ""
        outside = "" if rule.inside_population else ", **outside its population**"
        if rule.spoke:
            yield f"**Rule:** {markdown(rule.name)}, {_confidence(rule.confidence)}{outside}{about}."
        elif not rule.silent:
            dose = _sentence(wording.regimen(rule.regimen) if rule.regimen else rule.says)
            said = f"{markdown(rule.name)}, {_confidence(rule.confidence)}"
            yield f"**Beside it:** {said}: {dose}"


def _confidence(confidence: str) -> str:
    """Said of every rule; of a model where it is not high."""
    return f"confidence {confidence}" if confidence == "high" else f"**confidence {confidence}**"


def _guidelines(subject: CardSubject) -> str:
    """The guidelines on genes that were asked, each once, with their publications."""
    found = {
        one.url: f"CPIC: {one.guideline} (PMID {', '.join(one.pmids)}; {one.url})"
        for one in subject.recommendation.advice
    }
    return f"**Guideline:** {'; '.join(markdown(text) for text in found.values())}." if found else ""


def _models(subject: CardSubject) -> str:
    models = subject.recommendation.models
    if not models or subject.recommendation.speaks == "rules":
        return _models_beside(subject)
    speaking = [model for model in models if not model.silent]
    words = [
        markdown(model.name)
        + (f" {percent(model.weight)}" if len(speaking) > 1 else "")
        + STANDING[model.applicability]
        + ("" if model.confidence == "high" else f", {_confidence(model.confidence)}")
        + (f" ({markdown(model.population)})" if len(speaking) == 1 else "")
        for model in speaking
    ]
    said = f"**Model{'s' if len(speaking) > 1 else ''}:** {'; '.join(words)}."
    return f"{said} {_spread(subject, speaking)}".strip()


def _models_beside(subject: CardSubject) -> str:
    """What the models would choose where a rule speaks."""
    said = [
        f"{model.name} would choose {subject.wording.regimen(model.alone.regimen)}"
        for model in subject.recommendation.models
        if not model.silent and model.alone is not None and model.alone.regimen is not None
    ]
    return f"**Models beside it:** {markdown('; '.join(said))}." if said else ""


def _spread(subject: CardSubject, models: Sequence[ModelUse]) -> str:
    """What the models would choose and expect if each spoke alone."""
    target, wording = subject.recommendation.target, subject.wording
    alone = [model.alone for model in models if model.alone is not None]
    if target is None or len(alone) < 2:
        return ""
    medians = [one.exposure.median for one in alone]
    unit = wording.unit(target.metric, target)
    low, high = wording.value(target.metric, min(medians)), wording.value(target.metric, max(medians))
    chosen = dict.fromkeys(wording.regimen(one.regimen) for one in alone if one.regimen is not None)
    which = " or ".join(chosen)
    text = f"Each alone would choose {which} and expects {name_of(target.metric, target)} {low}–{high} {unit}"
    return markdown(f"{text.strip()} of the answer's regimen.") if chosen else ""


def _sentence(text: str) -> str:
    stripped = text.strip()
    return markdown(stripped if stripped.endswith((".", "?", ":")) else f"{stripped}.")


def _small(name: str) -> str:
    """A name inside a sentence: ``Weight`` becomes ``weight``, ``CYP3A5`` stays."""
    return name[:1].lower() + name[1:] if name[1:2].islower() else name
