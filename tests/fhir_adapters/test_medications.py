"""What was given beats what was ordered, and no given dose disappears in silence."""

from __future__ import annotations

from typing import Any

import pytest
from charting import (
    INTRAVENOUS,
    NOW,
    ORAL,
    PATIENT,
    RXNORM,
    TACROLIMUS,
    VANCOMYCIN,
    given,
    instruction,
    prefetched,
    quantity,
    request,
)

from dosing_core.case import Case
from fhir_adapters.chart import PatientChart
from fhir_adapters.gather import gather
from fhir_adapters.intake import to_case
from fhir_adapters.order import read_order

START, END = "2026-11-23T22:00:00+00:00", "2026-11-24T00:00:00+00:00"


def chart(*resources: dict[str, Any], drug: str = "vancomycin", **keys: Any) -> PatientChart:
    return gather(PATIENT, drug, prefetched(*resources, **keys), None, NOW)


def case(*resources: dict[str, Any], draft: dict[str, Any] | None = None) -> Case:
    reading = read_order(draft or request(instruction()), patient_id=PATIENT)
    return to_case(chart(*resources), reading, NOW)


def details(read: PatientChart | Case, about: str) -> list[str]:
    return [finding.detail for finding in read.findings if finding.about == about]


def active(*instructions: dict[str, Any], **members: Any) -> dict[str, Any]:
    order = {"id": "running", "status": "active", "authoredOn": "2026-11-22T08:00:00+00:00"}
    return request(*instructions, **(order | members))


def test_an_infusion_runs_from_start_to_end() -> None:
    (dose,) = chart(given(START, END, 1250)).given

    assert (dose.amount_mg, dose.route, dose.duration_h, dose.status) == (1250, "iv", 2, "administered")


@pytest.mark.parametrize(
    ("change", "hours"),
    [
        (
            {
                "dosage": {
                    "route": INTRAVENOUS,
                    "dose": quantity(1000, "mg"),
                    "rateQuantity": quantity(500, "mg/h"),
                }
            },
            2,
        ),
        (
            {
                "extension": [
                    {"url": "https://example.org/infuse-over-time", "valueQuantity": quantity(75, "min")}
                ]
            },
            1.25,
        ),
        ({"request": {"reference": "MedicationRequest/running"}}, 3),
        ({}, 2),  # 10 mg/min at most (US label): 1,000 mg take 100 min, in steps of half an hour 2 h
    ],
)
def test_the_length_of_an_infusion_is_the_best_that_the_record_has(
    change: dict[str, Any], hours: float
) -> None:
    (dose,) = chart(given(START, None, 1000, **change), active(instruction(over=3))).given

    assert dose.duration_h == hours


def test_an_assumed_length_is_said() -> None:
    assert "length" in details(chart(given(START)), "doses")[0]
    assert details(chart(given(START, END)), "doses") == []


def test_a_volume_counts_by_the_strength_of_its_ingredient() -> None:
    """Cerner's shape: 200 of 250 mL that hold 1,250 mg, over 75 min, without a route."""
    bag = {
        "resourceType": "Medication",
        "id": "m",
        "code": {"text": "vancomycin 1,250 mg + Sodium Chloride 0.9% 250 mL"},
        "ingredient": [
            {
                "itemCodeableConcept": VANCOMYCIN,
                "strength": {"numerator": quantity(1250, "mg"), "denominator": quantity(250, "mL")},
            },
            {
                "itemCodeableConcept": {"text": "sodium chloride"},
                "strength": {"numerator": quantity(250, "mL"), "denominator": quantity(250, "mL")},
            },
        ],
    }
    dose = {"dose": quantity(200, "mL"), "rateQuantity": quantity(160, "mL/h")}
    (read,) = chart(
        given(
            START,
            contained=[bag],
            medicationCodeableConcept=None,
            medicationReference={"reference": "#m"},
            dosage=dose,
        )
    ).given

    assert (read.amount_mg, read.route, read.duration_h) == (1000, "iv", 1.25)


