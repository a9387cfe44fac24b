"""The services on offer, and the document by which an EHR finds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cds_hooks.errors import MalformedRequest, Problem, UnknownService
from cds_hooks.protocol.request import OrderRequest, OrderSelectRequest, OrderSignRequest
from cds_hooks.protocol.wire import read

CDS_HOOKS_VERSION = "2.0.1"


@dataclass(frozen=True)
class Service:
    """One service: one hook, one URL. The ids differ because clients file services by their URL."""

    id: str
    hook: str
    moment: Literal["select", "sign"]
    title: str
    description: str
    request: type[OrderRequest]

    def read(self, body: Any) -> OrderRequest:
        """The body as a call of this service. Raises ``MalformedRequest`` that names each wrong field."""
        request = read(self.request, body)
        if request.hook != self.hook:
            text = f"hook must be {self.hook!r}: that is what {self.id} answers"
            raise MalformedRequest(Problem(text, "hook", "value"))
        if request.fhir_authorization is not None and not request.fhir_server:
            text = "fhirServer is missing: fhirAuthorization says for which server the token is"
            raise MalformedRequest(Problem(text, "fhirServer", "required"))
        return request


USAGE = (
    "Send the prefetch, or fhirServer with fhirAuthorization for what is missing. Answers about the drugs of "
    "its library, and about others where a guideline on genes asks for another drug, another dose or a test, "
    "or after a severe reaction; stays silent about any other order."
)

SERVICES: Mapping[str, Service] = {
    service.id: service
    for service in (
        Service(
            id="dosewright-order-select",
            hook="order-select",
            moment="select",
            title="Dosewright: dose help while ordering",
            description="Works out an individual dose for the selected order from the patient's labs, "
            "levels, genotype and given doses, and says how sure it is.",
            request=OrderSelectRequest,
        ),
        Service(
            id="dosewright-order-sign",
            hook="order-sign",
            moment="sign",
            title="Dosewright: dose check on signing",
            description="Speaks up before signing where an individual dose differs in a clinically "
            "relevant way from the order, or where a danger is real; otherwise it is silent.",
            request=OrderSignRequest,
        ),
    )
}


def service_named(service_id: str) -> Service:
    """The service with this id. Raises ``UnknownService``."""
    try:
        return SERVICES[service_id]
    except KeyError:
        known = " and ".join(SERVICES)
        raise UnknownService.because(f"there is no service with this id; the services are {known}") from None


def discovery(prefetch: Mapping[str, str]) -> dict[str, Any]:
    """The discovery document with these prefetch templates."""
    return {
        "services": [
            {
                "hook": service.hook,
                "title": service.title,
                "description": service.description,
                "id": service.id,
                "version": CDS_HOOKS_VERSION,
                "usageRequirements": USAGE,
                "prefetch": dict(prefetch),
            }
            for service in SERVICES.values()
        ]
    }
