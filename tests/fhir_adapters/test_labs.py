"""Reading measurements: the unit counts, the state counts, the time counts; doubt leaves a finding."""

from __future__ import annotations

from typing import Any

import pytest
from charting import (
    CREATININE,
    HAEMATOCRIT,
    HEIGHT,
    NOW,
    PATIENT,
    TACROLIMUS_TROUGH,
    VANCOMYCIN_LEVEL,
    WEIGHT,
    observation,
    prefetched,
)

from fhir_adapters.chart import PatientChart
from fhir_adapters.gather import gather

TODAY = "2026-11-24T06:00:00+00:00"


def chart(*resources: dict[str, Any], drug: str = "vancomycin") -> PatientChart:
    return gather(PATIENT, drug, prefetched(*resources), None, NOW)


def drug_that_asks(name: str) -> str:
    """Of the facts here only the haematocrit is read for some drugs alone."""
    return "tacrolimus" if name == "haematocrit" else "vancomycin"


def about(read: PatientChart, name: str, *kinds: str) -> list[str]:
    return [f.detail for f in read.findings if f.about == name and (not kinds or f.kind in kinds)]


@pytest.mark.parametrize(
    ("code", "value", "unit", "name", "expected"),
    [
        (CREATININE, 1.4, "mg/dL", "creatinine", 1.4),
        (CREATININE, 14, "mg/L", "creatinine", 1.4),
        # 1 mg/dL = 10 mg/L = 10 / 113.12 mmol/L = 88.40 µmol/L
        (CREATININE, 88.40, "umol/L", "creatinine", 1.0),
        (CREATININE, 0.0884, "mmol/L", "creatinine", 1.0),
        (WEIGHT, 80, "kg", "weight", 80.0),
        (WEIGHT, 80000, "g", "weight", 80.0),
        (WEIGHT, 176.37, "[lb_av]", "weight", 80.0),
        (HEIGHT, 178, "cm", "height", 178.0),
        (HEIGHT, 1.78, "m", "height", 178.0),
        (HEIGHT, 70, "[in_i]", "height", 177.8),
        (HAEMATOCRIT, 33, "%", "haematocrit", 33.0),
        (HAEMATOCRIT, 0.33, "L/L", "haematocrit", 33.0),
        (HAEMATOCRIT, 0.33, "1", "haematocrit", 33.0),
    ],
)
def test_a_value_is_brought_to_its_unit(
    code: str, value: float, unit: str, name: str, expected: float
) -> None:
    (read,) = getattr(chart(observation(code, value, unit, TODAY), drug=drug_that_asks(name)), name)

    assert read.value == pytest.approx(expected, rel=1e-4)
    assert read.source == f"Observation/o-{code}-2026-11-24T0600"


@pytest.mark.parametrize(
    ("drug", "code", "value", "unit", "mg_per_litre"),
    [
        ("vancomycin", VANCOMYCIN_LEVEL, 16.8, "mg/L", 16.8),
        ("vancomycin", VANCOMYCIN_LEVEL, 16.8, "ug/mL", 16.8),
        ("vancomycin", VANCOMYCIN_LEVEL, 11.6, "umol/L", 16.81),  # × 1,449.3 g/mol
        ("tacrolimus", TACROLIMUS_TROUGH, 4.1, "ng/mL", 0.0041),
        ("tacrolimus", TACROLIMUS_TROUGH, 4.1, "ug/L", 0.0041),
        ("tacrolimus", TACROLIMUS_TROUGH, 5.1, "nmol/L", 0.0041),  # × 804.02 g/mol
    ],
)
def test_a_level_is_brought_to_mg_per_litre(
    drug: str, code: str, value: float, unit: str, mg_per_litre: float
) -> None:
    (level,) = chart(observation(code, value, unit, TODAY), drug=drug).levels

    assert level.value == pytest.approx(mg_per_litre, rel=1e-3)


def test_an_amount_of_substance_names_its_molar_mass() -> None:
    """A mass LOINC with µmol/L: the unit is trusted, and the reader of the card can check the conversion."""
    (note,) = about(chart(observation(VANCOMYCIN_LEVEL, 11.6, "umol/L", TODAY)), "levels", "note")

    assert "1,449.3 g/mol" in note
    assert "11.6 umol/L" in note
    assert "16.8 mg/L" in note


