"""How every kernel is compiled: without the interpreter's lock, cached on disk, dividing as numpy does.

The cache of a kernel is stamped by the source file that it stands in, not by the files that it calls.
So all kernels that call each other stand in one file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def compiled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Compile ``function`` to machine code at its first call (or read it from the cache)."""
    decorated = njit(nogil=True, cache=True, error_model="numpy")(function)
    return cast("Callable[Arguments, Result]", decorated)
