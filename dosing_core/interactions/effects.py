"""Which of the patient's other drugs change this one's exposure, by how much, and how surely."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dosing_core.case import CoMedication, Route
from dosing_core.interactions.course import share_in_force
from dosing_core.interactions.static import combined_ratio, strength_of_inducer, strength_of_inhibitor
from dosing_core.interactions.taken import is_one_of
from dosing_core.library.interaction import Interaction

FADED = 0.02
"""Less of an interaction than this is no interaction any more. Project policy."""
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Effect:
    """One other drug's effect on this one, as it stands at one instant."""

    interaction: Interaction
    taken: CoMedication
    share: float
    """Of its full strength that is in force, 0 to 1."""
    strength: float
    """CR · IR of an inhibitor, CR · IC of an inducer, at that share."""
    log_sd: float
    """Standard deviation of ln AUC ratio between patients, at that share."""

    @property
    def auc_ratio(self) -> float:
        """AUC with over AUC without it, median."""
        if self.interaction.kind == "inhibits":
            return combined_ratio([self.strength], [])
        return combined_ratio([], [self.strength])


@dataclass(frozen=True)
class Combined:
    """All of them together."""

    auc_ratio: float
    """Median."""
    log_sd: float
    """Of ln AUC ratio between patients."""

    @property
    def clearance_factor(self) -> float:
        """By which apparent clearance (CL/F after oral doses) is multiplied, median."""
        return 1.0 / self.auc_ratio


def effects(
    interactions: Sequence[Interaction], co_medications: Sequence[CoMedication], route: Route, at: datetime
) -> tuple[Effect, ...]:
    """What of the listed interactions is in force at ``at``, in the list's order.

    A drug without a start on record is taken to have been there long enough. One that the model itself reads
    as a covariate is left to the model. The same drug listed twice counts once, the stronger."""
    found = []
    for interaction in interactions:
        if interaction.in_model or (interaction.route is not None and interaction.route != route):
            continue
        own = [_effect(interaction, taken, at) for taken in co_medications if concerns(interaction, taken)]
        in_force = [effect for effect in own if effect.share > FADED]
        if in_force:
            found.append(max(in_force, key=lambda effect: effect.share))
    return tuple(found)


def combined(found: Sequence[Effect]) -> Combined:
    """Their joint effect: strengths by the static method, uncertainties as independent."""
    inhibited = [one.strength for one in found if one.interaction.kind == "inhibits"]
    induced = [one.strength for one in found if one.interaction.kind == "induces"]
    return Combined(combined_ratio(inhibited, induced), math.hypot(*(one.log_sd for one in found)))


def concerns(interaction: Interaction, taken: CoMedication) -> bool:
    """True if the drug on the list is one of the interaction's, taken in a dose that counts."""
    if not is_one_of(interaction.drugs, taken):
        return False
    least = interaction.from_daily_mg
    return least is None or taken.daily_dose_mg is None or taken.daily_dose_mg >= least.value


def _effect(interaction: Interaction, taken: CoMedication, at: datetime) -> Effect:
    share = 1.0
    if taken.since is not None:
        stopped = None if taken.until is None else (at - taken.until) / HOUR
        share = share_in_force((at - taken.since) / HOUR, interaction.half_time.value, stopped)
    elif taken.until is not None and at > taken.until:
        share = 0.5 ** ((at - taken.until) / HOUR / interaction.half_time.value)
    ratio = interaction.auc_ratio.value
    full = strength_of_inhibitor(ratio) if interaction.kind == "inhibits" else strength_of_inducer(ratio)
    return Effect(interaction, taken, share, share * full, share * interaction.log_sd.value)
