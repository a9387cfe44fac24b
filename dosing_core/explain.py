"""Why this answer: plain sentences about what is known, what the levels changed and what was compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from dosing_core import phrases
from dosing_core.case import Case
from dosing_core.changing import actions, changing
from dosing_core.consultation import Consultation
from dosing_core.immunogenicity import remarks
from dosing_core.library.schema import DrugFile
from dosing_core.physiology.protein_binding import phenytoin_at_normal_albumin, valproate_at_normal_albumin
from dosing_core.population.covariates import at
from dosing_core.population.other_drugs import OtherDrugs
from dosing_core.recommendation import (
    BrokenLimit,
    LevelReview,
    OtherMode,
    Outcome,
    ParameterEstimate,
    Reference,
    RegimenOption,
    UsedFact,
)
from dosing_core.screening import Screening
from dosing_core.variability import Beside

AS_EXPECTED = 0.1
"""A parameter within a tenth of what is expected is as expected. Project policy."""


FITS = 0.5
"""An order fits if it is likelier than not inside the target. Project policy."""


def reason(
    consultation: Consultation, screening: Screening, relevant: bool, limits: Sequence[BrokenLimit]
) -> str:
    """The outcome's reason in one or two sentences; figures stand in the options."""
    ordered, target = consultation.ordered, consultation.target
    metric = phrases.metric_name(target)
    if ordered is None:
        unread = screening.order_unread
        if unread is None:
            return "No complete dose is written; this one fits what is known of the patient."
        return f"{phrases.capital(unread.detail.rstrip('. '))}. The dose advised fits what is known."
    if limits and all(one.kind == "rate" for one in limits):
        return "The order as written runs faster than the drug file allows."
    if limits:
        return "The order as written exceeds a limit of the drug file."
    if not relevant and ordered.attainment.inside >= FITS:
        return "The order fits what is known of this patient; no practical dose is relevantly better."
    if not relevant and target.low <= ordered.median <= target.high:
        if not consultation.reviewed.used:
            return "The order can stand until a level tells more; no practical dose is relevantly better."
        return f"The order's {metric} is expected near the target; no practical dose is relevantly better."
    if not relevant:
        return f"The order's {metric} is expected at the edge of the target; no dose is relevantly better."
    if ordered.median > target.high:
        return f"The order as written is likely to give too much: its {metric} is expected above the target."
    if ordered.median < target.low:
        return (
            f"The order as written is likely to give too little: its {metric} is expected below the target."
        )
    chosen = consultation.chosen
    if chosen is not None and consultation.drug_file.judgement.harm_weight is not None:
        gain = chosen.attainment.inside - ordered.attainment.inside
        if gain < consultation.drug_file.judgement.relevant_chance.value:
            return "Another dose does about as well and is less likely to bring a trough that harms."
    return f"Another dose is more likely to keep the {metric} inside the target."


def why(consultation: Consultation, screening: Screening, outcome: Outcome) -> tuple[str, ...]:
    """What the answer rests on, in the order in which a colleague would tell it."""
    return tuple(_why(consultation, screening, outcome))


def _why(consultation: Consultation, screening: Screening, outcome: Outcome) -> Iterator[str]:
    reviewed, case = consultation.reviewed, consultation.case
    route = case.order.route or consultation.drug_file.main_route
    yield from changing(consultation.drug_file.interactions, case, route)
    if not reviewed.used:
        drug = consultation.drug_file.display.drug_name
        usable = "usable " if reviewed.levels or consultation.case.levels or _excluded(screening) else ""
        yield f"No {usable}{drug} level yet: the interval is as wide as people like this one differ."
    else:
        yield _what_levels_say(consultation)
        yield from _at_normal_albumin(consultation)
        yield from (review.note for review in reviewed.levels if review.used and review.note)
        if _creatinine_does_not_explain(consultation, screening):
            yield "Creatinine is steady, so it does not explain the difference; the levels count for more."
    yield from _out_of_proportion(consultation)
    compared = f"{len(consultation.candidates)} practical regimens inside the limits were compared"
    if outcome == "recommend":
        yield f"{compared} on the same likely patients; the recommended one has the least expected loss."
    if outcome == "agree":
        yield f"{compared} on the same likely patients; none is relevantly better than the order."


