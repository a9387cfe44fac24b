"""A dataset's records under a model: doses as written out by hand, covariates carried, units converted."""

from __future__ import annotations

import numpy as np
import pytest
from datasets import (
    GOTI,
    GOTI_NAMES,
    STORSET,
    STORSET_NAMES,
    library_model,
    one_subject,
    simple_model,
    subjects,
)

from dosing_core.errors import InvalidCovariate, InvalidDataset, NotSupported
from dosing_core.evaluation import constant_individual
from dosing_core.kinetics import concentrations, steady_state
from dosing_core.library import load_model

HEADER = "ID,TIME,AMT,RATE,CMT,EVID,MDV,DV,SS,II,ADDL"


def _doses(*rows: str, header: str = HEADER) -> list[tuple[float, float, float, bool]]:
    """(time, amount, duration, depot) of each dose under the simple model."""
    table = one_subject(simple_model(), "\n".join([f"{header},WT", *rows])).doses
    return [
        (float(t), float(a), float(d), bool(o))
        for t, a, d, o in zip(table.time, table.amount, table.duration, table.depot, strict=True)
    ]


def test_additional_doses_are_the_doses_written_out() -> None:
    short = _doses("1,0,100,50,2,1,1,.,.,12,3,70", "1,40,80,80,2,1,1,.,.,.,.,70")
    long = _doses(
        *(f"1,{time},100,50,2,1,1,.,.,.,.,70" for time in (0, 12, 24, 36)), "1,40,80,80,2,1,1,.,.,.,.,70"
    )

    assert short == long
    assert short[0] == (0.0, 100.0, 2.0, False)


@pytest.mark.parametrize(
    ("drug", "covariates", "dose", "duration"),
    [
        ("vancomycin", (GOTI_NAMES, GOTI), (1000.0, 500.0), 2.0),
        ("vancomycin", (GOTI_NAMES, GOTI), (1000.0, 50.0), 20.0),  # longer than the interval
        ("tacrolimus", (STORSET_NAMES, STORSET), (3.0, 0.0), 0.0),
    ],
)
def test_a_steady_state_is_the_closed_form(
    drug: str, covariates: tuple[str, str], dose: tuple[float, float], duration: float
) -> None:
    """Within 1e-9 for whom the prior thinks usual, within 1e-6 even three standard deviations slow."""
    model = library_model(drug)
    names, values = covariates
    subject = one_subject(
        model, f"ID,TIME,AMT,RATE,SS,II,DV,{names}\n1,0,{dose[0]},{dose[1]},1,12,.,{values}\n"
    )
    d = subject.individual.dimension
    sd = np.sqrt(np.diag(subject.individual.omega))
    slow = 3.0 * sd * np.array([-1.0, 1.0, 1.0] if drug == "vancomycin" else [-1.0, 1.0, -1.0])
    eta = np.stack([np.zeros(d), 0.5 * sd, -sd, slow])
    times = np.array([0.0, 0.5, 3.0, 11.9])
    parameters = subject.individual.parameters(eta)

    laid_out = concentrations(subject.individual, parameters, subject.doses, times)
    closed = steady_state(
        subject.individual, parameters, dose[0], 12.0, duration, drug == "tacrolimus", times
    )

    assert laid_out[:3] == pytest.approx(closed[:3], rel=1e-9)
    assert laid_out[3] == pytest.approx(closed[3], rel=2e-6)
    assert any("preceding doses" in note for note in subject.notes)


def test_a_steady_state_goes_on_with_its_additional_doses() -> None:
    doses = _doses("1,0,100,.,1,1,1,.,1,24,2,70")

    assert [time for time, *_ in doses[-4:]] == [-24.0, 0.0, 24.0, 48.0]


def test_covariates_hold_from_their_row_on_and_the_first_for_the_time_before() -> None:
    subject = one_subject(
        simple_model(),
        "ID,TIME,AMT,CMT,DV,WT\n1,0,100,2,.,70\n1,10,.,2,3,.\n1,20,.,2,1,140\n1,30,.,2,1,140\n",
    )

    assert subject.individual.row_time.tolist() == [-np.inf, 20.0]
    assert subject.individual.typical[:, 0].tolist() == [5.0, 10.0]


