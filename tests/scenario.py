"""Scenarios: pairs of files, a question as an EHR would pose it and what a sensible answer does.

The files live in ``fixtures/scenarios`` as ``NN-slug.question.json`` and ``NN-slug.answer.json``. Tests,
demo and documentation read the same pairs. Expectations come from clinical reasoning, which ``because``
states, never from running the code.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from dosing_core.recommendation import Outcome

FIXTURES = Path(__file__).parent.parent / "fixtures"

Range = Annotated[tuple[float, float], Field(description="lowest and highest acceptable value")]


def _pattern(text: str) -> str:
    re.compile(text)
    return text


Pattern = Annotated[str, BeforeValidator(_pattern)]


class _File(BaseModel):
    """Unknown fields are refused, so a misspelt expectation cannot pass for a checked one."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Question(_File):
    """One hook call, short of its envelope."""

    title: str
    vignette: int | None
    """Number in the project's list of clinical vignettes, where the scenario is one of them."""
    story: str
    patient: str
    """The patient's Bundle, relative to ``fixtures/``. Its ``timestamp`` is the scenario's now."""
    hook: Literal["order-select", "order-sign"]
    record: Literal["any", "down", "unauthorised", "slow"] = "any"
    """``any``: the same answer from prefetch and from a FHIR server. Otherwise how the server fails,
    with nothing prefetched."""
    order: dict[str, Any]
    """The draft MedicationRequest."""


class LevelExpectation(_File):
    """What must become of one level on record; levels are listed in order of time."""

    used: bool | None = None
    plausible: bool | None = None
    hours_after_dose: Range | None = None


class Answer(_File):
    """What a sensible answer does. Strict about behaviour, generous about a model's figures."""

    because: str
    outcome: Annotated[tuple[Outcome | None, ...], Field(min_length=1)]
    """Acceptable outcomes; ``null``: no recommendation is made at all."""
    indicator: Annotated[tuple[Literal["info", "warning", "critical"] | None, ...], Field(min_length=1)]
    """Acceptable indicators of the gravest card; ``null``: no card."""
    says: tuple[Pattern, ...] = ()
    """Regular expressions, each found in what the cards say: summary, detail and labels."""
    never_says: tuple[Pattern, ...] = ()
    daily_dose_mg: Range | None
    """mg per 24 h of the recommended regimen. From 0: holding the drug is fine too. ``null``: no dose
    may be recommended and no suggestion may touch the order's dose."""
    not_above_ordered: bool = False
    loading_dose_mg: Range | None = None
    next_level_within_h: Range | None = None
    """Hours from now to the next level advised."""
    missing: tuple[str, ...] = ()
    """What the recommendation must name as missing, conflicting or unusable."""
    levels: tuple[LevelExpectation, ...] = ()


class Scenario(_File):
    """A question with its answer and the record it is asked about."""

    slug: str
    question: Question
    answer: Answer
    bundle: dict[str, Any]

    @property
    def now(self) -> datetime:
        """The instant at which the question is asked."""
        return datetime.fromisoformat(self.bundle["timestamp"])

    @property
    def patient_id(self) -> str:
        """Id of the patient whose chart is open."""
        return next(str(r["id"]) for r in self.resources if r["resourceType"] == "Patient")

    @property
    def resources(self) -> tuple[dict[str, Any], ...]:
        """The record, resource by resource."""
        return tuple(entry["resource"] for entry in self.bundle["entry"])


def scenario_paths() -> tuple[Path, ...]:
    """The question files, in order of their numbers."""
    return tuple(sorted((FIXTURES / "scenarios").glob("*.question.json")))


def patient_paths() -> tuple[Path, ...]:
    """The patients' Bundles."""
    return tuple(sorted((FIXTURES / "patients").glob("*.json")))


def read_scenario(question_path: Path) -> Scenario:
    """Read a pair and its patient. Raises ``pydantic.ValidationError`` or ``OSError``."""
    question = Question.model_validate_json(question_path.read_bytes())
    answer_path = question_path.with_name(question_path.name.replace(".question.", ".answer."))
    return Scenario(
        slug=question_path.name.removesuffix(".question.json"),
        question=question,
        answer=Answer.model_validate_json(answer_path.read_bytes()),
        bundle=json.loads((FIXTURES / question.patient).read_bytes()),
    )
