"""An answer as FHIR resources, for an EHR that wants to keep it: the issue, the pharmacist's task and the
message, the prediction, the estimated parameters.

Each carries the identifier of its recommendation, so that it is created once however often it is sent.
Nothing is written that the recommendation does not say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import NAMESPACE_URL, uuid5

from dosing_core import phrases
from dosing_core.metric_words import factor_of, name_of, unit_of
from dosing_core.recommendation import Recommendation, RegimenOption
from fhir_adapters.errors import WritebackError
from fhir_adapters.terminology.units import UCUM
from fhir_adapters.validity import is_valid

SYSTEM = "urn:dosewright:recommendation"
"""System of the identifiers of all that is written about a recommendation."""
PARAMETERS = "urn:dosewright:parameter"
AUTHOR = {"display": "Dosewright"}
LISTED = 20
"""Sources that one resource refers to; a long history has more. Project policy."""
UCUM_UNITS = frozenset({"L/h", "L", "1/h", "h", "mg/L", "mg/h"})

Priority = Literal["routine", "urgent", "asap", "stat"]


@dataclass(frozen=True)
class Answered:
    """Whose answer it is, and where it came from."""

    recommendation: Recommendation
    recommendation_id: str
    patient_id: str
    issued: datetime
    summary: str
    """The card's first line."""
    order: str | None = None
    """Reference to the order, ``MedicationRequest/17``, where it is on the server."""
    encounter: str | None = None
    page: str | None = None
    """Where the whole answer can be read."""

    @property
    def patient(self) -> dict[str, str]:
        """A reference to the patient."""
        return {"reference": f"Patient/{self.patient_id}"}

    def identifier(self, part: str) -> dict[str, str]:
        """The identifier of one resource about this recommendation."""
        return {"system": SYSTEM, "value": f"{self.recommendation_id}-{part}"}

    def url(self, part: str) -> str:
        """How the resources of one transaction refer to each other."""
        return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{SYSTEM}:{self.recommendation_id}-{part}')}"

    def about_order(self) -> list[dict[str, str]]:
        """The order in question, as a list of references."""
        return [{"reference": self.order}] if self.order else []

    def sources(self) -> list[dict[str, str]]:
        """The facts that the answer rests on, as far as they are resources of the record."""
        found = [level.source for level in self.recommendation.levels]
        found += [fact.source for fact in self.recommendation.used]
        literal = (one for one in dict.fromkeys(found) if one.count("/") == 1 and not one.startswith("/"))
        return [{"reference": one} for one in list(literal)[:LISTED]]


def resources(answered: Answered) -> dict[str, dict[str, Any]]:
    """What is to be written, by its part: ``issue``, ``task``, ``message``, ``prediction`` and one
    ``parameter-<name>`` each. Parts without content are left out.

    Raises ``WritebackError`` if one of them would not be valid FHIR R4.
    """
    found: dict[str, dict[str, Any]] = {}
    if (issue := detected_issue(answered)) is not None:
        found["issue"] = issue
        found["task"] = task(answered)
        found["message"] = communication(answered)
    if (prediction := risk_assessment(answered)) is not None:
        found["prediction"] = prediction
    found |= {f"parameter-{place}": one for place, one in enumerate(parameters(answered))}
    for part, one in found.items():
        if not is_valid(one["resourceType"], one):
            raise WritebackError(f"the {part} is not valid FHIR R4")
    return found


def transaction(answered: Answered) -> dict[str, Any]:
    """One Bundle with all of them, each created only if it is not there yet."""
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": answered.url(part),
                "resource": one,
                "request": {
                    "method": "POST",
                    "url": one["resourceType"],
                    "ifNoneExist": "identifier={system}|{value}".format(**one["identifier"][0]),
                },
            }
            for part, one in resources(answered).items()
        ],
    }


def problems(recommendation: Recommendation) -> tuple[str, ...]:
    """What somebody has to look at: a broken limit, a red flag, a drug to avoid, a dose to hold."""
    found = [limit.text for limit in recommendation.broken_limits]
    found += recommendation.red_flags
    if recommendation.hold:
        found.append(recommendation.hold)
    if recommendation.outcome == "avoid":
        found.insert(0, recommendation.reason)
    return tuple(dict.fromkeys(found))


def severity(recommendation: Recommendation) -> Literal["high", "moderate"]:
    """``high``: a drug to avoid, or a dose so far above its limit that a slip is likelier than intent."""
    grave = any(limit.grave for limit in recommendation.broken_limits)
    return "high" if grave or recommendation.outcome == "avoid" else "moderate"


def _priority(recommendation: Recommendation) -> Priority:
    return "stat" if severity(recommendation) == "high" else "urgent"


def detected_issue(answered: Answered) -> dict[str, Any] | None:
    """A DetectedIssue where something has to be looked at; None if nothing has."""
    found = problems(answered.recommendation)
    if not found:
        return None
    return _known(
        {
            "resourceType": "DetectedIssue",
            "identifier": [answered.identifier("issue")],
            "status": "preliminary",
            "code": {"text": "Dosage problem"},
            "severity": severity(answered.recommendation),
            "patient": answered.patient,
            "identifiedDateTime": _instant(answered.issued),
            "author": AUTHOR,
            "implicated": answered.about_order(),
            "evidence": [{"detail": answered.sources()}] if answered.sources() else [],
            "detail": " ".join(found),
            "reference": answered.page,
        }
    )


