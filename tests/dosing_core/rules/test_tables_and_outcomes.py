"""The form of a rule: tables, outcomes, checks; what a file must not say."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from dosing_core.errors import InvalidDrugFile, InvalidExpression
from dosing_core.library import PACKAGE, load_drug
from dosing_core.library.load import parse_drug_file
from dosing_core.library.rules import DosingRule, RuleTable
from dosing_core.library.shelves import _text

SOURCE = "a table that nobody published"


def table(*rows: tuple[float | None, ...], by: tuple[str, ...] = ("AMH",), **more: Any) -> RuleTable:
    return RuleTable(by=by, unit="µg", source=SOURCE, confidence="high", rows=rows, **more)


def test_a_row_holds_from_its_low_end_up_to_its_high_end() -> None:
    found = table((None, 15.0, 12.0), (15.0, 17.0, 0.19), (17.0, None, 0.18))

    assert [found.look_up({"AMH": value}) for value in (0.1, 14.99, 15.0, 16.9, 17.0, 99.0)] == [
        12.0,
        12.0,
        0.19,
        0.19,
        0.18,
        0.18,
    ]


def test_between_rows_there_is_no_value() -> None:
    assert table((0.0, 1.0, 5.0), (2.0, 3.0, 6.0)).look_up({"AMH": 1.5}) is None


def test_a_table_of_two_covariates_looks_at_both() -> None:
    found = table((0.0, 60.0, 0.0, 50.0, 1.0), (0.0, 60.0, 50.0, None, 2.0), by=("WT", "CRCL"))

    assert found.look_up({"WT": 55.0, "CRCL": 49.0}) == 1.0
    assert found.look_up({"WT": 55.0, "CRCL": 90.0}) == 2.0
    assert found.look_up({"WT": 70.0, "CRCL": 90.0}) is None


def test_rounding_decides_at_the_border() -> None:
    rows = ((None, 15.0, 12.0), (15.0, 17.0, 0.19))

    assert table(*rows).look_up({"AMH": 14.6}) == 12.0
    assert table(*rows, rounded=True).look_up({"AMH": 14.6}) == 0.19


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (((0.0, 2.0, 1.0), (1.0, 3.0, 2.0)), "overlaps"),
        (((2.0, 1.0, 1.0),), "from is not below to"),
        (((1.0, 2.0),), "then a value"),
        (((1.0, 2.0, None),), "then a value"),
    ],
)
def test_rows_that_contradict_each_other_are_refused(rows: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        table(*rows)


def carboplatin() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(_text(PACKAGE, "carboplatin"))
    return read


def parsed(changed: dict[str, Any]) -> None:
    parse_drug_file(yaml.safe_dump(changed, allow_unicode=True), "carboplatin.yaml")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("rules", 1, "outcomes", 0, "dose"), "aim * (GFR + nonrenl)", "nonrenl"),
        (("rules", 1, "checks", 0, "dose_mg"), 176, "the dose is 175 mg where 176 is published"),
        (("rules", 1, "checks", 0, "outcome"), "nothing", "calvert follows"),
        (("rules", 1, "outcomes", 0, "dose"), "aim * (GFR + nonrenal) + 1", "not proportional"),
        (("rules", 1, "aim", "target"), "per_week", "no target is called"),
        (("rules", 1, "outcomes", 0, "action"), "hold", "given by an outcome that doses"),
        (("rules", 1, "covariates", "GFR", "quantity"), None, "quantity"),
        (("rules",), [], "needs rules"),
        (("default_model",), "carboplatin.none", "there is no model"),
        (("display", "auc_unit"), "", "auc_unit"),
    ],
)
def test_a_file_that_contradicts_itself_does_not_load(path: tuple[Any, ...], value: Any, said: str) -> None:
    changed = copy.deepcopy(carboplatin())
    place: Any = changed
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value

    with pytest.raises((InvalidDrugFile, InvalidExpression), match=said):
        parsed(changed)


def test_a_division_by_zero_is_no_dose() -> None:
    rule: DosingRule = load_drug("carboplatin").rules[-1]
    broken = rule.model_copy(update={"equations": (("x", "1 / (GFR - 10)"),)})

    with pytest.raises(InvalidExpression):
        DosingRule.model_validate(broken.model_dump())
