"""Client tokens: what CDS Hooks asks of them, and the ways in which one can be wrong."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from sqlalchemy.exc import OperationalError

from cds_hooks.errors import ConfigurationError, UntrustedClient
from cds_hooks.ledger import Ledger
from cds_hooks.settings import Settings
from cds_hooks.trust import Trust

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ISSUER = "https://ehr.example.org"
BASE = "https://cds.example.org"
PATH = "/cds-services/dosewright-order-sign"

EC_KEY = ec.generate_private_key(ec.SECP384R1())
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGER = ec.generate_private_key(ec.SECP384R1())


def _public(key: Any, kid: str, algorithm: str) -> dict[str, Any]:
    maker = jwt.algorithms.RSAAlgorithm if algorithm.startswith("RS") else jwt.algorithms.ECAlgorithm
    made: dict[str, Any] = maker.to_jwk(key.public_key(), as_dict=True)
    return made | {"kid": kid, "use": "sig"}


KEYS = [_public(EC_KEY, "ec+/=", "ES384"), _public(RSA_KEY, "rsa", "RS384")]


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": KEYS}))
    return path


@pytest.fixture
def trust(tmp_path: Path, keys: Path) -> Iterator[Trust]:
    settings = Settings(trusted_clients={ISSUER: keys}, public_base_url=BASE)
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.sqlite3")
    yield Trust.of(settings, ledger)
    ledger.close()


def _claims(**changes: Any) -> dict[str, Any]:
    claims = {
        "iss": ISSUER,
        "aud": BASE + PATH,
        "exp": SECONDS + 300,
        "iat": SECONDS,
        "jti": "one",
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def _token(key: Any = EC_KEY, algorithm: str = "ES384", kid: str = "ec+/=", **changes: Any) -> str:
    return jwt.encode(_claims(**changes), key, algorithm, headers={"kid": kid})


def _unsigned(header: dict[str, Any], signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(_claims()).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def _check(trust: Trust, token: str, path: str = PATH, now: datetime = NOW) -> None:
    trust.check_client(f"Bearer {token}", path, now)


def test_both_recommended_signatures_are_accepted(trust: Trust) -> None:
    _check(trust, _token())
    _check(trust, _token(RSA_KEY, "RS384", "rsa", jti="two"))


def test_what_epic_and_the_sandbox_add_is_ignored(trust: Trust) -> None:
    """Epic sends sub and nbf, five minutes back; the sandbox a jku on the internet, which is not fetched."""
    claims = _claims(sub=4711, nbf=SECONDS - 300, tenant="t", aud=["https://other.example", BASE + PATH])
    headers = {"kid": "ec+/=", "jku": "https://evil.example/jwks.json", "typ": "JWT"}

    trust.check_client(f"bearer {jwt.encode(claims, EC_KEY, 'ES384', headers=headers)}", PATH, NOW)


def test_a_slash_at_the_end_of_the_called_url_does_not_matter(trust: Trust) -> None:
    _check(trust, _token(), f"{PATH}/")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "token"])
def test_a_call_without_a_token_is_refused(trust: Trust, header: str | None) -> None:
    with pytest.raises(UntrustedClient, match="needs a client token"):
        trust.check_client(header, PATH, NOW)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"aud": BASE + "/cds-services"}, "aud"),
        ({"aud": None}, "aud"),
        ({"iss": "https://stranger.example"}, "iss"),
        ({"iss": None}, "iss"),
        ({"iss": [ISSUER]}, "iss"),
        ({"exp": SECONDS - 31}, "expired"),
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"exp": 1e300}, "exp"),
        ({"exp": True}, "exp"),
        ({"iat": SECONDS + 31}, "not valid yet"),
        ({"iat": None}, "iat"),
        ({"nbf": SECONDS + 31}, "not valid yet"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": 1}, "jti|does not hold"),
    ],
)
def test_a_claim_that_does_not_hold_is_refused_by_name(
    trust: Trust, changes: dict[str, Any], says: str
) -> None:
    claims = {name: value for name, value in (_claims() | changes).items() if value is not None}
    payload = json.dumps(claims).encode()
    token = jwt.api_jws.encode(payload, EC_KEY, "ES384", headers={"kid": "ec+/="})

    with pytest.raises(UntrustedClient, match=says):
        _check(trust, token)


def test_two_clocks_may_differ_by_half_a_minute(trust: Trust) -> None:
    _check(trust, _token(exp=SECONDS - 29, iat=SECONDS - 300))
    _check(trust, _token(iat=SECONDS + 29, jti="two"))


@pytest.mark.parametrize(
    "token",
    [
        _token(STRANGER),
        _token(kid="unknown"),
        _token(RSA_KEY, "RS384", "ec+/="),
        _token(RSA_KEY, "RS256", "rsa"),
        _token(EC_KEY, "ES384", "rsa"),
        _token("a shared secret that is long enough for the algorithm, as 48 bytes", "HS384", "rsa"),
        jwt.encode(_claims(), None, "none", headers={"kid": "rsa"}),
        _unsigned({"alg": "none", "kid": "ec+/="}),
        _unsigned({"alg": "None", "kid": "ec+/="}),
        _unsigned({"alg": ["ES384"], "kid": "ec+/="}),
        _unsigned({"alg": "ES384", "kid": 1}),
        _unsigned({"alg": "ES384"}),
        _token()[:-4] + "AAAA",
        "a.b.c",
        "é.é.é",
        ".".join(("e30", base64.urlsafe_b64encode(b"[" * 20_000).decode(), "e30")),
    ],
)
def test_a_token_that_does_not_hold_is_refused(trust: Trust, token: str) -> None:
    with pytest.raises(UntrustedClient):
        _check(trust, token)


def test_the_public_key_cannot_be_used_as_a_shared_secret(trust: Trust) -> None:
    """The classic confusion: sign with HMAC, using the published key as the secret."""
    header = {"alg": "HS384", "kid": "rsa", "typ": "JWT"}

    with pytest.raises(UntrustedClient, match="signed with"):
        _check(trust, _unsigned(header, b"whatever"))


def test_a_token_passes_once(trust: Trust) -> None:
    token = _token()
    _check(trust, token)

    with pytest.raises(UntrustedClient, match="used before"):
        _check(trust, token)


def test_a_token_that_was_refused_is_not_used_up(trust: Trust) -> None:
    with pytest.raises(UntrustedClient):
        _check(trust, _token(), "/cds-services")

    _check(trust, _token())


def test_a_refusal_never_quotes_the_token(trust: Trust) -> None:
    token = _token(aud="https://elsewhere.example")

    with pytest.raises(UntrustedClient) as refused:
        _check(trust, token)

    assert token not in str(refused.value)
    assert "elsewhere" not in str(refused.value)


def test_keys_are_rotated_by_changing_the_file(trust: Trust, keys: Path) -> None:
    keys.write_text(json.dumps({"keys": [_public(STRANGER, "new", "ES384")]}))
    os.utime(keys, ns=(1, 1))

    _check(trust, _token(STRANGER, kid="new"))
    with pytest.raises(UntrustedClient, match="kid"):
        _check(trust, _token(jti="two"))


def test_a_file_that_breaks_while_serving_leaves_the_old_keys(trust: Trust, keys: Path) -> None:
    keys.write_text("{")

    _check(trust, _token())


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"keys": {}}',
        '{"keys": [{"kty": "EC"}]}',
        json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "s"}]}),
        json.dumps({"keys": [{**KEYS[0], "d": "AAAA"}]}),
        json.dumps({"keys": [{**KEYS[1], "n": "not a number!"}]}),
    ],
)
def test_a_key_file_that_does_not_hold_stops_the_start(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content)
    settings = Settings(trusted_clients={ISSUER: path})

    with pytest.raises(ConfigurationError, match=r"bad\.json"):
        Trust.of(settings, Ledger(f"sqlite:///{tmp_path}/l.sqlite3"))


def test_a_good_token_passes_while_the_ledger_is_away(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order is not held up because replay cannot be checked."""

    def away(*_: Any) -> bool:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    monkeypatch.setattr(trust.ledger, "use_token", away)

    _check(trust, _token())


@pytest.mark.parametrize(
    ("wanted", "given", "may"),
    [
        ("a long password", "a long password", True),
        ("a long password", "A long password", False),
        ("a long password", "", False),
        ("a long password", None, False),
        ("pässword", "pässword", True),
        ("", "", False),
        (None, None, False),
        (None, "", False),
    ],
)
def test_pages_are_for_those_with_the_password(
    tmp_path: Path, wanted: str | None, given: str | None, may: bool
) -> None:
    settings = Settings.model_validate({"pages_password": wanted})
    trust = Trust.of(settings, Ledger(f"sqlite:///{tmp_path}/l.sqlite3"))

    assert trust.may_read_pages(given) is may


def test_the_demo_shows_its_pages_to_all(tmp_path: Path) -> None:
    trust = Trust.of(Settings(demo=True), Ledger(f"sqlite:///{tmp_path}/l.sqlite3"))

    assert trust.may_read_pages(None)
