"""Reads from one FHIR server for one hook call: in time, from there only, and the token leaves no trace.

Rules learnt from real servers: follow ``next`` links until they end, accept an empty last page, never rely
on ``total``, ``search.mode`` or ``fullUrl``. A link to another origin is not followed, nor is a redirect:
the token was lent for one server.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode, urljoin

from fhir_adapters.discovery import Capabilities, SmartConfiguration, capabilities, smart_configuration
from fhir_adapters.elements import Resource, items, member
from fhir_adapters.errors import BadAnswer, FhirError, NotHeld, NotUnderstood
from fhir_adapters.exchange import Exchange, LentToken, TokenSource, origin
from fhir_adapters.quirks import PLAIN, Quirks
from fhir_adapters.releases import as_r4

MOST_PAGES = 25
MOST_RESOURCES = 3000
"""Both are project policy: far above any chart read here, and a bound on what a broken server can make us
do."""
LONGEST_URL = 2000
"""Characters; some proxies and servers cut longer ones, so such a search is sent by POST. Project policy."""


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

    def __init__(
        self,
        base_url: str,
        token: str | TokenSource | None,
        deadline: float,
        quirks: Quirks = PLAIN,
    ) -> None:
        self._base = base_url.rstrip("/") + "/"
        self._origin = origin(self._base)
        lent = LentToken(token) if token is None or isinstance(token, str) else token
        self._exchange = Exchange(lent, deadline)
        self.quirks = quirks

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
        return self._exchange.remaining()

    def lent(self) -> str | None:
        """The token that is sent now, to be lent to a hook call; None if there is none."""
        return self._exchange.tokens.token()

    def read(self, kind: str, identifier: str) -> Resource:
        """One resource by its id."""
        place = f"{self.quirks.kind(kind)}/{quote(identifier, safe='')}"
        answer = self._exchange.get(urljoin(self._base, place))
        resource = as_r4(answer) if isinstance(answer, dict) else {}
        if resource.get("resourceType") != kind:
            raise BadAnswer(f"the answer is not a {kind}")
        return resource

    def holds(self, reference: str) -> bool:
        """Whether a literal reference, relative or absolute, leads to this server."""
        return "://" not in reference or reference.startswith(self._base)

    def search(self, kind: str, parameters: Iterable[tuple[str, str]]) -> Found:
        """All pages of a search, within bounds. Raises if the first page fails; a later failure is told."""
        asked = self.quirks.adapted(tuple(parameters))
        try:
            page = self._first_page(kind, asked)
        except NotUnderstood:
            plain = tuple(pair for pair in asked if not pair[0].startswith(("_sort", "_include")))
            if plain == asked:
                raise
            page = self._first_page(kind, plain)
        found = self._pages(page, set())
        if found.problem is None and (short := shortfall(page, kind, found.resources)) is not None:
            return Found(found.resources, short)
        return found

    def transact(self, bundle: Resource) -> Resource:
        """Send a transaction Bundle, all of it or nothing. Raises ``BadAnswer`` if the server did not take
        it."""
        answer = self._exchange.send("POST", self._base.rstrip("/"), _as_json(bundle))
        if member(answer, "resourceType") != "Bundle" or not isinstance(answer, dict):
            raise BadAnswer("the server did not answer the transaction")
        return answer

    def create(self, resource: Resource) -> None:
        """Send one new resource."""
        self._exchange.send("POST", urljoin(self._base, str(resource["resourceType"])), _as_json(resource))

    def delete(self, kind: str, identifier: str) -> None:
        """Remove one resource; one that is gone already is no error."""
        with suppress(NotHeld):
            self._exchange.send("DELETE", urljoin(self._base, f"{kind}/{quote(identifier, safe='')}"), b"")

    def capabilities(self) -> Capabilities:
        """What the server says that it can do."""
        return capabilities(self._base, self._exchange)

    def smart_configuration(self) -> SmartConfiguration | None:
        """Where the server's tokens are to be had; None if it does not say."""
        return smart_configuration(self._base, self._exchange)

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
                page = self._exchange.get(url)
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
            return url if origin(url) == self._origin else None
        except ValueError:
            return None

    def _first_page(self, kind: str, parameters: tuple[tuple[str, str], ...]) -> Any:
        """The first page of a search, asked by GET, or by POST where the server wants that or the question
        is longer than proxies pass on."""
        url = urljoin(self._base, self.quirks.kind(kind))
        query = f"{url}?{urlencode(parameters)}"
        if self.quirks.searches_by_post or len(query) > LONGEST_URL:
            return self._exchange.post_form(f"{url}/_search", parameters)
        return self._exchange.get(query)


def _as_json(resource: Resource) -> bytes:
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode()


def _resources(page: Any) -> list[Resource]:
    """The resources of a searchset in R4's form. Raises ``BadAnswer`` if it is none."""
    if member(page, "resourceType") != "Bundle":
        raise BadAnswer("the answer is not a Bundle")
    found = (entry.get("resource") for entry in items(member(page, "entry")))
    return [as_r4(resource) for resource in found if isinstance(resource, dict)]


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