def task(answered: Answered) -> dict[str, Any]:
    """A Task for the pharmacist: to look at the order."""
    focus = answered.about_order()
    return _known(
        {
            "resourceType": "Task",
            "identifier": [answered.identifier("task")],
            "status": "requested",
            "intent": "proposal",
            "priority": _priority(answered.recommendation),
            "code": {"text": "Review the dose of an order"},
            "description": answered.summary,
            "focus": focus[0] if focus else None,
            "for": answered.patient,
            "encounter": _encounter(answered),
            "authoredOn": _instant(answered.issued),
            "lastModified": _instant(answered.issued),
            "requester": AUTHOR,
            "performerType": [{"text": "Pharmacist"}],
            "reasonReference": {"reference": answered.url("issue")},
        }
    )


def communication(answered: Answered) -> dict[str, Any]:
    """The message that goes with it."""
    texts = [answered.summary, *problems(answered.recommendation)]
    if answered.page:
        texts.append(f"The whole answer: {answered.page}")
    return _known(
        {
            "resourceType": "Communication",
            "identifier": [answered.identifier("message")],
            "status": "completed",
            "priority": _priority(answered.recommendation),
            "subject": answered.patient,
            "encounter": _encounter(answered),
            "about": [{"reference": answered.url("issue")}, *answered.about_order()],
            "sent": _instant(answered.issued),
            "sender": AUTHOR,
            "payload": [{"contentString": text} for text in dict.fromkeys(texts)],
        }
    )


def risk_assessment(answered: Answered) -> dict[str, Any] | None:
    """The chances of each regimen; None where no model spoke."""
    recommendation = answered.recommendation
    predictions = [one for option in recommendation.options for one in _predictions(recommendation, option)]
    if not predictions:
        return None
    models = ", ".join(model.name for model in recommendation.models if model.weight > 0)
    return _known(
        {
            "resourceType": "RiskAssessment",
            "identifier": [answered.identifier("prediction")],
            "status": "final",
            "method": {"text": f"Bayesian estimate with {models}" if models else "Bayesian estimate"},
            "subject": answered.patient,
            "encounter": _encounter(answered),
            "occurrenceDateTime": _instant(answered.issued),
            "performer": AUTHOR,
            "basedOn": next(iter(answered.about_order()), None),
            "basis": answered.sources(),
            "prediction": predictions,
            "mitigation": recommendation.reason,
        }
    )


def _predictions(recommendation: Recommendation, option: RegimenOption) -> Iterator[dict[str, Any]]:
    """Inside, above and below the target under one regimen."""
    target, display = recommendation.target, recommendation.display
    if target is None or display is None:
        return
    given = phrases.regimen(option.regimen, display)
    factor, unit = factor_of(target.metric, display), unit_of(target.metric, display, target)
    low, high = (phrases.figure(end * factor) for end in (target.low, target.high))
    for side, chance in (("inside", option.inside), ("above", option.above), ("below", option.below)):
        if chance is not None:
            yield {
                "outcome": {
                    "text": f"{name_of(target.metric, target)} {side} {low}–{high} {unit} under {given}"
                },
                "probabilityDecimal": round(chance.value, 3),
                "rationale": f"{option.role.replace('_', ' ')}; computed to ± {chance.standard_error:.3f}",
            }


def parameters(answered: Answered) -> Iterator[dict[str, Any]]:
    """One Observation for each individual parameter, with its 90 % interval; none before a level has taught
    anything, because then it is the population's, not the patient's."""
    recommendation = answered.recommendation
    used = [level for level in recommendation.levels if level.used]
    if not used:
        return
    names = ", ".join(model.name for model in recommendation.models if model.weight > 0)
    for one in recommendation.parameters:
        slug = one.name.replace(" ", "-")
        code = {
            "coding": [{"system": PARAMETERS, "code": f"{recommendation.drug}-{slug}", "display": one.name}],
            "text": f"{recommendation.drug} {one.name}, estimated",
        }
        yield _known(
            {
                "resourceType": "Observation",
                "identifier": [answered.identifier(f"parameter-{slug}")],
                "status": "final",
                "code": code,
                "subject": answered.patient,
                "encounter": _encounter(answered),
                "effectiveDateTime": _instant(answered.issued),
                "issued": _instant(answered.issued),
                "performer": [AUTHOR],
                "method": {"text": f"Bayesian estimate with {names}"},
                "valueQuantity": _quantity(one.estimate.median, one.unit),
                "component": [
                    {
                        "code": {"text": f"{end} end of the 90 % credible interval"},
                        "valueQuantity": _quantity(value, one.unit),
                    }
                    for end, value in (("lower", one.estimate.low), ("upper", one.estimate.high))
                ],
                "derivedFrom": [
                    {"reference": level.source} for level in used if level.source.startswith("Observation/")
                ],
            }
        )


def _quantity(value: float, unit: str) -> dict[str, Any]:
    coded = {"system": UCUM, "code": unit} if unit in UCUM_UNITS else {}
    return {"value": float(f"{value:.4g}"), "unit": unit, **coded}


def _encounter(answered: Answered) -> dict[str, str] | None:
    if not answered.encounter:
        return None
    return {"reference": f"Encounter/{answered.encounter.removeprefix('Encounter/')}"}


def _instant(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


def _known(members: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty: FHIR has no null and no empty list."""
    return {name: value for name, value in members.items() if value not in (None, [], "")}


def references(response: Any, parts: Sequence[str]) -> dict[str, str]:
    """Where the server has put each part, from its answer to the transaction: ``DetectedIssue/17``."""
    entries = response.get("entry") if isinstance(response, dict) else None
    found: dict[str, str] = {}
    for part, entry in zip(parts, entries if isinstance(entries, list) else [], strict=False):
        said = entry.get("response", {}) if isinstance(entry, dict) else {}
        location = said.get("location") if isinstance(said, dict) else None
        if isinstance(location, str) and location:
            whole = location.split("/_history")[0].rstrip("/").split("/")
            found[part] = "/".join(whole[-2:])
    return found
