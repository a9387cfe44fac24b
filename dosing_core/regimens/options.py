"""One regimen, judged in full: exposures, first day, chances, loss, and the limits that it touches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import numpy as np

from dosing_core.case import Regimen
from dosing_core.population.individual import FloatArray
from dosing_core.recommendation import Chance, Estimate, Exposure, RegimenOption
from dosing_core.regimens.loading import LoadingDose
from dosing_core.regimens.responses import Schedule, responses
from dosing_core.regimens.search import Question, Scored

Role = Literal["as_ordered", "recommended", "alternative"]


def six(value: float) -> float:
    """Rounded to six significant digits: far finer than it is known, and the same on every machine."""
    return float(f"{value:.6g}")


def estimate(values: FloatArray) -> Estimate:
    """Median and 90 % credible interval of equally likely values [n]."""
    low, median, high = np.quantile(values, (0.05, 0.5, 0.95))
    return Estimate(low=six(low), median=six(median), high=six(high))


def judge(
    question: Question,
    scored: Scored,
    role: Role,
    first_dose_at: datetime,
    *,
    written_as: Regimen | None = None,
    loading: LoadingDose | None = None,
    notes: Sequence[str] = (),
) -> RegimenOption:
    """The option as it is shown. ``written_as`` replaces the regimen that was judged, where the order leaves
    something open that had to be assumed."""
    regimen = scored.regimen
    schedule = Schedule(regimen.interval_h, regimen.duration_h, regimen.route)
    (response,) = responses(question.particles, (schedule,), question.first_h, question.history)
    dose = np.array([regimen.dose_mg])
    if loading is None:
        first_day = response.first_day_auc(dose)[0]
    else:
        first_day = response.first_day_auc(dose, loading.amount_mg, loading.duration_h)[0]
    attained = scored.attainment
    return RegimenOption(
        role=role,
        regimen=written_as or regimen,
        loading_dose_mg=loading.amount_mg if loading else None,
        loading_duration_h=loading.duration_h if loading else None,
        first_dose_at=first_dose_at,
        exposures=(
            Exposure(metric="auc24", estimate=estimate(response.auc24(dose)[0])),
            Exposure(metric="trough", estimate=estimate(response.trough(dose)[0])),
            Exposure(metric="peak", estimate=estimate(response.peak(dose)[0])),
        ),
        first_day=estimate(first_day),
        inside=_rounded(attained.inside),
        above=_rounded(attained.above),
        below=_rounded(attained.below),
        expected_loss=six(scored.loss),
        notes=tuple(notes),
    )


def _rounded(chance: Chance) -> Chance:
    return Chance(value=six(chance.value), standard_error=six(chance.standard_error))
