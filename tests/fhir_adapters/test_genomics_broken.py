"""Genetic results and reactions with anything in any place: a finding or nothing, never a failure."""

from __future__ import annotations

import copy
import json
import logging
import random
from pathlib import Path
from typing import Any

import pytest

from dosing_core.case import Subject
from dosing_core.genetics.known import known_genes
from fhir_adapters.allergies import read_reactions
from fhir_adapters.genomics import read_genes

FILES = sorted((Path(__file__).parents[2] / "fixtures" / "genomics").glob("*.json"))
ODD: tuple[Any, ...] = (
    None, True, 0, -1.5, 1e300, "", " ", "*", "/", "*1/*1", "HLA-B*57:01", "\u0000", [], {}, [None],
    {"a": []}, {"coding": "x"}, {"coding": [None, 3]}, {"text": 5}, "CYP2D6*1/*4" * 50, "+",
    "hla#1#", "(" * 40, "x2",
)  # fmt: skip


def _places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(place for key, one in inner for place in _places(one, (*way, key)))]


def _broken(resource: Any, chance: random.Random) -> Any:
    """A copy with odd values in a few places."""
    made = copy.deepcopy(resource)
    for _ in range(chance.randint(1, 4)):
        way = chance.choice(_places(made)[1:])
        target = made
        for step in way[:-1]:
            target = target[step]
        target[way[-1]] = copy.deepcopy(chance.choice(ODD))
    return made


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_in_a_result_breaks_its_reader(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    chance = random.Random(path.stem)  # noqa: S311 - to break things again the same way
    whole = json.loads(path.read_bytes())
    with caplog.at_level(logging.WARNING):
        for _ in range(40):
            genes = read_genes([_broken(whole, chance)], patient_id="CGPatientExample01")
            subject = Subject(genotypes=genes.genotypes, phenotypes=genes.phenotypes)
            assert known_genes(subject).findings == ()  # what was read holds in the core
    assert not caplog.records


def test_nothing_in_an_allergy_breaks_its_reader() -> None:
    chance = random.Random(1)  # noqa: S311 - as above
    whole = {
        "resourceType": "AllergyIntolerance",
        "id": "a",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"coding": [{"system": "x", "code": "y", "display": "vancomycin"}], "text": "vancomycin"},
        "criticality": "high",
        "patient": {"reference": "Patient/p"},
        "reaction": [{"manifestation": [{"text": "rash"}], "severity": "mild", "substance": {"text": "x"}}],
    }
    for _ in range(400):
        reactions, _ = read_reactions([_broken(whole, chance)], patient_id="p", drug="vancomycin")
        assert all(one.drug == "vancomycin" for one in reactions)
