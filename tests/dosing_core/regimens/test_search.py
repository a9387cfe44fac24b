"""A search read under other weights says what a search among so many copies of each particle would say."""

from __future__ import annotations

import numpy as np
import pytest

from dosing_core.case import Regimen
from dosing_core.inference.particles import Particles
from dosing_core.kinetics import no_doses
from dosing_core.library import load_drug
from dosing_core.population.individual import Individual, ResidualError, Structure
from dosing_core.recommendation import Target
from dosing_core.regimens.candidates import Candidate
from dosing_core.regimens.scored import TIE
from dosing_core.regimens.search import Question, search

PERSON = Individual(
    structure=Structure(1, False),
    row_time=np.array([-np.inf]),
    typical=np.array([[4.0, 50.0, 0.0, 1.0, 1.0, 0.0, 1.0]]),
    eta_names=("CL",),
    eta_index=np.array([0, -1, -1, -1, -1, -1, -1]),
    omega=np.array([[0.16]]),
    residual=ResidualError(1.0, 0.1),
    binding=None,
)
CANDIDATES = [
    Candidate(Regimen(dose_mg=dose, interval_h=12, route="iv", duration_h=1), usual=True, preference=0)
    for dose in (500, 1000, 1500)
]


def _question(eta: np.ndarray) -> Question:
    return Question(
        particles=Particles(((PERSON, eta),)),
        effective=float(len(eta)),
        first_h=0.0,
        history=no_doses(),
        target=Target(metric="auc24", low=400, high=600, source="x"),
        judgement=load_drug("vancomycin").judgement,
    )


def test_other_weights_are_like_copies_of_the_particles() -> None:
    eta = np.linspace(-0.8, 0.8, 9)[:, None]
    copies = np.array([1, 1, 2, 3, 5, 3, 2, 1, 1])
    weighed, weights = search(_question(eta), CANDIDATES), copies[None, :] / copies.sum()
    repeated = search(_question(np.repeat(eta, copies, axis=0)), CANDIDATES).scored

    for place, other in enumerate(repeated):
        (contenders,) = weighed.contenders(weights, beside=place)
        one = next(one for one in contenders if one.regimen == other.regimen)
        assert one.loss == pytest.approx(other.loss, rel=1e-12)
        assert one.median == pytest.approx(other.median, rel=1e-12)
        assert one.attainment.inside == pytest.approx(other.attainment.inside, abs=1e-12)
        assert one.attainment.above == pytest.approx(other.attainment.above, abs=1e-12)


def test_what_cannot_be_best_does_not_contend() -> None:
    eta = np.linspace(-0.8, 0.8, 9)[:, None]
    found = search(_question(eta), CANDIDATES)
    losses = {one.regimen: one.loss for one in found.scored}

    (contenders,) = found.contenders(np.full((1, 9), 1.0 / 9.0))

    least = min(losses.values())
    assert {one.regimen for one in contenders} == {r for r, loss in losses.items() if loss <= least + TIE}
