"""Target-mediated disposition: printed equations, limits, balance of mass, occupancy."""

from __future__ import annotations

import numpy as np
import pytest
from family_levels import given, levels
from scipy.integrate import simpson, solve_ivp

DAYS = [0.05, 0.5, 2.0, 7.0, 21.0, 42.0, 70.0]
EXACT = {"rtol": 1e-10, "atol": 1e-13, "method": "LSODA"}
BERENDS = {
    **{"CL": 0.404 / 24, "V1": 3.18, "Q": 0.344 / 24, "V2": 1.64},
    **{"R0": 5.662e-5, "kdeg": 5.12 / 24, "kint": 0.984 / 24, "Kss": 2.0264},
}
QSS = {"routes": ["iv"], "compartments": 2, "target": "qss"}
LARGE = {"CL": 0.01, "V1": 3.2, "R0": 2.0, "kdeg": 0.02, "kint": 0.04}
"""Illustrative: a target large beside the drug, which it clears."""


def hours(days: list[float]) -> list[float]:
    return [24.0 * day for day in days]


def berends(r0: float) -> np.ndarray:
    """[3, n] free drug, total drug (mg/L), target over ``DAYS`` after 375 mg: the equations printed by
    Berends et al., J Pharmacokinet Pharmacodyn 2019;46:543, in days and infliximab equivalents."""
    cl, v1, q, v2, kss, kint, kdeg = 0.404, 3.18, 0.344, 1.64, 2.0264, 0.984, 5.12

    def free(total: float, r: float) -> float:
        return 0.5 * ((total - r - kss) + np.sqrt((total - r - kss) ** 2 + 4 * kss * total))

    def change(t: float, y: np.ndarray) -> list[float]:
        a1, a2, r = y
        c = free(a1 / v1, r)
        bound = r * c / (kss + c)
        return [
            -cl * c - q * c + q / v2 * a2 - kint * v1 * bound,
            q * c - q / v2 * a2,
            kdeg * r0 - kdeg * r - (kint - kdeg) * bound,
        ]

    y = solve_ivp(change, (0, 70), [375.0, 0.0, r0], t_eval=DAYS, **EXACT).y
    return np.array([[free(a / v1, r) for a, r in zip(y[0], y[2], strict=True)], y[0] / v1, y[2]])


@pytest.mark.parametrize("r0", [5.662e-5, 20.0])
def test_quasi_steady_state_follows_the_printed_equations(r0: float) -> None:
    """As published, and with a target so large that it clears the drug."""
    parameters, doses = {**BERENDS, "R0": r0}, given((0.0, 375.0))

    free, total, target = berends(r0)

    assert levels(QSS, parameters, doses, hours(DAYS)) == pytest.approx(free, rel=1e-5)
    assert levels(QSS, parameters, doses, hours(DAYS), "total") == pytest.approx(total, rel=1e-5)
    unbound = levels(QSS, parameters, doses, hours(DAYS), "free_target")
    assert unbound == pytest.approx(target * 2.0264 / (2.0264 + free), rel=1e-5)


@pytest.mark.parametrize(("free_mg_l", "occupied"), [(0.5, 0.198), (2.03, 0.5), (5.0, 0.712), (10.0, 0.832)])
def test_occupancy_is_the_published_one(free_mg_l: float, occupied: float) -> None:
    """Worked examples from Kss = 13.6 nmol/L of Berends et al. 2019 at 149 kDa; the target is negligible, so
    a bolus into one compartment sets the free concentration."""
    found = levels(
        {"routes": ["iv"], "target": "qss"},
        {name: value for name, value in BERENDS.items() if name not in ("Q", "V2")},
        given((0.0, free_mg_l * 3.18)),
        [1e-6],
        "occupancy",
    )

    assert found[0] == pytest.approx(occupied, abs=0.002)


def full(kon: float, koff: float, days: list[float] = DAYS) -> np.ndarray:
    """[3, n] free drug, target, complex (mg/L) after 30 mg: the rate equations of Mager & Jusko 2001."""
    cl, v, r0, kdeg, kint = LARGE.values()

    def change(t: float, y: np.ndarray) -> list[float]:
        c, r, rc = y
        return [
            -cl / v * c - kon * c * r + koff * rc,
            kdeg * r0 - kdeg * r - kon * c * r + koff * rc,
            kon * c * r - koff * rc - kint * rc,
        ]

    return solve_ivp(change, (0, 24 * 70), [30.0 / v, r0, 0.0], t_eval=hours(days), **EXACT).y


