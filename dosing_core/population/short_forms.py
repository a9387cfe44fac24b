"""Short forms that a model file may use, spelt out before the model is checked.

- ``theta: {thCL: 5.0}``: a number is a value without a unit.
- ``iiv: {CL: 0.09}``: a number is ``omega_variance``, NONMEM's $OMEGA; of ``reported_value`` with
  ``reported_as`` and ``omega_variance`` one is enough. ``iov`` likewise.
- ``residual: {additive_variance: 1, proportional_variance: 0.04}``: NONMEM's $SIGMA, in place of standard
  deviations; ``form`` may be left out where the numbers allow only one.
- ``equations: {CL: "thCL*WT/70"}``: a mapping, in order, in place of a list of pairs.

What is not a short form is left as it is, for the schema to judge.
"""

from __future__ import annotations

import math
from typing import Any

from dosing_core.population.variability import variance_of

_SIGMA = {
    "additive_variance": "additive_sd",
    "proportional_variance": "proportional_sd",
    "log_variance": "log_sd",
}
_FORM_OF = {
    frozenset({"additive_sd"}): "additive",
    frozenset({"proportional_sd"}): "proportional",
    frozenset({"additive_sd", "proportional_sd"}): "additive+proportional",
    frozenset({"log_sd"}): "log_normal",
}


Path = tuple[str | int, ...]


class Contradiction(ValueError):
    """A short form contradicts itself; ``path`` is its place in the document."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(problem)
        self.path = path


def spelt_out(document: Any, path: Path = ()) -> Any:
    """A model's document with its short forms spelt out; the document itself is left alone.

    ``path`` is the model's place in its file. Raises ``Contradiction``.
    """
    if not isinstance(document, dict):
        return document
    full = dict(document)
    expansions = {
        "theta": _theta,
        "iiv": _variability,
        "iov": _variability,
        "assays": _residual,
        "residuals": _residual,
    }
    for name, expand in expansions.items():
        if isinstance(full.get(name), dict):
            full[name] = {key: expand(value, (*path, name, key)) for key, value in full[name].items()}
    if isinstance(full.get("residual"), dict):
        full["residual"] = _residual(full["residual"], (*path, "residual"))
    if isinstance(full.get("equations"), dict):
        full["equations"] = [[name, _text(value)] for name, value in full["equations"].items()]
    return full


def is_number(value: Any) -> bool:
    """True for an int or float that is no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> Any:
    """A constant is an expression too."""
    return repr(float(value)) if is_number(value) else value


def _theta(value: Any, path: Path) -> Any:
    return {"value": value, "unit": ""} if is_number(value) else value


def _variability(value: Any, path: Path) -> Any:
    if is_number(value):
        value = {"omega_variance": value}
    if not isinstance(value, dict):
        return value
    full = dict(value)
    if "reported_as" not in full and "reported_value" not in full and "omega_variance" in full:
        full |= {"reported_as": "omega_variance", "reported_value": full["omega_variance"]}
    elif "omega_variance" not in full and is_number(full.get("reported_value")):
        try:
            variance = variance_of(full.get("reported_as"), float(full["reported_value"]))
        except OverflowError:
            raise Contradiction((*path, "reported_value"), "too large") from None
        if variance is not None and math.isfinite(variance):
            full["omega_variance"] = variance
    return full


def _residual(value: Any, path: Path) -> Any:
    if not isinstance(value, dict):
        return value
    full = dict(value)
    for variance, deviation in _SIGMA.items():
        if variance not in full:
            continue
        if deviation in full:
            raise Contradiction((*path, variance), f"{variance} and {deviation} are both given")
        if not is_number(full[variance]) or full[variance] < 0:
            raise Contradiction((*path, variance), f"{variance} is not a number from 0 up")
        full[deviation] = math.sqrt(full.pop(variance))
    if "form" not in full:
        given = frozenset(
            name for name in ("additive_sd", "proportional_sd", "log_sd", "power") if name in full
        )
        if given in _FORM_OF:
            full["form"] = _FORM_OF[given]
    return full
