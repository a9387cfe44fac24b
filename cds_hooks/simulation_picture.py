"""The picture of a simulated course as SVG: two bands, the median and the typical person.

Readable without colour: the wide band of measured levels is hatched, the band of true concentrations filled,
the median solid and the typical person dashed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 960, 440
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 64, 52
FLOOR = HEIGHT - BOTTOM
MOST_POINTS = 2_000
"""More than two points a pixel are thinned."""
HOURS = (0.25, 0.5, 1, 2, 3, 4, 6, 12, 24, 48, 72, 168, 336, 672)
"""Steps of the time axis, h."""


@dataclass(frozen=True)
class Curves:
    """What is drawn, in the unit that the axis names; all as long as ``time``."""

    time: Sequence[float]
    """h."""
    typical: Sequence[float]
    low: Sequence[float]
    median: Sequence[float]
    high: Sequence[float]
    measured_low: Sequence[float]
    measured_high: Sequence[float]


def picture(curves: Curves, title: str, unit: str, targets: Sequence[float] = ()) -> str:
    """The SVG document. ``title`` says what was simulated; ``targets`` are drawn as lines."""
    start, end = curves.time[0], curves.time[-1]
    measured = all(math.isfinite(value) for value in curves.measured_high)
    tops = [*(curves.measured_high if measured else ()), *curves.high, *curves.typical, *targets, 1e-12]
    top = max(value for value in tops if math.isfinite(value))
    step = _nice(top / 5)
    ceiling = math.ceil(top / step - 1e-9) * step

    def x(time: float) -> float:
        return LEFT + (time - start) / ((end - start) or 1.0) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return FLOOR - value / ceiling * (FLOOR - TOP)

    thin = max(1, math.ceil(len(curves.time) / MOST_POINTS))
    kept = sorted({*range(0, len(curves.time), thin), len(curves.time) - 1})

    def path(values: Sequence[float]) -> str:
        return _line((x(curves.time[i]), y(values[i])) for i in kept)

    def band(low: Sequence[float], high: Sequence[float]) -> str:
        back = _line((x(curves.time[i]), y(low[i])) for i in reversed(kept))
        return f"{path(high)} {back.replace('M', 'L', 1)} Z"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="13"><title>{escape(title)}</title>',
        '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><path d="M0 0V6" stroke="#8aa4b8" stroke-width="1"/></pattern></defs>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" font-size="15">{escape(title)}</text>',
        *_value_axis(step, ceiling, y, unit),
        *_time_axis(start, end, x),
        *(
            [f'<path d="{band(curves.measured_low, curves.measured_high)}" fill="url(#hatch)"/>']
            if measured
            else []
        ),
        f'<path d="{band(curves.low, curves.high)}" fill="#a9c7de" fill-opacity="0.75"/>',
        f'<path d="{path(curves.typical)}" fill="none" stroke="#8a3b12" stroke-width="1.5" '
        'stroke-dasharray="6 4"/>',
        f'<path d="{path(curves.median)}" fill="none" stroke="#123f63" stroke-width="2"/>',
        *(
            f'<path d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}" stroke="#1d6b3a" stroke-width="1.5" '
            f'stroke-dasharray="2 4"/><text x="{WIDTH - RIGHT}" y="{y(value) - 4:.1f}" text-anchor="end" '
            f'fill="#1d6b3a">target {value:.6g}</text>'
            for value in targets
        ),
        *_legend(),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _line(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(points))


def _nice(raw: float) -> float:
    """The least step of 1, 2 or 5 times a power of ten that is not below ``raw``."""
    power: float = 10.0 ** math.floor(math.log10(raw))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * (1 - 1e-9))


def _value_axis(step: float, ceiling: float, y: Callable[[float], float], unit: str) -> Iterable[str]:
    for i in range(round(ceiling / step) + 1):
        at = y(i * step)
        yield f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{i * step:.6g}</text>'
    yield f'<text x="{LEFT - 8}" y="{TOP - 12}" text-anchor="end">{escape(unit)}</text>'


def _time_axis(start: float, end: float, x: Callable[[float], float]) -> Iterable[str]:
    step = next((hours for hours in HOURS if (end - start) / hours <= 16), (end - start) / 8 or 1.0)
    for i in range(math.ceil(start / step), math.floor(end / step + 1e-9) + 1):
        at = x(i * step)
        yield f'<path d="M{at:.1f} {FLOOR}v5" stroke="#444"/>'
        yield f'<text x="{at:.1f}" y="{FLOOR + 20}" text-anchor="middle">{i * step:.6g}</text>'
    yield f'<path d="M{LEFT} {FLOOR}H{WIDTH - RIGHT}" stroke="#444"/>'
    yield f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 10}" text-anchor="end">hours since the first dose</text>'


def _legend() -> Iterable[str]:
    entries = (
        ('<rect y="-9" width="26" height="11" fill="url(#hatch)" stroke="#8aa4b8"/>', "measured level, 90 %"),
        ('<rect y="-9" width="26" height="11" fill="#a9c7de"/>', "true concentration, 90 %"),
        ('<path d="M0 -4h26" stroke="#123f63" stroke-width="2"/>', "median"),
        ('<path d="M0 -4h26" stroke="#8a3b12" stroke-width="1.5" stroke-dasharray="6 4"/>', "typical person"),
    )
    for (mark, words), left in zip(entries, (LEFT, LEFT + 190, LEFT + 395, LEFT + 490), strict=True):
        yield f'<g transform="translate({left} 42)">{mark}<text x="32">{words}</text></g>'