def test_a_converted_level_is_shown_in_the_unit_of_its_clinicians() -> None:
    """5.1 nmol/L × 804.02 g/mol = 4.10 ng/mL; as mg/L it would read 0.0041."""
    read = chart(observation(TACROLIMUS_TROUGH, 5.1, "nmol/L", TODAY), drug="tacrolimus")

    assert "4.1 ng/mL" in about(read, "levels", "note")[0]


def test_a_laboratory_that_reports_micromoles_is_remarked_upon_once() -> None:
    days = [f"2026-11-{day}T06:00:00Z" for day in range(10, 24)]
    read = chart(*(observation("14682-9", 80 + n, "umol/L", day) for n, day in enumerate(days)))

    assert len(read.creatinine) == len(days)
    assert about(read, "creatinine") == ["creatinine was converted with a molar mass of 113.12 g/mol"]


@pytest.mark.parametrize(
    ("code", "value", "unit", "name"),
    [
        (CREATININE, 97, "mg/dL", "creatinine"),
        (WEIGHT, 0.08, "kg", "weight"),
        (HEIGHT, 1.78, "cm", "height"),
        (HAEMATOCRIT, 0.33, "%", "haematocrit"),
    ],
)
def test_what_cannot_be_true_is_left_out(code: str, value: float, unit: str, name: str) -> None:
    read = chart(observation(code, value, unit, TODAY), drug=drug_that_asks(name))

    assert getattr(read, name) == ()
    assert "number or unit is wrong" in about(read, name, "excluded")[0]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"status": "entered-in-error"}, 'status is "entered-in-error"'),
        ({"status": "preliminary"}, 'status is "preliminary"'),
        ({"status": "cancelled"}, 'status is "cancelled"'),
        ({"status": None}, "no status"),
        ({"valueQuantity": {"value": 5, "code": "mg/L", "comparator": "ad"}}, "a bound"),
        ({"valueQuantity": None, "valueString": "<2.0 mcg/mL"}, 'text, "<2.0 mcg/mL"'),
        ({"valueQuantity": None, "dataAbsentReason": {"text": "hemolysed"}}, "absent"),
        ({"valueQuantity": {"value": 14, "unit": "arb. units", "code": "[arb'U]"}}, "arb. units"),
        ({"valueQuantity": {"value": 14}}, "no unit"),
        ({"valueQuantity": {"value": 14, "code": "mg"}}, "not a unit of it"),
        ({"valueQuantity": {"value": 0, "code": "mg/L"}}, "not above zero"),
        ({"valueQuantity": {"value": 5e-324, "code": "ng/L"}}, "not above zero"),
        ({"effectiveDateTime": "2026-11-24"}, "without hour or time zone"),
        ({"effectiveDateTime": "2026-11-24T06:00:00"}, "without hour or time zone"),
        ({"effectiveDateTime": None}, "no usable time"),
        ({"effectiveDateTime": "2026-11"}, "no usable time"),
        ({"effectiveDateTime": "2026-11-24T09:30:00Z"}, "future"),
        ({"issued": "2026-11-24T05:00:00Z"}, "older than the sample"),
        ({"subject": {"reference": "Patient/somebody-else"}}, "another patient"),
        ({"subject": None}, "whose it is"),
        (
            {"effectiveDateTime": None, "effectivePeriod": {"start": "2026-11-24T01:00:00Z", "end": TODAY}},
            "no usable time",
        ),
    ],
)
def test_a_level_in_doubt_is_left_out_and_that_is_said(change: dict[str, Any], why: str) -> None:
    read = chart(observation(VANCOMYCIN_LEVEL, 14, "mg/L", TODAY, **change))

    assert read.levels == ()
    assert [detail for detail in about(read, "levels", "excluded") if why in detail]


@pytest.mark.parametrize("status", ["final", "amended", "corrected"])
def test_final_states_count(status: str) -> None:
    assert len(chart(observation(VANCOMYCIN_LEVEL, 14, "mg/L", TODAY, status=status)).levels) == 1


def test_what_the_laboratory_calls_a_trough_is_kept_as_a_claim() -> None:
    (level,) = chart(observation(TACROLIMUS_TROUGH, 5, "ng/mL", TODAY), drug="tacrolimus").levels

    assert level.charted_as == "trough"


def test_levels_of_another_drug_are_not_read() -> None:
    assert chart(observation(VANCOMYCIN_LEVEL, 14, "mg/L", TODAY), drug="tacrolimus").levels == ()


