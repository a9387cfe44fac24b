"""Covariates that move by themselves as time goes by: age after birth, time under treatment, the daily dose.

They are taken as constant for a while, with the value at the while's middle. From ``now`` on the time under
treatment and the daily dose stay as they are now, and an age as it is in a day: doses are judged for the next
two, and a newborn's kidneys wake within them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from dosing_core.case import Case
from dosing_core.population import daily_dose
from dosing_core.population.covariate import Covariate

AGEING = ("postnatal_age", "postmenstrual_age")
SHARE = 0.1
"""Project policy: a step of a tenth of what has passed, as clearance follows time on a logarithmic scale …"""
SHORTEST = timedelta(hours=6)
"""… and never shorter than this."""
A_DAY = timedelta(hours=24)


def ahead(covariate: Covariate) -> timedelta:
    """How far ahead of ``now`` the value that holds from then on is read."""
    return A_DAY if covariate.quantity in AGEING else timedelta()


def is_moving(covariate: Covariate) -> bool:
    """True if its value is that of the middle of each while."""
    return covariate.quantity in (*AGEING, "time_since_first_dose")


def moves(covariate: Covariate, case: Case, start: datetime) -> set[datetime]:
    """Instants from ``start`` to ``case.now`` at which a new value is taken; empty for what does not move."""
    match covariate.quantity:
        case "daily_dose":
            return daily_dose.changes(case)
        case "time_since_first_dose":
            return _steps(start, case.now, SHORTEST, SHARE)
        case name if name in AGEING and case.subject.age_years is not None:
            # Project policy: a day, or where a hundredth of the age is longer, that.
            age = timedelta(days=case.subject.age_years * 365.25)
            return _steps(start, case.now, max(A_DAY, age / 100), 0.0)
    return set()


def _steps(start: datetime, end: datetime, shortest: timedelta, share: float) -> set[datetime]:
    found = {end}
    time = start
    while (time := time + max(shortest, share * (time - start))) < end:
        found.add(time)
    return found
