"""Which of a drug's published models speak for this patient, with what weight before the levels, and why not.

A model speaks with its weight in the drug file, less where the patient stands at the edge of the people that
it was built from or beyond them. Beyond its limits of validity it does not speak at all. Then the levels
decide: the weight of each model moves by how well it predicted them (its evidence; see
``dosing_core.inference``), as in Uster et al., Clin Pharmacol Ther 2021;109:175.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from dosing_core.case import Case
from dosing_core.facts import words_of
from dosing_core.inference import flattened
from dosing_core.library.schema import DrugFile
from dosing_core.measured import output_of, sees_levels
from dosing_core.population.applies import limits_read
from dosing_core.population.bind import Bound, bind, rebound
from dosing_core.population.individual import Individual
from dosing_core.population.model import PopulationModel
from dosing_core.recommendation import Assumption, UsedFact

Standing = Literal["inside", "edge", "outside"]

WEIGHT: dict[Standing, float] = {"inside": 1.0, "edge": 0.5, "outside": 0.1}
"""What is left of a model's weight where the patient stands. Project policy: a model that was built from few
people like this one, or from none, may still speak, and the levels can restore it; without levels it should
not outvote a model of this patient's own kind."""
EDGE = 0.1
"""The outermost tenth of a studied range, on the logarithmic scale, is its edge. Project policy: ranges hold
every subject, and few of them stand there."""


@dataclass(frozen=True)
class Speaker:
    """A model that speaks."""

    bound: Bound
    standing: Standing
    because: tuple[str, ...]
    """The covariates that put the patient at the edge or outside, in words; empty inside."""
    prior: float
    """Its weight before the levels; all speakers' sum to 1."""

    @property
    def model(self) -> PopulationModel:
        """The model itself."""
        return self.bound.model


@dataclass(frozen=True)
class Silent:
    """A model of the file that was meant to speak and may not."""

    bound: Bound
    reason: str
    """Why, as the end of a sentence."""


