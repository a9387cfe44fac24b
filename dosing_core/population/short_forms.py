"""Short forms that a model file may use, spelt out before the model is checked.

- ``theta: {thCL: 5.0}``: a number is a value without a unit.
- ``iiv: {CL: 0.09}``: a number is ``omega_variance``, NONMEM's $OMEGA; of ``reported_value`` with
  ``reported_as`` and ``omega_variance`` one is enough. ``iov`` likewise.
- ``residual: {additive_variance: 1, proportional_variance: 0.04}``: NONMEM's $SIGMA, in place of standard
  deviations; ``form`` may be left out where the numbers allow only one.
- ``equations: {CL: "thCL*WT/70"}``: a mapping, in order, in place of a list of pairs. ``odes`` and
  ``outputs`` of a written structure likewise; an output that is a text is its value.
- ``structure`` without ``parameters``: each parameter has the equation, theta or covariate of its own name.
  ``parameters: [CL, V]``: these, by their own names. A written structure's ``parameters`` may name only those
  that are called otherwise.
- ``omega_blocks: [{of: [CL, V1], lower: [0.09, 0.03, 0.04]}]``: NONMEM's $OMEGA BLOCK, row by row; spelt out
  as ``iiv`` and ``covariances``.

What is not a short form is left as it is, for the schema to judge.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from dosing_core.population.families import StructuralOptions
from dosing_core.population.form import names_of
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
    if isinstance(full.get("subpopulations"), list):
        full["subpopulations"] = [_subpopulation(kind, path) for kind in full["subpopulations"]]
    _blocks(full, path)
    if isinstance(full.get("structure"), dict):
        full["structure"] = _structure(full["structure"], full)
    return full


def _blocks(full: dict[str, Any], path: Path) -> None:
    """``omega_blocks`` of ``full`` as ``iiv`` and ``covariances``, in place."""
    blocks = full.get("omega_blocks")
    if not isinstance(blocks, list):
        return
    full.pop("omega_blocks")
    iiv, covariances = full.setdefault("iiv", {}), list(full.get("covariances") or [])
    for number, block in enumerate(blocks):
        place = (*path, "omega_blocks", number)
        of, lower = (block.get("of"), block.get("lower")) if isinstance(block, dict) else (None, None)
        if not isinstance(of, list) or not isinstance(lower, list) or not isinstance(iiv, dict):
            raise Contradiction(place, "a block has of (names) and lower (numbers)")
        if len(lower) != len(of) * (len(of) + 1) // 2 or not all(isinstance(name, str) for name in of):
            raise Contradiction(place, f"{len(of)} effects have {len(of) * (len(of) + 1) // 2} numbers")
        numbers = iter(lower)
        for row, name in enumerate(of):
            if name in iiv:
                raise Contradiction(place, f"{name} is in iiv already")
            for other in of[:row]:
                covariances.append({"between": [other, name], "value": next(numbers)})
            iiv[name] = _variability(next(numbers), place)
    full["covariances"] = covariances


def _structure(structure: dict[str, Any], model: dict[str, Any]) -> dict[str, Any]:
    full = dict(structure)
    for name in ("odes",):
        if isinstance(full.get(name), dict):
            full[name] = [[state, _text(text)] for state, text in full[name].items()]
    if isinstance(full.get("initial"), dict):
        full["initial"] = {state: _text(text) for state, text in full["initial"].items()}
    if isinstance(full.get("outputs"), dict):
        full["outputs"] = [
            {"name": name, **value} if isinstance(value, dict) else {"name": name, "value": _text(value)}
            for name, value in full["outputs"].items()
        ]
    own = full.get("parameters")
    if isinstance(own, list) and all(isinstance(name, str) for name in own):
        full["parameters"] = {name: name for name in own}
    elif "odes" in full and (own is None or isinstance(own, dict)):
        wanted = _read_by(full)
        full["parameters"] = {**{name: name for name in _given(model) if name in wanted}, **(own or {})}
    elif "parameters" not in full:
        wanted = _of_family(full)
        full["parameters"] = {name: name for name in _given(model) if name in wanted}
    return full


def _given(model: dict[str, Any]) -> list[str]:
    """Names that the model gives a value, in order."""
    names: list[str] = []
    for part in ("theta", "covariates"):
        if isinstance(model.get(part), dict):
            names += [str(name) for name in model[part]]
    equations = model.get("equations")
    if isinstance(equations, list):
        names += [
            pair[0] for pair in equations if isinstance(pair, list) and pair and isinstance(pair[0], str)
        ]
    return list(dict.fromkeys(names))


def _read_by(structure: dict[str, Any]) -> set[str]:
    """Names that written equations read. Nothing is judged here."""
    texts = [
        json.dumps(structure.get(part), default=str) for part in ("odes", "initial", "entries", "outputs")
    ]
    return set(re.findall(r"[A-Za-z_][A-Za-z_0-9]*", " ".join(texts)))


def _of_family(structure: dict[str, Any]) -> set[str]:
    """Parameters that a family may have; none if its parts do not go together, which the schema will say."""
    try:
        return names_of(StructuralOptions.model_validate_json(json.dumps(structure)))[1]
    except (ValueError, TypeError):
        return set()


def is_number(value: Any) -> bool:
    """True for an int or float that is no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> Any:
    """A constant is an expression too."""
    return repr(float(value)) if is_number(value) else value


def _theta(value: Any, path: Path) -> Any:
    return {"value": value, "unit": ""} if is_number(value) else value


def _subpopulation(value: Any, path: Path) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get("theta"), dict):
        return value
    return {**value, "theta": {name: _theta(theta, path) for name, theta in value["theta"].items()}}


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
