"""Whether a model has usable values everywhere within its own range of covariates, checked when it is loaded.

An equation that divides by zero, overflows or turns a clearance negative within the
model's own range is a slip in the file; found here, it is found before the patient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np

from dosing_core.errors import InvalidExpression
from dosing_core.population.covariate import Covariate, Limit
from dosing_core.population.individual import FloatArray
from dosing_core.population.model import PopulationModel
from dosing_core.population.over_arrays import over_arrays
from dosing_core.population.quantity import QUANTITIES, YES_NO
from dosing_core.population.rows import Unusable, fractions, row_of

MOST_CORNERS = 256
"""Project policy: of more than eight covariates the corners are left out; only each one's line is walked."""
STEPS = 5
"""Values along each covariate, the others in the middle."""


def check_range(model: PopulationModel) -> None:
    """Raises ``InvalidExpression`` naming the equation and the covariates at which it fails.

    A covariate's range is that of ``population.limits`` (validity before observed), else what
    ``typical_check`` spans, else the middle of the quantity's row. A model with a covariate of which nothing
    is known, because only a dataset has it, is not checked.
    """
    ranges = {name: _range(model, name, covariate) for name, covariate in model.covariates.items()}
    if not all(ranges.values()):
        return
    grid = list(_grid(ranges))
    for _, kind, variant in model.kinds():
        if _sound_everywhere(variant, grid):
            continue
        for covariates in grid:
            try:
                row_of(variant, covariates)
            except Unusable as error:
                place = _place(model, error.parameter)
                raise InvalidExpression(f"{model.id} {place}", _said(str(error), covariates, kind)) from error
            except InvalidExpression as error:
                raise InvalidExpression(error.where, _said(error.problem, covariates, kind)) from error
            except (ValueError, ArithmeticError) as error:
                raise InvalidExpression(
                    f"{model.id} equations", _said(str(error), covariates, kind)
                ) from error


def _sound_everywhere(model: PopulationModel, grid: Sequence[Mapping[str, float]]) -> bool:
    """True if everything that ``row_of`` asks of a point holds at every point of the grid, all at once.

    So it is of nearly all models. Where it is not, or an equation is undefined on a way that a condition does
    not take, or support points have rows of their own, the points tell one by one what is wrong, and where.
    """
    if model.support is not None:
        return False
    values: dict[str, FloatArray] = {name: np.array(theta.value) for name, theta in model.theta.items()}
    values |= {name: np.array([point[name] for point in grid]) for name in model.covariates}
    try:
        with np.errstate(divide="raise", invalid="raise", over="raise"):
            for name, equation in model.parsed_equations.steps:
                values[name] = over_arrays(equation.tree, values)
                if not np.isfinite(values[name]).all():
                    return False
            bound = [over_arrays(part.tree, values) for part in model.parsed_binding or ()]
    except FloatingPointError:
        return False
    form, own = model.form, model.structure.parameters
    typical = {
        name: values[own[name]] * scale
        for name, scale in zip(form.columns, form.scales, strict=True)
        if name in own
    }
    return (
        all(np.isfinite(one).all() for one in (*bound, *typical.values()))
        and all(
            sign == "any" or (one.min() > 0.0 if sign == "positive" else one.min() >= 0.0)
            for sign, one in ((form.signs[form.columns.index(name)], one) for name, one in typical.items())
        )
        and all(typical[name].min() > 0.0 and typical[name].max() < 1.0 for name in fractions(model))
        and (not bound or (bound[0].min() >= 0.0 and bound[1].min() > 0.0))
    )


def _place(model: PopulationModel, parameter: str) -> str:
    """Where the file says the value of a parameter of the structure."""
    own = model.structure.parameters.get(parameter, "")
    if own in dict(model.equations):
        return f"equations.{own}"
    return f"theta.{own}" if own in model.theta else f"structure.parameters.{parameter}"


def _said(problem: str, covariates: dict[str, float], kind: str) -> str:
    at = ", ".join(f"{name} = {value:g}" for name, value in covariates.items())
    return f"{problem}" + (f" at {at}" if at else "") + (f" ({kind})" if kind else "")


def _range(model: PopulationModel, name: str, covariate: Covariate) -> tuple[float, ...]:
    """Ends of a covariate's range; empty if nothing says them."""
    if covariate.unit == YES_NO:
        return (0.0, 1.0)
    if covariate.values:
        return tuple(sorted(set(covariate.values.values())))
    stated = [limit for limit in model.population.limits if limit.quantity == covariate.quantity]
    low, high = _end(stated, "low"), _end(stated, "high")
    checked = [check.inputs[name] for check in model.typical_check if name in check.inputs]
    ends = [low if low is not None else min(checked, default=None)]
    ends.append(high if high is not None else covariate.maximum or max(checked, default=None))
    known = [end for end in ends if end is not None]
    if covariate.maximum is not None:
        known = [min(end, covariate.maximum) for end in known]
    if not known and covariate.quantity is not None:
        known = [QUANTITIES[covariate.quantity].middle]
    known += [value for value, _ in covariate.unknown_mixture]
    known += [] if covariate.when_unknown is None else [covariate.when_unknown]
    return tuple(sorted(set(known)))


def _end(limits: list[Limit], end: str) -> float | None:
    """The validity limit of this end, else the observed one."""
    for kind in ("validity", "observed"):
        for limit in limits:
            value: float | None = getattr(limit, end)
            if limit.kind == kind and value is not None:
                return value
    return None


def _grid(ranges: dict[str, tuple[float, ...]]) -> Iterator[dict[str, float]]:
    """The corners, and a walk along each covariate through the middle."""
    names = list(ranges)
    if 2 ** len(names) <= MOST_CORNERS:
        for corner in product(*ranges.values()):
            yield dict(zip(names, corner, strict=True))
    # The middle of a 0/1 covariate is nobody.
    middle = {name: ends[0] if ends == (0.0, 1.0) else sum(ends) / len(ends) for name, ends in ranges.items()}
    for name, ends in ranges.items():
        if ends == (0.0, 1.0) or len(ends) < 2:
            continue
        for step in range(STEPS):
            yield {**middle, name: ends[0] + (ends[1] - ends[0]) * step / (STEPS - 1)}
    yield middle
