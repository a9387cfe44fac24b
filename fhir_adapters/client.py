"""Reads from one FHIR server for one hook call: in time, from there only, and the token leaves no trace.

Rules learnt from real servers: follow ``next`` links until they end, accept an empty last page, never rely
on ``total``, ``search.mode`` or ``fullUrl``. A link to another origin is not followed, nor is a redirect:
the token was lent for one server.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode, urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from fhir_adapters.elements import Resource, items, member
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

MOST_PAGES = 25
MOST_RESOURCES = 3000
LARGEST_BODY = 20_000_000
"""Bytes of one answer after decompression. All three are project policy: far above any chart read here, and
a bound on what a broken server can make us do."""
_CHUNK = 65_536

_connections = HTTPAdapter(pool_connections=16, pool_maxsize=32, max_retries=0)
"""Shared by all calls, so that connections to a server are reused; it holds neither tokens nor cookies."""


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


@dataclass(frozen=True)
class Found:
    """What a search found."""

    resources: tuple[Resource, ...]
    problem: FhirError | None = None
    """Why it may not be all of it: a later page failed or a bound was reached."""


class FhirClient:
    """A FHIR server, as long as one hook call lasts.

    ``base_url`` must have been checked against the allow-list. ``deadline`` is in seconds from now and covers
    everything that is asked. Methods raise ``FhirError``; they may be called from several threads.
    """

    def __init__(self, base_url: str, token: str | None, deadline: float) -> None:
        self._base = base_url.rstrip("/") + "/"
        self._origin = _origin(self._base)
        self._auth = _Bearer(token)
        self._until = time.monotonic() + deadline
        self._sessions = threading.local()

    def __repr__(self) -> str:
        return "<FhirClient>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open: connections belong to the shared pool."""

    def remaining(self) -> float:
        """Seconds until the deadline, not below zero."""
        return max(0.0, self._until - time.monotonic())

    def read(self, kind: str, identifier: str) -> Resource:
        """One resource by its id."""
        resource = self._get(urljoin(self._base, f"{kind}/{quote(identifier, safe='')}"))
        if member(resource, "resourceType") != kind or not isinstance(resource, dict):
            raise BadAnswer(f"the answer is not a {kind}")
        return resource

    def holds(self, reference: str) -> bool:
        """Whether a literal reference, relative or absolute, leads to this server."""
        return "://" not in reference or reference.startswith(self._base)

    def search(self, kind: str, parameters: Iterable[tuple[str, str]]) -> Found:
        """All pages of a search, within bounds. Raises if the first page fails; a later failure is told."""
        asked = tuple(parameters)
        try:
            page = self._get(self._search_url(kind, asked))
        except NotUnderstood:
            plain = tuple(pair for pair in asked if pair[0] not in {"_sort", "_include"})
            if plain == asked:
                raise
            page = self._get(self._search_url(kind, plain))
        found = self._pages(page, set())
        if found.problem is None and (short := shortfall(page, kind, found.resources)) is not None:
            return Found(found.resources, short)
        return found

    def continued(self, bundle: Resource) -> Found:
        """The pages after a Bundle that the hook's client prefetched; nothing if it is the last one."""
        return self._pages(bundle, set(), first_counts=False)

    def _pages(self, page: Any, seen: set[str], *, first_counts: bool = True) -> Found:
        """The resources of a page and of those after it."""
        found: list[Resource] = _resources(page) if first_counts else []
        for _ in range(MOST_PAGES - 1):
            if (failed := _failure(page)) is not None:
                return Found(tuple(found), failed)
            following = next_link(page)
            if following is None:
                return Found(tuple(found))
            url = self._same_origin(following)
            if url is None or url in seen:
                return Found(tuple(found), BadAnswer("the next page is somewhere else"))
            seen.add(url)
            try:
                page = self._get(url)
                found += _resources(page)
            except FhirError as error:
                return Found(tuple(found), error)
            if len(found) > MOST_RESOURCES:
                return Found(tuple(found), BadAnswer("the answer is longer than is read"))
        return Found(tuple(found), BadAnswer("the answer has more pages than are read"))

    def _same_origin(self, link: str) -> str | None:
        """The absolute URL of a link, if it leads to this server."""
        try:
            url = urljoin(self._base, link)
            return url if _origin(url) == self._origin else None
        except ValueError:
            return None

    def _search_url(self, kind: str, parameters: tuple[tuple[str, str], ...]) -> str:
        return f"{urljoin(self._base, kind)}?{urlencode(parameters)}"

    def _get(self, url: str) -> Any:
        """The JSON behind a URL of this server."""
        left = self.remaining()
        if left <= 0:
            raise TooSlow("no time left")
        try:
            with self._session().get(
                url,
                auth=self._auth,
                headers={"Accept": "application/fhir+json"},
                timeout=(left, left),
                allow_redirects=False,
                stream=True,
            ) as response:
                _judge(response.status_code)
                body = self._body(response)
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            raise TooSlow("no answer within the deadline") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError):
            raise Unreachable("no connection") from None
        try:
            return json.loads(body, parse_float=Decimal)
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


def _judge(status: int) -> None:
    """Raise for every status but 200."""
    if status == 200:
        return
    if 300 <= status < 400:
        raise BadAnswer(f"the server redirects ({status})")
    if status in (401, 403):
        raise Refused(f"the server refuses access ({status})")
    if status in (404, 410):
        raise NotHeld(f"the server does not have it ({status})")
    if status == 429 or status >= 500:
        raise Overloaded(f"the server fails ({status})")
    raise NotUnderstood(f"the server does not accept the question ({status})")


def _resources(page: Any) -> list[Resource]:
    """The resources of a searchset. Raises ``BadAnswer`` if it is none."""
    if member(page, "resourceType") != "Bundle":
        raise BadAnswer("the answer is not a Bundle")
    found = (entry.get("resource") for entry in items(member(page, "entry")))
    return [resource for resource in found if isinstance(resource, dict)]


def _failure(page: Any) -> BadAnswer | None:
    """Why a page says of itself that something failed: an OperationOutcome among its entries."""
    outcomes = [
        member(entry, "resource")
        for entry in items(member(page, "entry"))
        if member(entry, "resource", "resourceType") == "OperationOutcome"
    ]
    failed = any(
        issue.get("severity") in ("error", "fatal")
        for outcome in outcomes
        for issue in items(member(outcome, "issue"))
    )
    return BadAnswer("the answer says that a part of it failed") if failed else None


def shortfall(page: Any, kind: str, found: Iterable[Resource]) -> BadAnswer | None:
    """Why a search's first page and all that was found behind it are not the whole answer, if they are not.

    ``total`` counts matches. It decides nothing about paging, but an answer that holds fewer and has no
    further page has lost some.
    """
    if (failed := _failure(page)) is not None:
        return failed
    total = member(page, "total")
    if not isinstance(total, int) or isinstance(total, bool):
        return None
    held = sum(one.get("resourceType") == kind for one in found)
    return BadAnswer("the answer holds less than it says") if held < total else None


def next_link(page: Any) -> str | None:
    """Where the next page is, if there is one."""
    for link in items(member(page, "link")):
        if link.get("relation") == "next" and isinstance(link.get("url"), str) and link["url"]:
            return str(link["url"])
    return None


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port. Raises ``ValueError`` for what is no URL."""
    split = urlsplit(url)
    default = {"http": 80, "https": 443}.get(split.scheme)
    return split.scheme, (split.hostname or "").lower(), split.port or default
