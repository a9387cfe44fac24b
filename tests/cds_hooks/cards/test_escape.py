"""Text from the record cannot become markup, a link, a table cell or another line."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from cds_hooks.cards.escape import LONGEST, markdown, plain, shortened

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "**bold** _em_ ~~gone~~ `code`",
    "a | b | c",
    "&lt;b&gt; &amp; &copy;",
    "line\n\n# heading\r\n- item",
    "\\*not escaped twice\\*",
    "<https://evil.example>",
    "[ref]: https://evil.example",
    "CYP3A5 *1/*3",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_exactly_the_text(text: str) -> None:
    tokens = (
        MarkdownIt("commonmark", {"html": True}).enable("table").parseInline(f"**Why:** {markdown(text)}")
    )
    kinds = {child.type for child in tokens[0].children or () if child.type != "text_special"}
    shown = "".join(child.content for child in (tokens[0].children or ()))

    assert kinds <= {"strong_open", "strong_close", "text"}
    assert shown.replace("\u2060", "") == f"Why: {' '.join(text.split())}"


def test_a_cell_cannot_be_left() -> None:
    rendered = MarkdownIt("commonmark").enable("table").render(f"| a |\n|---|\n| {markdown('x | y')} |")

    assert rendered.count("<td") == 1


@pytest.mark.parametrize(
    "text", ["see https://evil.example/x", "www.evil.example", "mail a@evil.example", "mailto:a@b.example"]
)
def test_addresses_do_not_become_links(text: str) -> None:
    """GFM links bare addresses, and some clients look for them after the escapes are gone."""
    shown = markdown(text)

    for address in ("://", "www.", "@evil", "mailto:"):
        assert address not in shown


def test_invisible_characters_are_gone() -> None:
    """A right-to-left override can turn 1.0 into 0.1 for the eye."""
    assert plain("a\u202e0.1\u200b b\x00c\u2028d") == "a 0.1 b c d"


def test_a_long_text_is_cut() -> None:
    assert len(plain("x" * 10_000)) == LONGEST


def test_a_line_is_cut_at_a_word() -> None:
    assert shortened("one two three four", 12) == "one two…"
    assert shortened("short", 12) == "short"
    assert len(shortened("x" * 50, 12)) == 12
