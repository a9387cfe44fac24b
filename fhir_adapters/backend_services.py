"""SMART Backend Services: a token for work that no hook call lent one for.

The service proves itself to the authorisation server with a short-lived JWT that it signs
(``private_key_jwt``, RS384 or ES384) and gets a bearer token, which is kept until shortly before it expires.
Followed: SMART App Launch 2.2, "Backend Services" and "Client Authentication: Asymmetric"; RFC 7523.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fhir_adapters.elements import member
from fhir_adapters.errors import BadAnswer, NotUnderstood, Refused, UnusableKey
from fhir_adapters.exchange import Exchange, LentToken

LIVES = 240.0
"""Seconds that an assertion is valid; the standard allows five minutes at most."""
EARLY = 20.0
"""Seconds before its end from which on a token is not used any more: a question may take as long."""
SHORTEST = 30.0
"""Seconds that a token lives whose server does not say; it is asked again soon."""
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LEAST_RSA_BITS = 2048
"""RFC 7518, section 3.3."""


@dataclass(frozen=True)
class SigningKey:
    """The private key that proves who this service is, and the name under which the other side knows it."""

    key: RSAPrivateKey | EllipticCurvePrivateKey = field(repr=False)
    key_id: str
    algorithm: str

    @classmethod
    def read(cls, path: Path, key_id: str) -> SigningKey:
        """Read a PEM file without passphrase: RSA of at least 2048 bits or P-384.

        Raises ``UnusableKey`` with what is wrong about the file; its content is not part of the text.
        """
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            raise UnusableKey(f"{path}: {error.strerror}") from None
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise UnusableKey(f"{path}: no private key in PEM form without a passphrase") from None
        if isinstance(key, RSAPrivateKey):
            if key.key_size < LEAST_RSA_BITS:
                raise UnusableKey(f"{path}: an RSA key needs at least {LEAST_RSA_BITS} bits")
            return cls(key, key_id, "RS384")
        if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP384R1):
            return cls(key, key_id, "ES384")
        raise UnusableKey(f"{path}: neither an RSA key nor one on the curve P-384")


@dataclass(frozen=True)
class BackendClient:
    """How this service is registered with one authorisation server."""

    client_id: str
    token_url: str
    """From the server's ``smart-configuration``; also the audience of the assertion."""
    key: SigningKey
    scope: str = "system/*.rs"


class BackendToken:
    """Tokens of one registration, asked for when they are needed and shared by all threads.

    It is a ``TokenSource``: a token that the FHIR server refuses is thrown away and asked for once more.
    """

    def __init__(self, client: BackendClient, deadline: float = 5.0) -> None:
        self._client = client
        self._deadline = deadline
        self._lock = threading.Lock()
        self._token: str | None = None
        self._until = 0.0

    def __repr__(self) -> str:
        return f"<BackendToken of {self._client.client_id}>"

    def token(self) -> str:
        """A token that is good for a while. Raises ``FhirError`` if none is to be had."""
        with self._lock:
            if self._token is None or time.monotonic() >= self._until:
                self._token, lives = self._ask()
                self._until = time.monotonic() + max(lives - EARLY, lives / 2)
            return self._token

    def refused(self, token: str) -> bool:
        """Forget a token that the FHIR server refused; another one may be had."""
        with self._lock:
            if self._token == token:
                self._token = None
            return True

    def _ask(self) -> tuple[str, float]:
        """A new token and the seconds that it lives."""
        form = (
            ("grant_type", "client_credentials"),
            ("scope", self._client.scope),
            ("client_assertion_type", ASSERTION),
            ("client_assertion", assertion(self._client, time.time())),
        )
        try:
            answer = Exchange(LentToken(None), self._deadline).post_form(
                self._client.token_url, form, accept="application/json"
            )
        except NotUnderstood:  # 400 with the reason: the client, its key or its scope is not accepted
            raise Refused("the authorisation server does not accept this client") from None
        token, kind = member(answer, "access_token"), member(answer, "token_type")
        if not isinstance(token, str) or not token or str(kind).lower() != "bearer":
            raise BadAnswer("the authorisation server sent no bearer token")
        return token, _lifetime(member(answer, "expires_in"))


def assertion(client: BackendClient, now: float) -> str:
    """The signed JWT that proves who this service is; each has an id of its own. ``now``: Unix time, s."""
    claims: dict[str, Any] = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": client.token_url,
        "iat": int(now),
        "exp": int(now + LIVES),
        "jti": str(uuid4()),
    }
    headers = {"kid": client.key.key_id, "typ": "JWT"}
    return jwt.encode(claims, client.key.key, algorithm=client.key.algorithm, headers=headers)


def _lifetime(said: object) -> float:
    try:
        return max(SHORTEST, float(str(said)))
    except ValueError:
        return SHORTEST
