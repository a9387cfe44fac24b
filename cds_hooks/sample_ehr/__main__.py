"""``python -m cds_hooks.sample_ehr PORT FIXTURES SERVICE_URL``: the sample EHR on this machine only."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

from werkzeug.serving import WSGIRequestHandler, make_server

from cds_hooks.sample_ehr import create_sample_ehr

HOST = "127.0.0.1"


class _Quiet(WSGIRequestHandler):
    """Says nothing of single requests: their addresses name patients, even if these are made up."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def main(port: str, fixtures: str, service_url: str) -> None:
    """Serve until the process ends. The token to the record is made anew at every start."""
    app = create_sample_ehr(
        Path(fixtures),
        service_url,
        token=secrets.token_urlsafe(24),
        fhir_url=f"http://{HOST}:{port}/fhir",
    )
    make_server(HOST, int(port), app, threaded=True, request_handler=_Quiet).serve_forever()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(0)
