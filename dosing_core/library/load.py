"""Reads drug files: strict YAML, checked against the schema, wrong fields named with file and line."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from yaml.constructor import SafeConstructor

from dosing_core.errors import InvalidDrugFile, InvalidExpression
from dosing_core.library.schema import DrugFile
from dosing_core.population.bounds import check_range
from dosing_core.population.model import STRUCTURE_KINDS, PopulationModel
from dosing_core.population.short_forms import Contradiction, spelt_out

LARGEST = 10**18
"""Project policy: no whole number of a drug file is beyond; larger ones overflow what reads them."""
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
    if _is_drug_file(text, path.name):
        return models_of(parse_drug_file(text, path.name))
    return (parse_model(text, path.name),)


def read_ids(path: Path) -> tuple[str, ...]:
    """Ids of the models, the default first, and of the rules of a file on disk. Raises as ``read_models``."""
    models = tuple(model.id for model in read_models(path))
    text = path.read_text(encoding="utf-8")
    if not _is_drug_file(text, path.name):
        return models
    return (*models, *(rule.id for rule in parse_drug_file(text, path.name).rules))


def _is_drug_file(text: str, name: str) -> bool:
    """True if it is no model by itself."""
    return bool({"models", "rules"} & set(_top_level(text, name)))


def load_model(source: Path | str) -> PopulationModel:
    """One model: of the file at a path (of a drug file its default), or of a YAML text with at least one line
    break. Raises ``InvalidDrugFile`` or ``OSError``."""
    if isinstance(source, str) and "\n" in source:
        return parse_model(source, "model.yaml")
    models = read_models(Path(source))
    if not models:
        raise InvalidDrugFile(Path(source).name, "holds rules and no model")
    return models[0]


def parse_model(text: str, name: str) -> PopulationModel:
    """Check one model's text; ``name`` is what errors call the file. Raises ``InvalidDrugFile``.

    A model by itself may leave out who made it and what it was checked against: ``reviewed`` is then False.
    Without ``id`` and ``name`` it is called by its file.
    """
    return _parse(text, name, PopulationModel)


def models_of(drug_file: DrugFile) -> tuple[PopulationModel, ...]:
    """The file's models, the default first."""
    return tuple(sorted(drug_file.models, key=lambda model: model.id != drug_file.default_model))


_Parsed = TypeVar("_Parsed", bound=BaseModel)


def _parse(text: str, name: str, kind: type[_Parsed]) -> _Parsed:
    root = _composed(text, name)
    try:
        _refuse_repeated_keys(root, name)
        content = SafeConstructor().construct_document(root) if root is not None else None
        _refuse_what_is_no_data(content, ())
        document = json.dumps(_spelt_out(content, name, bare=kind is PopulationModel), allow_nan=False)
    except Contradiction as error:
        raise _at(root, name, error.path, str(error)) from error
    except yaml.YAMLError as error:
        raise _no_yaml(error, name) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidDrugFile(f"{name}:1", f"cannot be read: {error}") from error
    try:
        parsed = kind.model_validate_json(document)
        for model in (parsed,) if isinstance(parsed, PopulationModel) else getattr(parsed, "models", ()):
            check_range(model)
        return parsed
    except ValidationError as error:
        first = error.errors()[0]
        raise _at(root, name, first["loc"], first["msg"].removeprefix("Value error, ")) from error
    except InvalidExpression as error:
        raise _at_expression(root, name, error) from error


def _refuse_what_is_no_data(content: Any, path: tuple[str | int, ...]) -> None:
    """Dates, bytes, sets, keys that are no text, numbers that are not finite. Raises ``Contradiction``."""
    if isinstance(content, dict):
        for key, value in content.items():
            if not isinstance(key, str):
                raise Contradiction(path, f"the key {key!r} is not text: put it in quotation marks")
            _refuse_what_is_no_data(value, (*path, key))
    elif isinstance(content, list):
        for place, value in enumerate(content):
            _refuse_what_is_no_data(value, (*path, place))
    elif isinstance(content, float) and not math.isfinite(content):
        raise Contradiction(path, f"{content} is not a finite number")
    elif isinstance(content, int) and abs(content) > LARGEST:
        raise Contradiction(path, "a number too large to count")
    elif not isinstance(content, str | int | float | None):
        kind = type(content).__name__
        raise Contradiction(path, f"only text, numbers, truth values, lists and mappings, not {kind}")


