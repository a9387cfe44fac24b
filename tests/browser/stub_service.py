"""A CDS service that answers with cards written by hand: the sample EHR is tested as a client of anybody.

It has every kind of thing that a card may carry, and text that would do harm if it were taken for markup.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, jsonify, request

SUMMARY = "Vancomycin 1,000 mg every 12 h → 750 mg every 12 h: AUC24 652 → 489 mg·h/L, 84 % chance of 400–600"
HOSTILE = "<img src=x onerror=\"document.body.dataset.harmed='yes'\">"
DETAIL = f"""| | as ordered: 1,000 mg every 12 h | **recommended: 750 mg every 12 h** |
|---|---|--:|
| AUC24, mg·h/L (90 %) | 652 (540–790) | **489 (405–592)** |
| above 600 | 71 % | **8 %** |

**Why:** CYP3A5 \\*1/\\*3 &lt;b&gt; and {HOSTILE};
see [the guideline](https://example.org/guide) or [not this](javascript:alert).

- one
- two"""
REASONS = [{"code": "known", "system": "urn:example:reasons", "display": "Already considered"}]


def stub_service() -> Flask:
    """The service. ``app.config["CALLS"]`` and ``app.config["FEEDBACK"]`` keep what it was sent."""
    app = Flask("stub")
    calls: list[dict[str, Any]] = []
    feedback: list[dict[str, Any]] = []
    app.config.update(CALLS=calls, FEEDBACK=feedback)

    @app.after_request
    def cors(response: Response) -> Response:
        response.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin", "*")
        response.headers["Access-Control-Allow-Headers"] = "authorization, content-type"
        return response

    @app.get("/cds-services")
    def discovery() -> Response:
        def offer(hook: str) -> dict[str, Any]:
            prefetch = {
                "patient": "Patient/{{context.patientId}}",
                "labs": "Observation?patient={{context.patientId}}&code=http://loinc.org|2160-0&_count=2",
                "unfillable": "Observation?encounter={{context.noSuchField}}",
            }
            return {"hook": hook, "id": f"stub-{hook}", "description": hook, "prefetch": prefetch}

        return jsonify({"services": [offer("order-select"), offer("order-sign")]})

    @app.post("/cds-services/<service_id>")
    def answer(service_id: str) -> Response | tuple[Response, int]:
        call = request.get_json()
        calls.append(call)
        order = call["context"]["draftOrders"]["entry"][0]["resource"]
        dose = _dose(order)
        if dose == 13:
            return jsonify({"resourceType": "OperationOutcome", "issue": [{"diagnostics": "no luck"}]}), 412
        return jsonify({"cards": [_card(order, service_id)] if dose == 1000 else []})

    @app.post("/cds-services/<service_id>/feedback")
    def keep(service_id: str) -> Response:
        feedback.extend(request.get_json()["feedback"])
        return jsonify({})

    return app


def _dose(order: dict[str, Any]) -> float | None:
    instructions = order.get("dosageInstruction") or [{}]
    quantity = (instructions[-1].get("doseAndRate") or [{}])[0].get("doseQuantity", {})
    value: float | None = quantity.get("value")
    return value


def _card(order: dict[str, Any], service_id: str) -> dict[str, Any]:
    changed = order | {"dosageInstruction": [_loading(), _maintenance(order)]}
    level = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "order",
        "code": {"text": "Vancomycin level"},
        "subject": order["subject"],
    }
    return {
        "uuid": f"card-{service_id}",
        "summary": SUMMARY,
        "detail": DETAIL,
        "indicator": "warning",
        "source": {"label": "Stub", "url": "https://example.org"},
        "selectionBehavior": "any",
        "suggestions": [
            {
                "label": "Change to 750 mg every 12 h",
                "uuid": "dose",
                "isRecommended": True,
                "actions": [{"type": "update", "description": "dose", "resource": changed}],
            },
            {
                "label": "Order a level",
                "uuid": "level",
                "actions": [{"type": "create", "description": "level", "resource": level}],
            },
        ],
        "overrideReasons": REASONS,
        "links": [{"label": "The basis", "url": "https://example.org/basis", "type": "absolute"}],
    }


def _loading() -> dict[str, Any]:
    return {
        "sequence": 1,
        "timing": {"repeat": {"count": 1, "duration": 3, "durationUnit": "h"}},
        "doseAndRate": [{"doseQuantity": {"value": 1750, "unit": "mg", "code": "mg"}}],
    }


def _maintenance(order: dict[str, Any]) -> dict[str, Any]:
    repeat = {"frequency": 2, "period": 1, "periodUnit": "d", "duration": 90, "durationUnit": "min"}
    return order["dosageInstruction"][0] | {
        "sequence": 2,
        "timing": {"repeat": repeat},
        "doseAndRate": [{"doseQuantity": {"value": 750, "unit": "mg", "code": "mg"}}],
    }
