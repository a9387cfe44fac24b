"""The drug library: one reviewed file a drug, loaded and checked."""

from dosing_core.library.load import load_model, models_of, parse_model, read_drug_file, read_models
from dosing_core.library.schema import DrugFile
from dosing_core.library.shelves import PACKAGE, Library

_installed = [PACKAGE]


def install(library: Library) -> None:
    """Make ``library`` the one of this process, before the first question is asked.

    A process has one library from start to end, like its version: an answer names the digest of the file that
    it read. Without a call it is the package's own."""
    _installed[0] = library


def installed() -> Library:
    """The library of this process."""
    return _installed[0]


def load_drug(drug: str) -> DrugFile:
    """A file of this process's library. Raises as ``Library.load``."""
    return installed().load(drug)


def asks(drug: str) -> frozenset[str]:
    """The facts that a file of this process's library reads. Raises as ``Library.load``."""
    return installed().asks(drug)


def names_in(drug: str) -> frozenset[str]:
    """Other drugs that a file of this process's library names. Raises as ``Library.load``."""
    return installed().names_in(drug)


def drugs() -> tuple[DrugFile, ...]:
    """All files of this process's library."""
    return installed().drugs()


def digest(drug: str) -> str:
    """Digest of a file of this process's library."""
    return installed().digest(drug)


__all__ = [
    "PACKAGE",
    "DrugFile",
    "Library",
    "asks",
    "digest",
    "drugs",
    "install",
    "installed",
    "load_drug",
    "load_model",
    "models_of",
    "names_in",
    "parse_model",
    "read_drug_file",
    "read_models",
]