def test_a_bare_date_is_enough_for_a_weight_and_is_said() -> None:
    read = chart(observation(WEIGHT, 80, "kg", "2026-11-23"))

    assert read.weight[0].time.isoformat() == "2026-11-23T12:00:00+00:00"
    assert "without hour" in about(read, "weight", "note")[0]


def test_todays_date_is_not_in_the_future() -> None:
    """Noon is later than now (09:00), yet the weight of today was taken before now."""
    assert chart(observation(WEIGHT, 80, "kg", "2026-11-24")).weight[0].time == NOW


def test_one_level_sent_twice_counts_once() -> None:
    """Two feeds bring the same result under two ids: counted twice it would look twice as certain."""
    twice = observation(VANCOMYCIN_LEVEL, 14, "mg/L", TODAY, id="second")

    assert len(chart(observation(VANCOMYCIN_LEVEL, 14, "ug/mL", TODAY), twice).levels) == 1


def test_two_values_of_one_instant_that_nearly_agree_are_one_measurement() -> None:
    """Two scales, or a rounded copy of a result: 80 and 80.4 kg contradict nobody."""
    read = chart(observation(WEIGHT, 80, "kg", TODAY), observation(WEIGHT, 80.4, "kg", TODAY, id="second"))

    assert len(read.weight) == 1
    assert about(read, "weight") == []


def test_two_levels_of_one_instant_that_differ_are_both_left_out() -> None:
    other = observation(VANCOMYCIN_LEVEL, 28, "mg/L", TODAY, id="second")
    read = chart(observation(VANCOMYCIN_LEVEL, 14, "mg/L", TODAY), other)

    assert read.levels == ()
    assert "14 mg/L and 28 mg/L" in about(read, "levels", "conflict")[0]


def test_contradictory_weights_leave_no_weight() -> None:
    """80 lb is 36 kg: one of the two is a unit error, and the record does not say which."""
    read = chart(
        observation(WEIGHT, 36, "kg", "2026-11-23T14:10:00Z"),
        observation(WEIGHT, 80, "kg", "2026-11-24T07:05:00Z"),
    )

    assert read.weight == ()
    (conflict,) = about(read, "weight")
    assert "36 kg" in conflict
    assert "80 kg" in conflict


@pytest.mark.parametrize(
    ("before", "when"),
    [(74, "2026-11-22T07:00:00Z"), (80, "2026-11-01T07:00:00Z"), (150, "2026-08-01T07:00:00Z")],
)
def test_a_weight_may_change_within_reason(before: float, when: str) -> None:
    """Fluid moves a weight by some kilograms in days; over months a patient may lose half of it."""
    read = chart(
        observation(WEIGHT, before, "kg", when), observation(WEIGHT, 80, "kg", "2026-11-24T07:05:00Z")
    )

    assert len(read.weight) == 2


def test_height_in_inches_charted_as_centimetres_is_a_contradiction() -> None:
    read = chart(
        observation(HEIGHT, 70, "cm", "2026-11-20T07:00:00Z"),
        observation(HEIGHT, 178, "cm", "2026-11-24T07:00:00Z"),
    )

    assert read.height == ()
    assert about(read, "height", "conflict")


def test_a_stated_weight_is_used_and_named() -> None:
    read = chart(observation("3142-7", 80, "kg", TODAY))

    assert len(read.weight) == 1
    assert "stated, not measured" in about(read, "weight", "note")[0]


@pytest.mark.parametrize("code", ["79348-9", "50064-5", "8339-4", "8340-2"])
def test_weights_that_the_patient_does_not_have_are_not_read(code: str) -> None:
    """Dosing, ideal, birth and dry weight."""
    assert chart(observation(code, 80, "kg", TODAY)).weight == ()


def test_values_come_in_order_of_time_whatever_the_server_chose() -> None:
    earlier, later = (
        observation(CREATININE, v, "mg/dL", t) for v, t in ((0.8, "2026-11-22T06:00:00Z"), (1.9, TODAY))
    )

    assert chart(later, earlier).creatinine == chart(earlier, later).creatinine
    assert [one.value for one in chart(later, earlier).creatinine] == [0.8, 1.9]


