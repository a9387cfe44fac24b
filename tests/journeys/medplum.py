"""The servers in Node (``tests/fhir_server``): start one, give it a record, stop it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import requests

SERVER = Path(__file__).parent.parent / "fhir_server"
TOKEN = "a-token-for-the-node-server"  # noqa: S105 - not a secret
PAGE = 10
"""Resources a page: few enough that most courses of treatment need several."""
FHIR = "http://127.0.0.1:1/fhir"
"""The server that tokens are for; nobody asks it."""
SECONDS_TO_START = 60.0
"""Far more than it takes; only a broken installation waits so long."""


@contextmanager
def medplum(token: str = TOKEN, page: int = PAGE) -> Iterator[str]:
    """Run the FHIR server on a free port while the block runs; gives its base URL.

    Raises ``RuntimeError`` if it does not come up; ``npm ci`` in ``tests/fhir_server`` installs it.
    """
    with _running("server.mjs", TOKEN=token, PAGE=str(page)) as url:
        yield url


@contextmanager
def authorisation(keys: Path, algorithm: str = "RS384", lives: int = 300) -> Iterator[str]:
    """Run the authorisation server, which knows the client ``dosewright`` by the public keys in a file."""
    with _running("authorisation.mjs", JWKS=str(keys), ALG=algorithm, LIVES=str(lives), FHIR=FHIR) as url:
        yield url


@contextmanager
def _running(script: str, **environment: str) -> Iterator[str]:
    process = subprocess.Popen(
        ["node", script],
        cwd=SERVER,
        env={**os.environ, "PORT": "0", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    patience = Timer(SECONDS_TO_START, process.kill)
    try:
        patience.start()
        line = process.stdout.readline() if process.stdout else ""
        patience.cancel()
        if not line.startswith("http://127.0.0.1:"):
            raise RuntimeError(f"{script} did not start: run npm ci in {SERVER.name} (said {line!r})")
        yield line.strip()
    finally:
        patience.cancel()
        process.terminate()
        process.wait(10)
        if process.stdout:
            process.stdout.close()


def load(base: str, resources: Iterable[Mapping[str, Any]], token: str = TOKEN) -> None:
    """Put a record into the server in one transaction; every resource keeps its id."""
    entries = [
        {
            "resource": resource,
            "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
        }
        for resource in resources
    ]
    answer = requests.post(
        base,
        json={"resourceType": "Bundle", "type": "transaction", "entry": entries},
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"},
        timeout=30,
    )
    answer.raise_for_status()
    statuses = [entry["response"]["status"] for entry in answer.json()["entry"]]
    if len(statuses) != len(entries) or not all(status.startswith("20") for status in statuses):
        raise RuntimeError(f"the FHIR server did not take the record: {statuses}")
