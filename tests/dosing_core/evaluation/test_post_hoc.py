"""Etas and predictions as NONMEM has them: against a second implementation that goes record by record."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from datasets import one_subject, simple_model
from record_by_record import (
    Model,
    Parameters,
    Row,
    one_compartment,
    one_compartment_oral,
    post_hoc,
    predictions,
    rows_of,
    two_compartments,
    two_compartments_oral,
)

from dosing_core.errors import InvalidDataset
from dosing_core.evaluation import fit_subject, map_fits, weighted_residuals
from dosing_core.library import load_model
from dosing_core.population.individual import FloatArray
from dosing_core.population.model import PopulationModel

BACKWARD, FORWARD = "next_observation_carried_backward", "last_observation_carried_forward"
OMEGA = np.diag([0.09, 0.04, 0.16])
"""Of CL, V and ka; one compartment without absorption has the first two."""
HEADER = "ID,TIME,AMT,RATE,CMT,EVID,MDV,DV,SS,II,ADDL,WT"


def _own(compartments: int, oral: bool, interpolation: str = BACKWARD) -> PopulationModel:
    """CL 5 L/h · WT / 70, V 50 L, Q 4 L/h, V2 30 L, ka 1.2/h, lag 0.4 h, F 0.8."""
    names = {"CL": "CL", "V1": "V"}
    names |= {"Q": "Q", "V2": "V2"} if compartments == 2 else {}
    names |= {"ka": "ka", "tlag": "tlag", "F": "F"} if oral else {}
    thetas = {"CL": 5.0, "V": 50.0, "Q": 4.0, "V2": 30.0, "ka": 1.2, "tlag": 0.4, "F": 0.8}
    variances: dict[str, float] = {"CL": 0.09, "V1": 0.04} | ({"ka": 0.16} if oral else {})
    return simple_model(
        structure={
            "compartments": compartments,
            "routes": ["iv", "oral"] if oral else ["iv"],
            "parameters": names,
        },
        theta={f"th{name}": {"value": value, "unit": "own"} for name, value in thetas.items()},
        equations=[[name, f"th{name}*WT/70" if name == "CL" else f"th{name}"] for name in names.values()],
        iiv={
            name: {"reported_as": "omega_variance", "reported_value": value, "omega_variance": value}
            for name, value in variances.items()
        },
        interpolation=interpolation,
    )


def _other(compartments: int, oral: bool, interpolation: str = BACKWARD) -> Model:
    """The same by hand."""

    def parameters(row: Row, eta: FloatArray) -> Parameters:
        weight = row["WT"] / 70.0
        return {
            "CL": 5.0 * weight * np.exp(eta[0]),
            "V": 50.0 * np.exp(eta[1]),
            "Q": 4.0,
            "V2": 30.0,
            **({"KA": 1.2 * np.exp(eta[2]), "ALAG1": 0.4, "F1": 0.8} if oral else {}),
        }

    rates: Any = {
        (1, False): one_compartment,
        (1, True): one_compartment_oral,
        (2, False): two_compartments,
        (2, True): two_compartments_oral,
    }[compartments, oral]
    return Model(
        parameters=parameters,
        rates=rates,
        compartments=compartments + oral,
        observed=1 + oral,
        additive=0.1,
        proportional=0.1,
        backward=interpolation == BACKWARD,
    )


INFUSION = f"""{HEADER}
1,0,500,250,1,1,1,.,.,12,3,70
1,3,.,.,1,0,0,6.1,.,.,.,60
1,14,.,.,1,2,1,.,.,.,.,90
1,14,300,.,1,1,1,.,.,.,.,80
1,14,.,.,1,0,0,14.2,.,.,.,80
1,20,.,.,1,0,0,5.9,.,.,.,75
1,36,.,.,1,0,0,3.3,.,.,.,70
1,47,.,.,1,0,0,2.7,.,.,.,70
"""
ORAL = f"""{HEADER}
1,0,600,.,1,1,1,.,1,12,2,70
1,0,.,.,2,0,0,3.9,.,.,.,70
1,1,.,.,2,0,0,8.5,.,.,.,90
1,9,100,50,2,1,1,.,.,.,.,80
1,9,200,.,1,1,1,.,.,.,.,80
1,12,.,.,2,0,0,6.7,.,.,.,60
1,24.3,.,.,2,0,0,6.1,.,.,.,75
1,36,.,.,2,0,0,2.9,.,.,.,70
"""
RESETS = f"""{HEADER}
1,0,500,.,1,1,1,.,.,6,3,70
1,4,.,.,1,0,0,7.0,.,.,.,60
1,9,200,40,1,1,1,.,.,.,.,60
1,10,.,.,1,3,1,.,.,.,.,60
1,11,.,.,1,0,0,0.05,.,.,.,60
1,12,400,100,1,1,1,.,1,12,1,80
1,13,.,.,1,0,0,6.5,.,.,.,80
1,25,.,.,1,0,0,5.8,.,.,.,90
1,2,300,.,1,4,1,.,.,.,.,50
1,5,.,.,1,0,0,5.2,.,.,.,65
1,5,100,.,1,1,1,.,2,24,.,65
1,5,.,.,1,0,0,7.2,.,.,.,65
1,30,.,.,1,0,0,1.2,.,.,.,65
"""
ADDITIONAL = f"""{HEADER}
1,0,500,.,1,1,1,.,.,12,2,70
1,12,.,.,1,0,0,12.0,.,.,.,70
1,24,.,.,1,0,0,15.0,.,.,.,60
1,35,.,.,1,0,0,6.0,.,.,.,70
"""
CASES = [
    (1, False, INFUSION),
    (2, False, INFUSION),
    (1, True, ORAL),
    (2, True, ORAL),
    (1, False, RESETS),
    (2, False, RESETS),
    (1, False, ADDITIONAL),
]
NAMES = ["infusion 1", "infusion 2", "oral 1", "oral 2", "resets 1", "resets 2", "additional"]


@pytest.mark.parametrize("interpolation", [BACKWARD, FORWARD])
@pytest.mark.parametrize(("compartments", "oral", "text"), CASES, ids=NAMES)
def test_records_mean_what_they_mean_to_nonmem(
    compartments: int, oral: bool, text: str, interpolation: str
) -> None:
    subject = one_subject(_own(compartments, oral, interpolation), text)
    other = _other(compartments, oral, interpolation)
    etas = np.array([[0.0, 0.0, 0.0], [0.4, -0.3, 0.6], [-0.5, 0.2, -0.7]])[:, : 2 + oral]

    own = subject.prediction(subject.individual.parameters(etas))

    for eta, found in zip(etas, own, strict=True):
        assert found == pytest.approx(predictions(other, rows_of(text), eta), rel=2e-6, abs=1e-9)


@pytest.mark.parametrize(("compartments", "oral", "text"), CASES, ids=NAMES)
def test_etas_are_the_post_hoc_etas(compartments: int, oral: bool, text: str) -> None:
    fit = fit_subject(one_subject(_own(compartments, oral), text))

    omega = OMEGA[: 2 + oral, : 2 + oral]
    start = np.round(fit.eta, 1) if oral else None
    assert fit.eta == pytest.approx(post_hoc(_other(compartments, oral), text, omega, start), abs=1e-5)


OCCASIONS = """ID,TIME,AMT,RATE,CMT,EVID,MDV,DV,SS,II,ADDL,OCC,WT
1,0,600,.,1,1,1,.,.,.,.,1,70
1,1,.,.,2,0,0,8.4,.,.,.,1,70
1,5,.,.,2,0,0,7.1,.,.,.,1,70
1,23.9,.,.,2,0,0,1.2,.,.,.,1,70
1,24,600,.,1,1,1,.,.,.,.,2,70
1,26,.,.,2,0,0,11.9,.,.,.,2,70
1,47.9,.,.,2,0,0,3.6,.,.,.,2,70
1,48,600,.,1,1,1,.,.,.,.,5,70
1,50,.,.,2,0,0,9.0,.,.,.,5,70
1,60,.,.,2,0,0,3.2,.,.,.,5,70
"""


def test_etas_of_occasions_are_the_post_hoc_etas() -> None:
    """CL and ka vary between three occasions, of which the dataset's numbers are 1, 2 and 5."""
    plain = _own(1, True)
    within = {
        "CL": {"reported_as": "omega_variance", "reported_value": 0.04, "omega_variance": 0.04},
        "ka": {"reported_as": "omega_variance", "reported_value": 0.25, "omega_variance": 0.25},
    }
    model = PopulationModel.from_bytes(
        json.dumps(
            {**json.loads(plain.to_bytes()), "iov": within, "occasions": {"by": "column", "column": "OCC"}}
        )
    )
    other = _other(1, True)

    def parameters(row: Row, eta: FloatArray) -> Parameters:
        at = {1: 3, 2: 5, 5: 7}[int(row["OCC"])]
        return other.parameters(row, np.array([eta[0] + eta[at], eta[1], eta[2] + eta[at + 1]]))

    fit = fit_subject(one_subject(model, OCCASIONS))

    names = ("CL", "V1", "ka", "CL OCC1", "ka OCC1", "CL OCC2", "ka OCC2", "CL OCC5", "ka OCC5")
    assert fit.eta_names == names
    omega = np.diag([0.09, 0.04, 0.16] + 3 * [0.04, 0.25])
    found = post_hoc(replace(other, parameters=parameters), OCCASIONS, omega, np.round(fit.eta, 2))
    assert fit.eta == pytest.approx(found, abs=1e-5)


