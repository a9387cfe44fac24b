"""Infliximab: clearances by hand, weeks instead of hours, levels that have gone, and antibodies."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from bedside import HOUR, NOW, asked, median, option

from dosing_core import recommend
from dosing_core.case import Case, Dose, Level, Options, Regimen, Sign
from dosing_core.recommendation import Recommendation

WEEK = 168.0


def _every(weeks: float, mg: float = 400) -> Regimen:
    return Regimen(dose_mg=mg, interval_h=weeks * WEEK, route="iv", duration_h=2)


def _given(*weeks_ago: float, mg: float = 400) -> tuple[Dose, ...]:
    return tuple(
        Dose(time=NOW - timedelta(weeks=ago), amount_mg=mg, route="iv", duration_h=2, source=f"d{ago}")
        for ago in weeks_ago
    )


YEAR = _given(38, 36, 32, 24, 16, 8)
"""Induction, then every eight weeks; the next one is due now."""


def _asked(
    level: float | None = None, *, limit: str = "exact", antibodies: bool | None = None, **facts: Any
) -> Case:
    values: dict[str, Any] = {"kg": 77, "albumin": 41, "conditions": ["ulcerative_colitis"], **facts}
    case = asked("infliximab", values.pop("regimen", _every(8)), **values)
    if level is not None:
        drawn = Level.model_validate(
            {"time": NOW - HOUR, "value_mg_L": level, "limit": limit, "source": "level"}
        )
        case = case.model_copy(update={"levels": (drawn,)})
    if antibodies is None:
        return case
    sign = Sign(name="anti_drug_antibodies", present=antibodies, time=NOW - HOUR, source="x")
    return case.model_copy(update={"subject": case.subject.model_copy(update={"signs": (sign,)})})


def _clearance(answer: Recommendation) -> float:
    """L/day, median."""
    return 24.0 * next(one.estimate.median for one in answer.parameters if "clearance" in one.name)


def _alone(case: Case, model: str) -> Recommendation:
    return recommend(case.model_copy(update={"options": Options(model=f"infliximab.{model}")}))


def test_clearance_is_as_published() -> None:
    """Fasanmade 2009: 0.877 L/day for a man of 70 kg with an albumin of 3.2 g/dL and antibodies; Hanzel 2021:
    a weight of 120 kg adds 43.2 %, antibodies 39 %, an albumin of 32 g/L 30.1 % (abstract)."""
    known = {"kg": 70, "albumin": 32, "antibodies": True}
    reference = {"kg": 70, "albumin": 44, "antibodies": False}

    assert _clearance(_alone(_asked(**known), "fasanmade2009")) == pytest.approx(0.877, rel=0.01)
    assert _clearance(_alone(_asked(**reference), "hanzel2021")) == pytest.approx(0.355, rel=0.01)
    for changed, more in (({"kg": 120}, 1.432), ({"antibodies": True}, 1.39), ({"albumin": 32}, 1.301)):
        found = _clearance(_alone(_asked(**{**reference, **changed}), "hanzel2021"))
        assert found == pytest.approx(0.355 * more, rel=0.01)


def test_the_labelled_dose_stands_until_a_level_speaks() -> None:
    answer = recommend(_asked())

    assert answer.outcome == "agree"
    assert "until a trough" in answer.reason
    assert any("weeks 0, 2 and 6" in note for note in option(answer, "as_ordered").notes)


def test_the_third_dose_is_due_six_weeks_after_the_first() -> None:
    """Doses three and one weeks ago: the next in three weeks, whatever the interval as ordered."""
    answer = recommend(_asked(doses=_given(3, 1)))

    assert option(answer, "as_ordered").first_dose_at == NOW + timedelta(weeks=3)


def test_a_treatment_of_eight_weeks_runs_between_its_doses() -> None:
    """Six weeks after the last dose nothing has stopped: the next is due in two."""
    answer = recommend(_asked(doses=_given(30, 22, 14, 6)))

    assert option(answer, "as_ordered").first_dose_at == NOW + timedelta(weeks=2)


def test_a_low_trough_shortens_the_interval_or_raises_the_dose_within_the_label() -> None:
    """Trough 1.2 mg/L, no antibodies: more, at most 10 mg/kg, at most doubled."""
    answer = recommend(_asked(1.2, antibodies=False, doses=YEAR))
    advised = option(answer, "recommended").regimen

    assert answer.outcome == "recommend"
    assert _every(8).daily_dose_mg < advised.daily_dose_mg <= 2 * _every(8).daily_dose_mg * 1.001
    assert 4.5 * 77 <= advised.dose_mg <= 10 * 77
    assert median(option(answer, "recommended"), "trough") > 1.2 * 2


def test_an_adequate_trough_is_left_alone() -> None:
    answer = recommend(_asked(9.0, antibodies=False, doses=YEAR))

    assert answer.outcome == "agree"
    assert not answer.hold


def test_a_level_months_old_still_counts_and_one_of_last_year_does_not() -> None:
    doses = _given(62, 54, 46, 38, 30, 22, 14, 6)
    case = _asked(doses=doses)
    for weeks, counts in ((14.01, True), (30.01, False)):
        level = Level(time=NOW - timedelta(weeks=weeks), value_mg_L=2.0, source="level")
        answer = recommend(case.model_copy(update={"levels": (level,)}))
        assert [one.used for one in answer.levels] == ([True] if counts else [])


def test_with_antibodies_and_nothing_measurable_no_dose_is_worked_out() -> None:
    answer = recommend(_asked(0.4, limit="below", antibodies=True, doses=YEAR))

    assert answer.outcome == "insufficient"
    assert answer.options == ()
    assert "antibodies" in answer.reason


def test_without_a_test_for_antibodies_nothing_measurable_asks_for_one() -> None:
    answer = recommend(_asked(0.4, limit="below", doses=YEAR))

    assert any("Look for antibodies" in said for said in answer.warnings)
    assert any("antibodies" in one.text for one in answer.assumptions)


@pytest.mark.parametrize("facts", [{"albumin": None}, {"kg": None}])
def test_what_decides_on_clearance_must_be_there(facts: dict[str, Any]) -> None:
    assert recommend(_asked(**facts)).outcome == "insufficient"


def test_under_the_skin_and_below_18_years_nothing_is_answered() -> None:
    under = Regimen(dose_mg=120, interval_h=2 * WEEK, route="subcutaneous")

    assert recommend(_asked(regimen=under)).outcome == "out_of_scope"
    assert recommend(_asked(age=12)).outcome == "out_of_scope"


def test_a_dose_of_the_wrong_vial_is_named() -> None:
    answer = recommend(_asked(regimen=_every(8, 4000)))

    assert {limit.kind for limit in answer.broken_limits} >= {"single"}
