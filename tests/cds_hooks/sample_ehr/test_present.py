"""The record moves to the present as one piece: distances between dates, offsets and ages stay."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from scenario import patient_paths

from cds_hooks.sample_ehr.present import moved, same_age

READ_AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def _age(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def test_instants_move_together_and_keep_their_offset() -> None:
    record = {"effectiveDateTime": "2026-11-24T06:05:00+01:00", "period": {"end": "2026-11-23T22:00:00Z"}}
    there = moved(record, READ_AT, READ_AT + timedelta(days=400, hours=5, minutes=7, seconds=40))

    assert there["effectiveDateTime"] == "2027-12-29T11:12:00+01:00"
    assert datetime.fromisoformat(there["period"]["end"]) == datetime(2027, 12, 29, 3, 7, tzinfo=UTC)


def test_times_stay_whole_minutes_and_never_lie_ahead() -> None:
    now = READ_AT + timedelta(days=3, seconds=59)

    assert moved("2026-11-24T09:00:00+00:00", READ_AT, now) == "2026-11-27T09:00:00+00:00"


def test_days_move_by_days_and_other_text_stays() -> None:
    record = {"onsetDateTime": "2026-11-18", "text": "seen 2026-11-18", "value": 4, "code": "2160-0"}

    assert moved(record, READ_AT, READ_AT + timedelta(days=10)) == record | {"onsetDateTime": "2026-11-28"}


@pytest.mark.parametrize(
    "born", [date(1966, 4, 18), date(1966, 11, 24), date(1966, 11, 25), date(2004, 2, 29)]
)
def test_nobody_ages_or_grows_younger(born: date) -> None:
    """Every day of four years, leap day included."""
    then = READ_AT.date()
    for days in range(4 * 366):
        now = then + timedelta(days=days)
        assert _age(same_age(born, then, now), now) == _age(born, then), now


def test_every_date_of_a_fixture_moves() -> None:
    for path in patient_paths():
        there = moved(json.loads(path.read_bytes()), READ_AT, READ_AT + timedelta(days=3653))

        assert "2026-" not in json.dumps(there), path.name
