"""Bands and holds against what can be worked out by hand for one compartment."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from dosing_core.case import Regimen
from dosing_core.inference import Particles
from dosing_core.kinetics import DoseTable, no_doses
from dosing_core.library import load_drug
from dosing_core.library.products import Bands
from dosing_core.library.schema import DrugFile
from dosing_core.population.individual import Individual, ResidualError, Structure
from dosing_core.recommendation import Target
from dosing_core.regimens.banding import band, band_of
from dosing_core.regimens.holding import holding
from dosing_core.regimens.scored import Question

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
VANCOMYCIN = load_drug("vancomycin")
REGIMEN = Regimen(dose_mg=900, interval_h=12, route="iv", duration_h=1.0)
CL, V = 4.0, 40.0
PERSON = Individual(
    structure=Structure(1, False),
    row_time=np.array([-np.inf]),
    typical=np.array([[CL, V, 0.0, 1.0, 1.0, 0.0, 1.0]]),
    eta_names=("CL",),
    eta_index=np.array([0, -1, -1, -1, -1, -1, -1]),
    omega=np.array([[0.16]]),
    residual=ResidualError(1.0, 0.1),
    binding=None,
)


def _question(low: float, high: float, metric: str = "auc24", history: DoseTable | None = None) -> Question:
    return Question(
        particles=Particles(((PERSON, np.linspace(-0.3, 0.3, 5)[:, None]),)),
        effective=5.0,
        first_h=0.0,
        history=history or no_doses(),
        target=Target.model_validate({"metric": metric, "low": low, "high": high, "source": "x"}),
        judgement=VANCOMYCIN.judgement.model_copy(update={"above_weight": VANCOMYCIN.judgement.below_weight}),
    )


def _banded(*doses: float) -> DrugFile:
    dosing = VANCOMYCIN.dosing.model_copy(update={"bands": Bands(doses_mg=doses, source="invented")})
    return VANCOMYCIN.model_copy(update={"dosing": dosing})


def test_bands_meet_at_geometric_means() -> None:
    """Between 400 and 900 the border is √(400·900) = 600."""
    assert band_of(599.0, (400.0, 900.0)) == (400.0, 0.0, 600.0)
    assert band_of(601.0, (400.0, 900.0)) == (900.0, 600.0, math.inf)


def test_the_exact_dose_hits_the_middle_and_the_band_next_to_it_costs_the_pull_to_it() -> None:
    """With equal weights and symmetric clearance (in the logarithm) the best AUC is √(400·600) = 490 for the
    typical person: 490 · 4 L/h · 12/24 = 980 mg. The loss of 900 mg is within the target for nearly all."""
    found = band(_question(400, 600), _banded(600.0, 900.0, 1350.0), REGIMEN)

    assert found is not None
    assert found.exact_mg == pytest.approx(math.sqrt(400 * 600) * CL * 0.5, rel=0.01)
    assert found.dose_mg == 900
    assert (found.low_mg, found.high_mg) == pytest.approx(
        (math.sqrt(600 * 900), math.sqrt(900 * 1350)), rel=1e-5
    )
    clearance = CL * np.exp(np.linspace(-0.3, 0.3, 5))
    area = 900 / clearance * 2
    loss = (
        np.log(400 / area).clip(0)
        + np.log(area / 600).clip(0)
        + 0.05 * abs(np.log(area / math.sqrt(240_000)))
    )
    assert found.loss == pytest.approx(loss.mean(), rel=1e-5)
    assert 0 < found.exact_loss < found.loss


def test_a_file_without_bands_has_none() -> None:
    assert band(_question(400, 600), VANCOMYCIN, REGIMEN) is None


def _given(amount: float) -> DoseTable:
    return DoseTable(np.array([-1.0]), np.array([amount]), np.array([0.0]), np.array([False]))


def test_doses_are_left_out_until_the_trough_is_down() -> None:
    """4,000 mg an hour ago: 100 · exp(-0.1·1) = 90 mg/L now; the aim is 10 to 20 before a dose. The median is
    below 20 when exp(-0.1 t) = 0.2, 16.1 h after the dose, so at 12 h it is not and at 24 h it is."""
    found = holding(_question(10, 20, "trough", _given(4000)), REGIMEN, NOW)

    assert found is not None
    assert found.skipped == 2
    assert found.resume_at == NOW + timedelta(hours=24)
    assert found.below == 20
    assert found.expected.median == pytest.approx(100 * math.exp(-0.1 * 25), rel=1e-5)


@pytest.mark.parametrize("amount", [800, 1300])
def test_nothing_is_held_for_a_little_too_much(amount: float) -> None:
    """18 and 29 mg/L now, less than 1.5 times the highest trough aimed at."""
    assert holding(_question(10, 20, "trough", _given(amount)), REGIMEN, NOW) is None


def test_nothing_is_promised_where_it_does_not_come_down_in_two_weeks() -> None:
    """A clearance a thousandth of the usual one: half-life 290 days."""
    question = _question(10, 20, "trough", _given(4000))
    slow = Particles(((PERSON, np.full((5, 1), math.log(1e-3))),))

    assert holding(Question(**{**question.__dict__, "particles": slow}), REGIMEN, NOW) is None
