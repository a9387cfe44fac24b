"""How every kernel is compiled: without the interpreter's lock, cached on disk, dividing as numpy does.

numba stamps the cache of a kernel by the file that it stands in, not by the files that it calls, so a change
in a called kernel would go unnoticed. Here the stamp covers every file of the packages that hold kernels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from numba import njit

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_CORE = Path(__file__).resolve().parents[1]
_WITH_KERNELS = ("kinetics", "inference")


def compiled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Compile ``function`` to machine code at its first call (or read it from the cache)."""
    decorated: Any = njit(nogil=True, cache=True, error_model="numpy")(function)
    # No public way leads to the stamp of numba's index; a numba that moves it must fail here, aloud.
    index = decorated._cache._cache_file
    if not hasattr(index, "_source_stamp"):
        raise ImportError("this version of numba keeps the stamp of its cache elsewhere")
    index._source_stamp = _stamp()
    return cast("Callable[Arguments, Result]", decorated)


@cache
def _stamp() -> str:
    """Digest of the text of all files that a kernel may call."""
    digest = hashlib.sha256()
    for package in _WITH_KERNELS:
        for file in sorted((_CORE / package).glob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()
