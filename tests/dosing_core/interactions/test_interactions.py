"""Interactions: the static method against published ratios, the time course, and what the list of drugs
yields."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from dosing_core.case import CoMedication
from dosing_core.interactions import (
    combined,
    combined_ratio,
    effects,
    induction_ratio,
    inhibition_ratio,
    share_in_force,
    strength_of_inducer,
    strength_of_inhibitor,
)
from dosing_core.library.interaction import Interaction
from dosing_core.library.sourced import Number

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def _number(value: float, unit: str = "1") -> Number:
    return Number(value=value, unit=unit, source="project policy: a test's own number", confidence="policy")


def _interaction(ratio: float, *drugs: str, **more: object) -> Interaction:
    facts = {
        "drugs": drugs or ("fluconazole",),
        "kind": "inhibits" if ratio >= 1 else "induces",
        "auc_ratio": _number(ratio),
        "log_sd": _number(0.3),
        "half_time": _number(24, "h"),
        "action": "Watch levels.",
    }
    return Interaction.model_validate({**facts, **more})


def _taken(drug: str, **facts: object) -> CoMedication:
    return CoMedication.model_validate({"drug": drug, "source": "MedicationRequest/1", **facts})


def test_the_static_method_of_inhibition() -> None:
    """CR 0.9 and IR 0.9: 1 / (1 − 0.81) = 5.263."""
    assert inhibition_ratio(0.9, 0.9) == pytest.approx(5.263, abs=0.001)


def test_strength_of_observed_inhibition_and_induction() -> None:
    """Posaconazole and tacrolimus: ratio 4.58 (label), dose factor 0.218, CR·IR 0.782. Rifampicin: from
    Hebert 1999, F 0.144 → 0.07 and clearance 36 → 52.8 mL/h/kg, a ratio of 0.331, CR·IC 2.017."""
    assert strength_of_inhibitor(4.58) == pytest.approx(0.782, abs=0.001)
    assert combined_ratio([strength_of_inhibitor(4.58)], []) ** -1 == pytest.approx(0.218, abs=0.001)
    ratio = (0.07 / 0.144) / (52.8 / 36)
    assert ratio == pytest.approx(0.331, abs=0.001)
    assert strength_of_inducer(ratio) == pytest.approx(2.017, abs=0.01)
    assert induction_ratio(1.0, 2.017) == pytest.approx(0.331, abs=0.001)


def test_an_inhibitor_and_an_inducer_work_against_each_other() -> None:
    """By hand: 1 / (0.5 + 1) = 0.667."""
    assert combined_ratio([0.5], [1.0]) == pytest.approx(2 / 3)


def test_several_inhibitors_never_leave_nothing() -> None:
    assert combined_ratio([0.9, 0.9, 0.9, 0.9], []) == pytest.approx(50.0)


@pytest.mark.parametrize(("ratio", "function"), [(0.8, strength_of_inhibitor), (1.2, strength_of_inducer)])
def test_a_ratio_on_the_wrong_side_is_refused(ratio: float, function: Callable[[float], float]) -> None:
    with pytest.raises(ValueError, match="ratio"):
        function(ratio)


def test_induction_wears_off_as_midazolam_showed() -> None:
    """Reitman 2011: AUC ratios 0.123, 0.383, 0.815 at 0, 1 and 2 weeks after rifampicin."""
    full = strength_of_inducer(0.123)
    left = [
        combined_ratio([], [full * share_in_force(1e6, 68.0, hours or None)]) for hours in (0.0, 168.0, 336.0)
    ]

    assert left[0] == pytest.approx(0.123, abs=0.001)
    assert left[1] == pytest.approx(0.383, abs=0.06)
    assert left[2] == pytest.approx(0.815, abs=0.03)


def test_a_drug_just_started_has_done_half_after_its_half_time() -> None:
    assert share_in_force(24, 24) == pytest.approx(0.5)
    assert share_in_force(-1, 24) == 0.0
    with pytest.raises(ValueError, match="stopped before"):
        share_in_force(5, 24, 6)


def test_a_listed_drug_counts_in_full_where_its_start_is_not_on_record() -> None:
    (found,) = effects([_interaction(3.1)], [_taken("Fluconazole 200 mg tablet")], "oral", NOW)

    assert found.share == 1.0
    assert found.auc_ratio == pytest.approx(3.1)


def test_a_drug_started_yesterday_counts_by_half_and_one_started_tomorrow_not_at_all() -> None:
    day = timedelta(days=1)
    (half,) = effects([_interaction(2.0)], [_taken("fluconazole", since=NOW - day)], "oral", NOW)

    # By hand: CR·IR 0.5, half of it 0.25; 1 / 0.75.
    assert half.auc_ratio == pytest.approx(4 / 3)
    assert effects([_interaction(2.0)], [_taken("fluconazole", since=NOW + day)], "oral", NOW) == ()


def test_a_drug_stopped_long_ago_no_longer_counts() -> None:
    gone = _taken("fluconazole", until=NOW - timedelta(days=30))

    assert effects([_interaction(2.0)], [gone], "oral", NOW) == ()


@pytest.mark.parametrize("name", ["fluconazolemax", "isofluconazole", "voriconazole"])
def test_only_whole_words_match(name: str) -> None:
    assert effects([_interaction(2.0)], [_taken(name)], "oral", NOW) == ()


def test_a_dose_below_the_least_does_not_count_but_an_unknown_dose_does() -> None:
    interaction = _interaction(2.0, from_daily_mg=_number(200, "mg/day"))

    assert effects([interaction], [_taken("fluconazole", daily_dose_mg=100)], "oral", NOW) == ()
    assert len(effects([interaction], [_taken("fluconazole")], "oral", NOW)) == 1


def test_what_the_model_reads_itself_or_another_route_is_left_out() -> None:
    drugs = [_taken("fluconazole")]

    assert effects([_interaction(2.0, in_model=True)], drugs, "oral", NOW) == ()
    assert effects([_interaction(2.0, route="iv")], drugs, "oral", NOW) == ()


def test_a_drug_listed_twice_counts_once() -> None:
    found = effects([_interaction(2.0)], [_taken("fluconazole"), _taken("fluconazole 100 mg")], "oral", NOW)

    assert len(found) == 1


def test_together_they_multiply_what_is_left_and_widen_the_answer() -> None:
    listed = [_interaction(2.0, "fluconazole"), _interaction(1.25, "verapamil")]
    both = combined(effects(listed, [_taken("fluconazole"), _taken("verapamil")], "oral", NOW))

    # By hand: half of clearance left, four fifths of that.
    assert both.auc_ratio == pytest.approx(2.5)
    assert both.clearance_factor == pytest.approx(0.4)
    assert both.log_sd == pytest.approx(0.3 * math.sqrt(2))


def test_nothing_listed_changes_nothing() -> None:
    none = combined(())

    assert (none.auc_ratio, none.log_sd) == (1.0, 0.0)


def test_an_inhibitor_that_lowers_exposure_is_no_inhibitor() -> None:
    with pytest.raises(ValueError, match="auc_ratio"):
        _interaction(0.5, kind="inhibits")
