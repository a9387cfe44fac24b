"""One question, one answer: the consultation from top to bottom.

screen → bring the model to the patient → believe the plausible levels → judge practical regimens → hold them
against the order → next level → explain. Pure: no clock, no chance, no store; the same case gives the same
bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dosing_core import explain, phrases, sampling
from dosing_core.averaging import panel, unusable_choice
from dosing_core.case import Case, Regimen
from dosing_core.changing import changing
from dosing_core.consultation import Consultation, best_under, consult, usable
from dosing_core.curves import curve, past_window
from dosing_core.errors import UnusableGoal
from dosing_core.for_patient import for_patient
from dosing_core.gains import gains
from dosing_core.genetic_answer import avoided, beside, guided, heard_of, tested_first
from dosing_core.genetics import guided_drug
from dosing_core.goals.steepness import steepness
from dosing_core.immunogenicity import no_dose
from dosing_core.informative import most_informative
from dosing_core.kinetics import hours
from dosing_core.library import DrugFile, Library, installed
from dosing_core.model_uses import alone, model_uses
from dosing_core.parameters import expected_person
from dosing_core.plan import plan
from dosing_core.population.bind import Bound
from dosing_core.recommendation import (
    BrokenLimit,
    Curve,
    NextLevel,
    PlanStep,
    Recommendation,
    RegimenOption,
    Steepness,
)
from dosing_core.refusal import for_want_of, refusal
from dosing_core.regimens.banding import band
from dosing_core.regimens.comparison import alternatives, is_relevant
from dosing_core.regimens.holding import holding
from dosing_core.regimens.limits import broken, is_absurd, touched
from dosing_core.regimens.loading import LoadingDose, choose_loading
from dosing_core.regimens.options import Draft, judge
from dosing_core.regimens.search import Scored
from dosing_core.rules.answer import ask_all, rule_answer
from dosing_core.screening import ORDER_OF_REQUESTS, Screening, screen
from dosing_core.sensitivity import assumptions
from dosing_core.variability import beside_people_alike, other_modes
from dosing_core.version import engine, guideline_engine

ALTERNATIVES = 2
AFTER_HOLD = "Once the level has come down:"
CURVE_PARTICLES = 160
"""Enough for a band that is drawn, not read off."""


def recommend(case: Case, library: Library | None = None) -> Recommendation:
    """Answer one dosing question from the library's drug files, by default the process's (see ``install``).

    Genes and earlier reactions are heard first (``genetic_answer``): a drug that they forbid gets no dose.
    Raises ``UnknownDrug`` if neither the library nor a guideline on genes knows the drug, and
    ``InvalidDrugFile`` if its file does not hold. Whatever else cannot be answered is a ``Recommendation``
    whose outcome and reason say so.
    """
    library = library or installed()
    if case.order.drug not in library.names() and guided_drug(case.order.drug) is not None:
        return _by_genes_alone(case)
    drug_file = library.load(case.order.drug)
    allow_low = case.order.drug in library.low_confidence
    at_age = drug_file.at_age(case.subject.age_years)
    heard = heard_of(case, drug_file)
    forbidden = avoided(case, heard, at_age)
    if forbidden is not None and not at_age.rules:
        said = forbidden
    else:
        own = _answered_from(case, at_age, allow_low)
        if own.outcome == "avoid":  # a file's own rule says in its words why not
            said = beside(case, own, heard)
        else:
            said = forbidden or tested_first(case, own, heard) or beside(case, own, heard)
    return said.model_copy(update={"engine": engine(drug_file, library)})


def _by_genes_alone(case: Case) -> Recommendation:
    """The answer about a drug of which no file but a guideline on genes speaks."""
    heard = heard_of(case, None)
    said = avoided(case, heard, None) or guided(case, heard)
    return said.model_copy(update={"engine": guideline_engine()})


def _answered_from(case: Case, drug_file: DrugFile, allow_low: bool) -> Recommendation:
    """Rules or models, as the file says; whoever does not lead stands beside the answer."""
    screening = screen(case, drug_file)
    counted = usable(case, screening.doses, screening)
    asked = ask_all(counted, drug_file, screening, allow_low)
    if asked is not None and asked.alarm:
        return rule_answer(asked)
    if screening.outcome is not None:
        return refusal(case, drug_file, screening, screening.outcome, screening.reason)
    if asked is None:
        return _by_models(case, counted, drug_file, screening, allow_low)
    once = case.order.regimen is not None and case.order.regimen.once
    if not drug_file.models or once:  # models judge what repeats
        return rule_answer(asked)
    models = _by_models(case, counted, drug_file, screening, allow_low)
    if not asked.leads:
        return models.model_copy(update={"rules": asked.uses(False)})
    return rule_answer(asked).model_copy(update={"models": alone(models)})


def _by_models(
    case: Case, counted: Case, drug_file: DrugFile, screening: Screening, allow_low: bool
) -> Recommendation:
    """The answer of the population models. ``counted``: with the usable doses and levels only."""
    if unusable := unusable_choice(case, drug_file, allow_low):
        text = f"{phrases.capital(drug_file.display.drug_name)} is not individualised: {unusable}."
        return refusal(case, drug_file, screening, "insufficient", text)
    try:
        models = panel(counted, drug_file)
        if not models.speakers:
            return _model_may_not_speak(case, drug_file, screening, models.main)
        consultation = consult(counted, drug_file, screening, models)
        return _answer(case, consultation, screening)
    except UnusableGoal as error:
        return refusal(case, drug_file, screening, "insufficient", error.reason)
    except (ArithmeticError, ValueError, np.linalg.LinAlgError):
        # A valid case whose numbers break down (an absurd dose, a level of a billion) gets an honest no.
        name = phrases.capital(drug_file.display.drug_name)
        text = f"{name} is not individualised: the figures on record give no usable numbers."
        return refusal(case, drug_file, screening, "insufficient", text)


def _answer(case: Case, consultation: Consultation, screening: Screening) -> Recommendation:
    """Turn the numbers into an answer, or into the reason why there is none."""
    own, drug_file = consultation, consultation.drug_file
    name = phrases.capital(drug_file.display.drug_name)
    if screening.paused:
        text = f"{name} is not individualised while creatinine rises."
        return _compose(case, own, screening, _Decision("insufficient", text, _paused_options(own), "level"))
    if not own.belief.diagnostics.trustworthy:
        text = f"{name} is not individualised: what the levels say could not be computed reliably."
        return _compose(case, own, screening, _Decision("insufficient", text, (), "level"))
    if own.reviewed.contradictory:
        text = f"{name} is not individualised: the levels on record contradict each other and the doses."
        return _compose(case, own, screening, _Decision("insufficient", text, (), "level"))
    if hopeless := no_dose(own.case, drug_file):
        return _compose(case, own, screening, _Decision("insufficient", hopeless, (), None))
    if own.chosen is None:
        text = f"{name} is not individualised: no stocked dose is inside the limits for this patient."
        return _compose(case, own, screening, _Decision("insufficient", text, (), None))
    decision = _decide(own, screening, own.chosen)
    if explain.high_level(own) and _raises(own, decision):
        text = f"{name} is not individualised: a level is too high to raise the dose, and unlike the others."
        decision = _Decision("insufficient", text, (), "level")
    if _raises(own, decision) and _set_aside_says_less(own, decision):
        text = f"{name} is not individualised: a doubted level asks for less, no dose is raised; repeat it."
        decision = _Decision("insufficient", text, (), "level")
    if screening.level_too_soon and not own.reviewed.used and _raises(own, decision):
        text = (
            f"{name} is not individualised: no dose is raised on a level that was drawn too soon; repeat it."
        )
        decision = _Decision("insufficient", text, (), "level")
    return _compose(case, own, screening, decision)


def _raises(consultation: Consultation, decision: _Decision) -> bool:
    """True if more is advised than is ordered or given now."""
    own = consultation
    now = [one.daily_dose_mg for one in (own.case.order.regimen, own.timing.present) if one is not None]
    advised = [one.regimen.daily_dose_mg for one in decision.options if one.role == "recommended"]
    return bool(now and advised) and max(advised) > min(now)


def _set_aside_says_less(consultation: Consultation, decision: _Decision) -> bool:
    """True if the last level was too high to be believed and, if it were real, would not raise the dose."""
    own, other = consultation, decision.without_flagged
    now = [one.daily_dose_mg for one in (own.case.order.regimen, own.timing.present) if one is not None]
    doubted = bool(own.reviewed.levels) and explain.is_beyond(own.reviewed.levels[-1])
    return doubted and other is not None and bool(now) and other.daily_dose_mg <= min(now)


@dataclass(frozen=True)
class _Decision:
    """What is said of the order, and the regimens that are shown."""

    outcome: Literal["recommend", "agree", "insufficient"]
    reason: str
    options: tuple[RegimenOption, ...]
    request: Literal["level"] | None = None
    """What should be asked for because of this decision."""
    without_flagged: Regimen | None = None


def _decide(consultation: Consultation, screening: Screening, chosen: Scored) -> _Decision:
    """Compare with the order; keep it where nothing is relevantly better."""
    own, ordered = consultation, consultation.ordered
    limits = _broken(own)
    waits = own.drug_file.judgement.until_level if not any(one.used for one in own.reviewed.levels) else None
    if waits:
        chosen = _as_labelled(own) or chosen
    better = ordered is None or is_relevant(ordered, chosen, own.target, own.drug_file.judgement)
    if waits and ordered is not None:
        better = not _is_labelled(own, ordered.regimen)
    relevant = better or bool(limits)
    kept = chosen if relevant or ordered is None else ordered
    if ordered is not None and not better and limits and all(one.kind == "rate" for one in limits):
        kept = _slower(own, ordered.regimen) or chosen
    loading = _loading(own, screening, kept)
    drafts: list[Draft] = []
    if ordered is not None:
        drafts.append(_as_ordered(own, ordered))
    if relevant or loading is not None:
        drafts.append(_recommended(own, kept, loading))
    others = alternatives(
        own.search.scored, kept, ordered.regimen if ordered else None, own.drug_file.judgement, ALTERNATIVES
    )
    when = own.timing.first_dose_at
    drafts += [Draft(other, "alternative", when, loading=loading) for other in others]
    options = judge(own.question, drafts)
    with_all = own.reviewed.with_all
    return _Decision(
        outcome="recommend" if relevant else "agree",
        reason=waits
        if waits and ordered and not relevant
        else explain.reason(own, screening, relevant, limits),
        options=tuple(_shown(own, option) for option in options),
        without_flagged=best_under(own, with_all) if with_all is not None else None,
    )


def _as_labelled(consultation: Consultation) -> Scored | None:
    """How a treatment begins that is adjusted by levels: the label's dose at the preferred interval, else the
    least that it has."""
    own, rule = consultation, consultation.drug_file.dosing
    usual = [one for one in own.search.scored if _is_labelled(own, one.regimen)]
    if not usual:
        return None
    first = min(one.preference for one in usual)
    interval = next(one.regimen.interval_h for one in usual if one.preference == first)
    begun = [one for one in usual if one.regimen.interval_h == interval]
    named = [one for one in begun if one.regimen.dose_mg in rule.labelled_mg[:1]]
    return min(named or begun, key=lambda one: (one.regimen.dose_mg, one.preference))


def _is_labelled(consultation: Consultation, regimen: Regimen) -> bool:
    """True if the label begins with such a regimen, or, where the file does not say, if it is a usual one."""
    own, rule = consultation, consultation.drug_file.dosing
    alike = (regimen.dose_mg, regimen.interval_h)
    if rule.labelled_mg:
        return regimen.dose_mg in rule.labelled_mg and regimen.interval_h == rule.intervals_h[0]
    if rule.labelled_daily_mg_kg is not None:
        low, high = rule.labelled_daily_mg_kg.low, rule.labelled_daily_mg_kg.high
        known = regimen.interval_h in rule.intervals_h
        return known and low * own.weight_kg <= regimen.daily_dose_mg <= high * own.weight_kg
    return any(
        one.usual and (one.regimen.dose_mg, one.regimen.interval_h) == alike for one in own.search.scored
    )


def _shown(consultation: Consultation, option: RegimenOption) -> RegimenOption:
    """The option with what is to be known of it beside its figures."""
    own = consultation
    option = _clearing(own, _without_absurd_figures(own, option))
    option = _with_horizon(option)
    if option.role != "recommended":
        return option
    found: dict[str, object] = {}
    if (doses_left_out := holding(own.question, option.regimen, own.case.now)) is not None:
        found["hold"] = doses_left_out
    if (ready_made := band(own.question, own.drug_file, option.regimen)) is not None:
        found["band"] = ready_made
    return option.model_copy(update=found) if found else option


RISING = 0.05
"""A share of patients above this without a plateau is worth saying. Project policy."""


def _with_horizon(option: RegimenOption) -> RegimenOption:
    """Say when exposure was read off where no steady state exists in closed form, and for whom it still
    rises."""
    if option.judged_at_h is None or not option.exposures:
        return option
    when = phrases.age(option.judged_at_h)
    notes = [*option.notes, f"Judged {when} after the next dose: no steady state is taken for granted."]
    if option.still_rising is not None and option.still_rising > RISING:
        share = phrases.percent(option.still_rising)
        notes.append(f"In {share} of likely patients exposure still rises then; there may be no plateau.")
    return option.model_copy(update={"notes": tuple(notes)})


def _slower(consultation: Consultation, ordered: Regimen) -> Scored | None:
    """The same stocked dose at the same usual interval over an allowed length; None if it is not one."""
    wanted = (ordered.dose_mg, ordered.interval_h)
    scored = consultation.search.scored
    return next((one for one in scored if (one.regimen.dose_mg, one.regimen.interval_h) == wanted), None)


def _broken(consultation: Consultation) -> tuple[BrokenLimit, ...]:
    ordered = consultation.case.order.regimen
    return broken(ordered, consultation.limits, consultation.drug_file) if ordered else ()


def _loading(consultation: Consultation, screening: Screening, kept: Scored) -> LoadingDose | None:
    """A loading dose for a treatment that begins; none where nobody knows what was given or is asked for."""
    own = consultation
    if own.timing.running or screening.doses_in_doubt or screening.order_unread:
        return None
    return choose_loading(own.question, own.drug_file, kept.regimen, own.weight_kg, own.height_cm)


def _as_ordered(consultation: Consultation, ordered: Scored, *notes: str) -> Draft:
    return Draft(
        ordered,
        "as_ordered",
        consultation.timing.first_dose_at,
        notes=(*(one.text for one in _broken(consultation)), *notes, *_first_doses(consultation)),
        written_as=consultation.case.order.regimen,
    )


def _recommended(consultation: Consultation, kept: Scored, loading: LoadingDose | None) -> Draft:
    own = consultation
    notes = list(touched(kept.regimen, own.limits, own.drug_file.dosing.increment.value))
    if loading is not None:
        notes.append(loading.note)
    notes += _first_doses(own)
    return Draft(kept, "recommended", own.timing.first_dose_at, loading=loading, notes=tuple(notes))


def _first_doses(consultation: Consultation) -> tuple[str, ...]:
    """How a treatment begins whose first doses have times of their own, while it does."""
    rule = consultation.drug_file.induction
    return (rule.text,) if rule is not None and consultation.timing.beginning else ()


def _without_absurd_figures(consultation: Consultation, option: RegimenOption) -> RegimenOption:
    """No exposure of an order that is many times any limit: no model was built there."""
    if option.role != "as_ordered" or not is_absurd(option.regimen, consultation.limits):
        return option
    return option.model_copy(update={"exposures": ()})


def _clearing(consultation: Consultation, option: RegimenOption) -> RegimenOption:
    """Say so where a regimen that fits is still preceded by too much."""
    own = consultation
    if own.target.metric != "auc24" or not own.case.doses or option.role == "as_ordered":
        return option
    steady = next(one.estimate.median for one in option.exposures if one.metric == "auc24")
    if steady > own.target.high or option.first_day is None or option.first_day.median <= own.target.high:
        return option
    text = "The first 24 h still exceed the target, as earlier doses have to clear first."
    return option.model_copy(update={"notes": (*option.notes, text)})


def _paused_options(consultation: Consultation) -> tuple[RegimenOption, ...]:
    """Under a red flag only the order as written is judged, and nothing is proposed."""
    if consultation.ordered is None:
        return ()
    note = "Judged with the newest creatinine; while creatinine rises, the exposure is at least this."
    return judge(consultation.question, (_as_ordered(consultation, consultation.ordered, note),))


def _compose(
    case: Case, consultation: Consultation, screening: Screening, decision: _Decision
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
        broken_limits=_broken(own),
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
            *explain.warnings(own, screening, _broken(own), decision.outcome != "insufficient"),
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


def _answered(consultation: Consultation, decision: _Decision) -> Regimen | None:
    """The regimen that the answer stands by: the recommended one, else the order as it was judged."""
    recommended = next((one.regimen for one in decision.options if one.role == "recommended"), None)
    return recommended or (consultation.ordered.regimen if consultation.ordered else None)


def _followed(decision: _Decision) -> RegimenOption | None:
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
    consultation: Consultation, screening: Screening, decision: _Decision, high: bool
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
    consultation: Consultation, screening: Screening, decision: _Decision, high: bool
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
    consultation: Consultation, decision: _Decision, next_level: NextLevel | None
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
    consultation: Consultation, decision: _Decision, usual: NextLevel | None, high: bool
) -> NextLevel | None:
    """The next level with what it is worth, at a better time where the ward can draw then; as the rules say
    where a flagged or far too high level has to be replaced."""
    own, followed = consultation, _followed(decision)
    replaced = high or own.reviewed.with_all is not None or decision.outcome == "insufficient"
    if usual is None or followed is None or replaced or not followed.exposures:
        return usual
    judged = own.ordered.regimen if own.ordered and followed.role == "as_ordered" else followed.regimen
    return most_informative(own.search, followed, judged.duration_h, own.drug_file, usual, own.case.now)


def _model_may_not_speak(
    case: Case, drug_file: DrugFile, screening: Screening, bound: Bound
) -> Recommendation:
    """The model wants a fact that is not there, or the patient is beyond its limits."""
    if bound.missing:
        return for_want_of(case, drug_file, screening, bound.missing)
    name = phrases.capital(drug_file.display.drug_name)
    text = f"{name} is outside the model here: {'; '.join(bound.beyond_validity)}."
    return refusal(case, drug_file, screening, "out_of_scope", text)
