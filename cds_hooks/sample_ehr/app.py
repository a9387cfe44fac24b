"""The sample EHR as an application.

::

    GET  /                    the page: patients, chart, order, cards
    GET  /stories/{patient}   what a visitor may try with a patient
    *    /fhir/...            the record, see ``fhir.py``

What the page does as a CDS Hooks client happens in the browser, in ``static/``, so that the service is called
across origins with everything that browsers ask for.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, Response, abort, jsonify, render_template, request

from cds_hooks.sample_ehr.fhir import fhir_endpoint
from cds_hooks.sample_ehr.record import Clock, Record


def _system_clock() -> datetime:
    return datetime.now(UTC)


def create_sample_ehr(
    fixtures: Path,
    service_url: str,
    *,
    clock: Clock = _system_clock,
    token: str,
    fhir_url: str | None = None,
) -> Flask:
    """The sample EHR over the patients in ``fixtures``, calling the service at ``service_url``.

    ``token`` is what the page lends the service to read the record with, as an access token. ``fhir_url`` is
    the record's address as the service must reach it, by default the address at which the page was opened.
    Raises ``OSError`` or ``ValueError`` if the fixtures cannot be read.
    """
    app = Flask(__name__)
    record = Record(fixtures, clock)
    service = service_url.rstrip("/")
    app.register_blueprint(fhir_endpoint(record, token))

    @app.get("/")
    def page() -> str:
        record.open()
        return render_template(
            "sample_ehr/page.html",
            patients=record.patients(),
            service=service,
            fhir=fhir_url or f"{request.host_url}fhir",
            token=token,
        )

    @app.get("/stories/<patient_id>")
    def stories(patient_id: str) -> Response:
        if patient_id not in {patient["id"] for patient in record.patients()}:
            abort(404)
        return jsonify(record.stories(patient_id))

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _policy(service)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers.setdefault("Cache-Control", "no-cache")
        return response

    return app


def _policy(service: str) -> str:
    """Own scripts and styles only; calls to the record and to the service, and to nobody else."""
    parts = urlsplit(service)
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self' {parts.scheme}://{parts.netloc}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
