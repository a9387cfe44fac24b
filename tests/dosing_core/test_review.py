"""Levels held against what was expected of them, checked with an independent simulation of the population."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from dosing_core.case import Case, Dose, Level, Measurement, Order, Subject
from dosing_core.earlier_doses import with_earlier_doses
from dosing_core.inference import observations
from dosing_core.kinetics import dose_table
from dosing_core.library import load_drug
from dosing_core.population.bind import bind
from dosing_core.review import Reviewed, review

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
VANCOMYCIN = load_drug("vancomycin")


def _measured(value: float, hours_ago: float = 3) -> Measurement:
    return Measurement(value=value, time=NOW - hours_ago * HOUR, source="x")


def _doses(count: int) -> tuple[Dose, ...]:
    """1,000 mg over 2 h every 12 h, the last one 11 h ago."""
    return tuple(
        Dose(time=NOW - (11 + 12 * k) * HOUR, amount_mg=1000, route="iv", duration_h=2, source="x")
        for k in reversed(range(count))
    )


def _reviewed(*levels: tuple[float, float], doses: int = 6, charted_as: str | None = None) -> Reviewed:
    """Levels are (hours ago, mg/L)."""
    subject = Subject(
        age_years=60,
        sex="male",
        weight=(_measured(80),),
        height=(_measured(178),),
        creatinine=(_measured(1.0),),
    )
    case = Case.model_validate(
        {
            "now": NOW,
            "subject": subject,
            "order": Order(drug="vancomycin", source="x"),
            "doses": _doses(doses),
            "levels": [
                Level.model_validate(
                    {
                        "time": NOW - hours * HOUR,
                        "value_mg_L": value,
                        "charted_as": charted_as,
                        "source": f"{value}",
                    }
                )
                for hours, value in levels
            ],
        }
    )
    history = dose_table(case.doses, NOW)
    bound = bind(VANCOMYCIN.model, case)
    people = [(one.probability, one.name, one.individual) for one in bound.hypotheses]
    return review(people, history, case.levels, observations(case.levels, NOW), case.doses, VANCOMYCIN)


def _simulated_levels(
    hours_after_last: float, people: int = 10000
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Levels of such people by brute force: random people of Goti 2018, Euler's method, PKPDsim's error."""
    rng = np.random.default_rng(7)
    clearance = 3.540 * np.exp(rng.normal(0, 0.38346, people))
    central = 58.4 * 80 / 70 * np.exp(rng.normal(0, 0.71438, people))
    peripheral = 38.4 * np.exp(rng.normal(0, 0.53122, people))
    first, second, step = np.zeros(people), np.zeros(people), 0.04
    for tick in range(round((60 + hours_after_last) / step)):
        rate = 500.0 if (tick * step) % 12 < 2 else 0.0
        exchange = 6.5 * (first / central - second / peripheral)
        first = first + step * (rate - clearance * first / central - exchange)
        second = second + step * exchange
    true = first / central
    level = true + rng.normal(0, 1, people) * np.sqrt(1.42**2 + (0.197 * true) ** 2)
    return np.asarray(level, dtype=np.float64)


def test_the_expected_interval_is_that_of_simulated_people() -> None:
    (level,) = _reviewed((8, 20.0)).levels
    low, median, high = np.quantile(_simulated_levels(3.0), (0.005, 0.5, 0.995))

    assert level.expected.median == pytest.approx(median, rel=0.02)
    assert level.expected.high == pytest.approx(high, rel=0.06)
    assert level.expected.low == pytest.approx(low, abs=0.6)


def test_a_level_inside_is_used_and_one_outside_is_not() -> None:
    inside, outside = _reviewed((8, 20.0)), _reviewed((8, 120.0))

    assert inside.used == (0,)
    assert inside.with_all is None
    assert outside.used == ()
    assert outside.with_all is not None
    assert not outside.levels[0].plausible


def test_what_is_flagged_does_not_move_the_belief() -> None:
    belief = _reviewed((8, 120.0)).belief

    assert belief.diagnostics.method == "prior"


