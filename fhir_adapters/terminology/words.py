"""Whole words: how names, routes and timings are matched in free text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache


@lru_cache(maxsize=4096)
def folded(written: str) -> str:
    """Lower case, one blank between words."""
    return " ".join(written.lower().split())


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w-])")


@lru_cache(maxsize=4096)
def words_in(written: str, words: tuple[str, ...]) -> frozenset[str]:
    """Which of ``words`` (one or several words each, lower case) stand in the text as a whole."""
    return frozenset(_pattern(words).findall(folded(written))) if words else frozenset()


def any_word(written: Iterable[str], words: tuple[str, ...]) -> str | None:
    """One of ``words`` that stands as a whole in one of the texts, the first by alphabet."""
    found = [word for one in written for word in words_in(one, words)]
    return min(found) if found else None
