"""The expression language computes what it has and refuses, by name and reason, what it does not have."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosing_core.errors import InvalidExpression
from dosing_core.population.expressions import BUILT_CHARACTERS, MAX_CHARACTERS, Equations, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 + 3*4 - 1", 13.0),
        ("-2**2", -4.0),
        ("2**3**2", 512.0),
        ("(1 + 2)/4", 0.75),
        ("exp(1)", math.e),
        ("log(exp(2.5))", 2.5),
        ("log10(1000)", 3.0),
        ("sqrt(16) + tanh(0)", 4.0),
        ("floor(-1.5) + abs(-2)", 0.0),
        ("round(2.6)", 3.0),
        ("min(WT, 70, 90) + max(1, 2)", 72.0),
        ("1 if WT > 80 else 2", 2.0),
        ("1 if 60 < WT <= 70 else 2", 1.0),
        ("1 if 60 < WT < 70 else 2", 2.0),
        ("3 if WT == 70 and not (AGE != 40 or AGE < 0) else 4", 3.0),
        ("(0 or 5) + (2 and 3)", 2.0),
        ("1e3", 1000.0),
        ("cos(0) + sin(0)", 1.0),
    ],
)
def test_it_computes(text: str, expected: float) -> None:
    """``and`` and ``or`` give truth as 1, not an operand."""
    assert parse(text, {"WT", "AGE"}, "here").evaluate({"WT": 70.0, "AGE": 40.0}) == pytest.approx(expected)


def test_what_a_family_writes_may_be_longer_than_what_a_person_writes() -> None:
    long = f"max({', '.join(['WT'] * 150)})"

    assert parse(long, {"WT"}, "here", built=True).evaluate({"WT": 2.0}) == 2.0
    with pytest.raises(InvalidExpression):
        parse(long, {"WT"}, "here")
    with pytest.raises(InvalidExpression):
        parse(" " * BUILT_CHARACTERS + "1", {"WT"}, "here", built=True)


def test_an_untaken_branch_is_not_computed() -> None:
    expression = parse("1/WT if WT > 0 else 0", {"WT"}, "here")

    assert expression.evaluate({"WT": 0.0}) == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "HEIGHT + 1",
        "WT.real",
        "(1).__class__",
        "__import__('os')",
        "eval('1')",
        "pow(2, 3)",
        "exp",
        "WT(1)",
        "(lambda: 1)()",
        "[x for x in (1, 2)]",
        "{'a': 1}",
        "WT[0]",
        "'text'",
        "f'{WT}'",
        "True",
        "None",
        "1j",
        "...",
        "WT // 2",
        "WT % 2",
        "WT @ WT",
        "WT | 1",
        "~1",
        "1 in (1, 2)",
        "1 is 1",
        "(y := 1)",
        "WT = 1",
        "WT; AGE",
        "",
        "   ",
        "1 +",
        "1e999",
        "9" * 399,
        "exp()",
        "exp(1, 2)",
        "min(1)",
        "exp(x=1)",
        "min(*WT)",
        "round(1.2345, 2)",
        "yield",
        "1if WT else 2",
        "await WT",
        "WT\x00",
        "+".join(["1"] * 190),
        "(" * 150 + "1" + ")" * 150 + "(",
        "-" * 200 + "1",
        "1" + " " * MAX_CHARACTERS,
    ],
)
def test_it_refuses_what_it_does_not_have(text: str) -> None:
    with pytest.raises(InvalidExpression) as refusal:
        parse(text, {"WT", "AGE"}, "vancomycin.goti2018 equations.CL")

    assert refusal.value.where == "vancomycin.goti2018 equations.CL"
    assert refusal.value.problem


@pytest.mark.parametrize(
    "text",
    ["1/WT", "log(WT)", "log(WT - 1)", "(WT - 8)**0.5", "0**(WT - 1)", "exp(1000 + WT)", "1e300*1e300 + WT"],
)
def test_a_result_that_is_no_finite_number_is_an_error(text: str) -> None:
    """A negative base with a fractional exponent would be complex in Python."""
    with pytest.raises(InvalidExpression, match="here"):
        parse(text, {"WT"}, "here").evaluate({"WT": 0.0})


def test_a_value_that_is_not_a_number_does_not_pass() -> None:
    with pytest.raises(InvalidExpression, match="finite"):
        parse("WT", {"WT"}, "here").evaluate({"WT": math.nan})


def test_a_missing_input_is_named() -> None:
    with pytest.raises(InvalidExpression, match="'WT'"):
        parse("WT + 1", {"WT"}, "here").evaluate({})


def test_it_reports_the_names_that_it_reads() -> None:
    assert parse("CL*WT + exp(WT)", {"CL", "WT", "AGE"}, "here").names == {"CL", "WT"}


def test_equations_see_what_is_above_them_only() -> None:
    equations = Equations.parse([("A", "WT/2"), ("B", "A + 1")], {"WT"}, "model equations")

    assert equations.evaluate({"WT": 70.0}) == {"WT": 70.0, "A": 35.0, "B": 36.0}
    with pytest.raises(InvalidExpression, match=r"equations\.A.*'B'"):
        Equations.parse([("A", "B"), ("B", "1")], {"WT"}, "model equations")


@pytest.mark.parametrize("name", ["WT", "exp", "two words", "1st"])
def test_an_equation_does_not_take_a_name_that_is_taken(name: str) -> None:
    with pytest.raises(InvalidExpression, match="name"):
        Equations.parse([(name, "1")], {"WT"}, "model equations")


@given(st.text(alphabet="0123456789.+-*/()<>=! WTexplognmi,andorif ", max_size=60))
def test_no_text_escapes_as_another_error(text: str) -> None:
    try:
        value = parse(text, {"WT"}, "here").evaluate({"WT": 70.0})
    except InvalidExpression:
        return
    assert math.isfinite(value)
