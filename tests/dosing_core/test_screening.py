"""What stops an answer, what is left out of it, and how each is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dosing_core.case import Case, Condition, Dose, Finding, Level, Measurement, Order, Regimen, Subject
from dosing_core.consultation import usable
from dosing_core.library import load_drug
from dosing_core.screening import Screening, screen

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _measured(value: float, hours_ago: float = 3) -> Measurement:
    return Measurement(value=value, time=NOW - hours_ago * HOUR, source=f"Observation/{value}-{hours_ago}")


def _subject(**changes: object) -> Subject:
    values: dict[str, object] = {
        "age_years": 60,
        "sex": "male",
        "weight": (_measured(80),),
        "height": (_measured(178),),
        "creatinine": (_measured(1.0, 27), _measured(1.0)),
    }
    return Subject.model_validate(values | changes)


def _dose(hours_ago: float, **changes: object) -> Dose:
    values: dict[str, object] = {
        "time": NOW - hours_ago * HOUR,
        "amount_mg": 1000,
        "route": "iv",
        "duration_h": 2,
        "source": f"MedicationAdministration/{hours_ago}",
    }
    return Dose.model_validate(values | changes)


def _case(**changes: object) -> Case:
    values: dict[str, object] = {
        "now": NOW,
        "subject": _subject(),
        "order": Order(
            drug="vancomycin",
            regimen=Regimen(dose_mg=1000, interval_h=12, route="iv", duration_h=2),
            source="MedicationRequest/draft",
        ),
    }
    return Case.model_validate(values | changes)


def _tacrolimus(subject: Subject, **changes: object) -> Case:
    order = Order(
        drug="tacrolimus",
        regimen=Regimen(dose_mg=3, interval_h=12, route="oral"),
        source="MedicationRequest/draft",
    )
    return _case(subject=subject, order=order, **changes)


def _screen(case: Case) -> Screening:
    return screen(case, load_drug(case.order.drug))


def _about(screening: Screening) -> set[tuple[str, str]]:
    return {(finding.kind, finding.about) for finding in screening.findings}


def test_a_complete_case_goes_on() -> None:
    screening = _screen(_case())

    assert screening.outcome is None
    assert not screening.paused
    assert screening.findings == ()


@pytest.mark.parametrize("name", ["weight", "creatinine"])
def test_a_missing_fact_stops_the_answer_and_is_asked_for(name: str) -> None:
    screening = _screen(_case(subject=_subject(**{name: ()})))

    assert screening.outcome == "insufficient"
    assert ("missing", name) in _about(screening)
    assert screening.requests == (name,)
    assert f"no {name} on record" in screening.reason


@pytest.mark.parametrize("name", ["age_years", "sex"])
def test_age_and_sex_are_needed_and_cannot_be_ordered(name: str) -> None:
    screening = _screen(_case(subject=_subject(**{name: None})))

    assert screening.outcome == "insufficient"
    assert ("missing", name.removesuffix("_years")) in _about(screening)
    assert screening.requests == ()


def test_everything_that_is_missing_is_named_at_once() -> None:
    screening = _screen(_case(subject=_subject(weight=(), creatinine=())))

    assert screening.requests == ("creatinine", "weight")
    assert "creatinine" in screening.reason
    assert "weight" in screening.reason


@pytest.mark.parametrize(("days", "outcome"), [(2.9, None), (3.1, "insufficient"), (12, "insufficient")])
def test_a_creatinine_older_than_three_days_is_no_basis(days: float, outcome: str | None) -> None:
    screening = _screen(_case(subject=_subject(creatinine=(_measured(1.0, days * 24),))))

    assert screening.outcome == outcome


def test_a_stale_creatinine_is_told_with_its_age() -> None:
    screening = _screen(_case(subject=_subject(creatinine=(_measured(1.2, 12 * 24 - 1),))))

    assert "12 days" in screening.reason
    assert screening.requests == ("creatinine",)


def test_two_weights_that_contradict_each_other_stop_the_answer_in_their_own_words() -> None:
    conflict = Finding(kind="conflict", about="weight", detail="36 kg and 80 kg within a day")
    screening = _screen(_case(subject=_subject(weight=()), findings=(conflict,)))

    assert screening.outcome == "insufficient"
    assert "36 kg and 80 kg" in screening.reason
    assert [f for f in screening.findings if f.about == "weight"] == [conflict]


@pytest.mark.parametrize("about", ["doses", "levels", "conditions", "weight", "creatinine"])
def test_what_could_not_be_read_is_not_taken_for_absent(about: str) -> None:
    subject = _subject(**{about: ()}) if about in ("weight", "creatinine") else _subject()
    unreachable = Finding(kind="unreachable", about=about, detail=f"{about} could not be read")
    screening = _screen(_case(subject=subject, findings=(unreachable,)))

    assert screening.outcome == "insufficient"
    assert "could not be read" in screening.reason


def test_vancomycin_by_mouth_is_out_of_scope_whatever_else_is_missing() -> None:
    order = Order(drug="vancomycin", regimen=Regimen(dose_mg=125, interval_h=6, route="oral"), source="x")
    screening = _screen(_case(order=order, subject=Subject()))

    assert screening.outcome == "out_of_scope"
    assert "gut" in screening.reason


@pytest.mark.parametrize("condition", ["crrt", "haemodialysis"])
def test_renal_replacement_is_out_of_scope(condition: str) -> None:
    subject = _subject(conditions=(Condition.model_validate({"name": condition, "source": "x"}),))

    assert _screen(_case(subject=subject)).outcome == "out_of_scope"


@pytest.mark.parametrize(("age", "outcome"), [(0.1, "out_of_scope"), (17.9, "out_of_scope"), (18, None)])
def test_the_young_are_out_of_scope_where_the_drug_has_no_model_for_them(
    age: float, outcome: str | None
) -> None:
    """Meropenem's models are of adults; vancomycin has models of its own for newborns and children."""
    case = _case(subject=_subject(age_years=age), order=Order(drug="meropenem", route="iv", source="x"))

    assert _screen(case).outcome == outcome
    assert _screen(_case(subject=_subject(age_years=age))).outcome is None