def test_units_are_the_models() -> None:
    """A model in days and µg/L: TIME 2 is 48 h, CL 120 L/day is 5 L/h, DV 500 is 0.5 mg/L."""
    model = simple_model(
        units={"time": "day", "amount": "mg", "volume": "L", "concentration": "ug/L"},
        theta={
            "thCL": {"value": 120.0, "unit": "L/day"},
            "thV": {"value": 50.0, "unit": "L"},
            "thka": {"value": 36.0, "unit": "1/day"},
        },
        typical_check=[{"inputs": {"WT": 70.0}, "typical_values": {"CL": 120.0}, "source": "by hand"}],
    )
    subject = one_subject(
        model, "ID,TIME,AMT,RATE,CMT,II,ADDL,DV,WT\n1,1,100,800,2,0.5,1,.,70\n1,2,.,.,.,.,.,500,70\n"
    )

    assert subject.doses.time.tolist() == [24.0, 36.0]
    assert subject.doses.duration.tolist() == [3.0, 3.0]
    assert subject.sample_time.tolist() == [48.0]
    assert subject.observations.value.tolist() == pytest.approx([0.5])
    assert subject.individual.typical[0, [0, 1, 4]] == pytest.approx([5.0, 50.0, 1.5])
    assert subject.individual.residual.additive == pytest.approx(1e-4)


def test_a_covariate_above_the_models_maximum_counts_as_it() -> None:
    """Goti 2018 holds creatinine clearance at 150 mL/min."""
    model = library_model("vancomycin")
    text = f"ID,TIME,AMT,DV,{GOTI_NAMES}\n1,0,1000,.,150,70,0\n2,0,1000,.,190,70,0\n"
    one, other = (subject.individual.typical for subject in subjects(model, text))

    assert one.tolist() == other.tolist()


@pytest.mark.parametrize(
    ("rows", "row", "column", "words"),
    [
        (["1,0,100,.,3,1,1,.,.,.,.,70"], 2, "CMT", "the depot"),
        (["1,0,100,.,.,1,1,.,.,.,.,70"], 2, "CMT", "missing"),
        (["1,0,100,50,1,1,1,.,.,.,.,70"], 2, "RATE", "zero-order"),
        (["1,0,100,.,2,1,1,.,.,.,.,70", "1,1,.,.,1,0,0,5,.,.,.,70"], 3, "CMT", "where levels are measured"),
        (["1,0,100,-1,2,1,1,.,.,.,.,70"], 2, "RATE", "the rate of the dose"),
        (["1,0,100,-2,2,1,1,.,.,.,.,70"], 2, "RATE", "the duration of the dose"),
        (["1,0,100,.,2,1,1,.,1,0.001,.,70"], 2, "SS", "preceding doses"),
        (["1,0,100,.,2,1,1,.,.,.,.,-3"], 2, "WT", "below 0"),
        (["1,0,100,.,2,1,1,.,.,.,.,0"], 2, "", "no usable values"),
        (["1,0,100,.,2,1,1,.,.,.,.,70", "1,9,.,.,.,2,1,.,.,.,.,1e-9"], 3, "", "CL is 7"),
    ],
)
def test_a_record_that_the_model_has_no_place_for_is_refused(
    rows: list[str], row: int, column: str, words: str
) -> None:
    with pytest.raises(InvalidDataset) as refusal:
        one_subject(simple_model(), "\n".join([f"{HEADER},WT", *rows]))

    assert (refusal.value.row, refusal.value.column) == (row, column)
    assert words in str(refusal.value)


def test_a_model_of_infusions_has_one_compartment_for_doses() -> None:
    with pytest.raises(InvalidDataset, match="row 2, column CMT"):
        one_subject(library_model("vancomycin"), f"ID,TIME,AMT,CMT,DV,{GOTI_NAMES}\n1,0,1000,2,.,{GOTI}\n")


def test_a_model_by_mouth_has_no_infusions() -> None:
    with pytest.raises(InvalidDataset, match="row 2, column CMT"):
        one_subject(library_model("tacrolimus"), f"ID,TIME,AMT,CMT,DV,{STORSET_NAMES}\n1,0,3,2,.,{STORSET}\n")


def test_a_yes_or_no_covariate_is_0_or_1() -> None:
    with pytest.raises(InvalidDataset, match="row 2, column DIAL: 2 is neither 0 nor 1"):
        one_subject(library_model("vancomycin"), f"ID,TIME,AMT,DV,{GOTI_NAMES}\n1,0,1000,.,80,70,2\n")


def test_what_the_model_was_not_built_on_is_noted() -> None:
    """Goti 2018: weights 33 to 255 kg, creatinine clearance from 4 mL/min."""
    subject = one_subject(
        library_model("vancomycin"), f"ID,TIME,AMT,DV,{GOTI_NAMES}\n1,0,.,5,3,30,0\n1,1,1000,.,3,30,0\n"
    )

    assert any("WT 30 below 33 kg, where the model may be used" in note for note in subject.notes)
    assert any("CRCL 3 below 4 mL/min, where the model was studied" in note for note in subject.notes)
    assert any("before the first dose" in note for note in subject.notes)


