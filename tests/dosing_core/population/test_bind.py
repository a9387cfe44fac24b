"""A model brought to a patient: the right value at the right time, and nothing filled in silently."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from dosing_core.case import Case, CoMedication, Condition, Dose, Genotype, Level, Measurement, Order, Subject
from dosing_core.library import load_drug
from dosing_core.population.bind import Bound, bind
from dosing_core.population.individual import PARAMETERS

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
GOTI = load_drug("vancomycin").model
STORSET = load_drug("tacrolimus").model
CL, V1, Q, V2, KA, TLAG, F = range(len(PARAMETERS))


def _hours(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


def _measured(*points: tuple[float, float]) -> tuple[Measurement, ...]:
    return tuple(
        Measurement(value=value, time=_hours(hours), source=f"Observation/{hours:g}")
        for hours, value in points
    )


def _case(drug: str, first_dose: float | None = None, **subject: Any) -> Case:
    route = "iv" if drug == "vancomycin" else "oral"
    doses: tuple[Dose, ...] = ()
    if first_dose is not None:
        doses = (
            Dose(
                time=_hours(first_dose),
                amount_mg=1000 if route == "iv" else 5,
                route="iv" if route == "iv" else "oral",
                duration_h=1 if route == "iv" else 0,
                source="MedicationAdministration/1",
            ),
        )
    return Case(now=NOW, subject=Subject(**subject), order=Order(drug=drug, source="order"), doses=doses)


def _vancomycin(first_dose: float | None = None, **changes: Any) -> Case:
    subject: dict[str, Any] = {
        "age_years": 60,
        "sex": "male",
        "weight": _measured((-20, 80)),
        "creatinine": _measured((-3, 1.0)),
        "source": "Patient/1",
    }
    return _case("vancomycin", first_dose, **(subject | changes))


def _tacrolimus(first_dose: float | None = None, **changes: Any) -> Case:
    subject: dict[str, Any] = {
        "age_years": 48,
        "sex": "male",
        "weight": _measured((-200, 72)),
        "height": _measured((-2000, 176)),
        "haematocrit": _measured((-4, 30)),
        "genotypes": (Genotype(gene="CYP3A5", diplotype="*3/*3", source="Observation/g"),),
        "co_medications": (
            CoMedication(drug="prednisolone", daily_dose_mg=20, source="MedicationRequest/p"),
        ),
        "co_medications_read": True,
        "conditions": (Condition(name="kidney_transplant", time=_hours(-500), source="Condition/t"),),
    }
    return _case("tacrolimus", first_dose, **(subject | changes))


def _fact(bound: Bound, name: str) -> str:
    return next(fact.value for fact in bound.used if fact.name == name)


def test_a_typical_vancomycin_patient() -> None:
    """By hand: Cockcroft–Gault (140 − 60) · 80 / 72 = 88.889 mL/min; (88.889/120)^0.8 = exp(0.8 · −0.300105)
    = 0.786562; CL = 4.5 · that = 3.53953 L/h; V1 = 58.4 · 80/70 = 66.743 L."""
    bound = bind(GOTI, _vancomycin())
    (hypothesis,) = bound.hypotheses
    individual = hypothesis.individual

    assert individual.typical.shape == (1, 7)
    assert individual.row_time[0] == -np.inf
    np.testing.assert_allclose(individual.typical[0], [3.53953, 66.7429, 6.5, 38.4, 1, 0, 1], rtol=1e-5)
    assert individual.eta_names == ("CL", "V1", "V2")
    assert individual.eta_index.tolist() == [0, 1, -1, 2, -1, -1, -1]
    assert individual.eta_acts is None
    assert individual.binding is None
    assert (individual.residual.additive, individual.residual.proportional) == (3.4, 0.227)
    assert (hypothesis.probability, hypothesis.name) == (1.0, "as recorded")
    assert bound.inside_population
    assert (bound.missing, bound.assumptions, bound.notes) == ((), (), ())


def test_used_facts_carry_unit_time_and_source() -> None:
    bound = bind(GOTI, _vancomycin())
    facts = {fact.name: fact for fact in bound.used}

    assert (facts["weight"].value, facts["weight"].source) == ("80 kg", "Observation/-20")
    assert (facts["creatinine"].value, facts["creatinine"].time) == ("1 mg/dL", _hours(-3))
    assert (facts["age"].value, facts["age"].source) == ("60 years", "Patient/1")
    assert facts["creatinine clearance"].value == "89 mL/min (Cockcroft–Gault, total body weight)"
    assert facts["creatinine clearance"].source == "Observation/-3"


def test_creatinine_over_time_makes_rows_and_the_last_one_holds_for_the_future() -> None:
    """Creatinine 0.8, 1.3, 1.9 with a first dose at −48 h: by hand CRCL 111.11, 68.376, 46.784 mL/min."""
    case = _vancomycin(first_dose=-48, creatinine=_measured((-60, 0.8), (-30, 1.3), (-3, 1.9)))
    individual = bind(GOTI, case).hypotheses[0].individual

    assert individual.row_time.tolist() == [-np.inf, -30, -3]
    expected = 4.5 * (np.array([111.1111, 68.37607, 46.78363]) / 120) ** 0.8
    np.testing.assert_allclose(individual.typical[:, CL], expected, rtol=1e-6)


def test_what_came_before_the_first_dose_makes_no_row() -> None:
    case = _vancomycin(first_dose=-5, creatinine=_measured((-60, 0.8), (-30, 1.3), (-3, 1.9)))

    assert bind(GOTI, case).hypotheses[0].individual.row_time.tolist() == [-np.inf, -3]


def test_a_level_before_the_first_dose_opens_the_span() -> None:
    case = _vancomycin(first_dose=-5, creatinine=_measured((-60, 0.8), (-30, 1.3)))
    level = Level(time=_hours(-40), value_mg_L=5, source="Observation/l")
    case = case.model_copy(update={"levels": (level,)})

    assert bind(GOTI, case).hypotheses[0].individual.row_time.tolist() == [-np.inf, -30]


def test_rows_that_say_the_same_are_one() -> None:
    """Two equal values, and two that the model's cap at 150 mL/min makes equal, change nothing."""
    case = _vancomycin(first_dose=-48, creatinine=_measured((-60, 0.5), (-30, 0.5), (-3, 0.4)), age_years=30)

    assert bind(GOTI, case).hypotheses[0].individual.row_time.tolist() == [-np.inf]