@pytest.mark.parametrize("organ", ["liver_transplant", "heart_transplant", "lung_transplant"])
def test_tacrolimus_for_other_organs_is_out_of_scope(organ: str) -> None:
    conditions = tuple(
        Condition.model_validate({"name": name, "source": "x"}) for name in ("kidney_transplant", organ)
    )
    subject = _subject(conditions=conditions, haematocrit=(_measured(34),))

    assert _screen(_tacrolimus(subject)).outcome == "out_of_scope"


def test_tacrolimus_needs_a_kidney_transplant_on_record() -> None:
    screening = _screen(_tacrolimus(_subject(haematocrit=(_measured(34),))))

    assert screening.outcome == "insufficient"
    assert ("missing", "conditions") in _about(screening)


def test_intravenous_tacrolimus_on_record_stops_the_answer() -> None:
    kidney = Condition(name="kidney_transplant", source="x")
    subject = _subject(conditions=(kidney,), haematocrit=(_measured(34),))
    screening = _screen(_tacrolimus(subject, doses=(_dose(20, amount_mg=1),)))

    assert screening.outcome == "insufficient"
    assert "intravenously" in screening.reason


@pytest.mark.parametrize(
    ("series", "paused"),
    [
        (((0.8, 51), (1.3, 27), (1.9, 3)), True),
        (((1.0, 40), (1.3, 3)), True),
        (((1.0, 60), (1.3, 3)), False),
        (((0.8, 160), (1.2, 3)), True),
        (((2.5, 160), (2.7, 30), (2.6, 3)), False),
        (((1.9, 51), (0.9, 3)), False),
    ],
    ids=["vignette 3", "0.3 in 48 h", "0.3 in 57 h", "half in 7 days", "steady", "falling"],
)
def test_a_rising_creatinine_by_kdigo_pauses_vancomycin(
    series: tuple[tuple[float, float], ...], paused: bool
) -> None:
    subject = _subject(creatinine=tuple(_measured(value, hours) for value, hours in series))

    assert _screen(_case(subject=subject)).paused is paused