OUT_OF_PROPORTION = 1.2
"""So many times the rise of the dose, the rise of exposure is worth a sentence. Project policy."""


def _out_of_proportion(consultation: Consultation) -> Iterator[str]:
    """How much more than the dose the exposure rises, where an order raises the present dose of a drug whose
    elimination saturates."""
    own, ordered, present = consultation, consultation.ordered, consultation.timing.present
    if ordered is None or present is None or own.question.superposes:
        return
    now = next((one for one in own.search.scored if one.regimen == present), None)
    if now is None or now.median <= 0.0:
        return
    dose, rise = ordered.regimen.daily_dose_mg / present.daily_dose_mg, ordered.median / now.median
    if dose > 1.0 and rise > OUT_OF_PROPORTION * dose:
        metric = phrases.metric_name(own.target)
        yield (
            f"{100.0 * (dose - 1.0):.0f} % more a day is expected to raise the {metric} by "
            f"{100.0 * (rise - 1.0):.0f} %: elimination saturates, so levels rise out of proportion."
        )


RARE = 0.05
"""A patient further out than all but one in twenty is called unusual. Project policy."""


def beside(consultation: Consultation, found: Beside | None, modes: Sequence[OtherMode]) -> Iterator[str]:
    """What the levels removed of the variability, whether the patient is unusual, what else would explain
    it."""
    metric, used = phrases.metric_name(consultation.target), len(consultation.reviewed.used)
    parts = found.variability if found else None
    if parts is not None and used:
        share, levels = phrases.percent(parts.removed), "levels" if used > 1 else "level"
        said = f"The {levels} removed {share} of what sets people alike apart in {metric}"
        if parts.occasion > 0.0:
            said += f"; {phrases.percent(parts.occasion**0.5)} from occasion to occasion stays"
        yield f"{said}."
    if found is not None and found.unusual is not None and found.unusual < RARE:
        share = phrases.percent(found.unusual)
        yield f"Such a patient is unusual: {share} of people alike lie so far from what is typical."
    for mode in modes:
        value = phrases.exposure(mode.exposure, consultation.target, consultation.drug_file.as_display)
        yield (
            f"Another explanation of the levels has {phrases.percent(mode.share)} of the probability; by it "
            f"the {metric} would be {value}."
        )


def _excluded(screening: Screening) -> bool:
    return any(finding.about == "levels" and finding.kind == "excluded" for finding in screening.findings)


def _what_levels_say(consultation: Consultation) -> str:
    count = len(consultation.reviewed.used)
    who = "The level puts" if count == 1 else f"The {count} levels put"
    estimate = clearance(consultation)
    if estimate is None:
        return f"{who} concentrations where the curve shows them."
    value = estimate.estimate
    figures = f"{phrases.figure(value.median)} L/h ({phrases.figure(value.low)}–{phrases.figure(value.high)})"
    return f"{who} {estimate.name} at {figures}, {_against(value.median, estimate.typical)}."


def _at_normal_albumin(consultation: Consultation) -> Iterator[str]:
    """What the last level would be if albumin were normal, of a drug that albumin carries."""
    own, reviewed = consultation, consultation.reviewed
    if own.drug_file.levels.albumin_correction is None:
        return
    last = reviewed.levels[reviewed.used[-1]]
    albumin = at(own.case.subject.albumin, last.time).value if own.case.subject.albumin else None
    if last.output or albumin is None:
        return
    if own.drug_file.levels.albumin_correction == "sheiner_tozer":
        like, whose = phenytoin_at_normal_albumin(last.observed, albumin / 10.0), "Sheiner and Tozer"
    else:
        like, whose = valproate_at_normal_albumin(last.observed, albumin), "Hermida and Tutor"
    if abs(like / last.observed - 1.0) < AS_EXPECTED:
        return
    display = own.drug_file.as_display
    yield (
        f"At an albumin of {phrases.plain(round(albumin, 1))} g/L the total level of "
        f"{phrases.measured(last.observed, display)} is like one of {phrases.concentration(like, display)} "
        f"{display.concentration_unit} at a normal albumin ({whose})."
    )


