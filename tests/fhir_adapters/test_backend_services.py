"""Tokens from an authorisation server that we did not write, and what happens when it says no."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from charting import bundle, observation
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from journeys.medplum import authorisation
from scripted_server import sends, server

from fhir_adapters import backend_services
from fhir_adapters.backend_services import BackendClient, BackendToken, SigningKey, assertion
from fhir_adapters.client import FhirClient
from fhir_adapters.discovery import capabilities, smart_configuration
from fhir_adapters.errors import BadAnswer, FhirError, NotHeld, Refused, UnusableKey
from fhir_adapters.exchange import Exchange, LentToken

WEIGHT = observation("29463-7", 80, "kg", "2026-11-24T06:00:00Z")


def write_key(path: Path, key: Any, encryption: Any = None) -> Path:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()))
    return path


def public(key: Any, key_id: str, algorithm: str) -> dict[str, Any]:
    encode = jwt.algorithms.RSAAlgorithm if algorithm == "RS384" else jwt.algorithms.ECAlgorithm
    return json.loads(encode.to_jwk(key.public_key())) | {"kid": key_id, "alg": algorithm, "use": "sig"}


@pytest.fixture(scope="module", params=["RS384", "ES384"])
def registered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """An authorisation server that knows us, by each algorithm: its URL and our registration."""
    folder = tmp_path_factory.mktemp("keys")
    private = (
        rsa.generate_private_key(65537, 2048)
        if request.param == "RS384"
        else ec.generate_private_key(ec.SECP384R1())
    )
    keys = folder / "public.json"
    keys.write_text(json.dumps({"keys": [public(private, "ours", request.param)]}))
    key = SigningKey.read(write_key(folder / "private.pem", private), "ours")
    with authorisation(keys, request.param) as url:
        configuration = smart_configuration(url, Exchange(LentToken(None), 10.0))
        assert configuration is not None
        yield BackendClient("dosewright", configuration.token_url, key)


def test_a_token_is_given_and_kept(registered: BackendClient, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = BackendToken(registered)
    first = tokens.token()
    monkeypatch.setattr(backend_services.time, "monotonic", lambda: real() + 200)

    assert first
    assert tokens.token() == first


def test_a_token_is_asked_for_anew_before_it_expires(
    registered: BackendClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server gives five minutes."""
    tokens = BackendToken(registered)
    first = tokens.token()
    monkeypatch.setattr(backend_services.time, "monotonic", lambda: real() + 290)

    assert tokens.token() != first


def real(clock: Any = backend_services.time.monotonic) -> float:
    return float(clock())


def test_each_assertion_can_be_used_once(registered: BackendClient) -> None:
    """The server remembers the id of every assertion; a second use is refused, another assertion is not."""
    one, other = assertion(registered, real_time()), assertion(registered, real_time())

    assert "access_token" in put(registered, one)
    assert "access_token" in put(registered, other)
    with pytest.raises(Refused):
        put(registered, one)


def real_time() -> float:
    return float(backend_services.time.time())


def put(client: BackendClient, signed: str) -> Any:
    form = {
        "grant_type": "client_credentials",
        "scope": client.scope,
        "client_assertion_type": backend_services.ASSERTION,
        "client_assertion": signed,
    }
    return Exchange(LentToken(None), 10.0).post_form(client.token_url, form.items(), "application/json")


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "somebody-else"},
        {"key": SigningKey(rsa.generate_private_key(65537, 2048), "ours", "RS384")},
        {"key": SigningKey(ec.generate_private_key(ec.SECP384R1()), "another", "ES384")},
    ],
)
def test_who_is_not_registered_gets_no_token(registered: BackendClient, wrong: dict[str, Any]) -> None:
    with pytest.raises(FhirError) as raised:
        BackendToken(replace(registered, **wrong)).token()

    assert isinstance(raised.value, Refused)


def test_an_assertion_for_another_server_is_refused(registered: BackendClient) -> None:
    elsewhere = replace(registered, token_url="https://elsewhere.example.org/token")  # noqa: S106

    with pytest.raises(Refused):
        put(registered, assertion(elsewhere, real_time()))


def test_an_old_assertion_is_refused(registered: BackendClient) -> None:
    with pytest.raises(Refused):
        put(registered, assertion(registered, real_time() - 600))


class Coins:
    """A token source that hands out numbered tokens."""

    def __init__(self) -> None:
        self.given, self.thrown = 0, list[str]()

    def token(self) -> str:
        return f"token-{self.given}"

    def refused(self, token: str) -> bool:
        self.thrown.append(token)
        self.given += 1
        return True


def test_a_token_that_has_expired_is_replaced_in_the_middle_of_paging() -> None:
    coins = Coins()

    def script(handler: Any) -> None:
        first = "page=" not in handler.path
        if handler.headers["Authorization"] != ("Bearer token-0" if first else "Bearer token-1"):
            return sends({}, 401)(handler)
        link = [{"relation": "next", "url": "Observation?page=1"}] if first else []
        return sends(bundle(WEIGHT | {"id": handler.path[-1]}, link=link))(handler)

    with server(script) as (base, _):
        found = FhirClient(base, coins, 5.0).search("Observation", (("patient", "x"),))

    assert (len(found.resources), found.problem) == (2, None)
    assert coins.thrown == ["token-0"]


