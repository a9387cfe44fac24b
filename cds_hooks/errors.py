"""The errors that the hook service raises.

::

    ServiceError
    ├── ConfigurationError      the service cannot run as configured; the text says what to do
    ├── UnknownRecommendation   the ledger holds no recommendation with this id
    ├── UnusableInput           a file or an option of a command is not what it should be (says which)
    ├── UnreadableRecommendation  it was stored by a version whose values this one cannot read
    └── RefusedCall             a call is answered with 4xx and an OperationOutcome
        ├── MalformedRequest        400  not JSON, a field missing or of the wrong kind
        ├── UntrustedClient         401  no token, or one that does not hold
        ├── UnknownService          404  no service with this id
        ├── WrongMethod             405  this URL answers other methods
        ├── MissingData             412  what the advice needs was not sent and cannot be fetched
        ├── TooLarge                413  the body is larger than the service reads
        └── WrongMediaType          415  the body is not declared as JSON

A ``RefusedCall`` speaks to the person who connects an EHR: its text names the field in the words of the
request. It never quotes a value, because a value may be a patient's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self


class ServiceError(Exception):
    """Root of the hook service's errors."""


class ConfigurationError(ServiceError):
    """The service cannot run as configured; the text says what to do."""


class UnusableInput(ServiceError):
    """A file or an option of a command is not what it should be; the text says which and why."""


class UnknownRecommendation(ServiceError):
    """The ledger holds no recommendation with this id."""

    def __init__(self, recommendation_id: str) -> None:
        super().__init__(f"no recommendation {recommendation_id!r} in this ledger")
        self.recommendation_id = recommendation_id


class UnreadableRecommendation(ServiceError):
    """A recommendation was stored by a version whose values this one cannot read."""

    def __init__(self, recommendation_id: str, engine: str) -> None:
        super().__init__(f"{recommendation_id!r} was stored by {engine}, which this version cannot read")
        self.recommendation_id = recommendation_id
        self.engine = engine


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a call: where, as a path into the request, and what, as a sentence."""

    text: str
    field: str = ""
    code: str = "invalid"
    """A code of FHIR's IssueType."""


class RefusedCall(ServiceError):
    """A call that is answered with 4xx and an OperationOutcome naming each problem."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "invalid"

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.text for problem in problems))
        self.problems = problems

    @classmethod
    def because(cls, text: str, field: str = "") -> Self:
        """A refusal for one reason, with the code that is usual for this kind."""
        return cls(Problem(text, field, cls.code))


class MalformedRequest(RefusedCall):
    """Not JSON, a field missing, or a field of the wrong kind."""


class UntrustedClient(RefusedCall):
    """No client token, or one that does not hold."""

    status = 401
    code = "login"


class UnknownService(RefusedCall):
    """No service with this id."""

    status = 404
    code = "not-found"


class WrongMethod(RefusedCall):
    """This URL answers other methods."""

    status = 405
    code = "not-supported"


class MissingData(RefusedCall):
    """What the advice needs was not sent, and there is no FHIR server to ask."""

    status = 412
    code = "incomplete"


class TooLarge(RefusedCall):
    """The body is larger than the service reads."""

    status = 413
    code = "too-long"


class WrongMediaType(RefusedCall):
    """The body is not declared as JSON."""

    status = 415
    code = "not-supported"
