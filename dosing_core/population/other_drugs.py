"""What a patient's other drugs do to the parameters: clearance by a factor over time, and less certainty.

The factor is on the elimination of the model (apparent clearance of a drug by mouth), as an AUC ratio says
it. How much it differs between patients is one more random effect, which acts only while the other drug does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from dosing_core.case import CoMedication, Route, Subject
from dosing_core.interactions import Effect, combined, effects
from dosing_core.interactions.taken import AHEAD, is_one_of, taken_by
from dosing_core.library.interaction import Interaction
from dosing_core.population.individual import LOG_NORMAL, FloatArray, Individual
from dosing_core.population.occasions import MOST_EFFECTS
from dosing_core.recommendation import Assumption, UsedFact

ELIMINATION = ("CL", "CL0", "CLss", "CLint", "CLmet", "Vmax", "ke", "k10", "kel")
"""Parameters that an interaction multiplies, where the model has them: those of the structural families, and
the usual names of a rate of elimination in written equations. ``CLmet``: clearance of a metabolite that is
measured together with the drug and cleared by the same enzyme."""
NAME = "interaction"
"""Of the random effect."""
HALVES = 6
"""Half-times after which an interaction has settled: 98 % of it has come or gone."""


@dataclass(frozen=True)
class OtherDrugs:
    """The interactions of one patient with one drug given by one route."""

    interactions: tuple[Interaction, ...]
    subject: Subject
    route: Route
    now: datetime

    @cached_property
    def taken(self) -> tuple[CoMedication, ...]:
        """What is on the patient's list; see ``taken_by``."""
        return taken_by(self.subject)

    @cached_property
    def met(self) -> tuple[Interaction, ...]:
        """The interactions with something on the patient's list, whenever it is taken: mostly none."""
        return tuple(one for one in self.interactions if any(is_one_of(one.drugs, it) for it in self.taken))

    def at(self, time: datetime) -> tuple[Effect, ...]:
        """What is in force at ``time``."""
        return effects(self.met, self.taken, self.route, time) if self.met else ()

    @property
    def lasting(self) -> tuple[Effect, ...]:
        """What is in force for the future."""
        return self.at(self.now + AHEAD)

    def changes(self, start: datetime) -> set[datetime]:
        """Instants from ``start`` to ``now`` between which each interaction is taken as constant: steps of
        half a half-time while it sets in or wears off. Empty if nothing on the list ever changes."""
        found: set[datetime] = set()
        for interaction in self.met:
            step = timedelta(hours=interaction.half_time.value / 2.0)
            for drug in self.taken:
                alone = OtherDrugs((interaction,), replace_drugs(self.subject, drug), self.route, self.now)
                for moment in (drug.since, drug.until):
                    if moment is None:
                        continue
                    steps = [moment + k * step for k in range(2 * HALVES + 1)]
                    if any(alone.at(time) for time in steps):
                        found |= {time for time in steps if start < time <= self.now}
        return found

    def used(self) -> tuple[UsedFact, ...]:
        """The other drugs that count now or soon, and by how much."""
        return tuple(
            UsedFact(
                name=effect.taken.drug,
                value=f"{effect.interaction.kind} elimination: exposure times {effect.auc_ratio:.2g}",
                time=effect.taken.since,
                source=effect.taken.source,
            )
            for effect in self.lasting
        )

    def assumptions(self) -> tuple[Assumption, ...]:
        """What is supposed about them."""
        texts = [
            f"{effect.taken.drug.capitalize()} is taken to change exposure by a factor of "
            f"{effect.auc_ratio:.2g}, as published for its kind"
            + (", and to have been taken all along" if effect.taken.since is None else "")
            for effect in self.lasting
        ]
        return tuple(Assumption(text=text) for text in texts)


def replace_drugs(subject: Subject, drug: object) -> Subject:
    """The subject with this one other drug, or this one spell of smoking."""
    return subject.model_copy(update={"co_medications": (drug,), "signs": ()})


def slowed(columns: Sequence[str], typical: Sequence[float], found: Sequence[Effect]) -> tuple[float, ...]:
    """Typical values with the elimination multiplied by what is in force."""
    if not found:
        return tuple(typical)
    factor = combined(found).clearance_factor
    return tuple(
        value * factor if name in ELIMINATION else value for name, value in zip(columns, typical, strict=True)
    )


def spread(found: Sequence[Effect]) -> float:
    """Standard deviation of ln clearance between patients under what is in force; 0 where nothing is."""
    return combined(found).log_sd if found else 0.0


def widened(individual: Individual, spreads: Sequence[float]) -> Individual:
    """The individual with one more random effect on elimination in the rows whose spread is above 0.

    Rows where it is weaker than at its strongest share its variance: a shade too wide, never too narrow.
    Where an occasion has an effect on elimination already, that one's variance grows instead.
    """
    if not any(sd > 0.0 for sd in spreads):
        return individual
    affected = np.array([sd > 0.0 for sd in spreads], dtype=np.bool_)
    eliminates = np.array([name in ELIMINATION for name in individual.columns], dtype=np.bool_)
    if individual.transform is not None:
        eliminates &= individual.transform == LOG_NORMAL
    if not eliminates.any() or individual.support is not None:
        return individual
    variance = max(spreads) ** 2
    count = individual.dimension
    index = (
        np.full(individual.typical.shape, -1, dtype=np.int64)
        if individual.occasion_index is None
        else individual.occasion_index.copy()
    )
    here = affected[:, None] & eliminates[None, :]
    omega: FloatArray = individual.omega.copy()
    for effect in np.unique(index[here & (index >= 0)]):
        omega[effect, effect] += variance
    free = here & (index < 0)
    if not free.any() or count >= MOST_EFFECTS:
        return replace(individual, omega=omega)
    index[free] = count
    whole = np.zeros((count + 1, count + 1))
    whole[:count, :count] = omega
    whole[count, count] = variance
    acts = individual.eta_acts
    if acts is not None:
        acts = np.concatenate([acts, np.ones((len(acts), 1), dtype=np.bool_)], axis=1)
    return replace(
        individual,
        eta_names=(*individual.eta_names, NAME),
        omega=whole,
        occasion_index=index,
        eta_acts=acts,
    )
