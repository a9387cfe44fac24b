"""OperationOutcome: how a refused call says what was wrong."""

from __future__ import annotations

from typing import Any

from cds_hooks.errors import Problem


def operation_outcome(*problems: Problem) -> dict[str, Any]:
    """A FHIR R4 OperationOutcome with one issue for each problem."""
    return {"resourceType": "OperationOutcome", "issue": [_issue(problem) for problem in problems]}


def _issue(problem: Problem) -> dict[str, Any]:
    issue = {"severity": "error", "code": problem.code, "diagnostics": problem.text}
    return issue | ({"expression": [problem.field]} if problem.field else {})
