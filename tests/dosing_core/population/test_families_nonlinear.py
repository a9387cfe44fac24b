"""Saturable and time-dependent clearance and binding against closed forms and hand-written equations."""

from __future__ import annotations

from math import cos, exp, log, pi

import numpy as np
import pytest
from family_levels import given, levels
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq
from scipy.special import lambertw

HOURS = [0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 24.0, 48.0]
EXACT = {"rtol": 1e-11, "atol": 1e-13, "method": "DOP853"}


def test_a_bolus_falls_by_the_closed_form_of_michaelis_and_menten() -> None:
    """C = Km W(C0 / Km exp((C0 - Vmax t / V) / Km)) (Beal, J Pharmacokinet Biopharm 1983;11:623)."""
    vmax, km, volume, start = 20.0, 4.0, 40.0, 15.0

    found = levels(
        {"routes": ["iv"], "elimination": "michaelis_menten"},
        {"Vmax": vmax, "Km": km, "V1": volume},
        given((0.0, start * volume)),
        HOURS,
    )

    t = np.array(HOURS)
    expected = km * lambertw(start / km * np.exp((start - vmax / volume * t) / km)).real
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("daily_mg", "css"), [(300.0, 14.87), (350.0, 30.7)])
def test_phenytoin_reaches_the_steady_state_that_its_saturation_allows(daily_mg: float, css: float) -> None:
    """Km R / (Vmax - R) with Grasela et al., Clin Pharmacokinet 1983;8:355: Vmax 415 mg/day, Km 5.7 mg/L."""
    long = 24.0 * 500

    found = levels(
        {"routes": ["iv"], "elimination": "michaelis_menten"},
        {"Vmax": 415.0 / 24.0, "Km": 5.7, "V1": 45.5},
        given((0.0, daily_mg * 500), duration=long),
        [long],
    )

    assert found[0] == pytest.approx(css, abs=0.05)
    assert found[0] == pytest.approx(5.7 * daily_mg / (415.0 - daily_mg), rel=1e-6)


def test_above_its_greatest_rate_a_saturable_drug_has_no_plateau() -> None:
    """At 430 of 415 mg a day at least 15 mg a day stays: 0.33 mg/L a day in 45.5 L."""
    found = levels(
        {"routes": ["iv"], "elimination": "michaelis_menten"},
        {"Vmax": 415.0 / 24.0, "Km": 5.7, "V1": 45.5},
        given((0.0, 430.0 * 400), duration=24.0 * 400),
        [24.0 * 300, 24.0 * 400],
    )

    assert found[1] - found[0] > 100 * 15.0 / 45.5


def test_linear_and_saturable_elimination_run_side_by_side() -> None:
    """Voriconazole of Friberg et al. 2012, swallowed, with the inhibition of Vmax by time."""
    cl, vmax, km, v1, q, v2, ka = 6.16, 114.0, 1.15, 79.0, 15.5, 103.0, 1.19
    vinh, t50 = 0.817574, 2.41

    def change(t: float, y: np.ndarray) -> list[float]:
        depot, central, peripheral = y
        c = central / v1
        later = max(0.0, t - 1)
        rate = vmax * (1 - vinh * later / (later + (t50 - 1)))
        out = cl * c + rate * c / (km + c)
        return [-ka * depot, ka * depot - out - q * c + q * peripheral / v2, q * c - q * peripheral / v2]

    expected = solve_ivp(change, (0, 48), [128.4, 0, 0], t_eval=HOURS, max_step=0.25, **EXACT).y[1] / v1

    found = levels(
        {
            "routes": ["oral"],
            "compartments": 2,
            "elimination": "linear+michaelis_menten",
            "clearance_changes": ["vmax_inhibition"],
        },
        {
            **{"CL": cl, "Vmax": vmax, "Km": km, "Vinh": vinh, "T50": t50},
            **{"V1": v1, "Q": q, "V2": v2, "ka": ka, "F": 0.642},
        },
        given((0.0, 200.0), oral=True),
        HOURS,
    )

    assert found == pytest.approx(expected, rel=1e-5, abs=1e-8)


def test_saturable_elimination_of_little_drug_is_linear() -> None:
    """Far below Km the clearance is Vmax / Km."""
    doses = given((0.0, 0.01))
    saturable = {"Vmax": 20.0, "Km": 4.0, "V1": 40.0}

    found = levels({"routes": ["iv"], "elimination": "michaelis_menten"}, saturable, doses, HOURS)

    assert found == pytest.approx([0.01 / 40.0 * exp(-5.0 / 40.0 * t) for t in HOURS], rel=1e-4)


VOLUME = 40.0


def bolus(clearance_until: list[float]) -> list[float]:
    """Levels after 400 mg into one compartment whose clearance has these integrals (L)."""
    return [400.0 / VOLUME * exp(-cleared / VOLUME) for cleared in clearance_until]


