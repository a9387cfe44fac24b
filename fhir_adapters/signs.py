"""Reads what is present or absent (smoking, antibodies against the drug) and the MIC of a pathogen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from dosing_core.case import Finding, Sign
from fhir_adapters.elements import (
    Resource,
    codings,
    items,
    member,
    moment,
    number,
    source,
    text,
    word,
    wordings,
)
from fhir_adapters.labs import CLOCKS, FINAL
from fhir_adapters.prefetch import look_back
from fhir_adapters.subject import of_another
from fhir_adapters.terminology.loinc import SYSTEMS
from fhir_adapters.terminology.signs import (
    ANTIBODIES,
    SMOKER,
    antibody_answers,
    antibody_codes,
    mic_analyte,
    mic_codes,
    smoking_answers,
    smoking_codes,
)
from fhir_adapters.terminology.units import as_written, quantity, unit
from fhir_adapters.terminology.words import folded

SNOMED = ("http://snomed.info/sct", "urn:oid:2.16.840.1.113883.6.96")
ONE_DILUTION = 2
"""Error of a broth dilution: results within one doubling are one."""
INTERPRETED = {"POS": True, "DET": True, "NEG": False, "ND": False}
"""HL7 v2 table 0078 (ObservationInterpretation)."""


def read_sign(
    resource: Resource, *, patient_id: str, drug: str, now: datetime
) -> tuple[Sign | None, list[Finding]]:
    """A sign in one Observation; None without a finding if it is about something else or too old."""
    name = _named(resource, drug)
    if name is None:
        return None, []
    when = moment(resource.get("effectiveDateTime")) or moment(
        member(resource.get("effectivePeriod"), "start")
    )
    if when is not None and when.instant < now - look_back(name):
        return None, []
    if (foreign := of_another(resource, patient_id, name)) is not None:
        return None, [foreign]
    origin = source(resource)

    def left_out(why: str) -> tuple[None, list[Finding]]:
        what = "a smoking status" if name == SMOKER else f"a result for antibodies against {drug}"
        return None, [
            Finding(kind="excluded", about=str(name), detail=f"{what} {why}; left out", source=origin)
        ]

    if word(resource.get("status")) not in FINAL:
        return left_out("is not final")
    if when is None:
        return left_out("has no usable time")
    if when.instant > now + CLOCKS:
        return left_out("lies in the future")
    answers = _smokes(resource) if name == SMOKER else _found(resource)
    if answers == {None}:
        return None, []  # recorded as not known
    if len(answers) != 1:
        return left_out("contradicts itself" if answers else "cannot be read as yes or no")
    return Sign(name=name, present=bool(answers.pop()), time=min(when.instant, now), source=origin), []


def _named(resource: Resource, drug: str) -> str | None:
    held = {c.code for c in codings(resource.get("code")) if c.system in SYSTEMS}
    if held & set(smoking_codes()):
        return SMOKER
    return ANTIBODIES if held & set(antibody_codes(drug)) else None


def _smokes(resource: Resource) -> set[bool | None]:
    known = smoking_answers()
    held = [c.code for c in codings(resource.get("valueCodeableConcept")) if c.system in SNOMED]
    return {known[code] for code in held if code in known}


def _found(resource: Resource) -> set[bool | None]:
    """Whether antibodies were found, by each way in which the result says so."""
    words, codes = antibody_answers()
    value: Any = resource.get("valueCodeableConcept")
    answers: set[bool | None] = {
        codes[c.code] for c in codings(value) if c.system in SNOMED and c.code in codes
    }
    said = (*wordings(value), *filter(None, [text(resource.get("valueString"))]))
    answers |= {words[folded(one)] for one in said if folded(one) in words}
    for concept in items(resource.get("interpretation")):
        answers |= {INTERPRETED[str(c.code)] for c in codings(concept) if c.code in INTERPRETED}
    answers |= _beyond_the_range(resource)
    return answers


def _beyond_the_range(resource: Resource) -> set[bool | None]:
    """A number is positive above the only upper limit that comes with it, in the same unit."""
    charted = quantity(resource.get("valueQuantity"))
    ranges = items(resource.get("referenceRange"))
    if charted is None or len(ranges) != 1:
        return set()
    high, value = ranges[0].get("high"), resource.get("valueQuantity")
    limit = number(member(high, "value"))
    same = all(member(high, name) in (None, member(value, name)) for name in ("unit", "code"))
    if limit is None or not same:
        return set()
    if charted.comparator in ("<", "<="):
        return {False} if charted.value <= limit else set()
    if charted.comparator in (">", ">="):
        return {True} if charted.value >= limit else set()
    return {charted.value > limit} if charted.comparator is None else set()


def read_mic(
    resource: Resource, *, patient_id: str, drug: str, now: datetime
) -> tuple[Decimal | None, list[Finding]]:
    """The MIC of the drug in one Observation, mg/L; None without a finding if it is about something else."""
    held = {c.code for c in codings(resource.get("code")) if c.system in SYSTEMS}
    if not held & set(mic_codes(drug)):
        return None, []
    row, when = mic_analyte(), moment(resource.get("effectiveDateTime")) or moment(resource.get("issued"))
    if when is not None and row.look_back is not None and when.instant < now - row.look_back:
        return None, []
    if (foreign := of_another(resource, patient_id, "mic")) is not None:
        return None, [foreign]
    origin = source(resource)

    def left_out(why: str) -> tuple[None, list[Finding]]:
        return None, [Finding(kind="excluded", about="mic", detail=f"an MIC {why}; left out", source=origin)]

    if word(resource.get("status")) not in FINAL:
        return left_out("is not final")
    charted, counted = quantity(resource.get("valueQuantity")), unit(row.unit)
    value = charted.in_dimension(row.dimension) if charted else None
    if charted is None or value is None or counted is None:
        return left_out(f"of {charted.written} is not in a unit of it" if charted else "has no numeric value")
    value = value / counted.factor
    if charted.comparator not in (None, "<=", "<"):
        return left_out(f"of {charted.written} has no upper bound")
    if any(c.code == "R" for one in items(resource.get("interpretation")) for c in codings(one)):
        return left_out(f"of {charted.written} is that of a resistant pathogen")
    if row.plausible and not row.plausible[0] <= value <= row.plausible[1]:
        return left_out(f"of {charted.written} is not one that is measured")
    return value, []


def agreed_mic(found: Iterable[tuple[Decimal, str]]) -> tuple[float | None, list[Finding]]:
    """The MIC that recent results agree on: the highest of them, if none is more than one dilution below.

    Results further apart are of different pathogens, and nobody here knows which one is treated.
    """
    values = sorted(found)
    if not values:
        return None, []
    (lowest, _), (highest, origin) = values[0], values[-1]
    if highest <= ONE_DILUTION * lowest:
        return float(highest), []
    told = ", ".join(as_written(value) for value in sorted({value for value, _ in values}))
    detail = (
        f"several MICs are on record ({told} mg/L), and nobody knows which pathogen is treated; none used"
    )
    return None, [Finding(kind="conflict", about="mic", detail=detail, source=origin)]
