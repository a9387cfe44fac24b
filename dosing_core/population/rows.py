"""From covariate values to an ``Individual``: typical parameters a row of time, in mg, L, h and mg/L.

Where the covariates come from (a patient's record, a dataset's columns) is not known here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dosing_core.population.effects import effects_of, transforms_of
from dosing_core.population.form import Form
from dosing_core.population.individual import PARAMETERS, Individual, ResidualError
from dosing_core.population.model import PopulationModel
from dosing_core.population.publication import Theta
from dosing_core.population.support import supported
from dosing_core.population.variability import Variability

ORDER = PARAMETERS
"""Columns of a closed form; any model's are ``model.form.columns``."""
NOT_MEASURED = ResidualError(math.inf, 0.0)
"""Error of an output that nobody measures: a value of it would say nothing."""


class Unusable(ValueError):
    """A typical value that no person has; ``parameter`` names it."""

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(problem)
        self.parameter = parameter


@dataclass(frozen=True)
class Row:
    """Typical values that hold for a while: a value a column, binding in mg/L, and which effects act."""

    typical: tuple[float, ...]
    binding: tuple[float, float]
    acting: frozenset[str]
    """Names in ``iiv``."""
    acting_within: frozenset[str] = frozenset()
    """Names in ``iov``."""
    points: tuple[tuple[float, ...], ...] = ()
    """Typical values of each support point."""
    spread: float = 0.0
    """Standard deviation of ln clearance that other drugs add while the row holds."""


def row_of(model: PopulationModel, covariates: Mapping[str, float]) -> Row:
    """The row of these covariate values, by the model's own names and units.

    Raises ``InvalidExpression`` or ``ValueError`` if the model gives no usable value for them.
    """
    if model.support is not None:
        centre = {name: Theta(value=value) for name, value in model.support.mean().items()}
        values, typical = _typical(model.with_thetas(centre), covariates)
        points = tuple(
            _typical(
                model.with_thetas(
                    {
                        name: Theta(value=value)
                        for name, value in zip(model.support.theta, point[1:], strict=True)
                    }
                ),
                covariates,
            )[1]
            for point in model.support.points
        )
    else:
        values, typical = _typical(model, covariates)
        points = ()
    binding = (0.0, 1.0)
    if model.parsed_binding is not None:
        scale = model.units.concentration_factor
        capacity, constant = (part.evaluate(values) * scale for part in model.parsed_binding)
        if capacity < 0 or constant <= 0:
            raise ValueError("binding below zero")
        binding = (capacity, constant)
    return Row(
        typical=typical,
        binding=binding,
        acting=_acting(model.iiv, covariates),
        acting_within=_acting(model.iov, covariates),
        points=points,
    )


def _typical(
    model: PopulationModel, covariates: Mapping[str, float]
) -> tuple[dict[str, float], tuple[float, ...]]:
    """All values in the model's units, and a value a column in kinetics' units."""
    values = model.evaluate(covariates)
    form, own = model.form, model.structure.parameters
    typical = []
    for name, scale, absent, sign in zip(form.columns, form.scales, form.absent, form.signs, strict=True):
        value = absent if name not in own else values[own[name]] * scale
        if not math.isfinite(value) or (sign != "any" and value < 0) or (sign == "positive" and value == 0):
            raise Unusable(name, f"{name} is {value:.3g}")
        typical.append(value)
    _check_forms(model, dict(zip(form.columns, typical, strict=True)))
    return values, tuple(typical)


def _acting(effects: Mapping[str, Variability], covariates: Mapping[str, float]) -> frozenset[str]:
    return frozenset(
        name
        for name, effect in effects.items()
        if effect.only_when is None or covariates[effect.only_when] == 1
    )


def _check_forms(model: PopulationModel, typical: Mapping[str, float]) -> None:
    """A logit-normal parameter is a fraction; any other typical value has no logit."""
    for parameter in fractions(model):
        if not 0 < typical[parameter] < 1:
            raise Unusable(parameter, f"{parameter} is {typical[parameter]:.3g}, not between 0 and 1")


def fractions(model: PopulationModel) -> Iterator[str]:
    """Parameters that are logit-normal, between people or between occasions."""
    for effects in (model.iiv, model.iov):
        for name, effect in effects.items():
            if effect.form == "logit_normal":
                yield from (name, *effect.also_on)


def individual_of(
    model: PopulationModel,
    times: Sequence[float],
    rows: Sequence[Row],
    occasions: Sequence[str] | None = None,
) -> Individual:
    """The individual whose row i holds from ``times[i]`` (h; the first is ``-inf``).

    ``occasions`` labels the occasion of each row: rows with one label share its random effects, those with an
    empty label have none. None: one occasion throughout, as in a population of people seen once.

    Of a mixture this is the first kind: see ``PopulationModel.kinds``. Raises ``ValueError`` for a model that
    gives typical values only, and for support points that this person's changing covariates change unevenly.
    """
    form = model.form
    errors = _errors(model, form)
    if model.use != "estimation" or errors[0] is NOT_MEASURED:
        raise ValueError("typical values only")
    typical = np.array([row.typical for row in rows], dtype=np.float64)
    if model.support is not None:
        names, index, spread, support = supported(
            model.support, form.columns, typical, [r.points for r in rows]
        )
        effects = None
    else:
        labels = ["occasion"] * len(rows) if occasions is None else list(occasions)
        effects = effects_of(model, [(row.acting, row.acting_within) for row in rows], labels, form.columns)
        names, index, spread, support = effects.names, effects.eta_index, effects.omega, None
    transform, shape = transforms_of(model, form.columns)
    several = len(errors) > 1
    return Individual(
        structure=form.structure,
        row_time=np.array(times, dtype=np.float64),
        typical=typical,
        eta_names=names,
        eta_index=index,
        omega=spread,
        residual=errors[0],
        binding=None if model.binding is None else np.array([row.binding for row in rows], dtype=np.float64),
        eta_acts=None if effects is None else effects.acts,
        occasion_index=None if effects is None else effects.occasion_index,
        transform=transform,
        shape=shape,
        residuals=errors if several else (),
        assays=tuple((name, len(form.outputs) + place) for place, name in enumerate(model.assays)),
        support=support,
    )


def _errors(model: PopulationModel, form: Form) -> tuple[ResidualError, ...]:
    """Error of each output, then of each assay of the first."""
    outputs = []
    for output in form.outputs:
        residual = model.residual_of(output.name)
        outputs.append(NOT_MEASURED if residual is None else residual.error(output.scale))
    return (*outputs, *(assay.error(form.outputs[0].scale) for assay in model.assays.values()))
