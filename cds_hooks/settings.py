"""Every option of the service, typed, with its default and its meaning.

An option comes from the command line, else from the environment (``DOSEWRIGHT_`` and the option's name in
capitals, lists and maps as JSON), else from its default here.
"""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from fhir_adapters.quirks import PLAIN, QUIRKS, Quirks


class Settings(BaseSettings):
    """How one instance of the service runs. Frozen: what was checked at the start holds to the end."""

    model_config = SettingsConfigDict(
        env_prefix="DOSEWRIGHT_", frozen=True, env_ignore_empty=True, extra="forbid"
    )

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Port to listen on."""
    workers: Annotated[int, Field(ge=1, le=64)] = 2
    """Worker processes; each answers four requests at a time."""
    public_base_url: str | None = None
    """URL under which clients reach the service, without ``/cds-services``. Tokens must be issued for it and
    links on cards start with it. By default ``http://host:port``."""

    open: bool = False
    """Serve clients without authentication. Refused unless ``host`` and the public URL are loopback
    addresses."""
    demo: bool = False
    """Show recommendation pages without a password. Refused like ``open``."""
    trusted_clients: dict[str, Path] = {}
    """CDS clients that may call: the issuer (``iss``) of their tokens, and the file with its public keys
    (JSON Web Key Set). The file is read again when it changes, so keys can be rotated."""
    pages_password: SecretStr | None = None
    """Password of the recommendation pages (HTTP Basic, any user name). Without it nobody sees them, unless
    ``demo`` is on. Take it from the environment, never from the command line."""
    allow_origins: tuple[str, ...] = ()
    """Origins whose browser pages may call the service, such as ``https://ehr.example.org``. With ``open``
    any origin may."""

    allow_fhir_servers: tuple[str, ...] = ()
    """Base URLs of the FHIR servers that may be contacted. A hook call that names another is answered from
    what it brought along."""
    fhir_quirks: dict[str, str] = {}
    """How single servers of that list want to be asked: base URL and a name of ``fhir_adapters.quirks``."""
    fhir_timeout: Annotated[float, Field(gt=0, le=10)] = 1.2
    """Seconds that reading one patient's record may take in all. The rest of the answer takes about a tenth
    of a second, and two seconds is what a prescriber should wait at most."""

    library: tuple[Path, ...] = ()
    """Directories with the hospital's own drug files, laid over the package's: a file of the same drug takes
    the place of the package's as a whole, the last directory wins. A file that does not hold leaves its drug
    out, and the log says so."""
    allow_low_confidence: tuple[str, ...] = ()
    """Drugs whose models and rules of low confidence may speak. Nothing of low confidence does by default."""

    ledger_url: str = "sqlite:///var/ledger.sqlite3"
    """SQLAlchemy URL of the ledger. A relative SQLite path is relative to the working directory."""
    timezone: str = "UTC"
    """IANA name of the zone in which cards write times, such as ``Europe/Berlin``."""
    max_body_bytes: Annotated[int, Field(ge=1024)] = 10 * 1024 * 1024
    """Largest request body that is read."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is not the IANA name of a time zone") from error
        return name

    @field_validator("public_base_url", "allow_fhir_servers", "allow_origins")
    @classmethod
    def _web_addresses(cls, value: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        if value is None or isinstance(value, str):
            return None if value is None else _web_address(value)
        return tuple(_web_address(url) for url in value)

    @field_validator("fhir_quirks")
    @classmethod
    def _known_quirks(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value.values():
            if name not in QUIRKS:
                raise ValueError(f"{name!r} is none of {', '.join(sorted(QUIRKS))}")
        return {_web_address(url): name for url, name in value.items()}

    @model_validator(mode="after")
    def _quirks_of_allowed_servers(self) -> Settings:
        for url in self.fhir_quirks:
            if url not in self.allow_fhir_servers:
                raise ValueError(f"fhir_quirks: {url} is not among the servers that may be contacted")
        return self

    @model_validator(mode="after")
    def _unguarded_on_loopback_only(self) -> Settings:
        for name, unguarded in (("open", self.open), ("demo", self.demo)):
            if unguarded and not self.on_loopback:
                raise ValueError(f"{name} lets everybody in, so it is accepted on the loopback address only")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which cards write times."""
        return ZoneInfo(self.timezone)

    @property
    def base_url(self) -> str:
        """URL under which clients reach the service, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_base_url or f"http://{host}:{self.port}"

    @property
    def on_loopback(self) -> bool:
        """True if only this machine can reach the service, which is known by no other name either."""
        public = urlsplit(self.base_url).hostname or ""
        return _is_loopback(self.host) and _is_loopback(public)

    def allowed_fhir_server(self, named: str) -> str | None:
        """The server that a call names, as the list spells it; None if it is not on the list."""
        try:
            address = _web_address(named)
        except ValueError:
            return None
        return next((server for server in self.allow_fhir_servers if server == address), None)

    def quirks_of(self, server: str) -> Quirks:
        """How a server of the list wants to be asked."""
        return QUIRKS.get(self.fhir_quirks.get(server, ""), PLAIN)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _web_address(url: str) -> str:
    """The URL with scheme and host in lower case and no slash at the end. Raises ``ValueError``."""
    parts = urlsplit(url.strip())
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url!r} is not an http or https URL")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"{url!r} must not carry a user, a query or a fragment")
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path.rstrip('/')}"
