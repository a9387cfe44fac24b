"""The drug files that this process speaks from: the package's, and a hospital's own laid over them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from cds_hooks.errors import ConfigurationError

_log = logging.getLogger(__name__)


def install_library(directories: Sequence[Path], low_confidence: Sequence[str] = ()) -> None:
    """Make these directories, over the package's files, the library of this process; ``low_confidence``:
    drugs whose models and rules of low confidence may speak.

    A file that does not hold leaves its drug out and is said aloud: half a drug is worse than none. Raises
    ``ConfigurationError`` for a directory that cannot be read, and for a drug that no file is about.
    """
    from dosing_core.library import Library, install

    for directory in directories:
        if not directory.is_dir():
            raise ConfigurationError(f"library {directory}: no such directory")
    try:
        library, wrong = Library(tuple(directories), low_confidence=frozenset(low_confidence)).sound()
    except OSError as error:
        raise ConfigurationError(f"library: {error.filename}: {error.strerror}") from None
    for problem in wrong:
        _log.error("a drug is left out, as its file does not hold: %s", problem)
    for drug in low_confidence:
        if drug not in library.names():
            raise ConfigurationError(f"low confidence of {drug}: the library has no such drug")
        _log.info("%s: models and rules of low confidence may speak", drug)
    for drug in library.names():
        origin = library.origin(drug)
        if origin is not None:
            place = "in place of the package's" if library.overridden(drug) else "a drug of its own"
            _log.info("drug file %s (%s, digest %s)", origin, place, library.digest(drug))
    install(library)
