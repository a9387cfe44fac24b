"""Units are converted by an exact table or not at all."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fhir_adapters.terminology.tables import table
from fhir_adapters.terminology.units import quantity, unit


@pytest.mark.parametrize(
    ("spelling", "dimension", "canonical"),
    [
        # 1 lb = 0.45359237 kg, 1 oz = 1/16 lb, 1 in = 2.54 cm, 1 ft = 12 in: exact by definition since 1959.
        ("[lb_av]", "mass", "453592.37"),
        ("lbs", "mass", "453592.37"),
        ("[oz_av]", "mass", "28349.523125"),
        ("in", "length", "2.54"),
        ("[ft_i]", "length", "30.48"),
        ("kg", "mass", "1000000"),
        ("mg/dL", "mass concentration", "10"),
        ("mcg/mL", "mass concentration", "1"),
        ("ug/L", "mass concentration", "0.001"),
        ("ng/mL", "mass concentration", "0.001"),
        ("µmol/L", "molar concentration", "1"),  # micro sign U+00B5
        ("μmol/L", "molar concentration", "1"),  # Greek mu U+03BC
        (" mg ", "mass", "1"),
        ("L/L", "fraction", "100"),
        ("mg/min", "mass rate", "60"),
    ],
)
def test_a_spelling_stands_for_an_exact_factor(spelling: str, dimension: str, canonical: str) -> None:
    found = unit(spelling)

    assert found is not None
    assert (found.dimension, found.factor) == (dimension, Decimal(canonical))


@pytest.mark.parametrize(
    "spelling",
    ["[arb'U]", "arb. units", "K/uL", "mL/min/1.73.m2", "mg/", "Mg/dL ", "units", "", "mg per mL", "IU"],
)
def test_what_is_not_in_the_table_is_not_a_unit(spelling: str) -> None:
    assert unit(spelling) is None


def test_no_spelling_stands_for_two_units() -> None:
    spellings = [
        spelling
        for dimension in table("units")["dimensions"]
        for entry in dimension["units"]
        for spelling in (entry["code"], *entry["synonyms"])
    ]

    assert len(spellings) == len(set(spellings))


def test_a_number_is_taken_as_written() -> None:
    read = quantity({"value": 0.1, "unit": "mg", "code": "mg"})

    assert read is not None
    assert read.value == Decimal("0.1")


def test_the_code_decides_and_the_text_is_a_second_choice() -> None:
    coded = quantity({"value": 1, "unit": "milligrams, roughly", "code": "mg"})
    spoken = quantity({"value": 1, "unit": "mg"})

    assert coded is not None
    assert coded.unit == unit("mg")
    assert not coded.uncoded
    assert spoken is not None
    assert spoken.unit == unit("mg")
    assert spoken.uncoded


def test_a_code_and_a_text_that_mean_different_units_are_both_refused() -> None:
    read = quantity({"value": 97, "unit": "µmol/L", "code": "mg/dL"})

    assert read is not None
    assert read.unit is None
    assert "µmol/L" in str(read.problem)


def test_a_code_of_another_system_is_no_ucum_code() -> None:
    read = quantity({"value": 1, "system": "urn:local", "code": "mg", "unit": "g"})

    assert read is not None
    assert read.unit == unit("g")


@pytest.mark.parametrize("value", ["1.2", None, True, float("nan"), float("inf"), 10**400, [], {"value": 1}])
def test_what_is_no_number_is_no_quantity(value: object) -> None:
    assert quantity({"value": value, "code": "mg"}) is None


def test_ucum_agrees_with_every_factor_of_mass_and_concentration() -> None:
    """Prefixes after the SI: an independent reading of each code, symbol by symbol."""
    prefixes = {"": 0, "k": 3, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12}

    def power(symbol: str, base: str) -> int:
        return prefixes[symbol.removesuffix(base)]

    checked = 0
    for dimension in table("units")["dimensions"]:
        for entry in dimension["units"]:
            code, factor = entry["code"], Decimal(entry["factor"])
            match dimension["dimension"]:
                case "mass" if not code.startswith("["):
                    assert factor == Decimal(10) ** (power(code, "g") + 3)
                case "mass concentration":
                    mass, volume = code.split("/")
                    assert factor == Decimal(10) ** (power(mass, "g") + 3 - power(volume, "L"))
                case "molar concentration":
                    amount, volume = code.split("/")
                    assert factor == Decimal(10) ** (power(amount, "mol") + 6 - power(volume, "L"))
                case "volume":
                    assert factor == Decimal(10) ** (power(code, "L") + 3)
                case _:
                    continue
            checked += 1
    assert checked > 20
