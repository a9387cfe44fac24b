"""263 clinical FHIR files by independent authors: each is read without exception, and of more than a hundred
dosage instructions in them it is held, one by one, what was understood and what was not."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from scenario import patient_paths

from dosing_core.library import drugs
from fhir_adapters.chart import PatientChart
from fhir_adapters.dosage import Dosage, read_dosage
from fhir_adapters.elements import Resource, items
from fhir_adapters.order import read_order
from fhir_adapters.prefetch import searches
from fhir_adapters.product import product
from fhir_adapters.reading import Answers, read_chart
from fhir_adapters.releases import as_r4
from fhir_adapters.timing import DAYS

EXAMPLES = Path(__file__).parent.parent / "fhir_examples"
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ORDERS = ("MedicationRequest", "MedicationOrder", "MedicationStatement", "MedicationDispense")
FILES = sorted(path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.glob("*/*.json"))


def content(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text(), parse_float=Decimal)


def resources(value: Any) -> Iterator[dict[str, Any]]:
    """Every resource, however deep it lies: in Bundles, Parameters, contained."""
    if isinstance(value, dict):
        if isinstance(value.get("resourceType"), str):
            yield value
        for inner in value.values():
            yield from resources(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from resources(inner)


def instructions(name: str) -> Iterator[tuple[str, Dosage]]:
    """Every dosage instruction of a file with its place in it, read."""
    whole = content(name)
    found = [as_r4(one) for one in resources(whole)]
    medications = {str(one.get("id")): one for one in found if one["resourceType"] == "Medication"}
    count = 0
    for one in found:
        if one["resourceType"] in ORDERS:
            read = product(one, medications)
            for written in items(one.get("dosageInstruction") or one.get("dosage")):
                yield f"{name} {count}", read_dosage(written, read)
                count += 1
    for fragment in items(whole.get("fragments")) if isinstance(whole, dict) else ():
        if fragment["type"] in ("Dosage", "Timing"):
            told = {"timing": fragment["stu3"]} if fragment["type"] == "Timing" else fragment["stu3"]
            order = as_r4({"resourceType": "MedicationRequest", "dosageInstruction": [told]})
            yield f"{name} {count}", read_dosage(items(order["dosageInstruction"])[0], product({}, {}))
            count += 1


def in_words(read: Dosage) -> str:
    """What was understood, in one line: ``500 mg, every 6 h, iv``; then what was not."""
    times = read.times
    said = [
        f"{read.dose_mg:f} mg".replace(".000 ", " ").replace(".0 ", " ") if read.dose_mg is not None else "",
        "as needed" if read.as_needed else "",
        "once" if times.once else f"{times.count} times" if times.count else "",
        f"every {read.interval_h:f} h" if read.interval_h is not None else "",
        "at " + " ".join(f"{one:%H:%M}" for one in times.clocks) if times.clocks else "",
        "on " + " ".join(DAYS[one] for one in sorted(times.weekdays)) if times.weekdays else "",
        f"at {len(times.events)} instants" if times.events else "",
        f"over {read.duration_h:f} h" if read.duration_h is not None else "",
        f"for {times.length.total_seconds() / 86400:g} days" if times.length is not None else "",
        f"from {times.start.isoformat()}" if times.start is not None else "",
        f"to {times.end.isoformat()}" if times.end is not None else "",
        "from or to a day without an hour" if times.vague else "",
        read.route or "",
        "local" if read.local else "",
    ]
    understood = ", ".join(filter(None, said))
    problems = "; ".join(filter(None, (*read.problems, times.irregular)))
    return f"{understood or 'nothing'} | {problems}" if problems else understood


def expected() -> dict[str, str]:
    """What each chosen instruction says, held by hand against its words."""
    lines = (EXAMPLES / "instructions.tsv").read_text().splitlines()[1:]
    return {place: understood for place, _, understood in (line.split("\t") for line in lines)}


@pytest.mark.parametrize("name", sorted({place.rpartition(" ")[0] for place in expected()}))
def test_instructions_are_understood_as_a_reader_would(name: str) -> None:
    wanted = {place: said for place, said in expected().items() if place.rpartition(" ")[0] == name}
    found = {place: in_words(read) for place, read in instructions(name)}

    assert {place: found.get(place) for place in wanted} == wanted


def test_more_than_a_hundred_instructions_are_held() -> None:
    assert len(expected()) >= 100


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_read_without_an_exception(name: str) -> None:
    """By every reader, for every patient in it and for none, for a drug of each kind."""
    found = [as_r4(one) for one in resources(content(name))]
    about = {search.key: search.about for search in searches()}
    patients = {str(one.get("id")) for one in found if one["resourceType"] == "Patient"} or {"nobody"}
    for patient in sorted(patients):
        for drug in ("vancomycin", "tacrolimus"):
            answers = Answers({"labs": tuple(found)}, {}, about)
            chart = read_chart(patient, drug, NOW, answers)
            assert all("could not be read" not in finding.detail for finding in chart.findings)
    for one in found:
        if one["resourceType"] == "MedicationRequest":
            read_order(one, patient_id="nobody")


def test_the_files_are_there() -> None:
    assert len(FILES) == 263


def test_every_drug_of_the_library_reads_the_whole_set() -> None:
    """All files as one record: nothing in it takes another down, and no foreign fact gets in."""
    found: list[Resource] = [as_r4(one) for name in FILES for one in resources(content(name))]
    about = {search.key: search.about for search in searches()}
    for drug_file in drugs()[:3]:
        chart = read_chart("nobody", drug_file.drug, NOW, Answers({"labs": tuple(found)}, {}, about))
        assert chart.given == ()
        assert chart.levels == ()
        assert (chart.weight, chart.creatinine) == ((), ())


JUNK: tuple[Any, ...] = (None, "", "x", [], {}, [None], True, {"value": None}, [[]], "\u0000", "1e999", ["x"])
"""Nothing among it is a number, a unit or a time, so that no fact can rightly come of it."""
FACTS = ("weight", "height", "creatinine", "haematocrit", "levels")


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every member and item."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield (*path, key)
        yield from leaves(below, (*path, key))


def broken(resource: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """A copy in which up to three parts are missing, junk, doubled, or wrapped in a list."""
    whole: dict[str, Any] = copy.deepcopy(resource)
    for _ in range(chance.randint(1, 3)):
        ways = [path for path in leaves(whole) if path != ("resourceType",)]
        if not ways:
            break
        *way, last = chance.choice(ways)
        place: Any = whole
        for key in way:
            place = place[key]
        match chance.randrange(4):
            case 0:
                del place[last]
            case 1:
                place[last] = copy.deepcopy(chance.choice(JUNK))
            case 2:
                place[last] = [place[last], copy.deepcopy(place[last])]
            case 3:
                place[last] = (
                    place[last][0] if isinstance(place[last], list) and place[last] else [place[last]]
                )
    return whole


def known_facts(chart: PatientChart) -> set[tuple[str, float]]:
    """What is measured or given, by kind and number."""
    found = {(name, one.value) for name in FACTS for one in getattr(chart, name)}
    found |= {("dose", dose.amount_mg) for dose in chart.given}
    return found | {("dose", dose.amount_mg) for course in chart.ordered for dose in course.doses}


def read_as(kind: str, found: tuple[Resource, ...], patient: str, drug: str) -> PatientChart:
    about = {search.key: search.about for search in searches()}
    return read_chart(patient, drug, NOW, Answers({kind: found}, {}, about))


def sample_records() -> list[tuple[str, str, list[dict[str, Any]]]]:
    """Patient, drug and resources of each sample patient."""
    records = []
    for path in patient_paths():
        held = [entry["resource"] for entry in json.loads(path.read_text(), parse_float=Decimal)["entry"]]
        patient = next(str(one["id"]) for one in held if one["resourceType"] == "Patient")
        drug = next((one.drug for one in drugs() if path.name.startswith(one.drug)), "vancomycin")
        records.append((patient, drug, held))
    return records


def mutated(count: int, seed: int) -> None:
    """Break so many resources of the samples and of the examples, one at a time."""
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    records = [
        (patient, drug, [one], known_facts(read_as("labs", (one,), patient, drug)))
        for patient, drug, held in sample_records()
        for one in held
    ]
    strangers = [one for name in FILES for one in resources(content(name)) if len(str(one)) < 20_000]
    records += [("nobody", "vancomycin", [one], set()) for one in strangers]
    for _ in range(count):
        patient, drug, (one,), facts = chance.choice(records)
        told = broken(one, chance)
        chart = read_as("labs", (as_r4(told),), patient, drug)
        assert known_facts(chart) <= facts, told
        assert all("could not be read" not in finding.detail for finding in chart.findings), told
        if told.get("resourceType") == "MedicationRequest":
            read_order(as_r4(told), patient_id=patient)


def test_broken_resources_are_read_without_an_exception_and_without_a_new_fact() -> None:
    mutated(1500, seed=20261125)


@pytest.mark.verify
@pytest.mark.parametrize("tenth", range(10))
def test_a_hundred_thousand_broken_resources_give_no_new_fact(tenth: int) -> None:
    mutated(10_000, seed=tenth)
