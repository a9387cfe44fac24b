"""The margin between working and harming, by hand for one compartment."""

from __future__ import annotations

import numpy as np
import pytest

from dosing_core.case import Regimen
from dosing_core.errors import UnusableGoal
from dosing_core.goals.dose_response import dose_at, value_at
from dosing_core.goals.steepness import steepness
from dosing_core.inference import Particles
from dosing_core.kinetics import no_doses
from dosing_core.library import load_drug
from dosing_core.library.sourced import Number
from dosing_core.library.targets import SteepnessRule, SteepPoint
from dosing_core.population.individual import Individual, ResidualError, Structure
from dosing_core.recommendation import Target
from dosing_core.regimens.scored import Question

REGIMEN = Regimen(dose_mg=500, interval_h=12, route="iv", duration_h=0)
ETA = np.linspace(-0.5, 0.5, 101)
PERSON = Individual(
    structure=Structure(1, False),
    row_time=np.array([-np.inf]),
    typical=np.array([[4.0, 40.0, 0.0, 1.0, 1.0, 0.0, 1.0]]),
    eta_names=("CL",),
    eta_index=np.array([0, -1, -1, -1, -1, -1, -1]),
    omega=np.array([[0.16]]),
    residual=ResidualError(1.0, 0.1),
    binding=None,
)
QUESTION = Question(
    particles=Particles(((PERSON, ETA[:, None]),)),
    effective=101.0,
    first_h=0.0,
    history=no_doses(),
    target=Target(metric="auc24", low=400, high=600, source="x"),
    judgement=load_drug("vancomycin").judgement,
)


def _point(metric: str, level: float, output: str = "") -> SteepPoint:
    number = Number(value=level, unit="mg/L", source="invented for this test", confidence="high")
    return SteepPoint.model_validate({"metric": metric, "output": output, "level": number, "text": metric})


def test_the_margin_of_two_different_exposures_differs_between_patients() -> None:
    """Works at a trough of 10, harms at a peak of 40 mg/L. With a = exp(-12 CL/V), peak = D/V/(1-a) and
    trough = peak · a, so the margin is 4 a: whoever clears fast has none."""
    rule = SteepnessRule(benefit=_point("trough", 10.0), harm=_point("peak", 40.0))
    a = np.exp(-12 * 4.0 * np.exp(ETA) / 40.0)

    found = steepness(QUESTION, rule, REGIMEN)

    assert found.margin.median == pytest.approx(np.median(4 * a), rel=1e-4)
    assert found.margin.low == pytest.approx(np.quantile(4 * a, 0.05), rel=1e-3)
    assert found.effective_mg.median == pytest.approx(np.median(10 * 40 * (1 - a) / a), rel=1e-4)
    assert found.overlap.value == pytest.approx(np.mean(4 * a <= 1.0), abs=0.011)
    assert found.beyond == 0.0


def test_without_a_rule_the_targets_ends_are_the_points() -> None:
    """AUC24 = 2 D / CL, so the doses are 200 CL and 300 CL."""
    found = steepness(QUESTION, None, REGIMEN)

    assert found.effective_mg.median == pytest.approx(800, rel=1e-6)
    assert found.harmful_mg.median == pytest.approx(1200, rel=1e-6)
    assert found.margin.median == pytest.approx(1.5, rel=1e-6)
    assert found.overlap.value == 0.0


def test_a_point_that_no_model_can_answer_is_refused() -> None:
    rule = SteepnessRule(benefit=_point("effect", 2.0, "inr"), harm=_point("peak", 40.0))

    with pytest.raises(UnusableGoal, match="inr"):
        steepness(QUESTION, rule, REGIMEN)


def test_doses_are_read_between_the_points_and_falling_curves_too() -> None:
    """100 mg/dose and dose²/100 reach 2 at 50 and at √200; one that never gets there says so."""
    doses = np.array([1.0, 10.0, 100.0])
    values = np.column_stack([100.0 / doses, doses**2 / 100.0, doses * 1e-3])

    found, inside = dose_at(doses, values, 2.0)

    assert found == pytest.approx([50.0, np.sqrt(200.0), 100.0])
    assert inside.tolist() == [True, True, False]
    assert value_at(doses, values, np.array([50.0, 20.0, 5.0])) == pytest.approx([2.0, 4.0, 0.005])
