"""How the core writes: whole percent, doses as stocked, no command, no local time, no more than is known."""

from __future__ import annotations

import re
from functools import cache

import pytest
from core_case import case_of, drug_of, scenario
from scenario import FIXTURES, scenario_paths

from dosing_core import phrases, recommend
from dosing_core.case import Case
from dosing_core.recommendation import Display, Estimate, Recommendation

NG_ML = Display(drug_name="tacrolimus", concentration_unit="ng/mL", concentration_factor=1000)


@pytest.mark.parametrize(
    ("value", "text"), [(1250.0, "1,250 mg"), (0.5, "0.5 mg"), (3.0, "3 mg"), (12.5, "12.5 mg")]
)
def test_doses_are_written_as_stocked(value: float, text: str) -> None:
    assert phrases.dose(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.377, "38 %"), (0.001, "under 1 %"), (0.999, "over 99 %"), (0.0, "under 1 %"), (1.0, "over 99 %")],
)
def test_chances_are_whole_percent(value: float, text: str) -> None:
    assert phrases.percent(value) == text


@pytest.mark.parametrize(
    ("hours", "text"), [(0.4, "24 min"), (27.2, "27 h"), (47.4, "47 h"), (287, "12 days")]
)
def test_ages_are_told_as_people_say_them(hours: float, text: str) -> None:
    assert phrases.age(hours) == text


def test_concentrations_are_told_in_the_drugs_own_unit() -> None:
    assert phrases.measured(0.0164, NG_ML) == "16.4 ng/mL"
    assert phrases.interval(Estimate(low=0.0061, median=0.016, high=0.0371), NG_ML) == "6.1–37"


def _texts(recommendation: Recommendation) -> list[str]:
    """What the core itself words; findings of the record's reader and citations left out."""
    target = recommendation.target
    said = [recommendation.reason, *recommendation.why, *recommendation.warnings, *recommendation.red_flags]
    said += [note for option in recommendation.options for note in option.notes]
    said += [level.note for level in recommendation.levels]
    said += [f"{one.text} {one.otherwise}" for one in recommendation.assumptions]
    said += [recommendation.next_level.reason] if recommendation.next_level else []
    said += [target.note] if target else []
    return [text for text in said if text]


@cache
def _all_texts() -> tuple[str, ...]:
    return tuple(text for case in _cases() for text in _texts(recommend(case)))


def _cases() -> list[Case]:
    cases = [Case.from_bytes(path.read_bytes()) for path in sorted((FIXTURES / "cases").glob("*.json"))]
    for path in scenario_paths():
        asked = scenario(path.name.removesuffix(".question.json"))
        if asked.question.record == "any" and asked.slug[:2] not in ("18", "19"):
            cases.append(case_of(asked, drug_of(asked)))
    return cases


@pytest.mark.parametrize(
    "forbidden",
    [
        r"\bmust\b",
        r"!",
        r"\bQD\b|\bBID\b|\bU\b|µg",
        r"\d\.\d*0 mg\b(?!/L)",
        r"(?<!\*)\b\d{1,2}:\d{2}\b",
        r"\b(Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b",
        r"\bnan\b|\binf\b|None",
        r"certain(ly)?\b",
        r"\.\.|\s\s|\s\.",
    ],
    ids=[
        "command",
        "exclamation",
        "abbreviation",
        "trailing zero",
        "clock",
        "date",
        "no number",
        "certain",
        "typo",
    ],
)
def test_no_text_says_what_a_card_may_not(forbidden: str) -> None:
    for text in _all_texts():
        assert not re.search(forbidden, text), text
