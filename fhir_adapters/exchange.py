"""One exchange after another with one origin over HTTP: in time, bounded, tried again where that may help.

What may be asked is decided elsewhere; here is only how. A redirect is not followed and a link to another
origin is not asked: a token was lent for one server.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from fhir_adapters.errors import (
    BadAnswer,
    FhirError,
    NotHeld,
    NotUnderstood,
    Overloaded,
    Refused,
    TooSlow,
    Unreachable,
)

LARGEST_BODY = 20_000_000
"""Bytes of one answer after decompression. Project policy: far above any chart read here, and a bound on
what a broken server can make us do."""
MOST_TRIES = 3
"""Of one question, if the server is overloaded or breaks the connection. Project policy."""
FIRST_PAUSE = 0.1
"""Seconds before the second try, twice as long before the third. Project policy: a prescriber waits."""
FHIR_JSON = "application/fhir+json"
_CHUNK = 65_536

_connections = HTTPAdapter(pool_connections=16, pool_maxsize=32, max_retries=0)
"""Shared by all calls, so that connections to a server are reused; it holds neither tokens nor cookies."""


class TokenSource(Protocol):
    """Where the bearer token of a question comes from."""

    def token(self) -> str | None:
        """The token to send now; None: the server is asked without one. Raises ``FhirError``."""

    def refused(self, token: str) -> bool:
        """Told that the server refused this token; True if another one may be had by ``token``."""


class LentToken:
    """A token that came with a hook call: it lives as long as the call and cannot be renewed."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def token(self) -> str | None:
        """The token as it was lent."""
        return self._token

    def refused(self, token: str) -> bool:
        """Nothing can be done about it."""
        return False

    def __repr__(self) -> str:
        return "<a lent token>"


class _Bearer(AuthBase):
    """Sets the token at the last moment; being there at all keeps requests from looking into ``.netrc``."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def __repr__(self) -> str:
        return "<bearer>"


class Exchange:
    """Questions to one origin until a deadline, in seconds from now, which covers all of them.

    Methods raise ``FhirError``; they may be called from several threads.
    """

    def __init__(self, tokens: TokenSource, deadline: float) -> None:
        self.tokens = tokens
        self._until = time.monotonic() + deadline
        self._sessions = threading.local()

    def __repr__(self) -> str:
        return "<Exchange>"

    def remaining(self) -> float:
        """Seconds until the deadline, not below zero."""
        return max(0.0, self._until - time.monotonic())

    def get(self, url: str, accept: str = FHIR_JSON) -> Any:
        """The JSON behind a URL."""
        return self._ask("GET", url, {"Accept": accept}, None)

    def post_form(self, url: str, form: Iterable[tuple[str, str]], accept: str = FHIR_JSON) -> Any:
        """The JSON that answers a form: a search by POST, or a question to an authorisation server."""
        return self._ask("POST", url, {"Accept": accept}, list(form))

    def send(self, method: str, url: str, body: bytes, headers: dict[str, str] | None = None) -> Any:
        """Send a resource as FHIR JSON; what the server answers, None if it answers nothing.

        Never tried again after a broken connection: nobody knows whether it arrived.
        """
        kind = {"Accept": FHIR_JSON, "Content-Type": FHIR_JSON}
        return self._ask(method, url, kind | (headers or {}), body)

    def _ask(self, method: str, url: str, headers: dict[str, str], body: Any) -> Any:
        """One question, tried again while the server says that it is only busy."""
        tries, renewed = 0, False
        while True:
            tries += 1
            token = self.tokens.token()
            try:
                return self._once(method, url, headers, body, token)
            except Refused as refused:
                if token is None or renewed or not refused.unauthorised or not self.tokens.refused(token):
                    raise
                renewed = True
            except (Overloaded, Unreachable) as error:
                pause = _pause(error, tries)
                safe = not isinstance(body, bytes) or isinstance(error, Overloaded)
                if tries >= MOST_TRIES or not safe or pause is None or pause >= self.remaining():
                    raise
                time.sleep(pause)

    def _once(self, method: str, url: str, headers: dict[str, str], body: Any, token: str | None) -> Any:
        left = self.remaining()
        if left <= 0:
            raise TooSlow("no time left")
        try:
            with self._session().request(
                method,
                url,
                data=body,
                auth=_Bearer(token),
                headers=headers,
                timeout=(left, left),
                allow_redirects=False,
                stream=True,
            ) as response:
                _judge(response)
                read = self._body(response)
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            raise TooSlow("no answer within the deadline") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError):
            raise Unreachable("no connection") from None
        if not read and isinstance(body, bytes):
            return None
        try:
            return json.loads(read, parse_float=Decimal)
        except (ValueError, RecursionError):
            raise BadAnswer("the answer is not JSON") from None

    def _body(self, response: requests.Response) -> bytes:
        """The body, read piece by piece so that neither a trickle nor a flood outlasts its bound."""
        read = bytearray()
        while piece := response.raw.read1(_CHUNK, decode_content=True):
            read += piece
            if len(read) > LARGEST_BODY:
                raise BadAnswer("the answer is too large")
            if self.remaining() <= 0:
                raise TooSlow("no answer within the deadline")
        return bytes(read)

    def _session(self) -> requests.Session:
        """A session of this thread: requests promises nothing about sharing one."""
        session: requests.Session | None = getattr(self._sessions, "session", None)
        if session is None:
            session = requests.Session()
            session.mount("http://", _connections)
            session.mount("https://", _connections)
            self._sessions.session = session
        return session


def _judge(response: requests.Response) -> None:
    """Raise for every status that is no success."""
    status = response.status_code
    if status in (200, 201, 204):
        return
    if 300 <= status < 400:
        raise BadAnswer(f"the server redirects ({status})")
    if status in (401, 403):
        raise Refused(f"the server refuses access ({status})", unauthorised=status == 401)
    if status in (404, 410):
        raise NotHeld(f"the server does not have it ({status})")
    if status == 429 or status >= 500:
        wait = _seconds(response.headers.get("Retry-After"))
        raise Overloaded(f"the server fails ({status})", passing=status in PASSING, wait=wait)
    raise NotUnderstood(f"the server does not accept the question ({status})")


PASSING = (429, 502, 503, 504)
"""Failures that may be over in a moment; 500 and 501 are not."""


def _seconds(retry_after: str | None) -> float | None:
    """What ``Retry-After`` asks for: seconds or a date (RFC 9110, section 10.2.3); None if it says nothing
    that is understood."""
    if retry_after is None:
        return None
    try:
        return max(0.0, float(int(retry_after)))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(retry_after)
    except (TypeError, ValueError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _pause(error: FhirError, tries: int) -> float | None:
    """Seconds to wait before the same question is put again; None if that is of no use."""
    pause = FIRST_PAUSE * float(2 ** (tries - 1))
    if isinstance(error, TooSlow):
        return None
    if isinstance(error, Overloaded):
        return max(pause, error.wait or 0.0) if error.passing else None
    return pause


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port. Raises ``ValueError`` for what is no URL."""
    split = urlsplit(url)
    default = {"http": 80, "https": 443}.get(split.scheme)
    return split.scheme, (split.hostname or "").lower(), split.port or default
