"""A plain progress bar on standard error: in place on a terminal, line by line in a log."""

from __future__ import annotations

import sys
from typing import TextIO

WIDTH = 30
LINES = 10
"""Where the bar cannot be redrawn, so many lines are written in all."""


class Progress:
    """Counts towards ``total``; silent if nobody watches (no terminal) and it was not asked for."""

    def __init__(self, what: str, total: int, asked_for: bool, stream: TextIO | None = None) -> None:
        self._what = what
        self._total = max(total, 1)
        self._stream = stream or sys.stderr
        self._in_place = self._stream.isatty()
        self._shown = asked_for or self._in_place
        self._last = -1

    def at(self, done: int) -> None:
        """``done`` of the total are done."""
        steps = WIDTH if self._in_place else LINES
        step = steps * done // self._total
        if not self._shown or step == self._last:
            return
        self._last = step
        filled = WIDTH * done // self._total
        bar = f"{self._what} [{'#' * filled}{'.' * (WIDTH - filled)}] {done}/{self._total}"
        end = "\n" if done >= self._total or not self._in_place else ""
        self._stream.write(f"\r{bar}{end}" if self._in_place else f"{bar}{end}")
        self._stream.flush()
