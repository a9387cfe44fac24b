"""Reading the order in question: whole or not at all, and nothing assumed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from charting import (
    INTRAVENOUS,
    ORAL,
    PATIENT,
    RXNORM,
    TACROLIMUS,
    VANCOMYCIN,
    instruction,
    quantity,
    request,
)
from scenario import Scenario, read_scenario, scenario_paths

from dosing_core.case import Regimen
from fhir_adapters.dosage import read_dosage
from fhir_adapters.order import OrderReading, read_order
from fhir_adapters.product import _strength_in_words, product


def read(resource: dict[str, Any], **more: Any) -> OrderReading:
    return read_order(resource, patient_id=PATIENT, **more)


def said(reading: OrderReading) -> str:
    return "; ".join(finding.detail for finding in reading.findings)


def test_a_complete_order_is_read_whole() -> None:
    reading = read(request(instruction(1250, 8, 2.5)))

    assert reading.drug == "vancomycin"
    assert reading.about_patient
    assert reading.order.regimen == Regimen(dose_mg=1250, interval_h=8, route="iv", duration_h=2.5)
    assert reading.findings == ()


MILLIGRAMS = {"g": 1000.0, "mg": 1.0, "micrograms": 0.001}
WAYS = {"intravenously": "iv", "by mouth": "oral", "subcutaneously": "subcutaneous"}
HOURS = {"min": 1 / 60, "h": 1.0, "days": 24.0, "weeks": 168.0}
AS_ONE_DOSE = re.compile(r"(?P<dose>[\d.,]+) (?P<unit>g|mg|micrograms)\b(?!.* every )")
IN_WORDS = re.compile(
    r"(?P<dose>[\d.,]+) (?P<unit>g|mg|micrograms) "
    r".*?(?P<way>intravenously|by mouth|subcutaneously|subcutaneous) "
    r"every (?P<every>[\d.]+) (?P<each>h|days|weeks)(, each over (?P<over>[\d.]+) (?P<long>h|min))?"
)


@pytest.mark.parametrize("path", scenario_paths(), ids=lambda path: path.name.split(".")[0])
def test_the_orders_of_the_scenarios_are_what_their_text_says(path: Any) -> None:
    scenario: Scenario = read_scenario(path)
    instructions = scenario.question.order.get("dosageInstruction", [{}])
    text = instructions[0].get("text", "")
    reading = read_order(scenario.question.order, patient_id=scenario.patient_id)
    if reading.guided is not None:  # a drug without a file here: its dose is not read
        return
    regimen = reading.order.regimen

    said = IN_WORDS.match(text)
    if regimen is not None and regimen.once:
        dose = AS_ONE_DOSE.match(text)
        assert dose is not None
        assert regimen.dose_mg == float(dose["dose"].replace(",", "")) * MILLIGRAMS[dose["unit"]]
        return
    if said is None or scenario.slug.startswith("18-"):
        assert regimen is None
        return
    assert regimen is not None
    sum_of_both = 1.125 if "tazobactam" in text else 1.0  # 4.5 g of both are 4 g and 0.5 g
    assert regimen.dose_mg * sum_of_both == pytest.approx(
        float(said["dose"].replace(",", "")) * MILLIGRAMS[said["unit"]]
    )
    assert regimen.route == WAYS.get(said["way"], said["way"])
    assert regimen.interval_h == float(said["every"]) * HOURS[said["each"]]
    if said["over"]:
        assert regimen.duration_h == pytest.approx(float(said["over"]) * HOURS[said["long"]])


@pytest.mark.parametrize(
    "medication",
    [
        VANCOMYCIN,
        {"coding": [{"system": "http://www.whocc.no/atc", "code": "J01XA01"}]},
        {"coding": [{"system": "urn:local", "code": "1"}], "text": "Vancomycin 1 g in NaCl 0.9 %"},
        {"text": "VANCOMYCIN HYDROCHLORIDE"},
    ],
)
def test_a_drug_is_known_by_code_or_by_name(medication: dict[str, Any]) -> None:
    assert read(request(instruction(), medicationCodeableConcept=medication)).drug == "vancomycin"


@pytest.mark.parametrize(
    "medication",
    [
        {"text": "telavancin"},
        {"text": "anti-vancomycin-resistant something"},
        {"coding": [{"system": "urn:local", "code": "11124"}]},
        {"coding": [{"system": RXNORM, "code": "5640", "display": "ibuprofen"}]},
        {},
        None,
        "vancomycin",
    ],
)
def test_another_drug_is_not_taken_for_it(medication: Any) -> None:
    assert read(request(instruction(), medicationCodeableConcept=medication)).drug is None


def test_two_drugs_in_one_order_are_no_order_that_can_be_answered() -> None:
    reading = read(request(instruction(), medicationCodeableConcept={**VANCOMYCIN, "text": "tacrolimus"}))

    assert reading.drug is None
    assert "more than one drug" in said(reading)


@pytest.mark.parametrize(
    "name",
    [
        "24 HR tacrolimus 1 MG Extended Release Oral Capsule",
        "Envarsus 4 mg",
        "Advagraf",
        "tacrolimus MR 5 mg",
        "Tacrolimus (LCP-Tacro) 4 mg",
        "tacrolimus 24H capsule",
        "tacrolimus once daily capsule",
        "tacrolimus XL",
        "Dailiport 1 mg",
        "tacrolimus retard",
        "tacrolimus prolonged 5 mg",
    ],
)
def test_a_prolonged_release_product_is_known_but_not_answered(name: str) -> None:
    """The same drug, but not interchangeable (its labels): to say nothing would be to agree."""
    reading = read(request(instruction(5, 24, None, route=ORAL), medicationCodeableConcept={"text": name}))

    assert (reading.drug, reading.other_product) == ("tacrolimus", True)
    assert (reading.order.route, reading.order.regimen) == ("oral", None)
    assert [(f.kind, f.about) for f in reading.findings] == [("excluded", "order")]
    assert "prolonged-release product" in said(reading)


def test_words_for_slow_capsules_mean_something_else_beside_an_infusion() -> None:
    reading = read(request(instruction(), medicationCodeableConcept={"text": "vancomycin 24 h infusion PR"}))

    assert not reading.other_product
    assert reading.order.regimen is not None


def test_an_ointment_of_the_drug_is_not_answered_and_that_is_said() -> None:
    """It hardly reaches the blood."""
    ointment = {"text": "tacrolimus 0.1 % topical ointment"}
    reading = read(request(instruction(), medicationCodeableConcept=ointment))

    assert reading.drug is None
    assert "preparation" in said(reading)


def test_a_contained_medication_is_looked_up() -> None:
    order = request(
        instruction(),
        medicationCodeableConcept=None,
        medicationReference={"reference": "#m"},
        contained=[{"resourceType": "Medication", "id": "m", "code": VANCOMYCIN}],
    )

    assert read(order).drug == "vancomycin"


def test_a_medication_that_came_along_is_looked_up() -> None:
    order = request(
        instruction(), medicationCodeableConcept=None, medicationReference={"reference": "Medication/m"}
    )

    assert read(order).drug is None
    assert (
        read(order, medications={"m": {"resourceType": "Medication", "code": VANCOMYCIN}}).drug
        == "vancomycin"
    )


@pytest.mark.parametrize(
    ("subject", "about"),
    [
        ({"reference": f"Patient/{PATIENT}"}, True),
        ({"reference": f"https://ehr.example/fhir/Patient/{PATIENT}"}, True),
        ({"reference": f"Patient/{PATIENT}/_history/3"}, True),
        ({"reference": "Patient/somebody-else"}, False),
        ({"reference": f"Group/{PATIENT}"}, False),
        ({"display": "Somebody"}, False),
        ([], False),
    ],
)
def test_an_order_is_about_the_patient_only_if_it_says_so(subject: Any, about: bool) -> None:
    assert read(request(instruction(), subject=subject)).about_patient is about


def test_an_order_without_a_patient_is_taken_for_the_open_chart_and_that_is_said() -> None:
    reading = read(request(instruction(), subject=None))

    assert reading.about_patient
    assert "names no patient" in said(reading)


@pytest.mark.parametrize(
    ("timing", "hours"),
    [
        ({"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}, 12),
        ({"repeat": {"period": 8, "periodUnit": "h"}}, 8),
        ({"repeat": {"frequency": 1, "period": 1.5, "periodUnit": "d"}}, 36),
        (
            {
                "code": {
                    "coding": [
                        {"system": "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation", "code": "TID"}
                    ]
                }
            },
            8,
        ),
        (
            {
                "code": {
                    "coding": [
                        {"system": "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation", "code": "QOD"}
                    ]
                }
            },
            48,
        ),
        ({"code": {"text": "BID"}}, 12),
        (
            {
                "repeat": {
                    "frequency": 2,
                    "period": 1,
                    "periodUnit": "d",
                    "timeOfDay": ["08:00:00", "20:00:00"],
                }
            },
            12,
        ),
        ({"code": {"text": "Every 12 hours"}}, 12),
        ({"code": {"text": "q6h"}}, 6),
    ],
)
def test_the_interval_is_read_from_repeat_code_or_words(timing: dict[str, Any], hours: float) -> None:
    regimen = read(request(instruction(timing=timing))).order.regimen

    assert regimen is not None
    assert regimen.interval_h == hours


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"timing": {"code": {"text": "as directed"}}}, "no interval"),
        (
            {"timing": {"code": {"text": "BID"}, "repeat": {"period": 8, "periodUnit": "h"}}},
            "every 8 h and every 12 h",
        ),
        (
            {"timing": {"repeat": {"frequency": 1, "frequencyMax": 2, "period": 12, "periodUnit": "h"}}},
            "range",
        ),
        ({"timing": {"repeat": {"period": 12, "periodMax": 24, "periodUnit": "h"}}}, "range"),
        (
            {
                "timing": {
                    "repeat": {"dayOfWeek": ["mon", "thu"], "frequency": 1, "period": 1, "periodUnit": "d"}
                }
            },
            "not regular",
        ),
        ({"timing": {"event": ["2026-11-24T20:00:00Z"]}}, "single times"),
        ({"timing": {"repeat": {"frequency": "2", "period": 1, "periodUnit": "d"}}}, "not understood"),
        (
            {"timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "days, about"}}},
            "not understood",
        ),
        ({"timing": {"repeat": {"count": 1}}}, "single dose"),
        ({"timing": {"repeat": {"period": 1, "periodUnit": "d", "when": ["MORN", "EVE"]}}}, "times of day"),
        (
            {"timing": {"repeat": {"period": 1, "periodUnit": "d", "timeOfDay": ["08:00:00", "20:00:00"]}}},
            "times of day",
        ),
        (
            {
                "timing": {
                    "repeat": {
                        "frequency": 2,
                        "period": 1,
                        "periodUnit": "d",
                        "timeOfDay": ["08:00:00", "12:00:00"],
                    }
                }
            },
            "times of day",
        ),
        (
            {"timing": {"repeat": {"period": 12, "periodUnit": "h", "duration": 0, "durationUnit": "h"}}},
            "length",
        ),
        ({"asNeededBoolean": True}, "as needed"),
        ({"asNeededCodeableConcept": {"text": "fever"}}, "as needed"),
        ({"doseAndRate": [{"doseRange": {"low": quantity(1, "g"), "high": quantity(2, "g")}}]}, "range"),
        (
            {"doseAndRate": [{"doseRange": {"low": quantity(1000, "mg"), "high": quantity(3000, "mg")}}]},
            "a range, 1,000 mg to 3,000 mg",
        ),
        (
            {"text": "125 mg/h", "timing": None, "doseAndRate": [{"rateQuantity": quantity(125, "mg/h")}]},
            "only a rate is written, 125 mg/h",
        ),
        ({"doseAndRate": []}, "no dose"),
        ({"doseAndRate": [{"doseQuantity": quantity(15, "mg/kg")}]}, "body weight only, 15 mg/kg"),
        ({"doseAndRate": [{"doseQuantity": quantity(200, "mL")}]}, "no strength"),
        ({"doseAndRate": [{"doseQuantity": {"value": 1, "unit": "vial"}}]}, "not an amount of drug"),
        (
            {"doseAndRate": [{"doseQuantity": quantity(1, "g")}, {"doseQuantity": quantity(2, "g")}]},
            "two different doses",
        ),
        ({"doseAndRate": [{"doseQuantity": {"value": "1000", "code": "mg"}}]}, "no number"),
        ({"doseAndRate": [{"doseQuantity": quantity(-5, "mg")}]}, "not above zero"),
        ({"doseAndRate": [{"doseQuantity": quantity(5e-324, "ng")}]}, "outside anything"),
        ({"doseAndRate": [{"doseQuantity": quantity(1000, "kg")}]}, "outside anything"),
        ({"route": None}, "no route"),
    ],
)
def test_what_is_not_understood_leaves_no_regimen_and_is_said(change: dict[str, Any], why: str) -> None:
    reading = read(request(instruction(**change)))

    assert reading.drug == "vancomycin"
    assert reading.order.regimen is None
    assert why in said(reading)
    assert "text only" not in said(reading)


@pytest.mark.parametrize(
    "route", [{"text": "Topical"}, {"coding": [{"system": "http://snomed.info/sct", "code": "72607000"}]}]
)
def test_another_route_than_vein_or_mouth_is_not_answered(route: dict[str, Any]) -> None:
    """72607000 is the intrathecal route."""
    assert read(request(instruction(route=route))).drug is None


@pytest.mark.parametrize("name", ["via Hickman", "intraperitoneal", "intramuscular", "IV or PO"])
def test_a_route_that_is_not_understood_is_named_and_leaves_no_regimen(name: str) -> None:
    """It may be the vein by another name, or a mistake: silence would pass it."""
    reading = read(request(instruction(route={"text": name})))

    assert (reading.drug, reading.unclear_route) == ("vancomycin", name)
    assert (reading.order.route, reading.order.regimen) == (None, None)
    assert [(f.kind, f.about) for f in reading.findings] == [("excluded", "order")]
    assert f'the route "{name}" is not understood' in said(reading)


def test_an_unknown_code_of_a_route_is_named_too() -> None:
    reading = read(request(instruction(route={"coding": [{"system": "urn:local", "code": "R17"}]})))

    assert reading.unclear_route == "R17"


def test_a_code_and_words_that_name_different_routes_are_not_chosen_from() -> None:
    route = {"coding": [{"system": "http://snomed.info/sct", "code": "47625008"}], "text": "Oral"}

    assert read(request(instruction(route=route))).order.regimen is None


def test_one_instruction_by_an_unclear_route_spoils_the_order() -> None:
    loading = instruction(2000, timing={"repeat": {"count": 1}}, route={"text": "via Hickman"})
    reading = read(request(loading, instruction(1000)))

    assert (reading.order.route, reading.order.regimen, reading.loading_dose_mg) == (None, None, None)


@pytest.mark.parametrize("code", ["47625008", "418114005", "419993007"])
def test_a_central_or_peripheral_vein_is_a_vein(code: str) -> None:
    route = {"coding": [{"system": "http://snomed.info/sct", "code": code}]}

    assert read(request(instruction(route=route))).order.route == "iv"


def test_a_route_that_contradicts_the_product_is_not_chosen_from() -> None:
    medication = {"text": "vancomycin 125 MG Oral Capsule"}
    reading = read(request(instruction(), medicationCodeableConcept=medication))

    assert reading.order.regimen is None
    assert "the product is for oral use" in said(reading)


def test_text_alone_is_not_interpreted() -> None:
    reading = read(request({"text": "1,000 mg IV every 12 h"}))

    assert reading.order.regimen is None
    assert "text only" in said(reading)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (
            {"text": "1,000 mg IV every 12 h"},
            "the dose is written as text only, which is not understood for certain",
        ),
        (
            instruction(timing=None, text="125 mg/h", doseAndRate=[{"rateQuantity": quantity(125, "mg/h")}]),
            "only a rate is written, 125 mg/h; a continuous infusion is not read",
        ),
    ],
)
def test_one_reason_is_enough(one: dict[str, Any], why: str) -> None:
    assert said(read(request(one))) == f"the order's dose is not read: {why}"


def test_several_instructions_are_not_added_up() -> None:
    reading = read(request(instruction(500), instruction(1000)))

    assert reading.order.regimen is None
    assert "several dosage instructions (2)" in said(reading)


def test_a_loading_dose_before_a_repeating_one_is_understood() -> None:
    loading = instruction(2000, timing={"repeat": {"count": 1, "duration": 4, "durationUnit": "h"}})
    reading = read(request(loading, instruction(1000)))

    assert reading.order.regimen == Regimen(dose_mg=1000, interval_h=12, route="iv", duration_h=2)
    assert reading.loading_dose_mg == 2000


def test_a_half_written_order_has_no_regimen_and_says_that_it_is_missing() -> None:
    reading = read(request())

    assert reading.order.regimen is None
    assert [(f.kind, f.about) for f in reading.findings] == [("missing", "order")]


def tacrolimus(name: str, *doses: Any, **members: Any) -> OrderReading:
    dose = {
        "route": ORAL,
        "timing": {"code": {"text": "BID"}},
        "doseAndRate": [{"doseQuantity": one} for one in doses],
    }
    return read(request(dose, medicationCodeableConcept={**TACROLIMUS, "text": name}, **members))


@pytest.mark.parametrize("unit", ["{capsule}", "capsule", "{pill}", "tablet"])
def test_capsules_are_counted_only_with_a_stated_strength(unit: str) -> None:
    stated = tacrolimus("tacrolimus 0.5 MG Oral Capsule", {"value": 3, "code": unit})
    unstated = tacrolimus("tacrolimus", {"value": 3, "unit": unit})

    assert stated.order.regimen == Regimen(dose_mg=1.5, interval_h=12, route="oral")
    assert unstated.order.regimen is None
    assert "strength" in said(unstated)


@pytest.mark.parametrize(
    "name",
    [
        "tacrolimus 1 mg or tacrolimus 5 mg",
        "tacrolimus 5 mg/mL",
        "tacrolimus 0,5 mg",
        "tacrolimus 1 mg / 5 mL suspension",
        "tacrolimus 10,00 mg",
    ],
)
def test_a_strength_that_could_be_read_two_ways_is_not_read(name: str) -> None:
    assert tacrolimus(name, {"value": 2, "unit": "capsule"}).order.regimen is None


def test_capsules_and_milligrams_that_disagree_are_refused() -> None:
    reading = tacrolimus("tacrolimus 1 MG Oral Capsule", {"value": 2, "unit": "capsule"}, quantity(5, "mg"))

    assert reading.order.regimen is None
    assert "two different doses" in said(reading)


def test_an_ingredient_s_strength_turns_volume_into_dose() -> None:
    """250 mL hold 1,250 mg, so 200 mL are 1,000 mg; at 200 mL/h they take an hour."""
    medication = {
        "resourceType": "Medication",
        "id": "m",
        "ingredient": [
            {
                "itemCodeableConcept": VANCOMYCIN,
                "strength": {"numerator": quantity(1250, "mg"), "denominator": quantity(250, "mL")},
            },
            {"itemCodeableConcept": {"text": "sodium chloride 0.9 %"}},
        ],
    }
    dose = instruction(
        over=None, doseAndRate=[{"doseQuantity": quantity(200, "mL"), "rateQuantity": quantity(200, "mL/h")}]
    )
    order = request(
        dose, medicationCodeableConcept=None, medicationReference={"reference": "#m"}, contained=[medication]
    )

    assert read(order).order.regimen == Regimen(dose_mg=1000, interval_h=12, route="iv", duration_h=1)


def test_an_infusion_without_a_length_takes_the_drug_file_s_and_says_so() -> None:
    """The US label allows 10 mg/min and no less than an hour: 1,500 mg take at least 2.5 h."""
    reading = read(request(instruction(1500, over=None)))

    assert reading.order.regimen is not None
    assert reading.order.regimen.duration_h == 2.5
    assert "no length of infusion" in said(reading)


def test_a_length_and_a_rate_that_disagree_are_refused() -> None:
    dose = {"doseQuantity": quantity(1000, "mg"), "rateQuantity": quantity(1000, "mg/h")}

    assert read(request(instruction(over=2, doseAndRate=[dose]))).order.regimen is None
    assert read(request(instruction(over=1, doseAndRate=[dose]))).order.regimen is not None


def test_an_infusion_longer_than_its_interval_is_refused() -> None:
    assert read(request(instruction(hours=8, over=9))).order.regimen is None


@pytest.mark.parametrize(
    "change", [{"doNotPerform": True}, {"status": "cancelled"}, {"status": "entered-in-error"}]
)
def test_an_order_not_to_give_is_no_order_to_dose(change: dict[str, Any]) -> None:
    assert read(request(instruction(), **change)).drug is None


def test_the_sandbox_s_broken_orders_are_read() -> None:
    """The reference sandbox leaves out intent, sends an object for category and counts pills."""
    order = request(
        {
            "doseAndRate": [
                {"doseQuantity": {"value": 2, "system": "http://unitsofmeasure.org", "code": "{pill}"}}
            ],
            "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d", "boundsPeriod": {}}},
        },
        category={"coding": [{"code": "inpatient"}]},
        medicationCodeableConcept={
            "text": "tacrolimus 1 MG Oral Capsule",
            "coding": [{"system": RXNORM, "code": "198377", "display": "tacrolimus 1 MG Oral Capsule"}],
        },
    )
    del order["intent"]

    assert read(order).order.regimen == Regimen(dose_mg=2, interval_h=12, route="oral")
    assert read({"resourceType": "MedicationRequest", "status": "draft"}).drug is None


def test_the_start_of_an_order_is_kept() -> None:
    timing = {
        "repeat": {"period": 12, "periodUnit": "h", "boundsPeriod": {"start": "2026-11-24T20:00:00+01:00"}}
    }
    start = read(request(instruction(timing=timing))).order.start

    assert start is not None
    assert start.isoformat() == "2026-11-24T20:00:00+01:00"


def test_nothing_of_the_patient_is_in_the_order() -> None:
    reading = read(request(instruction(route=INTRAVENOUS)))

    assert PATIENT not in reading.order.model_dump_json()


RATE = {"doseAndRate": [{"rateQuantity": quantity(125, "mg/h")}], "timing": None}
LOADING = instruction(2000, timing={"repeat": {"count": 1, "duration": 4, "durationUnit": "h"}})


@pytest.mark.parametrize(
    ("instructions", "kind"),
    [
        ([], "repeating"),
        ([instruction()], "repeating"),
        ([LOADING, instruction()], "repeating"),
        ([instruction(doseAndRate=[])], "repeating"),
        ([{"text": "1 g twice a day"}], "repeating"),
        ([instruction(asNeededBoolean=True)], "as_needed"),
        ([LOADING], "single"),
        ([instruction(500), instruction(1000)], "several"),
        ([instruction(**RATE)], "continuous"),
        ([instruction(route={"text": "via Hickman"})], "other"),
    ],
)
def test_the_kind_of_order_is_told(instructions: list[dict[str, Any]], kind: str) -> None:
    """Only a repeating dose may be judged or completed."""
    assert read(request(*instructions)).order.kind == kind


@pytest.mark.parametrize(
    ("name", "millilitres", "mg"),
    [
        ("Phenytoin 25mg/ml oral suspension", 4, 100),
        ("phenytoin 120 mg/5 mL", 5, 120),
        ("Methotrexate 10mg/0.2ml solution for injection", 0.2, 10),
        ("Nizatidine 15 MG/ML Oral Solution", 10, 150),
        ("tacrolimus 500 micrograms", 1, None),
        ("piperacillin 4 g/tazobactam 0.5 g", 1, None),
        ("drug 10 mg/dose", 1, None),
        ("drug 10 mg/0 mL", 1, None),
        ("drug 10 mg/mL or 20 mg/mL", 1, None),
    ],
)
def test_millilitres_count_by_a_strength_in_the_name(name: str, millilitres: float, mg: float | None) -> None:
    _, per_ml = _strength_in_words((name,))

    assert (per_ml is None) == (mg is None)
    assert per_ml is None or float(per_ml) * millilitres == pytest.approx(mg)


def test_a_solution_for_injection_may_go_under_the_skin() -> None:
    read = product(request(medicationCodeableConcept={"text": "vancomycin solution for injection"}), {})
    under_the_skin = {"coding": [{"system": "http://snomed.info/sct", "code": "34206005"}]}
    dosage = read_dosage(instruction(route=under_the_skin, over=None), read)

    assert dosage.route == "subcutaneous"
    assert not dosage.problems


CARBOPLATIN = {"coding": [{"system": RXNORM, "code": "40048"}], "text": "carboplatin"}


def _once(hours: float) -> dict[str, Any]:
    repeat = {"count": 1, "duration": hours, "durationUnit": "h"}
    return {**instruction(750, 24, None), "timing": {"repeat": repeat}}


def test_a_single_dose_is_a_regimen_of_a_drug_that_is_given_so_and_of_no_other() -> None:
    known = read(request(_once(1), medicationCodeableConcept=CARBOPLATIN)).order
    other = read(request(_once(1)))

    assert known.kind == other.order.kind == "single"
    assert known.regimen == Regimen(dose_mg=750, interval_h=24, route="iv", duration_h=1, once=True)
    assert other.order.regimen is None
    assert "single dose" in said(other)


@pytest.mark.parametrize(("hours", "read_whole"), [(46, True), (168, True), (169, False)])
def test_one_infusion_may_run_for_days_where_single_doses_are_given(hours: float, read_whole: bool) -> None:
    regimen = read(request(_once(hours), medicationCodeableConcept=CARBOPLATIN)).order.regimen

    assert (regimen is not None) == read_whole
    if regimen is not None:
        assert regimen.duration_h == hours


def _asked_for(amount: float, unit: str) -> dict[str, Any]:
    return {**_once(1), "doseAndRate": [{"doseQuantity": {"value": amount, "unit": unit}}]}


@pytest.mark.parametrize("unit", ["AUC", "mg.min/mL", "mg·min/mL"])
def test_an_area_in_place_of_a_dose_is_the_aim_of_a_drug_that_is_dosed_so(unit: str) -> None:
    """AUC 5 mg·min/mL are 83.3 mg·h/L: times 1,000 mL/L over 60 min/h."""
    reading = read(request(_asked_for(5, unit), medicationCodeableConcept=CARBOPLATIN))

    assert reading.order.regimen is None
    assert reading.goal is not None
    assert (reading.goal.low + reading.goal.high) / 2 == pytest.approx(5 * 1000 / 60)
    assert [finding.kind for finding in reading.findings] == ["note"]


def test_an_area_means_nothing_where_no_rule_reads_it() -> None:
    reading = read(request(_asked_for(5, "AUC")))

    assert reading.goal is None
    assert reading.order.regimen is None
    assert [finding.kind for finding in reading.findings] == ["excluded"]


def test_a_dose_by_body_surface_is_named_and_not_read() -> None:
    reading = read(request(_asked_for(75, "mg/m2"), medicationCodeableConcept=CARBOPLATIN))

    assert reading.order.regimen is None
    assert "body surface only, 75 mg/m2" in said(reading)