def test_before_the_first_measurement_the_first_one_holds_and_is_said() -> None:
    bound = bind(GOTI, _vancomycin(first_dose=-48, creatinine=_measured((-3, 1.9))))

    assert bound.hypotheses[0].individual.row_time.tolist() == [-np.inf]
    assert "Before the first creatinine on record, that first value is used." in bound.notes


def test_a_measurement_after_now_is_not_known_yet() -> None:
    bound = bind(GOTI, _vancomycin(creatinine=_measured((2, 1.0))))

    assert bound.missing == ("creatinine",)


@pytest.mark.parametrize(
    ("age", "creatinine", "clearance"),
    [(70, 0.7, 77.7778), (70, 1.2, 64.8148), (64, 0.7, 120.635), (65, 0.7, 119.048)],
)
def test_the_erratum_of_goti_raises_low_creatinine_above_65_only(
    age: float, creatinine: float, clearance: float
) -> None:
    """Erratum PMID 31306395: over 65 years, below 1 mg/dL counts as 1. By hand: 70 · 80 / 72 = 77.78."""
    case = _vancomycin(age_years=age, creatinine=_measured((-3, creatinine)))
    individual = bind(GOTI, case).hypotheses[0].individual

    assert individual.typical[0, CL] == pytest.approx(4.5 * (clearance / 120) ** 0.8, rel=1e-5)


