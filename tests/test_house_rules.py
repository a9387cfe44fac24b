"""Rules of the house that no single package can hold for itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from importlinter.cli import lint_imports

ROOT = Path(__file__).parent.parent
NOT_OURS = {".git", ".venv", ".hypothesis", "__pycache__", "node_modules", "build", "dist"}
MACHINE_PATH = re.compile(r"(?<![\w.~:/-])/(?:home|root|work|Users|var/folders)/[\w.]")


def _files() -> Iterator[Path]:
    for top in sorted(ROOT.iterdir()):
        if top.name in NOT_OURS or top.name.endswith(("_cache", ".egg-info")):
            continue
        yield from [top] if top.is_file() else (path for path in sorted(top.rglob("*")) if path.is_file())


def _text(path: Path) -> str:
    """The file's text; nothing for a binary or installed file."""
    if NOT_OURS.intersection(path.relative_to(ROOT).parts):
        return ""
    data = path.read_bytes()
    return "" if b"\0" in data[:8192] else data.decode(errors="replace")


def test_imports_run_one_way() -> None:
    """``cds_hooks`` may import ``fhir_adapters`` may import ``dosing_core``, never backwards."""
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml")) == 0


def test_no_file_names_a_path_of_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in _files()
        for match in MACHINE_PATH.finditer(_text(path))
    ]

    assert found == []


def test_the_search_would_find_one() -> None:
    assert MACHINE_PATH.search('open("' + "/home" + '/ada/notes.txt")')
    assert not MACHINE_PATH.search("https://example.org" + "/home" + "/page")