def test_the_red_flag_tells_each_value_and_its_age() -> None:
    subject = _subject(creatinine=(_measured(0.8, 51), _measured(1.3, 27), _measured(1.9, 3)))
    (flag,) = _screen(_case(subject=subject)).red_flags

    assert flag.startswith("Creatinine is rising: 0.8 mg/dL (2 days ago), 1.3 mg/dL (27 h ago), 1.9 mg/dL")


def test_after_a_kidney_transplant_a_rising_creatinine_is_a_warning_not_a_pause() -> None:
    kidney = Condition(name="kidney_transplant", source="x")
    creatinine = (_measured(1.2, 30), _measured(1.9, 3))
    subject = _subject(conditions=(kidney,), haematocrit=(_measured(34),), creatinine=creatinine)
    screening = _screen(_tacrolimus(subject))

    assert not screening.paused
    assert any("rejection" in warning for warning in screening.warnings)


def test_a_level_before_the_first_dose_is_left_out_and_said() -> None:
    level = Level(time=NOW - 14.5 * HOUR, value_mg_L=14.2, source="x")
    screening = _screen(_case(doses=(_dose(11),), levels=(level,)))

    assert screening.levels == ()
    (finding,) = screening.findings
    assert (finding.kind, finding.about) == ("excluded", "levels")
    assert "14.2 mg/L" in finding.detail
    assert "before the first dose" in finding.detail


def test_a_level_without_any_dose_is_left_out_and_said() -> None:
    screening = _screen(_case(levels=(Level(time=NOW - 5 * HOUR, value_mg_L=14.2, source="x"),)))

    assert screening.levels == ()
    assert "no dose before it" in screening.findings[0].detail


@pytest.mark.parametrize(("hours_ago", "words"), [(-1, "future"), (400, "old")])
def test_levels_from_the_future_or_long_past_are_left_out_and_said(hours_ago: float, words: str) -> None:
    level = Level(time=NOW - hours_ago * HOUR, value_mg_L=14, source="x")
    screening = _screen(_case(doses=(_dose(500), _dose(12)), levels=(level,)))

    assert screening.levels == ()
    assert words in screening.findings[0].detail


def test_a_level_on_record_twice_counts_once() -> None:
    level = Level(time=NOW - 5 * HOUR, value_mg_L=14, source="x")
    screening = _screen(_case(doses=(_dose(12),), levels=(level, level)))

    assert len(screening.levels) == 1
    assert "twice" in screening.findings[0].detail


def test_the_last_dozen_levels_are_enough() -> None:
    levels = tuple(Level(time=NOW - h * HOUR, value_mg_L=14, source=f"{h}") for h in range(20, 5, -1))
    screening = _screen(_case(doses=(_dose(30),), levels=levels))

    assert [level.source for level in screening.levels] == [f"{h}" for h in range(17, 5, -1)]
    assert "3 older levels" in screening.findings[0].detail


def test_an_infusion_without_a_length_is_given_the_usual_one_and_that_is_said() -> None:
    """1,000 mg at most 10 mg/min take 100 min; in steps of half an hour, 2 h."""
    screening = _screen(_case(doses=(_dose(12, duration_h=0),)))

    assert screening.doses[0].duration_h == 2
    assert any("length" in assumption for assumption in screening.assumptions)


def test_doses_by_mouth_and_from_the_future_do_not_count() -> None:
    doses = (_dose(20, route="oral", duration_h=0, amount_mg=125), _dose(12), _dose(-2))
    screening = _screen(_case(doses=doses))

    assert [dose.amount_mg for dose in screening.doses] == [1000]
    assert {kind for kind, about in _about(screening) if about == "doses"} == {"note", "excluded"}


def test_findings_about_facts_that_the_drug_does_not_use_are_not_repeated() -> None:
    findings = (
        Finding(kind="missing", about="haematocrit", detail="none on record"),
        Finding(kind="missing", about="genotypes", detail="none on record"),
        Finding(kind="note", about="levels", detail="converted with 1,449.3 g/mol"),
    )
    screening = _screen(_case(findings=findings))

    assert [finding.about for finding in screening.findings] == ["levels"]


