"""The picture draws what the curve says, in the unit and at the times that the reader expects."""

from __future__ import annotations

import re
from itertools import pairwise
from zoneinfo import ZoneInfo

import hand_built
from hand_built import HOUR, NOW

from cds_hooks.pages.curve_picture import MOST_ROWS, NARROW, WIDE, main_curve, pictures, rows
from cds_hooks.wording import Wording
from dosing_core.recommendation import Curve, CurvePoint, Display, Target

UTC = ZoneInfo("UTC")
WORDING = Wording(UTC, NOW, hand_built.VANCOMYCIN)


def _flat(value: float, hours: int = 48) -> Curve:
    points = tuple(
        CurvePoint(time=NOW + h * HOUR, low=value / 2, median=value, high=value * 2, population=value)
        for h in range(-hours, hours + 1)
    )
    return Curve(role="recommended", points=points, dose_times=(NOW - HOUR, NOW + HOUR))


def _ys(path: str) -> set[float]:
    return {float(y) for _, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path)}


def _scale(picture_values: tuple[object, ...]) -> dict[str, float]:
    return {tick.label: tick.at for tick in picture_values}  # type: ignore[attr-defined]


def test_a_line_lies_at_its_value_on_the_axis() -> None:
    curve = _flat(10.0)
    for picture in pictures(hand_built.change(curves=(curve,)), curve, WORDING):
        axis = _scale(picture.values)

        assert _ys(picture.future) == {axis["10"]}
        assert axis["0"] == picture.size.floor


def test_the_axis_is_in_the_unit_of_the_drug() -> None:
    """0.01 mg/L of tacrolimus is 10 ng/mL."""
    display = Display(drug_name="tacrolimus", concentration_unit="ng/mL", concentration_factor=1000)
    curve = _flat(0.01)
    answer = hand_built.change(
        curves=(curve,),
        levels=(),
        display=display,
        target=Target(metric="trough", low=0.01, high=0.02, source="policy"),
    )
    picture = pictures(answer, curve, Wording(UTC, NOW, display))[0]
    axis = _scale(picture.values)

    assert picture.unit == "ng/mL"
    assert _ys(picture.past) == {axis["10"]}
    assert picture.target is not None
    assert picture.target.y == axis["20"]
    assert picture.target.y + picture.target.height == axis["10"]
    assert picture.target.label == "trough target 10–20"


def test_past_and_future_meet_at_now() -> None:
    curve = _flat(10.0)
    picture = pictures(hand_built.change(curves=(curve,)), curve, WORDING)[0]

    assert picture.now_x is not None
    assert picture.past.split("L")[-1].split()[0] == picture.future.removeprefix("M").split()[0]
    assert float(picture.future.removeprefix("M").split()[0]) == picture.now_x


def test_given_doses_are_told_from_planned_ones() -> None:
    curve = _flat(10.0)
    picture = pictures(hand_built.change(curves=(curve,)), curve, WORDING)[0]

    assert [dose.given for dose in picture.doses] == [True, False]


def test_an_area_target_has_no_band() -> None:
    curve = _flat(10.0)

    assert pictures(hand_built.change(curves=(curve,)), curve, WORDING)[0].target is None


def test_marks_stay_inside_the_picture() -> None:
    answer = hand_built.change()
    for curve in answer.curves:
        for picture in pictures(answer, curve, WORDING):
            xs = [m.x for m in (*picture.levels, *picture.doses)] + [t.at for t in picture.hours]
            ys = _ys(picture.band) | _ys(picture.future) | _ys(picture.as_ordered)

            assert all(picture.size.left <= x <= picture.size.width - picture.size.right for x in xs)
            assert all(picture.size.top <= y <= picture.size.floor for y in ys)


def test_the_description_says_what_the_eye_would_see() -> None:
    answer = hand_built.change()
    text = pictures(answer, answer.curves[1], WORDING)[0].description

    assert "34.1 on Tue 24 Nov, 01:30" in text
    assert "Next level proposed for Wed 25 Nov, 21:00" in text


def test_hour_labels_are_local_time() -> None:
    """Berlin is one hour ahead of UTC in November, so local midnight is 23:00 UTC."""
    curve = _flat(10.0)
    answer = hand_built.change(curves=(curve,))
    utc = pictures(answer, curve, WORDING)[0]
    berlin = pictures(answer, curve, Wording(ZoneInfo("Europe/Berlin"), NOW, hand_built.VANCOMYCIN))[0]
    hour = (utc.size.plot_width) / 96

    assert round(utc.midnights[0].at - berlin.midnights[0].at, 1) == round(hour, 1)


def test_the_table_keeps_both_ends_and_stays_short() -> None:
    curve = _flat(10.0, hours=300)
    table = rows(curve, NOW)

    assert len(table) <= MOST_ROWS
    assert (table[0].point, table[-1].point) == (curve.points[0], curve.points[-1])
    assert [row.past for row in table] == sorted((row.past for row in table), reverse=True)


def test_the_recommended_curve_is_shown_first() -> None:
    assert (found := main_curve(hand_built.change())) is not None
    assert found.role == "recommended"
    assert main_curve(hand_built.without_weight()) is None


def test_both_sizes_show_the_same() -> None:
    answer = hand_built.change()
    wide, narrow = pictures(answer, answer.curves[1], WORDING)

    assert (wide.size, narrow.size) == (WIDE, NARROW)
    assert (len(wide.levels), wide.description) == (len(narrow.levels), narrow.description)


def test_the_days_of_a_narrow_picture_do_not_run_into_each_other() -> None:
    """Eleven characters of 13 px are about 75 units wide."""
    for hours in range(24, 84, 6):
        curve = _flat(10.0, hours=hours)
        _, narrow = pictures(hand_built.change(curves=(curve,)), curve, WORDING)
        places = sorted(day.at for day in narrow.days)

        assert places
        assert all(later - earlier >= 75 for earlier, later in pairwise(places))
