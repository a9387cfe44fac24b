"""The dosing core: one question in, one answer out, nothing else touched.

``recommend(case)`` takes a :class:`~dosing_core.case.Case` and returns a
:class:`~dosing_core.recommendation.Recommendation`. It reads no clock, no network and no patient
file, and the same case gives the same bytes on every run. It stands in ``answer.py``: a module of its own
name would take its place here as soon as anyone imported it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dosing_core.answer import recommend as recommend

__all__ = ["recommend"]


def __getattr__(name: str) -> object:
    """Import ``recommend`` when it is first asked for: whoever only reads a ``Case`` waits for no kernel."""
    if name == "recommend":
        from dosing_core.answer import recommend

        return recommend
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
