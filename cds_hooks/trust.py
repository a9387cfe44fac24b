"""Who may call, and who may read.

Clients prove themselves with the JWT of CDS Hooks: signed with ES384 or RS384 by an issuer that is on the
list, meant for exactly the URL that is called, not expired, and used once. Keys come from a file for each
issuer; no key is ever fetched from where a token says it lies. Readers of recommendation pages prove
themselves with a password.
"""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from sqlalchemy.exc import SQLAlchemyError

from cds_hooks.errors import ConfigurationError, UntrustedClient
from cds_hooks.ledger import Ledger
from cds_hooks.settings import Settings

ALGORITHMS: Mapping[str, tuple[str, str | None]] = {"ES384": ("EC", "P-384"), "RS384": ("RSA", None)}
"""Signatures that are accepted, with the key type and curve that each needs. CDS Hooks recommends these two
and forbids ``none`` and every symmetric one."""
LEEWAY = timedelta(seconds=30)
"""By how much two clocks may differ. Project policy: well below the minutes for which tokens live."""
MIN_RSA_BITS = 2048
"""RFC 7518, section 3.3."""

logger = logging.getLogger(__name__)


@dataclass
class KeyFile:
    """The public keys of one issuer (JSON Web Key Set), read again when the file changes."""

    path: Path
    _version: tuple[int, int] = (-1, -1)
    _keys: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def keys(self) -> Mapping[str, Mapping[str, Any]]:
        """Keys by ``kid``. A file that has become unreadable leaves the keys that were read last.

        Raises ``ConfigurationError`` if the file was never readable.
        """
        try:
            status = self.path.stat()
            version = (status.st_mtime_ns, status.st_size)
            if version != self._version:
                self._keys, self._version = _read_keys(self.path), version
        except (OSError, ValueError) as error:
            if self._version == (-1, -1):
                raise ConfigurationError(
                    f"the keys in {self.path} cannot be read as a JSON Web Key Set: {error}"
                ) from error
            logger.warning("keys in %s not read again (%s)", self.path, type(error).__name__)
        return self._keys


