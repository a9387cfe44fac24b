"""Sample patients as the core sees them: read from the fixtures by hand, without the FHIR adapters.

It knows just the shapes that the fixtures have. So the core is tested whatever becomes of the adapters,
which are checked elsewhere against the same scenarios.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from scenario import FIXTURES, Scenario, read_scenario

from dosing_core.case import Case

_COVARIATES = {
    "Creatinine": "creatinine",
    "Weight": "weight",
    "Height": "height",
    "Haematocrit": "haematocrit",
    "Albumin": "albumin",
    "Creatinine clearance measured": "measured_gfr",
    "C-reactive protein": "c_reactive_protein",
    "AST": "aspartate_aminotransferase",
    "Calprotectin": "faecal_calprotectin",
    "Anti-Müllerian hormone": "anti_muellerian_hormone",
}
_EFFECTS = {"Unbound phenytoin": "unbound", "INR": "inr"}
_ROUTES = {"Intravenous": "iv", "Oral": "oral", "Subcutaneous": "subcutaneous"}
_STATES = {
    "Kidney transplant": "kidney_transplant",
    "Stem cell transplant": "stem_cell_transplant",
    "Crohn's disease": "crohns_disease",
    "Ulcerative colitis": "ulcerative_colitis",
    "Gastrointestinal stromal tumour": "gastrointestinal_stromal_tumour",
    "Sepsis due to Klebsiella": "sepsis",
    "Septic shock with MRSA": "sepsis",
    "Intermittent haemodialysis, Monday, Wednesday and Friday": "haemodialysis",
    "Continuous renal replacement therapy": "crrt",
}
_HOURS = {"h": 1.0, "min": 1 / 60.0, "d": 24.0, "wk": 168.0}
_VANCOMYCIN_G_PER_MOL = 1449.3
_METHOTREXATE_G_PER_MOL = 454.44
_LITHIUM_G_PER_MOL = 6.94
_MG = {"mg": 1.0, "microgram": 1e-3}
_YEAR_H = 365.25 * 24

Resource = dict[str, Any]


def scenario(slug: str) -> Scenario:
    """The scenario of this number and name, or of this number alone."""
    whole = f"{slug}-*" if slug.isdecimal() else slug
    (path,) = (FIXTURES / "scenarios").glob(f"{whole}.question.json")
    return read_scenario(path)


def drug_of(asked: Scenario) -> str:
    """The library's name of the ordered drug."""
    said = str(asked.question.order["medicationCodeableConcept"]["text"]).removesuffix(" / tazobactam")
    named = said.removesuffix(" mofetil").replace(" ", "-")
    return {"aminophylline": "theophylline"}.get(named, named)


def case_of(asked: Scenario, drug: str) -> Case:
    """The case that the scenario's question is to the core."""
    now = asked.now
    subject: Resource = {"co_medications_read": True, "conditions": [], "genotypes": [], "co_medications": []}
    events: Resource = {"doses": [], "levels": [], "findings": []}
    for resource in asked.resources:
        match resource["resourceType"]:
            case "Patient":
                born = datetime.fromisoformat(resource["birthDate"]).replace(tzinfo=now.tzinfo)
                subject["age_years"] = (now - born).total_seconds() / 3600 / _YEAR_H
                subject["sex"] = resource["gender"]
            case "Condition":
                if resource["code"]["text"] in _STATES:
                    state = {
                        "name": _STATES[resource["code"]["text"]],
                        "time": _exact(resource.get("onsetDateTime")),
                        "source": _source(resource),
                    }
                    subject["conditions"].append(state)
            case "Observation":
                _observe(resource, subject, events)
            case "AllergyIntolerance":
                subject.setdefault("reactions", []).append(
                    {
                        "drug": drug,
                        "substance": f"{resource['code']['text'].lower()}s",
                        "severe": resource["criticality"] == "high",
                        "confirmed": True,
                        "source": _source(resource),
                    }
                )
            case "MedicationAdministration":
                events["doses"].append(_dose(resource))
            case "MedicationRequest":
                _co_medication(resource, drug, subject)
    for name in _COVARIATES.values():
        subject.setdefault(name, []).sort(key=lambda m: m["time"])
    weights = [m["value"] for m in subject["weight"]]
    if weights and max(weights) > 2 * min(weights):
        subject["weight"] = []
        detail = f"{min(weights)} kg and {max(weights)} kg within a day"
        events["findings"].append({"kind": "conflict", "about": "weight", "detail": detail})
    for name in ("doses", "levels"):
        events[name].sort(key=lambda event: event["time"])
    ordered = [one for one in asked.resources if one["resourceType"] == "MedicationRequest"]
    running = any(one["medicationCodeableConcept"].get("text") == drug for one in ordered)
    order = _order(asked.question.order, drug, events) | ({"running": True} if running else {})
    return Case.model_validate({"now": now, "subject": subject, "order": order, **events})


def _exact(moment: str | None) -> str | None:
    """A day without a time is no instant."""
    return moment if moment and "T" in moment else None


