"""Linear families against textbook closed forms, convolutions and published numbers."""

from __future__ import annotations

from math import exp, factorial

import numpy as np
import pytest
from family_levels import given, levels
from scipy.integrate import quad
from scipy.linalg import expm

HOURS = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 24.0, 48.0]
ONE = {"CL": 5.0, "V1": 40.0}
ORAL = {**ONE, "F": 0.7}
K = 5.0 / 40.0


def decay(time: float) -> float:
    """Concentration (1/L) of 1 mg that entered one compartment ``time`` h ago."""
    return exp(-K * time) / 40.0 if time >= 0 else 0.0


def test_three_compartments_are_a_sum_of_three_exponentials() -> None:
    """Methotrexate of Taylor et al. 2020 as a bolus. Gibaldi & Perrier, Pharmacokinetics, 2nd ed., ch. 2: the
    exponents are the roots of a cubic, the coefficients (k21 - l)(k31 - l) / ((m - l)(n - l))."""
    p = {"CL": 11.0, "V1": 16.5, "Q": 0.602, "V2": 4.55, "Q3": 0.111, "V3": 13.1}
    k10, k12, k13 = p["CL"] / p["V1"], p["Q"] / p["V1"], p["Q3"] / p["V1"]
    k21, k31 = p["Q"] / p["V2"], p["Q3"] / p["V3"]
    total = k10 + k12 + k13
    roots = np.sort(
        np.roots(
            [
                1,
                -(total + k21 + k31),
                total * (k21 + k31) + k21 * k31 - k12 * k21 - k13 * k31,
                -k10 * k21 * k31,
            ]
        )
    )
    expected = np.zeros(len(HOURS))
    for i, root in enumerate(roots):
        others = np.delete(roots, i)
        weight = (k21 - root) * (k31 - root) / np.prod(others - root)
        expected += 1000.0 / p["V1"] * weight * np.exp(-root * np.array(HOURS))

    found = levels({"routes": ["iv"], "compartments": 3}, p, given((0.0, 1000.0)), HOURS)

    assert found == pytest.approx(expected, rel=1e-7)


def test_one_step_of_an_erlang_chain_is_first_order_absorption() -> None:
    """Bateman's function."""
    expected = [0.7 * 100.0 / 40.0 * 1.3 / (1.3 - K) * (exp(-K * t) - exp(-1.3 * t)) for t in HOURS]
    doses = given((0.0, 100.0), oral=True)

    chain = levels(
        {"routes": ["oral"], "absorption": {"input": "erlang", "stages": 1}},
        {**ORAL, "ktr": 1.3},
        doses,
        HOURS,
    )
    depot = levels({"routes": ["oral"]}, {**ORAL, "ka": 1.3}, doses, HOURS)

    assert chain == pytest.approx(expected, rel=1e-7)
    assert depot == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("stages", [2, 5, 10])
@pytest.mark.parametrize("rate", ["ktr", "MTT"])
def test_an_erlang_chain_delays_as_the_erlang_density(stages: int, rate: str) -> None:
    """Input is the density of a sum of equal exponential waits; the level its convolution with decay."""
    ktr = 2.5

    def density(s: float) -> float:
        return ktr * (ktr * s) ** (stages - 1) / factorial(stages - 1) * exp(-ktr * s)

    expected = [
        70.0 * quad(lambda s, t=t: density(s) * decay(t - s), 0, t, epsabs=1e-13, epsrel=1e-11, limit=200)[0]
        for t in HOURS
    ]
    named = {"ktr": ktr} if rate == "ktr" else {"MTT": stages / ktr}

    found = levels(
        {"routes": ["oral"], "absorption": {"input": "erlang", "stages": stages, "rate": rate}},
        {**ORAL, **named},
        given((0.0, 100.0), oral=True),
        HOURS,
    )

    assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("stages", [1, 4])
def test_transit_absorption_is_that_of_savic(stages: int) -> None:
    """dA/dt = F D ktr (ktr t)^n e^(-ktr t) / n! - ka A (Savic et al., J Pharmacokinet Pharmacodyn
    2007;34:711, equation 10), ktr = (n + 1) / MTT, after a lag."""
    mtt, ka, lag = 1.5, 0.9, 0.4
    ktr = (stages + 1) / mtt

    def depot(s: float) -> float:
        return quad(
            lambda u: ktr * (ktr * u) ** stages / factorial(stages) * exp(-ktr * u - ka * (s - u)),
            0,
            s,
            epsrel=1e-11,
        )[0]

    times = [0.5, 1.0, 2.0, 4.0, 8.0]
    expected = [
        70.0 * quad(lambda s, t=t: ka * depot(s) * decay(t - lag - s), 0, t - lag, epsrel=1e-9)[0]
        for t in times
    ]

    found = levels(
        {
            "routes": ["oral"],
            "absorption": {"input": "transit", "stages": stages, "rate": "MTT", "lag": True},
        },
        {**ORAL, "MTT": mtt, "ka": ka, "tlag": lag},
        given((0.0, 100.0), oral=True),
        times,
    )

    assert found == pytest.approx(expected, rel=1e-6)