def test_induction_raises_clearance_from_the_first_dose_on() -> None:
    """CLss - (CLss - CL0) e^(-k t), integrated by hand."""
    start, plateau, k = 2.0, 6.0, 0.05

    found = levels(
        {"routes": ["iv"], "clearance_changes": ["auto_induction"]},
        {"CL0": start, "CLss": plateau, "kenz": k, "V1": VOLUME},
        given((-100.0, 400.0)),
        [t - 100.0 for t in HOURS],
    )

    cleared = [plateau * t - (plateau - start) * (1 - exp(-k * t)) / k for t in HOURS]
    assert found == pytest.approx(bolus(cleared), rel=1e-6)


def test_clearance_follows_the_clock() -> None:
    """CL (1 + a cos(2 pi (clock - acrophase) / 24)), integrated by hand; now is 8 in the morning."""
    mean, amplitude, acrophase, clock = 4.0, 0.3, 14.0, 8.0

    found = levels(
        {"routes": ["iv"], "clearance_changes": ["circadian"]},
        {"CL": mean, "amp": amplitude, "acro": acrophase, "V1": VOLUME},
        given((0.0, 400.0)),
        HOURS,
        clock_h=clock,
    )

    w = 2 * pi / 24

    def cleared(t: float) -> float:
        return mean * quad(lambda s: 1 + amplitude * cos(w * (clock + s - acrophase)), 0, t, epsrel=1e-12)[0]

    assert found == pytest.approx(bolus([cleared(t) for t in HOURS]), rel=1e-6)


def test_a_rhythm_of_fluorouracil_as_published_makes_its_peak_at_six() -> None:
    """Fleming et al., BMC Cancer 2015;15:69: infused steadily, the peak at 06:00 is 1.2 times the nadir."""
    hours = list(np.arange(24.0, 48.01, 0.5))

    found = levels(
        {"routes": ["iv"], "clearance_changes": ["circadian"]},
        {"CL": 249.0, "amp": 0.2 / 2.2, "acro": 18.0, "V1": 5.56},
        given((0.0, 4800.0), duration=48.0),
        hours,
        clock_h=0.0,
    )

    assert found.max() / found.min() == pytest.approx(1.2, abs=0.001)
    assert hours[int(np.argmax(found))] % 24 == pytest.approx(6.0, abs=0.5)


def test_clearance_matures_with_age() -> None:
    """PMA^h / (PMA^h + TM50^h), 47.7 weeks and 3.4 (Rhodin et al., Pediatr Nephrol 2009;24:67)."""
    times = [24.0, 168.0, 672.0]

    found = levels(
        {"routes": ["iv"], "clearance_changes": ["maturation"]},
        {"CL": 0.05, "PMA": 30.0, "TM50": 47.7, "matur": 3.4, "V1": VOLUME},
        given((0.0, 400.0)),
        times,
    )

    def clearance(s: float) -> float:
        age = 30.0 + s / (7 * 24)
        return 0.05 / (1 + (age / 47.7) ** -3.4)

    assert found == pytest.approx(bolus([quad(clearance, 0, t)[0] for t in times]), rel=1e-6)


def test_an_enzyme_pool_settles_where_production_meets_loss() -> None:
    """At a plateau C: rate = CL (1 + Eind C / (EC50 + C)) C."""
    rate, cl, rise, half = 20.0, 2.0, 1.5, 3.0

    found = levels(
        {"routes": ["iv"], "clearance_changes": ["enzyme_turnover"]},
        {"CL": cl, "kenz": 0.02, "Eind": rise, "EC50ind": half, "V1": VOLUME},
        given((0.0, rate * 2000), duration=2000.0),
        [1999.0],
    )

    plateau = brentq(lambda c: cl * (1 + rise * c / (half + c)) * c - rate, 0.1, 10.0)
    assert found[0] == pytest.approx(plateau, rel=1e-5)


def test_unbound_is_the_published_share_at_the_patients_albumin() -> None:
    """Phenytoin of Hennig et al., J Clin Pharmacol 2015;55:355, 20 kg, albumin 25 g/L: fu 0.115963."""
    options = {"routes": ["iv"], "binding": "bound_ratio"}
    parameters = {"CL": 5.47113, "V1": 127.714, "PUB": 7.62345}
    doses = given((0.0, 400.0))

    total = levels(options, parameters, doses, HOURS)
    unbound = levels(options, parameters, doses, HOURS, "unbound")

    assert unbound == pytest.approx([400.0 / 127.714 * exp(-5.47113 / 127.714 * t) for t in HOURS], rel=1e-6)
    assert unbound / total == pytest.approx(np.full(len(HOURS), 0.115963), rel=1e-5)


