"""Load: prefetched hook requests at a steady rate against the real server, from another process.

Starts ``dosewright serve`` with two workers on this machine, waits until it is ready, sends 10 requests a
second for 60 s (half of them with levels, on either hook) and prints how long the answers took, how long the
start took and how much memory each worker holds. The answers are checked: each must carry a card or be the
expected silence, and none may fail.

    python -m benchmarks.load [--rate 10] [--seconds 60] [--workers 2]
"""

from __future__ import annotations

import argparse
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from benchmarks.sample_call import SampleCalls

MIX = (
    ("vancomycin-normal-kidneys", "order-select"),
    ("vancomycin-two-levels", "order-sign"),
    ("tacrolimus-expresser", "order-sign"),
    ("vancomycin-failing-kidneys", "order-sign"),
)
"""Patients and hooks, asked in turn: without levels, with two, with three and a genotype, bad kidneys."""
JSON = {"Content-Type": "application/json"}
WARM_UP = 8
"""Calls that are not counted: connections, first imports, SQLite's first write."""


def main(arguments: list[str] | None = None) -> int:
    """Run the load; 1 if an answer was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rate", type=float, default=10.0, help="requests a second (default: 10)")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (default: 60)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes (default: 2)")
    options = parser.parse_args(arguments)

    with tempfile.TemporaryDirectory() as directory:
        port = _free_port()
        command = [sys.executable, "-m", "cds_hooks.cli", "serve", "--open", "--port", str(port)]
        command += ["--workers", str(options.workers), "--ledger", f"sqlite:///{directory}/ledger.sqlite3"]
        started = time.monotonic()
        with Path(directory, "log").open("wb") as log:
            server = subprocess.Popen(command, stderr=log, stdout=log)
        try:
            base = f"http://127.0.0.1:{port}"
            _wait_until_ready(base, server)
            ready_s = time.monotonic() - started
            times, wrong = _send(base, options.rate, options.seconds)
            memory = _resident_mb(server.pid)
        finally:
            server.terminate()
            server.wait(20)
    _report(times, wrong, ready_s, memory, options)
    return 1 if wrong else 0


def _send(base: str, rate: float, seconds: float) -> tuple[list[float], list[str]]:
    """Send at the rate whatever the answers take (open loop); times in ms, and what was wrong."""
    calls = [SampleCalls(patient, hook) for patient, hook in MIX]
    local = threading.local()
    times: list[float] = []
    wrong: list[str] = []

    def call(index: int, due: float | None) -> None:
        session = local.__dict__.setdefault("session", requests.Session())
        sample = calls[index % len(calls)]
        body = sample.body()
        if due is not None:
            time.sleep(max(0.0, due - time.monotonic()))
        begun = time.monotonic()
        try:
            answer = session.post(base + sample.path, data=body, headers=JSON, timeout=10)
            taken = (time.monotonic() - begun) * 1000
            if answer.status_code != 200 or not answer.json()["cards"]:
                wrong.append(f"{MIX[index % len(MIX)]}: {answer.status_code} {answer.text[:120]}")
        except requests.RequestException as error:
            wrong.append(type(error).__name__)
            return
        if due is not None:
            times.append(taken)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda index: call(index, None), range(WARM_UP)))
        first = time.monotonic() + 0.2
        for index in range(round(rate * seconds)):
            due = first + index / rate
            time.sleep(max(0.0, due - time.monotonic() - 0.05))
            pool.submit(call, index, due)
    return times, wrong


def _report(
    times: list[float], wrong: list[str], ready_s: float, memory: list[float], options: argparse.Namespace
) -> None:
    ordered = sorted(times)
    print(f"{len(times)} prefetched hook requests at {options.rate:g}/s, {options.workers} workers")
    if len(ordered) > 1:
        cuts = statistics.quantiles(ordered, n=100, method="inclusive")
        print(
            f"answered in ms: median {cuts[49]:.0f}, p90 {cuts[89]:.0f}, p99 {cuts[98]:.0f}, "
            f"slowest {ordered[-1]:.0f}"
        )
    print(f"ready {ready_s:.1f} s after the start")
    print("resident memory of each process in MB: " + ", ".join(f"{size:.0f}" for size in memory))
    print(f"wrong answers: {len(wrong)}", *wrong[:5], sep="\n  ")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(base: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        if server.poll() is not None:
            raise SystemExit("the server ended before it was ready")
        try:
            if requests.get(f"{base}/ready", timeout=1).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.05)
    raise SystemExit("the server was not ready within a minute")


def _resident_mb(parent: int) -> list[float]:
    """Resident memory of the server's arbiter and of each worker, MB (Linux only, else nothing)."""
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return [_status_mb(pid) for pid in (str(parent), *children)]
    except OSError:
        return []


def _status_mb(pid: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    sys.exit(main())
