"""Facts that only some drugs ask for: laboratory values, effects, smoking, antibodies, gestation, MIC."""

from __future__ import annotations

import re
from typing import Any

import pytest
from charting import NOW, PATIENT, SNOMED, observation, patient, prefetched

from dosing_core.case import COVARIATE_UNITS, Finding, Sign
from dosing_core.facts import SIGNS
from dosing_core.library import drugs
from fhir_adapters import prefetch
from fhir_adapters.chart import PatientChart
from fhir_adapters.gather import gather
from fhir_adapters.prefetch import PREFETCH, searches
from fhir_adapters.signs import read_sign
from fhir_adapters.terminology.loinc import analytes, code_list
from fhir_adapters.terminology.signs import smoking_codes
from fhir_adapters.terminology.units import unit

TODAY = "2026-11-24T06:00:00+00:00"
YESTERDAY = "2026-11-23T06:00:00+00:00"
SMOKES, SMOKED, UNKNOWN = "449868002", "8517006", "266927001"
EVERYTHING = frozenset({*COVARIATE_UNITS, *SIGNS, "gestational_age", "inr", "neutrophils"})


@pytest.fixture
def _asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the drug's file asked for everything."""
    monkeypatch.setattr(prefetch, "asks", lambda drug: EVERYTHING)


def chart(*resources: dict[str, Any], drug: str = "vancomycin") -> PatientChart:
    return gather(PATIENT, drug, prefetched(*resources), None, NOW)


def said(read: PatientChart, name: str, kind: str = "excluded") -> list[str]:
    return [f.detail for f in read.findings if f.about == name and f.kind == kind]


def status(code: str, when: str = TODAY) -> dict[str, Any]:
    """A smoking status."""
    coded = {"coding": [{"system": SNOMED, "code": code}]}
    return observation("72166-2", 1, "1", when, valueQuantity=None, valueCodeableConcept=coded)


def antibodies(result: dict[str, Any]) -> tuple[Sign | None, list[Finding]]:
    """What a result says of antibodies against infliximab."""
    return read_sign(result, patient_id=PATIENT, drug="infliximab", now=NOW)


def test_every_measured_fact_can_be_read_in_its_own_unit() -> None:
    """The adapters' table holds a row for each fact of the core, and counts it in the same unit."""
    for name, counted in COVARIATE_UNITS.items():
        row, own = analytes()[name], unit(counted)
        assert own is not None
        assert (row.role, own.dimension, own) == ("fact", row.dimension, unit(row.unit))
        assert code_list(name)


@pytest.mark.usefixtures("_asked")
@pytest.mark.parametrize(
    ("code", "value", "charted", "name", "expected"),
    [
        ("1751-7", 3.8, "g/dL", "albumin", 38.0),
        ("1751-7", 38, "g/L", "albumin", 38.0),
        ("54347-0", 571.4, "umol/L", "albumin", 38.0),  # × 66,500 g/mol
        ("1975-2", 1.2, "mg/dL", "bilirubin", 1.2),
        ("14631-6", 20.52, "umol/L", "bilirubin", 1.2),  # 1 mg/dL is 17.1 µmol/L
        ("33863-2", 0.95, "mg/L", "cystatin_c", 0.95),
        ("33863-2", 0.095, "mg/dL", "cystatin_c", 0.95),
        ("1988-5", 12.3, "mg/dL", "c_reactive_protein", 123.0),
        ("1920-8", 35, "U/L", "aspartate_aminotransferase", 35.0),
        ("1920-8", 0.5, "ukat/L", "aspartate_aminotransferase", 30.0),  # 1 µkat is 60 U
        ("38445-3", 250, "ug/g", "faecal_calprotectin", 250.0),
        ("38476-8", 2.1, "ng/mL", "anti_muellerian_hormone", 15.0),  # × 7.14
        ("83105-7", 15, "pmol/L", "anti_muellerian_hormone", 15.0),
        ("2164-2", 85, "mL/min", "measured_gfr", 85.0),
        ("2164-2", 5.1, "L/h", "measured_gfr", 85.0),
    ],
)
def test_a_laboratory_value_is_brought_to_its_unit(
    code: str, value: float, charted: str, name: str, expected: float
) -> None:
    (read,) = getattr(chart(observation(code, value, charted, TODAY)), name)

    assert read.value == pytest.approx(expected, rel=1e-3)