@pytest.mark.parametrize(
    ("binding", "parameters", "share"),
    [
        ("fraction_unbound", {"fu": 0.1}, 0.1),
        ("albumin", {"KA": 0.2, "ALB": 40.0}, 1 / 9),
    ],
)
def test_unbound_from_total_does_not_change_the_total(
    binding: str, parameters: dict[str, float], share: float
) -> None:
    kinetics = {"CL": 5.0, "V1": VOLUME}
    doses = given((0.0, 400.0))
    total = levels({"routes": ["iv"]}, kinetics, doses, HOURS)
    options = {"routes": ["iv"], "binding": binding}

    assert levels(options, {**kinetics, **parameters}, doses, HOURS) == pytest.approx(total, rel=1e-8)
    unbound = levels(options, {**kinetics, **parameters}, doses, HOURS, "unbound")
    assert unbound == pytest.approx(share * total, rel=1e-8)


@pytest.mark.parametrize("acts", ["total", "unbound"])
def test_saturable_binding_divides_the_total_as_mass_action_says(acts: str) -> None:
    """Total = unbound (1 + Bmax / (KB + unbound)) at every time; capacity 4 mg a gram of albumin."""
    options = {
        "routes": ["iv"],
        "compartments": 2,
        "binding": {"kind": "saturable_total", "capacity": "albumin", "acts": acts},
    }
    parameters = {"CL": 2.0, "V1": 10.0, "Q": 3.0, "V2": 20.0, "Ncap": 4.0, "ALB": 30.0, "KB": 8.0}
    doses = given((0.0, 2000.0))

    total = levels(options, parameters, doses, HOURS)
    unbound = levels(options, parameters, doses, HOURS, "unbound")

    assert unbound * (1 + 120.0 / (8.0 + unbound)) == pytest.approx(total, rel=1e-9)


def test_only_what_is_unbound_is_cleared_where_that_is_said() -> None:
    """One compartment: V dCt/dt = -CL Cu, rewritten for Cu: V (1 + Bmax KB / (KB + Cu)^2) dCu/dt = -CL Cu."""
    cl, volume, capacity, half = 5.0, 10.0, 120.0, 8.0
    start = brentq(lambda u: u * (1 + capacity / (half + u)) - 100.0, 1e-6, 100.0)

    def change(t: float, u: np.ndarray) -> np.ndarray:
        return -cl * u / volume / (1 + capacity * half / (half + u) ** 2)

    expected = solve_ivp(change, (0, 48), [start], t_eval=HOURS, **EXACT).y[0]

    found = levels(
        {"routes": ["iv"], "binding": {"kind": "saturable_total", "acts": "unbound"}},
        {"CL": cl, "V1": volume, "Bmax": capacity, "KB": half},
        given((0.0, 1000.0)),
        HOURS,
        "unbound",
    )

    assert found == pytest.approx(expected, rel=1e-6)


def test_whole_blood_is_plasma_and_what_red_cells_take_up() -> None:
    """Everolimus of ter Heine et al. 2018 (ug/L): Crb = 964 Cp / (92 + Cp) + 0.153 Cp, Cwb = HCT Crb +
    (1 - HCT) Cp."""
    options = {"routes": ["iv"], "binding": "red_cells"}
    parameters = {"CL": 35.4, "V1": 175.0, "Bmax": 0.964, "KB": 0.092, "NS": 0.153, "HCT": 0.36}
    doses = given((0.0, 1.5))

    plasma = levels(options, parameters, doses, HOURS, "plasma") * 1000.0
    blood = levels(options, parameters, doses, HOURS) * 1000.0

    cells = 964.0 * plasma / (92.0 + plasma) + 0.153 * plasma
    assert blood == pytest.approx(0.36 * cells + 0.64 * plasma, rel=1e-9)
    assert plasma == pytest.approx([1500.0 / 175.0 * exp(-35.4 / 175.0 * t) for t in HOURS], rel=1e-6)


def test_tacrolimus_in_whole_blood_is_its_plasma_bound_saturably() -> None:
    """Størset et al., Ther Drug Monit 2014;36:312: capacity 0.418 mg/L times haematocrit, 3.8 ug/L."""
    options = {"routes": ["iv"], "binding": "saturable"}
    parameters = {"CL": 811.0, "V1": 6290.0, "Bmax": 0.418 * 0.33, "KB": 0.0038}
    doses = given((0.0, 5.0))

    plasma = levels(options, parameters, doses, HOURS, "unbound")
    blood = levels(options, parameters, doses, HOURS)

    assert blood == pytest.approx(plasma * (1 + 0.13794 / (0.0038 + plasma)), rel=1e-9)
    assert log(plasma[0] / plasma[1]) == pytest.approx(0.5 * 811.0 / 6290.0, rel=1e-6)
