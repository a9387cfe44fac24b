"""The whole answer: a decision with its curves, next level, plan, reasons and all else that is said."""

from __future__ import annotations

from collections.abc import Sequence

from dosing_core import explain, sampling
from dosing_core.case import Case, Regimen
from dosing_core.changing import changing
from dosing_core.consultation import Consultation
from dosing_core.curves import curve, past_window
from dosing_core.decision import Decision, broken_by
from dosing_core.errors import UnusableGoal
from dosing_core.for_patient import for_patient
from dosing_core.gains import gains
from dosing_core.goals.steepness import steepness
from dosing_core.informative import most_informative
from dosing_core.kinetics import hours
from dosing_core.model_uses import model_uses
from dosing_core.parameters import expected_person
from dosing_core.plan import plan
from dosing_core.recommendation import (
    Curve,
    NextLevel,
    PlanStep,
    Recommendation,
    RegimenOption,
    Steepness,
)
from dosing_core.screening import ORDER_OF_REQUESTS, Screening
from dosing_core.sensitivity import assumptions
from dosing_core.variability import beside_people_alike, other_modes

AFTER_HOLD = "Once the level has come down:"
CURVE_PARTICLES = 160
"""Enough for a band that is drawn, not read off."""


def compose(
    case: Case, consultation: Consultation, screening: Screening, decision: Decision
) -> Recommendation:
    """The whole answer."""
    own, drug_file = consultation, consultation.drug_file
    high = explain.high_level(own)
    requests = _requests(own, screening, decision, bool(high))
    next_level = _weighed(own, decision, _next_level(own, screening, decision, bool(high)), bool(high))
    answered = _answered(own, decision)
    beside = beside_people_alike(own, answered) if answered else None
    modes = other_modes(own, answered) if answered else ()
    return Recommendation(
        outcome=decision.outcome,
        drug=drug_file.drug,
        display=drug_file.as_display,
        reason=f"{AFTER_HOLD} {decision.reason}" if high and decision.options else decision.reason,
        broken_limits=broken_by(own),
        target=own.target,
        options=decision.options,
        parameters=own.parameters,
        levels=own.reviewed.levels,
        curves=_curves(own, decision.options),
        next_level=next_level,
        plan=_plan(own, decision, next_level),
        why=(*explain.why(own, screening, decision.outcome), *explain.beside(own, beside, modes)),
        used=explain.used_facts(own),
        missing=(*screening.findings, *own.unused_effects),
        left_out=explain.left_out(own, screening),
        requests=requests,
        warnings=(
            *explain.warnings(own, screening, broken_by(own), decision.outcome != "insufficient"),
            *explain.harmful_trough(drug_file, decision.options),
        ),
        red_flags=screening.red_flags,
        changing=_moving(own),
        hold=high,
        assumptions=assumptions(own, screening, answered) if decision.outcome != "insufficient" else (),
        models=model_uses(own, answered),
        references=explain.references(drug_file),
        diagnostics=own.belief.diagnostics,
        variability=beside.variability if beside else None,
        unusual=beside.unusual if beside else None,
        other_modes=modes,
        gains=gains(own, next_level),
        steepness=_steepness(own, answered),
        for_patient=for_patient(own, decision.outcome, _followed(decision), high, next_level),
        without_flagged=decision.without_flagged,
        engine="",
    )


def _answered(consultation: Consultation, decision: Decision) -> Regimen | None:
    """The regimen that the answer stands by: the recommended one, else the order as it was judged."""
    recommended = next((one.regimen for one in decision.options if one.role == "recommended"), None)
    return recommended or (consultation.ordered.regimen if consultation.ordered else None)


def _followed(decision: Decision) -> RegimenOption | None:
    """The option that the answer stands by, as it is shown."""
    for role in ("recommended", "as_ordered"):
        for option in decision.options:
            if option.role == role:
                return option
    return None


def _steepness(consultation: Consultation, answered: Regimen | None) -> Steepness | None:
    """The margin between working and harming, where the drug file asks for it and the models can tell."""
    own = consultation
    if own.drug_file.steepness is None or answered is None:
        return None
    try:
        return steepness(own.question, own.drug_file.steepness, answered)
    except UnusableGoal:
        return None