def test_a_good_level_narrows_what_is_expected_of_the_next() -> None:
    alone = _reviewed((1, 18.0)).levels[0].expected
    second = _reviewed((13, 18.0), (1, 18.0)).levels[1].expected

    assert second.high - second.low < alone.high - alone.low


def test_many_good_levels_are_not_flagged_more_often_than_one() -> None:
    """Six levels share one chance in a hundred, so each has its own interval of 99.83 %, not 99 %."""
    one = _reviewed((8, 20.0)).levels[0].expected
    six = _reviewed(*((8 - k / 10, 20.0 - k / 10) for k in range(6)))

    assert all(level.used for level in six.levels)
    assert one.high / one.median > 2


def test_the_wrong_one_of_two_is_told_by_the_population() -> None:
    """18 mg/L is what such people show before a dose; 150 is not."""
    reviewed = _reviewed((13, 150.0), (1, 18.0))

    assert [level.used for level in reviewed.levels] == [False, True]


def test_levels_that_are_all_wrong_contradict_each_other() -> None:
    assert _reviewed((25, 300.0), (13, 0.05), (1, 400.0)).contradictory


@pytest.mark.parametrize(
    ("hours_ago", "charted_as", "said"),
    [
        (8.0, "trough", "charted as a trough but was drawn 3.0 h after a dose"),
        (8.0, None, ""),
        (0.0, "trough", ""),
        (10.0, None, "drawn while the infusion ran"),
    ],
    ids=["3 h after a dose", "not called trough", "11 h after a dose", "during the infusion"],
)
def test_the_times_decide_what_a_level_is(hours_ago: float, charted_as: str | None, said: str) -> None:
    note = _reviewed((hours_ago, 20.0), charted_as=charted_as).levels[0].note

    assert said in note if said else note == ""


def _tacrolimus_history(transplanted_days_ago: float | None) -> tuple[list[float], tuple[str, ...]]:
    condition = {"name": "kidney_transplant", "source": "x"}
    if transplanted_days_ago is not None:
        condition["time"] = (NOW - transplanted_days_ago * 24 * HOUR).isoformat()
    doses = tuple(
        Dose(time=NOW - (6 + 12 * k) * HOUR, amount_mg=3, route="oral", source="x")
        for k in reversed(range(4))
    )
    case = Case.model_validate(
        {
            "now": NOW,
            "subject": {"conditions": [condition]},
            "order": Order(drug="tacrolimus", source="x"),
            "doses": doses,
        }
    )
    history, said = with_earlier_doses(dose_table(doses, NOW), case, doses, load_drug("tacrolimus"))
    return list(history.time), said


def test_a_treatment_since_a_transplantation_long_ago_does_not_start_with_the_record() -> None:
    """The first dose on record was 42 h ago; a week before it holds 14 more."""
    times, said = _tacrolimus_history(90)

    assert times == pytest.approx([-42 - 12 * k for k in range(14, 0, -1)] + [-42, -30, -18, -6])
    assert "since the transplantation" in said[0]


def test_nothing_is_supposed_before_the_transplantation() -> None:
    """Transplanted 3 days ago: from a day later, 48 h ago, no dose fits before the one 42 h ago."""
    times, said = _tacrolimus_history(3)

    assert times == [-42, -30, -18, -6]
    assert said == ()


def test_an_unknown_day_of_transplantation_supposes_nothing_and_says_so() -> None:
    times, said = _tacrolimus_history(None)

    assert times == [-42, -30, -18, -6]
    assert "Nothing was taken before" in said[0]


def test_a_flagged_level_does_not_say_what_is_expected_of_another_one() -> None:
    """Two levels in mg/dL read as mg/L, ten times too high: each is held against people, not the other."""
    reviewed = _reviewed((7.4, 341), (2.9, 280))
    alone = [_reviewed(one).levels[0].expected for one in ((7.4, 341), (2.9, 280))]

    assert not any(level.used for level in reviewed.levels)
    for level, expected in zip(reviewed.levels, alone, strict=True):
        assert level.expected.median == pytest.approx(expected.median, rel=0.1)
        assert level.expected.high < 120
