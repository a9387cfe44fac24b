"""Age groups: the young have sections of their own, everything else is the file's."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from drug_files import meropenem

from dosing_core.errors import InvalidDrugFile
from dosing_core.library import DrugFile
from dosing_core.library.load import parse_drug_file

POLICY = "project policy: a choice of this test, so that there is something to decide"


def _number(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "source": POLICY, "confidence": "policy"}


def _group(name: str, below: float, **sections: object) -> dict[str, Any]:
    return {"name": name, "below": _number(below, "years")} | sections


def _limits(single: float) -> dict[str, Any]:
    return {
        "single": _number(single, "mg"),
        "daily": _number(3 * single, "mg/day"),
        "daily_per_kg": _number(60.0, "mg/kg/day"),
    }


def _dosing(most: float) -> dict[str, Any]:
    return meropenem()["dosing"] | {"increment": _number(10.0, "mg"), "most_per_dose": _number(most, "mg")}


def _parsed(*groups: dict[str, Any]) -> DrugFile:
    return parse_drug_file(yaml.safe_dump(meropenem() | {"ages": list(groups)}), "meropenem.yaml")


def test_a_group_has_its_own_sections_and_the_rest_of_the_file() -> None:
    file = _parsed(
        _group("infants", 1.0, refused="No model of meropenem holds below 1 year."),
        _group("children", 12.0, limits=_limits(400.0), dosing=_dosing(400.0)),
    )

    assert file.refused_at(0.9).startswith("No model")
    assert not file.refused_at(1.0)
    assert (file.at_age(1.0).limits.single.value, file.at_age(1.0).dosing.increment.value) == (400.0, 10.0)
    assert file.at_age(1.0).targets == file.targets
    assert file.at_age(12.0) is file
    assert file.at_age(None) is file


@pytest.mark.parametrize(
    ("groups", "says"),
    [
        ([("b", 12.0, {"refused": "No."}), ("a", 1.0, {"refused": "No."})], "order of age"),
        ([("a", 1.0, {})], "either refused or has sections"),
        ([("a", 1.0, {"refused": "No.", "limits": _limits(400.0)})], "either refused or has sections"),
        ([("a", 1.0, {"limits": _limits(400.0)})], "above limits.single"),
        ([("a", 1.0, {"default_model": "meropenem.nobody", "averaged": []})], "no model is called"),
        ([("a", 1.0, {"default_model": "meropenem.li2006"})], "averaged"),
        ([("a", 1.0, {"limits": None})], "limits"),
    ],
)
def test_a_group_that_contradicts_itself_or_the_file_is_refused(
    groups: list[tuple[str, float, dict[str, object]]], says: str
) -> None:
    with pytest.raises(InvalidDrugFile, match=says):
        _parsed(*(_group(name, below, **sections) for name, below, sections in groups))
