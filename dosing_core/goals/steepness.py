"""How far apart, for this patient, the dose that works and the dose that harms are.

A therapeutic index compares two medians of a population. Here both doses are read off the same patient's
curves, particle by particle: where the curve is steep, or clearance saturates, a small step of the dose
crosses both, whatever the index says.
"""

from __future__ import annotations

import numpy as np

from dosing_core.case import Regimen
from dosing_core.goals.attainment import with_error
from dosing_core.goals.dose_response import curves, dose_at
from dosing_core.library.targets import SteepnessRule, SteepPoint
from dosing_core.recommendation import Chance, Steepness, Target
from dosing_core.regimens.options import estimate, six
from dosing_core.regimens.responses import Schedule
from dosing_core.regimens.scored import Question


def steepness(question: Question, rule: SteepnessRule | None, regimen: Regimen) -> Steepness:
    """The margin between working and harming at this regimen's schedule.

    Without a rule of the drug file, working is the lower end of the target and harming its upper end.
    Raises ``UnusableGoal`` if a point cannot be asked of the models.
    """
    target = question.target
    if rule is None:
        benefit, harm = target, target
        levels, texts = (
            (target.low, target.high),
            ("the lower end of the target", "the upper end of the target"),
        )
    else:
        benefit, harm = _of(rule.benefit, target), _of(rule.harm, target)
        levels = (rule.benefit.level.value, rule.harm.level.value)
        texts = (rule.benefit.text, rule.harm.text)
    schedule = Schedule(regimen.interval_h, regimen.duration_h, regimen.route)
    found = curves(question, schedule, regimen.dose_mg, (benefit, harm))
    effective, works = dose_at(found.doses, found.values[0], levels[0])
    harmful, harms = dose_at(found.doses, found.values[1], levels[1])
    margin = harmful / effective
    overlap = with_error(float(np.mean(margin <= 1.0)), min(question.effective, float(len(margin))))
    return Steepness(
        benefit=texts[0],
        harm=texts[1],
        effective_mg=estimate(effective),
        harmful_mg=estimate(harmful),
        margin=estimate(margin),
        overlap=Chance(value=six(overlap.value), standard_error=six(overlap.standard_error)),
        beyond=six(float(np.mean(~(works & harms)))),
    )


def _of(point: SteepPoint, target: Target) -> Target:
    level = point.level.value
    ends = {"low": 0.5 * level, "high": level} if point.metric != "occupancy" else {"low": 0.0, "high": 1.0}
    return target.model_copy(update={"metric": point.metric, "output": point.output, "utility": None} | ends)
