"""The web application: which URL does what, and what every answer has in common.

::

    GET  /cds-services                   what is on offer
    POST /cds-services/{id}              a hook fires; cards come back
    POST /cds-services/{id}/feedback     what became of the cards
    GET  /recommendations/{id}           the page behind a card
    GET  /health  /ready                 alive; able to answer

Whatever comes in, a valid answer goes out: cards, or an OperationOutcome that says what was wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from cds_hooks import calls
from cds_hooks.answer import answer
from cds_hooks.errors import (
    ConfigurationError,
    MalformedRequest,
    Problem,
    RefusedCall,
    TooLarge,
    UntrustedClient,
    WrongMediaType,
    WrongMethod,
)
from cds_hooks.ledger import Ledger
from cds_hooks.pages import recommendation as recommendation_page
from cds_hooks.protocol.discovery import discovery, service_named
from cds_hooks.protocol.feedback import read_feedback
from cds_hooks.protocol.outcome import operation_outcome
from cds_hooks.protocol.response import response
from cds_hooks.protocol.wire import read_json
from cds_hooks.settings import Settings
from cds_hooks.trust import Trust
from fhir_adapters.prefetch import PREFETCH

SERVICES_PATH = "/cds-services"
MEDIA_TYPES = ("application/json", "application/fhir+json")
PREFLIGHT_SECONDS = 600

Clock = Callable[[], datetime]


def create_app(settings: Settings, *, clock: Clock | None = None, ledger: Ledger | None = None) -> Flask:
    """The application over these settings. ``clock`` gives the present as an instant with an offset.

    Raises ``ConfigurationError`` if the ledger cannot be opened or a key file cannot be read.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.url_map.strict_slashes = False
    now = clock or _system_clock
    ledger = ledger or Ledger(settings.ledger_url)
    trust = Trust.of(settings, ledger)
    app.extensions["dosewright"] = ledger

    calls.keep(app, ledger, now, SERVICES_PATH)
    _answer_browsers(app, settings)
    _say_errors(app)
    _serve_hooks(app, settings, ledger, trust, now)
    _serve_state(app, settings, ledger)
    app.register_blueprint(recommendation_page.blueprint(settings, ledger, _page_guard(trust)))
    return app


def ledger_of(app: Flask) -> Ledger:
    """The ledger that an application writes to."""
    ledger = app.extensions["dosewright"]
    if not isinstance(ledger, Ledger):
        raise ConfigurationError("this is not an application made by create_app")
    return ledger


def _system_clock() -> datetime:
    return datetime.now(UTC)


def _serve_hooks(app: Flask, settings: Settings, ledger: Ledger, trust: Trust, now: Clock) -> None:
    offer = discovery(PREFETCH)

    def check_client() -> None:
        trust.check_client(request.headers.get("Authorization"), request.path, now())

    @app.get(SERVICES_PATH)
    def discover() -> Response:
        check_client()
        calls.current().outcome = "discovery"
        body = _json(offer)
        body.headers["Cache-Control"] = "no-cache"
        body.add_etag()
        body.make_conditional(request)
        return body

    @app.post(f"{SERVICES_PATH}/<service_id>")
    def hook(service_id: str) -> Response:
        check_client()
        service = service_named(service_id)
        call = calls.current()
        call.service = service.id
        question = service.read(_body())
        call.hook, call.hook_instance = question.hook, question.hook_instance
        answered = answer(question, service, settings, ledger, call.received_at, call.request_id)
        call.outcome = "failed" if answered.failed else "cards" if answered.cards else "silent"
        call.error_class = answered.failed
        return _json(response(answered.cards))

    @app.post(f"{SERVICES_PATH}/<service_id>/feedback")
    def feedback(service_id: str) -> Response:
        check_client()
        call = calls.current()
        call.service = service_named(service_id).id
        said = read_feedback(_body(), call.received_at)
        call.outcome = "feedback"
        if all(calls.write("feedback", partial(ledger.record_feedback, one)) for one in said):
            return _json({})
        call.outcome = "failed"
        lost = Problem("the feedback could not be kept; send it again later", code="transient")
        return _json(operation_outcome(lost), 503, MEDIA_TYPES[1])


def _serve_state(app: Flask, settings: Settings, ledger: Ledger) -> None:
    @app.get("/")
    def root() -> Response:
        here = settings.base_url
        return _json({"service": "Dosewright", "discovery": here + SERVICES_PATH, "health": here + "/health"})

    @app.get("/health")
    def health() -> Response:
        return _json({"status": "ok"})

    @app.get("/ready")
    def ready() -> Response:
        # Without the ledger the service still answers, so it must not be taken out of service.
        writable = ledger.is_writable()
        return _json({"status": "ready", "ledger": "ok" if writable else "not writable"})


