"""Doses as arrays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np

from dosing_core.case import Dose, Regimen
from dosing_core.kinetics import dose_table, train

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_times_are_hours_from_now_across_time_zones() -> None:
    """06:00 at UTC-5 is 11:00 UTC, an hour before now."""
    western = datetime(2026, 3, 1, 6, 0, tzinfo=timezone(timedelta(hours=-5)))
    table = dose_table(
        [
            Dose(time=NOW - timedelta(minutes=90), amount_mg=2.0, route="oral", source="b"),
            Dose(time=western, amount_mg=1000.0, route="iv", duration_h=1.5, source="a"),
        ],
        NOW,
    )

    assert table.time.tolist() == [-1.5, -1.0]
    assert table.amount.tolist() == [2.0, 1000.0]
    assert table.duration.tolist() == [0.0, 1.5]
    assert table.depot.tolist() == [True, False]


def test_a_loading_dose_takes_the_place_of_the_first_dose() -> None:
    regimen = Regimen(dose_mg=1000.0, interval_h=12.0, route="iv", duration_h=1.0)

    table = train(regimen, first_h=2.0, count=3, loading_mg=1750.0, loading_duration_h=2.0)

    assert table.time.tolist() == [2.0, 14.0, 26.0]
    assert table.amount.tolist() == [1750.0, 1000.0, 1000.0]
    assert table.duration.tolist() == [2.0, 1.0, 1.0]


def test_joined_tables_are_in_order_of_time() -> None:
    regimen = Regimen(dose_mg=5.0, interval_h=12.0, route="oral")
    late, early = train(regimen, 4.0, 2), train(regimen, -6.0, 2)

    joined = late.joined(early)

    assert joined.time.tolist() == [-6.0, 4.0, 6.0, 16.0]
    assert np.all(joined.depot)
    assert joined.before(6.0).time.tolist() == [-6.0, 4.0]