def test_all_rates_follow_the_equations_of_mass_action() -> None:
    free, target, bound = full(1.0, 0.46)
    options, parameters = {"routes": ["iv"], "target": "full"}, {**LARGE, "kon": 1.0, "koff": 0.46}
    doses = given((0.0, 30.0))

    assert levels(options, parameters, doses, hours(DAYS)) == pytest.approx(free, rel=1e-5, abs=1e-9)
    total = levels({**options, "target_measured": "total"}, parameters, doses, hours(DAYS))
    assert total == pytest.approx(free + bound, rel=1e-5, abs=1e-9)
    occupied = levels(options, parameters, doses, hours(DAYS), "occupancy")
    assert occupied == pytest.approx(bound / (bound + target), rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(("fast", "constant", "extra"), [("qss", "Kss", 0.04), ("qe", "KD", 0.0)])
def test_fast_binding_is_the_limit_of_all_rates(fast: str, constant: str, extra: float) -> None:
    """With association far faster than all else, all rates give what the short form gives: Kss =
    (koff + kint) / kon, KD = koff / kon."""
    kon, koff = 400.0, 200.0
    free, target, bound = full(kon, koff)
    doses = given((0.0, 30.0))
    options, parameters = {"routes": ["iv"], "target": fast}, {**LARGE, constant: (koff + extra) / kon}

    found = levels(options, parameters, doses, hours(DAYS))
    occupied = levels(options, parameters, doses, hours(DAYS), "occupancy")

    assert found == pytest.approx(free, rel=2e-3, abs=1e-6)
    assert occupied == pytest.approx(bound / (bound + target), rel=2e-3, abs=1e-6)


def test_no_drug_and_no_target_is_lost_but_by_the_stated_ways() -> None:
    """Without clearance, internalisation or turnover all drug and all target stay."""
    closed = {"CL": 0.0, "V1": 3.2, "R0": 2.0, "kdeg": 0.0, "kint": 0.0, "kon": 1.0, "koff": 0.46}
    options, doses = {"routes": ["iv"], "target": "full"}, given((0.0, 5.0))

    total = levels(options, closed, doses, hours(DAYS), "total")
    free_target = levels(options, closed, doses, hours(DAYS), "free_target")
    occupied = levels(options, closed, doses, hours(DAYS), "occupancy")

    assert total == pytest.approx(np.full(len(DAYS), 5.0 / 3.2), rel=1e-6)
    assert free_target / (1 - occupied) == pytest.approx(np.full(len(DAYS), 2.0), rel=1e-6)


@pytest.mark.parametrize(
    ("target", "rates"), [("full", {"kon": 1.0, "koff": 0.46}), ("qe", {"KD": 0.46}), ("qss", {"Kss": 0.46})]
)
def test_at_equilibrium_occupancy_is_that_of_mass_action(target: str, rates: dict[str, float]) -> None:
    """C / (C + KD), where nothing is lost."""
    closed = {"CL": 0.0, "V1": 3.2, "R0": 2.0, "kdeg": 0.0, "kint": 0.0, **rates}
    options, doses = {"routes": ["iv"], "target": target}, given((0.0, 5.0))

    free = levels(options, closed, doses, [240.0])[0]
    occupied = levels(options, closed, doses, [240.0], "occupancy")[0]

    assert occupied == pytest.approx(free / (free + 0.46), rel=1e-6)
    assert free + 2.0 * occupied == pytest.approx(5.0 / 3.2, rel=1e-6)


def test_without_drug_the_target_keeps_its_baseline() -> None:
    """A dose of nearly nothing."""
    found = levels(
        {"routes": ["iv"], "target": "qss"},
        {**LARGE, "Kss": 0.5},
        given((0.0, 1e-9)),
        [1.0, 500.0],
        "free_target",
    )

    assert found == pytest.approx([2.0, 2.0], rel=1e-6)


def test_a_swallowed_or_injected_antibody_meets_its_target_too() -> None:
    """All of a subcutaneous dose leaves by clearance or with the target: the areas of both add up to F D."""
    parameters = {**LARGE, "Kss": 0.5, "ka": 0.02, "F": 0.6}
    options = {"routes": ["oral"], "target": "qss"}
    doses = given((0.0, 150.0), oral=True)
    times = list(24 * 300 * np.linspace(0.0, 1.0, 241) ** 2)

    free = levels(options, parameters, doses, times)
    bound = levels(options, parameters, doses, times, "total") - free

    removed = simpson(0.01 * free + 0.04 * 3.2 * bound, x=times)
    assert removed == pytest.approx(90.0, rel=1e-3)
