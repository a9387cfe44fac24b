"""What a model's covariate may be: one row a quantity, with its unit and the facts it comes from.

A measured quantity is a row of ``dosing_core.facts`` and needs nothing here. How a computed one is read
stands in ``readings.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator

from dosing_core.facts import FACTS, SIGNS

Kind = Literal["measured", "computed", "state", "own"]
"""``measured``: a timeline. ``computed``: from timelines, the person or the doses. ``state``: a discrete fact
that may be unknown and may change. ``own``: resolved once for the whole history by rules of its own."""
YES_NO = "0/1"


@dataclass(frozen=True)
class QuantityRow:
    """One quantity that ``bind`` can supply."""

    unit: str
    """A model must want it in just this unit; empty: the file says which."""
    kind: Kind
    words: str = ""
    """In a sentence; empty: the name with blanks."""
    middle: float = 0.0
    """Project policy, see ``bounds``."""
    timelines: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    """What else must be known: ``age``, ``sex``, ``gestational_age``, ``co_medications``, ``doses``."""
    options: tuple[str, ...] = ()
    """Fields of ``Covariate`` that belong to it."""
    required: tuple[str, ...] = ()
    """Those without which it means nothing."""
    shown: bool = False
    """True if its value is told among the facts that were used."""


def _rows() -> dict[str, QuantityRow]:
    measured = {
        fact.name: QuantityRow(fact.unit, "measured", fact.words, fact.middle, (fact.name,)) for fact in FACTS
    }
    signs = {name: QuantityRow(YES_NO, "state", sign.words) for name, sign in SIGNS.items()}
    body = ("weight", "height")
    return {
        **measured,
        "age": QuantityRow("years", "computed", middle=50.0, facts=("age",)),
        "female": QuantityRow(YES_NO, "computed", facts=("sex",)),
        "male": QuantityRow(YES_NO, "computed", facts=("sex",)),
        "creatinine_clearance": QuantityRow(
            "mL/min",
            "computed",
            middle=90.0,
            timelines=("creatinine", "weight"),
            facts=("age", "sex"),
            options=("weight", "equation", "surface", "creatinine_floor"),
            required=("weight",),
            shown=True,
        ),
        "egfr": QuantityRow(
            "mL/min/1.73m2",
            "computed",
            "glomerular filtration per 1.73 m²",
            90.0,
            facts=("age",),
            options=("equation", "surface"),
            required=("equation",),
            shown=True,
        ),
        "glomerular_filtration": QuantityRow(
            "mL/min",
            "computed",
            middle=90.0,
            facts=("age",),
            options=("equation", "surface"),
            required=("equation",),
            shown=True,
        ),
        "body_mass_index": QuantityRow("kg/m2", "computed", middle=25.0, timelines=body),
        "body_surface_area": QuantityRow(
            "m2", "computed", middle=1.8, timelines=body, options=("surface",), shown=True
        ),
        "fat_free_mass": QuantityRow(
            "kg", "computed", "fat-free mass", 55.0, timelines=body, facts=("sex",), shown=True
        ),
        "lean_body_mass": QuantityRow("kg", "computed", "", 55.0, timelines=body, facts=("sex",), shown=True),
        "ideal_body_weight": QuantityRow(
            "kg", "computed", "", 65.0, timelines=("height",), facts=("sex",), shown=True
        ),
        "adjusted_body_weight": QuantityRow(
            "kg", "computed", "", 67.0, timelines=body, facts=("sex",), shown=True
        ),
        "gestational_age": QuantityRow(
            "weeks", "computed", "gestational age at birth", 40.0, facts=("gestational_age",), shown=True
        ),
        "postnatal_age": QuantityRow("days", "computed", middle=18262.5, facts=("age",), shown=True),
        "postmenstrual_age": QuantityRow(
            "weeks", "computed", middle=2648.9, facts=("age", "gestational_age_or_grown"), shown=True
        ),
        "time_since_first_dose": QuantityRow("h", "computed", "time since the first dose", middle=168.0),
        "daily_dose": QuantityRow(
            "mg/day", "computed", middle=500.0, facts=("daily_dose",), options=("as_given",), shown=True
        ),
        "taking": QuantityRow(YES_NO, "state", options=("drugs",), required=("drugs",)),
        "co_medication_daily_dose": QuantityRow("mg/day", "state", options=("drugs",), required=("drugs",)),
        "condition": QuantityRow(YES_NO, "state", options=("condition",), required=("condition",)),
        **signs,
        "genotype": QuantityRow("", "state", options=("gene", "values"), required=("gene", "values")),
        "cyp3a5_expresser": QuantityRow(YES_NO, "own", "CYP3A5 expresser"),
        "prednisolone_daily_dose": QuantityRow("mg/day", "own"),
        "first_day_after_transplant": QuantityRow(YES_NO, "own"),
        "haemodialysis": QuantityRow(YES_NO, "own"),
    }


QUANTITIES: dict[str, QuantityRow] = _rows()


def known_quantity(name: str) -> str:
    """The name itself. Raises ``ValueError`` if no quantity is called so."""
    if name not in QUANTITIES:
        raise ValueError(f"no quantity is called {name!r}; there are {', '.join(QUANTITIES)}")
    return name


Quantity = Annotated[str, AfterValidator(known_quantity)]
"""A row of ``QUANTITIES``."""


def words_of_quantity(name: str) -> str:
    """How a quantity is called in a sentence."""
    row = QUANTITIES.get(name)
    return (row.words if row else "") or name.replace("_", " ")
