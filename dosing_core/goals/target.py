"""Which exposure is aimed at: the case's own goal, else the drug file's target for this patient."""

from __future__ import annotations

from dosing_core.case import Case
from dosing_core.library.schema import DrugFile
from dosing_core.recommendation import Target


def choose_target(drug_file: DrugFile, case: Case) -> Target:
    """The target of this case, mg/L or mg·h/L.

    A goal that comes with the case overrides the drug file's targets. Where a target depends on the time
    since transplantation and that day is not on record, the file's default is taken and the note says so.
    """
    if case.goal is not None:
        goal = case.goal
        return Target(metric=goal.metric, low=goal.low, high=goal.high, source="Goal set for this patient")
    transplanted_at = next(
        (c.time for c in case.subject.conditions if c.name == drug_file.required_condition and c.time), None
    )
    rule = drug_file.target(transplanted_at, case.now)
    depends_on_time = len(drug_file.targets) > 1
    note = rule.note
    if depends_on_time and transplanted_at is None:
        note = f"Taken for {rule.indication}, as the day of transplantation is not on record. {note}"
    return Target(
        metric=rule.metric, low=rule.range.low, high=rule.range.high, source=rule.range.source, note=note
    )
