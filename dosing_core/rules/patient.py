"""What a rule's answer says to the patient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dosing_core import phrases
from dosing_core.case import Regimen
from dosing_core.facts import FACTS
from dosing_core.recommendation import Outcome
from dosing_core.rules.speak import Spoken

if TYPE_CHECKING:
    from dosing_core.rules.answer import Asked


def for_patient(asked: Asked, leader: Spoken, outcome: Outcome, regimen: Regimen | None) -> str:
    """A few sentences; ``regimen``: the one that the answer stands by."""
    return " ".join(_sentences(asked, leader, outcome, regimen))


def _sentences(asked: Asked, leader: Spoken, outcome: Outcome, regimen: Regimen | None) -> Iterator[str]:
    drug, display = asked.drug_file.display.drug_name, asked.drug_file.as_display
    if regimen is None:
        if leader.facts.open:
            genes = phrases.listed(list(dict.fromkeys(one.gene for one in leader.facts.open)))
            yield f"Your own dose of {drug} depends on a test of your genes ({genes}) that is not on record."
        elif outcome == "avoid":
            yield f"What is known of you speaks against {drug} now."
        else:
            yield f"Your own dose of {drug} cannot be worked out safely yet."
        yield "Your doctor or pharmacist will look at it."
        return
    measured = {fact.words for fact in FACTS} | {"age"}
    names = [f"your {fact.name}" for fact in leader.facts.used if fact.name in measured]
    names += ["your genes"] if leader.rule.genes else []
    facts = phrases.listed(list(dict.fromkeys(names))) if names else "what is known of you"
    yield f"The dose follows a published rule, from {facts}."
    given, ordered = phrases.regimen(regimen, display), asked.case.order.regimen
    if outcome == "agree":
        yield f"The dose your doctor chose, {given}, fits it."
    elif ordered is None:
        yield f"By it {given} would fit."
    else:
        yield f"We suggest {given} instead of {phrases.regimen(ordered, display)}."
    yield "Your doctor decides on the dose."
