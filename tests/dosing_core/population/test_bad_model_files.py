"""Whatever is done to a model file, it loads or is refused by a typed error that names file and line."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dosing_core.errors import InvalidDrugFile
from dosing_core.library import parse_model
from dosing_core.library.load import parse_drug_file

ROOT = Path(__file__).parents[3]
EXAMPLES = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "models.md").read_text(encoding="utf-8"), re.S)
LIBRARY = (ROOT / "dosing_core" / "library" / "tacrolimus.yaml").read_text(encoding="utf-8")
JUNK: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1e308,
    -1e-320,
    10**400,
    float("nan"),
    float("inf"),
    "",
    "x",
    "CL",
    "1/0",
    "exp(1e9)",
    "(" * 500,
    "__import__('os')",
    [],
    {},
    [[]],
    [1, "a", None],
    {"a": {"b": [1]}},
    {"form": "box_cox"},
    "t",
    "dose",
    "clock",
    2**63,
    "\u0000",
    "ÅÄÖ",
)


def _places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a document below its root."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [place for key, below in children for place in ((*path, key), *_places(below, (*path, key)))]


def _mutated(document: Any, chance: random.Random) -> Any:
    """A copy in which one place was replaced by junk, removed, renamed, doubled or exchanged for another."""
    copy = json.loads(json.dumps(document))
    places = _places(copy)
    *path, last = chance.choice(places)
    node = copy
    for step in path:
        node = node[step]
    match chance.randrange(5):
        case 0:
            node[last] = chance.choice(JUNK)
        case 1:
            del node[last]
        case 2 if isinstance(node, dict):
            node[chance.choice(("x", "CL", "V1", "t", "exp", "", "9", "residual"))] = node.pop(last)
        case 3 if isinstance(node, list):
            node.append(node[last])
        case _:
            other = copy
            for step in chance.choice(places):
                try:
                    other = other[step]
                except (KeyError, IndexError, TypeError):
                    break
            node[last] = json.loads(json.dumps(other))
    return copy


def _holds_or_is_refused(text: str, name: str = "bad.yaml") -> bool:
    """True if the file loads. A refusal must name file and line; any other exception fails the test."""
    said = ""
    try:
        parse_drug_file(text, name) if name != "bad.yaml" else parse_model(text, name)
    except InvalidDrugFile as error:
        said = str(error)
    assert not said or re.match(rf"{re.escape(name)}:\d+: ", said), said
    return not said


@pytest.mark.parametrize("seed", range(8))
def test_a_mutated_document_is_refused_by_name_and_line(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    refused = 0
    for _ in range(60):
        document = yaml.safe_load(chance.choice(EXAMPLES))
        for _ in range(chance.randrange(1, 4)):
            document = _mutated(document, chance)
            if not _places(document):
                break
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        refused += not _holds_or_is_refused(text)

    assert refused > 15  # the mutations do hurt


@pytest.mark.parametrize("seed", range(4))
def test_a_mutated_text_is_refused_by_name_and_line(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    for _ in range(60):
        lines = chance.choice(EXAMPLES).splitlines()
        at = chance.randrange(len(lines))
        match chance.randrange(4):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[at])
            case 2:
                cut = chance.randrange(len(lines[at]) + 1)
                lines[at] = (
                    lines[at][:cut] + chance.choice(":{}[]-*&!'\"#|>%@`\t\u2028\x07") + lines[at][cut:]
                )
            case _:
                lines[at] = " " * chance.randrange(5) + lines[at].lstrip()
        _holds_or_is_refused("\n".join(lines))


@pytest.mark.parametrize("seed", range(3))
def test_a_mutated_drug_file_is_refused_by_name_and_line(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    document = yaml.safe_load(LIBRARY)
    for _ in range(8):
        text = yaml.safe_dump(_mutated(document, chance), sort_keys=False, allow_unicode=True)
        _holds_or_is_refused(text, "tacrolimus.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "- a",
        "a: &x [*x]",
        "a: &x [1]\nb: [*x, *x]",
        "[" * 5000,
        "a: !!python/object:os.system x",
        "theta: {CL: 2026-01-01}",
        "? [a]\n: 1",
        "structure: {compartments: 1, routes: [iv]}\nstructure: 1",
        "%YAML 9.9\n---\na: 1",
        "a: 1\n---\nb: 2",
        "theta: {1: 2}",
    ],
)
def test_what_is_no_model_file_is_refused(text: str) -> None:
    assert not _holds_or_is_refused(text)
