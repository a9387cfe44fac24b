"""``Library``: the package's drug files, and those that a hospital lays over them.

A hospital's directory holds files of the same form. One of a drug that the package knows takes the package's
place as a whole; nothing is merged, so that what a pharmacist reviews is what is used. ``overridden`` and
``origin`` say so, and the digest in every answer differs.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from dosing_core.errors import InvalidDrugFile, UnknownDrug
from dosing_core.library.asked import drugs_named, facts_asked
from dosing_core.library.load import parse_drug_file
from dosing_core.library.schema import DrugFile

_SUFFIX = ".yaml"


@dataclass(frozen=True)
class Library:
    """Where drug files are looked for: the last directory first, the package's own files last.

    Files are read once a process and kept; a changed file needs a new start.
    """

    directories: tuple[Path, ...] = ()
    without: frozenset[str] = frozenset()
    """Drugs that are left out because their file does not hold; see ``sound``."""
    low_confidence: frozenset[str] = frozenset()
    """Drugs whose models and rules of low confidence may speak here: a hospital's explicit choice."""

    def sound(self) -> tuple[Library, tuple[InvalidDrugFile, ...]]:
        """The library without the files that do not hold, and what is wrong with each.

        Half a drug is worse than none, and the package's file must not stand in for a hospital's that was
        meant to replace it. Raises ``OSError`` for a directory or file that cannot be read.
        """
        wrong = []
        without = set(self.without)
        for drug in self.names():
            try:
                self.load(drug)
            except InvalidDrugFile as error:
                wrong.append(error)
                without.add(drug)
        return replace(self, without=frozenset(without)), tuple(wrong)

    def names(self) -> tuple[str, ...]:
        """The drugs that have a file, in order. Raises ``OSError`` for a directory that cannot be read."""
        return _names(self)

    def load(self, drug: str) -> DrugFile:
        """The drug's file.

        Raises ``UnknownDrug`` if there is none and ``InvalidDrugFile`` if it does not hold.
        """
        return _load(self, drug)

    def asks(self, drug: str) -> frozenset[str]:
        """The facts that the drug's file reads (see ``facts_asked``). Raises as ``load`` does."""
        return _asks(self, drug)

    def names_in(self, drug: str) -> frozenset[str]:
        """Other drugs that the drug's file names (see ``drugs_named``). Raises as ``load`` does."""
        return _names_in(self, drug)

    def drugs(self) -> tuple[DrugFile, ...]:
        """All drug files, in order of their names. Raises as ``load`` does."""
        return tuple(self.load(name) for name in self.names())

    def digest(self, drug: str) -> str:
        """First 12 hex digits of the SHA-256 of the drug's file: two answers with one digest read one
        file."""
        return hashlib.sha256(_text(self, drug).encode()).hexdigest()[:12]

    def origin(self, drug: str) -> Path | None:
        """The file on disk that speaks for the drug; None: the package's own. Raises ``UnknownDrug``."""
        if drug not in self.names():
            raise UnknownDrug(drug)
        found = (directory / f"{drug}{_SUFFIX}" for directory in reversed(self.directories))
        return next((path for path in found if path.is_file()), None)

    def overridden(self, drug: str) -> bool:
        """True if a hospital's file has taken the place of one of the package's."""
        return self.origin(drug) is not None and drug in _own_names()


PACKAGE = Library()
"""The package's own files alone."""


@lru_cache(maxsize=1)
def _own_names() -> tuple[str, ...]:
    names = (entry.name for entry in files("dosing_core.library").iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)))


@lru_cache(maxsize=64)
def _names(library: Library) -> tuple[str, ...]:
    laid_over = {path.stem for directory in library.directories for path in directory.glob(f"*{_SUFFIX}")}
    return tuple(sorted({*_own_names(), *laid_over} - library.without))


@lru_cache(maxsize=512)
def _text(library: Library, drug: str) -> str:
    path = library.origin(drug)
    if path is not None:
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise InvalidDrugFile(path.name, "not text in UTF-8") from error
    return files("dosing_core.library").joinpath(f"{drug}{_SUFFIX}").read_text(encoding="utf-8")


@lru_cache(maxsize=512)
def _load(library: Library, drug: str) -> DrugFile:
    if drug in library.without:
        raise UnknownDrug(drug)
    return parse_drug_file(_text(library, drug), f"{drug}{_SUFFIX}")


@lru_cache(maxsize=512)
def _asks(library: Library, drug: str) -> frozenset[str]:
    return facts_asked(library.load(drug))


@lru_cache(maxsize=512)
def _names_in(library: Library, drug: str) -> frozenset[str]:
    return drugs_named(library.load(drug))
