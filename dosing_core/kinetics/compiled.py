"""How every kernel is compiled: without the interpreter's lock, cached on disk, dividing as numpy does.

numba stamps the cache of a kernel by the file that it stands in, not by the files that it calls, so a change
in a called kernel would go unnoticed. Here the stamp covers the file and every file with kernels that it
imports, directly or not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from numba import njit

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_ROOT = Path(__file__).resolve().parents[2]
_IMPORT = re.compile(r"^from (dosing_core\.(?:kinetics|inference)[\w.]*) import \(?([\w, ]*)", re.MULTILINE)
"""Only these two packages hold kernels."""


LICENCE = {"contract", "arcp", "nsz"}
"""What the compiler may do with arithmetic: a product and a sum in one rounding, a division by the
reciprocal, no care for the sign of zero. Not more: NaN and infinity have to be seen, and sums keep their
order."""


def compiled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Compile ``function`` to machine code at its first call (or read it from the cache)."""
    decorated: Any = njit(nogil=True, cache=True, error_model="numpy", fastmath=LICENCE)(function)
    # No public way leads to the stamp of numba's index; a numba that moves it must fail here, aloud.
    index = decorated._cache._cache_file
    if not hasattr(index, "_source_stamp"):
        raise ImportError("this version of numba keeps the stamp of its cache elsewhere")
    index._source_stamp = _stamp(Path(function.__code__.co_filename).resolve())
    return cast("Callable[Arguments, Result]", decorated)


def inlined(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """A small function that is written into every kernel that calls it.

    A call inside a loop keeps the compiler from making vector instructions of the loop.
    """
    decorated: Any = njit(nogil=True, error_model="numpy", inline="always", fastmath=LICENCE)(function)
    return cast("Callable[Arguments, Result]", decorated)


@cache
def _stamp(file: Path) -> str:
    """Digest of the text of the file and of all files that its kernels may call."""
    digest = hashlib.sha256()
    for one in sorted(_reached(file)):
        digest.update(one.read_bytes())
    return digest.hexdigest()


def _reached(file: Path) -> set[Path]:
    """The file, and the files with kernels that it imports, those that they import, and so on."""
    found: set[Path] = set()
    ahead = [file]
    while ahead:
        one = ahead.pop()
        if one not in found:
            found.add(one)
            ahead += _imported(one)
    return found


@cache
def _imported(file: Path) -> list[Path]:
    """Files with kernels that a file's import lines name: modules, or modules taken from a package."""
    files = []
    for module, names in _IMPORT.findall(file.read_text(encoding="utf-8")):
        place = _ROOT.joinpath(*module.split("."))
        candidates = [place.with_suffix(".py"), *(place / f"{name.strip()}.py" for name in names.split(","))]
        files += [candidate for candidate in candidates if candidate.is_file()]
    return files
