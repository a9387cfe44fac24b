"""Reading FHIR: a searchset of 200 resources, and a chart from a server whose every answer takes its time.

    python -m benchmarks.fhir [--runs 20] [--delay 0.2]

The searchset is read beside a plain ``json.loads`` of the same bytes; the chart beside one search.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle, islice
from pathlib import Path
from threading import Thread
from typing import Any

from fhir_adapters.client import FhirClient
from fhir_adapters.gather import gather
from fhir_adapters.prefetch import searches
from fhir_adapters.reading import Answers, read_chart
from fhir_adapters.releases import as_r4

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SAMPLES = Path(__file__).parent.parent / "tests" / "fhir_examples" / "synthea-fhir"
PARTS = {"Observation": 126, "MedicationRequest": 73, "Patient": 1}
"""As many of each as in the record for which the bar was set."""
EMPTY = b'{"resourceType": "Bundle", "type": "searchset"}'


def searchset() -> tuple[bytes, str]:
    """A Bundle of 200 resources of synthetic people, all given to one patient, and the patient's id."""
    files = sorted(SAMPLES.glob("*.json"))
    held = [entry["resource"] for path in files for entry in json.loads(path.read_text())["entry"]]
    person = next(one for one in held if one["resourceType"] == "Patient")
    about = {"reference": f"Patient/{person['id']}"}
    held = [one if one["resourceType"] == "Patient" else {**one, "subject": about} for one in held]
    found: list[dict[str, Any]] = []
    for kind, count in PARTS.items():
        of_kind = [one for one in held if one["resourceType"] == kind]
        found += [
            {**one, "id": f"{one['id']}-{place}" if kind != "Patient" else one["id"]}
            for place, one in enumerate(islice(cycle(of_kind), count))
        ]
    patient = str(person["id"])
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in found]}
    return json.dumps(bundle).encode(), patient


def read(data: bytes, patient: str) -> None:
    """From bytes to a chart."""
    bundle = json.loads(data, parse_float=Decimal)
    found = tuple(as_r4(entry["resource"]) for entry in bundle["entry"])
    read_chart(patient, "vancomycin", NOW, Answers({"labs": found}, {}, {}))


def cpu_ms(what: Any, runs: int) -> float:
    """Median CPU time of a call, ms."""
    taken = []
    for _ in range(runs + 1):
        begun = time.process_time()
        what()
        taken.append((time.process_time() - begun) * 1000)
    return statistics.median(taken[1:])


class Slow(BaseHTTPRequestHandler):
    """Answers every question with an empty Bundle, or the patient, after a while."""

    delay = 0.2
    patient = "somebody"

    def do_GET(self) -> None:
        time.sleep(self.delay)
        person = json.dumps({"resourceType": "Patient", "id": self.patient}).encode()
        body = person if f"/Patient/{self.patient}" in self.path else EMPTY
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def wall(what: Any, runs: int) -> float:
    """Median time of a call, s."""
    taken = []
    for _ in range(runs):
        begun = time.perf_counter()
        what()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def main(arguments: list[str] | None = None) -> int:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=20, help="repetitions of each (default: 20)")
    parser.add_argument("--delay", type=float, default=0.2, help="s that an answer takes (default: 0.2)")
    options = parser.parse_args(arguments)

    data, patient = searchset()
    plain = cpu_ms(lambda: json.loads(data), options.runs)
    whole = cpu_ms(lambda: read(data, patient), options.runs)
    print(f"{'200 resources to a chart, CPU ms':44}{whole:9.2f}   bar 5   {whole / plain:.1f}x json.loads")

    Slow.delay = options.delay
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}/fhir"
    try:
        one = wall(lambda: FhirClient(base, None, 10.0).search("Observation", ()), 3)
        chart = wall(lambda: gather("somebody", "vancomycin", None, FhirClient(base, None, 10.0), NOW), 3)
    finally:
        server.shutdown()
    asked = 1 + len(searches())
    print(f"{f'a chart of {asked} questions beside one, s':44}{chart:9.2f}{one:9.2f}{chart / one:8.1f}x")
    return 0


if __name__ == "__main__":
    sys.exit(main())
