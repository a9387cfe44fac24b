"""The level that teaches most about the dose, where theory says which it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from dosing_core.case import Regimen
from dosing_core.inference import Particles
from dosing_core.informative import most_informative
from dosing_core.kinetics import no_doses
from dosing_core.library import load_drug
from dosing_core.library.monitoring import Rounds
from dosing_core.library.schema import DrugFile
from dosing_core.population.individual import Individual, ResidualError, Structure
from dosing_core.recommendation import Chance, Estimate, NextLevel, RegimenOption, Target
from dosing_core.regimens.candidates import Candidate
from dosing_core.regimens.search import Question, search

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
REGIMEN = Regimen(dose_mg=1000, interval_h=12, route="iv", duration_h=0)
NOTHING = Chance(value=0.0, standard_error=0.0)
FOLLOWED = RegimenOption(
    role="recommended",
    regimen=REGIMEN,
    first_dose_at=NOW,
    exposures=(),
    first_day=Estimate(low=0, median=0, high=0),
    inside=NOTHING,
    above=NOTHING,
    below=NOTHING,
    expected_loss=0.0,
)
PERSON = Individual(
    structure=Structure(1, False),
    row_time=np.array([-np.inf]),
    typical=np.array([[4.0, 40.0, 0.0, 1.0, 1.0, 0.0, 1.0]]),
    eta_names=("CL", "V1"),
    eta_index=np.array([0, 1, -1, -1, -1, -1, -1]),
    omega=np.diag([0.16, 1e-8]),
    residual=ResidualError(0.1, 0.1),
    binding=None,
)
VANCOMYCIN = load_drug("vancomycin")


def _file(*after_h: float, clock: tuple[float, ...] = ()) -> DrugFile:
    rounds = Rounds(clock_hours=clock, after_dose_h=after_h, source="invented for this test")
    return VANCOMYCIN.model_copy(
        update={"sampling": VANCOMYCIN.sampling.model_copy(update={"rounds": rounds})}
    )


def _usual(hours: float, latest: float = 24.0) -> NextLevel:
    return NextLevel(
        time=NOW + timedelta(hours=hours), latest=NOW + timedelta(hours=latest), reason="As usual."
    )


def _advice(usual: NextLevel, file: DrugFile, person: Individual = PERSON) -> NextLevel:
    """For people whose clearance varies by 40 % around 4 L/h."""
    spread = np.linspace(-0.9, 0.9, 257)
    eta = np.column_stack([spread, np.zeros(257)])
    question = Question(
        particles=Particles(((person, eta),)),
        effective=257.0,
        first_h=0.0,
        history=no_doses(),
        target=Target(metric="auc24", low=400, high=600, source="x"),
        judgement=file.judgement,
    )
    choices = [
        Candidate(REGIMEN.model_copy(update={"dose_mg": dose}), usual=True, preference=0)
        for dose in range(250, 3001, 250)
    ]
    return most_informative(search(question, choices), FOLLOWED, 0.0, file, usual, NOW)


def test_a_level_right_after_the_first_bolus_knows_nothing_of_clearance_and_is_put_off() -> None:
    """It is dose / volume whatever the clearance; the trough 11.5 h later is exp(-CL/V · 11.5) of it."""
    advice = _advice(_usual(0.1), _file(0.1))

    assert advice.time >= NOW + timedelta(hours=11)
    assert advice.loss_now is not None
    assert advice.loss_usual == pytest.approx(advice.loss_now, rel=0.05)
    assert advice.loss_after is not None
    assert advice.loss_after < 0.5 * advice.loss_now
    assert "less to be lost" in advice.reason


def test_the_usual_time_stands_where_no_other_is_better_by_more_than_noise() -> None:
    usual = _usual(11.5, latest=12.0)

    advice = _advice(usual, _file(0.1, 1.0))

    assert advice.time == usual.time
    assert advice.reason == "As usual."
    assert advice.loss_after == advice.loss_usual


def test_a_level_that_scatters_wildly_teaches_next_to_nothing() -> None:
    vague = replace(PERSON, residual=ResidualError(1000.0, 0.0))

    sharp, blunt = _advice(_usual(23.5), _file()), _advice(_usual(23.5), _file(), vague)

    assert sharp.loss_after is not None
    assert blunt.loss_after is not None
    assert blunt.loss_now is not None
    assert sharp.loss_after < 0.3 * blunt.loss_after
    assert blunt.loss_after == pytest.approx(blunt.loss_now, rel=0.1)
    assert blunt.loss_after <= blunt.loss_now * (1 + 1e-9)


def test_blood_is_drawn_at_the_wards_rounds() -> None:
    """At 6:00 and 18:00: from 9:00 that is 9 h or 21 h ahead; at 9 h of 12 the level knows most of CL."""
    advice = _advice(_usual(0.1), _file(clock=(6.0, 18.0)))

    assert (advice.time - NOW) / timedelta(hours=1) in (9.0, 21.0)


def test_a_file_without_rounds_keeps_its_rule_and_says_what_the_level_is_worth() -> None:
    usual = _usual(0.1)
    plain = VANCOMYCIN.model_copy(
        update={"sampling": VANCOMYCIN.sampling.model_copy(update={"rounds": None})}
    )

    advice = _advice(usual, plain)

    assert advice.time == usual.time
    assert advice.loss_after == advice.loss_usual
