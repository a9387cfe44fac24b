"""Reads Conditions: transplants, renal replacement and diseases that decide whether and how a model holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from dosing_core.case import Condition, ConditionName, Finding
from fhir_adapters.elements import Resource, codings, member, moment, source, wordings
from fhir_adapters.subject import of_another
from fhir_adapters.terminology.tables import table
from fhir_adapters.terminology.words import any_word

ACTIVE = frozenset({"active", "recurrence", "relapse"})
DENIED = frozenset({"refuted", "entered-in-error"})


def read_condition(
    resource: Resource, *, patient_id: str, now: datetime
) -> tuple[list[Condition], list[Finding]]:
    """The conditions that matter in one Condition resource: none, one, or two (heart-lung transplant).

    Dialysis is also read from words, where no code says it: not to see it would be the worse mistake. Words
    that leave it open ("history of dialysis", "fistula for dialysis") make a contradiction; words
    that deny it are believed, and that is said.
    """
    names: list[ConditionName] = sorted(set(_named(resource)))
    spoken: dict[ConditionName, str] = {} if names else _spoken(resource)
    if not (names or spoken) or not holds(resource):
        return [], []
    if (foreign := of_another(resource, patient_id, "conditions")) is not None:
        return [], [foreign]
    origin = source(resource)
    findings: list[Finding] = []
    words = wordings(resource.get("code"))
    if spoken and (denied := any_word(words, tuple(table("conditions")["denied"]))):
        detail = f'a condition says "{denied}", so the patient was taken not to be dialysed'
        return [], [Finding(kind="note", about="conditions", detail=detail, source=origin)]
    for said in sorted(set(spoken.values())):
        doubt = any_word(words, tuple(table("conditions")["doubtful"]))
        detail = (
            f'a condition speaks of "{said}" and "{doubt}", so whether the patient is dialysed is not known'
            if doubt
            else f'"{said}" was read from the text of a condition, not from a code'
        )
        kind: Literal["conflict", "note"] = "conflict" if doubt else "note"
        findings.append(Finding(kind=kind, about="conditions", detail=detail, source=origin))
        if doubt:
            return [], findings
    begun = moment(resource.get("onsetDateTime")) or moment(member(resource.get("onsetPeriod"), "start"))
    time = begun.instant if begun and begun.instant <= now else None
    over = sorted(name for name in names if _is_over(name, resource, now))
    if over:
        told = " and ".join(name.replace("_", " ") for name in over)
        detail = f"{told} is on record from so long ago that it was taken to be over"
        findings.append(Finding(kind="note", about="conditions", detail=detail, source=origin))
        names = [name for name in names if name not in over]
        if not names:
            return [], findings
    return [Condition(name=name, time=time, source=origin) for name in names or sorted(spoken)], findings


def end_stage(
    resources: Iterable[Resource], conditions: Iterable[Condition]
) -> tuple[list[Condition], list[Finding]]:
    """What an end-stage kidney disease on record says where neither dialysis nor a kidney transplant is.

    ICD-10-CM's N18.6 is "chronic kidney disease requiring chronic dialysis", so it counts as dialysis. Other
    ways to say it include patients before dialysis: then it is a contradiction that a person has to settle.
    """
    if {one.name for one in conditions} & {"haemodialysis", "crrt", "kidney_transplant"}:
        return [], []
    ill = [one for one in resources if holds(one) and is_end_stage(one)]
    coded = [one for one in ill if is_coded(one, table("conditions")["end_stage_kidney"], ("icd-10",))]
    if coded:
        said = "end-stage kidney disease (N18.6, which requires chronic dialysis) was read as dialysis"
        origin = source(coded[0])
        return [Condition(name="haemodialysis", source=origin)], [
            Finding(kind="note", about="conditions", detail=said, source=origin)
        ]
    if ill:
        said = "end-stage kidney disease is on record, but not whether the patient is dialysed"
        return [], [Finding(kind="conflict", about="conditions", detail=said, source=source(ill[0]))]
    return [], []


def is_end_stage(resource: Resource) -> bool:
    """Whether a condition is end-stage kidney disease."""
    entry = table("conditions")["end_stage_kidney"]
    said = wordings(resource.get("code"))
    words = any_word(said, tuple(entry["words"])) and not any_word(
        said, tuple(table("conditions")["doubtful"])
    )
    return is_coded(resource, entry, ("icd-10", "snomed")) or (bool(words) and not _spoken(resource))


def named_by(reason: Resource) -> set[ConditionName]:
    """The conditions that an order's reason names by code."""
    return set(_named(reason)) if holds(reason) else set()


def _is_over(name: ConditionName, resource: Resource, now: datetime) -> bool:
    """True if a state that passes (sepsis, pregnancy) began longer ago than it lasts."""
    entry = next(one for one in table("conditions")["conditions"] if one["name"] == name)
    written = ("onsetDateTime", "recordedDate", "dateRecorded", "assertedDate")
    begun = next(filter(None, (moment(resource.get(field)) for field in written)), None)
    lasts = entry.get("lasts_days")
    return lasts is not None and begun is not None and begun.instant < now - timedelta(days=lasts)


def holds(resource: Resource) -> bool:
    """Active and not denied. A state that is not given counts as active: doubt must not clear a patient."""
    clinical = {c.code for c in codings(resource.get("clinicalStatus"))} - {None}
    verified = {c.code for c in codings(resource.get("verificationStatus"))} - {None}
    if verified & DENIED or resource.get("abatementDateTime") or resource.get("abatementPeriod"):
        return False
    return not clinical or bool(clinical & ACTIVE)


def _named(resource: Resource) -> Iterator[ConditionName]:
    for entry in table("conditions")["conditions"]:
        if is_coded(resource, entry, ("icd-10", "snomed")):
            yield entry["name"]


def is_coded(resource: Resource, entry: Mapping[str, Any], kinds: tuple[str, ...]) -> bool:
    """Whether a code of these kinds is one of the entry's."""
    systems = table("conditions")["systems"]
    for coding in codings(resource.get("code")):
        code = (coding.code or "").upper()
        for kind in kinds:
            known = entry[kind]
            holds = code in known if kind == "snomed" else any(_under(code, one) for one in known)
            if coding.system in systems[kind] and holds:
                return True
    return False


def _spoken(resource: Resource) -> dict[ConditionName, str]:
    """Renal replacement that a condition's words name, with the word."""
    said = wordings(resource.get("code"))
    found = {
        entry["name"]: word
        for entry in table("conditions")["conditions"]
        if "words" in entry and (word := any_word(said, tuple(entry["words"])))
    }
    return found


def _under(code: str, known: str) -> bool:
    """Whether a code is the known one or a subdivision of it: ``T86.11`` under ``T86.1``; ``=Z33`` is Z33
    alone."""
    if known.startswith("="):
        return code == known[1:]
    return code == known or code.startswith(known + ("" if "." in known else "."))
