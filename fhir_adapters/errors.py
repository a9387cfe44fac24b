"""The errors that the FHIR side raises.

::

    AdapterError
    ├── NothingToRead        neither prefetch nor a server holds what an answer needs
    ├── WritebackError       a resource that we would emit is not valid FHIR R4
    ├── UnusableKey          the private key of SMART Backend Services cannot be used
    └── FhirError            one question to the FHIR server was not answered
        ├── Unreachable          no connection
        │   └── TooSlow              no answer within the deadline
        ├── Refused              401 or 403
        ├── NotHeld              404 or 410
        ├── NotUnderstood        any other 4xx
        ├── Overloaded           429 or 5xx
        └── BadAnswer            a redirect, not JSON, too large, or not what was asked for

Messages name a status or a kind of fault; never a URL, a patient or a token.
"""

from __future__ import annotations


class AdapterError(Exception):
    """Root of the FHIR side's errors."""


class NothingToRead(AdapterError):
    """What an answer needs was neither prefetched nor can it be fetched; ``missing`` names the keys."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__(f"neither prefetched nor to be fetched: {', '.join(missing)}")
        self.missing = missing


class WritebackError(AdapterError):
    """A resource that would be emitted does not hold as FHIR R4."""


class UnusableKey(AdapterError):
    """The private key for SMART Backend Services cannot be read or is too weak."""


class FhirError(AdapterError):
    """One question to the FHIR server was not answered."""


class Unreachable(FhirError):
    """The server could not be reached."""


class TooSlow(Unreachable):
    """The deadline passed before the answer was complete."""


class Refused(FhirError):
    """The server refuses the token (401: ``unauthorised``) or the access (403)."""

    def __init__(self, message: str, *, unauthorised: bool = False) -> None:
        super().__init__(message)
        self.unauthorised = unauthorised


class NotHeld(FhirError):
    """The server does not have it (404, 410)."""


class NotUnderstood(FhirError):
    """The server does not accept the question (other 4xx)."""


class Overloaded(FhirError):
    """The server is overloaded or broken (429, 5xx).

    ``passing``: it may be over in a moment; ``wait``: the seconds that the server asks for."""

    def __init__(self, message: str, *, passing: bool = False, wait: float | None = None) -> None:
        super().__init__(message)
        self.passing = passing
        self.wait = wait


class BadAnswer(FhirError):
    """The answer cannot be used: a redirect, not JSON, too large, or of the wrong kind."""