def test_a_server_that_refuses_every_token_is_not_asked_for_ever() -> None:
    with server(sends({}, 401)) as (base, asked), pytest.raises(Refused):
        FhirClient(base, Coins(), 5.0).search("Observation", ())

    assert len(asked.paths) == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({}, BadAnswer),
        ({"access_token": "", "token_type": "bearer"}, BadAnswer),
        ({"access_token": "x", "token_type": "mac"}, BadAnswer),
        ({"access_token": 5, "token_type": "bearer"}, BadAnswer),
        ([], BadAnswer),
    ],
)
def test_an_answer_without_a_usable_token_is_an_error(
    registered: BackendClient, answer: Any, error: type[FhirError]
) -> None:
    with server(sends(answer)) as (base, _), pytest.raises(error):
        BackendToken(replace(registered, token_url=base)).token()


def test_neither_key_nor_token_shows(registered: BackendClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        tokens = BackendToken(registered)
        token = tokens.token()

    assert token not in caplog.text + repr(tokens) + repr(vars(tokens)["_client"])
    assert "PRIVATE" not in repr(registered)
    assert "object at" not in repr(registered.key)


@pytest.mark.parametrize(
    ("key", "encryption", "said"),
    [
        (
            rsa.generate_private_key(65537, 1024),  # noqa: S505 - that it is refused is the point
            None,
            "at least 2048 bits",
        ),
        (ec.generate_private_key(ec.SECP256R1()), None, "nor one on the curve P-384"),
        (ec.generate_private_key(ec.SECP384R1()), BestAvailableEncryption(b"x"), "without a passphrase"),
    ],
)
def test_a_key_that_cannot_be_used_is_named(tmp_path: Path, key: Any, encryption: Any, said: str) -> None:
    with pytest.raises(UnusableKey, match=said):
        SigningKey.read(write_key(tmp_path / "key.pem", key, encryption), "ours")


@pytest.mark.parametrize(
    "content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----"]
)
def test_a_file_that_is_no_key_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key.pem").write_bytes(content)
    with pytest.raises(UnusableKey, match=r"key\.pem"):
        SigningKey.read(tmp_path / "key.pem", "ours")
    with pytest.raises(UnusableKey, match=r"missing\.pem"):
        SigningKey.read(tmp_path / "missing.pem", "ours")


STATEMENT = {
    "resourceType": "CapabilityStatement",
    "fhirVersion": "4.0.1",
    "software": {"name": "Somebody's server"},
    "rest": [
        {"mode": "client", "resource": [{"type": "Device", "interaction": [{"code": "read"}]}]},
        {
            "mode": "server",
            "resource": [
                {
                    "type": "Observation",
                    "interaction": [{"code": "read"}, {"code": "search-type"}],
                    "searchParam": [{"name": "patient"}, {"name": "code"}, {}, None, {"name": 5}],
                },
                {"type": "Task", "interaction": [{"code": "create"}]},
                None,
                {},
            ],
        },
    ],
}


def test_a_statement_is_read_as_far_as_it_is_needed() -> None:
    with server(sends(STATEMENT)) as (base, asked):
        found = capabilities(base, Exchange(LentToken(None), 5.0))

    assert asked.paths == ["/fhir/metadata"]
    assert (found.release, found.fhir_version, found.software) == ("R4", "4.0.1", "Somebody's server")
    assert found.searches == {"Observation": frozenset({"patient", "code"})}
    assert found.reads == {"Observation"}
    assert found.writes == {"Task"}


@pytest.mark.parametrize(
    ("version", "release"),
    [("1.0.2", "DSTU2"), ("3.0.2", "STU3"), ("4.3.0", "R4B"), ("5.0.0", "R5"), ("6.1", ""), (None, "")],
)
def test_the_release_follows_from_the_version(version: Any, release: str) -> None:
    with server(sends({"resourceType": "Conformance", "fhirVersion": version})) as (base, _):
        assert capabilities(base, Exchange(LentToken(None), 5.0)).release == release


@pytest.mark.parametrize("body", [{}, [], {"resourceType": "Bundle"}, b"<html>"])
def test_what_is_no_statement_is_a_bad_answer(body: Any) -> None:
    with server(sends(body)) as (base, _), pytest.raises(BadAnswer):
        capabilities(base, Exchange(LentToken(None), 5.0))


def test_a_server_without_smart_configuration_has_none() -> None:
    with server(sends({}, 404)) as (base, _):
        assert smart_configuration(base, Exchange(LentToken(None), 5.0)) is None
        with pytest.raises(NotHeld):
            capabilities(base, Exchange(LentToken(None), 5.0))


@pytest.mark.parametrize("endpoint", [None, 5, "", "nowhere", "/token"])
def test_a_configuration_without_a_token_endpoint_is_a_bad_answer(endpoint: Any) -> None:
    with server(sends({"token_endpoint": endpoint})) as (base, _), pytest.raises(BadAnswer):
        smart_configuration(base, Exchange(LentToken(None), 5.0))
