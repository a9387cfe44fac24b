"""The service over HTTP: what is on offer, what is refused and how, what browsers may do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hook_call import (
    FIRST_DOSE,
    NOW,
    SELECT,
    SIGN,
    TOKEN,
    Service,
    hook_call,
    refusal,
)

import cds_hooks.answer
from fhir_adapters.prefetch import PREFETCH

# Discovery and state --------------------------------------------------------------------------------------


def test_discovery_lists_both_services_with_their_templates(service: Service) -> None:
    answered = service.client.get("/cds-services")

    assert answered.status_code == 200
    assert answered.mimetype == "application/json"
    services = {entry["id"]: entry for entry in answered.get_json()["services"]}
    assert set(services) == {"dosewright-order-select", "dosewright-order-sign"}
    assert all(entry["prefetch"] == dict(PREFETCH) for entry in services.values())


def test_discovery_can_be_asked_whether_it_changed(service: Service) -> None:
    tag = service.client.get("/cds-services").headers["ETag"]

    assert service.client.get("/cds-services", headers={"If-None-Match": tag}).status_code == 304


def test_health_and_readiness(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    assert service.client.get("/health").get_json() == {"status": "ok"}
    assert service.client.get("/ready").get_json() == {"status": "ready", "ledger": "ok"}

    monkeypatch.setattr(service.ledger, "is_writable", lambda: False)
    without = service.client.get("/ready")
    assert (without.status_code, without.get_json()["ledger"]) == (200, "not writable")


def test_the_root_says_where_to_go(service: Service) -> None:
    assert service.client.get("/").get_json()["discovery"].endswith("/cds-services")


# Calls that are refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("POST", "/cds-services/unknown", 404),
        ("POST", "/cds-services/unknown/feedback", 404),
        ("GET", SELECT, 405),
        ("POST", "/cds-services", 405),
        ("PUT", SELECT, 405),
        ("DELETE", f"{SELECT}/feedback", 405),
    ],
)
def test_a_wrong_url_or_method_is_refused_with_anrefusal(
    service: Service, method: str, path: str, status: int
) -> None:
    answered = service.client.open(path, method=method, json={})

    assert answered.status_code == status
    refusal(answered)
    assert (status != 405) or answered.headers["Allow"]


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=UTF-8", 200),
        ("application/fhir+json", 200),
        ("application/fhir+json;charset=utf-8", 200),
        ("text/plain", 415),
        ("application/xml", 415),
        ("application/json; charset=latin-1", 415),
        ("", 415),
    ],
)
def test_only_json_is_read(service: Service, media_type: str, status: int) -> None:
    body = json.dumps(hook_call(FIRST_DOSE)).encode()
    answered = service.client.post(SELECT, data=body, headers={"Content-Type": media_type})

    assert answered.status_code == status
    if status == 415:
        refusal(answered)


def test_a_compressed_body_is_refused_by_name(service: Service) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    assert service.client.post(SELECT, data=b"\x1f\x8b", headers=headers).status_code == 415


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b'"x"', b"\xff", b'{"a": NaN}', b"[" * 100_000, b'{"a":"\\ud800"}']
)
def test_a_body_that_is_not_a_json_object_is_refused(service: Service, body: bytes) -> None:
    for path in (SELECT, SIGN, f"{SELECT}/feedback"):
        answered = service.client.post(path, data=body, content_type="application/json")
        assert answered.status_code == 400
        refusal(answered)


def test_a_body_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    small = Service(tmp_path, NOW, max_body_bytes=2048)
    answered = small.client.post(SELECT, data=b" " * 3000, content_type="application/json")

    assert answered.status_code == 413
    refusal(answered)


@pytest.mark.parametrize("field", ["hook", "hookInstance", "context"])
def test_a_missing_field_is_named(service: Service, field: str) -> None:
    body = hook_call(FIRST_DOSE)
    del body[field]
    outcome = refusal(service.client.post(SELECT, json=body))

    assert [issue["expression"] for issue in outcome["issue"]] == [[field]]


def test_a_call_for_the_other_hook_is_refused(service: Service) -> None:
    answered = service.client.post(SIGN, json=hook_call(FIRST_DOSE))

    assert answered.status_code == 400
    assert refusal(answered)["issue"][0]["expression"] == ["hook"]


def test_without_data_and_server_412_names_what_is_missing(service: Service) -> None:
    answered = service.client.post(SELECT, json=hook_call(FIRST_DOSE, prefetch=False))

    assert answered.status_code == 412
    assert all(issue["expression"][0].startswith("prefetch.") for issue in refusal(answered)["issue"])


def test_a_server_that_is_not_on_the_list_is_not_asked(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def contacted(*_: Any) -> None:
        raise AssertionError("a server that is not allowed was contacted")

    monkeypatch.setattr(cds_hooks.answer, "FhirClient", contacted)
    server = {"fhirServer": "http://127.0.0.1:9/fhir", "fhirAuthorization": {"access_token": TOKEN}}
    without = service.client.post(SELECT, json=hook_call(FIRST_DOSE, prefetch=False, **server))

    assert without.status_code == 412
    assert "list" in refusal(without)["issue"][0]["diagnostics"]
    assert service.ask(hook_call(FIRST_DOSE, **server))["cards"]


# Browsers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/cds-services", SELECT, f"{SELECT}/feedback", "/cds-services/unknown"])
def test_a_preflight_is_answered_on_every_hook_url(service: Service, path: str) -> None:
    answered = service.client.options(
        path,
        headers={
            "Origin": "https://ehr.example.org",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type",
        },
    )

    assert answered.status_code == 204
    assert answered.headers["Access-Control-Allow-Origin"] == "https://ehr.example.org"
    assert answered.headers["Access-Control-Allow-Headers"] == "authorization, content-type"
    assert "POST" in answered.headers["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Credentials" not in answered.headers


def test_only_origins_on_the_list_may_read_unless_the_service_is_open(tmp_path: Path) -> None:
    closed = Service(tmp_path, NOW, open=False, demo=False, allow_origins=["https://ehr.example.org"])
    friend = closed.client.get("/cds-services", headers={"Origin": "https://ehr.example.org"})
    stranger = closed.client.get("/cds-services", headers={"Origin": "https://evil.example"})

    assert friend.headers["Access-Control-Allow-Origin"] == "https://ehr.example.org"
    assert friend.headers["Access-Control-Expose-Headers"] == "X-Request-Id"
    assert "Access-Control-Allow-Origin" not in stranger.headers
    assert "Origin" in friend.headers["Vary"]
    assert "Origin" in stranger.headers["Vary"]


def test_errors_can_be_read_by_the_page_too(service: Service) -> None:
    answered = service.client.post(SELECT, json={}, headers={"Origin": "https://ehr.example.org"})

    assert answered.headers["Access-Control-Allow-Origin"] == "https://ehr.example.org"


def test_pages_are_not_for_other_origins(service: Service) -> None:
    answered = service.client.get("/recommendations/x", headers={"Origin": "https://evil.example"})

    assert "Access-Control-Allow-Origin" not in answered.headers


def test_answers_carry_protective_headers(service: Service) -> None:
    for path in ("/cds-services", "/health", "/nowhere"):
        headers = service.client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