@dataclass(frozen=True)
class Trust:
    """Checks who calls."""

    settings: Settings
    ledger: Ledger
    issuers: Mapping[str, KeyFile]

    @classmethod
    def of(cls, settings: Settings, ledger: Ledger) -> Trust:
        """Read all key files once. Raises ``ConfigurationError`` if one cannot be read."""
        issuers = {issuer: KeyFile(path) for issuer, path in settings.trusted_clients.items()}
        for key_file in issuers.values():
            key_file.keys()
        return cls(settings, ledger, issuers)

    def check_client(self, authorization: str | None, path: str, now: datetime) -> None:
        """Let a call of ``path`` pass, or raise ``UntrustedClient``."""
        if self.settings.open:
            return
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise UntrustedClient.because(
                "the call needs a client token: Authorization: Bearer and a signed JWT"
            )
        claims = self._verified(token.strip(), self.settings.base_url + path.rstrip("/"), now)
        self._use_once(claims, now)

    def may_read_pages(self, password: str | None) -> bool:
        """True if a page may be shown to who gave this password."""
        wanted = self.settings.pages_password
        if self.settings.demo:
            return True
        if wanted is None or not wanted.get_secret_value() or password is None:
            return False
        return hmac.compare_digest(password.encode(), wanted.get_secret_value().encode())

    def _verified(self, token: str, url: str, now: datetime) -> Mapping[str, Any]:
        """The token's claims. The texts name what is wrong, never the token's content."""
        try:
            header = jwt.get_unverified_header(token)
            unverified = jwt.decode(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise UntrustedClient.because("the client token is not a JWT") from None
        algorithm, issuer, key_id = header.get("alg"), unverified.get("iss"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise UntrustedClient.because(f"the client token must be signed with {' or '.join(ALGORITHMS)}")
        if not isinstance(issuer, str) or issuer not in self.issuers:
            raise UntrustedClient.because(
                "the client token's issuer (iss) is not on the list of trusted clients"
            )
        key = self.issuers[issuer].keys().get(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise UntrustedClient.because("the client token's key (kid) is not among its issuer's keys")
        return _checked_claims(token, algorithm, key, issuer, url, now)

    def _use_once(self, claims: Mapping[str, Any], now: datetime) -> None:
        expires_at = datetime.fromtimestamp(int(claims["exp"]), UTC) + 2 * LEEWAY
        try:
            fresh = self.ledger.use_token(claims["iss"], claims["jti"], expires_at, now)
        except SQLAlchemyError as error:
            # An order is not held up because the ledger is away; the token itself was good.
            logger.error("replay of client tokens is not being checked (%s)", type(error).__name__)
            return
        if not fresh:
            raise UntrustedClient.because("the client token was used before (jti)")


def _checked_claims(
    token: str, algorithm: str, key: Mapping[str, Any], issuer: str, url: str, now: datetime
) -> Mapping[str, Any]:
    kind, curve = ALGORITHMS[algorithm]
    if (
        key.get("kty") != kind
        or (curve and key.get("crv") != curve)
        or key.get("alg", algorithm) != algorithm
    ):
        raise UntrustedClient.because("the client token's key (kid) is not one for its signature (alg)")
    try:
        claims = jwt.decode(
            token,
            jwt.PyJWK.from_dict(dict(key), algorithm=algorithm).key,
            algorithms=[algorithm],
            audience=url,
            issuer=issuer,
            options={
                "require": ["iss", "aud", "exp", "iat", "jti"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "verify_sub": False,
            },
        )
    except jwt.InvalidAudienceError:
        raise UntrustedClient.because(
            "the client token's audience (aud) is not the URL that was called"
        ) from None
    except jwt.MissingRequiredClaimError as error:
        raise UntrustedClient.because(f"the client token lacks the claim {error.claim}") from None
    except (jwt.PyJWTError, ValueError, TypeError):
        raise UntrustedClient.because("the client token does not hold") from None
    if not isinstance(claims["jti"], str) or not claims["jti"]:
        raise UntrustedClient.because("the client token's jti must be a string")
    _check_times(claims, now)
    return claims


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    """Hold ``exp``, ``iat`` and ``nbf`` against the service's clock, which tests can set."""
    present = {name: claims[name] for name in ("exp", "iat", "nbf") if claims.get(name) is not None}
    for name, value in present.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
            raise UntrustedClient.because(f"the client token's {name} must be a time in seconds")
    seconds, leeway = now.timestamp(), LEEWAY.total_seconds()
    if present["exp"] <= seconds - leeway:
        raise UntrustedClient.because("the client token has expired (exp)")
    if any(present[name] > seconds + leeway for name in ("iat", "nbf") if name in present):
        raise UntrustedClient.because("the client token is not valid yet (iat, nbf)")


def _read_keys(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """Raises ``OSError``, or ``ValueError`` that says what is wrong."""
    key_set = json.loads(path.read_bytes())
    if not isinstance(key_set, dict) or not isinstance(key_set.get("keys"), list):
        raise ValueError('it has no list of "keys"')
    keys: dict[str, Mapping[str, Any]] = {}
    for key in key_set["keys"]:
        if not isinstance(key, dict) or not isinstance(key.get("kid"), str):
            raise ValueError('a key has no "kid"')
        if key.get("use", "sig") != "sig":
            continue
        if "d" in key or "k" in key:
            raise ValueError(f"key {key['kid']!r} holds a secret; only public keys belong here")
        _check_strength(key)
        keys[key["kid"]] = key
    return keys


def _check_strength(key: Mapping[str, Any]) -> None:
    if key.get("kty") != "RSA":
        return
    try:
        bits = jwt.PyJWK.from_dict(dict(key), algorithm="RS384").key.key_size
    except jwt.PyJWTError as error:
        raise ValueError(f"key {key['kid']!r} is not an RSA key") from error
    if bits < MIN_RSA_BITS:
        raise ValueError(f"key {key['kid']!r} has {bits} bits, fewer than {MIN_RSA_BITS}")
