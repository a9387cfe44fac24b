"""What antibodies against a drug, and levels that have gone, say before any dose is looked at."""

from __future__ import annotations

from dosing_core.case import Case
from dosing_core.library.schema import DrugFile

ANTIBODIES = "anti_drug_antibodies"


def antibodies(case: Case) -> bool | None:
    """Whether antibodies were there when they were last looked for; None if nobody has looked."""
    found = [one for one in case.subject.signs if one.name == ANTIBODIES and one.time <= case.now]
    return found[-1].present if found else None


def is_unmeasurable(case: Case) -> bool:
    """True if the last level is below the assay's range."""
    return bool(case.levels) and case.levels[-1].limit == "below"


def no_dose(case: Case, drug_file: DrugFile) -> str:
    """Why more or less of the drug is no answer, as a sentence; empty if it may be one."""
    rule = drug_file.immunogenicity
    return rule.both if rule and is_unmeasurable(case) and antibodies(case) else ""


def remarks(case: Case, drug_file: DrugFile) -> tuple[str, ...]:
    """What the prescriber should know beside the dose."""
    rule = drug_file.immunogenicity
    if rule is None or no_dose(case, drug_file):
        return ()
    if antibodies(case):
        return (rule.present,)
    return (rule.unmeasurable,) if is_unmeasurable(case) else ()