def clearance(consultation: Consultation) -> ParameterEstimate | None:
    """The estimate of clearance, if the model lets it vary between people."""
    return next((one for one in consultation.parameters if one.name.endswith("clearance")), None)


def _against(value: float, typical: float) -> str:
    difference = value / typical - 1.0
    expected = f"what is expected for this patient ({phrases.figure(typical)} L/h)"
    if abs(difference) < AS_EXPECTED:
        return f"close to {expected}"
    side = "above" if difference > 0 else "below"
    return f"{phrases.percent(abs(difference))} {side} {expected}"


def _creatinine_does_not_explain(consultation: Consultation, screening: Screening) -> bool:
    rule, estimate = consultation.drug_file.rising_creatinine, clearance(consultation)
    return (
        rule is not None
        and rule.action == "pause"
        and screening.trend.direction == "steady"
        and estimate is not None
        and abs(estimate.estimate.median / estimate.typical - 1.0) > 2 * AS_EXPECTED
    )


def used_facts(consultation: Consultation) -> tuple[UsedFact, ...]:
    """Facts of the model, then what was given and measured."""
    return (*consultation.panel.used, *history_facts(consultation.case, consultation))


def history_facts(case: Case, consultation: Consultation) -> Iterator[UsedFact]:
    """The doses and levels that were counted."""
    if case.doses:
        last = case.doses[-1]
        counts = Counter(dose.status for dose in case.doses)
        given = counts.pop("administered", 0)
        text = ", ".join([f"{given} given", *(f"{count} {status}" for status, count in counts.items())])
        yield UsedFact(
            name="doses",
            value=f"{text}; last {phrases.dose(last.amount_mg, consultation.drug_file.display)}",
            time=last.time,
            source=last.source,
        )
    display = consultation.drug_file.as_display
    for index in consultation.reviewed.used:
        level = consultation.reviewed.levels[index]
        value = phrases.level(level, display)
        yield UsedFact(name=level.output or "level", value=value, time=level.time, source=level.source)


def references(drug_file: DrugFile) -> tuple[Reference, ...]:
    """The drug file's sources."""
    return tuple(Reference(text=one.text, url=one.url) for one in drug_file.references)


def about_the_order(broken: Sequence[BrokenLimit]) -> tuple[str, ...]:
    """Broken limits, said of the order."""
    return tuple(f"The order as written: {one.text[:1].lower()}{one.text[1:]}" for one in broken)


def left_out(consultation: Consultation, screening: Screening) -> tuple[str, ...]:
    """What of the record could not be used, also that there should be doses and are none."""
    nothing = consultation.timing.running and not consultation.case.doses and not screening.doses_in_doubt
    return (*screening.left_out, *(("no dose of the running treatment is on record",) if nothing else ()))


def high_level(consultation: Consultation) -> str:
    """Why the next dose waits for a new level, whatever regimen follows; empty if nothing says so.

    The last level, drawn just before a dose or higher than anything explains, is far above any trough aimed
    at; or such a level is expected when the next dose is due.
    """
    own, rule = consultation, consultation.drug_file.levels.high
    if rule is None or not own.case.doses:
        return ""
    aim = rule.trough.value if rule.trough else own.target.high
    limit, display = rule.factor.value * aim, own.drug_file.as_display
    far = f"far above {phrases.measured(aim, display)}, the highest trough aimed at."
    last = own.reviewed.levels[-1] if own.reviewed.levels else None
    if last is not None and last.observed > limit and (_is_trough(own, last) or is_beyond(last)):
        value = phrases.measured(last.observed, display)
        return f"Hold the next dose and repeat the level: the last one, {value}, is {far}"
    due = own.expected_when_due
    if due > limit:
        value = f"{phrases.concentration(due, display)} {display.concentration_unit}"
        return f"Hold the next dose and take a level: about {value} are expected when it is due, {far}"
    return ""