MODELLED_DURATION = """
id: drug.zero
name: Zero-order input
structure:
  compartments: 1
  routes: [oral]
  absorption: zero_order
  parameters: {CL: CL, V1: V1, D1: D1}
theta: {CL: 5, V1: 40, D1: 3}
iiv: {CL: 0.09, D1: 0.04}
residual: {proportional_sd: 0.1, additive_sd: 0.2}
"""


def test_a_dose_over_a_modelled_duration_is_that_of_nonmem() -> None:
    """RATE -2 with D1 in $PK; any other rate contradicts the model and is refused."""
    text = "ID,TIME,AMT,RATE,CMT,EVID,DV\n1,0,500,-2,1,1,.\n1,2,.,.,1,0,6\n1,14,.,.,1,0,3\n"

    def parameters(row: Row, eta: FloatArray) -> Parameters:
        return {"CL": 5.0 * np.exp(eta[0]), "V": 40.0, "D1": 3.0 * np.exp(eta[1])}

    (mode,) = map_fits([one_subject(load_model(MODELLED_DURATION), text)])

    other = Model(parameters, one_compartment, additive=0.2, proportional=0.1)
    assert mode.eta == pytest.approx(post_hoc(other, text, np.diag([0.09, 0.04])), abs=1e-5)
    with pytest.raises(InvalidDataset, match="row 2, column RATE: the model says how long"):
        one_subject(load_model(MODELLED_DURATION), text.replace("-2", "."))


