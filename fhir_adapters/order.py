"""The order in question: a MedicationRequest as an EHR sends it, often half-written.

Reading is tolerant (the reference sandbox omits ``intent``, and the medication until one is chosen) and never
completes what the prescriber left open: a regimen is there whole, or there is a finding that says why not.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from dosing_core.case import ConditionName, Finding, Goal, Order, Regimen, Route
from dosing_core.library import load_drug
from dosing_core.library.rules import RuleAim
from dosing_core.library.targets import TargetRule
from dosing_core.value import Value
from fhir_adapters.conditions import named_by
from fhir_adapters.dosage import AREA_WRITTEN, Dosage, read_dosage
from fhir_adapters.dose_text import CODED, only_words
from fhir_adapters.elements import Resource, items, referenced, source, word
from fhir_adapters.indications import reason_ids, reasons, words_for
from fhir_adapters.product import longest_infusion_h, product, usual_infusion_h
from fhir_adapters.terminology.units import as_written

OVER = frozenset({"entered-in-error", "cancelled", "stopped", "completed", "ended"})
"""States in which an order asks for nothing any more."""


class OrderReading(Value):
    """What one draft order asks."""

    drug: str | None
    """Name in the drug library; None if it is not for a drug or use that the library knows."""
    guided: str | None = None
    """Where the library does not know the drug: its name if a guideline on genes does."""
    about_patient: bool
    """False if the order names another patient: then nothing may be said about it."""
    order: Order
    loading_dose_mg: float | None = None
    """A single first dose that the order has beside its repeating one."""
    other_product: bool = False
    """True if it is for a product of the drug that no model here covers: then no dose may be offered."""
    unclear_route: str | None = None
    """What the order calls its route, if that is not understood: then no dose may be offered either."""
    indications: tuple[str, ...] = ()
    """What it is for, by its own reasons, in drug files' words."""
    conditions: tuple[ConditionName, ...] = ()
    """Conditions that its coded reasons name."""
    reasons: tuple[str, ...] = ()
    """Ids of the Conditions of the record that it refers to as reasons."""
    goal: Goal | None = None
    """The exposure that the order asks for in place of a dose."""
    findings: tuple[Finding, ...] = ()


AREA_OFF = 0.05
"""An area that is ordered is met within a twentieth (project policy: nearer no filtration is known)."""


def area_rule(drug: str) -> tuple[RuleAim, TargetRule] | None:
    """What the drug's rules aim at in mg·min/mL, and the target that it is; None if they do not."""
    file = load_drug(drug)
    for rule in file.rules:
        if rule.aim is not None and rule.aim.unit == "mg·min/mL":
            return rule.aim, next(one for one in file.targets if one.id == rule.aim.target)
    return None


def _goal(dosages: tuple[Dosage, ...], drug: str, origin: str) -> Goal | None:
    """The area that the only instruction asks for, in the drug file's metric."""
    found = area_rule(drug)
    area = dosages[0].area if len(dosages) == 1 else None
    if found is None or area is None:
        return None
    aim, target = found
    value = float(area) / aim.factor
    low, high = value * (1.0 - AREA_OFF), value * (1.0 + AREA_OFF)
    return Goal(metric=target.metric, low=low, high=high, source=origin)


def read_order(
    resource: Resource, *, patient_id: str, medications: Mapping[str, Resource] | None = None
) -> OrderReading:
    """Read a draft MedicationRequest. ``medications``: Medication resources by id that came along."""
    origin = source(resource)
    about_patient, findings = _whose(resource, patient_id, origin)
    read = product(resource, medications)
    unusable = read.problem if not read.modified_release else None
    if word(resource.get("status")) in OVER:
        unusable = "it is not to be given any more"
    elif resource.get("doNotPerform") is True:
        unusable = "it says not to give it"
    dosages = tuple(read_dosage(one, read) for one in items(resource.get("dosageInstruction")))
    if any(one.local for one in dosages):
        unusable = unusable or "its route does not lead into the blood"
    guided = read.guided if word(resource.get("status")) not in OVER else None
    if guided is not None and resource.get("doNotPerform") is not True:
        order = Order(drug=guided, source=origin)
        return OrderReading(
            drug=None, guided=guided, about_patient=about_patient, order=order, findings=tuple(findings)
        )
    if read.drug is None or unusable:
        if unusable:
            findings.append(_left_out(f"the order is not answered: {unusable}", origin))
        return OrderReading(
            drug=None,
            about_patient=about_patient,
            order=Order(drug=read.drug or "", source=origin),
            findings=tuple(findings),
        )
    if read.modified_release:
        said = f"the order is not answered: {read.problem}, and is not individualised here"
        return OrderReading(
            drug=read.drug, about_patient=about_patient, other_product=True,
            order=Order(drug=read.drug, route="oral", kind="other", source=origin),
            findings=(*findings, _left_out(said, origin)),
        )  # fmt: skip
    regimen, way, loading, more = regimen_of(resource, dosages, read.drug, origin)
    unclear = next((one.unclear_route for one in dosages if one.unclear_route is not None), None)
    if unclear is not None:
        regimen, way, loading = None, None, None
    starts = [one.times.start for one in dosages if one.times.start is not None]
    order = Order(
        drug=read.drug,
        route=way,
        regimen=regimen,
        start=min(starts) if starts else None,
        kind="other" if unclear is not None else _kind(dosages, regimen is not None),
        source=origin,
    )
    return OrderReading(
        drug=read.drug, about_patient=about_patient, order=order,
        loading_dose_mg=float(loading) if loading is not None else None, unclear_route=unclear,
        indications=tuple(word for one in reasons(resource) for word in words_for(one)),
        conditions=tuple(sorted({name for one in reasons(resource) for name in named_by(one)})),
        reasons=reason_ids(resource),
        goal=_goal(dosages, read.drug, origin),
        findings=(*findings, *more),
    )  # fmt: skip


