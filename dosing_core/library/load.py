"""Reads drug files: strict YAML, checked against the schema, wrong fields named with file and line."""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from dosing_core.errors import InvalidDrugFile, InvalidExpression
from dosing_core.library.document import Document
from dosing_core.library.schema import DrugFile
from dosing_core.population.bounds import check_range
from dosing_core.population.model import PopulationModel
from dosing_core.population.short_forms import Contradiction, spelt_out


def read_drug_file(path: Path) -> DrugFile:
    """Read one drug file from disk. Raises ``InvalidDrugFile`` or ``OSError``."""
    return parse_drug_file(path.read_text(encoding="utf-8"), path.name)


def parse_drug_file(text: str, name: str) -> DrugFile:
    """Check a drug file's text; ``name`` is what errors call the file. Raises ``InvalidDrugFile``."""
    with _no_collection():
        return _drug_file(Document(text, name))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Reading a file makes tens of thousands of small objects and no cycle of them; meanwhile the collector
    would look through all that the process holds, again and again, and find nothing."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def read_models(path: Path) -> tuple[PopulationModel, ...]:
    """The models of a file on disk: a whole drug file, its default model first, or one model by itself.

    Raises ``InvalidDrugFile`` or ``OSError``.
    """
    read = _read_any(path)
    return models_of(read) if isinstance(read, DrugFile) else (read,)


def read_ids(path: Path) -> tuple[str, ...]:
    """Ids of the models, the default first, and of the rules of a file on disk. Raises as ``read_models``."""
    read = _read_any(path)
    if not isinstance(read, DrugFile):
        return (read.id,)
    return (*(model.id for model in models_of(read)), *(rule.id for rule in read.rules))


def _read_any(path: Path) -> DrugFile | PopulationModel:
    """What stands in a file on disk: a drug, or one model by itself."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidDrugFile(path.name, "not text in UTF-8") from error
    document = Document(text, path.name)
    if isinstance(document.content, dict) and {"models", "rules"} & set(document.content):
        return _drug_file(document)
    return _parse(document, PopulationModel)


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
    return _parse(Document(text, name), PopulationModel)


def models_of(drug_file: DrugFile) -> tuple[PopulationModel, ...]:
    """The file's models, the default first."""
    return tuple(sorted(drug_file.models, key=lambda model: model.id != drug_file.default_model))


def _drug_file(document: Document) -> DrugFile:
    drug_file = _parse(document, DrugFile)
    if f"{drug_file.drug}.yaml" != document.name:
        problem = f"says {drug_file.drug!r}, which is not the file's name"
        raise InvalidDrugFile(f"{document.name}: drug", problem)
    return drug_file


_Parsed = TypeVar("_Parsed", bound=BaseModel)


def _parse(document: Document, kind: type[_Parsed]) -> _Parsed:
    try:
        spelt = _spelt_out(document.content, document.name, bare=kind is PopulationModel)
        parsed = kind.model_validate_json(json.dumps(spelt, allow_nan=False))
        for model in (parsed,) if isinstance(parsed, PopulationModel) else getattr(parsed, "models", ()):
            check_range(model)
        return parsed
    except Contradiction as error:
        raise document.refusal(error.path, str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise document.refusal(first["loc"], first["msg"].removeprefix("Value error, ")) from error
    except InvalidExpression as error:
        raise document.refused_expression(error) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidDrugFile(f"{document.name}:1", f"cannot be read: {error}") from error


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
