"""What we hand back to the EHR: the order with another regimen, or a request for what is missing.

An updated order is the whole order again: every member that we do not change is kept as it came, known to
us or not. What we write ourselves is valid FHIR R4 (checked with R4B models, which differ only in resources
not used here); if the order was valid before, it is valid after.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from dosing_core.case import Regimen, Route
from dosing_core.library import load_drug
from dosing_core.library.identity import Combination
from dosing_core.phrases import ROUTE_WORDS, THREE_A_WEEK_H, every, in_words
from fhir_adapters.combination import combination, written_as_sum
from fhir_adapters.elements import Resource, items, member
from fhir_adapters.errors import WritebackError
from fhir_adapters.product import product
from fhir_adapters.terminology.loinc import LOINC, code_list, codes
from fhir_adapters.terminology.routes import preferred, route
from fhir_adapters.terminology.units import UCUM, as_written
from fhir_adapters.validity import is_valid

KEPT = ("additionalInstruction", "site", "method", "extension", "modifierExtension")
"""Members of the old dosage instruction that say nothing about dose, interval, route or length."""

_DOSE_TYPE = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/dose-rate-type",
            "code": "ordered",
            "display": "Ordered",
        }
    ],
    "text": "ordered",
}
_LABORATORY = {
    "coding": [{"system": "http://snomed.info/sct", "code": "108252007", "display": "Laboratory procedure"}]
}
_BEDSIDE = frozenset({"weight", "height"})


def with_regimen(
    order: Resource,
    drug_display: str,
    regimen: Regimen,
    *,
    loading_dose_mg: float | None = None,
    loading_duration_h: float | None = None,
) -> dict[str, Any]:
    """The whole order with this regimen, behind a single loading dose if there is one.

    The order's narrative (``text``) is dropped: it was generated from the old dose and would contradict the
    new one. Notes and what is to be dispensed stay; they are the prescriber's and the pharmacy's.

    Raises ``WritebackError`` if an order that was valid R4 would not be any more.
    """
    instructions = items(order.get("dosageInstruction"))
    old = instructions[0] if len(instructions) == 1 else {}
    drug = product(order).drug
    micrograms = drug is not None and load_drug(drug).display.dose_unit == "micrograms"
    written = _Written(drug_display, combination(drug), written_as_sum(order), micrograms)
    changed: dict[str, Any] = copy.deepcopy({name: order[name] for name in order if name != "text"})
    if regimen.once:
        changed["dosageInstruction"] = [
            _once(regimen.dose_mg, regimen.duration_h, regimen.route, old, written)
        ]
    elif loading_dose_mg is None:
        changed["dosageInstruction"] = [_repeated(regimen, old, written)]
    else:
        first = _once(loading_dose_mg, loading_duration_h or 0.0, regimen.route, old, written)
        changed["dosageInstruction"] = [
            {"sequence": 1, **first},
            {
                "sequence": 2,
                **_repeated(regimen, old, written),
                "text": f"then {_in_words(regimen, written)}",
            },
        ]
    if not any(name in order for name in ("medicationCodeableConcept", "medicationReference")):
        changed["medicationCodeableConcept"] = {"text": drug_display}
    if not is_valid("MedicationRequest", changed) and is_valid("MedicationRequest", order):
        raise WritebackError("the changed order is not valid FHIR R4")
    return changed


@dataclass(frozen=True)
class _Written:
    """How a dose is written: the plain amount, or the sum with the second drug of the product."""

    drug: str
    combination: Combination | None
    sum_over_own: Decimal | None
    micrograms: bool = False
    """True if doses of the drug are read in micrograms."""

    def amount(self, own_mg: float) -> float:
        """mg as the order has them."""
        return own_mg if self.sum_over_own is None else float(Decimal(repr(own_mg)) * self.sum_over_own)

    def quantity(self, own_mg: float) -> dict[str, Any]:
        """The dose as a Quantity."""
        amount = self.amount(own_mg)
        if self.micrograms:
            value = _plain(float(Decimal(repr(amount)) * 1000))
            return {"value": value, "unit": "microgram", "system": UCUM, "code": "ug"}
        return {"value": _plain(amount), "unit": "mg", "system": UCUM, "code": "mg"}

    def words(self, own_mg: float) -> str:
        """``1000 mg``, ``62.5 micrograms``; of a combination it is said what is meant."""
        if self.micrograms:
            return f"{_number(float(Decimal(repr(own_mg)) * 1000))} micrograms"
        if self.combination is None:
            return f"{_number(own_mg)} mg"
        own = f"{_number(own_mg)} mg of {self.drug}"
        if self.sum_over_own is None:
            return own
        return f"{_number(self.amount(own_mg))} mg ({own} with {self.combination.with_drug})"


def _repeated(regimen: Regimen, old: Resource, written: _Written) -> dict[str, Any]:
    repeat: dict[str, Any] = {}
    bounds = {name: value for name, value in _old_repeat(old).items() if name.startswith("bounds")}
    repeat |= copy.deepcopy(bounds)
    repeat |= _length(regimen.route, regimen.duration_h)
    if regimen.interval_h == THREE_A_WEEK_H:
        repeat |= {"frequency": 3, "period": 1, "periodUnit": "wk"}
    else:
        repeat |= {"frequency": 1, **_period(regimen.interval_h)}
    amount = written.quantity(regimen.dose_mg)
    return _instruction(_in_words(regimen, written), repeat, amount, regimen.route, old)


def _once(dose_mg: float, hours: float, way: Route, old: Resource, written: _Written) -> dict[str, Any]:
    repeat = {"count": 1} | _length(way, hours)
    over = f" over {_number(hours)} h" if way == "iv" and hours > 0 else ""
    words = f"{written.words(dose_mg)} {_by(way)} once{over}"
    return _instruction(words, repeat, written.quantity(dose_mg), way, old)


def _instruction(
    words: str, repeat: dict[str, Any], dose: dict[str, Any], way: Route, old: Resource
) -> dict[str, Any]:
    kept = {name: copy.deepcopy(old[name]) for name in KEPT if name in old}
    same = route(old.get("route")) == way
    return {
        **kept,
        "text": words,
        "timing": {"repeat": repeat},
        "route": copy.deepcopy(old["route"]) if same else preferred(way),
        "doseAndRate": [
            {
                "type": copy.deepcopy(_DOSE_TYPE),
                "doseQuantity": dose,
            }
        ],
    }


def _period(interval_h: float) -> dict[str, Any]:
    """The interval in weeks or days where people count it so, else in hours."""
    count, unit = in_words(interval_h)
    return {"period": _plain(count), "periodUnit": {"week": "wk", "day": "d", "hour": "h"}[unit]}


def _old_repeat(old: Resource) -> Mapping[str, Any]:
    repeat = member(old, "timing", "repeat")
    return repeat if isinstance(repeat, dict) else {}


def _length(way: Route, hours: float) -> dict[str, Any]:
    return {"duration": _plain(hours), "durationUnit": "h"} if way == "iv" and hours > 0 else {}


def _in_words(regimen: Regimen, written: _Written) -> str:
    words = f"{written.words(regimen.dose_mg)} {_by(regimen.route)} {every(regimen.interval_h)}"
    if regimen.route == "iv" and regimen.duration_h > 0:
        words += f", each over {_number(regimen.duration_h)} h"
    return words


def _by(way: Route) -> str:
    return ROUTE_WORDS[way]


def _plain(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _asked_for(kind: str, drug: str | None) -> str:
    """The short name that a list of orders shows."""
    return f"{drug} level" if kind == "level" else kind


def _number(value: float) -> str:
    return as_written(Decimal(repr(value)))


def lab_request(
    kind: str,
    patient_id: str,
    encounter_id: str | None,
    now: datetime,
    *,
    drug: str | None = None,
    at: datetime | None = None,
) -> dict[str, Any]:
    """A draft ServiceRequest for a measurement: a covariate's name, or ``level`` of ``drug``.

    ``at``: when to draw or measure. Raises ``WritebackError`` for a kind without a LOINC code, and for a
    level of no drug.
    """
    analyte = drug if kind == "level" else kind
    known = code_list(analyte) if analyte else ()
    if not known:
        raise WritebackError(f"there is no code by which to request {kind}")
    display = codes()[known[0]].display
    due = at if at is not None and at - now > timedelta(0) else None
    request: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "order",
        **({} if analyte in _BEDSIDE else {"category": [copy.deepcopy(_LABORATORY)]}),
        "code": {
            "coding": [{"system": LOINC, "code": known[0], "display": display}],
            "text": _asked_for(kind, drug),
        },
        "subject": {"reference": f"Patient/{patient_id}"},
        "authoredOn": now.isoformat(timespec="seconds"),
    }
    if encounter_id:
        bare = encounter_id.removeprefix("Encounter/")
        request["encounter"] = {"reference": f"Encounter/{bare}"}
    if due is not None:
        request["occurrenceDateTime"] = due.isoformat(timespec="seconds")
    if not is_valid("ServiceRequest", request):
        raise WritebackError("the request is not valid FHIR R4")
    return request


def warm() -> None:
    """Load the models and let them build their validators, so that the first order does not wait for it."""
    regimen = Regimen(dose_mg=1, interval_h=24, route="oral")
    order = {
        "resourceType": "MedicationRequest",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {"text": "nothing"},
        "subject": {"reference": "Patient/nobody"},
    }
    with_regimen(order, "nothing", regimen)
    is_valid("ServiceRequest", {"resourceType": "ServiceRequest"})