@pytest.mark.usefixtures("_asked")
@pytest.mark.parametrize(
    ("code", "value", "charted", "name", "why"),
    [
        ("1751-7", 3.8, "g/L", "albumin", "number or unit is wrong"),
        ("1975-2", 97, "mg/dL", "bilirubin", "number or unit is wrong"),
        ("2164-2", 85, "mL/min/{1.73_m2}", "measured_gfr", "not a unit known here"),
        ("1920-8", 35, "mg/dL", "aspartate_aminotransferase", "not a unit of it"),
        ("33863-2", 12, "nmol/L", "cystatin_c", "not a unit of it"),
        ("751-8", 2500, "10*9/L", "effects", "number or unit is wrong"),
        ("6301-6", 80, "%", "effects", "not a unit of it"),
    ],
)
def test_what_is_in_doubt_is_left_out_and_said(
    code: str, value: float, charted: str, name: str, why: str
) -> None:
    read = chart(observation(code, value, charted, TODAY))

    assert read.effects == ()
    assert name == "effects" or getattr(read, name) == ()
    assert why in said(read, name)[0]


@pytest.mark.usefixtures("_asked")
def test_the_molar_mass_of_a_conversion_is_named_both_ways() -> None:
    read = chart(observation("14631-6", 20.52, "umol/L", TODAY), observation("38476-8", 2.1, "ng/mL", TODAY))

    assert said(read, "bilirubin", "note") == ["bilirubin was converted with a molar mass of 584.66 g/mol"]
    assert "140,000 g/mol" in said(read, "anti_muellerian_hormone", "note")[0]


@pytest.mark.usefixtures("_asked")
@pytest.mark.parametrize(
    "charted",
    [
        {"value": 2.5, "code": "{INR}", "system": "http://unitsofmeasure.org"},
        {"value": 2.5, "unit": "INR"},
        {"value": 2.5},
        {"value": 2.5, "code": "1", "system": "http://unitsofmeasure.org"},
        {"value": 2.5, "unit": "ratio"},
    ],
)
def test_an_inr_needs_no_unit(charted: dict[str, Any]) -> None:
    (effect,) = chart(observation("6301-6", 1, "1", TODAY, valueQuantity=charted)).effects

    assert (effect.name, effect.value) == ("inr", 2.5)


@pytest.mark.usefixtures("_asked")
@pytest.mark.parametrize(("value", "charted"), [(1.8, "10*9/L"), (1.8, "10*3/uL"), (1800, "/uL")])
def test_neutrophils_are_counted_in_billions_a_litre(value: float, charted: str) -> None:
    (effect,) = chart(observation("751-8", value, charted, TODAY)).effects

    assert (effect.name, effect.value) == ("neutrophils", pytest.approx(1.8))


def test_what_the_drug_does_not_ask_for_is_neither_read_nor_spoken_of() -> None:
    read = chart(observation("1751-7", 3.8, "g/L", TODAY), status(SMOKES))

    assert (read.albumin, read.signs, said(read, "albumin")) == ((), (), [])


@pytest.mark.usefixtures("_asked")
def test_smoking_is_a_history_of_what_was_said() -> None:
    read = chart(status(SMOKED), status(SMOKES, "2026-03-01T09:00:00+00:00"), status(UNKNOWN, YESTERDAY))

    assert [(sign.name, sign.present) for sign in read.signs] == [("smoker", True), ("smoker", False)]


@pytest.mark.usefixtures("_asked")
def test_two_statuses_of_one_instant_that_contradict_each_other_say_nothing() -> None:
    read = chart(status(SMOKED), status(SMOKES) | {"id": "another"})

    assert read.signs == ()
    assert '"smokes" and "does not smoke" are both charted' in said(read, "smoker", "conflict")[0]


@pytest.mark.usefixtures("_asked")
@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({"valueString": "Negative"}, False),
        ({"valueString": "POSITIVE"}, True),
        ({"valueCodeableConcept": {"coding": [{"system": SNOMED, "code": "260373001"}]}}, True),
        ({"valueCodeableConcept": {"text": "not detected"}}, False),
        ({"valueQuantity": {"value": 40, "unit": "U/mL"}, "referenceRange": [{"high": {"value": 10}}]}, True),
        (
            {
                "valueQuantity": {"value": 10, "unit": "U/mL", "comparator": "<"},
                "referenceRange": [{"high": {"value": 10, "unit": "U/mL"}}],
            },
            False,
        ),
        ({"valueQuantity": {"value": 4}, "interpretation": [{"coding": [{"code": "POS"}]}]}, True),
    ],
)
def test_antibodies_are_read_where_the_result_is_plain(members: dict[str, Any], found: bool) -> None:
    result = observation("72623-2", 1, "1", TODAY, valueQuantity=None) | members
    sign, findings = antibodies(result)

    assert sign is not None
    assert (sign.name, sign.present, findings) == ("anti_drug_antibodies", found, [])


