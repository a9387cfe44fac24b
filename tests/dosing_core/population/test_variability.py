"""Forms of variability and of residual error: what a file says is what an individual gets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from datasets import simple_model

from dosing_core.population.individual import ResidualError
from dosing_core.population.residual import ModelResidual
from dosing_core.population.rows import individual_of, row_of
from dosing_core.population.short_forms import Contradiction, spelt_out
from dosing_core.population.variability import Variability

CL, V1, KA, F = 0, 1, 4, 6


def _of(value: float, **more: Any) -> dict[str, Any]:
    return {"reported_as": "omega_variance", "reported_value": value, "omega_variance": value, **more}


def _parameters(eta: list[float], **changes: Any) -> Any:
    model = simple_model(**changes)
    individual = individual_of(model, [-math.inf], [row_of(model, {"WT": 70.0})])
    return individual.parameters(np.array([eta]))[0, 0]


def test_each_form_moves_a_typical_value_as_published() -> None:
    """By hand at CL 5, V 50, ka 1.5; Box–Cox with shape −0.5: exp((exp(−0.1) − 1) / −0.5) = 1.20965."""
    drawn = _parameters(
        [0.2, 4.0, 0.3],
        iiv={
            "CL": _of(0.09, form="box_cox", shape=-0.5),
            "V1": _of(25.0, form="normal"),
            "ka": _of(0.09),
        },
    )

    assert drawn[CL] == pytest.approx(5 * 1.209650, rel=1e-5)
    assert drawn[V1] == 54.0
    assert drawn[KA] == pytest.approx(1.5 * 1.3498588)


def test_a_fraction_stays_between_0_and_1() -> None:
    """By hand: odds 7/3 · exp(±3) = 46.8662 and 0.116170; odds / (1 + odds) = 0.979108 and 0.104079."""
    changes: dict[str, Any] = {
        "structure": {
            "compartments": 1,
            "routes": ["iv", "oral"],
            "parameters": {"CL": "CL", "V1": "V", "ka": "ka", "F": "F"},
        },
        "equations": [["CL", "thCL*WT/70"], ["V", "thV"], ["ka", "thka"], ["F", "0.7"]],
        "iiv": {"F": _of(1.0, form="logit_normal")},
    }

    assert _parameters([3.0], **changes)[F] == pytest.approx(0.979108, rel=1e-5)
    assert _parameters([-3.0], **changes)[F] == pytest.approx(0.104079, rel=1e-5)


def test_a_logit_normal_parameter_must_be_a_fraction() -> None:
    model = simple_model(iiv={"CL": _of(0.1, form="logit_normal")})

    with pytest.raises(ValueError, match="CL is 5, not between 0 and 1"):
        row_of(model, {"WT": 70.0})


def test_covariances_are_nonmems_off_diagonal_elements() -> None:
    model = simple_model(
        iiv={"CL": _of(0.09), "V1": _of(0.04)}, covariances=[{"between": ["CL", "V1"], "value": 0.03}]
    )

    np.testing.assert_allclose(model.omega(("CL", "V1")), [[0.09, 0.03], [0.03, 0.04]])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"covariances": [{"between": ["CL", "V1"], "value": 0.06}]}, "not positive definite"),
        ({"covariances": [{"between": ["CL", "CL"], "value": 0.01}]}, "different parameters"),
        (
            {
                "covariances": [{"between": ["CL", "V1"], "value": 0.01}],
                "correlations": [{"between": ["V1", "CL"], "value": 0.1}],
            },
            "each once",
        ),
        ({"iiv": {"CL": _of(0.09, form="box_cox")}}, "shape"),
        ({"iiv": {"CL": _of(0.09, shape=1.0)}}, "shape"),
        ({"iiv": {"CL": _of(-0.09)}}, "greater than 0"),
        ({"iiv": {"CL": _of(0.09, also_on=["V1"]), "V1": _of(0.1)}}, "two random effects on 'V1'"),
        ({"iiv": {"CL": {**_of(0.09), "reported_as": "CV%", "form": "normal"}}}, "omega_variance should be"),
    ],
)
def test_variability_that_cannot_be_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        simple_model(**{"iiv": {"CL": _of(0.09), "V1": _of(0.04)}, **changes})


@pytest.mark.parametrize(
    ("residual", "scale", "error"),
    [
        ({"form": "additive", "additive_sd": 2.0}, 1e-3, ResidualError(0.002, 0.0)),
        ({"form": "proportional", "proportional_sd": 0.2}, 1e-3, ResidualError(0.0, 0.2)),
        (
            {"form": "linear", "additive_sd": 2.0, "proportional_sd": 0.2},
            1e-3,
            ResidualError(0.002, 0.2, "linear"),
        ),
        ({"form": "log_normal", "log_sd": 0.3}, 1e-3, ResidualError(0.0, 0.3, "log")),
    ],
)
def test_residual_error_is_converted_once(
    residual: dict[str, Any], scale: float, error: ResidualError
) -> None:
    assert ModelResidual.model_validate(residual).error(scale) == error


def test_a_power_of_the_prediction_means_the_same_in_every_unit() -> None:
    """sd = 1 + 0.5 · f^0.7 µg/L at 200 µg/L: 200^0.7 = exp(3.708822) = 40.8057, so 21.4029 µg/L."""
    given = ModelResidual(form="power", additive_sd=1.0, proportional_sd=0.5, power=0.7)
    error = given.error(1e-3)

    assert error.additive + error.proportional * 0.2**error.power == pytest.approx(0.0214029, rel=1e-5)


@pytest.mark.parametrize(
    ("residual", "says"),
    [
        ({"form": "power", "proportional_sd": 0.5}, "power"),
        ({"form": "additive", "additive_sd": 0.5, "power": 0.5}, "power"),
        ({"form": "log_normal", "proportional_sd": 0.5}, "proportional_sd"),
        ({"form": "log_normal"}, "log_sd"),
        ({"form": "linear", "additive_sd": 0.5}, "proportional_sd"),
        ({"form": "additive", "additive_sd": -0.5}, "greater than or equal to 0"),
        ({"form": "additive", "additive_sd": 0.5, "lloq": 0.0}, "greater than 0"),
    ],
)
def test_a_residual_error_that_contradicts_itself_is_refused(residual: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ModelResidual.model_validate(residual)


def test_an_assay_has_an_error_of_its_own() -> None:
    model = simple_model(assays={"immunoassay": {"form": "proportional", "proportional_sd": 0.3}})
    individual = individual_of(model, [-math.inf], [row_of(model, {"WT": 70.0})])

    ((name, place),) = individual.assays
    assert name == "immunoassay"
    assert individual.residuals[0] == individual.residual
    assert individual.residuals[place] == ResidualError(0.0, 0.3)


def test_short_forms_are_nonmems_variances() -> None:
    document = spelt_out(
        {
            "theta": {"thCL": 5},
            "iiv": {"CL": 0.09, "V": {"reported_as": "CV%", "reported_value": 30.0}},
            "residual": {"additive_variance": 0.25, "proportional_variance": 0.04},
            "equations": {"CL": "thCL", "ka": 1.5},
        }
    )

    assert document["theta"] == {"thCL": {"value": 5, "unit": ""}}
    assert Variability.model_validate(document["iiv"]["CL"]).omega_variance == 0.09
    assert Variability.model_validate(document["iiv"]["V"]).omega_variance == pytest.approx(math.log(1.09))
    assert ModelResidual.model_validate(document["residual"]) == ModelResidual(
        form="additive+proportional", additive_sd=0.5, proportional_sd=0.2
    )
    assert document["equations"] == [["CL", "thCL"], ["ka", "1.5"]]


@pytest.mark.parametrize(
    "residual", [{"additive_variance": -1}, {"additive_variance": 1, "additive_sd": 1}, {"log_variance": "1"}]
)
def test_a_short_form_that_contradicts_itself_names_its_place(residual: dict[str, Any]) -> None:
    with pytest.raises(Contradiction) as refusal:
        spelt_out({"residual": residual})

    assert refusal.value.path == ("residual", next(iter(residual)))