def is_beyond(level: LevelReview) -> bool:
    """True if the level is flagged for being too high."""
    return not level.plausible and level.observed > level.expected.high


def _is_trough(consultation: Consultation, level: LevelReview) -> bool:
    """True if it was drawn about when the next dose was due, or later."""
    present, tolerance = consultation.timing.present, consultation.drug_file.levels.trough_tolerance_h.value
    after = level.hours_after_dose
    return present is not None and after is not None and after >= present.interval_h - tolerance


def _unlike(consultation: Consultation) -> Iterator[str]:
    """How the patient differs from the people of each model that speaks, naming the model where several
    do."""
    speakers = consultation.panel.speakers
    for speaker in speakers:
        of = "the model" if len(speakers) == 1 else speaker.model.name
        yield from (f"Unlike the people of {of}: {text}." for text in speaker.bound.outside)


def no_loading(consultation: Consultation, screening: Screening) -> str:
    """Why no loading dose is offered where one would be usual; empty if there is no such reason."""
    own, doubt = consultation, screening.doses_in_doubt
    if own.drug_file.loading is None or own.timing.running or doubt is None:
        return ""
    return f"No loading dose is offered, as it is not known what was given: {doubt.detail.rstrip('. ')}."


def harmful_trough(drug_file: DrugFile, options: Sequence[RegimenOption]) -> tuple[str, ...]:
    """What the order's trough, or without an order the advised regimen's, has in store; the gravest only."""
    for role in ("as_ordered", "recommended"):
        for option in options:
            trough = next((one.estimate.median for one in option.exposures if one.metric == "trough"), None)
            if option.role != role or trough is None:
                continue
            reached = [rule for rule in drug_file.harmful_troughs if trough > rule.above.value]
            if not reached:
                return ()
            gravest = max(reached, key=lambda rule: rule.above.value)
            unit = drug_file.display.concentration_unit
            said = f"{phrases.concentration(trough, drug_file.as_display)} {unit}"
            return (f"The trough is expected near {said}. {gravest.text}",)
    return ()


def warnings(
    consultation: Consultation, screening: Screening, broken: Sequence[BrokenLimit], judged: bool
) -> tuple[str, ...]:
    """What must not be overlooked, the gravest first. ``judged``: a dose is judged at all."""
    reviewed = consultation.reviewed
    flagged = [review.note for review in reviewed.levels if not review.used]
    said = list(about_the_order(broken))
    without = " The dose is worked out without it." if judged else ""
    said += [f"{note}{without}" for note in flagged]
    said += screening.warnings
    if consultation.timing.far_ahead:
        ahead = phrases.age(consultation.timing.starts_h)
        said.append(
            f"The order starts in {ahead}: what is known today may not hold then; ask again before it."
        )
    said += filter(None, [no_loading(consultation, screening) if judged else ""])
    said += remarks(consultation.case, consultation.drug_file)
    said += _unlike(consultation)
    if consultation.timing.running and not consultation.case.doses:
        said.append("The treatment runs but no given dose is on record, so what is in the body is not known.")
    said += _other_drugs(consultation)
    spoken_of = consultation.ordered or consultation.chosen
    if spoken_of is not None and spoken_of.attainment.above > 0.5:
        said += consultation.drug_file.warnings_above
    return tuple(said)


def _other_drugs(consultation: Consultation) -> list[str]:
    """What to do about other drugs that change this one's exposure."""
    case = consultation.case
    route = case.order.route or consultation.drug_file.main_route
    interactions = consultation.drug_file.interactions
    others = OtherDrugs(interactions, case.subject, route, case.now)
    return [*actions(interactions, case, route), *(one.interaction.action for one in others.lasting)]
