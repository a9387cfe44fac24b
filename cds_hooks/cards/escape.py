"""Text that may have come from the EHR, made safe to show.

A card's ``detail`` is GitHub Flavored Markdown, which some clients render together with the HTML in it and
without a sanitiser. Nothing that the record holds may become markup, a link or a table cell there.
"""

from __future__ import annotations

import re

LONGEST = 400
"""Characters of one piece of text that are shown."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\s]+")
_MARKDOWN = re.compile(r"([\\`*_\[\]|~!#])")
_TAG_LIKE = re.compile(r"<(?=[A-Za-z/!?])")
_WORD_JOINER = "\u2060"
_AUTOLINK = re.compile(r"(?i)(?<=\bwww)(?=\.)|(?<=:)(?=//)|(?<=@)|(?<=mailto)(?=:)|(?<=xmpp)(?=:)")


def plain(text: str) -> str:
    """The text on one line, for a summary or a label, which clients show as it is."""
    return _TAG_LIKE.sub("‹", _one_line(text))


def markdown(text: str) -> str:
    """The text on one line as Markdown that shows exactly it."""
    flat = _AUTOLINK.sub(_WORD_JOINER, _one_line(text))
    flat = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", flat)


def _one_line(text: str) -> str:
    flat = _CONTROL.sub(" ", text).strip()
    return flat if len(flat) <= LONGEST else f"{flat[: LONGEST - 1].rstrip()}…"


def shortened(text: str, length: int) -> str:
    """The text cut at a word so that it has at most ``length`` characters."""
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    return f"{(cut[: cut.rfind(' ')] if ' ' in cut[length // 2 :] else cut).rstrip(' ,;:–')}…"