def _kind(
    dosages: tuple[Dosage, ...], understood: bool
) -> Literal["repeating", "as_needed", "single", "several", "continuous"]:
    """What the instructions ask for; ``understood`` if they make a repeating dose."""
    if any(one.as_needed for one in dosages):
        return "as_needed"
    if any(one.rate_only for one in dosages):
        return "continuous"
    if len(dosages) == 1 and dosages[0].once:
        return "single"
    if understood or not dosages:
        return "repeating"
    return "repeating" if len(dosages) == 1 or _begins_with_one(dosages) else "several"


def _begins_with_one(dosages: tuple[Dosage, ...]) -> bool:
    """Whether a single dose comes before a repeating one."""
    return len(dosages) == 2 and sum(one.once for one in dosages) == 1


def regimen_of(
    resource: Resource, dosages: tuple[Dosage, ...], drug: str, origin: str
) -> tuple[Regimen | None, Route | None, Decimal | None, list[Finding]]:
    """The repeating dose, the route, the loading dose in mg beside it, and what is to be said about them."""
    if not dosages:
        return (
            None,
            None,
            None,
            [Finding(kind="missing", about="order", detail="no dose is written yet", source=origin)],
        )
    ways = {one.route for one in dosages} - {None}
    way = ways.pop() if len(ways) == 1 else None
    first = [one for one in dosages if one.once]
    repeating = [one for one in dosages if not one.once]
    findings: list[Finding] = []
    loading: Decimal | None = None
    if len(repeating) == 1 and len(first) == 1 and first[0].dose_mg is not None and not first[0].problems:
        loading = first[0].dose_mg
        said = f"the order begins with one dose of {as_written(loading)} mg"
        findings.append(Finding(kind="note", about="order", detail=said, source=origin))
    elif len(dosages) != 1:
        said = f"the order has several dosage instructions ({len(dosages)}), which are not added up"
        return None, way, None, [_left_out(said, origin)]
    elif not repeating and "single" not in load_drug(drug).orders:
        return None, way, first[0].dose_mg, [_left_out("the order is for a single dose", origin)]
    regimen, more = _regimen((repeating or first)[0], way, drug, resource, origin)
    return regimen, way, loading, [*findings, *more]


def _regimen(
    dosage: Dosage, way: Route | None, drug: str, resource: Resource, origin: str
) -> tuple[Regimen | None, list[Finding]]:
    problems = [*dosage.problems, *filter(None, (dosage.times.irregular,))]
    if _only_text(resource) and not dosage.from_words:
        problems = ["the dose is written as text only, which is not understood for certain"]
    elif way is None and not any("route" in problem for problem in problems):
        problems.append("no route is written")
    interval = Decimal(24) if dosage.once else dosage.interval_h
    if dosage.area is not None and area_rule(drug) is not None:
        problems = [one for one in problems if not one.startswith(AREA_WRITTEN)]
        if not problems:
            said = f"the order asks for an AUC of {as_written(dosage.area)} mg·min/mL"
            return None, [Finding(kind="note", about="order", detail=said, source=origin)]
    if problems or dosage.dose_mg is None or interval is None or way is None:
        return None, [_left_out(f"the order's dose is not read: {problem}", origin) for problem in problems]
    findings: list[Finding] = []
    if dosage.from_words:
        said = "the dose is written in words only, and was read from them"
        findings.append(Finding(kind="note", about="order", detail=said, source=origin))
    hours = 0.0
    if way == "iv":
        usual = usual_infusion_h(drug, float(dosage.dose_mg))
        if dosage.duration_h is not None:
            hours = float(dosage.duration_h)
        elif usual is None:
            return None, [
                _left_out("the order's dose is not read: the length of the infusion is not written", origin)
            ]
        else:
            hours = usual
            said = f"no length of infusion is written; taken as {usual:g} h, the drug file's shortest"
            findings.append(Finding(kind="note", about="order", detail=said, source=origin))
        longest = longest_infusion_h(drug)
        if hours > (longest if dosage.once else min(longest, float(interval))):
            return None, [
                _left_out("the order's dose is not read: an infusion outlasts its interval", origin)
            ]
    regimen = Regimen(
        dose_mg=float(dosage.dose_mg),
        interval_h=float(interval),
        route=way,
        duration_h=hours,
        once=dosage.once,
    )
    return regimen, findings


def _whose(resource: Resource, patient_id: str, origin: str) -> tuple[bool, list[Finding]]:
    subject = resource.get("subject")
    named = referenced(subject, "Patient")
    if named is not None:
        return named == patient_id, []
    if subject is None:
        said = "the order names no patient; it was taken for the patient whose chart is open"
        return True, [Finding(kind="note", about="order", detail=said, source=origin)]
    return False, []


def _only_text(resource: Resource) -> bool:
    """Whether the instructions consist of words: then one sentence says so, not one for each missing part."""
    written = items(resource.get("dosageInstruction"))
    return any(map(only_words, written)) and not any(one.get(name) for one in written for name in CODED)


def _left_out(detail: str, origin: str) -> Finding:
    return Finding(kind="excluded", about="order", detail=detail, source=origin)
