"""What is measured of a patient over time, and what is known as yes or no: one row a fact.

A new measured fact is a row here, and a row in the adapters' table of codes if a record can bring it. Fields
of ``Subject``, covariates of models, requests, and the words for them follow.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MeasuredFact:
    """A quantity that is measured now and then, and how it is spoken of."""

    name: str
    unit: str
    """The canonical unit. Creatinine in mg/dL and the like because equations are published so."""
    words: str
    """In a sentence, without an article."""
    asked: str
    """What is asked for where it is missing: ``a creatinine``."""
    middle: float
    """Project policy: an adult of middle size in fair health, to try the equations of a file that says
    nothing of its people. Never a value for a patient."""
    at_bedside: str = ""
    """How it is asked for where no laboratory measures it."""


FACTS: tuple[MeasuredFact, ...] = (
    MeasuredFact("creatinine", "mg/dL", "creatinine", "a creatinine", 1.0),
    MeasuredFact("weight", "kg", "weight", "the weight", 70.0, "Ask for the patient to be weighed"),
    MeasuredFact("height", "cm", "height", "the height", 170.0, "Ask for the height to be measured"),
    MeasuredFact("haematocrit", "%", "haematocrit", "a haematocrit", 40.0),
    MeasuredFact("albumin", "g/L", "albumin", "an albumin", 40.0),
    MeasuredFact("bilirubin", "mg/dL", "bilirubin", "a bilirubin", 0.6),
    MeasuredFact("cystatin_c", "mg/L", "cystatin C", "a cystatin C", 0.9),
    MeasuredFact("c_reactive_protein", "mg/L", "C-reactive protein", "a C-reactive protein", 3.0),
    MeasuredFact("aspartate_aminotransferase", "U/L", "AST", "an AST", 25.0),
    MeasuredFact("faecal_calprotectin", "mg/kg", "faecal calprotectin", "a faecal calprotectin", 50.0),
    MeasuredFact("anti_muellerian_hormone", "pmol/L", "anti-Müllerian hormone", "an AMH", 15.0),
    MeasuredFact("measured_gfr", "mL/min", "measured GFR", "a measured GFR", 90.0),
)
"""In the order in which they are asked for."""

BY_NAME = {fact.name: fact for fact in FACTS}


@dataclass(frozen=True)
class SignFact:
    """Something present or absent, over time. Absence is a fact too: what nobody looked for is neither."""

    words: str
    """What is on record or not: never the sign itself, as "no smoking on record" would read as a no."""
    present: str
    absent: str


SIGNS = {
    "smoker": SignFact("smoking status", "smokes", "does not smoke"),
    "anti_drug_antibodies": SignFact(
        "test for antibodies against the drug", "antibodies found", "no antibodies found"
    ),
}


def known_fact(name: str) -> str:
    """The name itself. Raises ``ValueError`` if no measured fact is called so."""
    if name not in BY_NAME:
        raise ValueError(f"no measured fact is called {name!r}; there are {', '.join(BY_NAME)}")
    return name


def known_sign(name: str) -> str:
    """The name itself. Raises ``ValueError`` if no sign is called so."""
    if name not in SIGNS:
        raise ValueError(f"no sign is called {name!r}; there are {', '.join(SIGNS)}")
    return name


LEVEL = "level"
"""The request for a concentration of the drug."""


def known_request(name: str) -> str:
    """The name of a measured fact, or ``level``. Raises ``ValueError`` for anything else."""
    return name if name == LEVEL else known_fact(name)


def words_of(name: str) -> str:
    """How a fact is called in a sentence; a name without a row is spelt as words."""
    fact = BY_NAME.get(name) or SIGNS.get(name)
    return fact.words if fact else name.replace("_", " ")
