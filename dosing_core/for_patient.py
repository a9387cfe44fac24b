"""The answer in a few sentences for the patient: short words, no figures but the dose, nothing promised.

It says what was found and what is suggested; the prescriber decides, and that is said too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from dosing_core import phrases
from dosing_core.case import Regimen
from dosing_core.consultation import Consultation
from dosing_core.explain import clearance
from dosing_core.recommendation import Display, NextLevel, Outcome, RegimenOption, Target

CLOSE = 0.1
"""Within a tenth of what is expected is as expected. Project policy."""


def for_patient(
    consultation: Consultation,
    outcome: Outcome,
    option: RegimenOption | None,
    hold: str,
    next_level: NextLevel | None,
) -> str:
    """The sentences; ``option`` is the regimen that the answer stands by."""
    return " ".join(_sentences(consultation, outcome, option, hold, next_level))


def _sentences(
    own: Consultation,
    outcome: Outcome,
    option: RegimenOption | None,
    hold: str,
    next_level: NextLevel | None,
) -> Iterator[str]:
    drug, display = own.drug_file.display.drug_name, own.drug_file.as_display
    if outcome == "insufficient" or option is None:
        yield f"Your own dose of {drug} cannot be worked out safely yet."
        yield "Your doctor or pharmacist will look at it."
        if next_level is not None:
            yield _test(next_level, own.case.now)
        return
    found = _found(own, drug)
    if found:
        yield found
    if hold:
        yield f"There is more {drug} in your blood than there should be."
        yield "The next dose should wait for a new blood test."
    ordered = own.case.order.regimen
    given = dose_words(option.regimen, display)
    if outcome == "agree":
        yield f"The dose your doctor chose, {given}, fits what is known of you."
    elif ordered is None:
        yield f"{phrases.capital(given)} would fit what is known of you."
    else:
        why = _why(own.target, own)
        yield f"We suggest {given} instead of {dose_words(ordered, display)}{why}."
    if option.loading_dose_mg is not None:
        yield "A larger first dose would reach the right amount sooner."
    yield "Your doctor decides on the dose."
    if next_level is not None:
        yield _test(next_level, own.case.now)


def _found(own: Consultation, drug: str) -> str:
    """What the blood tests, or without them the facts, said."""
    if not own.reviewed.used:
        return "This is worked out from what is known of people like you; a blood test can tell more."
    estimate = clearance(own)
    if estimate is None:
        return ""
    ratio = estimate.estimate.median / estimate.typical
    if ratio < 1.0 - CLOSE:
        return f"Your blood tests show that your body gets rid of {drug} more slowly than we expected."
    if ratio > 1.0 + CLOSE:
        return f"Your blood tests show that your body gets rid of {drug} faster than we expected."
    return f"Your blood tests show that your body gets rid of {drug} about as fast as we expected."


def _why(target: Target, own: Consultation) -> str:
    """What the ordered dose would bring; empty if it is neither too much nor too little."""
    ordered = own.ordered
    if ordered is None:
        return ""
    if target.low <= ordered.median <= target.high:
        return ", as it is more likely to be right for you"
    if target.metric in ("nadir", "occupancy"):
        return ", as the ordered dose is likely to miss its aim"
    return f", as that is likely to give you too {'much' if ordered.median > target.high else 'little'}"


def _test(level: NextLevel, now: datetime) -> str:
    hours = phrases.hours_between(now, level.time)
    if hours < 1.0:
        return "A blood test now will show more."
    when = f"{round(hours)} hours" if hours < 36 else f"{round(hours / 24)} days"
    when = "1 hour" if when == "1 hours" else when
    return f"A blood test in about {when} will show if it is right."


def dose_words(regimen: Regimen, display: Display | None) -> str:
    """``1,250 mg once a day``, ``5 mg every 12 hours``."""
    interval = regimen.interval_h
    if interval == 24.0:
        often = "once a day"
    elif interval % 168.0 == 0.0:
        often = phrases.every(interval)
    elif interval % 24.0 == 0.0:
        often = f"every {round(interval / 24.0)} days"
    else:
        often = f"every {phrases.plain(interval)} hours"
    return f"{phrases.dose(regimen.dose_mg, display)} {often}"
