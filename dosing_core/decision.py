"""What the numbers call for: the order stands, another regimen, or a reason why nothing can be said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dosing_core import explain, phrases
from dosing_core.case import Regimen
from dosing_core.consultation import Consultation, best_under
from dosing_core.immunogenicity import no_dose
from dosing_core.recommendation import (
    BrokenLimit,
    RegimenOption,
)
from dosing_core.regimens.banding import band
from dosing_core.regimens.comparison import alternatives, is_relevant
from dosing_core.regimens.holding import holding
from dosing_core.regimens.limits import broken, is_absurd, touched
from dosing_core.regimens.loading import LoadingDose, choose_loading
from dosing_core.regimens.options import Draft, judge
from dosing_core.regimens.search import Scored
from dosing_core.screening import Screening

ALTERNATIVES = 2


@dataclass(frozen=True)
class Decision:
    """What is said of the order, and the regimens that are shown."""

    outcome: Literal["recommend", "agree", "insufficient"]
    reason: str
    options: tuple[RegimenOption, ...]
    request: Literal["level"] | None = None
    """What should be asked for because of this decision."""
    without_flagged: Regimen | None = None


def decide(consultation: Consultation, screening: Screening) -> Decision:
    """What follows from the numbers, or the reason why nothing does."""
    own, drug_file = consultation, consultation.drug_file
    name = phrases.capital(drug_file.display.drug_name)
    if screening.paused:
        text = f"{name} is not individualised while creatinine rises."
        return Decision("insufficient", text, _paused_options(own), "level")
    if not own.belief.diagnostics.trustworthy:
        text = f"{name} is not individualised: what the levels say could not be computed reliably."
        return Decision("insufficient", text, (), "level")
    if own.reviewed.contradictory:
        text = f"{name} is not individualised: the levels on record contradict each other and the doses."
        return Decision("insufficient", text, (), "level")
    if hopeless := no_dose(own.case, drug_file):
        return Decision("insufficient", hopeless, (), None)
    if own.chosen is None:
        text = f"{name} is not individualised: no stocked dose is inside the limits for this patient."
        return Decision("insufficient", text, (), None)
    decision = _compared(own, screening, own.chosen)
    if explain.high_level(own) and _raises(own, decision):
        text = f"{name} is not individualised: a level is too high to raise the dose, and unlike the others."
        decision = Decision("insufficient", text, (), "level")
    if _raises(own, decision) and _set_aside_says_less(own, decision):
        text = f"{name} is not individualised: a doubted level asks for less, no dose is raised; repeat it."
        decision = Decision("insufficient", text, (), "level")
    if screening.level_too_soon and not own.reviewed.used and _raises(own, decision):
        text = (
            f"{name} is not individualised: no dose is raised on a level that was drawn too soon; repeat it."
        )
        decision = Decision("insufficient", text, (), "level")
    return decision


def _raises(consultation: Consultation, decision: Decision) -> bool:
    """True if more is advised than is ordered or given now."""
    own = consultation
    now = [one.daily_dose_mg for one in (own.case.order.regimen, own.timing.present) if one is not None]
    advised = [one.regimen.daily_dose_mg for one in decision.options if one.role == "recommended"]
    return bool(now and advised) and max(advised) > min(now)


def _set_aside_says_less(consultation: Consultation, decision: Decision) -> bool:
    """True if the last level was too high to be believed and, if it were real, would not raise the dose."""
    own, other = consultation, decision.without_flagged
    now = [one.daily_dose_mg for one in (own.case.order.regimen, own.timing.present) if one is not None]
    doubted = bool(own.reviewed.levels) and explain.is_beyond(own.reviewed.levels[-1])
    return doubted and other is not None and bool(now) and other.daily_dose_mg <= min(now)


def _compared(consultation: Consultation, screening: Screening, chosen: Scored) -> Decision:
    """Compare with the order; keep it where nothing is relevantly better."""
    own, ordered = consultation, consultation.ordered
    limits = broken_by(own)
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
    return Decision(
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


def broken_by(consultation: Consultation) -> tuple[BrokenLimit, ...]:
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
        notes=(*(one.text for one in broken_by(consultation)), *notes, *_first_doses(consultation)),
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
