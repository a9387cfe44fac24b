"""Resources of other FHIR releases in the shape of R4, as far as they are read here.

One place knows how DSTU2, STU3 and R5 differ; every reader sees R4. Which release a resource is of is told by
its own members, since servers mix them. What has no counterpart is left as it is, and a reader that does not
understand it says so. Sources: the resource definitions of FHIR 1.0.2, 3.0.2, 4.0.1 and 5.0.0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fhir_adapters.elements import Resource, items, member

CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
VERIFIED = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
ALLERGY_CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
ALLERGY_VERIFIED = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"


def as_r4(resource: Resource) -> Resource:
    """The resource, and what it contains, as R4 would have it. Never raises."""
    convert = _BY_KIND.get(str(resource.get("resourceType")))
    if convert is None:
        return resource
    held = resource.get("contained")
    if isinstance(held, list) and any(isinstance(one, dict) for one in held):
        resource = {**resource, "contained": [as_r4(one) if isinstance(one, dict) else one for one in held]}
    return convert(resource)


def _renamed(resource: Resource, names: Mapping[str, str]) -> dict[str, Any]:
    """A copy with members under their R4 names; a member that R4 names already is not overwritten."""
    copy = dict(resource)
    for old, new in names.items():
        if old in copy and new not in copy:
            copy[new] = copy.pop(old)
    return copy


def _medication(resource: Resource) -> Resource:
    """R5 joins the two ways of naming a medication in ``medication``: a concept, a reference, or both."""
    named = resource.get("medication")
    if not isinstance(named, dict):
        return resource
    copy = {name: value for name, value in resource.items() if name != "medication"}
    for part, new in (("concept", "medicationCodeableConcept"), ("reference", "medicationReference")):
        if part in named:
            copy.setdefault(new, named[part])
    return copy


_REQUEST = {
    "patient": "subject",
    "dateWritten": "authoredOn",
    "prescriber": "requester",
    "context": "encounter",
    "reason": "reasonCode",
}


def _request(resource: Resource) -> Resource:
    """MedicationOrder of DSTU2, MedicationRequest of STU3 and R5."""
    if not _differs(resource, _REQUEST, "medication") and resource.get("resourceType") == "MedicationRequest":
        return _with_dosage(resource, "dosageInstruction")
    copy = _renamed(_medication(resource), _REQUEST)
    if resource.get("resourceType") == "MedicationOrder":
        copy["resourceType"] = "MedicationRequest"
        copy.setdefault("intent", "order")
    if (reason := _concepts(copy.get("reasonCode"))) is not None:
        copy["reasonCode"] = reason
    return _with_dosage(copy, "dosageInstruction")


def _concepts(reason: Any) -> Any:
    """R5 reasons are a concept or a reference each; DSTU2 has a single one. None: R4's form already."""
    if isinstance(reason, dict):
        return [reason]
    listed = items(reason)
    if any("concept" in one for one in listed):
        return [one["concept"] for one in listed if "concept" in one]
    return None


_ADMINISTRATION = {
    "patient": "subject",
    "effectiveTimeDateTime": "effectiveDateTime",
    "effectiveTimePeriod": "effectivePeriod",
    "occurenceDateTime": "effectiveDateTime",
    "occurencePeriod": "effectivePeriod",
    "occurenceTiming": "effectiveTiming",
    "prescription": "request",
    "encounter": "context",
}


def _administration(resource: Resource) -> Resource:
    """DSTU2 has times and doses under other names, STU3 says beside the status that nothing was given, R5
    spells the time "occurence"."""
    if not _differs(resource, _ADMINISTRATION, "medication", "wasNotGiven", "notGiven"):
        return _with_quantity(resource)
    copy = _renamed(_medication(resource), _ADMINISTRATION)
    if copy.pop("wasNotGiven", None) is True or copy.pop("notGiven", None) is True:
        copy["status"] = "not-done"
    return _with_quantity(copy)


def _with_quantity(resource: Resource) -> Resource:
    """DSTU2 calls the dose of an administration a quantity."""
    dosage = resource.get("dosage")
    if not isinstance(dosage, dict) or "quantity" not in dosage or "dose" in dosage:
        return resource
    return {**resource, "dosage": _renamed(dosage, {"quantity": "dose"})}


def _statement(resource: Resource) -> Resource:
    """What is said to be taken: ``wasNotTaken`` of DSTU2, ``taken`` of STU3, ``adherence`` of R5."""
    if not _differs(resource, {"patient": ""}, "medication", "wasNotTaken", "taken", "adherence"):
        return _with_dosage(resource, "dosage")
    copy = _renamed(_medication(resource), {"patient": "subject"})
    taken = copy.pop("taken", None)
    adherence = member(copy.pop("adherence", None), "code", "coding")
    stopped = any(str(one.get("code")).startswith("not-taking") for one in items(adherence))
    if copy.pop("wasNotTaken", None) is True or taken == "n" or stopped:
        copy["status"] = "not-taken"
    elif taken in ("unk", "na"):
        copy["status"] = "unknown"
    elif copy.get("status") == "recorded":
        copy["status"] = "active"
    return _with_dosage(copy, "dosage")


_DISPENSE = {"patient": "subject"}


