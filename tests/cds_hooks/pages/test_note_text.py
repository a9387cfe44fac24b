"""The note can be pasted into a chart as it is: plain text, complete, and about nobody in particular."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import hand_built
from hand_built import NOW

from cds_hooks.pages.note_text import note
from cds_hooks.wording import Wording
from dosing_core.recommendation import Recommendation

WORDING = Wording(ZoneInfo("Europe/Berlin"), NOW, hand_built.VANCOMYCIN)


def _note(recommendation: Recommendation) -> list[str]:
    return note(recommendation, hand_built.case(), WORDING, "r1").split("\n")


def test_the_note_says_order_advice_basis_and_where_it_came_from() -> None:
    lines = _note(hand_built.change())

    assert lines[0] == "Vancomycin: 1,000 mg every 12 h → 750 mg every 12 h."
    assert "Order: 1,000 mg intravenously every 12 h, each over 2 h." in lines
    assert any(
        line.startswith("As ordered, 1,000 mg every 12 h: AUC24 652 (90 %: 535–789)") for line in lines
    )
    assert any(line.startswith("Advised, 750 mg every 12 h:") and "84 % chance" in line for line in lines)
    assert any(line.startswith("Caution: Above 600") for line in lines)
    assert any(line.startswith("Next level: Wed 25 Nov, 22:00.") for line in lines), "local time"
    assert "Model: Goti 2018." in lines
    assert lines[-1].startswith("Decision support of Tue 24 Nov 2026, 10:00 (Europe/Berlin), id r1")


def test_an_alternative_that_nobody_advises_stays_out_of_the_note() -> None:
    assert "every 24 h" not in "\n".join(_note(hand_built.change()))


def test_without_a_dose_the_note_says_what_is_missing() -> None:
    lines = _note(hand_built.without_weight())

    assert lines[0] == "Vancomycin: not individualised."
    assert any(line.startswith("Not known or not used: weight") for line in lines)
    assert "Would help: the weight." in lines


def test_sources_stay_on_the_page() -> None:
    """A resource id may lead to a patient; a note travels further than the page."""
    assert "Observation/" not in "\n".join(_note(hand_built.change()))
