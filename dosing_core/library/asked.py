"""What a drug file asks of the record: facts, and other drugs by name.

Found by walking through the whole file, so that a new section that holds covariates needs no mention here.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from dosing_core.interactions.taken import SMOKING
from dosing_core.library.interaction import Interaction
from dosing_core.library.monitoring import Freshness
from dosing_core.library.rules import MeasuredInput
from dosing_core.library.schema import DrugFile
from dosing_core.population.covariate import Covariate, Limit
from dosing_core.population.model import PopulationModel
from dosing_core.population.quantity import QUANTITIES
from dosing_core.population.unknowns import facts_read

SMOKER = "smoker"


def facts_asked(drug_file: DrugFile) -> frozenset[str]:
    """Facts that any part of the file reads: measured facts, signs, ``age``, ``genotypes`` and the like, and
    the outputs of its models, of which effects may be measured."""
    found: set[str] = set()
    for part in _parts(drug_file):
        match part:
            case Covariate():
                found |= set(facts_read(part))
            case Limit():
                found |= {*QUANTITIES[part.quantity].timelines, *QUANTITIES[part.quantity].facts}
            case Freshness():
                found.add(part.name)
            case MeasuredInput():
                found.add(part.output)
            case Interaction():
                found.add("co_medications")
                found |= {SMOKER} if SMOKING in part.drugs else set()
            case PopulationModel():
                found |= {output.name for output in part.form.outputs}
    return frozenset(found - {""})


def drugs_named(drug_file: DrugFile) -> frozenset[str]:
    """Other drugs that the file names: in its interactions, and where a model asks what else is taken."""
    found: set[str] = set()
    for part in _parts(drug_file):
        if isinstance(part, Interaction | Covariate):
            found |= set(part.drugs)
    return frozenset(found)


def _parts(value: object) -> Iterator[BaseModel]:
    """Every part of a file, itself included, however deep."""
    if isinstance(value, BaseModel):
        yield value
        for name in type(value).model_fields:
            yield from _parts(getattr(value, name))
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _parts(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _parts(one)