@pytest.mark.parametrize("kind", ["excluded", "conflict"])
def test_levels_are_not_read_against_a_history_with_a_gap(kind: str) -> None:
    """Something was given that nobody can count: a level would tell of another patient than this."""
    gap = Finding.model_validate(
        {"kind": kind, "about": "doses", "detail": "a given dose is not counted: no strength is stated"}
    )
    level = Level(time=NOW - 1 * HOUR, value_mg_L=15, source="Observation/level")
    with_level = _screen(_case(doses=(_dose(25), _dose(13)), levels=(level,), findings=(gap,)))
    without_level = _screen(_case(doses=(_dose(25), _dose(13)), findings=(gap,)))

    assert with_level.outcome == "insufficient"
    assert "no strength is stated" in with_level.reason
    assert without_level.outcome is None
    assert gap in without_level.findings


@pytest.mark.parametrize(("amount", "words"), [(10_000, "above the highest"), (20, "far below the smallest")])
def test_a_dose_that_nobody_gives_is_a_contradiction_and_not_counted(amount: float, words: str) -> None:
    """10 g and 20 mg of vancomycin are slips: the file allows 3,000 mg and makes up 250 mg."""
    doses = (_dose(25), _dose(13, amount_mg=amount))
    level = Level(time=NOW - 1 * HOUR, value_mg_L=15, source="Observation/level")
    without_level, with_level = _screen(_case(doses=doses)), _screen(_case(doses=doses, levels=(level,)))

    assert [dose.amount_mg for dose in without_level.doses] == [1000]
    assert without_level.outcome is None
    assert any(words in detail for detail in without_level.left_out)
    assert with_level.outcome == "insufficient"
    assert f"a dose of {amount:,} mg is charted" in with_level.reason


def test_levels_after_none_but_unlikely_doses_are_not_passed_over() -> None:
    level = Level(time=NOW - 1 * HOUR, value_mg_L=15, source="Observation/level")

    assert _screen(_case(doses=(_dose(13, amount_mg=10_000),), levels=(level,))).outcome == "insufficient"


def _limit(kind: str, hours_ago: float = 3) -> Level:
    return Level.model_validate(
        {
            "time": NOW - hours_ago * HOUR,
            "value_mg_L": 80 if kind == "above" else 5,
            "limit": kind,
            "source": "Observation/limit",
        }
    )


@pytest.mark.parametrize("doses", [(), (_dose(25), _dose(13))])
def test_a_level_beyond_the_assay_stops_the_answer_and_holds_the_dose(doses: tuple[Dose, ...]) -> None:
    """Above 80 mg/L nobody knows how far above: no dose is worked out, with or without doses on record."""
    screening = _screen(_case(doses=doses, levels=(_limit("above"),)))

    assert screening.outcome == "insufficient"
    assert screening.levels == ()
    assert "level" in screening.requests
    (flag,) = screening.red_flags
    assert flag.startswith("Level above 80 mg/L, the top of the assay's range: hold the next dose, repeat")


def test_a_repeated_level_answers_the_one_beyond_the_assay() -> None:
    repeated = Level(time=NOW - 1 * HOUR, value_mg_L=31, source="Observation/repeated")
    screening = _screen(_case(doses=(_dose(25), _dose(13)), levels=(_limit("above"), repeated)))

    assert screening.outcome is None
    assert screening.levels == (repeated,)
    assert any("above 80 mg/L" in detail for detail in screening.left_out)


def test_a_level_beyond_the_assay_long_ago_stops_nothing() -> None:
    assert _screen(_case(levels=(_limit("above", 24 * 30),))).outcome is None


def test_a_level_below_the_assay_counts_as_that_and_is_named() -> None:
    screening = _screen(_case(doses=(_dose(25), _dose(13)), levels=(_limit("below"),)))

    assert screening.outcome is None
    assert [level.limit for level in screening.levels] == ["below"]
    assert screening.left_out == ()
    assert any(
        finding.kind == "note" and "below 5 mg/L, the bottom of the assay's range" in finding.detail
        for finding in screening.findings
    )


