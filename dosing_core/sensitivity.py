"""What an answer takes for granted, and the dose that would follow if it were otherwise, by how much it
matters.

Each alternative dose comes from the same search on the same particles with one fact changed (``what_if``).
What would change the dose most comes first; what cannot be computed follows as words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from dosing_core import phrases
from dosing_core.case import Case, Measurement, Regimen
from dosing_core.consultation import Consultation
from dosing_core.inference.observations import Observations
from dosing_core.kinetics import DoseTable
from dosing_core.physiology.body_size import WeightChoice
from dosing_core.population import covariates as timeline
from dosing_core.population.covariate import Covariate
from dosing_core.population.individual import FloatArray, Individual
from dosing_core.population.model import PopulationModel
from dosing_core.population.readings import read_now
from dosing_core.recommendation import Assumption, LevelReview
from dosing_core.regimens.options import six
from dosing_core.screening import Screening, latest_measurement
from dosing_core.what_if import WhatIf

RISE = 1.5
"""The rise of creatinine that KDIGO 2012 calls an acute kidney injury."""
MOST_LEVELS = 3
"""So many of the last levels are left out in turn: more would tell less than they cost."""
WEIGHT_OFF = 0.1
"""A charted weight may be so far from the true one: estimated, or with ten litres of fluid. Project
policy."""
TIME_OFF_H = 1.0
"""A level may have been drawn so much earlier or later than charted. Project policy."""
LEAST_SHARE = 0.02
"""A model or an unknown fact less likely than this is not asked alone. Project policy."""


def assumptions(
    consultation: Consultation, screening: Screening, answered: Regimen | None
) -> tuple[Assumption, ...]:
    """Everything taken for granted: what would change the dose most first, then what was only supposed.

    ``answered``: the regimen that the answer stands by; without one nothing is asked otherwise.
    """
    own = consultation
    asked = _asked(WhatIf(own, answered)) if answered is not None else []
    ranked = sorted(asked, key=lambda one: -abs(one.effect or 0.0))
    said = (*screening.assumptions, *own.supposed)
    return (
        *own.panel.assumptions,
        *_options(own),
        *ranked,
        *_unwritten_length(own),
        *(Assumption(text=text) for text in said),
        *(Assumption(text=text) for text in own.drug_file.assumptions),
    )


@dataclass(frozen=True, eq=False)
class _Weighed:
    """An alternative under which the same patients are likelier or less likely."""

    said: Assumption
    weight: FloatArray


@dataclass(frozen=True, eq=False)
class _Otherwise:
    """An alternative history of doses, or other levels."""

    said: Assumption
    history: DoseTable
    seen: Observations


def _asked(what_if: WhatIf) -> list[Assumption]:
    """Everything that can be worked out otherwise."""
    weighed = [*_by_each_model(what_if), *_unknown_facts(what_if)]
    found: list[Assumption] = []
    otherwise = (*_without_each_level(what_if), *_levels_otherwise(what_if))
    weights = what_if.levels_otherwise([(one.history, one.seen) for one in otherwise])
    for one, weight in zip(otherwise, weights, strict=True):
        if weight is not None:
            weighed.append(_Weighed(one.said, weight))
        else:
            found += _answered(what_if, one.said, what_if.believed_otherwise(one.history, one.seen))
    regimens = what_if.weighed([one.weight for one in weighed])
    for likelier, regimen in zip(weighed, regimens, strict=True):
        found += _answered(what_if, likelier.said, regimen)
    return [*found, *_changed_people(what_if)]


def _answered(what_if: WhatIf, said: Assumption, regimen: Regimen | None) -> list[Assumption]:
    """The assumption with its dose; nothing where that could not be told."""
    if regimen is None:
        return []
    effect = regimen.daily_dose_mg / what_if.answered.daily_dose_mg - 1.0
    return [said.model_copy(update={"regimen_otherwise": regimen, "effect": six(effect)})]


def _by_part(what_if: WhatIf, share: dict[int, float]) -> FloatArray:
    """[n] the same weight for all particles of one individual, by its ``id``; 0 where it is not named."""
    return np.concatenate([np.full(len(eta), share.get(id(person), 0.0)) for person, eta in what_if.people])


def _by_each_model(what_if: WhatIf) -> Iterator[_Weighed]:
    """Each model alone."""
    own = what_if.own
    if len(own.panel.speakers) < 2:
        return
    for place, speaker in enumerate(own.panel.speakers):
        parts = [one for one in own.belief.components if own.panel.speaker_of(one.individual) == place]
        probability = sum(one.probability for one in parts)
        weight = _by_part(what_if, {id(one.individual): 1.0 for one in parts})
        if probability >= LEAST_SHARE and weight.any():
            said = Assumption(
                text="Several models speak, each as much as it applies and predicted the levels.",
                otherwise=f"By {speaker.model.name} alone ({phrases.percent(probability)})",
                about="model",
            )
            yield _Weighed(said, weight)


def _unknown_facts(what_if: WhatIf) -> Iterator[_Weighed]:
    """Each thing that an unknown fact may be."""
    own = what_if.own
    names = tuple(dict.fromkeys(part.name for part in own.belief.components))
    for name in names if len(names) > 1 else ():
        parts = [part for part in own.belief.components if part.name == name]
        probability = sum(part.probability for part in parts)
        weight = _by_part(what_if, {id(part.individual): 1.0 for part in parts})
        if weight.any():
            said = Assumption(
                text="What is not known weighs as much as it explains the levels.",
                otherwise=f"If {name} ({phrases.percent(probability)} likely)",
                about="unknown",
            )
            yield _Weighed(said, weight)


def _without_each_level(what_if: WhatIf) -> Iterator[_Otherwise]:
    """Each of the last levels, and the dose without it."""
    own = what_if.own
    for place, index in list(enumerate(own.reviewed.used))[-MOST_LEVELS:]:
        said = Assumption(
            text=f"The {_named(own, own.reviewed.levels[index])} is right.",
            otherwise="Without it",
            about="level",
        )
        yield _Otherwise(said, own.history, own.reviewed.seen.without(place))


def _named(consultation: Consultation, review: LevelReview) -> str:
    value = phrases.level(review, consultation.drug_file.as_display)
    return f"{review.output or 'level'} of {value}"


def _levels_otherwise(what_if: WhatIf) -> Iterator[_Otherwise]:
    """The last level drawn earlier or later than charted, and the last dose before it missed."""
    own = what_if.own
    if not own.reviewed.used:
        return
    last, seen = len(own.reviewed.used) - 1, own.reviewed.seen
    named = _named(own, own.reviewed.levels[own.reviewed.used[last]])
    for hours, words in ((-TIME_OFF_H, "earlier"), (TIME_OFF_H, "later")):
        text = f"The {named} was drawn when it is charted."
        said = Assumption(text=text, otherwise=f"If {TIME_OFF_H:g} h {words}", about="timing")
        yield _Otherwise(said, own.history, _moved(seen, last, hours))
    missed = _without_last_dose(own.history, float(seen.time[last]))
    if missed is not None:
        said = Assumption(
            text="Every dose on record reached the patient.",
            otherwise=f"If the last dose before the {named} did not",
            about="adherence",
        )
        yield _Otherwise(said, missed, seen)


def _moved(seen: Observations, place: int, hours: float) -> Observations:
    time = seen.time.copy()
    time[place] += hours
    return replace(seen, time=time)


def _without_last_dose(history: DoseTable, before_h: float) -> DoseTable | None:
    """The history without the last dose before this time; None if there is none."""
    earlier = np.flatnonzero(history.time < before_h)
    if not len(earlier):
        return None
    kept = np.delete(np.arange(len(history)), earlier[-1])
    return DoseTable(history.time[kept], history.amount[kept], history.duration[kept], history.depot[kept])


def _changed_people(what_if: WhatIf) -> list[Assumption]:
    """Other values of what the models read, or another way to read it."""
    found: list[Assumption] = []
    for group in (_creatinine_rises, _weight_off, _kidneys_otherwise):
        for said, changed in group(what_if.own):
            found += _answered(what_if, said, what_if.people_otherwise(changed))
    return _without_the_lesser(found)


def _without_the_lesser(found: Iterable[Assumption]) -> list[Assumption]:
    """Of a weight that may be off to both sides, the side that matters more."""
    kept: dict[str, Assumption] = {}
    for place, one in enumerate(found):
        key = one.text if one.about == "weight" else str(place)
        if key not in kept or abs(one.effect or 0.0) > abs(kept[key].effect or 0.0):
            kept[key] = one
    return list(kept.values())


_Alternative = tuple[Assumption, dict[int, Individual]]


def _creatinine_rises(own: Consultation) -> Iterator[_Alternative]:
    """The next likely change of kidney function, where the drug file cares."""
    rule = own.drug_file.rising_creatinine
    latest = latest_measurement(own.case.subject.creatinine, own.case.now)
    if rule is None or rule.action != "pause" or latest is None:
        return
    risen = Measurement(value=latest.value * RISE, time=own.case.now, source="supposed")
    known = tuple(m for m in own.case.subject.creatinine if m.time <= own.case.now)
    changed = own.panel.rebound(_with_subject(own.case, creatinine=(*known, risen)))
    if changed is not None:
        said = Assumption(
            text=f"Creatinine stays at {phrases.plain(latest.value)} mg/dL.",
            otherwise=f"At {phrases.plain(round(risen.value, 2))} mg/dL, once steady",
            about="creatinine",
        )
        yield said, changed


def _weight_off(own: Consultation) -> Iterator[_Alternative]:
    """A tenth less or more than charted."""
    if "weight" not in _read(own):
        return
    weights = own.case.subject.weight
    for factor in (1.0 - WEIGHT_OFF, 1.0 + WEIGHT_OFF):
        scaled = tuple(one.model_copy(update={"value": one.value * factor}) for one in weights)
        changed = own.panel.rebound(_with_subject(own.case, weight=scaled))
        if changed is not None:
            said = Assumption(
                text=f"The weight of {phrases.weight(own.weight_kg)} is right.",
                otherwise=f"If it were {phrases.weight(own.weight_kg * factor)}",
                about="weight",
            )
            yield said, changed


def _kidneys_otherwise(own: Consultation) -> Iterator[_Alternative]:
    """Kidney function by another equation, and with another weight in the same one."""
    covariate = next((one for one in _covariates(own) if one.quantity == "creatinine_clearance"), None)
    if covariate is None or own.height_cm is None:
        return
    now = read_now(covariate, own.case)
    others: tuple[tuple[dict[str, object], str], ...] = (
        ({"equation": "ckd_epi_2021"}, "By CKD-EPI 2021"),
        ({"weight": WeightChoice.ADJUSTED}, "With adjusted weight"),
    )
    for update, words in others:
        altered = covariate.model_copy(update=update)
        then = read_now(altered, own.case)
        if now is None or then is None or abs(then.value - now.value) < 1.0:
            continue
        changed = own.panel.rebound(own.case, partial(_reading, update=update))
        if changed is not None:
            said = Assumption(
                text="Kidney function is read by Cockcroft–Gault, with the weight that each model takes.",
                otherwise=f"{words}: {then.value:.0f} instead of {now.value:.0f} mL/min",
                about="renal_equation",
            )
            yield said, changed


def _reading(model: PopulationModel, update: dict[str, object]) -> PopulationModel:
    """The model with creatinine clearance obtained in another way."""
    covariates = {
        name: one.model_copy(update=update) if one.quantity == "creatinine_clearance" else one
        for name, one in model.covariates.items()
    }
    return model.model_copy(update={"covariates": covariates})


def _covariates(own: Consultation) -> Iterator[Covariate]:
    for speaker in own.panel.speakers:
        yield from speaker.model.covariates.values()


def _read(own: Consultation) -> set[str]:
    """Timelines that any model reads."""
    return {name for covariate in _covariates(own) for name in timeline.timelines(covariate)}


def _with_subject(case: Case, **changes: object) -> Case:
    return case.model_copy(update={"subject": case.subject.model_copy(update=changes)})


def _options(own: Consultation) -> Iterator[Assumption]:
    """Departures from the plain posterior that were asked for."""
    options = own.case.options
    if options.prior_weight < 1.0:
        text = (
            f"The population counts for {phrases.percent(options.prior_weight)} of its weight, as was asked "
            "(flattened prior): the levels move the estimate further than they do as a rule."
        )
        yield Assumption(text=text)
    if options.recency_half_life_h is not None:
        age = phrases.age(options.recency_half_life_h)
        yield Assumption(text=f"Levels count half as much with every {age} of age, as was asked.")
    if options.model is not None:
        yield Assumption(text=f"Only {own.panel.main.model.name} speaks, as was asked.")


def _unwritten_length(own: Consultation) -> Iterator[Assumption]:
    written: Regimen | None = own.case.order.regimen
    judged = own.ordered.regimen if own.ordered else None
    if written is not None and judged is not None and written.duration_h != judged.duration_h:
        length = phrases.infusion_length(judged.duration_h)
        yield Assumption(text=f"The order names no length of infusion: {length} is taken.")
