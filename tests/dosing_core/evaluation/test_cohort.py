"""A cohort's modes in one call are those of its people alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
from datasets import GOTI_NAMES, STORSET, STORSET_NAMES, library_model, simple_model, subjects

from dosing_core.evaluation import ModelledSubject, map_fits
from dosing_core.inference import map_estimate
from dosing_core.population.individual import FloatArray
from dosing_core.population.model import PopulationModel


def _vancomycin(people: int) -> tuple[ModelledSubject, ...]:
    """Two to four infusions and up to three levels each, of a generator with seed 7."""
    rng = np.random.default_rng(7)
    rows = [f"ID,TIME,AMT,RATE,II,ADDL,DV,{GOTI_NAMES}"]
    for number in range(people):
        own = f"{rng.uniform(20, 120):.4g},{rng.uniform(45, 110):.4g},{number % 7 == 0:d}"
        rows.append(f"{number},0,1500,1000,.,.,.,{own}")
        rows.append(f"{number},12,1000,1000,12,{rng.integers(0, 3)},.,{own}")
        for time in (13.5, 23.5, 47.0)[: rng.integers(0, 4)]:
            rows.append(f"{number},{time},.,.,.,.,{rng.lognormal(2.8, 0.4):.4g},{own}")
    return subjects(library_model("vancomycin"), "\n".join(rows))


def _tacrolimus(people: int) -> tuple[ModelledSubject, ...]:
    """By mouth with a lag, covariates that change, and in one person an effect that only acts on one day."""
    rng = np.random.default_rng(8)
    rows = [f"ID,TIME,AMT,II,ADDL,DV,{STORSET_NAMES}"]
    for number in range(people):
        first = STORSET if number % 5 else STORSET.rsplit(",", 1)[0] + ",1"
        rows.append(f"{number},0,{rng.uniform(2, 6):.3g},12,5,.,{first}")
        rows.append(f"{number},23.5,.,.,.,{rng.lognormal(1.9, 0.4):.4g},{STORSET}")
        rows.append(f"{number},59.5,.,.,.,{rng.lognormal(1.9, 0.4):.4g},60,{rng.uniform(25, 40):.3g},0,5,0")
    return subjects(library_model("tacrolimus"), "\n".join(rows))


def _alone(people: tuple[ModelledSubject, ...]) -> list[FloatArray]:
    return [
        map_estimate(one.individual, one.doses, one.observations, one.levels_predicted).eta for one in people
    ]


def _agree(people: tuple[ModelledSubject, ...]) -> None:
    for mode, alone in zip(map_fits(people), _alone(people), strict=True):
        assert mode.eta == pytest.approx(alone, abs=1e-7)


def test_infusions() -> None:
    _agree(_vancomycin(60))


def test_doses_by_mouth_with_changing_covariates_and_effects_that_act_at_times() -> None:
    _agree(_tacrolimus(40))


def test_people_with_resets_and_people_with_occasions_stand_among_the_others() -> None:
    model = PopulationModel.from_bytes(
        json.dumps(
            {
                **json.loads(simple_model().to_bytes()),
                "iov": {
                    "CL": {"reported_as": "omega_SD", "reported_value": 0.2, "omega_variance": 0.04},
                },
                "occasions": {"by": "column", "column": "OCC"},
            }
        )
    )
    rows = ["ID,TIME,AMT,CMT,EVID,DV,WT,OCC"]
    for number, occasions in enumerate([1, 2, 2, 3, 1]):
        rows += [f"{number},0,500,2,1,.,70,1", f"{number},6,.,2,0,{6 + number},70,1"]
        for occasion in range(2, occasions + 1):
            rows.append(f"{number},{24 * occasion},400,2,{4 if number == 2 else 1},.,70,{occasion}")
            rows.append(f"{number},{24 * occasion + 5},.,2,0,{9 - number},70,{occasion}")
    people = subjects(model, "\n".join(rows))

    assert [len(one.individual.eta_names) for one in people] == [2, 3, 3, 4, 2]
    _agree(people)


def test_without_levels_a_person_is_the_prior() -> None:
    (mode,) = map_fits(subjects(simple_model(), "ID,TIME,AMT,CMT,DV,WT\n1,0,100,2,.,70\n"))

    assert mode.eta.tolist() == [0.0]
    assert mode.covariance[0, 0] == pytest.approx(0.09)