@pytest.mark.usefixtures("_asked")
@pytest.mark.parametrize(
    "members",
    [
        {"valueQuantity": {"value": 40, "unit": "U/mL"}},
        {
            "valueQuantity": {"value": 40, "unit": "U/mL"},
            "referenceRange": [{"high": {"value": 1, "unit": "ug/mL"}}],
        },
        {"valueString": "weakly positive, repeat"},
        {"valueString": "negative", "interpretation": [{"coding": [{"code": "POS"}]}]},
    ],
)
def test_antibodies_in_doubt_are_left_out_and_said(members: dict[str, Any]) -> None:
    result = observation("72623-2", 1, "1", TODAY, valueQuantity=None) | members
    sign, (finding,) = antibodies(result)

    assert sign is None
    assert (finding.kind, finding.about) == ("excluded", "anti_drug_antibodies")
    assert "antibodies against infliximab" in finding.detail


@pytest.mark.usefixtures("_asked")
def test_antibodies_against_another_drug_are_not_this_one_s() -> None:
    result = observation("74116-5", 1, "1", TODAY, valueQuantity=None, valueString="positive")

    assert antibodies(result) == (None, [])


@pytest.mark.usefixtures("_asked")
@pytest.mark.parametrize(
    ("born", "weeks"), [("2026-11-01", 29.0), ("2024-11-24", 29.0), ("1990-05-05", None)]
)
def test_gestation_is_that_of_an_infant_not_of_a_mother(born: str, weeks: float | None) -> None:
    read = chart(patient(birthDate=born), observation("11884-4", 29, "wk", "2026-11-02T06:00:00+00:00"))

    assert read.gestational_age_weeks == weeks


@pytest.mark.usefixtures("_asked")
def test_two_gestations_that_differ_by_more_than_a_week_are_a_contradiction() -> None:
    read = chart(
        patient(birthDate="2026-11-01"),
        observation("11884-4", 29, "wk", "2026-11-02T06:00:00+00:00"),
        observation("18185-9", 217, "d", "2026-11-03T06:00:00+00:00"),
    )

    assert read.gestational_age_weeks is None
    assert said(read, "gestational_age", "conflict") == [
        "29 and 31 weeks are charted as gestational age; neither was used"
    ]


def test_an_mic_is_read_and_the_higher_of_two_within_a_dilution_counts() -> None:
    one, two = observation("524-9", 1, "ug/mL", TODAY), observation("524-9", 0.5, "mg/L", YESTERDAY)

    assert chart(one).mic_mg_L == 1.0
    assert chart(one, two).mic_mg_L == 1.0


def test_mics_of_different_pathogens_and_of_resistant_ones_are_not_used() -> None:
    one, two = observation("524-9", 1, "ug/mL", TODAY), observation("524-9", 8, "mg/L", YESTERDAY)
    resistant = two | {"interpretation": [{"coding": [{"code": "R"}]}]}

    assert chart(one, two).mic_mg_L is None
    assert "1, 8 mg/L" in said(chart(one, two), "mic", "conflict")[0]
    assert chart(one, resistant).mic_mg_L == 1.0
    assert chart(observation("6652-2", 2, "mg/L", TODAY)).mic_mg_L is None  # meropenem's


def test_every_fact_that_a_drug_asks_for_is_asked_of_the_record() -> None:
    sent = set(re.split(r"[,=&]", "&".join(PREFETCH.values())))
    facts = [name for name, one in analytes().items() if one.role != "level"]
    codes = [*smoking_codes(), *(code for name in facts for code in code_list(name))]

    assert all(code in sent for code in codes)
    for drug in drugs():
        wanted = prefetch.facts_for(drug.drug) & {*COVARIATE_UNITS, *SIGNS}
        about = {name for search in searches() for name in search.about_for(drug.drug)}
        assert wanted <= about


def test_we_ask_only_for_what_the_drug_needs() -> None:
    (labs,) = (search for search in searches() if search.key == "labs")
    asked = dict(labs.query("somebody", NOW, "vancomycin"))["code"]

    assert "2160-0" in asked  # creatinine
    assert "38445-3" not in asked  # calprotectin
    assert "11253-2" not in asked  # tacrolimus
    assert "524-9" in asked  # the MIC of vancomycin
    assert not next(search for search in searches() if search.key == "history").needed_for("tacrolimus")
