"""The sample EHR and the real service beside it, as in the demo, in this process and on free ports."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from browser.chromium import serving
from scenario import FIXTURES

from cds_hooks.app import create_app, ledger_of
from cds_hooks.ledger import Ledger
from cds_hooks.sample_ehr import create_sample_ehr
from cds_hooks.settings import Settings
from dosing_core.warm import warm


@dataclass(frozen=True)
class Demo:
    """Where the sample EHR is, and the ledger that the service writes."""

    url: str
    ledger: Ledger


@contextmanager
def demo(directory: Path) -> Iterator[Demo]:
    """The demo while the block runs, its ledger in ``directory``."""
    warm()  # a first order must not wait for the kernels to be compiled
    ehr_port, port = _free_ports()
    ehr = create_sample_ehr(FIXTURES, f"http://127.0.0.1:{port}", token="lent-by-the-demo")  # noqa: S106
    with serving(ehr, ehr_port) as ehr_url:
        settings = Settings(
            open=True,
            demo=True,
            port=port,
            allow_fhir_servers=(f"{ehr_url}/fhir",),
            ledger_url=f"sqlite:///{directory / 'ledger.sqlite3'}",
        )
        app = create_app(settings)
        with serving(app, port):
            yield Demo(ehr_url, ledger_of(app))
        ledger_of(app).close()


def _free_ports() -> tuple[int, int]:
    """Two ports that are free now; each must be known before the other's application is made."""
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])
