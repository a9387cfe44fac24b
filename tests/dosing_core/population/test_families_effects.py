"""Effects against textbook steady states, hand-written equations and published models."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest
from family_levels import given, levels
from scipy.integrate import solve_ivp

DAYS = [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0]
EXACT = {"rtol": 1e-11, "atol": 1e-13, "method": "DOP853"}
STEADY = {"CL": 5.0, "V1": 10.0}
"""Infused at 10 mg/h: 2 mg/L after a few days."""


def hours(days: list[float]) -> list[float]:
    return [24.0 * day for day in days]


def at_plateau(effect: dict[str, object], parameters: dict[str, float], output: str = "effect") -> float:
    """The effect long after an infusion that holds 2 mg/L began."""
    doses = given((0.0, 10.0 * 5000), duration=5000.0)
    return float(
        levels({"routes": ["iv"], "effect": effect}, {**STEADY, **parameters}, doses, [4999.0], output)[0]
    )


@pytest.mark.parametrize(
    ("effect", "parameters", "expected"),
    [
        ({"kind": "linear"}, {"E0": 10.0, "slope": 3.0}, 10 + 3 * 2),
        ({"kind": "emax"}, {"E0": 10.0, "Emax": 60.0, "EC50": 4.0}, 10 + 60 * 2 / 6),
        ({"kind": "emax", "action": "inhibits"}, {"E0": 90.0, "Imax": 0.5, "IC50": 2.0}, 90 * (1 - 0.5 / 2)),
        (
            {"kind": "sigmoid_emax"},
            {"E0": 10.0, "Emax": 60.0, "EC50": 4.0, "gamma": 3.0},
            10 + 60 * 8 / (64 + 8),
        ),
        (
            {"kind": "sigmoid_emax", "action": "inhibits"},
            {"E0": 90.0, "Imax": 1.0, "IC50": 2.0, "gamma": 5.0},
            45.0,
        ),
    ],
)
def test_a_direct_effect_is_its_formula(
    effect: dict[str, object], parameters: dict[str, float], expected: float
) -> None:
    """Worked by hand at 2 mg/L."""
    assert at_plateau(effect, parameters) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (1, 100 * (1 - 0.8 * 2 / 3)),
        (2, 100 / (1 - 0.8 * 2 / 3)),
        (3, 100 * (1 + 1.5 * 2 / 3)),
        (4, 100 / (1 + 1.5 * 2 / 3)),
        (5, 100.0),
        (6, 100.0),
    ],
)
def test_indirect_responses_settle_where_dayneka_says(kind: int, expected: float) -> None:
    """R0 (1 - I), R0 / (1 - I), R0 (1 + S), R0 / (1 + S); with a precursor the response returns to R0, since
    what is produced must leave (Sharma et al. 1998)."""
    inhibits = kind in (1, 2, 5)
    drug = {"Imax": 0.8, "IC50": 1.0} if inhibits else {"Smax": 1.5, "SC50": 1.0}
    precursor = {"kp": 0.05} if kind > 4 else {}

    found = at_plateau(
        {"kind": "indirect_response", "type": kind}, {"E0": 100.0, "kout": 0.1, **drug, **precursor}
    )

    assert found == pytest.approx(expected, rel=1e-6)


def test_an_indirect_response_takes_its_time() -> None:
    """Type 2 with a steep drug after a swallowed dose, written out."""
    ka, k, volume, e0, kout, imax, ic50, gamma = 1.0, 0.1, 50.0, 20.0, 0.15, 0.9, 0.6, 2.5

    def change(t: float, y: np.ndarray) -> list[float]:
        c = 100.0 / volume * ka / (ka - k) * (exp(-k * t) - exp(-ka * t))
        return [kout * e0 - kout * y[0] * (1 - imax * c**gamma / (ic50**gamma + c**gamma))]

    times = [1.0, 4.0, 12.0, 24.0, 72.0]
    expected = solve_ivp(change, (0, 72), [e0], t_eval=times, **EXACT).y[0]

    found = levels(
        {"routes": ["oral"], "effect": {"kind": "indirect_response", "type": 2, "sigmoid": True}},
        {
            **{"CL": k * volume, "V1": volume, "ka": ka, "F": 1.0},
            **{"E0": e0, "kout": kout, "Imax": imax, "IC50": ic50, "gamma": gamma},
        },
        given((0.0, 100.0), oral=True),
        times,
        "effect",
    )

    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", ["indirect_response", "inr", "myelosuppression"])
def test_without_drug_the_baseline_stays(kind: str) -> None:
    """A dose of almost nothing moves nothing."""
    effect, parameters, output, baseline = {
        "indirect_response": (
            {"kind": kind, "type": 3},
            {"E0": 7.0, "kout": 0.1, "Smax": 1.0, "SC50": 1.0},
            "effect",
            7.0,
        ),
        "inr": (
            {"kind": kind},
            {"EC50": 4.1, "gamma": 1.15, "MTT1": 28.6, "MTT2": 118.3, "INR0": 1.1, "INRmax": 20.0},
            "inr",
            1.1,
        ),
        "myelosuppression": (
            {"kind": kind},
            {"Circ0": 5.0, "MTTcirc": 130.0, "feedback": 0.17, "slope": 1.0},
            "neutrophils",
            5.0,
        ),
    }[kind]

    found = levels(
        {"routes": ["iv"], "effect": effect},
        {**STEADY, **parameters},
        given((0.0, 1e-12)),
        hours(DAYS),
        output,
    )

    assert found == pytest.approx(np.full(len(DAYS), baseline), rel=1e-6)


HAMBERG = {"gamma": 1.15, "MTT1": 28.6, "MTT2": 118.3, "INR0": 1.0, "INRmax": 20.0}


def warfarin(concentration_of: list[float]) -> np.ndarray:
    """INR over ``DAYS`` of 5 mg a day, *1/*1, GG, 71 years: the equations printed by Hamberg et al., Clin
    Pharmacol Ther 2010;87:727, with S-warfarin half of each dose."""
    ec50, gamma, ktr1, ktr2 = 4.1, 1.15, 0.104895, 0.0253593
    ka, k, volume = 2.0, 0.348 / 14.3, 14.3

    def concentration(t: float) -> float:
        past = [t - 24.0 * day for day in range(30) if t > 24.0 * day]
        return sum(2.5 / volume * ka / (ka - k) * (exp(-k * s) - exp(-ka * s)) for s in past)

    def change(t: float, y: np.ndarray) -> list[float]:
        power = concentration(t) ** gamma
        e = power / (ec50**gamma + power)
        c11, c12, c13, c21, c22, c23 = y
        return [
            ktr1 * ((1 - e) - c11),
            ktr1 * (c11 - c12),
            ktr1 * (c12 - c13),
            ktr2 * ((1 - e) - c21),
            ktr2 * (c21 - c22),
            ktr2 * (c22 - c23),
        ]

    state, rows, last = np.ones(6), [], 0.0
    for edge in sorted({*concentration_of, *(24.0 * day for day in range(1, 31))}):
        state = solve_ivp(change, (last, edge), state, rtol=1e-9, atol=1e-12, method="LSODA").y[:, -1]
        last = edge
        if edge in concentration_of:
            rows.append(1.0 + 20.0 * (1 - (state[2] + state[5]) / 2))
    return np.array(rows)


def test_the_inr_follows_the_printed_equations() -> None:
    doses = given(*((24.0 * day, 5.0) for day in range(30)), oral=True)

    found = levels(
        {"routes": ["oral"], "effect": {"kind": "inr"}},
        {"CL": 0.348, "V1": 14.3, "ka": 2.0, "F": 0.5, "EC50": 4.1, **HAMBERG},
        doses,
        hours(DAYS),
        "inr",
    )

    assert found == pytest.approx(warfarin(hours(DAYS)), rel=1e-5)
    assert list(found) == sorted(found)


def test_the_kpd_form_gives_the_same_plateau() -> None:
    """KDE = CL / V and EDK50 = CL EC50 (same paper): at steady input both see the same inhibition, here
    c = R / CL, so INR = 1 + 20 E with E = c^g / (EC50^g + c^g)."""
    steadily = given((0.0, 2.5 / 24 * 4000), duration=4000.0)
    kpd = {"routes": ["iv"], "compartments": "kpd", "effect": {"kind": "inr"}}

    found = levels(kpd, {"KDE": 0.348 / 14.3, "EDK50": 0.348 * 4.1, **HAMBERG}, steadily, [3999.0], "inr")[0]

    power = (2.5 / 24 / 0.348 / 4.1) ** 1.15
    assert found == pytest.approx(1 + 20 * power / (1 + power), rel=1e-5)


def test_the_earlier_warfarin_model_multiplies_its_chains() -> None:
    """Hamberg et al. 2007: chains of six and one compartments, INR = INR0 + 20 (1 - A6 A7)^3.61, after a
    bolus into two compartments held in one here."""
    k, volume, ec50, gamma, lam = 0.314 / 13.8, 13.8, 4.61, 0.424, 3.61
    k1, k2 = 6 / 11.6, 1 / 120.0

    def change(t: float, y: np.ndarray) -> list[float]:
        power = (20.0 / volume * exp(-k * t)) ** gamma
        kept = 1 - power / (ec50**gamma + power)
        return [k1 * (before - now) for before, now in zip([kept, *y[:5]], y[:6], strict=True)] + [
            k2 * (kept - y[6])
        ]

    y = solve_ivp(change, (0, 720), np.ones(7), t_eval=hours(DAYS), **EXACT).y
    expected = 1.0 + 20.0 * (1 - y[5] * y[6]) ** lam

    found = levels(
        {"routes": ["iv"], "effect": {"kind": "inr", "chains": [6, 1], "combined": "product"}},
        {
            **{"CL": 0.314, "V1": volume, "EC50": ec50, "gamma": gamma},
            **{"MTT1": 11.6, "MTT2": 120.0, "INR0": 1.0, "INRmax": 20.0, "lam": lam},
        },
        given((0.0, 20.0)),
        hours(DAYS),
        "inr",
    )

    assert found == pytest.approx(expected, rel=1e-5)


def arshad(days: list[float]) -> np.ndarray:
    """[3, n] fluorouracil, dihydrofluorouracil (mg/L), leukocytes (10⁹/L) after 750 mg/m²/day over 5 days,
    with cisplatin: the equations printed by Arshad et al., Cancer Chemother Pharmacol 2020;85:711."""
    cl, v1, q, v2, clm, vm, fm = 249.0, 5.56, 14.8, 28.5, 121.0, 96.7, 0.85
    circ0, mtt, slope, gamma = 6.86, 281.0, 2.82, 0.17
    ktr = 4 / mtt
    rate = 750.0 * 1.95 / 24

    def change(t: float, y: np.ndarray, infused: float) -> list[float]:
        a1, a2, m, p, t1, t2, t3, circ = y
        c = a1 / v1
        return [
            infused - (cl + q) * c + q * a2 / v2,
            q * c - q * a2 / v2,
            fm * cl * c - clm * m / vm,
            ktr * p * (1 - slope * c) * (circ0 / circ) ** gamma - ktr * p,
            ktr * (p - t1),
            ktr * (t1 - t2),
            ktr * (t2 - t3),
            ktr * (t3 - circ),
        ]

    state, last, rows = np.array([0, 0, 0, *[circ0] * 5], dtype=float), 0.0, []
    for edge in sorted({120.0, *hours(days)}):
        infused = rate if edge <= 120.0 else 0.0
        state = solve_ivp(
            change, (last, edge), state, args=(infused,), method="LSODA", rtol=1e-9, atol=1e-12
        ).y[:, -1]
        last = edge
        if edge in hours(days):
            rows.append([state[0] / v1, state[2] / vm, state[7]])
    return np.array(rows).T


def test_leukocytes_follow_the_printed_equations_to_their_nadir() -> None:
    """And come back."""
    days = [1.0, 5.0, 10.0, 14.0, 17.0, 21.0, 28.0, 60.0]
    options = {"routes": ["iv"], "compartments": 2, "metabolite": {}, "effect": {"kind": "myelosuppression"}}
    parameters = {
        **{"CL": 249.0, "V1": 5.56, "Q": 14.8, "V2": 28.5, "fm": 0.85, "CLm": 121.0, "Vm": 96.7},
        **{"Circ0": 6.86, "MTTcirc": 281.0, "feedback": 0.17, "slope": 2.82},
    }
    doses = given((0.0, 750.0 * 1.95 * 5), duration=120.0)
    drug, metabolite, cells = arshad(days)

    assert levels(options, parameters, doses, hours(days)) == pytest.approx(drug, rel=1e-4, abs=1e-7)
    assert levels(options, parameters, doses, hours(days), "metabolite") == pytest.approx(
        metabolite, rel=1e-4, abs=1e-7
    )
    found = levels(options, parameters, doses, hours(days), "neutrophils")
    assert found == pytest.approx(cells, rel=1e-5)
    assert found.min() < 0.75 * 6.86
    assert found[-1] > 0.9 * 6.86


@pytest.mark.parametrize(
    ("effect", "drug", "loss"),
    [
        ("linear", {"slope": 0.1}, 0.2),
        ("emax", {"Emax": 0.6, "EC50": 4.0}, 0.6 * 2 / 6),
        ("sigmoid_emax", {"Emax": 0.9, "EC50": 4.0, "gamma": 2.0}, 0.9 * 4 / 20),
    ],
)
def test_under_steady_drug_feedback_balances_the_loss(
    effect: str, drug: dict[str, float], loss: float
) -> None:
    """(1 - E) (Circ0 / Circ)^feedback = 1, so Circ = Circ0 (1 - E)^(1 / feedback)."""
    found = at_plateau(
        {"kind": "myelosuppression", "effect": effect},
        {"Circ0": 5.0, "MTTcirc": 60.0, "feedback": 0.3, **drug},
        "neutrophils",
    )

    assert found == pytest.approx(5.0 * (1 - loss) ** (1 / 0.3), rel=1e-5)


@pytest.mark.parametrize(
    ("driver", "extra_options", "extra", "acting"),
    [
        ("unbound", {"binding": "fraction_unbound"}, {"fu": 0.25}, 0.5),
        ("metabolite", {"metabolite": {}}, {"fm": 0.5, "CLm": 10.0, "Vm": 5.0}, 0.5),
        ("effect_site", {"effect_site": True}, {"ke0": 0.3}, 2.0),
        ("occupancy", {"target": "qss"}, {"R0": 1e-9, "kdeg": 0.1, "kint": 0.1, "Kss": 2.0}, 0.5),
    ],
)
def test_an_effect_can_be_driven_by_any_concentration(
    driver: str, extra_options: dict[str, object], extra: dict[str, float], acting: float
) -> None:
    """2 mg/L of drug leave what acts at the value worked by hand."""
    options = {"routes": ["iv"], "effect": {"kind": "linear", "driven_by": driver}, **extra_options}

    found = levels(
        options,
        {**STEADY, **extra, "E0": 1.0, "slope": 10.0},
        given((0.0, 10.0 * 1000), duration=1000.0),
        [999.0],
        "effect",
    )

    assert found[0] == pytest.approx(1.0 + 10.0 * acting, rel=1e-6)
