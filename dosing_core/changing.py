"""Other drugs and habits that began or ended lately: levels from before them do not stand for what comes.

An order that was right may be wrong within the week, so such an answer is never silent, says which way levels
go and asks for one as after a change of dose.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from dosing_core import phrases
from dosing_core.case import Case, CoMedication, Route
from dosing_core.interactions.effects import concerns
from dosing_core.interactions.taken import AHEAD, SMOKING, taken_by
from dosing_core.library.interaction import Interaction
from dosing_core.population.other_drugs import HALVES


def changing(interactions: tuple[Interaction, ...], case: Case, route: Route) -> tuple[str, ...]:
    """What of this has not settled yet, each as a sentence; empty if all is as it has been.

    Settled is what began or ended more than ``HALVES`` half-times ago."""
    return tuple(dict.fromkeys(_changing(interactions, case, route)))


def actions(interactions: tuple[Interaction, ...], case: Case, route: Route) -> tuple[str, ...]:
    """What to do about those that a model reads as a covariate, which nothing else tells."""
    told = (one for one in interactions if one.in_model)
    return tuple(one.action for one in told if changing((one,), case, route))


def _changing(interactions: tuple[Interaction, ...], case: Case, route: Route) -> Iterator[str]:
    for interaction in interactions:
        if interaction.route is not None and interaction.route != route:
            continue
        settles = timedelta(hours=HALVES * interaction.half_time.value)
        for taken in taken_by(case.subject):
            if not concerns(interaction, taken):
                continue
            for moment, began in ((taken.since, True), (taken.until, False)):
                if moment is not None and case.now - settles < moment <= case.now + AHEAD:
                    yield _said(interaction, taken, moment, case.now, began=began)


def _said(interaction: Interaction, taken: CoMedication, at: datetime, now: datetime, *, began: bool) -> str:
    rises = (interaction.kind == "inhibits") == began
    ago = phrases.hours_between(at, now)
    when = f"{phrases.age(ago)} ago" if ago > 0 else f"in {phrases.age(-ago)}" if ago < 0 else "now"
    done = "began" if taken.drug == SMOKING and began else "was started" if began else "was stopped"
    towards = "rise" if rises else "fall"
    return f"{phrases.capital(taken.drug)} {done} {when}: levels are expected to {towards}."
