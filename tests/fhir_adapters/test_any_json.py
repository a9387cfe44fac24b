"""Whatever JSON stands wherever in a record: nothing is raised, and what is not hit is still read."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from charting import (
    CREATININE,
    NOW,
    PATIENT,
    VANCOMYCIN_LEVEL,
    WEIGHT,
    given,
    instruction,
    observation,
    prefetched,
    request,
)
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from dosing_core.case import Case, Regimen
from fhir_adapters.each import UNREADABLE
from fhir_adapters.errors import NothingToRead
from fhir_adapters.gather import REQUIRED, gather
from fhir_adapters.intake import to_case
from fhir_adapters.order import read_order
from fhir_adapters.writeback import with_regimen

TRICKY = st.sampled_from(
    [
        "2026-11-24T06:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-02-30",
        "24:00",
        "Patient/somebody-else",
        "/",
        "#",
        "http://[",
        "*1/*3",
        "<5",
        "\ud800",
        "mg",
        "http://unitsofmeasure.org",
        1e308,
        5e-324,
        -0.0,
        float("nan"),
        float("inf"),
        10**400,
        -1,
        0,
        {"value": 5, "unit": "mg"},
        {"repeat": {"period": 1e-9, "periodUnit": "s"}},
        {"coding": [None, 1, {"code": []}]},
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | TRICKY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)

RECORD = prefetched(
    observation(CREATININE, 1.0, "mg/dL", "2026-11-24T05:00:00Z"),
    observation(VANCOMYCIN_LEVEL, 14, "mg/L", "2026-11-24T05:00:00Z", issued="2026-11-24T06:00:00Z"),
    observation(WEIGHT, 80, "kg", "2026-11-24T05:00:00Z"),
    given("2026-11-23T22:00:00Z", "2026-11-24T00:00:00Z"),
    request(instruction(), id="running", status="active"),
    {
        "resourceType": "Condition",
        "id": "c",
        "subject": {"reference": f"Patient/{PATIENT}"},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "Z94.0"}]},
    },
)
ORDER = request(instruction())

Path = tuple[str | int, ...]


def places(value: Any, path: Path = ()) -> list[Path]:
    """The path to every node of a JSON value."""
    below: list[Path] = []
    if isinstance(value, dict):
        below = [place for key, child in value.items() for place in places(child, (*path, key))]
    elif isinstance(value, list):
        below = [place for key, child in enumerate(value) for place in places(child, (*path, key))]
    return [path, *below] if path else below


def replaced(value: Any, path: Path, by: Any) -> Any:
    changed = deepcopy(value)
    node = changed
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = by
    return changed


FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FEW
@for_all(st.sampled_from(places(RECORD)), JSON)
def test_any_json_in_any_place_of_a_record_is_survived(path: Path, junk: Any) -> None:
    try:
        chart = gather(PATIENT, "vancomycin", replaced(RECORD, path, junk), None, NOW)
    except NothingToRead:
        assert path in {(key, *more) for key in REQUIRED for more in ((), ("resourceType",))}
        return
    case = to_case(chart, read_order(ORDER, patient_id=PATIENT), NOW)

    assert Case.from_bytes(case.to_bytes()) == case
    assert UNREADABLE not in {finding.detail for finding in chart.findings}
    if path[0] != "vitals" and path[0] != "labs":
        assert len(case.subject.creatinine) == 1


@FEW
@for_all(st.sampled_from(places(ORDER)), JSON)
def test_any_json_in_any_place_of_an_order_is_survived(path: Path, junk: Any) -> None:
    order = replaced(ORDER, path, junk)
    reading = read_order(order, patient_id=PATIENT)
    with_regimen(order, "vancomycin", Regimen(dose_mg=500, interval_h=12, route="iv", duration_h=1))

    assert reading.order.to_bytes()


@FEW
@for_all(st.dictionaries(st.sampled_from(sorted(RECORD)), JSON), JSON)
def test_any_json_for_a_resource_is_survived(extra: dict[str, Any], entry: Any) -> None:
    sent = {key: deepcopy(value) for key, value in RECORD.items()}
    for key in ("labs", "administrations", "requests", "conditions"):
        sent[key]["entry"].append({"resource": entry})
    sent |= {key: value for key, value in extra.items() if key in ("genotypes", "conditions")}
    chart = gather(PATIENT, "vancomycin", sent, None, NOW)

    assert len(chart.given) == 1
    assert json.loads(chart.to_bytes())
