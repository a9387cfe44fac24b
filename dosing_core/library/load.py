"""Reads drug files: strict YAML, checked against the schema, wrong fields named with file and line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from dosing_core.errors import InvalidDrugFile
from dosing_core.library.schema import DrugFile
from dosing_core.population.model import PopulationModel
from dosing_core.population.short_forms import Contradiction, spelt_out

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_drug_file(path: Path) -> DrugFile:
    """Read one drug file from disk. Raises ``InvalidDrugFile`` or ``OSError``."""
    return parse_drug_file(path.read_text(encoding="utf-8"), path.name)


def parse_drug_file(text: str, name: str) -> DrugFile:
    """Check a drug file's text; ``name`` is what errors call the file. Raises ``InvalidDrugFile``."""
    drug_file = _parse(text, name, DrugFile)
    if f"{drug_file.drug}.yaml" != name:
        raise InvalidDrugFile(f"{name}: drug", f"says {drug_file.drug!r}, which is not the file's name")
    return drug_file


def read_models(path: Path) -> tuple[PopulationModel, ...]:
    """The models of a file on disk: a whole drug file, its default model first, or one model by itself.

    Raises ``InvalidDrugFile`` or ``OSError``.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidDrugFile(path.name, "not text in UTF-8") from error
    if "models" in _top_level(text, path.name):
        return models_of(parse_drug_file(text, path.name))
    return (_parse(text, path.name, PopulationModel),)


def models_of(drug_file: DrugFile) -> tuple[PopulationModel, ...]:
    """The file's models, the default first."""
    return tuple(sorted(drug_file.models, key=lambda model: model.id != drug_file.default_model))


_Parsed = TypeVar("_Parsed", bound=BaseModel)


def _parse(text: str, name: str, kind: type[_Parsed]) -> _Parsed:
    root = _composed(text, name)
    try:
        _refuse_repeated_keys(root, name)
        content = yaml.load(text, Loader=_LOADER)  # noqa: S506 - safe
        document = json.dumps(_spelt_out(content), allow_nan=False)
    except Contradiction as error:
        where = ".".join(str(part) for part in error.path)
        raise InvalidDrugFile(f"{name}:{_line(root, error.path)}: {where}", str(error)) from error
    except yaml.YAMLError as error:
        raise InvalidDrugFile(name, " ".join(str(error).split())) from error
    except (TypeError, ValueError) as error:
        raise InvalidDrugFile(
            name, f"only text, numbers, truth values, lists and mappings: {error}"
        ) from error
    try:
        return kind.model_validate_json(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InvalidDrugFile(f"{name}:{_line(root, first['loc'])}: {where}", first["msg"]) from error


def _spelt_out(content: Any) -> Any:
    """The models of a file, or the model that it is, without short forms."""
    if isinstance(content, dict) and isinstance(content.get("models"), list):
        models = [spelt_out(model, ("models", place)) for place, model in enumerate(content["models"])]
        return {**content, "models": models}
    return spelt_out(content)


def _composed(text: str, name: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise InvalidDrugFile(name, " ".join(str(error).split())) from error


def _top_level(text: str, name: str) -> tuple[str, ...]:
    root = _composed(text, name)
    return tuple(str(key.value) for key, _ in root.value) if isinstance(root, yaml.MappingNode) else ()


def _refuse_repeated_keys(node: yaml.Node | None, name: str) -> None:
    """YAML readers keep the last of two equal keys in silence; in a drug file that may be a dose."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise InvalidDrugFile(f"{name}:{key.start_mark.line + 1}: {key.value}", "appears twice")
            seen.add(key.value)
            _refuse_repeated_keys(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeated_keys(item, name)


def _line(node: yaml.Node | None, location: Sequence[int | str]) -> int:
    """The line of a field, or of the innermost field around it that exists."""
    if node is None:
        return 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            below = next((value for key, value in node.value if key.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            below = node.value[part]
        else:
            below = None
        if below is None:
            break
        node = below
    return int(node.start_mark.line) + 1