@pytest.mark.parametrize("status", ["not-done", "entered-in-error"])
def test_what_was_not_given_is_no_dose_and_no_doubt(status: str) -> None:
    read = chart(given(START, END, status=status))

    assert read.given == ()
    assert details(read, "doses") == []


def test_a_pause_in_an_infusion_is_no_dose_and_no_doubt() -> None:
    read = chart(given(START, END, 0))

    assert read.given == ()
    assert details(read, "doses") == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"status": "stopped"}, 'status is "stopped"'),
        ({"status": "unknown"}, 'status is "unknown"'),
        ({"status": None}, "no status"),
        ({"effectivePeriod": {"start": "2026-11-23"}}, "lacks hour or time zone"),
        ({"effectivePeriod": {"start": "2026-11-23T22:00:00"}}, "lacks hour or time zone"),
        ({"effectivePeriod": None}, "time is missing"),
        ({"effectivePeriod": {"start": "2026-11-24T10:00:00Z"}}, "future"),
        ({"effectivePeriod": {"start": START, "end": "2026-11-24T23:30:00Z"}}, "longer than a day"),
        ({"dosage": {"route": INTRAVENOUS}}, "amount is not charted"),
        ({"dosage": {"dose": quantity(1000, "mg")}}, "route is not charted"),
        ({"dosage": {"route": {"text": "Intraperitoneal"}, "dose": quantity(1000, "mg")}}, "route"),
        ({"dosage": {"route": INTRAVENOUS, "dose": {"value": 2, "unit": "vial"}}}, "not an amount of drug"),
        ({"dosage": {"route": INTRAVENOUS, "dose": quantity(250, "mL")}}, "no strength"),
        ({"subject": {"reference": "Patient/somebody-else"}}, "another patient"),
        ({"subject": None}, "whose it is"),
    ],
)
def test_a_given_dose_that_cannot_be_read_is_said(change: dict[str, Any], why: str) -> None:
    """A history without it would look as if less had been given, and ask for more."""
    read = chart(given(START, END, 1000, **change))

    assert read.given == ()
    assert [detail for detail in details(read, "doses") if why in detail]


def test_a_running_infusion_counts() -> None:
    (dose,) = chart(given("2026-11-24T08:30:00Z", None, 1000, status="in-progress")).given

    assert dose.duration_h == 2


def test_a_dose_named_only_by_a_reference_that_leads_nowhere_may_be_the_drug_and_that_is_said() -> None:
    unknown = {"medicationCodeableConcept": None, "medicationReference": {"reference": "Medication/nowhere"}}
    read = chart(given(START, END, **unknown), active(instruction(), **unknown))

    assert read.given == ()
    assert "lead nowhere" in details(read, "doses")[0]
    assert "lead nowhere" in details(read, "co_medications")[0]
    assert not read.co_medications_read


def test_a_bag_with_two_known_drugs_is_not_counted_and_that_is_said() -> None:
    read = chart(given(START, END, medicationCodeableConcept={"text": "vancomycin + gentamicin"}))

    assert read.given == ()
    assert "more than one drug" in details(read, "doses")[0]


def test_other_drugs_are_not_counted() -> None:
    assert chart(given(START, END, medicationCodeableConcept=TACROLIMUS)).given == ()


def test_capsules_count_only_with_a_strength() -> None:
    def capsules(name: str) -> PatientChart:
        dosage = {"route": ORAL, "dose": {"value": 3, "unit": "capsule"}}
        medication = {**TACROLIMUS, "text": name}
        return chart(given(START, medicationCodeableConcept=medication, dosage=dosage), drug="tacrolimus")

    assert capsules("tacrolimus 1 MG Oral Capsule").given[0].amount_mg == 3
    assert capsules("tacrolimus").given == ()
    assert "strength" in details(capsules("tacrolimus"), "doses")[0]


def test_modified_release_capsules_are_not_counted_as_immediate_release_and_that_is_said() -> None:
    dosage = {"route": ORAL, "dose": quantity(5, "mg")}
    read = chart(
        given(START, medicationCodeableConcept={"text": "Advagraf 5 mg"}, dosage=dosage), drug="tacrolimus"
    )

    assert read.given == ()
    assert "prolonged-release" in details(read, "doses")[0]