def _spelt_out(content: Any, name: str, *, bare: bool) -> Any:
    """The models of a file, or the model that it is, without short forms."""
    if not isinstance(content, dict):
        return content
    if bare:
        stem = re.sub(r"[^a-z0-9_]+", "_", Path(name).stem.lower()).strip("_") or "model"
        return spelt_out({"id": f"model.{stem}", "name": Path(name).stem, **content})
    if isinstance(content.get("models"), list):
        models = [spelt_out(model, ("models", place)) for place, model in enumerate(content["models"])]
        return {**content, "models": models}
    return content


def _at(root: yaml.Node | None, name: str, location: Sequence[int | str], problem: str) -> InvalidDrugFile:
    """The error of a place in the file; of a nearer one if the problem begins with it (``iiv.ka: ...``)."""
    said, _, rest = problem.partition(": ")
    nearer = tuple(int(part) if part.isdigit() else part for part in said.split("."))
    node, found = _walk(root, location)
    inner, more = _walk(node, nearer)
    if rest and more:
        line, where, problem = _line_of(inner), ".".join(map(str, (*found, *nearer))), rest
    else:
        missing = [str(part) for part in location[-1:] if part not in (*found, *STRUCTURE_KINDS)]
        line, where = _line_of(node), ".".join([*map(str, found), *missing]) or "the file"
    return InvalidDrugFile(f"{name}:{line}: {where}", problem)


def _at_expression(root: yaml.Node | None, name: str, error: InvalidExpression) -> InvalidExpression:
    """The same error with file and line. Its place reads ``drug.model equations.CL``."""
    model, _, place = error.where.partition(" ")
    node = root
    if isinstance(models := _below(root, "models"), yaml.SequenceNode):
        node = next(
            (one for one in models.value if getattr(_below(one, "id"), "value", None) == model), models
        )
    parts = [int(part) if part.isdigit() else part for part in place.split(".")]
    inner, _ = _walk(node, parts)
    return InvalidExpression(f"{name}:{_line_of(inner)}: {error.where}", error.problem)


def _composed(text: str, name: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=_LOADER)
    except (yaml.YAMLError, RecursionError) as error:
        raise _no_yaml(error, name) from error


def _no_yaml(error: Exception, name: str) -> InvalidDrugFile:
    """What the reader of YAML could not read, with its line."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = [getattr(error, part, None) or "" for part in ("context", "problem")]
    problem = " ".join((" ".join(said) if any(said) else str(error)).split())
    return InvalidDrugFile(f"{name}:{1 if mark is None else mark.line + 1}", f"no YAML: {problem}")


def _top_level(text: str, name: str) -> tuple[str, ...]:
    root = _composed(text, name)
    return tuple(str(key.value) for key, _ in root.value) if isinstance(root, yaml.MappingNode) else ()


def _refuse_repeated_keys(node: yaml.Node | None, name: str, met: set[int] | None = None) -> None:
    """YAML readers keep the last of two equal keys in silence; in a drug file that may be a dose.

    Aliases are refused too: a few of them can stand for a file without end.
    """
    met = set() if met is None else met
    if node is not None and id(node) in met:
        raise InvalidDrugFile(f"{name}:{node.start_mark.line + 1}", "used again by an alias; write it out")
    met.add(id(node))
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise InvalidDrugFile(f"{name}:{key.start_mark.line + 1}: {key.value}", "appears twice")
            seen.add(key.value)
            _refuse_repeated_keys(value, name, met)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeated_keys(item, name, met)


def _below(node: yaml.Node | None, part: int | str) -> yaml.Node | None:
    """What stands under a key, a place in a list, or, in a list of pairs or of named things, a name."""
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(part)), None)
    if isinstance(node, yaml.SequenceNode):
        if isinstance(part, int):
            return node.value[part] if part < len(node.value) else None
        for item in node.value:
            first = (
                item.value[0] if isinstance(item, yaml.SequenceNode) and item.value else _below(item, "name")
            )
            if (
                isinstance(item, yaml.SequenceNode | yaml.MappingNode)
                and getattr(first, "value", None) == part
            ):
                return item
    return None


def _walk(node: yaml.Node | None, location: Sequence[int | str]) -> tuple[yaml.Node | None, list[int | str]]:
    """The innermost node of a place that exists, and the parts that led there.

    What the schema adds to a place (which kind of a structure was read) is not in the file."""
    found: list[int | str] = []
    for part in location:
        below = _below(node, part)
        if below is not None:
            node = below
            found.append(part)
    return node, found


def _line_of(node: yaml.Node | None) -> int:
    return 1 if node is None else int(node.start_mark.line) + 1
