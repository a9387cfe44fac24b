"""One whole prefetched hook request inside one process: read, decide, store, answer.

    python -m benchmarks.hook_request [--runs 40]

The compiled kernels and the numpy reference answer in turn, so that a machine that slows down slows both.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time

from flask.testing import FlaskClient

from benchmarks.implementations import numpy_kernels
from benchmarks.load import MIX
from benchmarks.sample_call import SampleCalls
from cds_hooks.app import create_app
from cds_hooks.settings import Settings
from dosing_core.warm import warm


def main(arguments: list[str] | None = None) -> int:
    """Print a line a patient: milliseconds with either implementation and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=40, help="calls of each kind (default: 40)")
    options = parser.parse_args(arguments)
    warm()
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(open=True, ledger_url=f"sqlite:///{directory}/ledger.sqlite3")
        client = create_app(settings).test_client()
        print(f"{'one hook request, ms (median)':44}{'numba':>9}{'numpy':>9}{'ratio':>8}")
        for patient, hook in MIX:
            calls = SampleCalls(patient, hook)
            _ms(client, calls)
            compiled, plain = [], []
            for _ in range(options.runs):
                compiled.append(_ms(client, calls))
                if len(plain) * 8 < len(compiled):  # the slow one less often
                    with numpy_kernels():
                        plain.append(_ms(client, calls))
            fast, slow = statistics.median(compiled), statistics.median(plain)
            print(f"{f'{patient}, {hook}':44}{fast:9.1f}{slow:9.1f}{slow / fast:8.1f}")
    return 0


def _ms(client: FlaskClient, calls: SampleCalls) -> float:
    body = calls.body()
    begun = time.perf_counter()
    answer = client.post(calls.path, data=body, content_type="application/json")
    taken = (time.perf_counter() - begun) * 1000
    if answer.status_code != 200:
        raise SystemExit(f"{answer.status_code}: {answer.get_data(as_text=True)[:200]}")
    return taken


if __name__ == "__main__":
    sys.exit(main())