def test_old_values_are_gaps_that_are_named() -> None:
    read = chart(observation(CREATININE, 1.0, "mg/dL", "2026-07-01T06:00:00Z"))

    assert read.creatinine == ()
    assert about(read, "creatinine", "missing") == ["no creatinine on record in 90 days"]


def limited(comparator: str, value: float, unit: str = "mg/L", **members: Any) -> dict[str, Any]:
    """A vancomycin level as a limit of the assay."""
    number = {"value": value, "unit": unit, "code": unit, "comparator": comparator}
    return observation(VANCOMYCIN_LEVEL, value, unit, TODAY) | {"valueQuantity": number} | members


@pytest.mark.parametrize(
    ("comparator", "limit"), [(">", "above"), (">=", "above"), ("<", "below"), ("<=", "below")]
)
def test_a_level_beyond_the_assay_s_range_is_kept_as_a_limit(comparator: str, limit: str) -> None:
    """Above 80 mg/L nobody should give the next dose; to leave the level out would be to dose on."""
    (level,) = chart(limited(comparator, 80)).levels

    assert (level.value, level.limit, level.charted) == (80.0, limit, f"{comparator}80 mg/L")


def test_a_limit_is_brought_to_mg_per_litre_too() -> None:
    """55.2 µmol/L × 1,449.3 g/mol = 80.0 mg/L."""
    (level,) = chart(limited(">", 55.2, "umol/L")).levels

    assert level.value == pytest.approx(80.0, rel=1e-3)
    assert level.limit == "above"


def test_a_limit_of_anything_but_a_level_is_left_out() -> None:
    bound = {"value": 0.2, "unit": "mg/dL", "code": "mg/dL", "comparator": "<"}
    read = chart(observation(CREATININE, 0.2, "mg/dL", TODAY, valueQuantity=bound))

    assert read.creatinine == ()
    assert "a bound" in about(read, "creatinine", "excluded")[0]


@pytest.mark.parametrize(
    ("one", "other", "kept"),
    [
        ((">", 80), (">", 100), [(100, "above")]),
        (("<", 5), ("<", 2), [(2, "below")]),
        ((">", 10), ("<", 50), [(10, "above"), (50, "below")]),
    ],
)
def test_of_two_limits_of_one_instant_the_narrower_stays(
    one: tuple[str, float], other: tuple[str, float], kept: list[tuple[float, str]]
) -> None:
    read = chart(limited(*one, id="a"), limited(*other, id="b"))

    assert [(level.value, level.limit) for level in read.levels] == kept


def test_a_value_that_agrees_with_a_limit_says_more() -> None:
    read = chart(limited(">", 80, id="a"), observation(VANCOMYCIN_LEVEL, 93, "mg/L", TODAY, id="b"))

    assert [(level.value, level.limit) for level in read.levels] == [(93, "exact")]
    assert about(read, "levels") == []


def test_a_passed_limit_stays_even_if_another_value_contradicts_it() -> None:
    """Until somebody has settled it, more than 80 mg/L may be true."""
    read = chart(limited(">", 80, id="a"), observation(VANCOMYCIN_LEVEL, 12, "mg/L", TODAY, id="b"))

    assert [(level.value, level.limit) for level in read.levels] == [(80, "above")]
    assert ">80 mg/L" in about(read, "levels", "conflict")[0]


def build(kg: list[float], cm: float) -> PatientChart:
    days = [f"2026-11-{20 + n}T06:00:00Z" for n in range(len(kg))]
    weights = [observation(WEIGHT, value, "kg", day) for value, day in zip(kg, days, strict=True)]
    return chart(*weights, observation(HEIGHT, cm, "cm", TODAY))


def test_pounds_charted_as_kilograms_do_not_fit_the_height() -> None:
    """81 kg are 178.6 lb; 178.6 kg at 1.76 m would be 58 kg/m²."""
    read = build([178.6], 176)

    assert read.weight == ()
    assert "58 kg/m²" in about(read, "weight", "conflict")[0]


@pytest.mark.parametrize(
    ("kg", "cm", "used"),
    [
        ([160], 175, True),  # 52 kg/m²
        ([178.6, 177], 176, True),  # confirmed
        ([220, 221], 176, False),  # 71 kg/m²
        ([36], 175, False),  # 11.8 kg/m²
    ],
)
def test_a_heavy_person_is_believed_if_the_weight_is_confirmed(
    kg: list[float], cm: float, used: bool
) -> None:
    assert bool(build(kg, cm).weight) is used
