"""Warming up leaves nothing to compile."""

from __future__ import annotations

import subprocess
import sys

from scenario import FIXTURES

KINDS_OF_ARGUMENTS = """
import sys
from pathlib import Path

from dosing_core import recommend
from dosing_core.case import Case
from dosing_core.warm import warm


def kinds():
    packages = ("dosing_core.kinetics", "dosing_core.inference")
    modules = [module for name, module in sys.modules.items() if name.startswith(packages)]
    return {
        f"{one.py_func.__module__}.{name}": len(one.signatures)
        for module in modules
        for name, one in vars(module).items()
        if hasattr(one, "signatures") and hasattr(one, "py_func")
    }


warm()
before = kinds()
for path in sorted(Path(sys.argv[1]).glob("*.json")):
    recommend(Case.from_bytes(path.read_bytes()))
print(len(before), [name for name, count in kinds().items() if count != before.get(name, 0)])
"""


def test_an_answer_after_warming_up_compiles_nothing() -> None:
    """A second kind of arguments would be compiled at the first order, seconds late. In a process of its own:
    other tests call kernels in ways of their own."""
    run = subprocess.run(
        [sys.executable, "-c", KINDS_OF_ARGUMENTS, str(FIXTURES / "cases")],
        capture_output=True,
        text=True,
        check=True,
    )

    kernels, compiled_late = run.stdout.split(maxsplit=1)
    assert int(kernels) > 30
    assert compiled_late.strip() == "[]"
