"""The service and the demo as processes: they start, answer from two workers, agree with themselves, stop."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from hook_call import hook_call, named, url
from scenario import FIXTURES

from cds_hooks.ledger import Ledger
from cds_hooks.replay import replay

QUESTIONS = [named(number) for number in ("01", "05", "07", "09")]
START_S = 120
"""Long, because a machine that tests much else at once may have to compile the kernels first."""


@dataclass(frozen=True)
class Running:
    """A process that serves, where it does so, and where its ledger is."""

    process: subprocess.Popen[bytes]
    base: str
    ledger_url: str
    log: Path


def _free_port(together: int = 1) -> int:
    """A port that is free now, with the next ones."""
    while True:
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
        if all(_is_free(port + more) for more in range(together)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) != 0


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        assert process.poll() is None, "it ended instead of serving"
        try:
            if requests.get(address, timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("it did not answer in time")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("served")
    port, ledger_url, log = _free_port(), f"sqlite:///{directory}/ledger.sqlite3", directory / "log"
    command = [sys.executable, "-m", "cds_hooks.cli", "serve", "--open", "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen([*command, "--ledger", ledger_url], stderr=out, stdout=out)
        try:
            base = f"http://127.0.0.1:{port}"
            _wait_for(f"{base}/ready", process)
            yield Running(process, base, ledger_url, log)
        finally:
            process.terminate()
            process.wait(30)


def _ask(running: Running, body: dict[str, Any]) -> requests.Response:
    return requests.post(running.base + url(body["hook"]), json=body, timeout=30)


def test_many_questions_at_once_get_their_own_answers_and_replay_to_the_same_bytes(running: Running) -> None:
    """Two workers with four threads each, then this process: one case, one answer, byte for byte."""
    bodies = [hook_call(question) for question in QUESTIONS] * 4
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: _ask(running, body), bodies))

    assert {answer.status_code for answer in answers} == {200}
    for body, answer in zip(bodies, answers, strict=True):
        drug = body["context"]["draftOrders"]["entry"][0]["resource"]["medicationCodeableConcept"]["text"]
        assert drug.split()[0].lower() in answer.json()["cards"][0]["summary"].lower()
    ledger = Ledger(running.ledger_url)
    links = {card["links"][0]["url"] for answer in answers for card in answer.json()["cards"]}
    for link in links:
        assert replay(ledger, link.rpartition("/")[2]).same
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == len(answers)
    ledger.close()


def test_the_log_is_one_line_a_call_without_the_patient(running: Running) -> None:
    before = len(running.log.read_text().splitlines())
    answered = _ask(running, hook_call(QUESTIONS[0]))
    lines = running.log.read_text().splitlines()[before:]

    assert len(lines) == 1
    logged = json.loads(lines[0][lines[0].index("{") :])
    assert logged["request"] == answered.headers["X-Request-Id"]
    assert QUESTIONS[0].patient_id not in lines[0]


def test_the_demo_starts_an_ehr_and_a_service_and_stops_both(tmp_path: Path) -> None:
    port = _free_port(2)
    command = [
        sys.executable,
        "-m",
        "cds_hooks.cli",
        "demo",
        "--port",
        str(port),
        "--fixtures",
        str(FIXTURES),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path, env=_importable(), text=True)
    assert process.stdout is not None
    try:
        said = next((line for line in process.stdout if "Sample EHR" in line), "")
        assert f"http://127.0.0.1:{port} " in said
        assert requests.get(f"http://127.0.0.1:{port}/", timeout=5).ok
        discovered = requests.get(f"http://127.0.0.1:{port + 1}/cds-services", timeout=5).json()
        assert len(discovered["services"]) == 2
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)

    assert process.returncode == 0
    assert _is_free(port)
    assert _is_free(port + 1)


def _importable() -> dict[str, str]:
    """The environment in which the packages are found from any directory."""
    return {**os.environ, "PYTHONPATH": str(FIXTURES.parent)}