def test_doses_come_in_order_of_time_and_each_id_once() -> None:
    one, two = given(START, END), given("2026-11-24T06:00:00Z", "2026-11-24T08:00:00Z")
    read = chart(two, one, two)

    assert [dose.time.hour for dose in read.given] == [22, 6]


@pytest.mark.parametrize("start", [START, "2026-11-23T22:04:00+00:00"])
def test_the_same_dose_charted_twice_is_a_contradiction(start: str) -> None:
    """Charted by pump and nurse, or given twice: nobody can tell, and not to count one could hide it."""
    read = chart(given(START, END, 500), given(start, None, 500, id="again"))

    assert sum(dose.amount_mg for dose in read.given) == 1000
    (said,) = [f for f in read.findings if f.about == "doses" and f.kind == "conflict"]
    assert "500 mg at 23 Nov 2026 22:00 UTC is charted twice or was given twice" in said.detail


def test_many_doses_charted_twice_are_said_once() -> None:
    days = [f"2026-11-{day}T22:00:00+00:00" for day in (20, 21, 22)]
    read = chart(*(given(day, id=f"{who}-{day[8:10]}") for day in days for who in ("pump", "nurse")))
    (said,) = [f.detail for f in read.findings if f.about == "doses" and f.kind == "conflict"]

    assert "3 doses are charted twice or were given twice, the first of 1,000 mg at 20 Nov" in said


def test_parts_of_one_dose_count_together_and_that_is_said() -> None:
    """6 mg as a capsule of 5 mg and one of 1 mg, scanned one by one."""
    read = chart(given(START, END, 1000), given(START, END, 250, id="second-vial"))

    assert sum(dose.amount_mg for dose in read.given) == 1250
    assert [(f.kind, f.about) for f in read.findings if "all were counted" in f.detail] == [("note", "doses")]


def test_doses_an_interval_apart_are_no_contradiction() -> None:
    assert (
        details(chart(given(START, END), given("2026-11-24T06:00:00Z", "2026-11-24T08:00:00Z")), "doses")
        == []
    )


def test_an_active_order_makes_the_treatment_a_running_one() -> None:
    assert case(active(instruction())).order.running
    assert not case(active(instruction(), status="stopped")).order.running
    assert not case(active(instruction(), intent="plan")).order.running
    assert not case(active(instruction(), doNotPerform=True)).order.running
    assert not case(active(instruction(), medicationCodeableConcept=TACROLIMUS)).order.running


def test_a_recent_dose_makes_the_treatment_a_running_one() -> None:
    assert case(given(START, END)).order.running
    assert not case(given("2026-11-14T22:00:00Z", "2026-11-15T00:00:00Z")).order.running


def test_an_order_signed_again_is_not_its_own_predecessor() -> None:
    draft = active(instruction())

    assert not case(draft, draft=draft).order.running


def test_vancomycin_for_the_gut_is_no_running_treatment() -> None:
    """It does not reach the blood, so a first infusion is a first infusion and may need a loading dose."""
    oral = {"route": ORAL, "dose": quantity(125, "mg")}
    by_mouth = instruction(125, 6, None, route=ORAL)

    assert not case(given(START, dosage=oral), active(by_mouth)).order.running


def test_given_doses_beat_the_order() -> None:
    read = case(given(START, END, 750), active(instruction(1000)))

    assert [(dose.amount_mg, dose.status) for dose in read.doses] == [(750, "administered")]


def test_without_given_doses_the_order_stands_in_and_that_is_said() -> None:
    """Ordered on 22 Nov 08:00 every 12 h: by 24 Nov 09:00 that is five doses."""
    read = case(active(instruction(1000)))

    assert [dose.time.isoformat()[5:16] for dose in read.doses] == [
        "11-22T08:00",
        "11-22T20:00",
        "11-23T08:00",
        "11-23T20:00",
        "11-24T08:00",
    ]
    assert {dose.status for dose in read.doses} == {"ordered"}
    assert "taken as given" in details(read, "doses")[0]