def test_the_erratum_and_the_cap_are_said() -> None:
    old = bind(GOTI, _vancomycin(age_years=70, creatinine=_measured((-3, 0.7))))
    young = bind(GOTI, _vancomycin(age_years=25, creatinine=_measured((-3, 0.5))))

    assert "creatinine 0.7 counted as 1 mg/dL above 65 years" in _fact(old, "creatinine clearance")
    assert _fact(young, "creatinine clearance").startswith("256 mL/min")
    assert _fact(young, "creatinine clearance").endswith("counted as 150 mL/min")


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"weight": ()}, ("weight",)),
        ({"creatinine": ()}, ("creatinine",)),
        ({"age_years": None}, ("age",)),
        ({"sex": None}, ("sex",)),
        ({"weight": (), "creatinine": ()}, ("creatinine", "weight")),
    ],
)
def test_a_missing_fact_is_named_and_nothing_is_computed(
    change: dict[str, Any], missing: tuple[str, ...]
) -> None:
    bound = bind(GOTI, _vancomycin(**change))

    assert bound.missing == missing
    assert bound.hypotheses == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"age_years": 12}, "age 12 years, below 17"),
        ({"weight": _measured((-1, 270))}, "weight 270 kg, above 255"),
        ({"conditions": (Condition(name="crrt", source="c"),)}, "continuous renal replacement"),
    ],
)
def test_beyond_validity_the_model_does_not_speak(change: dict[str, Any], says: str) -> None:
    bound = bind(GOTI, _vancomycin(**change))

    assert says in bound.beyond_validity[0]
    assert bound.hypotheses == ()
    assert not bound.inside_population


def test_outside_what_was_observed_it_speaks_and_says_so() -> None:
    """By hand: 75 y, 50 kg, 12 mg/dL: 65 · 50 / (72 · 12) = 3.76 mL/min; the cohort starts at 4."""
    case = _vancomycin(age_years=75, weight=_measured((-1, 50)), creatinine=_measured((-1, 12)))
    bound = bind(GOTI, case)

    assert bound.outside == ("creatinine clearance 3.762 mL/min, below 4 (cohort, Goti 2018)",)
    assert bound.beyond_validity == ()
    assert len(bound.hypotheses) == 1


def test_a_typical_tacrolimus_patient_in_canonical_units() -> None:
    """By hand: BMI 72/1.76² = 23.2438; FFM 9270 · 72 / (6680 + 216 · 23.2438) = 57.0427 kg; with 20 mg of
    prednisolone F = 1 − 0.67 · 20/55 = 0.756364; capacity 418 · 0.30 = 125.4 µg/L = 0.1254 mg/L."""
    bound = bind(STORSET, _tacrolimus())
    (hypothesis,) = bound.hypotheses
    individual = hypothesis.individual
    size = 57.0427 / 60

    expected = [811 * size**0.75, 6290 * size, 1200 * size**0.75, 32100 * size, 1.01, 0.41, 0.756364]
    np.testing.assert_allclose(individual.typical, [expected], rtol=1e-5)
    assert individual.binding is not None
    np.testing.assert_allclose(individual.binding, [[0.1254, 0.0038]], rtol=1e-12)
    assert individual.structure.depot
    assert individual.eta_names == ("CL", "V1", "Q")
    assert individual.eta_index.tolist() == [0, 1, 2, -1, -1, -1, -1]
    assert bound.inside_population
    assert _fact(bound, "fat-free mass") == "57.0 kg (Janmahasatian)"


def test_an_expresser_clears_more_and_absorbs_less() -> None:
    """Størset 2014 Table 2: 1.30 on clearance, 0.82 on bioavailability."""
    typed = (Genotype(gene="CYP3A5", diplotype="*1/*3", source="Observation/g"),)
    base = bind(STORSET, _tacrolimus()).hypotheses[0].individual.typical[0]
    expresser = bind(STORSET, _tacrolimus(genotypes=typed)).hypotheses[0].individual.typical[0]

    assert expresser[CL] / base[CL] == pytest.approx(1.30)
    assert expresser[F] / base[F] == pytest.approx(0.82)


