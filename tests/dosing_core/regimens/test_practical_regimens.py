"""What may be proposed: infusion lengths, limits, candidates, loading doses, the time of the next dose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from illustrative import vancomycin

from dosing_core.case import Case, Dose, Order, Regimen, Subject
from dosing_core.inference.particles import Particles
from dosing_core.kinetics import DoseTable, no_doses
from dosing_core.library import load_drug
from dosing_core.recommendation import Target
from dosing_core.regimens.candidates import Candidate, candidates
from dosing_core.regimens.comparison import alternatives, best, is_relevant
from dosing_core.regimens.infusion import runs_too_fast, standard_duration
from dosing_core.regimens.limits import broken, patient_limits
from dosing_core.regimens.loading import choose_loading, loading_doses
from dosing_core.regimens.search import Question, score, score_one
from dosing_core.regimens.timing import timing

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
VANCOMYCIN = load_drug("vancomycin")
MEROPENEM = load_drug("meropenem")
TACROLIMUS = load_drug("tacrolimus")
AUC = Target(metric="auc24", low=400, high=600, source="ASHP/IDSA/PIDS/SIDP 2020")
INFUSION, LOADING = VANCOMYCIN.infusion, VANCOMYCIN.loading


def _iv(dose_mg: float, interval_h: float = 12, duration_h: float = 2) -> Regimen:
    return Regimen(dose_mg=dose_mg, interval_h=interval_h, route="iv", duration_h=duration_h)


def _oral(dose_mg: float) -> Regimen:
    return Regimen(dose_mg=dose_mg, interval_h=12, route="oral")


def _question(clearance_factors: list[float], history: DoseTable | None = None) -> Question:
    """People whose clearance is 3.25 L/h (80 mL/min) times these factors, otherwise typical."""
    person = vancomycin(80)
    eta = np.zeros((len(clearance_factors), 3))
    eta[:, 0] = np.log(clearance_factors)
    return Question(
        particles=Particles(((person, eta),)),
        effective=len(eta),
        first_h=0.0,
        history=history or no_doses(),
        target=AUC,
        judgement=VANCOMYCIN.judgement,
    )


@pytest.mark.parametrize(
    ("dose", "length"), [(250, 1), (600, 1), (750, 1.5), (1000, 2), (1250, 2.5), (2000, 3.5)]
)
def test_infusions_last_an_hour_or_run_at_10_mg_a_minute_in_steps_of_half_an_hour(
    dose: float, length: float
) -> None:
    """US label: at least 60 min, at most 10 mg/min; 2,000 mg take at least 200 min."""
    assert INFUSION is not None
    assert standard_duration(dose, INFUSION) == length


@pytest.mark.parametrize(("dose", "length", "fast"), [(1000, 2, False), (1000, 1.6, True), (500, 0.5, True)])
def test_an_infusion_that_runs_too_fast_is_seen(dose: float, length: float, fast: bool) -> None:
    assert runs_too_fast(_iv(dose, duration_h=length), INFUSION) is fast


def test_an_unwritten_length_is_not_called_too_fast() -> None:
    assert not runs_too_fast(_iv(1000, duration_h=0), INFUSION)


def test_the_day_is_capped_by_weight_or_for_all() -> None:
    """60 mg/kg: 3,000 mg at 50 kg; at 100 kg the cap of 4,500 mg a day binds first."""
    assert patient_limits(VANCOMYCIN, 50, None).daily_mg == 3000
    assert patient_limits(VANCOMYCIN, 100, None).daily_mg == 4500


def test_tacrolimus_never_more_than_doubles_and_never_passes_cpic() -> None:
    """0.3 mg/kg/day at 72 kg are 21.6 mg; from 10 mg a day one step goes to 20 at most."""
    limits = patient_limits(TACROLIMUS, 72, 10)

    assert limits.daily_mg == pytest.approx(21.6)
    assert limits.highest_daily_mg == 20
    assert limits.allow(_oral(10))
    assert not limits.allow(_oral(10.5))
    assert [limit.text for limit in broken(_oral(10.5), limits, TACROLIMUS)] == [
        "More than 2 times the present daily dose in one step."
    ]


def test_every_broken_limit_of_an_order_is_named() -> None:
    limits = broken(_iv(3500, 12, 1), patient_limits(VANCOMYCIN, 50, None), VANCOMYCIN)
    said = [limit.text for limit in limits]

    assert len(said) == 3
    assert any("3,000 mg" in text for text in said)
    assert any("60 mg/kg" in text for text in said)
    assert any("10 mg/min" in text for text in said)


def test_candidates_are_stocked_doses_inside_every_limit() -> None:
    limits = patient_limits(VANCOMYCIN, 80, None)
    found = candidates(VANCOMYCIN, limits, 80, "iv", None)

    assert found
    for candidate in found:
        regimen = candidate.regimen
        assert regimen.dose_mg % 250 == 0
        assert regimen.dose_mg <= 2000
        assert regimen.daily_dose_mg <= 4500
        assert not runs_too_fast(regimen, INFUSION)
        assert candidate.usual is (7.5 * 80 <= regimen.dose_mg <= 20 * 80)


def test_the_interval_as_ordered_is_preferred_and_so_is_its_infusion() -> None:
    limits = patient_limits(VANCOMYCIN, 80, None)
    found = candidates(VANCOMYCIN, limits, 80, "iv", _iv(1000, 24, 3))

    assert {c.regimen.interval_h for c in found if c.preference == 0} == {24}
    same = [c.regimen for c in found if c.regimen.dose_mg == 1000]
    assert {regimen.duration_h for regimen in same} == {3}


def test_tacrolimus_is_given_in_half_milligrams_every_12_h() -> None:
    found = candidates(TACROLIMUS, patient_limits(TACROLIMUS, 72, 10), 72, "oral", None)

    assert [c.regimen.dose_mg for c in found] == [k / 2 for k in range(1, 21)]
    assert {c.regimen.interval_h for c in found} == {12}


def test_a_regimen_is_scored_by_dose_over_clearance() -> None:
    """CL 4.5·(80/120)^0.8 = 3.253 L/h: 2 g a day give 614.8; at half the clearance 1,230, at double 307."""
    scored = score_one(_question([0.5, 1.0, 2.0]), _iv(1000))

    assert scored.median == pytest.approx(2000 / (4.5 * (80 / 120) ** 0.8))
    assert (scored.attainment.below, scored.attainment.above) == pytest.approx((1 / 3, 2 / 3))


def test_the_best_regimen_brings_a_known_person_to_the_middle() -> None:
    """√(400·600) · 3.253 L/h = 1,594 mg a day; 1,500 (750 every 12 h) is the nearest that is stocked."""
    limits = patient_limits(VANCOMYCIN, 80, None)
    found = score(_question([1.0]), candidates(VANCOMYCIN, limits, 80, "iv", None))
    chosen = best(found, AUC, VANCOMYCIN.judgement)

    assert chosen is not None
    assert chosen.regimen == _iv(750, 12, 1.5)


def test_an_unusual_dose_is_taken_only_where_no_usual_one_will_do() -> None:
    """A tenth of the clearance, 0.325 L/h, asks for 160 mg a day; 250 mg every 48 h give 384, the least usual
    dose (7.5 mg/kg) three times as much."""
    limits = patient_limits(VANCOMYCIN, 80, None)
    choices = candidates(VANCOMYCIN, limits, 80, "iv", None)
    slow = best(score(_question([0.1]), choices), AUC, VANCOMYCIN.judgement)

    assert slow is not None
    assert not slow.usual
    assert slow.regimen == _iv(250, 48, 1)


def test_nothing_is_best_of_nothing() -> None:
    assert best((), AUC, VANCOMYCIN.judgement) is None


def test_alternatives_are_other_daily_doses() -> None:
    limits = patient_limits(VANCOMYCIN, 80, None)
    found = score(_question([0.8, 1.0, 1.25]), candidates(VANCOMYCIN, limits, 80, "iv", None))
    chosen = best(found, AUC, VANCOMYCIN.judgement)
    assert chosen is not None
    others = alternatives(found, chosen, _iv(1000), VANCOMYCIN.judgement, 2)

    daily = [chosen.regimen.daily_dose_mg, 2000.0, *(one.regimen.daily_dose_mg for one in others)]
    assert len(others) == 2
    assert len(set(daily)) == 4


def test_a_small_gain_is_not_relevant_and_a_large_one_is() -> None:
    question = _question(list(np.linspace(0.9, 1.1, 21)))
    good, close, far = (score(question, [Candidate(_iv(dose), True, 0)])[0] for dose in (750, 800, 2000))

    assert not is_relevant(close, good, AUC, VANCOMYCIN.judgement)
    assert is_relevant(far, good, AUC, VANCOMYCIN.judgement)


@pytest.mark.parametrize(
    ("weight", "height", "lowest", "highest"),
    [
        (80, 178, 1750, 2750),
        (50, 178, 1000, 1750),
        (140, 175, 3000, 3000),
        (160, 175, 3000, 3000),
        (80, None, 1750, 2000),
    ],
    ids=["20-35 mg/kg", "light", "25 mg/kg at 140 kg capped", "obese, capped", "no height"],
)
def test_loading_doses_follow_the_guideline(
    weight: float, height: float | None, lowest: float, highest: float
) -> None:
    """20–35 mg/kg, in obesity 20–25, never above 3,000 mg (ASHP 2020); 140 kg · 25 = 3,500, capped."""
    assert LOADING is not None
    doses, _ = loading_doses(LOADING, weight, height)

    assert (doses[0], doses[-1]) == (lowest, highest)


def test_a_loading_dose_is_not_larger_than_it_has_to_be() -> None:
    """With one known person the chance is 0 or 1: the least dose that reaches 400 on day 1 is taken."""
    question = _question([0.6])
    loading = choose_loading(question, VANCOMYCIN, _iv(750, 12, 1.5), 80, 178)

    assert loading is not None
    assert 1750 <= loading.amount_mg < 2750
    assert loading.duration_h >= loading.amount_mg / 600


def test_tacrolimus_has_no_loading_dose() -> None:
    assert choose_loading(_question([1.0]), TACROLIMUS, _oral(3), 72, 175) is None


def _case(ordered: Regimen | None = None, **order: object) -> Case:
    values = {"drug": "vancomycin", "regimen": ordered, "source": "x", **order}
    return Case(now=NOW, subject=Subject(), order=Order.model_validate(values))


def _doses(*hours_ago: float, amount: float = 1000) -> tuple[Dose, ...]:
    return tuple(
        Dose(time=NOW - h * HOUR, amount_mg=amount, route="iv", duration_h=2, source="x") for h in hours_ago
    )


def test_a_new_treatment_starts_now() -> None:
    when = timing(_case(_iv(1000)), (), (12, 24, 8, 48))

    assert not when.running
    assert when.first_dose_at == NOW


def test_the_next_dose_waits_for_the_interval_that_is_running() -> None:
    """Gaps of 11.8, 12.3 and 11.9 h are 12 h; the last dose was 11 h ago, so the next is due in 1 h."""
    when = timing(_case(_iv(750, 8)), _doses(47, 35.2, 22.9, 11), (12, 24, 8, 48))

    assert when.running
    assert when.present is not None
    assert when.present.interval_h == 12
    assert when.first_h == pytest.approx(1)


def test_an_overdue_dose_is_due_now() -> None:
    assert timing(_case(_iv(1000)), _doses(40, 28), (12, 24, 8, 48)).first_dose_at == NOW


def test_a_treatment_that_stopped_days_ago_is_a_new_one() -> None:
    assert not timing(_case(_iv(1000)), _doses(100, 88), (12, 24, 8, 48)).running


def test_one_dose_is_followed_at_the_interval_as_ordered() -> None:
    when = timing(_case(_iv(1000, 24)), _doses(11), (12, 24, 8, 48))

    assert when.first_h == pytest.approx(13)


def test_a_later_start_that_the_order_names_is_kept() -> None:
    when = timing(_case(_iv(1000), start=NOW + 6 * HOUR), (), (12, 24, 8, 48))

    assert when.first_h == pytest.approx(6)


@pytest.mark.parametrize(
    ("clearance", "daily"),
    [(None, 6000), (120, 6000), (50, 6000), (49.9, 4000), (24, 2000), (9, 1000), (0, 1000)],
)
def test_slow_kidneys_lower_the_daily_limit(clearance: float | None, daily: float) -> None:
    """The US label's bands: above 50, 26–50, 10–25 and below 10 mL/min."""
    limits = patient_limits(MEROPENEM, 80, None, clearance)

    assert limits.daily_mg == daily
    assert ("creatinine clearance" in limits.daily_because) == (daily < 6000)