@dataclass(frozen=True)
class Panel:
    """All models that were asked for."""

    speakers: tuple[Speaker, ...]
    silent: tuple[Silent, ...]

    @property
    def main(self) -> Bound:
        """The first model that speaks; where none does, the first one asked, which says why."""
        return self.speakers[0].bound if self.speakers else self.silent[0].bound

    @cached_property
    def hypotheses(self) -> list[tuple[float, str, Individual]]:
        """Every model with every state of the unknown facts, as inference takes them: their prior
        probabilities sum to 1."""
        return [
            (speaker.prior * one.probability, one.name, one.individual)
            for speaker in self.speakers
            for one in speaker.bound.hypotheses
        ]

    def speaker_of(self, person: Individual) -> int:
        """Place of the speaker whose hypothesis this is. Raises ``KeyError`` for a stranger."""
        return self._places[id(person)]

    @cached_property
    def _places(self) -> dict[int, int]:
        return {
            id(one.individual): place
            for place, speaker in enumerate(self.speakers)
            for one in speaker.bound.hypotheses
        }

    def rebound(
        self, case: Case, altered: Callable[[PopulationModel], PopulationModel] = lambda model: model
    ) -> dict[int, Individual] | None:
        """The same hypotheses for a case with other facts, by the ``id`` of the individual that each
        replaces.

        None if a model may not speak then or splits into other hypotheses.
        """
        changed: dict[int, Individual] = {}
        for speaker in self.speakers:
            model = altered(speaker.model)
            hypotheses = rebound(model, case, speaker.bound.interactions)
            if case.options.prior_weight < 1.0:
                wider = case.options.prior_weight
                hypotheses = tuple(
                    replace(one, individual=flattened(one.individual, wider)) for one in hypotheses
                )
            if [one.name for one in hypotheses] != [one.name for one in speaker.bound.hypotheses]:
                return None
            for before, after in zip(speaker.bound.hypotheses, hypotheses, strict=True):
                changed[id(before.individual)] = after.individual
        return changed

    @property
    def used(self) -> tuple[UsedFact, ...]:
        """What the speakers read of the record, each fact once."""
        return tuple(dict.fromkeys(fact for one in self.speakers for fact in one.bound.used))

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What the speakers had to suppose, each once."""
        return tuple(dict.fromkeys(said for one in self.speakers for said in one.bound.assumptions))


def panel(case: Case, drug_file: DrugFile) -> Panel:
    """Bring every model that may be asked to the patient.

    ``case.options.model`` names the only one to ask, and must be in the file (see ``unknown_model``).
    """
    speakers: list[Speaker] = []
    silent: list[Silent] = []
    for model, weight in asked(case, drug_file):
        bound = bind(model, case, drug_file.interactions)
        reason = _silenced(bound)
        if reason:
            silent.append(Silent(bound, reason))
            continue
        if speakers and (lacking := _lacking(bound, speakers[0].bound, case)):
            silent.append(Silent(bound, lacking))
            continue
        standing, because = _standing(bound, case)
        speakers.append(Speaker(bound, standing, because, weight * WEIGHT[standing]))
    if case.options.prior_weight < 1.0:
        speakers = [replace(one, bound=_flattened(one.bound, case.options.prior_weight)) for one in speakers]
    total = sum(one.prior for one in speakers)
    return Panel(tuple(replace(one, prior=one.prior / total) for one in speakers), tuple(silent))


def _flattened(bound: Bound, weight: float) -> Bound:
    """The same hypotheses with wider priors."""
    wider = tuple(replace(one, individual=flattened(one.individual, weight)) for one in bound.hypotheses)
    return replace(bound, hypotheses=wider)


def asked(case: Case, drug_file: DrugFile) -> tuple[tuple[PopulationModel, float], ...]:
    """The models to ask with their weights in the drug file, the default first."""
    if case.options.model is not None:
        return tuple((model, 1.0) for model in drug_file.models if model.id == case.options.model)
    return drug_file.asked


def unusable_choice(case: Case, drug_file: DrugFile, allow_low: bool = False) -> str:
    """Why the one model that was asked for cannot speak, whoever the patient is; empty if it can.

    ``allow_low``: the hospital lets low confidence speak."""
    name = case.options.model
    if name is None:
        return ""
    model = next((one for one in drug_file.models if one.id == name), None)
    if model is None:
        return f"no model called {name} is in the drug file"
    if model.use != "estimation":
        return f"{model.name} gives typical values only, which say nothing of how people differ"
    if model.confidence == "low" and not allow_low:
        return f"the confidence of {model.name} is low, and this hospital has not allowed it"
    return ""


def _silenced(bound: Bound) -> str:
    if bound.missing:
        return f"no {' and no '.join(words_of(fact) for fact in bound.missing)} on record"
    return "; ".join(bound.beyond_validity)


def _lacking(bound: Bound, first: Bound, case: Case) -> str:
    """Why levels of these effects say nothing of this model beside the first one; empty if they do."""
    (person, *_), (leader, *_) = ([one.individual for one in two.hypotheses] for two in (bound, first))
    for name in sorted({effect.name for effect in case.effects}):
        if output_of(person, name) != output_of(leader, name):
            return f"it does not predict {name}, which was measured"
    if sees_levels(person) != sees_levels(leader):
        return "it does not predict the same measurements as the first model"
    return ""


def _standing(bound: Bound, case: Case) -> tuple[Standing, tuple[str, ...]]:
    if bound.outside:
        return "outside", bound.outside
    near = tuple(_at_an_edge(bound, case))
    return ("edge", near) if near else ("inside", ())


def _at_an_edge(bound: Bound, case: Case) -> Iterator[str]:
    """Quantities that stand in the outermost tenth of what was studied, in words."""
    for limit, words, value in limits_read(bound.model, case):
        if limit.low is None or limit.high is None or limit.low <= 0 or value <= 0:
            continue
        place = math.log(value / limit.low) / math.log(limit.high / limit.low)
        if not EDGE <= place <= 1.0 - EDGE:
            yield f"{words} of {limit.low:g}–{limit.high:g} studied"
