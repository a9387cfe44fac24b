"""A compiled program gives what the language itself gives, and what it refuses stays inside its lane."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest

from dosing_core.kinetics.tape import Program, compile_expressions, exponential
from dosing_core.population.expressions import FUNCTIONS, parse

NAMES = ("a", "b", "c")


def _program(*texts: str) -> Program:
    return compile_expressions([parse(text, NAMES, "test") for text in texts], NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "a + b * c - a / b",
        "-a ** 2 + b ** 3 - c ** -1 + a ** 0.5 + b ** -0.5 + c ** 0 + a ** 7",
        "a ** b",
        "exp(-a) + log(b) + log10(c) + sqrt(a) + tanh(b)",
        "floor(a * 3) + round(b * 3) + abs(a - b) + round(2.5) + round(3.5)",
        "min(a, b, c) * 2 + max(a, b, c)",
        "cos(a) + sin(b * 4)",
        "1 if a < b else 2 if b <= c else 3",
        "(a < b < c) + 2 * (a > b) + 4 * (b >= c) + 8 * (a == a) + 16 * (a != b)",
        "(a < 1 and b < 1) + 2 * (a < 1 or b < 1) + 4 * (not a < 1) + 8 * (a and 0) + 16 * (a or 0)",
        "+a - -b",
        "2 * 3 + 4 / 5 - 2 ** 0.3 + exp(1) + min(1, 2) + (3 if 2 > 1 else 4)",
    ],
)
def test_a_program_equals_the_language(text: str) -> None:
    values = np.random.default_rng(1).lognormal(0.0, 0.7, (3, 150))
    expression = parse(text, NAMES, "test")

    got = _program(text).evaluate(values)[0]

    want = [expression.evaluate(dict(zip(NAMES, point, strict=True))) for point in values.T]
    np.testing.assert_allclose(got, want, rtol=4e-15, atol=4e-15)


def test_every_function_of_the_language_compiles() -> None:
    for name, (function, least, _) in FUNCTIONS.items():
        arguments = [0.37, 0.62][:least]
        text = f"{name}({', '.join('ab'[:least])})"
        got = _program(text).evaluate(np.array([[0.37], [0.62], [0.0]]))[0, 0]
        assert got == pytest.approx(float(function(*arguments)), rel=1e-15)


def test_what_is_not_finite_in_the_branch_not_taken_does_no_harm() -> None:
    values = np.array([[-1.0, 0.0, 4.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])

    got = _program("sqrt(a) if a > 0 else 7", "log(a) if a > 0 else 1 / b if b > 0 else 5").evaluate(values)

    np.testing.assert_allclose(got, [[7.0, 7.0, 2.0], [5.0, 5.0, math.log(4.0)]])


def test_what_the_language_refuses_is_not_finite_and_stays_in_its_lane() -> None:
    values = np.array([[1.0, 0.0, -1.0], [2.0, 2.0, 2.0], [0.0, 0.0, 0.0]])

    got = _program("b / a", "log(a)", "a ** 0.3").evaluate(values)

    assert np.isfinite(got[:, 0]).all()
    assert got[0, 1] == math.inf
    assert got[1, 1] == -math.inf
    assert np.isnan(got[1:, 2]).all()


def test_powers_of_a_state_that_is_empty_up_to_rounding_are_those_of_zero() -> None:
    expressions = [parse(text, NAMES, "test") for text in ("a ** 1.5", "sqrt(a)", "a ** b", "a ** 3")]
    program = compile_expressions(expressions, NAMES, amounts=True)

    got = program.evaluate(np.array([[-1e-3], [2.5], [0.0]]))[:, 0]

    np.testing.assert_array_equal(got[:3], 0.0)
    assert got[3] == pytest.approx(-1e-9)


def test_what_is_written_twice_is_computed_once_and_constants_are_folded() -> None:
    program = _program("(a + b) * 2 ** 3 * (b + a)", "exp(a + b)")

    assert len(program.code) == 4  # the sum, two products, the power of e
    assert list(program.constants) == [8.0]


def test_instructions_that_read_only_parameters_come_first() -> None:
    expression = parse("a / b * c + exp(b)", NAMES, "test")
    program = compile_expressions([expression], NAMES, varying=("c",))

    assert program.steady == 2
    assert len(program.code) == 3  # the product and the sum in one


def test_a_lane_has_the_same_bits_in_any_crowd() -> None:
    values = np.random.default_rng(2).lognormal(0.0, 1.0, (3, 131))
    program = _program("exp(-a) * b ** c + log(a) / tanh(b)")

    crowd = program.evaluate(values)[0]
    alone = [program.evaluate(values[:, [lane]])[0, 0] for lane in range(131)]

    np.testing.assert_array_equal(crowd, alone)


def test_powers_of_e_are_right_to_the_last_digits_over_the_whole_range() -> None:
    for x in np.linspace(-700.0, 709.0, 997):
        assert exponential(x) == pytest.approx(math.exp(x), rel=1e-15)
    assert exponential(-800.0) == 0.0
    assert exponential(800.0) == math.inf
    assert math.isnan(exponential(math.nan))


def test_a_name_that_is_read_but_not_given_is_refused() -> None:
    with pytest.raises(KeyError):
        compile_expressions([parse("a + b", NAMES, "test")], ("a",))
    with pytest.raises(ValueError, match="3 names"):
        _program("a").evaluate(np.zeros((2, 5)))


def test_powers_of_amounts_are_right_to_the_last_digits_over_the_whole_range() -> None:
    rng = np.random.default_rng(2)
    exponent = np.concatenate([rng.normal(0.0, 3.0, 400), [0.0, 0.5, -1.5, 1.0]])
    amount = np.concatenate([np.exp(rng.normal(0.0, 30.0, 400)), [3.0, 1e-300, 1e300, 5.0]])
    program = compile_expressions([parse("a ** b", NAMES, "test")], NAMES, amounts=True)

    got = program.evaluate(np.stack([amount, exponent, np.zeros_like(amount)]))[0]

    want = np.array([float(mp.power(mp.mpf(a), mp.mpf(b))) for a, b in zip(amount, exponent, strict=True)])
    lost = 2e-16 * (4.0 + 2.0 * np.abs(exponent * np.log(amount)))  # of e to what is that large
    normal = (want > 1e-307) & (want < 1e307)
    assert (np.abs(got[normal] / want[normal] - 1.0) <= lost[normal]).all()


def test_powers_of_what_is_no_amount() -> None:
    program = compile_expressions([parse("a ** b", NAMES, "test")], NAMES, amounts=True)
    amount = np.array([0.0, 0.0, 0.0, -1.0, math.inf, math.inf, math.nan, 2.0])
    exponent = np.array([2.5, 0.0, -2.5, 1.5, 0.5, -0.5, 0.5, math.nan])

    got = program.evaluate(np.stack([amount, exponent, np.zeros(8)]))[0]

    np.testing.assert_array_equal(got, [0.0, 1.0, math.inf, 0.0, math.inf, 0.0, math.nan, math.nan])