def _source(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _called(code: Resource) -> str:
    """The concept's text; of the usual measurements also their LOINC code's."""
    usual = {"29463-7": "Weight", "8302-2": "Height", "2160-0": "Creatinine", "6301-6": "INR"}
    return code.get("text") or usual.get(code["coding"][0]["code"], code["coding"][0].get("display", ""))


def _observe(resource: Resource, subject: Resource, events: Resource) -> None:
    name, source = _called(resource["code"]), _source(resource)
    if name.endswith(" genotype"):
        gene = name.removesuffix(" genotype")
        diplotype = resource["valueCodeableConcept"]["text"].replace(gene, "").strip()
        subject["genotypes"].append({"gene": gene, "diplotype": diplotype, "source": source})
        return
    if name.endswith("antibodies"):
        present = resource["valueCodeableConcept"]["text"] == "Positive"
        found = {"name": "anti_drug_antibodies", "present": present, "source": source}
        subject.setdefault("signs", []).append({**found, "time": resource["effectiveDateTime"]})
        return
    if name == "Tobacco smoking status":
        smokes = {"Smokes tobacco daily": True, "Ex-smoker": False}[resource["valueCodeableConcept"]["text"]]
        found = {"name": "smoker", "present": smokes, "source": source}
        subject.setdefault("signs", []).append({**found, "time": resource["effectiveDateTime"]})
        return
    value, unit = resource["valueQuantity"]["value"], resource["valueQuantity"]["unit"]
    time = resource["effectiveDateTime"]
    if name in _EFFECTS:
        found = {"name": _EFFECTS[name], "value": value, "time": time, "source": source}
        events.setdefault("effects", []).append(found)
        return
    if name == "Gestational age":
        subject["gestational_age_weeks"] = value
        return
    if name in _COVARIATES:
        entry = {
            "value": value * 10 if (name, unit) == ("Albumin", "g/dL") else value,
            "time": time,
            "source": source,
        }
        subject.setdefault(_COVARIATES[name], []).append(entry)
        return
    factor = {
        "mg/L": 1.0,
        "mcg/mL": 1.0,
        "ng/mL": 1e-3,
        "µmol/L": (_METHOTREXATE_G_PER_MOL if "Methotrexate" in name else _VANCOMYCIN_G_PER_MOL) / 1e3,
        "mmol/L": _LITHIUM_G_PER_MOL,
    }.get(unit)
    if factor is None:
        detail = f"level of {value} {unit}: no exact conversion, not used"
        events["findings"].append({"kind": "excluded", "about": "levels", "detail": detail})
        return
    trough = "trough" if "trough" in name else None
    events["levels"].append(
        {
            "time": time,
            "value_mg_L": value * factor,
            "charted_as": trough,
            "limit": "below" if resource["valueQuantity"].get("comparator") == "<" else "exact",
            "source": source,
        }
    )


def _dose(resource: Resource) -> Resource:
    period = resource.get("effectivePeriod")
    start = period["start"] if period else resource["effectiveDateTime"]
    length = 0.0
    if period:
        between = datetime.fromisoformat(period["end"]) - datetime.fromisoformat(start)
        length = between.total_seconds() / 3600
    return {
        "time": start,
        "amount_mg": resource["dosage"]["dose"]["value"] * _MG.get(resource["dosage"]["dose"]["unit"], 1.0),
        "route": _ROUTES[resource["dosage"]["route"]["text"]],
        "duration_h": length,
        "source": _source(resource),
    }


def _co_medication(resource: Resource, drug: str, subject: Resource) -> None:
    name = resource["medicationCodeableConcept"]["text"]
    if name != drug:
        (instruction,) = resource["dosageInstruction"]
        amount = instruction["doseAndRate"][0]["doseQuantity"]["value"]
        repeat = instruction["timing"]["repeat"]
        daily = amount * 24 / (repeat["period"] * _HOURS[repeat["periodUnit"]])
        subject["co_medications"].append(
            {
                "drug": name,
                "daily_dose_mg": daily,
                "since": resource["authoredOn"],
                "source": _source(resource),
            }
        )


def _order(draft: Resource, drug: str, events: Resource) -> Resource:
    order: Resource = {"drug": drug, "running": bool(events["doses"]), "source": "MedicationRequest/draft-1"}
    instructions = draft.get("dosageInstruction")
    if not instructions:
        return order
    repeat = instructions[0]["timing"]["repeat"]
    quantity = instructions[0]["doseAndRate"][0]["doseQuantity"]
    order["route"] = _ROUTES[instructions[0]["route"]["text"]]
    if quantity["unit"] not in _MG:
        detail = f"ordered in {quantity['unit']}s, and nothing gives their strength"
        events["findings"].append({"kind": "excluded", "about": "order", "detail": detail})
        return order
    sum_of_two = "tazobactam" in draft["medicationCodeableConcept"]["text"]
    once = repeat.get("count") == 1
    order["kind"] = "single" if once else "repeating"
    order["regimen"] = {
        "dose_mg": quantity["value"] * _MG[quantity["unit"]] * (8 / 9 if sum_of_two else 1),
        "interval_h": 24 if once else repeat["period"] * _HOURS[repeat["periodUnit"]],
        "once": once,
        "route": order["route"],
        "duration_h": repeat.get("duration", 0.0) * _HOURS[repeat.get("durationUnit", "h")],
    }
    return order
