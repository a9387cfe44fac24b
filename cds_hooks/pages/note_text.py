"""The note that a clinician can paste into the chart: plain text, nothing that identifies the patient."""

from __future__ import annotations

from cds_hooks.wording import DASH, REQUESTS, Wording, headline, percent
from dosing_core.case import Case
from dosing_core.metric_words import name_of
from dosing_core.recommendation import Recommendation, RegimenOption, Target


def note(recommendation: Recommendation, case: Case, wording: Wording, identifier: str) -> str:
    """The recommendation as a short plain-text note, one statement a line."""
    hold = (recommendation.hold,) if recommendation.hold else ()
    lines = [
        f"{headline(recommendation, wording)}.",
        f"Order: {wording.order(case.order)}.",
        recommendation.reason,
        *(f"Caution: {text}" for text in (*recommendation.red_flags, *hold, *recommendation.warnings)),
        *_options(recommendation, wording),
        *_basis(recommendation, wording),
        f"Decision support of {wording.when_in_full(wording.now)}, id {identifier}, {recommendation.engine}.",
    ]
    return "\n".join(line for line in lines if line)


def _options(recommendation: Recommendation, wording: Wording) -> list[str]:
    target = recommendation.target
    told = [
        f"{_role(option)} {_loading(option, wording)}{wording.regimen(option.regimen)}: "
        + _exposures(option, wording, target)
        + (
            f"; {percent(option.inside)} chance of {wording.range(target)}"
            if target and option.inside
            else ""
        )
        + "."
        for option in recommendation.options
        if option.role != "alternative" and option.exposures
    ]
    return told or _by_rule(recommendation, wording)


def _by_rule(recommendation: Recommendation, wording: Wording) -> list[str]:
    """The same where a rule speaks."""
    said = []
    for option in recommendation.options:
        if option.role == "alternative" or option.by_rule is None:
            continue
        parts = [wording.by_rule(recommendation, option), wording.rule_range(option)]
        parts[1] = f"by the rule {parts[1]}" if parts[1] else ""
        told = "; ".join(filter(None, parts))
        said.append(f"{_role(option)} {wording.regimen(option.regimen)}{f': {told}' if told else ''}.")
    return said


def _role(option: RegimenOption) -> str:
    return "As ordered," if option.role == "as_ordered" else "Advised,"


def _loading(option: RegimenOption, wording: Wording) -> str:
    return f"after a loading dose of {wording.loading(option)}, " if option.loading_dose_mg else ""


def _exposures(option: RegimenOption, wording: Wording, target: Target | None) -> str:
    said = []
    for exposure in option.exposures:
        metric, estimate = exposure.metric, exposure.estimate
        name, unit = name_of(metric, target), wording.unit(metric, target)
        interval = wording.span_of(metric, estimate)
        said.append(f"{name} {wording.value(metric, estimate.median)} (90 %: {interval}) {unit}".strip())
    return ", ".join(said)


def _basis(recommendation: Recommendation, wording: Wording) -> list[str]:
    lines = []
    if recommendation.next_level:
        level = recommendation.next_level
        lines.append(f"Next level: {wording.when(level.time)}. {level.reason}")
    if recommendation.plan:
        steps = "; ".join(f"{wording.step(step)}: {wording.action(step)}" for step in recommendation.plan)
        lines.append(f"If it shows ({wording.concentration_unit}) {steps}.")
    if recommendation.used:
        facts = (
            f"{fact.name} {fact.value}" + (f" ({wording.when(fact.time)})" if fact.time else "")
            for fact in recommendation.used
        )
        lines.append(f"Used: {'; '.join(facts)}.")
    if recommendation.missing:
        lines.append(
            "Not known or not used: "
            + "; ".join(f"{finding.about} {DASH} {finding.detail}" for finding in recommendation.missing)
            + "."
        )
    if recommendation.requests:
        wanted = ", ".join(REQUESTS[request] for request in recommendation.requests)
        lines.append(f"Would help: {wanted}.")
    speaking = [model for model in recommendation.models if not model.silent]
    spoke = next((rule for rule in recommendation.rules if rule.spoke), None)
    if spoke is not None:
        lines.append(f"Rule: {spoke.name}, confidence {spoke.confidence}.")
    elif speaking:
        models = (
            f"{model.name} {percent(model.weight)}" if len(speaking) > 1 else model.name for model in speaking
        )
        lines.append(f"Model: {', '.join(models)}.")
    return lines
