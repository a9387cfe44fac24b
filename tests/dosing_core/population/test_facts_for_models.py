"""What a model may ask of a patient, from the case's facts to the values that its equations read."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from datasets import simple_model
from patients import NOW, ago, case, dose, has, once, sign, taken, typed
from pydantic import ValidationError

from dosing_core.case import COVARIATE_UNITS, Case, Measurement, Phenotype, Regimen, Subject
from dosing_core.population.bind import Bound, bind
from dosing_core.population.covariate import Covariate
from dosing_core.population.quantity import QUANTITIES
from dosing_core.population.readings import READERS, read_now

CL = 0


def _bound(subject_of: Case, **covariate: Any) -> Bound:
    """A model whose clearance is the covariate plus 1 L/h."""
    model = simple_model(
        covariates={"X": covariate}, equations=[["CL", "1+X"], ["V", "thV"], ["ka", "thka"]], typical_check=[]
    )
    return bind(model, subject_of)


def _values(bound: Bound) -> list[float]:
    """The covariate a row of time, of the only hypothesis."""
    (hypothesis,) = bound.hypotheses
    return [float(value) - 1.0 for value in hypothesis.individual.typical[:, CL]]


def _value(quantity: str, subject_of: Case, **options: Any) -> float:
    unit = options.pop("unit", QUANTITIES[quantity].unit)
    reading = read_now(Covariate(quantity=quantity, unit=unit, **options), subject_of)
    assert reading is not None
    return reading.value


GROWN = {
    "age_years": 50.0,
    "sex": "female",
    "weight": once(70.0),
    "height": once(170.0),
    "creatinine": once(1.0),
    "cystatin_c": once(1.0),
    "measured_gfr": once(80.0),
}


@pytest.mark.parametrize("name", COVARIATE_UNITS)
def test_every_measured_fact_is_a_timeline_and_a_covariate(name: str) -> None:
    asked = case(**{name: (*once(2.0, 48), *once(3.0, 2))})

    assert [one.value for one in asked.subject.timeline(name)] == [2.0, 3.0]
    assert _value(name, asked) == 3.0
    assert _bound(case(), quantity=name, unit=COVARIATE_UNITS[name]).missing == (name,)


def test_a_case_written_before_a_fact_was_known_here_is_still_read() -> None:
    written = json.loads(case(creatinine=once(1.0)).to_bytes())
    old = {key: value for key, value in written["subject"].items() if key not in ("bilirubin", "signs")}

    assert Subject.model_validate(old).creatinine == once(1.0)
    with pytest.raises(ValidationError, match="shoe_size"):
        Subject.model_validate({**old, "shoe_size": []})


def test_a_timeline_out_of_order_is_refused() -> None:
    with pytest.raises(ValidationError, match="bilirubin"):
        Subject(bilirubin=(*once(1.0, 2), *once(1.0, 5)))


def test_every_computed_quantity_has_a_reader_and_every_reader_a_quantity() -> None:
    assert {name for name, row in QUANTITIES.items() if row.kind == "computed"} == set(READERS)


@pytest.mark.parametrize(
    ("quantity", "options", "expected"),
    [
        # By hand from the equations; CKD-EPI also as the NKF calculator rounds them.
        ("egfr", {"equation": "ckd_epi_2021"}, 142 * (1 / 0.7) ** -1.2 * 0.9938**50 * 1.012),
        (
            "egfr",
            {"equation": "ckd_epi_2021_creatinine_cystatin_c"},
            135 * (1 / 0.7) ** -0.544 * (1 / 0.8) ** -0.778 * 0.9961**50 * 0.963,
        ),
        ("egfr", {"equation": "ckd_epi_2012_cystatin_c"}, 133 * (1 / 0.8) ** -1.328 * 0.9962**50 * 0.932),
        ("egfr", {"equation": "ekfc"}, 107.3 * (1 / 0.7) ** -1.132 * 0.99**10),
        ("egfr", {"equation": "measured", "surface": "mosteller"}, 80 * 1.73 / math.sqrt(70 * 170 / 3600)),
        ("glomerular_filtration", {"equation": "measured"}, 80.0),
        (
            "glomerular_filtration",
            {"equation": "ckd_epi_2021", "surface": "haycock"},
            142 * (1 / 0.7) ** -1.2 * 0.9938**50 * 1.012 * 0.024265 * 70**0.5378 * 170**0.3964 / 1.73,
        ),
        ("body_surface_area", {}, 0.007184 * 70**0.425 * 170**0.725),
        ("body_surface_area", {"surface": "mosteller"}, math.sqrt(70 * 170 / 3600)),
        ("lean_body_mass", {}, 1.07 * 70 - 148 * (70 / 170) ** 2),
        ("ideal_body_weight", {}, 45.5 + 2.3 * (170 / 2.54 - 60)),
        (
            "adjusted_body_weight",
            {},
            0.6 * (45.5 + 2.3 * (170 / 2.54 - 60)) + 0.4 * 70,
        ),
        ("male", {}, 0.0),
    ],
)
def test_computed_quantities_are_what_their_equations_say(
    quantity: str, options: dict[str, Any], expected: float
) -> None:
    assert _value(quantity, case(**GROWN), **options) == pytest.approx(expected, rel=1e-5)


def test_children_have_their_own_equations_of_the_kidney() -> None:
    child = case(age_years=10.0, sex="male", height=once(140.0), creatinine=once(0.5))

    assert _value("egfr", child, equation="bedside_schwartz") == pytest.approx(0.413 * 140 / 0.5)
    k = 39.0 * 1.008 ** (10 - 12)
    assert _value("egfr", child, equation="ckid_u25") == pytest.approx(k * 1.40 / 0.5)
    assert read_now(Covariate(quantity="egfr", unit="mL/min/1.73m2", equation="ckd_epi_2021"), child) is None


def test_an_equation_of_the_kidney_asks_only_for_its_own_facts() -> None:
    cystatin = {"quantity": "egfr", "unit": "mL/min/1.73m2", "equation": "ckd_epi_2012_cystatin_c"}

    assert _bound(case(age_years=50.0, sex="male", creatinine=once(1.0)), **cystatin).missing == (
        "cystatin_c",
    )
    assert _bound(case(age_years=50.0, sex="male", cystatin_c=once(1.0)), **cystatin).missing == ()


def test_a_patient_beyond_the_equation_of_the_kidney_is_beyond_the_model() -> None:
    adult_only = {"quantity": "egfr", "unit": "mL/min/1.73m2", "equation": "ckd_epi_2021"}
    bound = _bound(case(age_years=5.0, sex="male", creatinine=once(0.4)), **adult_only)

    assert bound.hypotheses == ()
    assert "holds from 18 years" in bound.beyond_validity[0]


def test_postmenstrual_age_is_gestation_and_life_since_and_grows_with_time() -> None:
    newborn = case(dose(72), age_years=10 / 365.25, gestational_age_weeks=30.0)
    bound = _bound(newborn, quantity="postmenstrual_age", unit="weeks")

    # Ten days old now; three days ago seven: rows of a day with the value of their middle, then tomorrow's,
    # as doses to come act on tomorrow's kidneys.
    assert _values(bound) == pytest.approx([30 + days / 7 for days in (7.5, 8.5, 9.5, 11.0)])


def test_a_young_child_without_a_gestational_age_has_no_postmenstrual_age() -> None:
    pma = {"quantity": "postmenstrual_age", "unit": "weeks"}

    assert _bound(case(age_years=0.5), **pma).missing == ("gestational_age",)
    assert _values(_bound(case(age_years=2.0), **pma)) == pytest.approx([40 + (2 * 365.25 + 1) / 7])


def test_another_drug_counts_while_it_is_taken() -> None:
    asked = case(
        dose(100), co_medications=(taken("Rifampicin 600 mg", since=60, until=30),), co_medications_read=True
    )
    bound = _bound(asked, quantity="taking", unit="0/1", drugs=["rifampicin", "phenytoin"])

    assert bound.hypotheses[0].individual.row_time.tolist() == [-math.inf, -60, -30]
    assert _values(bound) == [0.0, 1.0, 0.0]
    assert bound.used[-1].value == "not taken now"


def test_a_drug_that_starts_within_two_days_counts_for_the_future() -> None:
    asked = case(dose(10), co_medications=(taken("rifampicin", since=-24),), co_medications_read=True)

    assert _values(_bound(asked, quantity="taking", unit="0/1", drugs=["rifampicin"])) == [0.0, 1.0]


def test_a_list_that_was_not_read_says_nothing_of_other_drugs() -> None:
    asked = {"quantity": "taking", "unit": "0/1", "drugs": ["rifampicin"]}

    assert _bound(case(), **asked).missing == ("medication list",)
    assert _values(_bound(case(co_medications_read=True), **asked)) == [0.0]
    listed = case(co_medications=(taken("rifampicin"),))
    assert _values(_bound(listed, **asked)) == [1.0]


def test_the_daily_dose_of_other_drugs_is_summed() -> None:
    asked = {
        "quantity": "co_medication_daily_dose",
        "unit": "mg/day",
        "drugs": ["valproate", "valproic acid"],
    }
    both = (taken("sodium valproate", 500), taken("valproic acid", 250))

    assert _values(_bound(case(co_medications=both, co_medications_read=True), **asked)) == [750.0]
    unreadable = case(co_medications=(taken("valproic acid"),), co_medications_read=True)
    assert _bound(unreadable, **asked).missing == ("daily dose of valproate or valproic acid",)


def test_a_condition_counts_from_its_onset_and_is_absent_where_it_is_not_on_record() -> None:
    asked = {"quantity": "condition", "unit": "0/1", "condition": "heart_failure"}

    assert _values(_bound(case(dose(50), conditions=(has("heart_failure", 20),)), **asked)) == [0.0, 1.0]
    assert _values(_bound(case(conditions=(has("sepsis"),)), **asked)) == [0.0]


def test_smoking_is_what_was_last_said_and_unknown_where_nobody_asked() -> None:
    asked = {"quantity": "smoker", "unit": "0/1"}
    stopped = case(dose(200), signs=(sign("smoker", True, 100), sign("smoker", False, 40)))

    assert _values(_bound(stopped, **asked)) == [1.0, 0.0]
    assert _bound(case(), **asked).missing == ("smoking status",)


@pytest.mark.parametrize(
    ("diplotype", "expected"),
    [("*1/*3", 0.8), ("*3/*1", 0.8), ("CYP2C9 *1|*3", 0.8), ("*3/*3", 0.3), ("*1/*1", 1.0)],
)
def test_a_genotype_is_read_by_diplotype_in_either_order_and_else_by_phenotype(
    diplotype: str, expected: float
) -> None:
    # CPIC: *3/*3 of CYP2C9 is a poor metabolizer, *1/*1 a normal one.
    values = {"*1/*3": 0.8, "Poor Metabolizer": 0.3, "Normal Metabolizer": 1.0}
    asked = case(genotypes=(typed("CYP2C9", diplotype),))

    assert _value("genotype", asked, unit="factor", gene="CYP2C9", values=values) == expected


def test_a_reported_phenotype_is_read_where_the_model_tells_phenotypes_apart() -> None:
    poor = (Phenotype(gene="CYP2C9", phenotype="Poor Metabolizer", source="Observation/4"),)
    asked = {"quantity": "genotype", "unit": "factor", "gene": "CYP2C9"}
    by_phenotype = asked | {"values": {"Poor Metabolizer": 0.3, "Normal Metabolizer": 1.0}}

    assert _values(_bound(case(phenotypes=poor), **by_phenotype)) == pytest.approx([0.3])
    assert _bound(case(phenotypes=poor, genotypes=(typed("CYP2C9", "*1/*1"),)), **by_phenotype).missing == (
        "CYP2C9 genotype",
    )
    by_diplotype = asked | {"values": {"*1/*1": 1.0, "*1/*3": 0.6}}
    assert _bound(case(phenotypes=poor), **by_diplotype).missing == ("CYP2C9 genotype",)
    both = case(phenotypes=poor, genotypes=(typed("CYP2C9", "*1/*3"),))
    assert _values(_bound(both, **by_diplotype)) == pytest.approx([0.6])


def test_a_genotype_that_the_model_has_no_value_for_is_unknown() -> None:
    asked = {
        "quantity": "genotype",
        "unit": "factor",
        "gene": "CYP2C9",
        "values": {"*1/*1": 1.0, "*1/*3": 0.6},
    }

    assert _bound(case(genotypes=(typed("CYP2C9", "*1/*2"),)), **asked).missing == ("CYP2C9 genotype",)
    contradictory = (typed("CYP2C9", "*1/*1"), typed("CYP2C9", "*1/*3"))
    assert _bound(case(genotypes=contradictory), **asked).missing == ("CYP2C9 genotype",)


def test_what_is_supposed_of_an_unknown_fact_is_named() -> None:
    asked = {"quantity": "albumin", "unit": "g/L", "when_unknown": 40.0, "source": "the cohort's median"}
    bound = _bound(case(), **asked)

    assert (bound.missing, _values(bound)) == ((), [40.0])
    assert [one.text for one in bound.assumptions] == [
        "Albumin not known; supposed: 40 g/L (the cohort's median)"
    ]
    known = _bound(case(albumin=once(28.0)), **asked)
    assert (_values(known), known.assumptions) == ([28.0], ())


def test_an_unknown_fact_of_few_values_becomes_hypotheses_that_levels_can_decide() -> None:
    asked = {
        "quantity": "anti_drug_antibodies",
        "unit": "0/1",
        "unknown_mixture": [[0.0, 0.9], [1.0, 0.1]],
        "source": "a tenth of the cohort",
    }
    bound = _bound(case(), **asked)

    assert [(one.probability, one.name) for one in bound.hypotheses] == [
        (0.9, "no antibodies found"),
        (0.1, "antibodies found"),
    ]
    np.testing.assert_allclose([one.individual.typical[0, CL] for one in bound.hypotheses], [1.0, 2.0])
    found = _bound(case(signs=(sign("anti_drug_antibodies", True),)), **asked)
    assert _values(found) == [1.0]


def test_time_since_the_first_dose_grows_in_steps_of_a_tenth_and_stays_from_now_on() -> None:
    values = _values(_bound(case(dose(100), dose(4)), quantity="time_since_first_dose", unit="h"))

    assert values[:3] == pytest.approx([3.0, 9.0, 15.0])
    assert values[-1] == 100.0
    assert values == sorted(values)


def test_the_daily_dose_is_as_given_before_now_and_as_ordered_from_now_on() -> None:
    given = [dose(hours, mg) for hours, mg in [(h, 200) for h in range(240, 96, -12)]]
    given += [dose(h, 400) for h in range(96, 0, -12)]
    ordered = Regimen(dose_mg=300, interval_h=12, route="oral")
    bound = _bound(case(*given, ordered=ordered), quantity="daily_dose", unit="mg/day")

    assert _values(bound) == pytest.approx([400.0, 800.0, 600.0])
    assert bound.hypotheses[0].individual.row_time.tolist() == [-math.inf, -96, 0]
    assert any("daily dose" in note for note in bound.notes)


def test_a_daily_dose_that_nothing_tells_is_missing() -> None:
    assert _bound(case(dose(5)), quantity="daily_dose", unit="mg/day").missing == ("daily_dose",)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"quantity": "bilirubine", "unit": "mg/dL"}, "no quantity is called 'bilirubine'"),
        ({"quantity": "bilirubin", "unit": "umol/L"}, "supplied in mg/dL"),
        ({"quantity": "egfr", "unit": "mL/min/1.73m2"}, "which equation"),
        (
            {"quantity": "egfr", "unit": "mL/min/1.73m2", "equation": "cockcroft_gault"},
            "clearance, not a filtration",
        ),
        ({"quantity": "creatinine_clearance", "unit": "mL/min"}, "which weight"),
        ({"quantity": "taking", "unit": "0/1"}, "which drugs"),
        ({"quantity": "taking", "unit": "0/1", "drugs": ["Rifampicin"]}, "pattern"),
        ({"quantity": "condition", "unit": "0/1", "condition": "flu"}, "heart_failure"),
        ({"quantity": "weight", "unit": "kg", "drugs": ["rifampicin"]}, "does not belong to weight"),
        ({"quantity": "albumin", "unit": "g/L", "when_unknown": 40.0}, "source"),
        ({"quantity": "smoker", "unit": "0/1", "when_unknown": 0.5, "source": "s"}, "neither 0 nor 1"),
        (
            {"quantity": "smoker", "unit": "0/1", "unknown_mixture": [[0, 0.5], [1, 0.4]], "source": "s"},
            "sum to 1",
        ),
    ],
)
def test_a_covariate_that_contradicts_itself_does_not_load(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Covariate.from_bytes(json.dumps(fields))


def test_a_limit_of_something_that_can_be_had_in_several_ways_needs_a_covariate_that_says_how() -> None:
    limit = {"quantity": "egfr", "low": 30, "kind": "validity", "source": "s"}

    with pytest.raises(ValidationError, match="says its equation"):
        simple_model(population={"description": "d", "subjects": 1, "limits": [limit]})


def test_a_measured_fact_of_the_future_is_not_known_yet() -> None:
    later = (Measurement(value=1.0, time=ago(-5), source="o"),)

    assert _bound(case(bilirubin=later), quantity="bilirubin", unit="mg/dL").missing == ("bilirubin",)
    assert later[0].time > NOW