def _dispense(resource: Resource) -> Resource:
    """MedicationDispense of DSTU2 and R5."""
    if not _differs(resource, _DISPENSE, "medication"):
        return _with_dosage(resource, "dosageInstruction")
    return _with_dosage(_renamed(_medication(resource), _DISPENSE), "dosageInstruction")


_TIMES = {"periodUnits": "periodUnit", "durationUnits": "durationUnit", "boundsQuantity": "boundsDuration"}
_DOSES = ("doseQuantity", "doseRange", "rateQuantity", "rateRange", "rateRatio")


def _with_dosage(resource: Resource, name: str) -> Resource:
    """The resource with each instruction in R4's form: since R4 dose and rate stand together in
    ``doseAndRate``; DSTU2 has plural units and R5 a list of reasons for taking as needed."""
    listed = items(resource.get(name))
    converted = tuple(_dosage(one) for one in listed)
    if all(one is other for one, other in zip(converted, listed, strict=True)):
        return resource
    return {**resource, name: list(converted)}


def _dosage(instruction: Resource) -> Resource:
    copy = dict(instruction)
    repeat = member(copy.get("timing"), "repeat")
    if isinstance(repeat, dict) and (
        any(old in repeat for old in _TIMES) or isinstance(repeat.get("when"), str)
    ):
        repeat = _renamed(repeat, _TIMES)
        if isinstance(repeat.get("when"), str):
            repeat["when"] = [repeat["when"]]
        copy["timing"] = {**copy["timing"], "repeat": repeat}
    if "quantityQuantity" in copy or "quantityRange" in copy:
        copy = _renamed(copy, {"quantityQuantity": "doseQuantity", "quantityRange": "doseRange"})
    if "doseAndRate" not in copy and any(part in copy for part in _DOSES):
        copy["doseAndRate"] = [{part: copy.pop(part) for part in _DOSES if part in copy}]
    if "asNeeded" in copy:
        copy.setdefault("asNeededBoolean", copy.pop("asNeeded"))
    if items(copy.get("asNeededFor")):
        copy.setdefault("asNeededCodeableConcept", items(copy.pop("asNeededFor"))[0])
    return instruction if copy == instruction else copy


def _product(resource: Resource) -> Resource:
    """Medication: DSTU2 nests it in ``product`` and calls an ingredient's strength an amount, as STU3 does;
    R5 gives ingredients and strengths other names."""
    copy = _renamed(resource, {"doseForm": "form"})
    nested = copy.get("product")
    if isinstance(nested, dict):
        for name in ("form", "ingredient"):
            if name in nested:
                copy.setdefault(name, nested[name])
    listed = items(copy.get("ingredient"))
    if listed:
        copy["ingredient"] = [_ingredient(one) for one in listed]
    return resource if copy == resource else copy


def _ingredient(ingredient: Resource) -> Resource:
    copy = dict(ingredient)
    item = copy.pop("item", None)
    if isinstance(item, dict):
        if "reference" in item and not isinstance(item["reference"], dict):
            copy.setdefault("itemReference", item)  # DSTU2: a plain reference
        else:
            for part, new in (("concept", "itemCodeableConcept"), ("reference", "itemReference")):
                if part in item:
                    copy.setdefault(new, item[part])
    for old in ("amount", "strengthRatio"):
        if old in copy:
            copy.setdefault("strength", copy.pop(old))
    return copy


def _condition(resource: Resource) -> Resource:
    """Before R4 the states are plain codes, and DSTU2 names the patient so."""
    return _stated(
        _renamed(
            resource, {"patient": "subject", "dateRecorded": "recordedDate", "assertedDate": "recordedDate"}
        ),
        CLINICAL,
        VERIFIED,
    )


def _allergy(resource: Resource) -> Resource:
    """DSTU2 says in one status what later releases say in two, and has letters for how critical it is."""
    copy = _renamed(resource, {"substance": "code", "assertedDate": "recordedDate"})
    status = copy.pop("status", None)
    if isinstance(status, str):
        verified = {"entered-in-error": status, "refuted": status, "confirmed": status, "unconfirmed": status}
        copy.setdefault("verificationStatus", verified.get(status, "unconfirmed"))
        copy.setdefault("clinicalStatus", status if status in ("inactive", "resolved") else "active")
    letters = {"CRITL": "low", "CRITH": "high", "CRITU": "unable-to-assess"}
    if isinstance(copy.get("criticality"), str) and copy["criticality"] in letters:
        copy["criticality"] = letters[str(copy["criticality"])]
    return _stated(copy, ALLERGY_CLINICAL, ALLERGY_VERIFIED)


def _stated(resource: dict[str, Any], clinical: str, verified: str) -> dict[str, Any]:
    for name, system in (("clinicalStatus", clinical), ("verificationStatus", verified)):
        if isinstance(resource.get(name), str):
            resource[name] = {"coding": [{"system": system, "code": resource[name]}]}
    return resource


def _differs(resource: Resource, names: Mapping[str, str], *others: str) -> bool:
    return any(name in resource for name in names) or any(name in resource for name in others)


_BY_KIND: Mapping[str, Callable[[Resource], Resource]] = {
    "MedicationOrder": _request,
    "MedicationRequest": _request,
    "MedicationAdministration": _administration,
    "MedicationStatement": _statement,
    "MedicationDispense": _dispense,
    "Medication": _product,
    "Condition": _condition,
    "AllergyIntolerance": _allergy,
}
