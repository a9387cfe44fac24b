"""Which doses a course has asked for: intervals, clocks, weekdays, steps; and what is not followed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from charting import INTRAVENOUS, VANCOMYCIN, quantity, request

from fhir_adapters.course import course_doses, in_order
from fhir_adapters.dosage import Dosage, read_dosage
from fhir_adapters.product import product
from fhir_adapters.timing import read_timing

BEGUN = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)
"""A Monday."""
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
DAILY = {"frequency": 1, "period": 1, "periodUnit": "d"}


def step(mg: float = 1000, **members: Any) -> dict[str, Any]:
    repeat = members.pop("repeat", {"frequency": 1, "period": 12, "periodUnit": "h"})
    return {
        "route": INTRAVENOUS,
        "timing": {"repeat": repeat},
        "doseAndRate": [{"doseQuantity": quantity(mg, "mg")}],
    } | members


def doses(*instructions: dict[str, Any], zone: Any = UTC, begun: datetime = BEGUN) -> list[tuple[str, float]]:
    read = product(request(medicationCodeableConcept=VANCOMYCIN), {})
    dosages = [read_dosage(one, read) for one in instructions]
    found = course_doses(dosages, read, begun, until=NOW, zone=zone, source="MedicationRequest/r")
    return [(f"{one.time.astimezone(zone):%a %d %H:%M}", one.amount_mg) for one in found]


def times(*instructions: dict[str, Any], **how: Any) -> list[str]:
    return [time for time, _ in doses(*instructions, **how)]


def days(number: float, unit: str = "d") -> dict[str, Any]:
    return {"value": number, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}


def test_an_interval_counts_from_the_start() -> None:
    found = times(step())

    assert found[:3] == ["Mon 16 09:30", "Mon 16 21:30", "Tue 17 09:30"]
    assert found[-1] == "Mon 23 21:30"
    assert len(found) == 16


@pytest.mark.parametrize(
    ("repeat", "first", "in_all"),
    [
        (
            {"frequency": 2, "period": 1, "periodUnit": "d", "timeOfDay": ["08:00:00", "20:00:00"]},
            ["Mon 16 20:00", "Tue 17 08:00", "Tue 17 20:00"],
            16,
        ),
        (
            {"frequency": 2, "period": 1, "periodUnit": "d", "timeOfDay": ["10:00", "14:00"]},
            ["Mon 16 10:00", "Mon 16 14:00", "Tue 17 10:00"],
            16,
        ),
        ({"timeOfDay": ["08:00"]}, ["Tue 17 08:00", "Wed 18 08:00"], 8),
        (
            {"frequency": 1, "period": 1, "periodUnit": "d", "dayOfWeek": ["mon", "thu"]},
            ["Mon 16 09:30", "Thu 19 09:30", "Mon 23 09:30"],
            3,
        ),
        (
            {
                "frequency": 1,
                "period": 1,
                "periodUnit": "wk",
                "dayOfWeek": ["wed"],
                "timeOfDay": ["12:00:00"],
            },
            ["Wed 18 12:00"],
            1,
        ),
        (
            {"frequency": 3, "period": 1, "periodUnit": "wk", "dayOfWeek": ["mon", "wed", "fri"]},
            ["Mon 16 09:30", "Wed 18 09:30", "Fri 20 09:30", "Mon 23 09:30"],
            4,
        ),
        ({"when": ["MORN", "EVE"]}, ["Mon 16 09:30", "Mon 16 21:30"], 16),
        (
            DAILY | {"count": 3},
            ["Mon 16 09:30", "Tue 17 09:30", "Wed 18 09:30"],
            3,
        ),
        ({"count": 1}, ["Mon 16 09:30"], 1),
        (
            {"frequency": 1, "period": 1, "periodUnit": "d", "boundsDuration": days(2)},
            ["Mon 16 09:30", "Tue 17 09:30"],
            2,
        ),
        (
            {
                "frequency": 1,
                "period": 1,
                "periodUnit": "d",
                "boundsPeriod": {"start": "2026-11-17T07:00:00Z", "end": "2026-11-19T07:00:00Z"},
            },
            ["Tue 17 07:00", "Wed 18 07:00", "Thu 19 07:00"],
            3,
        ),
    ],
)
def test_doses_fall_when_it_is_written(repeat: dict[str, Any], first: list[str], in_all: int) -> None:
    found = times(step(repeat=repeat))

    assert found[: len(first)] == first
    assert len(found) == in_all


def test_listed_instants_are_the_doses() -> None:
    listed = ["2026-11-18T08:00:00Z", "2026-11-17T08:00:00Z", "2026-12-01T08:00:00Z"]

    assert times(step(timing={"event": listed})) == ["Tue 17 08:00", "Wed 18 08:00"]


def test_a_taper_goes_down_step_by_step() -> None:
    """Each step begins when the one before has lasted its days."""
    daily = {"frequency": 1, "period": 1, "periodUnit": "d"}
    taper = [
        step(60, sequence=2, repeat=daily | {"boundsDuration": days(2)}),
        step(80, sequence=1, repeat=daily | {"boundsDuration": days(3)}),
        step(40, sequence=3, repeat=daily),
    ]

    assert [mg for _, mg in doses(*taper)] == [80, 80, 80, 60, 60, 40, 40, 40]


def test_instructions_of_one_step_go_together() -> None:
    both = [
        step(1000, sequence=1, repeat={"timeOfDay": ["08:00"]}),
        step(500, sequence=1, repeat={"timeOfDay": ["20:00"]}),
    ]

    assert doses(*both)[:3] == [("Mon 16 20:00", 500), ("Tue 17 08:00", 1000), ("Tue 17 20:00", 500)]


def test_a_loading_dose_before_a_step_is_counted() -> None:
    course = [
        step(2000, sequence=1, repeat={"count": 1, "boundsDuration": days(12, "h")}),
        step(1000, sequence=2),
    ]

    assert doses(*course)[:3] == [("Mon 16 09:30", 2000), ("Mon 16 21:30", 1000), ("Tue 17 09:30", 1000)]


@pytest.mark.parametrize(
    "course",
    [
        [step(2000, repeat={"count": 1}), step(1000)],
        [step(80, sequence=1), step(60, sequence=2)],
        [step(), step(timing=None)],
        [step(), {"text": "and one more if needed"}],
        [step(asNeededBoolean=True)],
        [step(repeat={"frequency": 1, "period": 8, "periodMax": 12, "periodUnit": "h"})],
        [step(repeat={"frequency": 1, "period": 1, "periodUnit": "d", "boundsRange": {}})],
        [step(repeat={"frequency": 1, "period": 1, "periodUnit": "d", "dayOfWeek": ["someday"]})],
        [step(repeat={"frequency": 2, "period": 1, "periodUnit": "d", "timeOfDay": ["8 o'clock", "20:00"]})],
        [
            step(
                repeat={
                    "frequency": 1,
                    "period": 1,
                    "periodUnit": "d",
                    "boundsPeriod": {"start": "2026-11-17"},
                }
            )
        ],
        [],
    ],
)
def test_what_is_not_plain_is_not_followed(course: list[dict[str, Any]]) -> None:
    assert doses(*course) == []


def test_a_course_younger_than_its_interval_has_given_nothing() -> None:
    assert doses(step(), begun=NOW - timedelta(hours=11)) == []
    assert len(doses(step(), begun=NOW - timedelta(hours=12))) == 2


def test_a_dose_at_eight_stays_at_eight_when_the_clocks_change() -> None:
    """Central European summer time ended on 25 October 2026."""
    begun = datetime(2026, 10, 24, 0, 0, tzinfo=UTC)
    read = product(request(medicationCodeableConcept=VANCOMYCIN), {})
    found = course_doses(
        [read_dosage(step(repeat={"timeOfDay": ["08:00"]}), read)],
        read,
        begun,
        until=begun + timedelta(days=3),
        zone=BERLIN,
        source="x",
    )

    assert [one.time.astimezone(UTC).hour for one in found] == [6, 7, 7]


def test_endless_instructions_end() -> None:
    read = read_timing({"repeat": {"frequency": 1, "period": 1, "periodUnit": "h"}})

    found = read.instants(datetime(1990, 1, 1, tzinfo=UTC), NOW, UTC)
    assert len(found) <= 5000


@pytest.mark.parametrize(
    ("numbers", "steps"),
    [([1, 2], 2), ([1, 1], 1), ([None, None], 1), ([1, None], 1), ([2, 1, 2], 2), ([], 0)],
)
def test_steps_follow_their_numbers(numbers: list[Any], steps: int) -> None:
    read = [Dosage(sequence=None if one is None else Decimal(one)) for one in numbers]

    assert len(in_order(read)) == steps


@pytest.mark.parametrize(
    "odd", [None, 5, "text", [], [None], {}, {"a": None}, True, -1, 1e300, [[]], ["mon", 5]]
)
@pytest.mark.parametrize(
    "name",
    [
        "frequency", "period", "periodUnit", "dayOfWeek", "timeOfDay", "when", "count", "boundsPeriod",
        "boundsDuration", "offset",
    ],
)  # fmt: skip
def test_any_json_is_taken(name: str, odd: Any) -> None:
    repeat = {"frequency": 1, "period": 1, "periodUnit": "d", name: odd}
    found = read_timing({"repeat": repeat, "event": odd, "code": odd})

    assert found.problems or found.interval_h or found.irregular or found.once
