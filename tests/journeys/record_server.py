"""A small FHIR server over one fixture: independent of the sample EHR, able to fail on purpose."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

TOKEN = "a-token-for-one-scenario"  # noqa: S105 - not a secret
PAGE = 20
"""Few enough that a course of tacrolimus needs several pages."""

Resource = dict[str, Any]
Behaviour = Literal["answers", "unauthorised", "slow"]


def _tokens(concepts: list[Resource]) -> set[str]:
    codings = [coding for concept in concepts for coding in concept.get("coding", ())]
    return {token for c in codings for token in (c["code"], f"{c['system']}|{c['code']}")}


def _concepts(value: Any) -> list[Resource]:
    return value if isinstance(value, list) else [value] if value else []


def _instant(resource: Resource) -> str:
    period = resource.get("effectivePeriod") or {}
    return str(resource.get("effectiveDateTime") or period.get("start") or resource.get("authoredOn") or "")


def _is_in(instant: str, bound: str) -> bool:
    """Whether the instant satisfies a bound such as ``ge2026-11-01T00:00:00+00:00`` or ``ge2026-11-01``."""
    prefix, limit = bound[:2], datetime.fromisoformat(bound[2:])
    time = datetime.fromisoformat(instant)
    if limit.tzinfo is None:
        limit = limit.replace(tzinfo=time.tzinfo)
    return {"ge": time >= limit, "gt": time > limit, "le": time <= limit, "lt": time < limit}[prefix]


def _matches(resource: Resource, name: str, value: str) -> bool:
    wanted = set(value.split(","))
    match name:
        case "patient" | "subject":
            reference = (resource.get("subject") or resource.get("patient") or {}).get("reference", "")
            return bool({reference, reference.removeprefix("Patient/")} & wanted)
        case "category" | "code":
            return bool(_tokens(_concepts(resource.get(name))) & wanted)
        case "status" | "intent":
            return resource.get(name) in wanted
        case "clinical-status":
            return bool(_tokens(_concepts(resource.get("clinicalStatus"))) & wanted)
        case "date" | "effective-time" | "authoredon":
            return _is_in(_instant(resource), value)
        case "_id":
            return resource["id"] in wanted
    raise LookupError(f"search parameter {name!r} is not supported here")


def search(resources: tuple[Resource, ...], query: str) -> list[Resource]:
    """What ``Type?name=value&…`` finds, newest first. Raises ``LookupError`` for other parameters."""
    kind, _, parameters = query.partition("?")
    found = [resource for resource in resources if resource["resourceType"] == kind]
    for name, value in parse_qsl(parameters):
        if name not in {"_sort", "_count", "_include", "_format"}:
            found = [resource for resource in found if _matches(resource, name, value)]
    return sorted(found, key=_instant, reverse=True)


def searchset(found: list[Resource], link: str | None = None) -> Resource:
    """A searchset Bundle of the resources, with a link to the next page if there is one."""
    bundle: Resource = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": resource} for resource in found],
    }
    return bundle | ({"link": [{"relation": "next", "url": link}]} if link else {})


def prefetched(templates: Mapping[str, str], resources: tuple[Resource, ...], patient_id: str) -> Resource:
    """What an EHR prefetches for these templates."""
    filled: Resource = {}
    for key, template in templates.items():
        query = template.replace("{{context.patientId}}", patient_id)
        if "?" in query:
            filled[key] = searchset(search(resources, query))
        else:
            kind, _, wanted = query.partition("/")
            filled[key] = next(r for r in resources if (r["resourceType"], r["id"]) == (kind, wanted))
    return filled


@contextmanager
def serving(resources: tuple[Resource, ...], behaviour: Behaviour) -> Iterator[str]:
    """Serve the resources on loopback while the block runs; gives the server's base URL."""
    finished = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if behaviour == "slow":
                finished.wait(30)
            if behaviour == "unauthorised" or self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._send(
                    401,
                    {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "login"}]},
                )
                return
            try:
                self._send(200, self._answer())
            except LookupError as error:
                issue = {"severity": "error", "code": "not-found", "diagnostics": str(error)}
                self._send(404, {"resourceType": "OperationOutcome", "issue": [issue]})

        def _answer(self) -> Resource:
            url = urlsplit(self.path)
            kind, _, wanted = url.path.removeprefix("/fhir/").partition("/")
            if kind == "metadata":
                return {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}
            if wanted:
                for resource in resources:
                    if (resource["resourceType"], resource["id"]) == (kind, wanted):
                        return resource
                raise LookupError(url.path)
            parameters = [(name, value) for name, value in parse_qsl(url.query) if name != "_page"]
            page = int(dict(parse_qsl(url.query)).get("_page", "0"))
            found = search(resources, f"{kind}?{urlencode(parameters)}")
            shown, more = found[page * PAGE : (page + 1) * PAGE], len(found) > (page + 1) * PAGE
            following = urlencode([*parameters, ("_page", str(page + 1))])
            return searchset(shown, f"{base}/{kind}?{following}" if more else None)

        def _send(self, status: int, body: Resource) -> None:
            data = json.dumps(body).encode()
            with suppress(ConnectionError):  # who gave up waiting is not there to be told
                self.send_response(status)
                self.send_header("Content-Type", "application/fhir+json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the test's output is the report."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    base = f"http://127.0.0.1:{server.server_port}/fhir"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield base
    finally:
        finished.set()
        server.shutdown()
        server.server_close()
        thread.join()