def _body() -> Any:
    """The JSON value that was posted. Raises ``WrongMediaType`` or ``MalformedRequest``."""
    charset = request.mimetype_params.get("charset", "utf-8")
    if request.mimetype not in MEDIA_TYPES or charset.lower() not in {"utf-8", "utf8", "us-ascii"}:
        raise WrongMediaType.because(f"Content-Type must be {' or '.join(MEDIA_TYPES)}, in UTF-8")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise WrongMediaType.because("Content-Encoding must be identity: bodies are read uncompressed")
    return read_json(request.get_data(cache=False))


def _json(value: Mapping[str, Any], status: int = 200, media_type: str = MEDIA_TYPES[0]) -> Response:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Response(text.encode("utf-8", "replace"), status, mimetype=media_type)


def _refusal(refused: RefusedCall) -> Response:
    outcome = _json(operation_outcome(*refused.problems), refused.status, MEDIA_TYPES[1])
    if isinstance(refused, UntrustedClient):
        outcome.headers["WWW-Authenticate"] = "Bearer"
    return outcome


def _say_errors(app: Flask) -> None:
    @app.errorhandler(RefusedCall)
    def refused(error: RefusedCall) -> Response:
        calls.current().refuse(error)
        return _refusal(error)

    @app.errorhandler(HTTPException)
    def rejected(error: HTTPException) -> Response:
        refusal = _as_refusal(error)
        calls.current().refuse(refusal)
        outcome = _refusal(refusal)
        outcome.status_code = error.code or 400
        if allowed := getattr(error, "valid_methods", None):
            outcome.headers["Allow"] = ", ".join(sorted(allowed))
        return outcome

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        calls.current().fail(error)
        text = "the service failed; the operator finds the cause under the request id in X-Request-Id"
        return _json(operation_outcome(Problem(text, code="exception")), 500, MEDIA_TYPES[1])


def _as_refusal(error: HTTPException) -> RefusedCall:
    match error.code:
        case 405:
            return WrongMethod.because("this URL does not answer this method")
        case 413:
            limit = current_app.config["MAX_CONTENT_LENGTH"]
            return TooLarge.because(f"the body is larger than {limit} bytes")
        case 404:
            return RefusedCall(Problem("there is nothing at this URL", code="not-found"))
    return MalformedRequest.because("the call is not valid HTTP")


def _answer_browsers(app: Flask, settings: Settings) -> None:
    """CORS for the hook endpoints, and headers that keep browsers from doing more than they should."""

    @app.before_request
    def preflight() -> Response | None:
        return Response(status=204) if request.method == "OPTIONS" and _is_hook_path() else None

    @app.after_request
    def headers(answered: Response) -> Response:
        if _is_hook_path():
            _allow_origin(answered, settings)
        answered.headers.setdefault("Cache-Control", "no-store")
        answered.headers.setdefault("Content-Security-Policy", _content_policy(answered))
        answered.headers["X-Content-Type-Options"] = "nosniff"
        answered.headers["X-Frame-Options"] = "DENY"
        answered.headers["Referrer-Policy"] = "no-referrer"
        return answered


def _is_hook_path() -> bool:
    return request.path == SERVICES_PATH or request.path.startswith(f"{SERVICES_PATH}/")


def _allow_origin(answered: Response, settings: Settings) -> None:
    origin = request.headers.get("Origin")
    answered.headers.add("Vary", "Origin")
    if origin is None or not (settings.open or origin in settings.allow_origins):
        return
    answered.headers["Access-Control-Allow-Origin"] = origin
    answered.headers["Access-Control-Expose-Headers"] = "X-Request-Id"
    if request.method == "OPTIONS":
        answered.headers["Access-Control-Allow-Methods"] = "GET, POST"
        answered.headers["Access-Control-Allow-Headers"] = "authorization, content-type"
        answered.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)


def _content_policy(answered: Response) -> str:
    if answered.mimetype != "text/html":
        return "default-src 'none'; frame-ancestors 'none'"
    own = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'"
    return f"{own}; frame-ancestors 'none'"


def _page_guard(trust: Trust) -> Callable[[], Response | None]:
    """Asks for the pages' password (HTTP Basic, any user name)."""

    def password() -> Response | None:
        given = request.authorization
        is_basic = given is not None and given.type == "basic"
        if trust.may_read_pages(given.password if given is not None and is_basic else None):
            return None
        page = Response("This page needs a password.", 401, mimetype="text/plain")
        page.headers["WWW-Authenticate"] = 'Basic realm="Dosewright", charset="UTF-8"'
        return page

    return password
