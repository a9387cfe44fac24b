"""The demo: a sample EHR and the hook service as two child processes, on this machine only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from urllib.error import URLError
from urllib.request import urlopen

from cds_hooks.errors import ConfigurationError

HOST = "127.0.0.1"
START_S = 60
"""Seconds to wait for both to answer; compiling the kernels for the first time takes most of it."""
STOP_S = 15


def demo(port: int, fixtures: Path) -> int:
    """Run both until Ctrl-C or SIGTERM, or until one of them ends. Raises ``ConfigurationError``."""
    if not (fixtures / "patients").is_dir():
        raise ConfigurationError(
            f"there are no sample patients in {fixtures}/patients; --fixtures says where"
        )
    ehr, service = f"http://{HOST}:{port}", f"http://{HOST}:{port + 1}"
    signal.signal(signal.SIGTERM, _interrupt)
    with tempfile.TemporaryDirectory(prefix="dosewright-demo-") as directory:
        ledger = f"sqlite:///{directory}/ledger.sqlite3"
        serve = ("serve", "--port", str(port + 1), "--open", "--demo", "--ledger", ledger)
        children: list[subprocess.Popen[bytes]] = []
        try:
            children.append(_start("-m", "cds_hooks.cli", *serve, "--allow-fhir-server", f"{ehr}/fhir"))
            children.append(_start("-m", "cds_hooks.sample_ehr", str(port), str(fixtures), service))
            return _watch(children, ehr, service)
        except KeyboardInterrupt:
            return 0
        finally:
            _stop(children)


def _watch(children: Sequence[subprocess.Popen[bytes]], ehr: str, service: str) -> int:
    deadline = time.monotonic() + START_S
    while not (_answers(f"{service}/ready") and _answers(f"{ehr}/")):
        if any(child.poll() is not None for child in children) or time.monotonic() > deadline:
            print("dosewright: the demo did not start; is its port taken?", file=sys.stderr)
            return 1
        time.sleep(0.1)
    print(f"Sample EHR at {ehr} (service at {service}/cds-services). Ctrl-C ends it.", flush=True)
    while all(child.poll() is None for child in children):
        time.sleep(0.2)
    print("dosewright: a part of the demo ended", file=sys.stderr)
    return 1


def _start(*arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, *arguments]
    # In a group of their own, so that Ctrl-C reaches this process only, which then stops them.
    return subprocess.Popen(command, env=environment, process_group=0)  # noqa: S603


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2):  # noqa: S310 - our own loopback address
            return True
    except (URLError, OSError):
        return False


def _stop(children: Sequence[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    for child in children:
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
