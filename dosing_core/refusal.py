"""An answer without a dose: what is missing or why not, and what still holds without it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from dosing_core import explain, phrases, sampling
from dosing_core.case import Case, Finding
from dosing_core.facts import words_of
from dosing_core.library.schema import DrugFile
from dosing_core.population.readings import read_now
from dosing_core.recommendation import BrokenLimit, Recommendation
from dosing_core.regimens.limits import RENAL, broken, patient_limits
from dosing_core.screening import ORDER_OF_REQUESTS, Screening, latest_measurement


def refusal(
    case: Case,
    drug_file: DrugFile,
    screening: Screening,
    outcome: Literal["insufficient", "out_of_scope"],
    reason: str,
    findings: tuple[Finding, ...] | None = None,
    requests: Sequence[str] | None = None,
) -> Recommendation:
    """No dose, and the reason as a sentence; ``engine`` is still to be filled in."""
    wanted = set(screening.requests if requests is None else requests)
    still_true = (phrases.usual_limits(drug_file),) if outcome == "insufficient" else ()
    next_level = sampling.red_flag(drug_file, None, case.now) if screening.paused else None
    limits = beyond_any_limit(case, drug_file) if outcome == "insufficient" else ()
    return Recommendation(
        outcome=outcome,
        drug=drug_file.drug,
        display=drug_file.as_display,
        reason=reason,
        broken_limits=limits,
        left_out=screening.left_out,
        missing=screening.findings if findings is None else findings,
        requests=tuple(name for name in ORDER_OF_REQUESTS if name in wanted),
        next_level=next_level,
        why=still_true,
        warnings=(*explain.about_the_order(limits), *screening.warnings),
        red_flags=screening.red_flags if outcome == "insufficient" else screening.level_flags,
        references=explain.references(drug_file),
        engine="",
    )


def for_want_of(
    case: Case, drug_file: DrugFile, screening: Screening, facts: Sequence[str]
) -> Recommendation:
    """No dose, because these facts are not on record."""
    name = phrases.capital(drug_file.display.drug_name)
    missing = tuple(
        Finding(kind="missing", about=fact, detail=f"no {words_of(fact)} on record") for fact in facts
    )
    known = {finding.about for finding in screening.findings}
    findings = (*screening.findings, *(one for one in missing if one.about not in known))
    text = f"{name} is not individualised: {phrases.listed([f.detail for f in missing])}."
    requests = tuple(fact for fact in ORDER_OF_REQUESTS if fact in facts)
    return refusal(case, drug_file, screening, "insufficient", text, findings, requests)


def beyond_any_limit(case: Case, drug_file: DrugFile) -> tuple[BrokenLimit, ...]:
    """What is wrong with the order whoever the patient is; by weight too, where a fresh one is known."""
    ordered = case.order.regimen
    if ordered is None:
        return ()
    weight = latest_measurement(case.subject.weight, case.now)
    clearance = read_now(RENAL, case)
    limits = patient_limits(
        drug_file, weight.value if weight else math.inf, None, clearance.value if clearance else None
    )
    return broken(ordered, limits, drug_file)
