"""An aim derived from the patient's own dose-response: the concentrations that bring the wanted effect.

Drug levels tell the kinetics and measured effects tell how much of it this patient needs (the EC50). Where
the effects have taught enough about the latter, the range of concentrations that gives the wanted effect
replaces the population's range. It is read off the patient's own curves, so that it holds for any effect
model, also a delayed one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dosing_core import phrases
from dosing_core.case import Regimen
from dosing_core.goals.dose_response import curves, dose_at, value_at
from dosing_core.library.targets import IndividualRule
from dosing_core.population.individual import FloatArray
from dosing_core.recommendation import Estimate, Target
from dosing_core.regimens.options import estimate, six
from dosing_core.regimens.responses import Schedule
from dosing_core.regimens.scored import Question


@dataclass(frozen=True)
class IndividualAim:
    """The aim and what it rests on."""

    target: Target
    ec50: Estimate
    """mg/L, of this patient."""
    learned: float
    """1 - posterior / prior variance of ln EC50."""
    low: Estimate
    """Concentration that gives the lower end of the wanted effect, mg/L; its median is the target's end."""
    high: Estimate


def individual_aim(question: Question, rule: IndividualRule, regimen: Regimen) -> IndividualAim | None:
    """The aim under this regimen's schedule; None if the effects have not taught enough about the EC50, or if
    no dose that was looked at brings the wanted effect in most particles.

    Raises ``UnusableGoal`` if the models lack the effect.
    """
    learned = _learned(question, rule.ec50)
    if learned < rule.least_learned.value:
        return None
    named = {"output": rule.output, "utility": None, "low": rule.desired.low, "high": rule.desired.high}
    effect = question.target.model_copy(update={"metric": "effect"} | named)
    level = question.target.model_copy(update={"metric": rule.metric} | named)
    schedule = Schedule(regimen.interval_h, regimen.duration_h, regimen.route)
    found = curves(replace(question, target=effect), schedule, regimen.dose_mg, (effect, level))
    ends, reached = [], []
    for wanted in (rule.desired.low, rule.desired.high):
        dose, inside = dose_at(found.doses, found.values[0], wanted)
        ends.append(value_at(found.doses, found.values[1], dose))
        reached.append(float(np.mean(inside)))
    if min(reached) < 0.5:
        return None
    low, high = sorted((estimate(end) for end in ends), key=lambda one: one.median)
    if not low.median < high.median:
        return None
    ec50 = estimate(_parameter(question, rule.ec50))
    span = f"{phrases.figure(rule.desired.low)}–{phrases.figure(rule.desired.high)} {rule.desired.unit}"
    target = question.target.model_copy(
        update={
            "metric": rule.metric,
            "low": six(low.median),
            "high": six(high.median),
            "output": "",
            "source": f"This patient's own dose-response: {rule.output} of {span}",
            "note": "",
        }
    )
    return IndividualAim(target, ec50, six(learned), low, high)


def _parameter(question: Question, name: str) -> FloatArray:
    """The parameter's present value [n], of the particles whose model has it."""
    found = [
        individual.parameters(eta)[:, -1, individual.columns.index(name)]
        for individual, eta in question.particles
        if name in individual.columns
    ]
    return np.concatenate(found) if found else np.empty(0)


def _learned(question: Question, name: str) -> float:
    """1 - posterior / prior variance of the parameter's logarithm; 0 where no model lets it vary."""
    prior = [
        float(individual.omega[place, place])
        for individual, _ in question.particles
        if name in individual.columns
        and (place := int(individual.eta_index[individual.columns.index(name)])) >= 0
    ]
    values = _parameter(question, name)
    if not prior or not len(values) or not (values > 0.0).all() or max(prior) <= 0.0:
        return 0.0
    return max(0.0, 1.0 - float(np.var(np.log(values))) / max(prior))
