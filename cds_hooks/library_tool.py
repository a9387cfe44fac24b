"""``dosewright library``: the drug library as tables and pages for those who review it.

Everything is read from the files by their schema, so a field that is added is shown without a change here.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cds_hooks.errors import ConfigurationError
from cds_hooks.transparency import facts, rule_facts, words

if TYPE_CHECKING:
    from dosing_core.library import Library
    from dosing_core.library.schema import DrugFile
    from dosing_core.population.model import PopulationModel

NOT_SHOWN = ("schema_version", "models", "typical_check")
"""``models`` have pages of their own; ``typical_check`` is for machines."""
WIDTH = 100


def add_library(commands: Any) -> None:
    """Add the subcommand with its own subcommands."""
    parser = commands.add_parser(
        "library",
        help="list, show and check drug files",
        description="The drug library: what is in it, what a file says, whether a file holds.",
    )
    inner = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listed = inner.add_parser(
        "list", help="a table of all drugs", description="One line a drug: models, targets, review."
    )
    _add_directory(listed)
    listed.add_argument(
        "--allow-low-confidence",
        metavar="DRUG",
        action="append",
        default=[],
        help="show the table of a service that lets the drug's models and rules of low confidence speak",
    )
    listed.set_defaults(run=_list)
    show = inner.add_parser(
        "show",
        help="one drug as a page",
        description="All that the library says about a drug, each number with its source, as Markdown.",
    )
    show.add_argument("drug", metavar="DRUG", help="name of the drug, as in `dosewright library list`")
    _add_directory(show)
    show.set_defaults(run=_show)
    check = inner.add_parser(
        "check",
        help="say whether files hold",
        description="Check drug files and model files against the schema. Directories are searched for "
        "*.yaml. Exit status 0: all hold; 1: one does not.",
    )
    check.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="file or directory")
    check.set_defaults(run=_check)
    facts = inner.add_parser(
        "facts",
        help="transparency facts of a model or rule",
        description="What regulators ask predictive decision support to disclose about a model: intended "
        "use, population studied, inputs, performance, limits, updates.",
    )
    facts.add_argument("model", metavar="MODEL", help="id of the model, e.g. vancomycin.goti2018")
    facts.add_argument("--json", action="store_true", help="as JSON, for machines")
    _add_directory(facts)
    facts.set_defaults(run=_facts)


def _add_directory(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--directory",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="a hospital's own drug files, laid over the package's; repeat for several, the last wins",
    )


def _library(options: argparse.Namespace) -> Library:
    from dosing_core.library import Library

    for directory in options.directory:
        if not directory.is_dir():
            raise ConfigurationError(f"--directory {directory}: no such directory")
    allowed = frozenset(getattr(options, "allow_low_confidence", ()))
    return Library(tuple(options.directory), low_confidence=allowed)


def _list(options: argparse.Namespace) -> int:
    library = _library(options)
    rows = [("drug", "models", "rules", "speaks", "confidence", "targets", "review", "file")]
    for drug_file in library.drugs():
        default, rules = drug_file.model, drug_file.rules
        first = rules[-1] if rules and (default is None or drug_file.leading != "models") else default
        targets = ", ".join(
            f"{target.metric} {target.range.low:g}–{target.range.high:g} {target.range.unit}"
            for target in drug_file.targets
        )
        rows.append(
            (
                drug_file.drug,
                str(len(drug_file.models)),
                str(len(rules)),
                first.name if first else "",
                _confidences(drug_file, str(first.confidence) if first else "", library),
                targets,
                drug_file.review.status,
                _place(library, drug_file.drug),
            )
        )
    print(table(rows))
    return 0


def _confidences(drug_file: DrugFile, first: str, library: Library) -> str:
    """The confidence of who speaks, and whether anything of low confidence waits or has been allowed."""
    said = [model.confidence == "low" for model in drug_file.models]
    said += [rule.confidence == "low" for rule in drug_file.rules]
    if not any(said):
        return first
    return f"{first} (low: {'allowed' if drug_file.drug in library.low_confidence else 'off'})"


def _place(library: Library, drug: str) -> str:
    """Where a drug's file is, and whether it took the place of the package's."""
    origin = library.origin(drug)
    if origin is None:
        return "package"
    return f"{origin} (in place of the package's)" if library.overridden(drug) else str(origin)


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows of words in columns; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join(line.rstrip() for line in [lines[0], rule, *lines[1:]])


def _show(options: argparse.Namespace) -> int:
    from dosing_core.errors import UnknownDrug

    library = _library(options)
    try:
        drug_file = library.load(options.drug)
    except UnknownDrug:
        known = ", ".join(library.names())
        print(f"dosewright: the library has no file for {options.drug!r}; it has {known}", file=sys.stderr)
        return 2
    print(page(drug_file, _place(library, drug_file.drug)))
    return 0


def page(drug_file: DrugFile, place: str = "package") -> str:
    """A drug file as Markdown; ``place``: where it is."""
    lines = [f"# {drug_file.display.drug_name} ({drug_file.drug}.yaml, version {drug_file.version})", ""]
    if place != "package":
        lines += [f"> From {place}.", ""]
    if drug_file.review.status == "transcribed":
        lines += ["> Transcribed, not reviewed: nobody but its author has checked this file.", ""]
    content = drug_file.model_dump(mode="json", exclude_none=True)
    for name, value in content.items():
        if name not in (*NOT_SHOWN, "drug", "version") and value not in ((), [], {}, ""):
            lines += [f"## {words(name)}", "", _one_line(value) or "\n".join(_outline(value)), ""]
    for model in drug_file.models:
        lines += _model_page(model, model.id == drug_file.default_model)
    return "\n".join(lines).rstrip()


def _model_page(model: PopulationModel, default: bool) -> Iterator[str]:
    yield f"## Model {model.id}{' (default)' if default else ''}"
    yield ""
    content = model.model_dump(mode="json", exclude_none=True)
    yield from _outline({name: value for name, value in content.items() if name not in NOT_SHOWN and value})
    yield ""


def _outline(value: Any, indent: int = 0) -> Iterator[str]:
    """Nested bullet points; a number with unit and source becomes one line."""
    margin = "  " * indent
    if isinstance(value, Mapping):
        for name, part in value.items():
            if part in ((), [], {}, "", None):
                continue
            if line := _one_line(part):
                yield f"{margin}- {words(str(name))}: {line}"
            else:
                yield f"{margin}- {words(str(name))}:"
                yield from _outline(part, indent + 1)
    elif isinstance(value, list | tuple):
        for part in value:
            if line := _one_line(part):
                yield f"{margin}- {line}"
            else:
                rest = list(_outline(part, indent + 1))
                if rest:
                    yield f"{margin}- {rest[0].strip().removeprefix('- ')}"
                    yield from rest[1:]
    else:
        yield f"{margin}- {value}"


def _one_line(value: Any) -> str:
    """A plain value, a number or range with its source, or a short list; empty if it needs lines of its
    own."""
    if isinstance(value, Mapping):
        if not {"unit", "source", "confidence"} <= set(value):
            return ""
        amount = f"{value['value']:g}" if "value" in value else f"{value['low']:g} to {value['high']:g}"
        unit = "" if value["unit"] in ("1", "-") else f" {value['unit']}"
        return f"{amount}{unit} ({value['confidence']}: {value['source'].removeprefix('project policy: ')})"
    if isinstance(value, list | tuple):
        plain = all(isinstance(part, str | int | float) for part in value)
        joined = ", ".join(map(_plain, value))
        return joined if plain and len(joined) <= WIDTH else ""
    return _plain(value)


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else " ".join(str(value).split())


def _check(options: argparse.Namespace) -> int:
    from dosing_core.errors import InvalidDrugFile
    from dosing_core.library.load import read_ids

    failed = 0
    files = list(_files(options.paths))
    for path in files:
        try:
            ids = read_ids(path)
        except InvalidDrugFile as error:
            failed += 1
            print(f"{path.parent}/{error}" if str(path.parent) != "." else str(error))
        except OSError as error:
            failed += 1
            print(f"{path}: {error.strerror}")
        else:
            print(f"{path}: holds ({', '.join(ids)})")
    if not files:
        print("dosewright: no *.yaml file there", file=sys.stderr)
        return 2
    print(f"{len(files) - failed} of {len(files)} files hold")
    return 1 if failed else 0


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(path.rglob("*.yaml"))
        else:
            yield path


def _facts(options: argparse.Namespace) -> int:
    library = _library(options)
    for drug_file in library.drugs():
        for model in drug_file.models:
            if model.id == options.model:
                known = facts(drug_file, model)
                print(json.dumps(known, indent=2, ensure_ascii=False) if options.json else _facts_page(known))
                return 0
        for rule in drug_file.rules:
            if rule.id == options.model:
                known = rule_facts(drug_file, rule)
                print(json.dumps(known, indent=2, ensure_ascii=False) if options.json else _facts_page(known))
                return 0
    ids = [model.id for drug_file in library.drugs() for model in drug_file.models]
    ids += [rule.id for drug_file in library.drugs() for rule in drug_file.rules]
    known_ids = ", ".join(ids)
    print(f"dosewright: no model or rule is called {options.model!r}; there are {known_ids}", file=sys.stderr)
    return 2


def _facts_page(known: Mapping[str, Any]) -> str:
    lines = [f"# {known['name']} ({known.get('model') or known['rule']})", ""]
    lines += _outline({name: value for name, value in known.items() if name not in ("name", "model", "rule")})
    return "\n".join(lines)
