"""Growing up, failing livers, and what albumin hides."""

from __future__ import annotations

import pytest

from dosing_core.physiology.body_size import body_surface_area_haycock, fat_free_mass
from dosing_core.physiology.liver import child_pugh
from dosing_core.physiology.maturation import fat_free_mass_of_child, gfr_maturation, typical_gfr
from dosing_core.physiology.protein_binding import phenytoin_at_normal_albumin


@pytest.mark.parametrize(("weeks", "fraction"), [(40, 0.3547), (47.7, 0.5), (92, 0.9032)])
def test_kidney_function_matures(weeks: float, fraction: float) -> None:
    """Rhodin 2009, recomputed independently."""
    assert gfr_maturation(weeks) == pytest.approx(fraction, abs=0.0005)


def test_a_grown_person_of_70_kg_has_the_typical_gfr() -> None:
    """Rhodin 2009: 121.2 mL/min per 70 kg once matured."""
    assert typical_gfr(40 * 52, 70) == pytest.approx(121.2, rel=0.001)


def test_a_childs_fat_free_mass_becomes_an_adults() -> None:
    assert fat_free_mass_of_child(40, 80, 180, "male") == pytest.approx(
        fat_free_mass(80, 180, "male"), rel=0.001
    )
    # By hand at the midpoint, 13.4 years: share 0.88 + 0.06.
    assert fat_free_mass_of_child(13.4, 50, 160, "male") == pytest.approx(
        0.94 * fat_free_mass(50, 160, "male")
    )


def test_haycock() -> None:
    """70 kg, 170 cm: 1.8257 m², recomputed independently."""
    assert body_surface_area_haycock(70, 170) == pytest.approx(1.8257, rel=0.002)


def test_child_pugh_adds_up() -> None:
    """Bilirubin 2.4, albumin 3.0, INR 1.5, mild ascites, no encephalopathy: 2 + 2 + 1 + 2 + 1."""
    found = child_pugh(2.4, 3.0, 1.5, "mild", "none")

    assert (found.points, found.grade) == (8, "B")


def test_child_pugh_at_its_ends() -> None:
    assert child_pugh(1.0, 4.0, 1.0, "none", "none").grade == "A"
    assert child_pugh(5.0, 2.0, 3.0, "severe", "grade_3_4").points == 15


def test_phenytoin_at_low_albumin() -> None:
    """Sheiner–Tozer, recomputed: 8 mg/L at 2.5 g/dL is 13.33 mg/L, 22.86 mg/L in kidney failure."""
    assert phenytoin_at_normal_albumin(8, 2.5) == pytest.approx(13.33, abs=0.01)
    assert phenytoin_at_normal_albumin(8, 2.5, clearance_mL_min=10) == pytest.approx(22.86, abs=0.01)
    with pytest.raises(ValueError, match="albumin"):
        phenytoin_at_normal_albumin(8, 0.0)