def test_an_order_younger_than_its_interval_has_given_nothing_yet() -> None:
    """Signed an hour ago, nobody knows whether the first dose has been hung."""
    read = case(active(instruction(1000), authoredOn="2026-11-24T08:00:00Z"))

    assert read.doses == ()
    assert read.order.running


def test_two_active_orders_without_given_doses_are_a_contradiction() -> None:
    read = case(active(instruction(1000)), active(instruction(750), id="another"))

    assert read.doses == ()
    assert "several orders are active" in details(read, "doses")[0]


def test_an_order_that_ended_is_not_running() -> None:
    ended = {"repeat": {"period": 12, "periodUnit": "h", "boundsPeriod": {"end": "2026-11-23T08:00:00Z"}}}

    assert not case(active(instruction(timing=ended))).order.running


@pytest.mark.parametrize(
    ("drug", "code", "instructions", "daily"),
    [
        ("prednisolone", "8638", [(10, 24)], 10),
        ("prednisone", "8640", [(5, 24), (2.5, 24)], 7.5),
        ("mycophenolate", "68149", [(1000, 12)], 2000),
    ],
)
def test_other_medicines_come_with_their_daily_dose(
    drug: str, code: str, instructions: list[tuple[float, float]], daily: float
) -> None:
    concept = {"coding": [{"system": RXNORM, "code": code}]}
    doses = [instruction(mg, hours, None, route=ORAL) for mg, hours in instructions]
    (read,) = chart(active(*doses, medicationCodeableConcept=concept)).co_medications

    assert (read.drug, read.daily_dose_mg) == (drug, daily)


def test_a_dose_that_is_not_understood_leaves_the_medicine_without_a_daily_dose() -> None:
    order = active(
        instruction(10, 24, None, asNeededBoolean=True), medicationCodeableConcept={"text": "prednisolone"}
    )
    (read,) = chart(order).co_medications

    assert read.daily_dose_mg is None


@pytest.mark.parametrize(
    "name", ["prednisolone eye drops", "Somebody's secret mixture", "methylprednisolonex"]
)
def test_unknown_and_local_medicines_are_not_listed(name: str) -> None:
    assert chart(active(instruction(), medicationCodeableConcept={"text": name})).co_medications == ()


def test_an_empty_list_of_medicines_is_known_to_be_empty_only_if_it_was_read() -> None:
    failed = {"resourceType": "OperationOutcome", "issue": []}

    assert chart().co_medications_read
    assert not chart(requests=failed).co_medications_read


# what must never be replaced by an order

UNREADABLE = {"dosage": {"route": INTRAVENOUS, "dose": {"value": 2, "unit": "vial"}}}


@pytest.mark.parametrize(
    "change",
    [
        UNREADABLE,
        {"status": "unknown"},
        {"dosage": {"route": {"text": "via Hickman"}, "dose": quantity(1000, "mg")}},
        {"subject": {"reference": "Patient/somebody-else"}},
        {"medicationCodeableConcept": None, "medicationReference": {"reference": "Medication/nowhere"}},
    ],
)
def test_a_given_dose_that_cannot_be_used_is_not_replaced_by_the_order(change: dict[str, Any]) -> None:
    read = case(given(START, END, 1000, **change), active(instruction(1000)))

    assert read.doses == ()
    assert [f.about for f in read.findings if f.kind == "excluded"] == ["doses"]
    assert [f.kind for f in read.findings if "not taken in their place" in f.detail] == ["conflict"]
    assert "no given doses are charted" not in " ".join(details(read, "doses"))


def test_an_order_does_not_stand_in_for_administrations_that_nobody_could_read() -> None:
    failed = {"resourceType": "OperationOutcome", "issue": []}
    read = chart(active(instruction(1000)), administrations=failed)
    made = to_case(read, read_order(request(instruction()), patient_id=PATIENT), NOW)

    assert made.doses == ()
    assert [f.kind for f in made.findings if f.about == "doses"] == ["unreachable"]


