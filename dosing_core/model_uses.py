"""What each model contributed: its weight, where the patient stands among its people, what it would say
alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from dosing_core.averaging import Silent, Speaker
from dosing_core.case import Regimen
from dosing_core.consultation import Consultation
from dosing_core.population.individual import FloatArray
from dosing_core.recommendation import AloneAnswer, ModelUse, Recommendation
from dosing_core.regimens.candidates import Candidate
from dosing_core.regimens.comparison import best
from dosing_core.regimens.options import estimate, six
from dosing_core.regimens.search import search

LEAST_PARTICLES = 200
"""A model with fewer of the search's particles than this is asked again on so many of its own: a chance is
then known to about three percent."""


def model_uses(consultation: Consultation, answered: Regimen | None) -> tuple[ModelUse, ...]:
    """Every model that was asked, those that speak first, in the drug file's order.

    ``answered``: the regimen that the answer stands by, of which each model says what it would do.
    """
    return (
        *_speaking(consultation, answered),
        *(_kept_out(consultation, one) for one in consultation.panel.silent),
    )


def alone(answer: Recommendation) -> tuple[ModelUse, ...]:
    """The models of an answer that stands beside another: those that spoke with what they would choose."""
    chosen = answer.option("recommended") or answer.option("as_ordered")
    target = answer.target
    exposure = next(
        (e.estimate for e in chosen.exposures if target and e.metric == target.metric)
        if chosen
        else iter(()),
        None,
    )
    if chosen is None or chosen.inside is None or exposure is None:
        return tuple(
            one
            if one.silent
            else one.model_copy(update={"weight": 0.0, "silent": answer.reason.rstrip(". ")})
            for one in answer.models
        )
    said = AloneAnswer(regimen=chosen.regimen, exposure=exposure, inside=chosen.inside.value)
    return tuple(
        one if one.silent or one.alone else one.model_copy(update={"alone": said}) for one in answer.models
    )


def weights(consultation: Consultation) -> tuple[float, ...]:
    """[n_speakers] share of each speaking model in what is believed; their sum is 1."""
    own = consultation
    found = [0.0] * len(own.panel.speakers)
    for part in own.belief.components:
        found[own.panel.speaker_of(part.individual)] += part.probability
    return tuple(found)


def _speaking(consultation: Consultation, answered: Regimen | None) -> Iterator[ModelUse]:
    own = consultation
    several = len(own.panel.speakers) > 1
    for place, (speaker, weight) in enumerate(zip(own.panel.speakers, weights(own), strict=True)):
        model, reference = speaker.model, speaker.model.reference
        yield ModelUse(
            id=model.id,
            name=model.name,
            weight=six(weight),
            confidence=model.confidence,
            population=model.population.description,
            inside_population=speaker.bound.inside_population,
            applicability=speaker.standing,
            because=speaker.because,
            prior_weight=six(speaker.prior),
            alone=_alone(own, place, answered) if several and answered is not None else None,
            reference=reference.citation,
            url=f"https://doi.org/{reference.doi}" if reference.doi else "",
            notes=_notes(own, speaker),
        )


def _notes(consultation: Consultation, speaker: Speaker) -> tuple[str, ...]:
    """What a pharmacist should know of it; the drug file's own remarks stand with the first model."""
    first = speaker is consultation.panel.speakers[0]
    return (*speaker.bound.notes, *(consultation.drug_file.pharmacist if first else ()))


def _kept_out(consultation: Consultation, silent: Silent) -> ModelUse:
    model = silent.bound.model
    return ModelUse(
        id=model.id,
        name=model.name,
        weight=0.0,
        confidence=model.confidence,
        population=model.population.description,
        inside_population=False,
        applicability="outside",
        because=silent.bound.outside,
        prior_weight=0.0,
        silent=silent.reason,
        reference=model.reference.citation,
        url=f"https://doi.org/{model.reference.doi}" if model.reference.doi else "",
    )


def _alone(consultation: Consultation, place: int, answered: Regimen) -> AloneAnswer | None:
    """The same regimens on the same particles, but only on those that this model brought; on more of its own
    where it brought too few."""
    own = consultation
    mine = _mine(own, place)
    if np.count_nonzero(mine) >= LEAST_PARTICLES:
        (scored,) = own.search.contenders((mine / mine.sum())[None, :])
        values = own.values(answered)[mine > 0.0]
    else:
        particles = own.belief.only(lambda person: own.panel.speaker_of(person) == place)
        question = replace(own.question, particles=particles.particles(LEAST_PARTICLES))
        scored = search(question, own.search.candidates).scored
        values = search(question, (Candidate(answered, usual=True, preference=0),)).values[0]
    chosen = best(scored, own.target, own.drug_file.judgement)
    inside = float(np.mean((values >= own.target.low) & (values <= own.target.high)))
    return AloneAnswer(
        regimen=chosen.regimen if chosen else None, exposure=estimate(values), inside=six(inside)
    )


def _mine(consultation: Consultation, place: int) -> FloatArray:
    """[n] 1 for each particle of the search that the model at this place brought, else 0."""
    own = consultation
    return np.concatenate(
        [
            np.full(len(eta), 1.0 if own.panel.speaker_of(person) == place else 0.0)
            for person, eta in own.question.particles
        ]
    )