def zero_order(time: float, length: float) -> float:
    """Concentration (1/L) of 1 mg that enters one compartment at a constant rate over ``length`` h."""
    if time <= 0:
        return 0.0
    return (exp(-K * max(time - length, 0.0)) - exp(-K * time)) / (length * 5.0)


def test_zero_order_input_is_an_infusion_of_its_own_length() -> None:
    found = levels(
        {"routes": ["oral"], "absorption": {"input": "zero_order", "lag": True}},
        {**ORAL, "D1": 3.0, "tlag": 0.3},
        given((0.0, 100.0), oral=True),
        HOURS,
    )

    assert found == pytest.approx([70.0 * zero_order(t - 0.3, 3.0) for t in HOURS], rel=1e-7, abs=1e-10)


def test_zero_order_into_a_depot_is_a_spread_out_first_order() -> None:
    ka, length = 1.3, 3.0

    def bateman(t: float) -> float:
        return ka / (40.0 * (ka - K)) * (exp(-K * t) - exp(-ka * t))

    expected = [70.0 / length * quad(lambda u, t=t: bateman(t - u), 0, min(t, length))[0] for t in HOURS]

    found = levels(
        {"routes": ["oral"], "absorption": "zero_then_first"},
        {**ORAL, "D1": length, "ka": ka},
        given((0.0, 100.0), oral=True),
        HOURS,
    )

    assert found == pytest.approx(expected, rel=1e-7)


def test_parallel_inputs_add_up() -> None:
    """Each way alone, with its share of the dose."""
    doses = given((0.0, 100.0), (12.0, 50.0), oral=True)
    first = levels({"routes": ["oral"]}, {**ORAL, "ka": 1.3}, doses, HOURS)
    second = levels(
        {"routes": ["oral"], "absorption": {"input": "erlang", "stages": 3, "lag": True}},
        {**ORAL, "ktr": 0.8, "tlag": 2.0},
        doses,
        HOURS,
    )

    both = levels(
        {"routes": ["oral"], "absorption": ["first_order", {"input": "erlang", "stages": 3, "lag": True}]},
        {**ORAL, "ka": 1.3, "ktr2": 0.8, "tlag2": 2.0, "fr": 0.35},
        doses,
        HOURS,
    )

    assert both == pytest.approx(0.35 * first + 0.65 * second, rel=1e-6, abs=1e-9)


def test_bioavailability_falls_with_the_dose_and_changes_with_food() -> None:
    """F (1 - Fdrop D / (FD50 + D)) (1 + Ffood): at D = FD50 half of the drop."""
    doses = given((0.0, 900.0), oral=True)
    full = levels({"routes": ["oral"]}, {**ONE, "F": 1.0, "ka": 1.3}, doses, HOURS)

    found = levels(
        {"routes": ["oral"], "bioavailability": "saturable", "food": True},
        {**ONE, "F": 0.8, "Fdrop": 0.6, "FD50": 900.0, "Ffood": 0.25, "fed": 1.0, "ka": 1.3},
        doses,
        HOURS,
    )

    assert found == pytest.approx(0.8 * (1 - 0.3) * 1.25 * full, rel=1e-8)


def test_bioavailability_concerns_swallowed_doses_only() -> None:
    found = levels({"routes": ["iv", "oral"]}, {**ORAL, "ka": 1.0}, given((0.0, 100.0)), HOURS)

    assert found == pytest.approx([100.0 * decay(t) for t in HOURS], rel=1e-8)


def test_a_metabolite_is_formed_by_elimination_and_cleared() -> None:
    """Bateman's function with the parent's rate of elimination as its rate of input."""
    found = levels(
        {"routes": ["iv"], "metabolite": {}},
        {**ONE, "fm": 0.4, "CLm": 8.0, "Vm": 20.0},
        given((0.0, 100.0)),
        HOURS,
        "metabolite",
    )

    km = 8.0 / 20.0
    expected = [0.4 * 100.0 / 20.0 * K / (km - K) * (exp(-K * t) - exp(-km * t)) for t in HOURS]
    assert found == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(("clearance", "css_ng_ml"), [(21.9, 571.0), (36.3102, 344.0)])
def test_clozapine_and_norclozapine_reach_the_published_plateau(clearance: float, css_ng_ml: float) -> None:
    """Li et al., Acta Pharmacol Sin 2012;33:1409: a woman who does not smoke, a man who does, 300 mg a day.
    Steadily infused, the parent reaches dose rate / CL and the metabolite KF CL / CLM of it."""
    smoker = clearance > 30
    metabolic = 58.3695 if smoker else 32.7
    parameters = {"CL": clearance, "V1": 526.0, "fm": 0.66, "CLm": metabolic, "Vm": 624.0}
    options = {"routes": ["iv"], "metabolite": {}}
    doses = given((0.0, 300.0 / 24.0 * 2000.0), duration=2000.0)

    parent = levels(options, parameters, doses, [1999.0])[0]
    formed = levels(options, parameters, doses, [1999.0], "metabolite")[0]

    assert parent * 1000.0 == pytest.approx(css_ng_ml, abs=2.0)
    assert formed / parent == pytest.approx(0.66 * clearance / metabolic, rel=1e-6)