def test_another_product_that_was_given_is_not_replaced_by_an_order_of_this_one() -> None:
    """Advagraf once a day is no Prograf twice a day, and whoever took it did not take nothing."""
    dosage = {"route": ORAL, "dose": quantity(5, "mg")}
    capsules = instruction(3, 12, None, route=ORAL)
    draft = request(capsules, medicationCodeableConcept=TACROLIMUS)
    slow = given(START, medicationCodeableConcept={"text": "Advagraf 5 mg"}, dosage=dosage)
    order = active(capsules, medicationCodeableConcept=TACROLIMUS)
    reading = read_order(draft, patient_id=PATIENT)
    read = to_case(chart(slow, order, drug="tacrolimus"), reading, NOW)

    assert read.doses == ()
    assert "prolonged-release" in " ".join(details(read, "doses"))


def test_a_recent_dose_that_cannot_be_read_is_a_running_treatment_too() -> None:
    """Otherwise a loading dose would be offered on top of it."""
    old = {"effectivePeriod": {"start": "2026-11-14T22:00:00Z", "end": "2026-11-15T00:00:00Z"}}

    assert case(given(START, END, **UNREADABLE)).order.running
    assert not case(given(START, END, **(UNREADABLE | old))).order.running


def test_a_dose_of_another_patient_long_ago_does_not_matter() -> None:
    old = given("2026-08-01T22:00:00Z", "2026-08-01T23:00:00Z", subject={"reference": "Patient/other"})

    assert details(chart(old), "doses") == []


def test_another_product_on_order_makes_the_treatment_a_running_one() -> None:
    capsules = instruction(3, 12, None, route=ORAL)
    order = active(capsules, medicationCodeableConcept={"text": "Envarsus 4 mg"})
    draft = request(capsules, medicationCodeableConcept=TACROLIMUS)
    read = to_case(chart(order, drug="tacrolimus"), read_order(draft, patient_id=PATIENT), NOW)

    assert read.order.running
    assert "prolonged-release" in " ".join(details(read, "doses"))


def test_a_local_use_on_order_is_no_running_treatment() -> None:
    assert not case(active(instruction(10, 24, None, route={"text": "Intrathecal"}))).order.running


@pytest.mark.parametrize(("name", "counted"), [("via PICC", True), ("NG tube", True), ("via Hickman", False)])
def test_the_route_of_a_given_dose_is_read_or_named(name: str, counted: bool) -> None:
    read = chart(given(START, END, dosage={"route": {"text": name}, "dose": quantity(1000, "mg")}))

    assert bool(read.given) is counted
    assert counted or f'"{name}" is not understood' in details(read, "doses")[0]


def test_tacrolimus_through_a_tube_is_not_counted_as_swallowed() -> None:
    dosage = {"route": {"text": "Nasogastric tube"}, "dose": quantity(3, "mg")}
    read = chart(given(START, medicationCodeableConcept=TACROLIMUS, dosage=dosage), drug="tacrolimus")

    assert read.given == ()
    assert "Nasogastric tube" in details(read, "doses")[0]


def test_an_order_older_than_the_first_charted_dose_is_said() -> None:
    """Ordered on 21 Nov every 12 h; charted only from 23 Nov 22:00 on: four doses may be missing."""
    early = active(instruction(), authoredOn="2026-11-21T20:00:00+00:00")
    (said,) = details(case(given(START, END), early), "doses")

    assert "21 Nov 2026 20:00 UTC started earlier" in said
    assert "nothing was assumed before it" in said


@pytest.mark.parametrize("authored", ["2026-11-23T08:00:00+00:00", "2026-11-24T08:00:00+00:00"])
def test_an_order_whose_first_dose_is_charted_in_time_is_not_remarked_upon(authored: str) -> None:
    assert details(case(given(START, END), active(instruction(), authoredOn=authored)), "doses") == []


def test_an_order_older_than_what_is_read_back_is_not_remarked_upon() -> None:
    """Doses are read 45 days back; the first of them is not the first of the order."""
    first = given("2026-10-10T18:00:00Z", "2026-10-10T20:00:00Z")

    assert details(case(first, active(instruction(), authoredOn="2026-06-01T08:00:00Z")), "doses") == []
