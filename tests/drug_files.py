"""Drug files of a test-only library: one for each kind of structure that the package's own drugs do not have.

Model numbers are transcribed from the papers named, rounded as there; everything that a hospital would
decide is marked as policy of the test. None of these files is for patients.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from dosing_core.library import Library

Numbers = dict[str, Any]
_POLICY = "project policy: a choice of this test, so that there is something to decide"


def _number(value: float, unit: str) -> Numbers:
    return {"value": float(value), "unit": unit, "source": _POLICY, "confidence": "policy"}


def _span(low: float, high: float, unit: str) -> Numbers:
    return {"low": float(low), "high": float(high), "unit": unit, "source": _POLICY, "confidence": "policy"}


def _drug(
    name: str,
    model: Numbers,
    target: Numbers,
    route: str = "oral",
    increment: float = 1.0,
    intervals: tuple[float, ...] = (24.0,),
    most: float = 10.0,
    daily: float | None = None,
    **more: Any,
) -> Numbers:
    """A drug file as a mapping; ``more`` replaces sections."""
    infusion = {
        "max_rate": _number(1000.0, "mg/min"),
        "min_duration": _number(0.5, "h"),
        "step": _number(0.5, "h"),
        "continuous": f"{name.capitalize()} as a continuous infusion is not answered in this test.",
    }
    document: Numbers = {
        "schema_version": "1",
        "drug": name,
        "version": "test",
        "review": {"status": "transcribed", "note": "For tests only."},
        "display": {"drug_name": name, "concentration_unit": "mg/L", "concentration_factor": 1.0},
        "identity": {"rxnorm": [], "atc": [], "names": [name], "source": "none: a test"},
        "youngest_age": _number(0.0, "years"),
        "routes": [{"route": route, "supported": True, "past_doses": "count"}],
        "earlier_doses": "none",
        "dosing": {
            "increment": _number(increment, "mg"),
            "intervals_h": list(intervals),
            "intervals_source": _POLICY,
            "most_per_dose": _number(most, "mg"),
            "products": "Any multiple of the increment.",
        },
        "limits": {
            "single": _number(most, "mg"),
            "daily": _number(daily or most * 24.0 / min(intervals), "mg/day"),
            "daily_per_kg": _number(1e4, "mg/kg/day"),
        },
        "targets": [{"id": "only", "indication": "the test's", **target}],
        "judgement": {
            "below_weight": _number(1.0, "1"),
            "above_weight": _number(1.5, "1"),
            "centre_weight": _number(0.05, "1"),
            "relevant_chance": _number(0.1, "1"),
            "relevant_outside": _number(0.05, "1"),
            "same_dose": _number(0.1, "1"),
        },
        "freshness": [{"name": "weight", "max_age": _number(720.0, "h"), "required": True}],
        "exclusions": [],
        "levels": {
            "specimen": "plasma",
            "plausible_interval": _number(0.99, "1"),
            "trough_tolerance_h": _number(2.0, "h"),
            "oldest": _number(2000.0, "h"),
            "most": _number(12.0, "levels"),
        },
        "sampling": {
            "before_dose_h": _number(0.5, "h"),
            "after_start": _span(48.0, 120.0, "h"),
            "when_stable": _number(336.0, "h"),
            "red_flag_within_h": _number(24.0, "h"),
            "advice": "Before a dose.",
        },
        "references": [{"text": model["reference"]["citation"]}],
        "default_model": model["id"],
        "models": [model],
    }
    if route == "iv":
        document["infusion"] = infusion
    return document | more


def _model(name: str, citation: str, doi: str, **parts: Any) -> Numbers:
    """A population model; thetas are {name: (value, unit)}."""
    thetas: Mapping[str, tuple[float, str]] = parts.pop("theta")
    checks = parts.pop("check", None)
    first = next(iter(thetas))
    theta = {key: {"value": float(value), "unit": unit} for key, (value, unit) in thetas.items()}
    equations = parts.pop("equations", [])
    inputs, values = checks or ({}, None)
    if values is None:  # nothing to compute: the typical value is the theta itself
        equations = [*equations, [f"{first}_typical", first]]
        values = {f"{first}_typical": float(thetas[first][0])}
    model: Numbers = {
        "id": name,
        "name": citation.split(" et al")[0].split()[0] + " " + citation.split(";")[0].split()[-1],
        "role": "for tests",
        "units": {"time": "h", "amount": "mg", "volume": "L", "concentration": "mg/L"},
        "interpolation": "last_observation_carried_forward",
        "theta": theta,
        "covariates": {},
        "equations": equations,
        "population": {"description": "as published"},
        "reference": {"citation": citation, "doi": doi},
        "verified_by": ["transcribed for tests only"],
        "confidence": "medium",
        "use": "estimation",
        "typical_check": [{"inputs": inputs, "typical_values": values, "source": "the paper's thetas"}],
    }
    return model | parts


def phenytoin() -> Numbers:
    """Saturable clearance alone: Vmax and Km of Yukawa 1990; absorption and volume as usual in adults."""
    model = _model(
        "phenytoin.yukawa1990",
        "Yukawa E et al. Chem Pharm Bull 1990;38(7):1973–1976",
        "10.1248/cpb.38.1973",
        structure={"compartments": 1, "routes": ["oral"], "elimination": "michaelis_menten"},
        theta={
            "thVm": (13.5417, "mg/h"),
            "thKm": (2.41, "mg/L"),
            "thV": (0.7, "L/kg"),
            "ka": (0.3, "1/h"),
        },
        covariates={"WT": {"quantity": "weight", "unit": "kg"}},
        equations=[["Vmax", "thVm*(WT/60)**0.737"], ["Km", "thKm"], ["V1", "thV*WT"]],
        check=({"WT": 60.0}, {"Vmax": 13.5417, "Km": 2.41, "V1": 42.0}),
        iiv={
            "Vmax": {"reported_as": "omega_SD", "reported_value": 0.193, "omega_variance": 0.037249},
            "Km": {"reported_as": "omega_SD", "reported_value": 0.631, "omega_variance": 0.398161},
        },
        residual={"proportional_sd": 0.12},
    )
    target = {"metric": "trough", "range": _span(10, 20, "mg/L")}
    return _drug("phenytoin", model, target, increment=50.0, intervals=(24.0, 12.0), most=600.0)


def voriconazole() -> Numbers:
    """Linear and saturable clearance side by side, after Friberg 2012: adults, three hours after the
    start."""
    model = _model(
        "voriconazole.friberg2012",
        "Friberg LE et al. Antimicrob Agents Chemother 2012;56(6):3032–3042",
        "10.1128/AAC.05761-11",
        structure={"compartments": 2, "routes": ["iv"], "elimination": "linear+michaelis_menten"},
        theta={
            "CL": (6.16, "L/h"),
            "Vmax": (43.0, "mg/h"),
            "Km": (1.15, "mg/L"),
            "V1": (79.0, "L"),
            "Q": (15.5, "L/h"),
            "V2": (103.0, "L"),
        },
        iiv={
            "CL": {"reported_as": "omega_SD", "reported_value": 0.435, "omega_variance": 0.189225},
            "Vmax": {"reported_as": "omega_SD", "reported_value": 0.239, "omega_variance": 0.057121},
            "V1": {"reported_as": "omega_SD", "reported_value": 0.136, "omega_variance": 0.018496},
        },
        residual={"log_sd": 0.16},
    )
    target = {"metric": "trough", "range": _span(1, 5.5, "mg/L")}
    return _drug("voriconazole", model, target, route="iv", increment=50.0, intervals=(12.0,), most=500.0)


def warfarin() -> Numbers:
    """INR from doses alone (K-PD), two chains of three: Hamberg 2010, *1/*1 and VKORC1 GA."""
    model = _model(
        "warfarin.hamberg2010",
        "Hamberg AK et al. Clin Pharmacol Ther 2010;87(6):727–734",
        "10.1038/clpt.2010.37",
        structure={
            "compartments": "kpd",
            "routes": ["oral"],
            "effect": {"kind": "inr", "chains": [3, 3], "combined": "mean"},
        },
        theta={
            "KDE": (0.0243, "1/h"),
            "EDK50": (2.095, "mg/h"),  # CL 0.348 L/h times EC50 3.01 mg/L; S-warfarin is half a dose
            "gamma": (1.15, "-"),
            "MTT1": (28.6, "h"),
            "MTT2": (118.3, "h"),
            "INRmax": (20.0, "-"),
            "INR0": (1.0, "-"),
        },
        iiv={
            "EDK50": {"reported_as": "omega_variance", "reported_value": 0.34, "omega_variance": 0.34},
            "KDE": {"reported_as": "omega_variance", "reported_value": 0.089, "omega_variance": 0.089},
        },
        residual={"log_sd": 0.2},
    )
    target = {"metric": "effect", "output": "inr", "range": _span(2, 3, "1")}
    return _drug("warfarin", model, target, increment=0.5, most=15.0, horizon=_number(336.0, "h"))


def docetaxel() -> Numbers:
    """Neutrophils after one infusion in three weeks: Friberg 2002's structure with docetaxel's values."""
    model = _model(
        "docetaxel.friberg2002",
        "Friberg LE et al. J Clin Oncol 2002;20(24):4713–4721",
        "10.1200/JCO.2002.02.140",
        structure={
            "compartments": 2,
            "routes": ["iv"],
            "effect": {"kind": "myelosuppression", "effect": "linear"},
        },
        theta={
            "CL": (36.0, "L/h"),
            "V1": (8.0, "L"),
            "Q": (10.0, "L/h"),
            "V2": (100.0, "L"),
            "Circ0": (5.05, "10^9/L"),
            "MTTcirc": (88.7, "h"),
            "feedback": (0.161, "-"),
            "slope": (10.62, "L/mg"),  # 8.58 L/µmol at 807.9 g/mol
        },
        iiv={
            "CL": {"reported_as": "CV%", "reported_value": 30.0, "omega_variance": 0.0861777},
            "Circ0": {"reported_as": "CV%", "reported_value": 42.0, "omega_variance": 0.1624589},
            "slope": {"reported_as": "CV%", "reported_value": 43.0, "omega_variance": 0.1696584},
        },
        residual={"proportional_sd": 0.2},
        residuals={"neutrophils": {"log_sd": 0.35}},
    )
    target = {"metric": "nadir", "output": "neutrophils", "range": _span(0.5, 1.5, "10^9/L")}
    return _drug(
        "docetaxel",
        model,
        target,
        route="iv",
        increment=20.0,
        intervals=(504.0,),
        most=240.0,
        daily=240.0,
        horizon=_number(504.0, "h"),
    )


def infliximab() -> Numbers:
    """An antibody that its target clears (quasi-steady state): Berends 2019, with Kss and R0 in mg/L."""
    model = _model(
        "infliximab.berends2019",
        "Berends SE et al. J Pharmacokinet Pharmacodyn 2019;46(6):543–551",
        "10.1007/s10928-019-09652-5",
        units={"time": "day", "amount": "mg", "volume": "L", "concentration": "mg/L"},
        structure={"compartments": 2, "routes": ["iv"], "target": "qss"},
        theta={
            "CL": (0.404, "L/day"),
            "V1": (3.18, "L"),
            "Q": (0.344, "L/day"),
            "V2": (1.64, "L"),
            "Kss": (2.0264, "mg/L"),
            "R0": (0.0000566, "mg/L"),
            "kint": (0.984, "1/day"),
            "kdeg": (5.12, "1/day"),
        },
        iiv={
            "CL": {"reported_as": "CV%", "reported_value": 29.2, "omega_variance": 0.0818230},
            "V1": {"reported_as": "CV%", "reported_value": 22.7, "omega_variance": 0.0502449},
        },
        residual={"proportional_sd": 0.21},
    )
    target = {"metric": "trough", "range": _span(5, 10, "mg/L")}
    return _drug(
        "infliximab",
        model,
        target,
        route="iv",
        increment=100.0,
        intervals=(1344.0, 672.0),
        most=1500.0,
        daily=1500.0,
        horizon=_number(2688.0, "h"),
    )


def busulfan() -> Numbers:
    """Cumulative exposure of a four-day course, with variability from day to day: Shukla 2020."""
    model = _model(
        "busulfan.shukla2020",
        "Shukla P et al. Front Pharmacol 2020",
        "10.3389/fphar.2020.00888",
        structure={"compartments": 1, "routes": ["iv"]},
        theta={"thCL": (3.96, "L/h"), "thV": (10.8, "L")},
        covariates={"FFM": {"quantity": "fat_free_mass", "unit": "kg"}},
        equations=[["CL", "thCL*(FFM/12)**0.75"], ["V1", "thV*FFM/12"]],
        check=({"FFM": 12.0}, {"CL": 3.96, "V1": 10.8}),
        iiv={
            "CL": {"reported_as": "omega_variance", "reported_value": 0.0595, "omega_variance": 0.0595},
            "V1": {"reported_as": "omega_variance", "reported_value": 0.0293, "omega_variance": 0.0293},
        },
        iov={"CL": 0.016589, "V1": 0.017796},
        occasions={"by": "day"},
        residual={"additive_sd": 0.0222, "proportional_sd": 0.106},
    )
    target = {
        "metric": "cumulative_auc",
        "range": _span(70, 100, "mg*h/L"),
        "course": _number(96.0, "h"),
    }
    return _drug("busulfan", model, target, route="iv", increment=4.0, most=400.0)


def meropenem() -> Numbers:
    """Time of the unbound concentration above the MIC: Li 2006."""
    model = _model(
        "meropenem.li2006",
        "Li C et al. J Clin Pharmacol 2006;46(10):1171–1178",
        "10.1177/0091270006291035",
        structure={"compartments": 2, "routes": ["iv"]},
        theta={
            "thCL": (14.6, "L/h"),
            "thV1": (10.8, "L"),
            "V2": (12.6, "L"),
            "Q": (18.6, "L/h"),
        },
        covariates={
            "CRCL": {"quantity": "creatinine_clearance", "unit": "mL/min", "weight": "total"},
            "AGE": {"quantity": "age", "unit": "years"},
            "WT": {"quantity": "weight", "unit": "kg"},
        },
        equations=[["CL", "thCL*(CRCL/83)**0.62*(AGE/35)**(-0.34)"], ["V1", "thV1*(WT/70)**0.99"]],
        check=({"CRCL": 83.0, "AGE": 35.0, "WT": 70.0}, {"CL": 14.6, "V1": 10.8}),
        iiv={
            "CL": {"reported_as": "omega_variance", "reported_value": 0.118, "omega_variance": 0.118},
            "V1": {"reported_as": "omega_variance", "reported_value": 0.143, "omega_variance": 0.143},
            "V2": {"reported_as": "omega_variance", "reported_value": 0.102, "omega_variance": 0.102},
        },
        residual={"additive_sd": 0.469, "proportional_sd": 0.1876},
    )
    target = {
        "metric": "time_above_mic",
        "range": _span(0.4, 1.0, "1"),
        "mic": _number(2.0, "mg/L"),
        "unbound_fraction": _number(0.98, "1"),
    }
    return _drug("meropenem", model, target, route="iv", increment=500.0, intervals=(8.0, 12.0), most=2000.0)


DRUGS = {
    one().get("drug"): one
    for one in (phenytoin, voriconazole, warfarin, docetaxel, infliximab, busulfan, meropenem)
}


def write(directory: Path) -> Library:
    """All drug files in a directory, as a library over the package's."""
    for name, build in DRUGS.items():
        (directory / f"{name}.yaml").write_text(yaml.safe_dump(build(), sort_keys=False, allow_unicode=True))
    return Library((directory,))
