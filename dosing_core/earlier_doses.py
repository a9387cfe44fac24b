"""Doses before the record begins: a treatment that went on before must not look as if it had just started."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dosing_core import phrases
from dosing_core.case import Case, Dose
from dosing_core.kinetics import DoseTable, hours
from dosing_core.library.schema import DrugFile
from dosing_core.population.covariates import transplanted_at
from dosing_core.regimens.timing import present_interval

COUNTED_H = 168.0
"""A week, several half-lives of such a drug: what came before has faded. Project policy."""
FORGOTTEN_H = 672.0
"""Four weeks, after which no level tells of doses before them, whatever the drug. Project policy."""
FIRST_DOSE_H = 24.0
"""Such a treatment starts within a day of the transplantation. Project policy."""


def with_earlier_doses(
    history: DoseTable, case: Case, doses: Sequence[Dose], drug_file: DrugFile
) -> tuple[DoseTable, tuple[str, ...]]:
    """The history with the doses that must have come before it, and what was assumed, in words.

    Only for a drug that is taken from the transplantation on, and only if that day is on record.
    """
    if drug_file.earlier_doses == "none" or not doses:
        return history, ()
    if drug_file.earlier_doses == "none_and_said":
        if -float(history.time[0]) > FORGOTTEN_H:
            return history, ()
        began = phrases.age(-float(history.time[0]))
        text = (
            f"Nothing was taken before the first dose on record, {began} ago; if it was, chart it, as a "
            "level then tells of faster elimination."
        )
        return history, (text,)
    transplant = transplanted_at(case.subject, case.now)
    if transplant is None:
        return history, ("Nothing was taken before the first dose on record.",)
    first = float(history.time[0])
    interval = present_interval(doses[:6], None, drug_file.dosing.intervals_h)
    start = max(first - COUNTED_H, hours(transplant, case.now) + FIRST_DOSE_H)
    count = int((first - start) / interval)
    if count < 1:
        return history, ()
    earlier = DoseTable(
        time=first - interval * np.arange(count, 0, -1, dtype=np.float64),
        amount=np.full(count, history.amount[0]),
        duration=np.full(count, history.duration[0]),
        depot=np.full(count, history.depot[0]),
    )
    text = "Before the first dose on record the same dose was taken, since the transplantation or for a week."
    return earlier.joined(history), (text,)
