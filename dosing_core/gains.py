"""What is not known and what knowing it would buy: the value of information, in the loss that ranks regimens.

Without the fact one regimen has to do for all that it may be; with it each has its own. The difference of the
expected losses is what the fact is worth (Raiffa and Schlaifer, Applied Statistical Decision Theory, 1961).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from dosing_core import phrases
from dosing_core.case import Regimen
from dosing_core.consultation import Consultation
from dosing_core.population.individual import FloatArray
from dosing_core.recommendation import Gain, NextLevel
from dosing_core.regimens.options import six

LEAST_SHARE = 0.02
"""What is less likely than this is not worth asking about. Project policy."""


def gains(consultation: Consultation, next_level: NextLevel | None) -> tuple[Gain, ...]:
    """Everything whose worth is known, the most worthwhile first."""
    found = [*_unknown_fact(consultation), *_level(consultation, next_level)]
    return tuple(sorted(found, key=lambda gain: (gain.loss_then or 0.0) - (gain.loss_now or 0.0)))


def _unknown_fact(own: Consultation) -> Iterator[Gain]:
    """A fact that has few values, each a hypothesis: a genotype that was not typed."""
    names = tuple(dict.fromkeys(part.name for part in own.belief.components))
    if len(names) < 2 or not own.search.candidates:
        return
    mine = {
        name: np.concatenate(
            [
                np.full(len(eta), 1.0 if own.names[id(person)] == name else 0.0)
                for person, eta in own.question.particles
            ]
        )
        for name in names
    }
    likely = {name: row for name, row in mine.items() if row.mean() >= LEAST_SHARE}
    if len(likely) < 2:
        return
    now = float(own.search.losses.mean(axis=1).min())
    then, regimens = _each(own, list(likely.values()))
    widths = [_width(own, row) for row in (np.ones(len(mine[names[0]])), *likely.values())]
    known = sum(row.mean() * width for row, width in zip(likely.values(), widths[1:], strict=True))
    text = (
        f"Known, {' or '.join(likely)} would narrow the 90 % interval from a factor of "
        f"{phrases.figure(widths[0])} to one of about {phrases.figure(known)}."
    )
    yield Gain(
        about=" or ".join(likely),
        text=text,
        loss_now=six(now),
        loss_then=six(min(then, now)),
        regimens=regimens,
    )


def _each(own: Consultation, rows: Sequence[FloatArray]) -> tuple[float, tuple[Regimen, ...]]:
    """Expected loss if each group of particles had its own best regimen, and these regimens."""
    total, loss, chosen = sum(row.sum() for row in rows), 0.0, []
    for row in rows:
        losses = own.search.losses @ (row / row.sum())
        place = int(np.argmin(losses))
        loss += float(losses[place]) * row.sum() / total
        chosen.append(own.search.candidates[place].regimen)
    return float(loss), tuple(dict.fromkeys(chosen))


def _width(own: Consultation, row: FloatArray) -> float:
    """Ratio of the 95 % to the 5 % quantile of the exposure under the best regimen among these particles."""
    place = int(np.argmin(own.search.losses.mean(axis=1)))
    values = own.search.values[place][row > 0.0]
    low, high = np.quantile(values, (0.05, 0.95))
    return float(high / max(low, 1e-12))


def _level(own: Consultation, next_level: NextLevel | None) -> Iterator[Gain]:
    """The next level, where its worth was worked out."""
    if next_level is None or next_level.loss_now is None or next_level.loss_after is None:
        return
    saved = 1.0 - next_level.loss_after / next_level.loss_now if next_level.loss_now > 0 else 0.0
    text = f"The level advised lowers the expected loss by {phrases.percent(max(saved, 0.0))}."
    yield Gain(
        about="level",
        text=text,
        loss_now=next_level.loss_now,
        loss_then=min(next_level.loss_after, next_level.loss_now),
    )
