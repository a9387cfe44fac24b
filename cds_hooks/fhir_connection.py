"""A connection to a FHIR server from the command line: which one, how it is asked, and with whose token."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from cds_hooks.errors import ConfigurationError

if TYPE_CHECKING:
    from fhir_adapters.client import FhirClient
    from fhir_adapters.quirks import Quirks

TOKEN = "DOSEWRIGHT_FHIR_TOKEN"  # noqa: S105 - the name of a variable
SECONDS = 60.0
"""All questions of one command together. Project policy: somebody sits in front of it and can wait."""


def add_connection(parser: argparse.ArgumentParser) -> None:
    """Add the server and how it is reached."""
    parser.add_argument("url", metavar="URL", help="base URL of the FHIR server, or a name of `sandbox list`")
    parser.add_argument(
        "--quirks",
        metavar="NAME",
        help="how this server wants to be asked, by a name of `sandbox list`; a known sandbox brings its own",
    )
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, metavar="S", help="give up after so long (default: 60)"
    )
    group = parser.add_argument_group(
        "access", f"a token from the variable {TOKEN}, or one of SMART Backend Services; else none is sent"
    )
    group.add_argument("--client-id", metavar="ID", help="as this service is registered with the server")
    group.add_argument("--key", type=Path, metavar="FILE", help="its private key: PEM, RSA or P-384")
    group.add_argument("--key-id", metavar="KID", help="under which the server knows the public key")
    group.add_argument("--scope", default="system/*.rs", metavar="TEXT", help="default: system/*.rs")


def server_url(options: argparse.Namespace) -> str:
    """The base URL that was meant. Raises ``ConfigurationError``."""
    from urllib.parse import urlsplit

    from fhir_adapters.sandboxes import sandbox_at

    known = sandbox_at(options.url)
    url = known.base_url if known else str(options.url)
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise ConfigurationError(f"{options.url!r} is neither an http(s) URL nor the name of a sandbox")
    return url


def quirks_of(options: argparse.Namespace) -> Quirks:
    """How the server is to be asked. Raises ``ConfigurationError`` for a name that nobody knows."""
    from fhir_adapters.quirks import PLAIN, QUIRKS
    from fhir_adapters.sandboxes import sandbox_at

    if options.quirks is not None and options.quirks not in QUIRKS:
        raise ConfigurationError(f"--quirks {options.quirks!r}: known are {', '.join(sorted(QUIRKS))}")
    known = sandbox_at(options.url)
    return QUIRKS[options.quirks] if options.quirks else known.quirks if known else PLAIN


def connect(options: argparse.Namespace) -> FhirClient:
    """A client of the server. Raises ``ConfigurationError`` for options that do not go together, and
    ``AdapterError`` if no token is to be had."""
    from fhir_adapters.client import FhirClient

    url, quirks = server_url(options), quirks_of(options)
    anonymous = FhirClient(url, None, options.seconds, quirks)
    backend = (options.client_id, options.key, options.key_id)
    if not any(backend):
        token = os.environ.get(TOKEN)
        return FhirClient(url, token, options.seconds, quirks) if token else anonymous
    if options.client_id is None or options.key is None or options.key_id is None:
        raise ConfigurationError("--client-id, --key and --key-id belong together")
    from fhir_adapters.backend_services import BackendClient, BackendToken, SigningKey

    key = SigningKey.read(options.key, options.key_id)
    found = anonymous.smart_configuration()
    if found is None:
        raise ConfigurationError("the server does not say where its tokens are to be had")
    tokens = BackendToken(BackendClient(options.client_id, found.token_url, key, options.scope))
    return FhirClient(url, tokens, options.seconds, quirks)
