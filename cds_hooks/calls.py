"""The keeping of calls: each gets an id, ends up in the ledger, and leaves one line in the log.

The line holds what an operator needs and nothing of the patient: no path, body, token or text of an error.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from time import perf_counter
from uuid import uuid4

from flask import Flask, Response, g, request
from sqlalchemy.exc import SQLAlchemyError

from cds_hooks.errors import RefusedCall
from cds_hooks.ledger import CallRecord, Ledger
from cds_hooks.ledger.records import CallOutcome

logger = logging.getLogger("dosewright.calls")


@dataclass
class Call:
    """One call while it is being answered."""

    request_id: str
    received_at: datetime
    started: float
    service: str = ""
    hook: str = ""
    hook_instance: str = ""
    outcome: CallOutcome = "silent"
    error_class: str = ""

    def refuse(self, error: RefusedCall) -> None:
        """Note that the call was refused, and as what."""
        self.outcome, self.error_class = "refused", type(error).__name__

    def fail(self, error: BaseException) -> None:
        """Note that we failed, and say in the log where."""
        self.outcome, self.error_class = "failed", type(error).__name__
        log_failure(error, self.request_id)


def current() -> Call:
    """The call that is being answered."""
    call: Call = g.call
    return call


def log_failure(error: BaseException, request_id: str) -> None:
    """Log the error's class and the places it passed, not its text, which may quote a patient's value."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{PurePath(frame.filename).name}:{frame.lineno}" for frame in frames]
    said = {"failed": type(error).__name__, "request": request_id, "at": " > ".join(places[-6:])}
    logger.error("%s", json.dumps(said))


def write(what: str, act: Callable[[], object]) -> bool:
    """Write to the ledger; if that fails, say so in the log and go on. True if it was written."""
    try:
        act()
    except (SQLAlchemyError, OSError, ValueError) as error:
        logger.error("%s", json.dumps({"ledger": "not written", "what": what, "error": type(error).__name__}))
        return False
    return True


def keep(app: Flask, ledger: Ledger, now: Callable[[], datetime], prefix: str) -> None:
    """Give every call an id; record those whose path starts with ``prefix``, and log them."""

    @app.before_request
    def begin() -> None:
        g.call = Call(str(uuid4()), now(), perf_counter())

    @app.after_request
    def end(response: Response) -> Response:
        call = current()
        response.headers["X-Request-Id"] = call.request_id
        if request.method != "OPTIONS" and (request.path + "/").startswith(f"{prefix}/"):
            record = CallRecord(
                request_id=call.request_id,
                received_at=call.received_at,
                status=response.status_code,
                outcome=call.outcome,
                duration_ms=round((perf_counter() - call.started) * 1000, 1),
                service=call.service,
                hook=call.hook,
                hook_instance=call.hook_instance,
                error_class=call.error_class,
            )
            write("call", lambda: ledger.record_call(record))
            _log(record)
        return response


def _log(record: CallRecord) -> None:
    line = {
        "request": record.request_id,
        "service": record.service,
        "status": record.status,
        "outcome": record.outcome,
        "ms": record.duration_ms,
    }
    if record.error_class:
        line["error"] = record.error_class
    logger.info("%s", json.dumps(line))
