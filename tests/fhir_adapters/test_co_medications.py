"""Other drugs: which are taken, since when, what was stopped lately, and by which name files find them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from charting import NOW, ORAL, PATIENT, bundle, instruction, prefetched, request

from dosing_core.case import CoMedication
from dosing_core.interactions.taken import SMOKING, is_one_of
from dosing_core.library import drugs, names_in
from fhir_adapters.chart import PatientChart
from fhir_adapters.gather import gather
from fhir_adapters.prefetch import facts_for, searches
from fhir_adapters.product import product, synonyms


def order(name: str, authored: str, status: str = "active", **members: Any) -> dict[str, Any]:
    """An order of another drug by mouth."""
    return (
        request(
            instruction(200, 24, None, route=ORAL),
            id=f"r-{name}-{authored}",
            status=status,
            authoredOn=f"{authored}T09:00:00+00:00",
            medicationCodeableConcept={"text": name},
        )
        | members
    )


def bounded(name: str, start: str, end: str | None = None, **members: Any) -> dict[str, Any]:
    """An order that says from when to when."""
    period = {"start": f"{start}T09:00:00+00:00"} | ({"end": f"{end}T09:00:00+00:00"} if end else {})
    timing = {"repeat": {"frequency": 1, "period": 24, "periodUnit": "h", "boundsPeriod": period}}
    doses = [instruction(200, 24, None, route=ORAL, timing=timing)]
    return order(name, start, dosageInstruction=doses, **members)


def chart(*orders: dict[str, Any], earlier: bool = True, drug: str = "tacrolimus") -> PatientChart:
    """What is read of these orders, those that are over sent under their own key."""
    sent = prefetched(requests=bundle(*(one for one in orders if one["status"] == "active")))
    if earlier:
        sent["earlier"] = bundle(*(one for one in orders if one["status"] != "active"))
    else:
        del sent["earlier"]
    return gather(PATIENT, drug, sent, None, NOW)


def taken(*orders: dict[str, Any], **options: Any) -> list[tuple[str, str | None, str | None]]:
    """(drug, since, until) as dates."""
    return [
        (one.drug, one.since and one.since.date().isoformat(), one.until and one.until.date().isoformat())
        for one in chart(*orders, **options).co_medications
    ]


def test_a_drug_is_taken_since_its_order_says_or_was_written() -> None:
    assert taken(bounded("fluconazole", "2026-11-20"), order("rifampicin", "2026-11-22")) == [
        ("fluconazole", "2026-11-20", None),
        ("rifampicin", "2026-11-22", None),
    ]


def test_an_order_that_begins_tomorrow_is_not_taken_yet() -> None:
    (read,) = chart(bounded("fluconazole", "2026-11-25")).co_medications

    assert read.since == datetime(2026, 11, 25, 9, tzinfo=UTC)


def test_an_order_that_ends_ahead_is_taken_until_then() -> None:
    assert taken(bounded("fluconazole", "2026-11-20", "2026-11-27")) == [
        ("fluconazole", "2026-11-20", "2026-11-27")
    ]


def test_a_renewal_goes_on_with_what_came_before() -> None:
    """Amiodarone for two months, the order written anew on the 20th: it did not begin on the 20th."""
    renewed = order("fluconazole", "2026-11-20")
    before = bounded("fluconazole", "2026-10-20", "2026-11-19", status="completed")
    long_ago = bounded("fluconazole", "2026-03-01", "2026-04-01", status="completed")

    assert taken(renewed, before, long_ago) == [("fluconazole", "2026-10-20", None)]


def test_a_renewal_of_which_nothing_earlier_is_known_has_no_start() -> None:
    community = {"category": [{"coding": [{"code": "community"}]}]}
    prior = {"priorPrescription": {"reference": "MedicationRequest/x"}}

    assert taken(order("fluconazole", "2026-11-20", **community), earlier=False) == [
        ("fluconazole", None, None)
    ]
    assert taken(order("fluconazole", "2026-11-20", **community)) == [("fluconazole", "2026-11-20", None)]
    assert taken(order("fluconazole", "2026-11-20", **prior)) == [("fluconazole", None, None)]
    assert taken(order("fluconazole", "2026-11-20"), earlier=False) == [("fluconazole", "2026-11-20", None)]


@pytest.mark.parametrize("status", ["stopped", "completed"])
def test_what_was_stopped_lately_wears_off_and_what_was_stopped_long_ago_is_forgotten(status: str) -> None:
    lately = bounded("rifampicin", "2026-10-01", "2026-11-18", status=status)
    long_ago = bounded("fluconazole", "2026-01-01", "2026-02-01", status=status)

    assert taken(lately, long_ago) == [("rifampicin", "2026-10-01", "2026-11-18")]


def test_an_active_order_whose_time_has_passed_is_over() -> None:
    assert taken(bounded("rifampicin", "2026-10-01", "2026-11-18")) == [
        ("rifampicin", "2026-10-01", "2026-11-18")
    ]


def test_a_drug_that_was_stopped_nobody_knows_when_is_spoken_of() -> None:
    read = chart(order("rifampicin", "2026-10-20", "stopped"), order("furosemide", "2026-10-20", "stopped"))

    assert read.co_medications == ()
    assert [f.detail for f in read.findings if f.about == "co_medications"] == [
        "rifampicin was stopped, and when is not on record: taken not to act any more"
    ]
    assert read.co_medications_read


@pytest.mark.parametrize("status", ["draft", "cancelled", "entered-in-error", "on-hold"])
def test_orders_that_nobody_carries_out_do_not_count(status: str) -> None:
    assert chart(order("rifampicin", "2026-11-20", status)).co_medications == ()


def test_two_orders_of_one_drug_both_give_their_dose() -> None:
    morning, evening = order("prednisolone", "2026-11-20"), order("prednisolone", "2026-11-21")
    read = chart(morning, evening).co_medications

    assert [one.daily_dose_mg for one in read] == [200.0, 200.0]


def _interacting() -> list[tuple[str, str]]:
    """(drug of the library, another drug that its file names)."""
    return [(drug.drug, name) for drug in drugs() for name in sorted(names_in(drug.drug)) if name != SMOKING]


@pytest.mark.parametrize("drug", [drug.drug for drug in drugs() if names_in(drug.drug)])
def test_every_drug_that_a_file_names_is_recognised_on_a_medication_list(drug: str) -> None:
    """By each of its names, as the file itself looks for it."""
    for name in names_in(drug) - {SMOKING, drug}:
        read = product({"medicationCodeableConcept": {"text": f"{name.capitalize()} 10 mg tablet"}})
        assert read.holds, name
        for known in read.holds:
            for spelling in synonyms(known):
                found = product({"medicationCodeableConcept": {"text": spelling}}).holds
                assert known in found, (name, spelling)


@pytest.mark.parametrize("drug", [drug.drug for drug in drugs() if names_in(drug.drug)])
def test_a_named_drug_reaches_the_file_by_a_name_that_it_knows(drug: str) -> None:
    for name in sorted(names_in(drug) - {SMOKING}):
        if product({"medicationCodeableConcept": {"text": name}}).holds == {drug}:
            continue  # another form of the drug itself
        (read,) = chart(order(f"{name} 10 mg", "2026-11-20"), drug=drug).co_medications
        assert is_one_of(names_in(drug), read), name


def test_a_drug_is_called_as_the_ordered_drug_s_file_calls_it() -> None:
    """Records say cyclosporine, some files ciclosporin."""
    for drug, name in _interacting():
        if name in ("ciclosporin", "cyclosporine"):
            for spelling in ("ciclosporin", "cyclosporine"):
                (read,) = chart(order(spelling, "2026-11-20"), drug=drug).co_medications
                assert isinstance(read, CoMedication)
                assert is_one_of(names_in(drug), read)


def test_earlier_orders_are_asked_for_where_other_drugs_matter() -> None:
    (earlier,) = (search for search in searches() if search.key == "earlier")

    assert earlier.needed_for("tacrolimus")
    assert not earlier.needed_for("vancomycin")
    assert ("authoredon", "ge2025-10-20T09:00:00Z") in earlier.query(PATIENT, NOW, "tacrolimus")


def test_smoking_is_asked_for_where_a_file_names_it() -> None:
    for drug in drugs():
        if SMOKING in names_in(drug.drug):
            assert "smoker" in facts_for(drug.drug)


def statement(name: str, start: str | None, status: str = "active", **members: Any) -> dict[str, Any]:
    """What somebody says is taken."""
    period = {"effectivePeriod": {"start": f"{start}T09:00:00+00:00"}} if start else {}
    return {
        "resourceType": "MedicationStatement",
        "id": f"s-{name}",
        "status": status,
        "medicationCodeableConcept": {"text": name},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "dosage": [instruction(200, 24, None, route=ORAL)],
    } | period | members  # fmt: skip


def told(*resources: dict[str, Any]) -> PatientChart:
    """A chart of orders and statements."""
    orders = [one for one in resources if one["resourceType"] == "MedicationRequest"]
    said = [one for one in resources if one["resourceType"] == "MedicationStatement"]
    sent = prefetched(requests=bundle(*orders), statements=bundle(*said))
    return gather(PATIENT, "tacrolimus", sent, None, NOW)


@pytest.mark.parametrize(("status", "count"), [("active", 1), ("not-taken", 0), ("entered-in-error", 0)])
def test_what_is_only_said_to_be_taken_counts_as_taken(status: str, count: int) -> None:
    read = told(statement("fluconazole", "2026-09-01", status)).co_medications

    assert [(one.drug, one.daily_dose_mg) for one in read] == [("fluconazole", 200.0)] * count


def test_a_home_medicine_that_the_ward_orders_did_not_begin_on_the_ward() -> None:
    ordered = order("fluconazole", "2026-11-23")
    (long_taken,) = told(ordered, statement("fluconazole", "2026-09-01")).co_medications
    (nobody_knows,) = told(ordered, statement("fluconazole", None)).co_medications

    assert (long_taken.since and long_taken.since.date().isoformat(), long_taken.daily_dose_mg) == (
        "2026-09-01",
        200.0,
    )
    assert nobody_knows.since is None


def test_a_statement_of_somebody_else_is_not_this_patient_s() -> None:
    foreign = statement("fluconazole", "2026-09-01", subject={"reference": "Patient/another"})

    assert told(foreign).co_medications == ()
