"""Who may call the service and who may read its pages."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hook_call import (
    NOW,
    SELECT,
    SIGN,
    TOKEN,
    TWO_LEVELS,
    Service,
    hook_call,
    refusal,
)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/cds-services"), ("POST", SELECT), ("POST", f"{SELECT}/feedback"), ("POST", "/cds-services/x")],
)
def test_a_closed_service_answers_nobody_without_a_token(tmp_path: Path, method: str, path: str) -> None:
    closed = Service(tmp_path, NOW, open=False, demo=False)
    answered = closed.client.open(path, method=method, json={})

    assert answered.status_code == 401
    assert answered.headers["WWW-Authenticate"] == "Bearer"
    refusal(answered)
    assert closed.ledger.calls()[0].error_class == "UntrustedClient"


def test_health_needs_no_token(tmp_path: Path) -> None:
    assert Service(tmp_path, NOW, open=False, demo=False).client.get("/health").status_code == 200


def test_the_page_behind_a_card_needs_the_password(tmp_path: Path) -> None:
    closed = Service(tmp_path, NOW, demo=False, pages_password="a long one")  # noqa: S106
    (card,) = closed.ask(hook_call(TWO_LEVELS))["cards"]
    path = card["links"][0]["url"].removeprefix(closed.settings.base_url)
    basic = base64.b64encode(b"anyone:a long one").decode()

    assert closed.client.get(path).status_code == 401
    assert closed.client.get(path).headers["WWW-Authenticate"].startswith("Basic")
    assert closed.client.get(path, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 401
    assert closed.client.get(path, headers={"Authorization": f"Basic {basic}"}).status_code == 200


def test_without_a_password_nobody_sees_pages_outside_the_demo(tmp_path: Path) -> None:
    closed = Service(tmp_path, NOW, demo=False)

    assert closed.client.get("/recommendations/x").status_code == 401
    assert closed.client.get("/recommendations/../recommendations/x").status_code in {401, 404}


def test_the_demo_shows_the_page(service: Service) -> None:
    (card,) = service.ask(hook_call(TWO_LEVELS))["cards"]
    page = service.client.get(card["links"][0]["url"].removeprefix(service.settings.base_url))

    assert page.status_code == 200
    assert page.mimetype == "text/html"


def test_a_trusted_client_is_answered_once_for_each_token(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    public = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": "k1"}
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [public]}))
    issuer, base = "https://ehr.example.org", "https://cds.example.org"
    closed = Service(
        tmp_path, NOW, open=False, demo=False, public_base_url=base, trusted_clients={issuer: keys}
    )
    seconds = int(NOW.timestamp())
    claims = {"iss": issuer, "aud": base + SIGN, "iat": seconds, "exp": seconds + 300, "jti": "only-once"}
    token = jwt.encode(claims, key, "ES384", headers={"kid": "k1"})
    sent = {"json": hook_call(TWO_LEVELS), "headers": {"Authorization": f"Bearer {token}"}}

    assert [closed.client.post(SIGN, **sent).status_code for _ in range(2)] == [200, 401]
    assert [call.outcome for call in closed.ledger.calls()].count("cards") == 1
