"""The service under gunicorn: a few worker processes, each answering several requests at a time.

The application is built once, kernels and FHIR models loaded, before the workers are forked from it, so they
are ready at once and share that memory.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import sys
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from cds_hooks.app import create_app, ledger_of
from cds_hooks.drug_library import install_library
from cds_hooks.errors import ConfigurationError
from cds_hooks.settings import Settings

THREADS = 4
"""Requests that one worker answers at a time; most of that time is waiting for a FHIR server."""
YOUNG_OBJECTS = 50_000
"""Objects between two passes of the garbage collector. An answer makes some thousands that die with it; at
Python's 700 the collector would walk the heap dozens of times an answer and find nothing."""
MALLOC = {-8: 1, -3: 16 << 20, -1: 128 << 20}
"""glibc's mallopt (malloc.h): M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD."""
GRACE_S = 10
"""Seconds for calls in flight to finish when the service stops."""


def serve(settings: Settings, said: Callable[[str], None] = print) -> None:
    """Serve until told to stop (SIGTERM or Ctrl-C). Raises ``ConfigurationError``."""
    if not settings.open and not settings.trusted_clients:
        raise ConfigurationError(
            "nobody may call: name the clients with --trust ISSUER=KEYS.json, or try it out with --open"
        )
    if settings.public_base_url is None and settings.host in ("0.0.0.0", "::"):  # noqa: S104
        raise ConfigurationError(
            f"clients cannot call {settings.host}: say with --public-base-url under which URL they do"
        )
    log_to_stderr()
    install_library(settings.library, settings.allow_low_confidence)
    _keep_freed_memory()
    app = create_app(settings)
    _warm()
    said(f"Dosewright answers at {settings.base_url}/cds-services")
    WebServer(app, settings.host, settings.port, settings.workers, ledger_of(app).after_fork).run()


def log_to_stderr() -> None:
    """One line a call and one a failure, on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for name in ("dosewright", "cds_hooks", "fhir_adapters"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(logging.INFO)
        logger.propagate = False


def _keep_freed_memory() -> None:
    """Let threads reuse what they free. By default glibc gives each a heap of its own and hands large
    arrays back to the system after every use, which costs an answer about a fifth of its time."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        for option, value in MALLOC.items():
            libc.mallopt(option, value)


def _warm() -> None:
    """Load what the first order would otherwise wait for, then keep the collector from copying it."""
    from dosing_core.library import drugs
    from dosing_core.warm import warm
    from fhir_adapters import writeback

    drugs()
    warm()
    writeback.warm()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


class WebServer(BaseApplication):  # type: ignore[misc]
    """Gunicorn around one application, configured from here and from nothing else."""

    def __init__(
        self, app: Flask, host: str, port: int, workers: int, after_fork: Callable[[], None] | None = None
    ) -> None:
        self._app = app
        self._options: dict[str, Any] = {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "workers": workers,
            "worker_class": "gthread",
            "threads": THREADS,
            "preload_app": True,
            "graceful_timeout": GRACE_S,
            "timeout": 30,
            "keepalive": 5,
            "accesslog": None,
            "loglevel": "error",  # its warnings quote request lines
        }
        if after_fork is not None:
            self._options["post_fork"] = lambda _server, _worker: after_fork()
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._app
