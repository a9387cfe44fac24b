"""One person for every structural family, for tests of inference, evaluation and decisions.

``MODELS`` maps a name to a function that makes a ``StructuralCase``: an individual with realistic
variability and residual error, a history of doses before now (time 0), and times at which levels would be
drawn. Each says where its numbers are from; ``illustrative`` marks what no paper gives. Nothing here is for
treating people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dosing_core.kinetics import DoseTable
from dosing_core.population.families import build
from dosing_core.population.individual import FloatArray, Individual, IntArray, ResidualError

DAY = 24.0


@dataclass(frozen=True, eq=False)
class StructuralCase:
    """A person of one family, what they were given and when they would be sampled."""

    individual: Individual
    doses: DoseTable
    times: FloatArray
    """h from now, all past; sensible times of levels."""
    outputs: IntArray
    """Which output is measured at each."""


def person(
    options: Mapping[str, object],
    typical: Mapping[str, float],
    omega_sd: Mapping[str, float],
    residuals: Sequence[ResidualError],
    clock_h: float = 8.0,
) -> Individual:
    """An individual of a family with one row, log-normal independent random effects and errors by output.

    Outputs beyond the given residuals are not measured: they take the last one, which nothing reads.
    """
    system = build(options).system
    assert set(typical) == set(system.parameters), set(typical) ^ set(system.parameters)
    index = {name: place for place, name in enumerate(omega_sd)}
    errors = tuple(residuals[min(k, len(residuals) - 1)] for k in range(len(system.outputs)))
    return Individual(
        structure=system,
        row_time=np.array([-np.inf]),
        typical=np.array([[typical[name] for name in system.parameters]]),
        eta_names=tuple(omega_sd),
        eta_index=np.array([index.get(name, -1) for name in system.parameters]),
        omega=np.diag([sd**2 for sd in omega_sd.values()]),
        residual=errors[0],
        binding=None,
        residuals=errors,
        clock_h=clock_h,
    )


def doses(
    amount: float,
    interval: float,
    count: int,
    *,
    oral: bool,
    duration: float = 0.0,
    last: float | None = None,
) -> DoseTable:
    """``count`` equal doses, the last at ``last`` h (before now; default one interval before)."""
    end = -interval if last is None else last
    return DoseTable(
        time=end - interval * np.arange(count - 1, -1, -1, dtype=np.float64),
        amount=np.full(count, amount),
        duration=np.full(count, duration),
        depot=np.full(count, oral),
    )


def _case(
    individual: Individual, table: DoseTable, times: Sequence[float], outputs: Sequence[str] | None = None
) -> StructuralCase:
    names = ["concentration"] * len(times) if outputs is None else outputs
    places = [individual.structure.output(name) for name in names]  # type: ignore[union-attr]
    return StructuralCase(individual, table, np.array(times), np.array(places, dtype=np.int64))


def three_compartments() -> StructuralCase:
    """Methotrexate 5 g/m² over 24 h, 1.73 m²: Taylor et al., Clin Pharmacol Ther 2020;108:635. Residual error
    is not published: illustrative 25 %."""
    individual = person(
        {"routes": ["iv"], "compartments": 3},
        {"CL": 11.0, "V1": 16.5, "Q": 0.602, "V2": 4.55, "Q3": 0.111, "V3": 13.1},
        {"CL": 0.282843, "V2": 0.34641, "Q3": 0.360555, "V3": 0.316228},
        [ResidualError(0.005, 0.25)],
    )
    return _case(
        individual, doses(8650.0, 24.0, 1, oral=False, duration=24.0, last=-48.0), [-25.0, -12.0, -1.0]
    )


def transit_oral() -> StructuralCase:
    """Ciclosporin 200 mg twice a day, Erlang chain of two: Press et al., Eur J Clin Pharmacol 2010;66:579.
    The residual is log-normal there; 0.02 mg/L added (illustrative)."""
    individual = person(
        {"routes": ["oral"], "compartments": 2, "absorption": {"input": "erlang", "stages": 2}},
        {"CL": 15.0, "V1": 56.0, "Q": 14.0, "V2": 125.0, "ktr": 2.0, "F": 0.5},
        {"CL": 0.173205, "V1": 0.34641, "ktr": 0.3},
        [ResidualError(0.02, 0.2646)],
    )
    return _case(individual, doses(200.0, 12.0, 6, oral=True), [-10.0, -6.0, -0.5])


def erlang_five() -> StructuralCase:
    """Ciclosporin after marrow transplantation, Erlang chain of five: Woillard et al., Br J Clin Pharmacol
    2014;78:836."""
    individual = person(
        {"routes": ["oral"], "compartments": 2, "absorption": {"input": "erlang", "stages": 5}},
        {"CL": 41.2, "V1": 222.0, "Q": 33.7, "V2": 500.0, "ktr": 5.72, "F": 1.0},
        {"CL": 0.385253, "V1": 0.530412, "Q": 0.646264, "ktr": 0.472381},
        [ResidualError(0.023, 0.1253)],
    )
    return _case(individual, doses(200.0, 12.0, 6, oral=True), [-11.0, -9.0, -0.5])


def transit_depot() -> StructuralCase:
    """Illustrative: one compartment, three transit compartments before a depot, with a lag."""
    individual = person(
        {"routes": ["oral"], "absorption": {"input": "transit", "stages": 3, "rate": "MTT", "lag": True}},
        {"CL": 6.0, "V1": 40.0, "MTT": 1.5, "ka": 1.2, "tlag": 0.25, "F": 0.8},
        {"CL": 0.3, "V1": 0.2, "MTT": 0.4},
        [ResidualError(0.1, 0.15)],
    )
    return _case(individual, doses(300.0, 12.0, 5, oral=True), [-10.0, -7.0, -0.5])


def zero_order() -> StructuralCase:
    """Illustrative: a modified-release tablet that enters over D1 hours."""
    individual = person(
        {"routes": ["oral"], "absorption": "zero_order"},
        {"CL": 5.0, "V1": 60.0, "D1": 6.0, "F": 0.9},
        {"CL": 0.3, "V1": 0.2, "D1": 0.3},
        [ResidualError(0.1, 0.15)],
    )
    return _case(individual, doses(400.0, 24.0, 4, oral=True), [-20.0, -14.0, -1.0])


def parallel_inputs() -> StructuralCase:
    """Illustrative: an immediate and a later, slower part of one tablet."""
    individual = person(
        {"routes": ["oral"], "absorption": ["first_order", {"input": "zero_then_first", "lag": True}]},
        {"CL": 5.0, "V1": 60.0, "ka": 1.5, "D2": 4.0, "ka2": 0.7, "tlag2": 3.0, "F": 0.9, "fr": 0.4},
        {"CL": 0.3, "V1": 0.2, "ka": 0.4},
        [ResidualError(0.1, 0.15)],
    )
    return _case(individual, doses(400.0, 24.0, 4, oral=True), [-22.0, -16.0, -1.0])


def saturable_bioavailability() -> StructuralCase:
    """Illustrative, after gabapentin: a smaller share of a larger dose arrives."""
    individual = person(
        {"routes": ["oral"], "bioavailability": "saturable", "food": True},
        {"CL": 7.0, "V1": 58.0, "ka": 0.5, "F": 0.75, "Fdrop": 1.0, "FD50": 900.0, "Ffood": 0.1, "fed": 1.0},
        {"CL": 0.3, "V1": 0.2, "F": 0.15},
        [ResidualError(0.1, 0.15)],
    )
    return _case(individual, doses(600.0, 8.0, 6, oral=True), [-5.0, -0.5])


def michaelis_menten_oral() -> StructuralCase:
    """Phenytoin 300 mg daily, 70 kg: Vmax and Km of Grasela et al., Clin Pharmacokinet 1983;8:355. Volume
    0.65 L/kg, absorption, their variability and the residual are illustrative."""
    individual = person(
        {"routes": ["oral"], "elimination": "michaelis_menten"},
        {"Vmax": 415.0 / DAY, "Km": 5.7, "V1": 45.5, "ka": 0.5, "F": 1.0},
        {"Vmax": 0.149166, "Km": 0.472381, "V1": 0.15},
        [ResidualError(0.5, 0.1)],
    )
    return _case(individual, doses(300.0, 24.0, 14, oral=True), [-168.0, -18.0, -0.5])


def mixed_elimination() -> StructuralCase:
    """Voriconazole, adult of 70 kg, two infusions then tablets: Friberg et al., Antimicrob Agents Chemother
    2012;56:3032, without the inhibition of Vmax and with independent effects; absorption illustrative."""
    individual = person(
        {"routes": ["iv", "oral"], "compartments": 2, "elimination": "linear+michaelis_menten"},
        {
            **{"CL": 6.16, "Vmax": 114.0 * 0.25, "Km": 1.15, "V1": 79.0, "Q": 15.5, "V2": 103.0},
            **{"ka": 1.19, "F": 0.642217},
        },
        {"CL": 0.435, "Vmax": 0.584, "V1": 0.136, "V2": 0.769},
        [ResidualError(0.05, 0.16)],
    )
    table = doses(420.0, 12.0, 2, oral=False, duration=2.0, last=-60.0).joined(
        doses(200.0, 12.0, 4, oral=True)
    )
    return _case(individual, table, [-36.5, -9.0, -0.5])


def vmax_inhibition() -> StructuralCase:
    """Voriconazole as in ``mixed_elimination``, with its inhibition of Vmax over time (same paper)."""
    individual = person(
        {
            "routes": ["iv", "oral"],
            "compartments": 2,
            "elimination": "linear+michaelis_menten",
            "clearance_changes": ["vmax_inhibition"],
            "absorption": {"input": "first_order", "lag": True},
        },
        {
            **{"CL": 6.16, "Vmax": 114.0, "Km": 1.15, "Vinh": 0.817574, "T50": 2.41},
            **{"V1": 79.0, "Q": 15.5, "V2": 103.0, "ka": 2.0, "tlag": 0.949, "F": 0.642217},
        },
        {"CL": 0.435, "Vmax": 0.584, "V1": 0.136, "V2": 0.769},
        [ResidualError(0.05, 0.16)],
    )
    table = doses(420.0, 12.0, 2, oral=False, duration=2.0, last=-60.0).joined(
        doses(200.0, 12.0, 4, oral=True)
    )
    return _case(individual, table, [-36.5, -9.0, -0.5])


def tmdd_qss() -> StructuralCase:
    """Infliximab 5 mg/kg at weeks 0, 2, 6: Berends et al., J Pharmacokinet Pharmacodyn 2019;46:543, nM times
    149 kDa. Free drug is measured; the additive part of its error is illustrative."""
    individual = person(
        {"routes": ["iv"], "compartments": 2, "target": "qss"},
        {
            **{"CL": 0.404 / DAY, "V1": 3.18, "Q": 0.344 / DAY, "V2": 1.64},
            **{"R0": 5.662e-5, "kdeg": 5.12 / DAY, "kint": 0.984 / DAY, "Kss": 2.0264},
        },
        {"CL": 0.286048, "V1": 0.224155, "V2": 0.662283},
        [ResidualError(0.3, 0.21)],
    )
    return _case(individual, _induction(375.0), [-7 * DAY, -1.0])


def tmdd_qss_large_target() -> StructuralCase:
    """Illustrative: an antibody whose target is large beside the dose, so that clearance is target-driven."""
    individual = person(
        {"routes": ["iv", "oral"], "compartments": 2, "target": "qss"},
        {
            **{"CL": 0.01, "V1": 3.2, "Q": 0.02, "V2": 2.5, "ka": 0.012, "F": 0.6},
            **{"R0": 2.0, "kdeg": 0.02, "kint": 0.04, "Kss": 0.5},
        },
        {"CL": 0.3, "V1": 0.2, "R0": 0.35},
        [ResidualError(0.05, 0.2)],
    )
    return _case(individual, _induction(150.0), [-7 * DAY, -1.0])


def tmdd_full() -> StructuralCase:
    """Illustrative: as ``tmdd_qss_large_target`` with all rates, fast binding: stiff."""
    individual = person(
        {"routes": ["iv"], "compartments": 1, "target": "full"},
        {
            **{"CL": 0.01, "V1": 3.2, "R0": 2.0, "kdeg": 0.02, "kint": 0.04},
            **{"kon": 1.0, "koff": 0.46},
        },
        {"CL": 0.3, "V1": 0.2, "R0": 0.35},
        [ResidualError(0.05, 0.2)],
    )
    return _case(individual, _induction(150.0), [-7 * DAY, -1.0])


def kpd_inr() -> StructuralCase:
    """Warfarin 5 mg daily, K-PD: Hamberg et al., Clin Pharmacol Ther 2010;87:727, *1/*1, GG, 71 years: KDE =
    CL / V, EDK50 = CL EC50; S-warfarin is half of the dose. The measurement is the INR."""
    individual = person(
        {"routes": ["oral"], "compartments": "kpd", "effect": {"kind": "inr"}},
        {
            **{"KDE": 0.348 / 14.3, "F": 0.5, "EDK50": 0.348 * 4.1, "gamma": 1.15},
            **{"MTT1": 28.6, "MTT2": 118.3, "INR0": 1.0, "INRmax": 20.0},
        },
        {"KDE": 0.767463, "EDK50": 0.583095},
        [ResidualError(0.0, 0.20, form="log")],
    )
    return _case(individual, doses(5.0, 24.0, 10, oral=True), [-120.0, -72.0, -1.0], ["inr"] * 3)


def warfarin_pk_inr() -> StructuralCase:
    """Warfarin with its kinetics, levels and INR: same paper as ``kpd_inr``."""
    individual = person(
        {"routes": ["oral"], "compartments": 1, "effect": {"kind": "inr"}},
        {
            **{"CL": 0.348, "V1": 14.3, "ka": 2.0, "F": 0.5, "EC50": 4.1, "gamma": 1.15},
            **{"MTT1": 28.6, "MTT2": 118.3, "INR0": 1.0, "INRmax": 20.0},
        },
        {"CL": 0.298329, "V1": 0.232379, "EC50": 0.583095},
        [ResidualError(0.0, 0.099, form="log"), ResidualError(0.0, 0.20, form="log")],
    )
    return _case(
        individual, doses(5.0, 24.0, 10, oral=True), [-72.0, -12.0, -1.0], ["inr", "concentration", "inr"]
    )


def myelosuppression() -> StructuralCase:
    """Fluorouracil over 5 days with its metabolite and leukocytes: Arshad et al., Cancer Chemother Pharmacol
    2020;85:711 (bootstrap medians), body surface 1.95 m², no cisplatin; additive errors illustrative."""
    individual = person(
        {"routes": ["iv"], "compartments": 2, "metabolite": {}, "effect": {"kind": "myelosuppression"}},
        {
            **{"CL": 249.0, "V1": 5.56, "Q": 14.8, "V2": 28.5, "fm": 0.85, "CLm": 121.0, "Vm": 96.7},
            **{"Circ0": 6.86, "MTTcirc": 281.0, "feedback": 0.17, "slope": 1.17},
        },
        {"CL": 0.227042, "CLm": 0.283224, "Circ0": 0.162913},
        [ResidualError(0.01, 0.565685), ResidualError(0.02, 0.374166), ResidualError(0.05, 0.282843)],
    )
    table = doses(7312.5, 120.0, 1, oral=False, duration=120.0, last=-300.0)
    return _case(
        individual,
        table,
        [-298.0, -232.0, -182.0, -1.0],
        ["neutrophils", "concentration", "metabolite", "neutrophils"],
    )


def indirect_response() -> StructuralCase:
    """Illustrative, type 1: an oral drug that inhibits the production of its response, both measured."""
    individual = person(
        {"routes": ["oral"], "effect": {"kind": "indirect_response", "type": 1}},
        {
            **{"CL": 5.0, "V1": 50.0, "ka": 1.0, "F": 1.0},
            **{"E0": 100.0, "kout": 0.1, "Imax": 0.9, "IC50": 1.0},
        },
        {"CL": 0.3, "V1": 0.2, "E0": 0.15, "IC50": 0.5},
        [ResidualError(0.05, 0.15), ResidualError(2.0, 0.1)],
    )
    return _case(
        individual,
        doses(100.0, 24.0, 4, oral=True),
        [-96.5, -20.0, -12.0, -1.0],
        ["effect", "concentration", "effect", "effect"],
    )


def metabolite() -> StructuralCase:
    """Clozapine 150 mg twice a day and norclozapine: Li et al., Acta Pharmacol Sin 2012;33:1409, a woman who
    does not smoke; mg of parent and metabolite as if equal in mass, so fm = 0.66 · 312.8 / 326.8."""
    individual = person(
        {"routes": ["oral"], "metabolite": {}},
        {
            **{"CL": 21.9, "V1": 526.0, "ka": 1.3, "F": 1.0},
            **{"fm": 0.66 * 312.8 / 326.8, "CLm": 32.7, "Vm": 624.0},
        },
        {"CL": 0.411015, "V1": 0.599022, "CLm": 0.403947},
        [ResidualError(0.162 * 0.3268, 0.266), ResidualError(0.117 * 0.3128, 0.169)],
    )
    return _case(
        individual,
        doses(150.0, 12.0, 20, oral=True),
        [-9.0, -0.5, -0.5],
        ["concentration", "concentration", "metabolite"],
    )


def first_pass() -> StructuralCase:
    """Sunitinib 50 mg daily and its metabolite, liver passed first: Yu et al., Br J Clin Pharmacol
    2015;79:809, 70 kg, effects independent."""
    individual = person(
        {"routes": ["oral"], "elimination": "well_stirred", "metabolite": {"compartments": 2}},
        {
            **{"CLint": 35.7, "QH": 80.0, "V1": 1360.0, "ka": 0.34, "F": 1.0},
            **{"fm": 0.21, "CLm": 17.1, "Vm": 635.0, "Qm": 20.1, "Vpm": 388.0},
        },
        {"CLint": 0.339, "V1": 0.324, "CLm": 0.421, "Vm": 0.579},
        [ResidualError(0.0005, 0.207364), ResidualError(0.0005, 0.151658)],
    )
    return _case(individual, doses(50.0, 24.0, 14, oral=True), [-1.0, -1.0], ["concentration", "metabolite"])


def auto_induction() -> StructuralCase:
    """Illustrative, after carbamazepine: clearance doubles over the first weeks."""
    individual = person(
        {"routes": ["oral"], "clearance_changes": ["auto_induction"]},
        {"CL0": 2.0, "CLss": 4.5, "kenz": 0.005, "V1": 98.0, "ka": 0.3, "F": 0.8},
        {"CLss": 0.3, "V1": 0.25},
        [ResidualError(0.3, 0.12)],
    )
    return _case(individual, doses(200.0, 12.0, 28, oral=True), [-250.0, -9.0, -0.5])


def enzyme_turnover() -> StructuralCase:
    """Illustrative: as ``auto_induction``, driven by the concentration through an enzyme pool."""
    individual = person(
        {"routes": ["oral"], "clearance_changes": ["enzyme_turnover"]},
        {
            **{"CL": 2.0, "kenz": 0.005, "Eind": 1.5, "EC50ind": 3.0},
            **{"V1": 98.0, "ka": 0.3, "F": 0.8},
        },
        {"CL": 0.3, "V1": 0.25},
        [ResidualError(0.3, 0.12)],
    )
    return _case(individual, doses(200.0, 12.0, 28, oral=True), [-250.0, -9.0, -0.5])


def circadian() -> StructuralCase:
    """5-FU over 46 h: clearance and volume of Arshad et al. 2020 as one compartment; rhythm with a peak over
    nadir concentration of 1.2, peak at 06:00 (Fleming et al., BMC Cancer 2015;15:69), so amplitude 0.2 / 2.2
    and clearance greatest twelve hours later."""
    individual = person(
        {"routes": ["iv"], "clearance_changes": ["circadian"]},
        {"CL": 249.0, "amp": 0.2 / 2.2, "acro": 18.0, "V1": 34.0},
        {"CL": 0.227042},
        [ResidualError(0.01, 0.2)],
    )
    table = doses(4680.0, 46.0, 1, oral=False, duration=46.0, last=-46.0)
    return _case(individual, table, [-26.0, -14.0, -2.0])


def maturation() -> StructuralCase:
    """Illustrative: a newborn's clearance of an antibiotic; maturation of Rhodin et al., Pediatr Nephrol
    2009;24:67 (TM50 47.7 weeks, exponent 3.4)."""
    individual = person(
        {"routes": ["iv"], "clearance_changes": ["maturation"]},
        {"CL": 0.6, "PMA": 40.0, "TM50": 47.7, "matur": 3.4, "V1": 1.9},
        {"CL": 0.3, "V1": 0.2},
        [ResidualError(0.5, 0.15)],
    )
    return _case(individual, doses(35.0, 12.0, 8, oral=False, duration=1.0), [-10.0, -0.5])


def unbound_by_albumin() -> StructuralCase:
    """Illustrative, after total and unbound valproate: saturable binding to albumin of 30 g/L, and only what
    is unbound is cleared and distributed."""
    individual = person(
        {
            "routes": ["oral"],
            "binding": {"kind": "saturable_total", "capacity": "albumin", "acts": "unbound"},
        },
        {"CL": 5.0, "V1": 10.0, "ka": 1.0, "F": 1.0, "Ncap": 4.0, "ALB": 30.0, "KB": 8.0},
        {"CL": 0.3, "V1": 0.2},
        [ResidualError(1.0, 0.12), ResidualError(0.2, 0.2)],
    )
    return _case(
        individual,
        doses(500.0, 12.0, 8, oral=True),
        [-8.0, -0.5, -0.5],
        ["concentration", "concentration", "unbound"],
    )


def red_cells() -> StructuralCase:
    """Everolimus 1.5 mg twice a day: ter Heine et al., Br J Clin Pharmacol 2018;84:1575, in mg/L; liver flow
    of plasma 57.6 L/h at haematocrit 0.36, intrinsic clearance times unbound share 0.27 · 340 L/h."""
    individual = person(
        {
            "routes": ["oral"],
            "compartments": 2,
            "elimination": "well_stirred",
            "absorption": {"input": "erlang", "stages": 5, "rate": "MTT"},
            "binding": "red_cells",
        },
        {
            **{"CLint": 0.27 * 340.0, "QH": 57.6, "V1": 175.0, "Q": 85.7, "V2": 577.0},
            **{"MTT": 0.404, "F": 1.0, "Bmax": 0.964, "KB": 0.092, "NS": 0.153, "HCT": 0.36},
        },
        {"CLint": 0.329824, "V1": 0.390615},
        [ResidualError(0.0002, 0.179)],
    )
    return _case(individual, doses(1.5, 12.0, 8, oral=True), [-10.0, -6.0, -0.5])


def effect_site() -> StructuralCase:
    """Illustrative: an infused drug whose sigmoid effect lags behind its concentration."""
    individual = person(
        {
            "routes": ["iv"],
            "compartments": 2,
            "effect_site": True,
            "effect": {"kind": "sigmoid_emax", "driven_by": "effect_site"},
        },
        {
            **{"CL": 20.0, "V1": 12.0, "Q": 30.0, "V2": 40.0, "ke0": 0.8},
            **{"E0": 10.0, "Emax": 80.0, "EC50": 1.5, "gamma": 2.0},
        },
        {"CL": 0.25, "V1": 0.2, "EC50": 0.4},
        [ResidualError(0.05, 0.15), ResidualError(0.05, 0.15), ResidualError(2.0, 0.1)],
    )
    return _case(
        individual,
        doses(100.0, 8.0, 3, oral=False, duration=0.5),
        [-7.4, -6.0, -3.0],
        ["concentration", "effect", "effect"],
    )


def _induction(amount: float) -> DoseTable:
    """Weeks 0, 2 and 6 of an antibody over 2 h, eight weeks in all before now."""
    return DoseTable(
        time=-56 * DAY + np.array([0.0, 14 * DAY, 42 * DAY]),
        amount=np.full(3, amount),
        duration=np.full(3, 2.0),
        depot=np.zeros(3, dtype=np.bool_),
    )


MODELS: Mapping[str, Callable[[], StructuralCase]] = {
    make.__name__: make
    for make in (
        three_compartments,
        transit_oral,
        erlang_five,
        transit_depot,
        zero_order,
        parallel_inputs,
        saturable_bioavailability,
        metabolite,
        first_pass,
        red_cells,
        michaelis_menten_oral,
        mixed_elimination,
        vmax_inhibition,
        tmdd_qss,
        tmdd_qss_large_target,
        tmdd_full,
        kpd_inr,
        warfarin_pk_inr,
        myelosuppression,
        indirect_response,
        auto_induction,
        enzyme_turnover,
        circadian,
        maturation,
        unbound_by_albumin,
        effect_site,
    )
}
"""Every case by its name."""

LINEAR = frozenset(
    {
        "three_compartments",
        "transit_oral",
        "erlang_five",
        "transit_depot",
        "zero_order",
        "parallel_inputs",
        "metabolite",
        "first_pass",
    }
)
"""Cases in which superposition holds: linear with constant coefficients, amounts proportional to the dose,
and every output linear too."""