def test_sunitinib_passes_the_liver_before_the_blood() -> None:
    """The equations printed by Yu et al., Br J Clin Pharmacol 2015;79:809, solved by matrix exponential."""
    ka, cls, vs, qh = 0.34, 35.7, 1360.0, 80.0
    clm, vm, qm, vpm, fm = 17.1, 635.0, 20.1, 388.0, 0.21
    # Order: depot, parent, metabolite, its second compartment. Cliv = (ka Adepot + QH As / Vs) / (QH + CLs).
    from_depot, from_parent = ka / (qh + cls), qh / vs / (qh + cls)
    rates = np.array(
        [
            [-ka, 0, 0, 0],
            [qh * from_depot, qh * from_parent - qh / vs, 0, 0],
            [fm * cls * from_depot, fm * cls * from_parent, -(clm + qm) / vm, qm / vpm],
            [0, 0, qm / vm, -qm / vpm],
        ]
    )
    states = np.array([expm(rates * t) @ [50.0, 0, 0, 0] for t in HOURS])
    options = {"routes": ["oral"], "elimination": "well_stirred", "metabolite": {"compartments": 2}}
    parameters = {
        **{"CLint": cls, "QH": qh, "V1": vs, "ka": ka, "F": 1.0},
        **{"fm": fm, "CLm": clm, "Vm": vm, "Qm": qm, "Vpm": vpm},
    }
    doses = given((0.0, 50.0), oral=True)

    assert levels(options, parameters, doses, HOURS) == pytest.approx(states[:, 1] / vs, rel=1e-7)
    found = levels(options, parameters, doses, HOURS, "metabolite")
    assert found == pytest.approx(states[:, 2] / vm, rel=1e-7)


def test_everolimus_loses_the_published_share_in_its_first_pass() -> None:
    """ter Heine et al., Br J Clin Pharmacol 2018;84:1575, typical person: F 0.3855 and CL 35.39 L/h in plasma
    by liver flow 57.6 L/h and unbound intrinsic clearance 91.8 L/h; a chain of five steps."""
    options = {
        "routes": ["iv", "oral"],
        "compartments": 2,
        "elimination": "well_stirred",
        "absorption": {"input": "erlang", "stages": 5, "rate": "MTT"},
    }
    parameters = {
        **{"CLint": 0.27 * 340.0, "QH": 57.6, "V1": 175.0, "Q": 85.7, "V2": 577.0, "MTT": 0.404, "F": 1.0},
    }
    plain = {"CL": 35.3928, "V1": 175.0, "Q": 85.7, "V2": 577.0, "MTT": 0.404, "F": 0.385542}
    doses = given((0.0, 1.5), oral=True)

    found = levels(options, parameters, doses, HOURS)

    expected = levels({**options, "elimination": "linear"}, plain, doses, HOURS)
    assert found == pytest.approx(expected, rel=1e-5)


def test_ciclosporin_follows_the_printed_equations() -> None:
    """Press et al., Eur J Clin Pharmacol 2010;66:579, 60 kg on 50 mg prednisolone: gut and one transit
    compartment at the same rate, then two compartments."""
    ka, cl, v1, q, v2 = 0.9, 12.563, 44.2105, 14.0, 125.0
    rates = np.array(
        [
            [-ka, 0, 0, 0],
            [ka, -ka, 0, 0],
            [0, ka, -(cl + q) / v1, q / v2],
            [0, 0, q / v1, -q / v2],
        ]
    )
    expected = [(expm(rates * t) @ [0.39 * 200.0, 0, 0, 0])[2] / v1 for t in HOURS]

    found = levels(
        {"routes": ["oral"], "compartments": 2, "absorption": {"input": "erlang", "stages": 2}},
        {"CL": cl, "V1": v1, "Q": q, "V2": v2, "ktr": ka, "F": 0.39},
        given((0.0, 200.0), oral=True),
        HOURS,
    )

    assert found == pytest.approx(expected, rel=1e-7)


def test_an_effect_compartment_lags_behind_the_blood() -> None:
    """Sheiner et al. 1979: D / V ke0 / (ke0 - k) (e^(-k t) - e^(-ke0 t))."""
    found = levels(
        {"routes": ["iv"], "effect_site": True},
        {**ONE, "ke0": 0.6},
        given((0.0, 100.0)),
        HOURS,
        "effect_site",
    )

    expected = [100.0 / 40.0 * 0.6 / (0.6 - K) * (exp(-K * t) - exp(-0.6 * t)) for t in HOURS]
    assert found == pytest.approx(expected, rel=1e-7)