def test_a_level_beyond_the_assay_is_told_where_no_model_may_speak() -> None:
    dialysed = _subject(conditions=(Condition(name="haemodialysis", source="Condition/1"),))
    screening = _screen(_case(subject=dialysed, levels=(_limit("above"),)))

    assert screening.outcome == "out_of_scope"
    assert len(screening.level_flags) == 1


def test_what_could_not_be_used_is_kept_apart_from_what_need_not_be() -> None:
    """An old level and the same one twice are no loss; one that cannot be read is."""
    level = Level(time=NOW - 1 * HOUR, value_mg_L=15, source="Observation/level")
    old = Level(time=NOW - 24 * 30 * HOUR, value_mg_L=15, source="Observation/old")
    strange = Finding(kind="excluded", about="levels", detail="level of 14 arb'U: not used")
    doses = (_dose(25), _dose(13))

    assert _screen(_case(doses=doses, levels=(old, level, level))).left_out == ()
    assert _screen(_case(doses=doses, levels=(level,), findings=(strange,))).left_out == (strange.detail,)


def _order(**changes: object) -> Order:
    return Order.model_validate({"drug": "vancomycin", "route": "iv", "source": "x"} | changes)


@pytest.mark.parametrize("kind", ["as_needed", "single", "several", "other"])
def test_an_order_of_another_kind_is_not_replaced_by_a_regimen(kind: str) -> None:
    said = Finding(kind="excluded", about="order", detail="the order's dose is not read: so and so")
    screening = _screen(_case(order=_order(kind=kind), findings=(said,)))

    assert screening.outcome == "insufficient"
    assert "so and so" in screening.reason


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "continuous"},
        {"regimen": Regimen(dose_mg=3000, interval_h=24, route="iv", duration_h=24)},
        {"regimen": Regimen(dose_mg=1500, interval_h=12, route="iv", duration_h=12)},
    ],
)
def test_a_continuous_infusion_is_not_judged_as_an_intermittent_one(changes: dict[str, object]) -> None:
    screening = _screen(_case(order=_order(**changes)))

    assert screening.outcome == "out_of_scope"
    assert "continuous infusion" in screening.reason


def test_a_doubt_whether_the_patient_is_on_dialysis_stops_vancomycin() -> None:
    """End-stage kidney disease is charted, dialysis is not: no model here holds for both."""
    doubt = Finding(kind="conflict", about="conditions", detail="whether there is dialysis is not on record")
    screening = _screen(_case(findings=(doubt,)))

    assert screening.outcome == "insufficient"
    assert "dialysis" in screening.reason


@pytest.mark.parametrize(("hours_ago", "kept"), [(100.0, True), (200.0, False)])
def test_a_fact_that_no_dose_needs_is_as_good_as_unknown_once_it_is_too_old(
    hours_ago: float, kept: bool
) -> None:
    """Meropenem's file allows an albumin of a week (168 h)."""
    order = Order(drug="meropenem", regimen=Regimen(dose_mg=1000, interval_h=8, route="iv"), source="m")
    case = _case(subject=_subject(albumin=(_measured(28.0, hours_ago),)), order=order)
    screening = screen(case, load_drug("meropenem"))

    assert bool(usable(case, (), screening).subject.albumin) == kept
    said = [f.detail for f in screening.findings if f.about == "albumin"]
    assert said == ([] if kept else ["last albumin is 8 days old; at most 7 days are allowed: not used"])
    assert usable(case, (), screening).subject.creatinine == case.subject.creatinine


def test_a_fact_that_no_dose_needs_and_no_model_here_reads_is_not_missed() -> None:
    """Of meropenem's models only one that must be asked for by name reads albumin."""
    order = Order(drug="meropenem", regimen=Regimen(dose_mg=1000, interval_h=8, route="iv"), source="m")
    gaps = tuple(Finding(kind="missing", about=name, detail=f"no {name}") for name in ("albumin", "weight"))
    screening = screen(_case(order=order, findings=gaps), load_drug("meropenem"))

    assert [finding.about for finding in screening.findings] == ["weight"]