def test_two_unknowns_make_four_hypotheses_of_equal_weight() -> None:
    bound = bind(STORSET, _tacrolimus(genotypes=(), co_medications=(), co_medications_read=False))

    assert [hypothesis.probability for hypothesis in bound.hypotheses] == [0.25] * 4
    assert {hypothesis.name for hypothesis in bound.hypotheses} == {
        "CYP3A5 expresser, prednisolone 0 mg/day",
        "CYP3A5 expresser, prednisolone 20 mg/day",
        "CYP3A5 non-expresser, prednisolone 0 mg/day",
        "CYP3A5 non-expresser, prednisolone 20 mg/day",
    }
    assert len(bound.assumptions) == 2


def test_haematocrit_over_time_moves_the_binding_alone() -> None:
    case = _tacrolimus(first_dose=-100, haematocrit=_measured((-120, 36), (-20, 27)))
    individual = bind(STORSET, case).hypotheses[0].individual

    assert individual.binding is not None
    np.testing.assert_allclose(individual.binding[:, 0], [0.15048, 0.11286], rtol=1e-12)
    np.testing.assert_array_equal(individual.typical[0], individual.typical[1])


def test_the_day_of_the_transplant_has_its_own_bioavailability_and_its_own_variability() -> None:
    """Størset 2014: 2.68 times in the first 24 h, and 57 % variability on that factor alone."""
    transplant = (Condition(name="kidney_transplant", time=_hours(-60), source="Condition/t"),)
    individual = bind(STORSET, _tacrolimus(first_dose=-64, conditions=transplant)).hypotheses[0].individual

    # The transplant at −60 h and its day's end; the haematocrit is the first and so changes nothing.
    assert individual.row_time.tolist() == [-np.inf, -60, -36]
    np.testing.assert_allclose(individual.typical[:, F] / individual.typical[0, F], [1, 2.68, 1])
    assert individual.eta_names == ("CL", "V1", "Q", "F")

    drawn = individual.parameters(np.array([[0.0, 0.0, 0.0, 0.5], [0.1, 0.0, 0.0, 0.0]]))
    np.testing.assert_allclose(drawn[0, :, F] / individual.typical[:, F], [1, np.exp(0.5), 1])
    np.testing.assert_allclose(drawn[1, :, CL] / individual.typical[:, CL], np.exp(0.1))


def test_on_the_day_of_the_transplant_the_model_does_not_speak() -> None:
    """What holds today would be taken as lasting, at 2.68 times tomorrow's bioavailability."""
    transplant = (Condition(name="kidney_transplant", time=_hours(-10), source="Condition/t"),)
    bound = bind(STORSET, _tacrolimus(conditions=transplant))

    assert "first 24 h after the transplant" in bound.beyond_validity[0]
    assert bound.hypotheses == ()


def test_a_transplant_without_a_time_is_assumed_to_be_older_and_said() -> None:
    bound = bind(
        STORSET, _tacrolimus(conditions=(Condition(name="kidney_transplant", source="Condition/t"),))
    )

    assert len(bound.hypotheses) == 1
    assert "more than 24 h before the first dose" in bound.assumptions[0].text


@pytest.mark.parametrize("names", [(), ("liver_transplant",), ("kidney_transplant", "liver_transplant")])
def test_storset_is_for_kidney_transplants_only(names: tuple[Any, ...]) -> None:
    conditions = tuple(Condition(name=name, time=_hours(-500), source="c") for name in names)
    bound = bind(STORSET, _tacrolimus(conditions=conditions))

    assert bound.beyond_validity
    assert bound.hypotheses == ()


@pytest.mark.parametrize("value", [1e-320, 1e-9, 1e9, 1e308])
@pytest.mark.parametrize("name", ["weight", "height", "creatinine", "haematocrit"])
@pytest.mark.parametrize(("model", "case"), [(GOTI, _vancomycin), (STORSET, _tacrolimus)], ids=["iv", "oral"])
def test_no_measurement_makes_it_fail(model: Any, case: Any, name: str, value: float) -> None:
    """Absurd values end in words; whatever speaks has finite, positive parameters."""
    bound = bind(model, case(**{name: _measured((-5, value))}))

    for hypothesis in bound.hypotheses:
        assert np.isfinite(hypothesis.individual.typical).all()
        assert (hypothesis.individual.typical[:, [CL, V1, Q, V2, KA, F]] > 0).all()
