"""Lamotrigine: slower or faster with other drugs, never begun by levels, and no term for race."""

from __future__ import annotations

import math

import pytest
from bedside import NOW, median, option
from long_term import asked, beside

from dosing_core import recommend
from dosing_core.library import load_drug

MODEL = load_drug("lamotrigine").models[0]
LONG = {"taken": 80, "last_h_ago": 11}


def test_no_covariate_is_a_race() -> None:
    """Hussein 1997 has a factor of 1 - 0.287; the model stays at the paper's reference."""
    assert set(MODEL.covariates) == {"SINCE"}
    assert "asian" not in MODEL.theta


@pytest.mark.parametrize(("weeks", "clearance"), [(0, 1.942), (48, 2.27888)])
def test_clearance_rises_over_the_first_months(weeks: float, clearance: float) -> None:
    assert MODEL.evaluate({"SINCE": weeks * 168})["CL"] == pytest.approx(clearance, rel=1e-5)


def test_a_dose_that_works_stands() -> None:
    """300 mg a day over about 2.1 L/h: 6 mg/L on average."""
    answer = recommend(asked("lamotrigine", 150, 12, levels={0.5: 6.0}, **LONG))

    assert answer.outcome == "agree"
    assert median(option(answer, "as_ordered"), "auc24") / 24 == pytest.approx(300 / 24 / 2.1, rel=0.15)


@pytest.mark.parametrize(("drug", "ratio"), [("valproate", 2.0), ("carbamazepine", 0.5)])
def test_another_drug_doubles_or_halves_it(drug: str, ratio: float) -> None:
    alone = recommend(asked("lamotrigine", 150, 12, taken=80))
    together = recommend(asked("lamotrigine", 150, 12, taken=80, beside=[beside(drug, 5000)]))
    one, two = (median(option(answer, "as_ordered"), "auc24") for answer in (alone, together))

    assert two / one == pytest.approx(ratio, rel=0.1)
    assert together.changing == ()


def test_valproate_since_yesterday_is_spoken_of() -> None:
    answer = recommend(
        asked("lamotrigine", 200, 12, levels={96: 9.0}, beside=[beside("valproate", 24)], **LONG)
    )

    assert answer.changing == ("Valproate was started 24 h ago: levels are expected to rise.",)
    assert any("halve the dose" in text for text in answer.warnings)
    assert answer.next_level is not None
    assert (answer.next_level.time - NOW).days <= 14


def test_a_treatment_is_not_begun_by_levels() -> None:
    answer = recommend(asked("lamotrigine", 200, 12))

    assert "begun slowly" in answer.reason
    assert answer.options == ()


def test_a_step_up_is_bounded() -> None:
    answer = recommend(asked("lamotrigine", 200, 12, past_mg=50, **LONG))

    assert [limit.kind for limit in answer.broken_limits] == ["step"]


@pytest.mark.parametrize("facts", [{"age": 12}, {"kg": None}, {"route": "iv"}])
def test_what_the_model_does_not_hold_for_is_refused(facts: dict[str, object]) -> None:
    answer = recommend(asked("lamotrigine", 100, 12, **({"taken": 40} | facts)))  # type: ignore[arg-type]

    assert answer.outcome in ("insufficient", "out_of_scope")
    assert not any(one.role == "recommended" for one in answer.options)


def test_extremes_get_finite_answers_inside_the_limits() -> None:
    answer = recommend(asked("lamotrigine", 25, 24, taken=40, kg=38, age=95, beside=[beside("phenytoin")]))

    for one in answer.options:
        assert one.regimen.daily_dose_mg <= 380
        assert all(math.isfinite(exposure.estimate.median) for exposure in one.exposures)
