"""Body size against published examples and hand calculations."""

from __future__ import annotations

import pytest

from dosing_core.physiology.body_size import (
    WeightChoice,
    adjusted_body_weight,
    body_mass_index,
    body_surface_area_dubois,
    body_surface_area_mosteller,
    chosen_weight,
    fat_free_mass,
    ideal_body_weight,
)


def test_body_mass_index() -> None:
    """160 kg at 175 cm: 160 / 3.0625."""
    assert body_mass_index(160, 175) == pytest.approx(52.2449, abs=1e-4)


def test_ideal_adjusted_and_fat_free_mass_of_a_man() -> None:
    """95 kg, 175 cm: 70.46, 80.28 and 65.82 kg, recomputed independently from the published equations."""
    assert ideal_body_weight(175, "male") == pytest.approx(70.46, rel=0.002)
    assert adjusted_body_weight(95, 175, "male") == pytest.approx(80.28, rel=0.002)
    assert fat_free_mass(95, 175, "male") == pytest.approx(65.82, rel=0.002)


def test_adjusted_weight_of_an_obese_woman() -> None:
    """clinPK's published unit test: woman of 160 kg and 160 cm has a dosing weight of 95.4 kg."""
    assert adjusted_body_weight(160, 160, "female") == pytest.approx(95.4, abs=0.1)


def test_fat_free_mass_of_a_woman() -> None:
    """Janmahasatian by hand, 60 kg and 165 cm: BMI 22.0386; 556200 / (8780 + 5377.41)."""
    assert fat_free_mass(60, 165, "female") == pytest.approx(39.287, abs=0.001)


def test_body_surface_area() -> None:
    """70 kg, 170 cm: Du Bois 1.8097, Mosteller 1.8181 m², recomputed independently."""
    assert body_surface_area_dubois(70, 170) == pytest.approx(1.8097, rel=0.002)
    assert body_surface_area_mosteller(70, 170) == pytest.approx(1.8181, rel=0.002)


def test_total_weight_needs_no_height() -> None:
    assert chosen_weight(WeightChoice.TOTAL, 82.5, None, "female") == 82.5


def test_no_ideal_weight_far_below_the_range_of_the_line() -> None:
    """Devine's line crosses zero near 97 cm in men."""
    with pytest.raises(ValueError, match="no ideal body weight"):
        ideal_body_weight(90, "male")