def _requests(
    consultation: Consultation, screening: Screening, decision: Decision, high: bool
) -> tuple[str, ...]:
    """What would make the answer possible or better."""
    wanted: set[str] = {decision.request} if decision.request else set()
    if high:
        wanted.add("level")
    if screening.paused:
        wanted.add("creatinine")
    if consultation.height_cm is None and any(option.loading_dose_mg for option in decision.options):
        wanted.add("height")
    return tuple(name for name in ORDER_OF_REQUESTS if name in wanted)


def _curves(consultation: Consultation, options: Sequence[RegimenOption]) -> tuple[Curve, ...]:
    """The order's and the recommended regimen's curve."""
    own = consultation
    if own.timing.first_h > own.timing.ahead_h:
        return ()  # the picture would end before the first dose
    particles = own.belief.particles(CURVE_PARTICLES)
    population = expected_person(own.belief)
    interval = own.timing.present.interval_h if own.timing.present else 0.0
    past = past_window(own.history, [hours(level.time, own.case.now) for level in own.case.levels], interval)
    found = []
    for option in options:
        if option.role == "alternative" or not option.exposures:
            continue
        judged = own.ordered if option.role == "as_ordered" else None
        length = judged.regimen.duration_h if judged else option.regimen.duration_h
        found.append(curve(option, length, particles, population, own.question.history, own.case.now, past))
    return tuple(found)


def _moving(consultation: Consultation) -> tuple[str, ...]:
    """Other drugs and habits that have not settled."""
    own = consultation
    route = own.case.order.route or own.drug_file.main_route
    return changing(own.drug_file.interactions, own.case, route)


def _next_level(
    consultation: Consultation, screening: Screening, decision: Decision, high: bool
) -> NextLevel | None:
    own, now = consultation, consultation.case.now
    due = own.timing.first_dose_at
    if high:
        return sampling.before_more(own.drug_file, due, now)
    if screening.paused or decision.outcome == "insufficient":
        return sampling.red_flag(own.drug_file, due, now) if decision.request else None
    recommended = next((option for option in decision.options if option.role == "recommended"), None)
    regimen = recommended.regimen if recommended else own.case.order.regimen
    if regimen is None:
        return None
    if own.reviewed.with_all is not None:
        return sampling.in_place_of_flagged(own.drug_file, due, now)
    if moving := _moving(own):
        return sampling.after_change(own.drug_file, regimen, due, now, moving[0])
    if decision.outcome == "agree" and own.reviewed.used:
        return sampling.while_stable(own.drug_file, regimen, due, now)
    if own.timing.present and own.case.doses and not own.reviewed.used:
        started, interval = own.case.doses[0].time, own.timing.present.interval_h
        return sampling.while_unmeasured(own.drug_file, interval, started, due, now)
    why = "The first level after this change." if own.reviewed.used else "No level speaks yet."
    return sampling.after_change(own.drug_file, regimen, due, now, why)


def _plan(
    consultation: Consultation, decision: Decision, next_level: NextLevel | None
) -> tuple[PlanStep, ...]:
    """What the next level would change, if the advice is followed until it is drawn."""
    own = consultation
    by_role = {option.role: option for option in reversed(decision.options)}
    followed = by_role.get("recommended") or by_role.get("as_ordered")
    if next_level is None or followed is None or decision.outcome == "insufficient":
        return ()
    judged = own.ordered.regimen if own.ordered and followed.role == "as_ordered" else followed.regimen
    return plan(own.search, followed, judged.duration_h, next_level.time, own.case.now)


def _weighed(
    consultation: Consultation, decision: Decision, usual: NextLevel | None, high: bool
) -> NextLevel | None:
    """The next level with what it is worth, at a better time where the ward can draw then; as the rules say
    where a flagged or far too high level has to be replaced."""
    own, followed = consultation, _followed(decision)
    replaced = high or own.reviewed.with_all is not None or decision.outcome == "insufficient"
    if usual is None or followed is None or replaced or not followed.exposures:
        return usual
    judged = own.ordered.regimen if own.ordered and followed.role == "as_ordered" else followed.regimen
    return most_informative(own.search, followed, judged.duration_h, own.drug_file, usual, own.case.now)
