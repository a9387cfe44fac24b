"""The sample EHR's FHIR R4 endpoint: read, search with paging, and signed orders, behind a bearer token."""

from __future__ import annotations

import hmac
import json
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request, url_for

from cds_hooks.sample_ehr.record import WRITABLE, Record, Resource
from cds_hooks.sample_ehr.search import DATES, REFERENCES, TOKENS, SearchError, included, search

MEDIA_TYPE = "application/fhir+json"
KINDS = (
    "AllergyIntolerance",
    "Condition",
    "DiagnosticReport",
    "Encounter",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Patient",
    "ServiceRequest",
)
PAGE, LARGEST_PAGE = 50, 200
"""Entries on a page by default, and at most: small enough that a long chart needs paging, as in real EHRs."""

_TOKEN_REQUIRED = "this record needs the bearer token that the hook call carried"  # noqa: S105 - a sentence


def fhir_endpoint(record: Record, token: str) -> Blueprint:
    """``/fhir`` over the record. ``/fhir/metadata`` is open, all else needs the token."""
    fhir = Blueprint("fhir", __name__, url_prefix="/fhir")

    @fhir.before_request
    def check_token() -> Response | None:
        given = request.headers.get("Authorization", "").encode("latin-1", "replace")
        if request.endpoint == "fhir.metadata" or hmac.compare_digest(given, f"Bearer {token}".encode()):
            return None
        refused = _outcome(401, "login", _TOKEN_REQUIRED)
        refused.headers["WWW-Authenticate"] = "Bearer"
        return refused

    @fhir.errorhandler(SearchError)
    def unsupported(error: SearchError) -> Response:
        return _outcome(400, "not-supported", str(error))

    @fhir.get("/metadata")
    def metadata() -> Response:
        return _send(_capabilities())

    @fhir.get("/<kind>/<resource_id>")
    def read(kind: str, resource_id: str) -> Response:
        found = record.resource(kind, resource_id)
        return _send(found) if found else _outcome(404, "not-found", "there is no such resource")

    @fhir.get("/<kind>")
    def search_by_get(kind: str) -> Response:
        return _search(kind, list(request.args.items(multi=True)))

    @fhir.post("/<kind>/_search")
    def search_by_post(kind: str) -> Response:
        return _search(kind, [*request.args.items(multi=True), *request.form.items(multi=True)])

    @fhir.post("/<kind>")
    def create(kind: str) -> Response:
        return _write(kind, None)

    @fhir.put("/<kind>/<resource_id>")
    def update(kind: str, resource_id: str) -> Response:
        return _write(kind, resource_id)

    @fhir.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    @fhir.route("/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def nothing(path: str) -> Response:
        return _outcome(404, "not-supported", "this record does not do that")

    def _search(kind: str, parameters: list[tuple[str, str]]) -> Response:
        if kind not in KINDS:
            return _outcome(404, "not-supported", f"this record holds {', '.join(KINDS)}")
        found = search(record.resources(kind), parameters)
        count = min(_number(parameters, "_count", PAGE), LARGEST_PAGE)
        offset = _number(parameters, "_offset", 0)
        shown = found[offset : offset + count]
        links = [{"relation": "self", "url": request.url}]
        if count and offset + count < len(found):
            following = [(n, v) for n, v in parameters if n not in {"_offset", "_count"}]
            following += [("_count", str(count)), ("_offset", str(offset + count))]
            page = url_for("fhir.search_by_get", kind=kind, _external=True)
            links.append({"relation": "next", "url": f"{page}?{urlencode(following)}"})
        entries = [_entry(resource, "match") for resource in shown]
        entries += [_entry(resource, "include") for resource in included(shown, parameters, record.resource)]
        bundle: Resource = {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(found),
            "link": links,
        }
        return _send(bundle | ({"entry": entries} if entries else {}))

    def _write(kind: str, resource_id: str | None) -> Response:
        body = request.get_json(force=True, silent=True)
        if not isinstance(body, dict) or body.get("resourceType") != kind:
            return _outcome(400, "structure", f"the body must be a {kind}")
        if resource_id is not None and body.get("id") != resource_id:
            return _outcome(400, "value", "the id in the body must be the id in the URL")
        try:
            kept, is_new = record.write(body, resource_id)
        except ValueError as error:
            return _outcome(422, "business-rule", str(error))
        written = _send(kept, 201 if is_new else 200)
        written.headers["Location"] = url_for("fhir.read", kind=kind, resource_id=kept["id"], _external=True)
        return written

    return fhir


def _number(parameters: list[tuple[str, str]], name: str, default: int) -> int:
    """The last value of a parameter as a number from zero. Raises ``SearchError``."""
    text = dict(parameters).get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise SearchError(f"{name} must be a number")
    return int(text)


def _entry(resource: Resource, mode: str) -> Resource:
    url = url_for("fhir.read", kind=resource["resourceType"], resource_id=resource["id"], _external=True)
    return {"fullUrl": url, "resource": resource, "search": {"mode": mode}}


def _send(resource: Resource, status: int = 200) -> Response:
    return Response(json.dumps(resource, ensure_ascii=False), status, mimetype=MEDIA_TYPE)


def _outcome(status: int, code: str, text: str) -> Response:
    issue = {"severity": "error", "code": code, "diagnostics": text}
    return _send({"resourceType": "OperationOutcome", "issue": [issue]}, status)


def _capabilities() -> Resource:
    """What this endpoint can do, as FHIR asks every server to say."""
    types = dict.fromkeys(REFERENCES, "reference") | dict.fromkeys(TOKENS, "token")
    types |= dict.fromkeys(DATES, "date") | {"_id": "token"}

    def describe(kind: str) -> dict[str, Any]:
        codes = ["read", "search-type"] + (["create", "update"] if kind in WRITABLE else [])
        return {
            "type": kind,
            "interaction": [{"code": code} for code in codes],
            "searchInclude": [f"{kind}:{name}" for name in REFERENCES],
            "searchParam": [{"name": name, "type": type_} for name, type_ in types.items()],
        }

    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-24",
        "kind": "instance",
        "implementation": {"description": "Sample EHR of Dosewright: made-up patients"},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{"mode": "server", "resource": [describe(kind) for kind in KINDS]}],
    }