SATURABLE = f"""{HEADER}
1,0,500,.,1,1,1,.,.,12,3,70
1,2,.,.,2,0,0,7.0,.,.,.,70
1,11.5,.,.,2,0,0,4.1,.,.,.,70
1,24,.,.,2,0,0,9.2,.,.,.,60
1,48,400,100,2,1,1,.,.,.,.,80
1,53,.,.,2,0,0,15.1,.,.,.,80
1,70,.,.,2,0,0,7.3,.,.,.,80
"""
MICHAELIS_MENTEN = """
id: drug.saturable
name: Michaelis-Menten
structure:
  compartments: 1
  routes: [iv, oral]
  elimination: michaelis_menten
  parameters: {Vmax: VM, Km: KM, V1: V, ka: KA}
interpolation: next_observation_carried_backward
theta: {tVM: 40, tKM: 4, tV: 50, tKA: 1.0}
covariates: {WT: {}}
equations:
  - [VM, tVM*(WT/70)**0.75]
  - [KM, tKM]
  - [V, tV*WT/70]
  - [KA, tKA]
iiv: {Vmax: {omega_variance: 0.06}, Km: {omega_variance: 0.09}, V1: {omega_variance: 0.04}}
residual: {form: additive+proportional, additive_sd: 0.2, proportional_sd: 0.1}
"""


def _saturable() -> Model:
    """The same as a control stream with $DES has it."""

    def parameters(row: Row, eta: FloatArray) -> Parameters:
        size = row["WT"] / 70.0
        return {
            "VM": 40.0 * size**0.75 * np.exp(eta[0]),
            "KM": 4.0 * np.exp(eta[1]),
            "V": 50.0 * size * np.exp(eta[2]),
        }

    def change(p: Parameters, a: FloatArray) -> FloatArray:
        level = a[1] / p["V"]
        return np.array([-a[0], a[0] - p["VM"] * level / (p["KM"] + level)])

    return Model(parameters, change=change, compartments=2, observed=2, additive=0.2, proportional=0.1)


def test_etas_of_saturable_elimination_are_the_post_hoc_etas() -> None:
    subject = one_subject(load_model(MICHAELIS_MENTEN), SATURABLE)

    (mode,) = map_fits([subject])

    assert subject.individual.eta_names == ("Vmax", "Km", "V1")
    found = post_hoc(_saturable(), SATURABLE, np.diag([0.06, 0.09, 0.04]), np.round(mode.eta, 2))
    assert mode.eta == pytest.approx(found, abs=1e-5)


def test_etas_of_saturable_elimination_after_a_reset_are_the_post_hoc_etas() -> None:
    text = SATURABLE.replace("1,48,400,100,2,1,1,.,.,.,.,80", "1,0,400,100,2,4,1,.,.,.,.,80")
    text = text.replace("1,53,", "1,5,").replace("1,70,", "1,12,")

    (mode,) = map_fits([one_subject(load_model(MICHAELIS_MENTEN), text)])

    found = post_hoc(_saturable(), text, np.diag([0.06, 0.09, 0.04]), np.round(mode.eta, 2))
    assert mode.eta == pytest.approx(found, abs=1e-4)


def test_etas_with_levels_below_quantification_are_the_post_hoc_etas_of_m3() -> None:
    text = f"""{HEADER},CENS,LLOQ
1,0,500,250,1,1,1,.,.,.,.,70,0,.
1,3,.,.,1,0,0,6.1,.,.,.,70,0,.
1,24,.,.,1,0,0,0.9,.,.,.,70,0,.
1,30,.,.,1,0,0,.,.,.,.,70,1,0.5
1,36,.,.,1,0,0,0.5,.,.,.,70,1,0.5
"""

    fit = fit_subject(one_subject(_own(1, False), text))

    assert fit.eta == pytest.approx(post_hoc(_other(1, False), text, OMEGA[:2, :2]), abs=1e-5)
    assert np.isnan(weighted_residuals(fit, one_subject(_own(1, False), text))[-2:]).all()
