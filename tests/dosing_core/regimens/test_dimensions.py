"""What a search may vary beside the dose: lengths, bags, products, bands, routes, hours."""

from __future__ import annotations

import math

import pytest

from dosing_core.case import Regimen
from dosing_core.library import load_drug
from dosing_core.library.products import Bands, OralDosing
from dosing_core.library.schema import DrugFile
from dosing_core.library.sourced import Number
from dosing_core.regimens.candidates import candidates, delays_to
from dosing_core.regimens.infusion import lengths, runs_too_fast
from dosing_core.regimens.limits import PatientLimits
from dosing_core.regimens.stock import can_be_made, fewest_units

VANCOMYCIN = load_drug("vancomycin")
LIMITS = PatientLimits(single_mg=3000, daily_mg=4500, daily_because="4,500 mg a day", step_daily_mg=None)


def _number(value: float, unit: str) -> Number:
    return Number(value=value, unit=unit, source="invented for this test", confidence="high")


def _infusion(**changes: object) -> DrugFile:
    assert VANCOMYCIN.infusion is not None
    return VANCOMYCIN.model_copy(update={"infusion": VANCOMYCIN.infusion.model_copy(update=changes)})


def _dosing(**changes: object) -> DrugFile:
    return VANCOMYCIN.model_copy(update={"dosing": VANCOMYCIN.dosing.model_copy(update=changes)})


def test_a_bag_must_not_be_too_concentrated_nor_too_large() -> None:
    """At 5 mg/mL a bag of 250 mL holds 1,250 mg and no more."""
    file = _infusion(most_concentrated=_number(5, "mg/mL"), most_volume=_number(250, "mL"))

    doses = {one.regimen.dose_mg for one in candidates(file, LIMITS, 80, "iv", None)}

    assert max(doses) == 1250


def test_a_bag_runs_no_faster_than_its_volume_allows() -> None:
    """1,000 mg at 4 mg/mL are 250 mL, which take 4 h at 62.5 mL/h, not the 2 h of 10 mg/min."""
    file = _infusion(most_concentrated=_number(4, "mg/mL"), most_volume_rate=_number(62.5, "mL/h"))
    assert file.infusion is not None

    assert lengths(1000, 12, file.infusion, prolonged=False) == (4.0,)
    assert runs_too_fast(Regimen(dose_mg=1000, interval_h=12, route="iv", duration_h=3.0), file.infusion)


def test_longer_infusions_are_proposed_where_they_are_asked_for_and_fit_the_interval() -> None:
    file = _infusion(prolonged_h=(3.0, 4.0, 8.0, 12.0))
    assert file.infusion is not None

    assert lengths(1000, 8, file.infusion, prolonged=True) == (2.0, 3.0, 4.0, 8.0)
    assert lengths(1000, 8, file.infusion, prolonged=False) == (2.0,)
    found = [
        one for one in candidates(file, LIMITS, 80, "iv", None, prolonged=True) if one.regimen.dose_mg == 1000
    ]
    every_8 = [one for one in found if one.regimen.interval_h == 8]
    assert [one.regimen.duration_h for one in sorted(every_8, key=lambda one: one.preference)] == [2, 3, 4, 8]


@pytest.mark.parametrize(
    ("dose", "strengths", "units"),
    [(7.5, (5.0, 2.5, 1.0), 2), (0.3, (0.1, 0.2), 2), (4.0, (5.0, 2.5), None), (6.0, (4.0, 3.0, 1.0), 2)],
)
def test_a_dose_is_put_together_from_as_few_units_as_can_be(
    dose: float, strengths: tuple[float, ...], units: int | None
) -> None:
    """6 is 3 + 3, though the largest unit first would give 4 + 1 + 1."""
    assert fewest_units(dose, strengths, 10) == units


def test_too_many_tablets_are_no_dose() -> None:
    assert not can_be_made(12.0, (1.0,), 10)
    file = _dosing(strengths_mg=(500.0,), most_units=3)

    assert {one.regimen.dose_mg for one in candidates(file, LIMITS, 80, "iv", None)} == {500, 1000, 1500}


def test_where_doses_are_banded_only_bands_are_proposed() -> None:
    file = _dosing(bands=Bands(doses_mg=(600.0, 900.0, 1350.0), source="invented"))

    assert {one.regimen.dose_mg for one in candidates(file, LIMITS, 80, "iv", None)} == {600, 900, 1350}


def test_doses_by_mouth_have_their_own_steps_and_come_after_the_route_as_ordered() -> None:
    oral = OralDosing(
        increment=_number(125, "mg"),
        intervals_h=(6.0,),
        most_per_dose=_number(500, "mg"),
        strengths_mg=(125.0,),
    )

    found = candidates(_dosing(oral=oral), LIMITS, 80, "iv", None, other_routes=("oral",))

    by_mouth = [one for one in found if one.regimen.route == "oral"]
    assert [one.regimen.dose_mg for one in by_mouth] == [125, 250, 375, 500]
    assert {one.regimen.interval_h for one in by_mouth} == {6}
    infused = [one for one in found if one.regimen.route == "iv"]
    assert max(one.preference for one in infused) < min(one.preference for one in by_mouth)


def test_no_dimension_passes_the_hard_limits() -> None:
    tight = PatientLimits(single_mg=1000, daily_mg=2000, daily_because="", step_daily_mg=1500.0)

    found = candidates(_infusion(prolonged_h=(4.0, 24.0)), tight, 80, "iv", None, prolonged=True)

    assert found
    assert all(one.regimen.dose_mg <= 1000 and one.regimen.daily_dose_mg <= 1500 for one in found)
    assert all(one.regimen.duration_h <= one.regimen.interval_h for one in found)


def test_a_first_dose_waits_for_a_better_hour_but_not_long() -> None:
    """Due at 10:00 + 3 h = 13:00; 20:00 is 7 h away, 8:00 is 19 h away, which is too far."""
    assert delays_to((8.0, 20.0), 10.0, 3.0, 24.0) == (0.0, 7.0)
    assert delays_to((8.0, 20.0), 10.0, 3.0, 6.0) == (0.0,)
    assert delays_to((), 10.0, 3.0, 24.0) == (0.0,)
    assert not any(math.isnan(delay) for delay in delays_to((13.0,), 10.0, 3.0, 24.0))
