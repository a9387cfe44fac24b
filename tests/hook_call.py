"""Hook calls as an EHR makes them, and a service to send them to."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from journeys.record_server import prefetched
from scenario import FIXTURES, Scenario, read_scenario

from cds_hooks.app import create_app
from cds_hooks.ledger import Ledger
from cds_hooks.settings import Settings
from fhir_adapters.prefetch import PREFETCH

INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"


def named(slug: str) -> Scenario:
    """The scenario whose file name starts with this."""
    (path,) = (FIXTURES / "scenarios").glob(f"{slug}*.question.json")
    return read_scenario(path)


def hook_call(scenario: Scenario, *, prefetch: bool = True, **members: Any) -> dict[str, Any]:
    """The body of the call that a scenario's question is."""
    question = scenario.question
    order = deepcopy(question.order)
    context: dict[str, Any] = {
        "userId": "Practitioner/somebody",
        "patientId": scenario.patient_id,
        "draftOrders": {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"fullUrl": f"urn:uuid:{INSTANCE}", "resource": order}],
        },
    }
    if question.hook == "order-select":
        context["selections"] = [f"MedicationRequest/{order['id']}"]
    body: dict[str, Any] = {"hook": question.hook, "hookInstance": INSTANCE, "context": context}
    if prefetch:
        body["prefetch"] = prefetched(PREFETCH, scenario.resources, scenario.patient_id)
    return body | members


def url(hook: str) -> str:
    """The path of the service that answers a hook."""
    return f"/cds-services/dosewright-{hook}"


class Service:
    """A service over a ledger of its own, whose clock stands still."""

    def __init__(self, directory: Path, now: datetime, **settings: Any) -> None:
        given = {"open": True, "demo": True, "ledger_url": f"sqlite:///{directory}/ledger.sqlite3"}
        self.settings = Settings.model_validate(given | settings)
        self.ledger = Ledger(self.settings.ledger_url)
        self.app = create_app(self.settings, clock=lambda: now, ledger=self.ledger)
        self.client: FlaskClient = self.app.test_client()

    def ask(self, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        """Send a hook call that must be answered with 200; gives the answer."""
        answered = self.client.post(url(body["hook"]), json=body, headers=headers)
        assert answered.status_code == 200, answered.get_data(as_text=True)
        answer: dict[str, Any] = answered.get_json()
        return answer


FIRST_DOSE = named("01")
TWO_LEVELS = named("07")
NOW = FIRST_DOSE.now
SELECT, SIGN = url("order-select"), url("order-sign")
TOKEN = "a-very-secret-token-0123456789"  # noqa: S105 - made up


def refusal(answered: Any) -> dict[str, Any]:
    """The OperationOutcome of a refused call."""
    outcome: dict[str, Any] = answered.get_json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"]
    return outcome
