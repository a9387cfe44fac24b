"""The concentration–time picture: where each mark lies. The template draws the marks.

Two sizes of the same picture are drawn, one for wide and one for narrow screens, so that its words stay
readable on both. Readable without colour: the past is solid and the future dashed, the population dotted,
the order as written dash-dotted, a flagged level is a cross and the target band is hatched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cds_hooks.wording import Wording, figure
from dosing_core.recommendation import Curve, CurvePoint, Recommendation

HOUR = timedelta(hours=1)
HOUR_STEPS = (1, 2, 3, 4, 6, 12)
DAY_STEPS = (1, 2, 3, 5, 7, 14, 28)
MOST_ROWS = 48
"""Rows of the table that stands in for the picture; a longer curve is thinned evenly."""


@dataclass(frozen=True)
class Size:
    """The canvas and the room around the plot, in SVG user units."""

    name: str
    width: float
    height: float
    left: float
    right: float
    top: float = 26
    bottom: float = 74
    hour_label: float = 38
    day_label: float = 62

    @property
    def plot_width(self) -> float:
        return self.width - self.left - self.right

    @property
    def floor(self) -> float:
        """y of the time axis."""
        return self.height - self.bottom


WIDE = Size("wide", 1040, 400, left=52, right=18)
NARROW = Size("narrow", 370, 340, left=36, right=10, day_label=76)


@dataclass(frozen=True)
class Tick:
    at: float
    label: str = ""


@dataclass(frozen=True)
class LevelMark:
    x: float
    y: float
    label: str
    used: bool
    label_left: bool


@dataclass(frozen=True)
class DoseMark:
    x: float
    given: bool


@dataclass(frozen=True)
class NextMark:
    x: float
    y: float
    label: str
    label_left: bool


@dataclass(frozen=True)
class TargetBand:
    y: float
    height: float
    label: str


@dataclass(frozen=True)
class Picture:
    """All marks of one picture in the coordinates of its ``size``; paths are SVG path data."""

    id: str
    size: Size
    title: str
    description: str
    unit: str
    band: str
    past: str
    future: str
    population: str
    as_ordered: str
    now_x: float | None
    values: tuple[Tick, ...]
    hours: tuple[Tick, ...]
    midnights: tuple[Tick, ...]
    days: tuple[Tick, ...]
    levels: tuple[LevelMark, ...]
    doses: tuple[DoseMark, ...]
    target: TargetBand | None
    next_level: NextMark | None


@dataclass(frozen=True)
class Row:
    """One line of the table: what the picture shows at one instant."""

    time: datetime
    point: CurvePoint
    past: bool


def pictures(recommendation: Recommendation, curve: Curve, wording: Wording) -> tuple[Picture, ...]:
    """The picture of one curve in each size; none if the curve has fewer than two points."""
    if len(curve.points) < 2:
        return ()
    return tuple(_picture(recommendation, curve, wording, size) for size in (WIDE, NARROW))


def main_curve(recommendation: Recommendation) -> Curve | None:
    """The curve to show first: of the recommended regimen, else of the order as written, else any."""
    by_role = {curve.role: curve for curve in reversed(recommendation.curves)}
    return by_role.get("recommended") or by_role.get("as_ordered") or by_role.get("alternative")


def rows(curve: Curve, now: datetime) -> tuple[Row, ...]:
    """The curve as a table, thinned evenly to at most ``MOST_ROWS`` lines, first and last kept."""
    step = max(1, math.ceil((len(curve.points) - 1) / (MOST_ROWS - 1)))
    kept = list(curve.points[::step])
    if kept[-1] != curve.points[-1]:
        kept[-1:] = [curve.points[-1]] if len(kept) == MOST_ROWS else [kept[-1], curve.points[-1]]
    return tuple(Row(point.time, point, point.time <= now) for point in kept)


def _picture(recommendation: Recommendation, curve: Curve, wording: Wording, size: Size) -> Picture:
    start, end = curve.points[0].time, curve.points[-1].time
    overlay = _overlay(recommendation, curve, wording.now)
    top = _top_value(recommendation, curve, overlay, wording)
    step = _nice_step(top, 4)
    ceiling = math.ceil(top / step) * step

    def x(time: datetime) -> float:
        return round(size.left + (time - start) / (end - start) * size.plot_width, 1)

    def y(value: float) -> float:
        share = min(value * wording.factor / ceiling, 1.0)
        return round(size.floor - share * (size.floor - size.top), 1)

    past = [p for p in curve.points if p.time <= wording.now]
    future = [p for p in curve.points if p.time >= wording.now]
    if past and future and past[-1] is not future[0]:
        future = [past[-1], *future]

    def path(points: Sequence[CurvePoint], of: Callable[[CurvePoint], float]) -> str:
        return _line((x(point.time), y(of(point))) for point in points)

    hours, midnights, days = _time_axis(start, end, x, wording, size)
    return Picture(
        id=f"curve-{curve.role}-{size.name}",
        size=size,
        title=_title(curve),
        description=_description(recommendation, curve, wording),
        unit=wording.concentration_unit,
        band=_band(curve.points, x, y),
        past=path(past, lambda p: p.median),
        future=path(future, lambda p: p.median),
        population=path(curve.points, lambda p: p.population),
        as_ordered=path(overlay, lambda p: p.median),
        now_x=x(wording.now) if start < wording.now < end else None,
        values=tuple(
            Tick(y(i * step / wording.factor), figure(i * step) if step < 10 else f"{i * step:,.0f}")
            for i in range(round(ceiling / step) + 1)
        ),
        hours=hours,
        midnights=midnights,
        days=days,
        levels=tuple(
            LevelMark(
                x=x(level.time),
                y=y(level.observed),
                label=wording.measured(level.observed),
                used=level.used,
                label_left=x(level.time) > size.width - size.right - 44,
            )
            for level in recommendation.levels
            if start <= level.time <= end
        ),
        doses=tuple(
            DoseMark(x(time), time <= wording.now) for time in curve.dose_times if start <= time <= end
        ),
        target=_target(recommendation, wording, y),
        next_level=_next_mark(recommendation, curve, wording, x, y, size),
    )


def _line(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{'L' if i else 'M'}{x} {y}" for i, (x, y) in enumerate(points))


def _band(points: Sequence[CurvePoint], x: Callable[[datetime], float], y: Callable[[float], float]) -> str:
    upper = [(x(p.time), y(p.high)) for p in points]
    lower = [(x(p.time), y(p.low)) for p in reversed(points)]
    return f"{_line(upper)} {_line(lower).replace('M', 'L', 1)} Z"


def _overlay(recommendation: Recommendation, curve: Curve, now: datetime) -> tuple[CurvePoint, ...]:
    """What the order as written would do from now on, beside the curve of another regimen."""
    if curve.role != "recommended":
        return ()
    ordered = next((c for c in recommendation.curves if c.role == "as_ordered"), None)
    return tuple(p for p in ordered.points if p.time >= now) if ordered else ()


def _top_value(
    recommendation: Recommendation, curve: Curve, overlay: Sequence[CurvePoint], wording: Wording
) -> float:
    start, end = curve.points[0].time, curve.points[-1].time
    highest = [max(p.high, p.population) for p in curve.points]
    highest += [p.median for p in overlay]
    highest += [level.observed for level in recommendation.levels if start <= level.time <= end]
    if recommendation.target and recommendation.target.metric == "trough":
        highest.append(recommendation.target.high)
    return max(max(highest) * wording.factor * 1.04, 1e-6)


def _nice_step(top: float, parts: int) -> float:
    """A step of 1, 2 or 5 times a power of ten that cuts ``top`` into about ``parts``."""
    raw = top / parts
    power: float = 10.0 ** math.floor(math.log10(raw))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)


def _time_axis(
    start: datetime, end: datetime, x: Callable[[datetime], float], wording: Wording, size: Size
) -> tuple[tuple[Tick, ...], tuple[Tick, ...], tuple[Tick, ...]]:
    """Ticks at whole local hours, lines at local midnights, and the days' names."""
    local_start, local_end = start.astimezone(wording.timezone), end.astimezone(wording.timezone)
    hours = (end - start) / HOUR
    per_label = hours * size.hour_label / size.plot_width
    step = next((step for step in HOUR_STEPS if step >= per_label), None)
    midnight = local_start.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight + timedelta(days=i) for i in range((local_end - midnight).days + 2)]
    midnights = tuple(Tick(x(day)) for day in days if start < day < end)
    if step is None:
        per_day = hours / 24 * size.day_label / size.plot_width
        skip = next((skip for skip in DAY_STEPS if skip >= per_day), DAY_STEPS[-1])
        named = [day for i, day in enumerate(days) if i % skip == 0 and start <= day < end]
        room = size.width - size.right - size.day_label / 2
        return (
            tuple(Tick(x(day)) for day in named),
            midnights if skip == 1 else tuple(Tick(x(day)) for day in named),
            tuple(Tick(x(day), wording.day(day)) for day in named if x(day) < room),
        )
    marks = [day + i * step * HOUR for day in days for i in range(24 // step)]
    ticks = tuple(Tick(x(mark), f"{mark:%H}") for mark in marks if start <= mark <= end)
    named_days = []
    for day in days:
        first, last = max(day, local_start), min(day + timedelta(days=1), local_end)
        if first < last and x(last) - x(first) >= size.day_label:
            named_days.append(Tick((x(first) + x(last)) / 2, wording.day(day)))
    return ticks, midnights, tuple(named_days)


def _target(
    recommendation: Recommendation, wording: Wording, y: Callable[[float], float]
) -> TargetBand | None:
    """The band of a trough target. An AUC is an area, so it has no band and is said in words."""
    target = recommendation.target
    if target is None or target.metric != "trough":
        return None
    low, high = wording.bounds(target)
    return TargetBand(y(target.high), round(y(target.low) - y(target.high), 1), f"trough target {low}–{high}")


def _next_mark(
    recommendation: Recommendation,
    curve: Curve,
    wording: Wording,
    x: Callable[[datetime], float],
    y: Callable[[float], float],
    size: Size,
) -> NextMark | None:
    level = recommendation.next_level
    if level is None or not curve.points[0].time <= level.time <= curve.points[-1].time:
        return None
    nearest = min(curve.points, key=lambda p: abs(p.time - level.time))
    at = x(level.time)
    return NextMark(at, y(nearest.median), "next level", at > size.left + size.plot_width * 0.72)


def _title(curve: Curve) -> str:
    what = {
        "recommended": "with the recommended regimen",
        "as_ordered": "with the order as written",
        "alternative": "with the alternative regimen",
    }
    return f"Predicted concentration {what[curve.role]}"


def _description(recommendation: Recommendation, curve: Curve, wording: Wording) -> str:
    first, last = curve.points[0], curve.points[-1]
    ahead = [p for p in curve.points if p.time >= wording.now] or [last]
    highest, lowest = max(ahead, key=lambda p: p.median), min(ahead[1:] or ahead, key=lambda p: p.median)
    unit = wording.concentration_unit
    parts = [
        f"Concentration in {unit} from {wording.when(first.time)} to {wording.when(last.time)}.",
        f"From now on the median runs between {wording.exposure(lowest.median)} and "
        f"{wording.exposure(highest.median)} {unit}; at the end it is {wording.exposure(last.median)} "
        f"(90 % band {wording.exposure(last.low)} to {wording.exposure(last.high)}).",
    ]
    if recommendation.levels:
        values = ", ".join(
            f"{wording.measured(level.observed)} on {wording.when(level.time)}"
            + ("" if level.used else " (not used)")
            for level in recommendation.levels
        )
        parts.append(f"Measured: {values}.")
    if recommendation.next_level:
        parts.append(f"Next level proposed for {wording.when(recommendation.next_level.time)}.")
    return " ".join(parts)
