"""Derivatives against central differences of the language itself; linearity against systems known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dosing_core.kinetics import is_linear
from dosing_core.kinetics.symbolic import derivative, linear_form, linear_output, superposes
from dosing_core.population.expressions import parse
from dosing_core.population.individual import Individual, ResidualError
from dosing_core.population.system import Entry, Output, System

NAMES = ("a", "b", "c")


@pytest.mark.parametrize(
    "text",
    [
        "a * b + a / c - c / a",
        "a ** 2 + a ** -1.7 + b ** a + a ** b",
        "exp(a * b) + log(a) + log10(a) + sqrt(a) + tanh(a)",
        "cos(a * 2) + sin(a)",
        "abs(a - 10) + min(a, b + 9) + max(a, c - 9, b)",
        "a ** 2 if b > 0 else a ** 3",
        "floor(a) * 3 + a",
        "3 * c * (a * b / (a + b)) ** 1.3 / (1 + (a / c) ** 2.2)",
    ],
)
def test_derivatives_equal_differences(text: str) -> None:
    expression = parse(text, NAMES, "test")
    slope = derivative(expression, "a", NAMES)
    for a, b, c in [(0.31, 0.8, 1.4), (1.37, 2.1, 0.4), (2.45, 0.3, 3.3)]:

        def at(x: float, b: float = b, c: float = c) -> float:
            return expression.evaluate({"a": x, "b": b, "c": c})

        step = 1e-5
        difference = (8 * (at(a + step) - at(a - step)) - at(a + 2 * step) + at(a - 2 * step)) / (12 * step)
        got = slope.evaluate(np.array([[a], [b], [c]]))[0, 0]
        assert got == pytest.approx(difference, rel=1e-8, abs=1e-8)


def test_derivatives_come_out_simple() -> None:
    assert len(derivative(parse("3 * a + b", NAMES, "test"), "a", NAMES).code) == 0
    assert len(derivative(parse("b * c", NAMES, "test"), "a", NAMES).code) == 0
    assert len(derivative(parse("b / c * a", NAMES, "test"), "a", NAMES).code) == 1


def _system(
    derivatives: tuple[str, ...],
    states: tuple[str, ...] = ("depot", "central"),
    output: str = "central / V",
    amount: str = "F * dose",
    initial: tuple[str, ...] | None = None,
) -> System:
    parameters = ("CL", "V", "ka", "F", "Vmax", "Km")
    known = (*parameters, *states, "t", "clock")
    return System(
        parameters=parameters,
        states=states,
        derivatives=tuple(parse(text, known, "test") for text in derivatives),
        initial=tuple(parse(text, parameters, "test") for text in initial or ("0",) * len(states)),
        entries=(Entry("oral", 0, parse(amount, (*parameters, "dose"), "test")),),
        outputs=(Output("concentration", parse(output, known, "test")),),
    )


def test_the_rate_matrix_of_a_linear_system_is_read_off_its_equations() -> None:
    system = _system(("-ka * depot", "ka * depot - CL / V * central + 3 * F"))
    form = linear_form(system)
    assert form is not None
    values = np.array([[5.0], [50.0], [1.2], [0.7], [0.0], [0.0]])  # CL, V, ka, F, Vmax, Km

    got = form.program.evaluate(values)[:, 0]

    # K row by row, then the constant input
    np.testing.assert_allclose(got, [-1.2, 0.0, 1.2, -0.1, 0.0, 2.1], rtol=1e-15)
    assert form.driven


@pytest.mark.parametrize(
    "equation",
    [
        "ka * depot - Vmax * central / (Km * V + central)",
        "ka * depot - CL * (1 + 0.3 * cos(clock)) / V * central",
        "ka * depot - (CL if t < 10 else 2 * CL) / V * central",
        "ka * depot - CL / V * (central if central > 0 else 0)",
        "ka * depot - floor(central)",
        "ka * depot - CL / V * max(central, 0)",
        "ka * depot * central",
    ],
)
def test_systems_that_are_not_linear_with_constant_coefficients_are_told_apart(equation: str) -> None:
    assert linear_form(_system(("-ka * depot", equation))) is None


def test_a_choice_between_parameters_leaves_a_system_linear() -> None:
    equation = "ka * depot - (CL if V > 10 else Vmax) * (central + 0 * depot) / V"
    form = linear_form(_system(("-ka * depot", equation)))
    assert form is not None
    assert not form.driven


def test_superposition_needs_more_than_linear_equations() -> None:
    linear = ("-ka * depot", "ka * depot - CL / V * central")
    assert superposes(_system(linear))
    assert not superposes(_system(linear, amount="dose * Vmax / (Vmax + dose)"))
    assert not superposes(_system(linear, amount="dose + 1"))
    assert not superposes(_system(linear, initial=("0", "V")))
    assert not superposes(_system(("-ka * depot", "1 - CL / V * central")))


def test_an_output_may_break_superposition() -> None:
    linear = ("-ka * depot", "ka * depot - CL / V * central")
    bound = "central / V * (1 + Vmax / (central / V + Km))"
    for output, expected in [("central / V", True), (bound, False), ("central / V + 1", False)]:
        system = _system(linear, output=output)
        individual = Individual(
            structure=system,
            row_time=np.array([-np.inf]),
            typical=np.ones((1, 6)),
            eta_names=(),
            eta_index=np.full(6, -1),
            omega=np.zeros((0, 0)),
            residual=ResidualError(0.1, 0.1),
            binding=None,
        )
        assert is_linear(individual) == expected
        assert is_linear(individual, None)
        assert (linear_output(system, 0) is not None) == expected
