"""Which exposure is aimed at: the case's own goal, else the drug file's aim for this patient."""

from __future__ import annotations

from dosing_core import phrases
from dosing_core.case import Case, Goal
from dosing_core.errors import UnusableGoal
from dosing_core.library.schema import DrugFile
from dosing_core.library.targets import TargetRule
from dosing_core.recommendation import Target


def choose_target(drug_file: DrugFile, case: Case) -> Target:
    """The target of this case, in its metric's unit.

    A goal that comes with the case overrides the drug file's targets; then the one for the case's indication
    comes, then the one that holds so long after a transplantation, then the default. Where a target depends
    on the time since transplantation and that day is not on record, the default is taken and the note says
    so. An end that is given per MIC is multiplied by the case's MIC.
    Raises ``UnusableGoal`` if a MIC is needed and nobody knows one, or makes the ends contradict each other.
    """
    if case.goal is not None:
        return _of_goal(drug_file, case, case.goal)
    rule = _for_indication(drug_file, case.indication)
    if rule is not None:
        return _of_rule(drug_file, case, rule, rule.note)
    rule = drug_file.target(case.subject.conditions, case.now)
    note = rule.note
    organs = {
        one.condition or drug_file.required_condition
        for one in drug_file.targets
        if one.first_weeks_after_transplant is not None
    }
    dated = {condition.name for condition in case.subject.conditions if condition.time is not None}
    if organs and not organs & dated and rule is drug_file.targets[-1]:
        note = f"Taken for {rule.indication}, as the day of transplantation is not on record. {note}"
    elif case.indication and any(one.indications for one in drug_file.targets):
        note = f"Taken for {rule.indication}: no aim is on file for {case.indication}. {note}".strip()
    return _of_rule(drug_file, case, rule, note)


def _for_indication(drug_file: DrugFile, indication: str | None) -> TargetRule | None:
    if indication is None:
        return None
    wanted = indication.strip().casefold()
    return next(
        (rule for rule in drug_file.targets if wanted in {one.casefold() for one in rule.indications}), None
    )


def _of_rule(drug_file: DrugFile, case: Case, rule: TargetRule, note: str) -> Target:
    mic = case.mic_mg_L if case.mic_mg_L is not None else (rule.mic.value if rule.mic else None)
    low, high = rule.range.low, rule.range.high
    if rule.per_mic != "no":
        if mic is None:
            raise UnusableGoal("The aim depends on the MIC, and none is on record.")
        low, high = low * mic, high * mic if rule.per_mic == "both" else high
        said = "taken as" if case.mic_mg_L is None else "is"
        note = f"{note} The MIC {said} {phrases.plain(mic)} mg/L.".strip()
        if low >= high:
            text = (
                f"At a MIC of {phrases.plain(mic)} mg/L the exposure that works reaches the one that harms."
            )
            raise UnusableGoal(text)
    return Target(
        metric=rule.metric,
        low=low,
        high=high,
        source=rule.range.source,
        note=note,
        output=rule.output,
        unit=rule.range.unit if rule.metric in ("effect", "nadir") else "",
        mic_mg_L=mic if rule.metric == "time_above_mic" else None,
        unbound_fraction=rule.unbound_fraction.value if rule.unbound_fraction else 1.0,
        horizon_h=drug_file.horizon.value if drug_file.horizon else None,
        course_h=rule.course.value if rule.course else None,
        after_h=rule.after.value if rule.after else None,
    )


def _of_goal(drug_file: DrugFile, case: Case, goal: Goal) -> Target:
    """What the goal leaves open (unbound part, course) is taken from the file's rule for the same metric."""
    rule = next((one for one in drug_file.targets if one.metric == goal.metric), None)
    mic = goal.mic_mg_L if goal.mic_mg_L is not None else case.mic_mg_L
    scaled = goal.metric in ("auc24", "cumulative_auc") and goal.mic_mg_L is not None
    factor = goal.mic_mg_L if scaled and goal.mic_mg_L is not None else 1.0
    return Target(
        metric=goal.metric,
        low=goal.low * factor,
        high=goal.high * factor,
        source="Goal set for this patient",
        note=f"Given per MIC, which is {phrases.plain(factor)} mg/L." if scaled else "",
        output=goal.output or (rule.output if rule else ""),
        unit=rule.range.unit
        if rule is not None and rule.output and goal.metric in ("effect", "nadir")
        else "",
        mic_mg_L=mic if goal.metric == "time_above_mic" else None,
        unbound_fraction=rule.unbound_fraction.value if rule and rule.unbound_fraction else 1.0,
        horizon_h=drug_file.horizon.value if drug_file.horizon else None,
        course_h=rule.course.value if rule and rule.course else None,
        after_h=rule.after.value if rule and rule.after else None,
        utility=goal.utility,
    )
