"""An HTTP server that answers every question by a script, well or badly."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Requests:
    """What a server was asked."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.tokens: list[str | None] = []
        self.cookies: list[str | None] = []
        self.bodies: list[str] = []


Script = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def server(script: Script) -> Iterator[tuple[str, Requests]]:
    """A server that answers every question by the script; gives its base URL and what it was asked."""
    asked = Requests()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.paths.append(self.path)
            asked.tokens.append(self.headers.get("Authorization"))
            asked.cookies.append(self.headers.get("Cookie"))
            script(self)

        def do_POST(self) -> None:
            asked.bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}/fhir", asked
    finally:
        running.shutdown()
        running.server_close()
        thread.join()


def sends(body: Any, status: int = 200, **headers: str) -> Script:
    """Answer with this body."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    def script(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return script
