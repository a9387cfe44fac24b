"""``recommend`` against hand calculations, and how it must move when the patient does."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from core_case import case_of, scenario

from dosing_core import recommend
from dosing_core.case import (
    Case,
    CoMedication,
    Condition,
    Dose,
    Finding,
    Genotype,
    Goal,
    Level,
    Measurement,
    Options,
    Order,
    Regimen,
    Subject,
)
from dosing_core.errors import UnknownDrug
from dosing_core.recommendation import Recommendation, RegimenOption

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
GOTI = Options(model="vancomycin.goti2018")
"""One model alone, so that its published numbers can be followed by hand."""
ORDERED = Regimen(dose_mg=1000, interval_h=12, route="iv", duration_h=2)


def _measured(value: float, hours_ago: float = 3) -> Measurement:
    return Measurement(value=value, time=NOW - hours_ago * HOUR, source="x")


def _subject(**changes: object) -> Subject:
    values: dict[str, object] = {
        "age_years": 60,
        "sex": "male",
        "weight": (_measured(80),),
        "height": (_measured(178),),
        "creatinine": (_measured(1.0, 27), _measured(1.0)),
        "co_medications_read": True,
    }
    return Subject.model_validate(values | changes)


def _given(count: int, interval_h: float = 12, amount: float = 1000) -> tuple[Dose, ...]:
    """``count`` infusions over 2 h, the last one 11 h ago."""
    return tuple(
        Dose(
            time=NOW - (11 + interval_h * back) * HOUR,
            amount_mg=amount,
            route="iv",
            duration_h=2,
            source=f"given-{back}",
        )
        for back in reversed(range(count))
    )


def _vancomycin(**changes: object) -> Case:
    values: dict[str, object] = {
        "now": NOW,
        "subject": _subject(),
        "order": Order(drug="vancomycin", regimen=ORDERED, running=bool(changes.get("doses")), source="x"),
    }
    return Case.model_validate(values | changes)


def _level(value: float, hours_ago: float = 1) -> Level:
    return Level(time=NOW - hours_ago * HOUR, value_mg_L=value, source=f"level-{value}")


def _tacrolimus(trough: float | None = None, dose: float = 3, genotype: str | None = "*3/*3") -> Case:
    doses = tuple(
        Dose(time=NOW - (0.5 + 12 * back) * HOUR, amount_mg=dose, route="oral", source=f"given-{back}")
        for back in reversed(range(30))
    )
    levels = () if trough is None else (Level(time=NOW - 0.6 * HOUR, value_mg_L=trough, source="level"),)
    genotypes = (Genotype(gene="CYP3A5", diplotype=genotype, source="x"),) if genotype else ()
    subject = _subject(
        haematocrit=(_measured(34, 20),),
        conditions=(Condition(name="kidney_transplant", source="x"),),
        genotypes=genotypes,
    )
    order = Order(
        drug="tacrolimus",
        regimen=Regimen(dose_mg=dose, interval_h=12, route="oral"),
        running=True,
        source="x",
    )
    return Case(now=NOW, subject=subject, order=order, doses=doses, levels=levels)


def _best(recommendation: Recommendation) -> RegimenOption:
    option = recommendation.option("recommended") or recommendation.option("as_ordered")
    assert option is not None
    return option


def _least_loss_daily(case: Case) -> float:
    """Daily dose of the best regimen when no order biases the comparison."""
    order = case.order.model_copy(update={"regimen": None})
    return _best(recommend(case.model_copy(update={"order": order}))).regimen.daily_dose_mg


def _auc(recommendation: Recommendation, role: str = "as_ordered") -> float:
    option = recommendation.option(role)
    assert option is not None
    return next(one.estimate.median for one in option.exposures if one.metric == "auc24")


def test_auc_is_dose_over_the_clearance_that_goti_and_cockcroft_give() -> None:
    """(140 - 60)·80/72 = 88.9 mL/min; CL = 4.5·(88.9/120)^0.8 = 3.540 L/h; 2,000/3.540 = 565 (Goti 2018)."""
    assert _auc(recommend(_vancomycin(options=GOTI))) == pytest.approx(565.0, rel=0.01)


def test_a_steady_state_trough_is_told_beside_the_auc() -> None:
    """A trough lies below the average concentration, AUC24/24, and the peak above it."""
    option = _best(recommend(_vancomycin()))
    medians = {one.metric: one.estimate.median for one in option.exposures}

    assert medians["trough"] < medians["auc24"] / 24 < medians["peak"]


def test_the_population_expects_what_the_model_says() -> None:
    recommendation = recommend(_vancomycin(options=GOTI))

    assert recommendation.parameters[0].typical == pytest.approx(3.540, rel=1e-3)
    assert recommendation.models[0].id == "vancomycin.goti2018"
    assert recommendation.models[0].inside_population


def test_an_unknown_drug_is_an_error_not_an_answer() -> None:
    with pytest.raises(UnknownDrug):
        recommend(_vancomycin(order=Order(drug="amoxicillin", source="x")))


@pytest.mark.parametrize("trough", [8.0, 15.0, 25.0])
def test_a_higher_level_never_raises_the_dose(trough: float) -> None:
    doses = _given(6)
    lower, higher = (
        _least_loss_daily(_vancomycin(doses=doses, levels=(_level(value),)))
        for value in (trough, trough * 1.3)
    )

    assert higher <= lower


@pytest.mark.parametrize("creatinine", [0.6, 1.0, 1.6, 2.6])
def test_a_higher_steady_creatinine_never_raises_the_dose(creatinine: float) -> None:
    lower, higher = (
        _least_loss_daily(_vancomycin(subject=_subject(creatinine=(_measured(value, 30), _measured(value)))))
        for value in (creatinine, creatinine * 1.3)
    )

    assert higher <= lower


def test_halving_creatinine_clearance_scales_exposure_by_the_published_exponent() -> None:
    """Clearance goes with CrCl^0.8, so half of it leaves 2^0.8 = 1.741 times the exposure."""
    low = _subject(creatinine=(_measured(1.0, 30), _measured(1.0)))
    high = _subject(creatinine=(_measured(2.0, 30), _measured(2.0)))
    twice, once = (recommend(_vancomycin(subject=who, options=GOTI)) for who in (high, low))
    ratio = _auc(twice) / _auc(once)

    assert ratio == pytest.approx(2**0.8, rel=1e-4)


def test_twice_the_ordered_dose_is_twice_the_exposure() -> None:
    double = ORDERED.model_copy(update={"dose_mg": 2000.0, "duration_h": 4.0})
    order = Order(drug="vancomycin", regimen=double, source="x")
    ratio = _auc(recommend(_vancomycin(order=order))) / _auc(recommend(_vancomycin()))

    assert ratio == pytest.approx(2, rel=1e-5)


def test_moving_everything_in_time_moves_only_the_times() -> None:
    case = _vancomycin(doses=_given(4), levels=(_level(18.0),))
    days = timedelta(days=17, hours=5)

    def later(value: object) -> object:
        if isinstance(value, datetime):
            return value + days
        if isinstance(value, dict):
            return {key: later(one) for key, one in value.items()}
        return tuple(later(one) for one in value) if isinstance(value, list | tuple) else value

    moved = recommend(Case.model_validate(later(case.model_dump())))

    assert Recommendation.model_validate(later(recommend(case).model_dump())) == moved


def test_a_goal_of_the_patient_is_aimed_at() -> None:
    goal = Goal(metric="auc24", low=300, high=400, source="infectious diseases consult")
    gentle = _vancomycin(goal=goal)

    assert _least_loss_daily(gentle) < _least_loss_daily(_vancomycin())
    assert recommend(gentle).target == recommend(gentle).target
    target = recommend(gentle).target
    assert target is not None
    assert (target.low, target.high) == (300, 400)


def test_a_running_treatment_gets_no_loading_dose_and_no_dose_before_it_is_due() -> None:
    recommendation = recommend(_vancomycin(doses=_given(6), levels=(_level(30.0),)))

    for option in recommendation.options:
        assert option.loading_dose_mg is None
        assert option.first_dose_at == NOW + 1 * HOUR


def test_a_slow_infusion_is_advised_where_the_order_runs_too_fast() -> None:
    """1,000 mg in half an hour are 33 mg/min; the label allows 10."""
    fast = ORDERED.model_copy(update={"duration_h": 0.5})
    recommendation = recommend(_vancomycin(order=Order(drug="vancomycin", regimen=fast, source="x")))

    assert recommendation.outcome == "recommend"
    assert any("10 mg/min" in warning for warning in recommendation.warnings)
    for option in recommendation.options:
        if option.role != "as_ordered":
            assert option.regimen.dose_mg / option.regimen.duration_h <= 600


def test_an_order_without_a_length_of_infusion_is_judged_with_the_usual_one_and_that_is_said() -> None:
    open_order = ORDERED.model_copy(update={"duration_h": 0.0})
    recommendation = recommend(_vancomycin(order=Order(drug="vancomycin", regimen=open_order, source="x")))
    ordered = recommendation.option("as_ordered")

    assert ordered is not None
    assert ordered.regimen == open_order
    assert any("2 h is taken" in assumption.text for assumption in recommendation.assumptions)


def test_expressers_need_more_tacrolimus() -> None:
    """CPIC 2015: 1.5 to 2 times; Størset 2014: CL × 1.30 and F × 0.82, so 1.59 times before binding."""
    expresser, other = (_auc(recommend(_tacrolimus(genotype=diplotype))) for diplotype in ("*1/*3", "*3/*3"))

    assert 1.4 < other / expresser < 1.7


def test_an_untyped_patient_is_both_until_a_level_speaks() -> None:
    """A level far below what a non-expresser would show makes an expresser likelier than the even start."""
    recommendation = recommend(_tacrolimus(trough=0.0035, genotype=None))
    assert any("CYP3A5 not typed" in one.text for one in recommendation.assumptions)
    supposed = [one for one in recommendation.assumptions if one.otherwise.startswith("If CYP3A5")]

    assert len(supposed) == 2
    assert all(one.regimen_otherwise is not None for one in supposed)
    doses = {one.otherwise.split(" (")[0]: one.regimen_otherwise.dose_mg for one in supposed}  # type: ignore[union-attr]
    assert doses["If CYP3A5 expresser"] >= doses["If CYP3A5 non-expresser"]


@pytest.mark.parametrize("trough", [0.0012, 0.002, 0.003])
def test_tacrolimus_never_more_than_doubles_in_one_step(trough: float) -> None:
    """However low a trough is: a missed dose is likelier than a need for three times as much."""
    recommendation = recommend(_tacrolimus(trough=trough))

    for option in recommendation.options:
        assert option.regimen.daily_dose_mg <= 12


def test_a_low_trough_raises_and_a_high_one_lowers_tacrolimus() -> None:
    low, high = (_least_loss_daily(_tacrolimus(trough=value)) for value in (0.004, 0.014))

    assert high < 6 < low


def test_one_wrong_level_does_not_take_a_good_one_with_it() -> None:
    """Typical troughs near 17 and 17.5, and between them 90 mg/L."""
    levels = (_level(17.0, 24.2), _level(90.0, 12.2), _level(17.5, 0.2))
    recommendation = recommend(_vancomycin(doses=_given(6), levels=levels))

    assert [level.used for level in recommendation.levels] == [True, False, True]
    assert recommendation.without_flagged is not None


def test_levels_that_contradict_each_other_bring_no_dose() -> None:
    levels = (_level(150.0, 24.2), _level(0.5, 13.2), _level(200.0, 0.2))
    recommendation = recommend(_vancomycin(doses=_given(6), levels=levels))

    assert recommendation.outcome in ("insufficient", "agree", "recommend")
    assert not any(level.used and level.observed in (150.0, 200.0) for level in recommendation.levels)


def test_an_adult_of_29_kg_is_beyond_the_model() -> None:
    """Goti 2018 was built from people of 33 to 255 kg."""
    recommendation = recommend(_vancomycin(subject=_subject(weight=(_measured(29),))))

    assert recommendation.outcome == "out_of_scope"
    assert recommendation.options == ()


def test_the_picture_shows_past_and_future_and_few_enough_points() -> None:
    recommendation = recommend(_vancomycin(doses=_given(6), levels=(_level(30.0),)))
    assert {curve.role for curve in recommendation.curves} == {"as_ordered", "recommended"}
    for curve in recommendation.curves:
        times = [point.time for point in curve.points]
        assert times == sorted(times)
        assert NOW in times
        assert len(times) <= 130
        assert times[0] < NOW - 24 * HOUR
        assert times[-1] >= NOW + 48 * HOUR
        assert all(point.low <= point.median <= point.high for point in curve.points)
        assert any(time > NOW for time in curve.dose_times)


def test_before_now_both_curves_are_the_same() -> None:
    recommendation = recommend(_vancomycin(doses=_given(6), levels=(_level(30.0),)))
    past = [
        {point.time: point.median for point in curve.points if point.time <= NOW}
        for curve in recommendation.curves
    ]
    shared = past[0].keys() & past[1].keys()

    assert len(shared) > 10
    assert all(past[0][time] == past[1][time] for time in shared)


def test_a_refused_order_beyond_every_limit_is_still_warned_of() -> None:
    """Without a weight nothing is individualised, but 6 g a day are too much for anyone."""
    regimen = Regimen(dose_mg=2000, interval_h=8, route="iv", duration_h=4)
    case = _vancomycin(
        subject=_subject(weight=()), order=Order(drug="vancomycin", regimen=regimen, source="x")
    )
    recommendation = recommend(case)

    assert recommendation.outcome == "insufficient"
    assert any("4,500 mg" in warning for warning in recommendation.warnings)


def test_the_answer_names_what_computed_it() -> None:
    engine = recommend(_vancomycin()).engine

    assert engine.startswith("dosewright ")
    assert "vancomycin 2026" in engine
    assert "points" in engine


def test_figures_have_at_most_six_digits() -> None:
    recommendation = recommend(_vancomycin(doses=_given(6), levels=(_level(18.0),)))

    def figures(value: object) -> list[float]:
        if isinstance(value, float):
            return [value]
        if isinstance(value, dict):
            return [x for key, one in value.items() if key != "diagnostics" for x in figures(one)]
        return [x for one in value for x in figures(one)] if isinstance(value, list | tuple) else []

    assert all(float(f"{x:.6g}") == x for x in figures(recommendation.model_dump()))


@pytest.mark.parametrize("slug", ["01", "07", "09"])
def test_the_same_case_gives_the_same_bytes_twice(slug: str) -> None:
    asked = scenario(slug)
    case = case_of(asked, "tacrolimus" if slug == "09" else "vancomycin")

    assert recommend(case).to_bytes() == recommend(Case.from_bytes(case.to_bytes())).to_bytes()


def test_another_process_gives_the_same_bytes() -> None:
    case = case_of(scenario("07"), "vancomycin")
    program = (
        "import sys; from dosing_core import recommend; from dosing_core.case import Case; "
        "sys.stdout.buffer.write(recommend(Case.from_bytes(sys.stdin.buffer.read())).to_bytes())"
    )
    other = subprocess.run(
        [sys.executable, "-c", program], input=case.to_bytes(), capture_output=True, check=True
    )

    assert other.stdout == recommend(case).to_bytes()


def test_an_answer_survives_being_stored() -> None:
    recommendation = recommend(_vancomycin(doses=_given(6), levels=(_level(18.0),)))

    assert Recommendation.from_bytes(recommendation.to_bytes()) == recommendation


def test_the_name_recommend_stays_a_function() -> None:
    """A submodule of that name would take its place once imported."""
    import dosing_core

    assert callable(dosing_core.recommend)
    assert callable(dosing_core.recommend)


GAP = Finding(kind="excluded", about="doses", detail="a given dose is not counted: no strength is stated")


def test_no_loading_dose_is_offered_on_top_of_a_dose_that_could_not_be_read() -> None:
    """He may just have had 2 g; another 2 g would be the worst answer."""
    plain, doubtful = recommend(_vancomycin()), recommend(_vancomycin(findings=(GAP,)))

    assert any(option.loading_dose_mg for option in plain.options)
    assert not any(option.loading_dose_mg for option in doubtful.options)
    assert any("No loading dose is offered" in text for text in doubtful.warnings)
    assert doubtful.left_out == (GAP.detail,)


def test_no_loading_dose_is_offered_where_the_order_could_not_be_read() -> None:
    said = Finding(kind="excluded", about="order", detail="the order's dose is not read: it is a range")
    recommendation = recommend(_vancomycin(order=Order(drug="vancomycin", source="x"), findings=(said,)))

    assert recommendation.reason.startswith("The order's dose is not read: it is a range.")
    assert not any(option.loading_dose_mg for option in recommendation.options)


def test_a_level_beyond_the_assay_brings_no_dose_and_a_level_now() -> None:
    above = Level(time=NOW - 1 * HOUR, value_mg_L=80, limit="above", source="x")
    recommendation = recommend(_vancomycin(doses=_given(6), levels=(above,)))

    assert recommendation.outcome == "insufficient"
    assert recommendation.options == ()
    assert recommendation.requests == ("level",)
    assert recommendation.next_level is not None
    assert recommendation.next_level.time == NOW


def test_running_without_a_dose_on_record_is_something_not_seen() -> None:
    order = Order(drug="vancomycin", regimen=ORDERED, running=True, source="x")

    assert recommend(_vancomycin(order=order)).left_out == ("no dose of the running treatment is on record",)


def test_a_tacrolimus_trough_far_above_the_target_holds_the_next_dose() -> None:
    """25 ng/mL is more than twice 10 ng/mL; 18 ng/mL is too high but may come down with the dose."""
    high, moderate = recommend(_tacrolimus(trough=0.025)), recommend(_tacrolimus(trough=0.018))

    assert high.hold.startswith("Hold the next dose and repeat the level")
    assert "level" in high.requests
    assert _best(high).regimen.daily_dose_mg <= 6
    assert moderate.hold == ""


def test_vancomycin_waits_while_much_is_left_when_the_next_dose_is_due() -> None:
    """Troughs of 55 mg/L fall by a fifth at most until the dose in an hour: far above 30 mg/L."""
    high = recommend(_vancomycin(doses=_given(6), levels=(_level(55, 13), _level(55, 1))))
    usual = recommend(_vancomycin(doses=_given(6), levels=(_level(17, 1),)))

    assert high.hold.startswith("Hold the next dose")
    assert usual.hold == ""


def test_an_absurd_order_is_named_and_has_no_exposure() -> None:
    """1,000 g: no model was built there, so a figure would lend it dignity."""
    order = Order(drug="vancomycin", regimen=ORDERED.model_copy(update={"dose_mg": 1e6}), source="x")
    recommendation = recommend(_vancomycin(order=order))
    ordered = recommendation.option("as_ordered")

    assert recommendation.outcome == "recommend"
    assert recommendation.broken_limits[0].kind == "single"
    assert recommendation.broken_limits[0].grave
    assert ordered is not None
    assert ordered.exposures == ()
    assert all(curve.role != "as_ordered" for curve in recommendation.curves)


@pytest.mark.parametrize("dose", [1000, 1010])
def test_the_same_dose_over_an_allowed_length_is_the_remedy_for_haste(dose: float) -> None:
    """1,000 mg over 5 min: all that is wrong is the speed, and 10 mg/min make it 2 h. 1,010 mg are not made
    up, so the nearest thing is another dose."""
    hasty = ORDERED.model_copy(update={"dose_mg": dose, "duration_h": 5 / 60})
    order = Order(drug="vancomycin", regimen=hasty, source="x")
    found = _best(recommend(_vancomycin(order=order))).regimen

    assert found.dose_mg % 250 == 0
    assert found.duration_h >= found.dose_mg / 600
    if dose == 1000:
        assert (found.dose_mg, found.interval_h, found.duration_h) == (1000, 12, 2)


def test_an_order_that_is_no_likelier_than_not_on_target_is_not_said_to_fit() -> None:
    """Without a level nobody knows: the order can stand, more is not claimed."""
    recommendation = recommend(_vancomycin(doses=_given(3)))
    ordered = recommendation.option("as_ordered")

    assert recommendation.outcome == "agree"
    assert ordered is not None
    assert ordered.inside.value < 0.5
    assert "fits" not in recommendation.reason
    assert "can stand until a level" in recommendation.reason


def _starting(hours: float) -> Order:
    start = NOW + hours * HOUR
    return Order(drug="vancomycin", regimen=ORDERED, start=start, source="x")


def test_the_first_level_follows_the_start_of_the_order_however_late() -> None:
    """An order for next month: a level tomorrow would measure nothing."""
    recommendation = recommend(_vancomycin(order=_starting(30 * 24)))

    assert recommendation.next_level is not None
    assert recommendation.next_level.time > NOW + 30 * 24 * HOUR
    assert any("starts in 30 days" in text for text in recommendation.warnings)
    assert not any("starts in" in text for text in recommend(_vancomycin(order=_starting(24))).warnings)


def test_a_later_order_leaves_the_running_dose_where_it_is() -> None:
    order = _starting(30 * 24).model_copy(update={"running": True})
    recommendation = recommend(_vancomycin(order=order, doses=_given(3)))

    assert _best(recommendation).first_dose_at == NOW + 1 * HOUR
    assert any("starts in 30 days" in text for text in recommendation.warnings)


def test_an_azole_beside_tacrolimus_lowers_the_dose_and_says_what_to_do() -> None:
    """Fluconazole 200 mg started two days ago: troughs rise about threefold (public interaction monograph),
    so what kept the trough until now will be too much."""
    case = case_of(scenario("09"), "tacrolimus")
    azole = CoMedication(
        drug="Fluconazole 200 mg capsule", daily_dose_mg=200, since=case.now - timedelta(hours=48), source="x"
    )
    subject = case.subject.model_copy(update={"co_medications": (*case.subject.co_medications, azole)})

    alone, beside = recommend(case), recommend(case.model_copy(update={"subject": subject}))

    advised, without = beside.option("recommended"), alone.option("recommended")
    assert advised is not None
    assert without is not None
    assert advised.regimen.daily_dose_mg < 0.6 * without.regimen.daily_dose_mg
    assert any("Fluconazole" in warning for warning in beside.warnings)
    assert any("Fluconazole" in fact.name for fact in beside.used)
