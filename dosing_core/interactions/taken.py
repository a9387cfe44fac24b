"""Whether an entry of the medication list is one of the drugs that a file names, and when it is taken."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache

from dosing_core.case import CoMedication, Subject

AHEAD = timedelta(hours=48)
"""Project policy: for the future another drug stands as it will in two days, because a regimen is judged by
the days to come, and one that starts today would not count at all."""
SMOKING = "tobacco smoking"
"""As an interaction names it; it stands beside the other drugs, from the subject's signs."""


def taken_by(subject: Subject) -> tuple[CoMedication, ...]:
    """Other drugs, and smoking, which changes enzymes as they do.

    Smoking that was found at the first look is taken to have gone on before.
    """
    looked = [sign for sign in subject.signs if sign.name == "smoker"]
    spells: list[CoMedication] = []
    for place, sign in enumerate(looked):
        before = looked[place - 1] if place else None
        if sign.present and (before is None or not before.present):
            since = None if before is None else sign.time
            spells.append(CoMedication(drug=SMOKING, since=since, source=sign.source))
        elif not sign.present and before is not None and before.present:
            spells[-1] = spells[-1].model_copy(update={"until": sign.time, "source": sign.source})
    return (*subject.co_medications, *spells)


@cache
def _whole_word(name: str) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(name)}\b")


def is_one_of(drugs: Iterable[str], taken: CoMedication) -> bool:
    """True if a whole word of the name on the list is one of these names (lower case)."""
    name = taken.drug.casefold()
    return any(_whole_word(one).search(name) for one in drugs)


def is_taken(taken: CoMedication, time: datetime) -> bool:
    """True if it is taken at this instant. Without a start on record it has been taken all along."""
    return (taken.since is None or taken.since <= time) and (taken.until is None or time < taken.until)
