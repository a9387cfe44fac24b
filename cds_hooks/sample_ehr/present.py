"""Brings a record to the present: its dates move so that the instant at which it was read is now."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def moved(value: Any, read_at: datetime, now: datetime) -> Any:
    """A FHIR value with every date and instant moved by ``now - read_at``, to the whole minute below.

    Offsets stay as they were charted. A ``birthDate`` moves so that the age in years stays the same.
    """
    return _moved(value, "", read_at, read_at + _whole_minutes(now - read_at))


def _moved(value: Any, key: str, read_at: datetime, now: datetime) -> Any:
    if isinstance(value, dict):
        return {name: _moved(child, name, read_at, now) for name, child in value.items()}
    if isinstance(value, list):
        return [_moved(child, key, read_at, now) for child in value]
    if not isinstance(value, str):
        return value
    if INSTANT.fullmatch(value):
        instant = datetime.fromisoformat(value)
        # Adding within one fixed offset keeps that offset.
        return (instant + (now - read_at)).isoformat()
    if DAY.fullmatch(value):
        day = date.fromisoformat(value)
        if key == "birthDate":
            return same_age(day, read_at.date(), now.date()).isoformat()
        return (day + (now.date() - read_at.date())).isoformat()
    return value


def same_age(born: date, then: date, now: date) -> date:
    """The birth date of somebody who has on ``now`` the age that ``born`` gives on ``then``."""
    years, last_birthday = 0, born
    while (following := _anniversary(born, years + 1)) <= then:
        years, last_birthday = years + 1, following
    return _anniversary(now - (then - last_birthday), -years)


def _anniversary(day: date, years: int) -> date:
    """The same day some years later or earlier; 28 February where there is no 29th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _whole_minutes(distance: timedelta) -> timedelta:
    return distance - distance % timedelta(minutes=1)
