"""The loading dose of a treatment that is not running."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dosing_core import phrases
from dosing_core.case import Regimen
from dosing_core.goals.attainment import attainment
from dosing_core.library.products import Loading
from dosing_core.library.schema import DrugFile
from dosing_core.physiology.body_size import body_mass_index
from dosing_core.regimens.infusion import standard_duration
from dosing_core.regimens.respond import respond
from dosing_core.regimens.responses import Schedule
from dosing_core.regimens.scored import Question

_ROUNDING = 1e-9
ALIKE = {"metric": "auc24", "low": 0.8, "high": 1.25}
"""The first day's area is like a later day's within the limits by which two products count as bioequivalent
(FDA, Statistical Approaches to Establishing Bioequivalence, 2001: 80 to 125 %)."""


@dataclass(frozen=True)
class LoadingDose:
    """One loading dose and why it is so large."""

    amount_mg: float
    duration_h: float
    note: str


def loading_doses(rule: Loading, weight_kg: float, height_cm: float | None) -> tuple[tuple[float, ...], str]:
    """The allowed loading doses, mg, and the rule that they follow, in words.

    Without a height nobody knows whether the rule for obesity holds; the range that fits both is taken.
    """
    obese = height_cm is None or body_mass_index(weight_kg, height_cm) >= rule.obesity_bmi.value
    span = rule.obesity_per_kg if obese else rule.per_kg
    lowest, highest = (min(x * weight_kg, rule.cap.value) for x in (span.low, span.high))
    step = rule.increment.value
    first = math.ceil(lowest / step - _ROUNDING)
    last = math.floor(highest / step + _ROUNDING)
    doses = tuple(step * k for k in range(first, last + 1))
    if not doses:
        doses = (step * math.floor(highest / step + _ROUNDING),)
    words = f"{phrases.between(span.low, span.high)} mg/kg of actual weight"
    capped = span.high * weight_kg > rule.cap.value
    words += f", capped at {phrases.dose(rule.cap.value)}" if capped else ""
    if height_cm is None:
        words += "; the narrower range for obesity, as no height is on record"
    elif obese:
        words += f"; BMI {phrases.plain(round(body_mass_index(weight_kg, height_cm)))}"
    return tuple(dose for dose in doses if dose > 0), words


def choose_loading(
    question: Question, drug_file: DrugFile, regimen: Regimen, weight_kg: float, height_cm: float | None
) -> LoadingDose | None:
    """The least allowed loading dose whose first day is relevantly as good as any; None if the file has none.

    Judged by the chance that the AUC of the first 24 h, maintenance included, is inside the target. Where the
    target is no AUC24, by the chance that the first day's area is like that of a later day, particle by
    particle. A larger dose has to earn its longer infusion and its risk by a relevantly better chance.
    """
    rule = drug_file.loading
    if rule is None or drug_file.infusion is None or regimen.route != "iv":
        return None
    doses, words = loading_doses(rule, weight_kg, height_cm)
    if not doses:
        return None
    schedule = Schedule(regimen.interval_h, regimen.duration_h, regimen.route)
    (response,) = respond(question, (schedule,))
    maintenance = np.array([regimen.dose_mg])
    aimed_at = question.target.metric == "auc24"
    later = np.ones(question.particles.size) if aimed_at else response.auc24(maintenance)[0]
    target = question.target if aimed_at else question.target.model_copy(update=ALIKE)
    inside = []
    for dose in doses:
        day = response.first_day_auc(maintenance, dose, standard_duration(dose, drug_file.infusion))
        inside.append(attainment(day / later, target)[0].inside)
    enough = max(inside) - question.judgement.relevant_chance.value
    chosen = next(dose for dose, chance in zip(doses, inside, strict=True) if chance >= enough)
    return LoadingDose(
        amount_mg=chosen,
        duration_h=standard_duration(chosen, drug_file.infusion),
        note=f"Loading dose {words}.",
    )