def test_a_model_of_typical_values_is_not_fitted() -> None:
    with pytest.raises(NotSupported, match="typical values only"):
        one_subject(simple_model(use="typical_values"), "ID,TIME,AMT,CMT,DV,WT\n1,0,100,2,.,70\n")


@pytest.mark.parametrize(
    ("covariates", "name", "words"),
    [
        ({}, "WT", "needs it, in kg"),
        ({"WT": 70.0, "AGE": 3.0}, "AGE", "no such covariate"),
        ({"WT": -1.0}, "WT", "below 0"),
        ({"WT": 0.0}, "", "no usable values"),
    ],
)
def test_a_virtual_person_has_just_the_models_covariates(
    covariates: dict[str, float], name: str, words: str
) -> None:
    with pytest.raises(InvalidCovariate, match=words) as refusal:
        constant_individual(simple_model(), covariates)

    assert refusal.value.name == name


@pytest.mark.parametrize("dose", ["1,0,100,50,2,1,1,.,.,.,.,70", "1,0,100,.,1,1,1,.,.,.,.,70"])
def test_a_level_may_stand_on_either_side_of_a_dose_where_nothing_jumps(dose: str) -> None:
    """An infusion or a dose by mouth has not yet reached the blood at its start."""
    level = "1,0,.,.,2,0,1,.,.,.,.,70"
    one = one_subject(simple_model(), "\n".join([f"{HEADER},WT", dose, level]))
    other = one_subject(simple_model(), "\n".join([f"{HEADER},WT", level, dose]))

    assert one.sample_time.tolist() == other.sample_time.tolist() == [0.0]


@pytest.mark.parametrize("value", ["0", "-0.5"])
def test_a_level_of_nothing_needs_an_additive_error(value: str) -> None:
    proportional = simple_model(residual={"form": "proportional", "proportional_sd": 0.1})
    text = f"ID,TIME,AMT,CMT,DV,WT\n1,0,100,2,.,70\n1,90,.,2,{value},70\n"

    assert one_subject(simple_model(), text).observations.value.tolist() == [float(value)]
    with pytest.raises(InvalidDataset, match=r"row 3, column DV: .* no level"):
        one_subject(proportional, text)


@pytest.mark.parametrize(("below", "values", "limits"), [("m3", [0.5, 2.0], [-1, 0]), ("drop", [2.0], [0])])
def test_a_level_below_the_models_own_limit_is_what_the_model_says(
    below: str, values: list[float], limits: list[int]
) -> None:
    residual = {"form": "additive", "additive_sd": 0.1, "lloq": 0.5, "below_lloq": below}
    text = "ID,TIME,AMT,CMT,DV,WT\n1,0,100,2,.,70\n1,30,.,2,0.3,70\n1,31,.,2,2,70\n"

    observed = one_subject(simple_model(residual=residual), text).observations

    assert observed.value.tolist() == values
    assert observed.limit.tolist() == limits


EFFECT = """
id: drug.effect
name: Effect
structure:
  odes: {A: -CL / V * A, R: kin * (1 - A / V / (IC50 + A / V)) - kout * R}
  initial: {R: kin / kout}
  entries: [{route: iv, state: A}]
  outputs: {concentration: A / V, effect: {value: R, unit: "%"}}
units: {concentration: ug/L}
theta: {CL: 5, V: 40, kin: 10, kout: 0.1, IC50: 3}
iiv: {CL: 0.09, kout: 0.04}
residual: {proportional_sd: 0.1}
residuals: {effect: {additive_sd: 5}}
"""


def test_a_level_is_of_the_output_that_dvid_or_cmt_names() -> None:
    """Effects keep their unit; concentrations are converted."""
    model = load_model(EFFECT)
    text = "ID,TIME,AMT,CMT,EVID,DVID,DV\n1,0,500,1,1,.,.\n1,1,.,.,0,1,9\n1,2,.,.,0,2,90\n1,3,.,2,0,.,80\n"
    observed = one_subject(model, text).observations

    assert observed.output.tolist() == [0, 1, 1]
    assert observed.value.tolist() == pytest.approx([0.009, 90.0, 80.0])
    with pytest.raises(InvalidDataset, match="row 4, column DVID: 3: the model's outputs are"):
        one_subject(model, text.replace("0,2,90", "0,3,90"))
    with pytest.raises(InvalidDataset, match="row 5, column CMT: 4: which output"):
        one_subject(model, text.replace("1,3,.,2", "1,3,.,4"))
