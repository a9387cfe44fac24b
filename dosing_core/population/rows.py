"""From covariate values to an ``Individual``: typical parameters a row of time, in mg, L, h and mg/L.

Where the covariates come from (a patient's record, a dataset's columns) is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dosing_core.population.effects import effects_of, transforms_of
from dosing_core.population.individual import Individual, Structure
from dosing_core.population.model import ParameterName, PopulationModel
from dosing_core.population.variability import Variability

ORDER: tuple[ParameterName, ...] = ("CL", "V1", "Q", "V2", "ka", "tlag", "F")
"""``individual.PARAMETERS``, typed."""
_ABSENT: dict[ParameterName, float] = {"Q": 0.0, "V2": 1.0, "ka": 1.0, "tlag": 0.0, "F": 1.0}
"""What a parameter that the model does not have is set to; see ``individual.PARAMETERS``."""
_MAY_BE_ZERO = ("Q", "tlag")


@dataclass(frozen=True)
class Row:
    """Typical values that hold for a while: ``PARAMETERS``, binding in mg/L, and which effects act."""

    typical: tuple[float, ...]
    binding: tuple[float, float]
    acting: frozenset[str]
    """Names in ``iiv``."""
    acting_within: frozenset[str] = frozenset()
    """Names in ``iov``."""


def row_of(model: PopulationModel, covariates: Mapping[str, float]) -> Row:
    """The row of these covariate values, by the model's own names and units.

    Raises ``InvalidExpression`` or ``ValueError`` if the model gives no usable value for them.
    """
    values = model.evaluate(dict(covariates))
    typical = []
    for name in ORDER:
        own = model.structure.parameters.get(name)
        value = _ABSENT[name] if own is None else values[own] * model.units.factor(name)
        if value < 0 or (value == 0 and name not in _MAY_BE_ZERO):
            raise ValueError(f"{name} is {value:.3g}")
        typical.append(value)
    _check_forms(model, dict(zip(ORDER, typical, strict=True)))
    binding = (0.0, 1.0)
    if model.parsed_binding is not None:
        scale = model.units.concentration_factor
        capacity, constant = (part.evaluate(values) * scale for part in model.parsed_binding)
        if capacity < 0 or constant <= 0:
            raise ValueError("binding below zero")
        binding = (capacity, constant)
    return Row(tuple(typical), binding, _acting(model.iiv, covariates), _acting(model.iov, covariates))


def _acting(effects: Mapping[str, Variability], covariates: Mapping[str, float]) -> frozenset[str]:
    return frozenset(
        name
        for name, effect in effects.items()
        if effect.only_when is None or covariates[effect.only_when] == 1
    )


def _check_forms(model: PopulationModel, typical: Mapping[str, float]) -> None:
    """A logit-normal parameter is a fraction; any other typical value has no logit."""
    for effects in (model.iiv, model.iov):
        for name, effect in effects.items():
            for parameter in (name, *effect.also_on):
                if effect.form == "logit_normal" and not 0 < typical[parameter] < 1:
                    raise ValueError(f"{parameter} is {typical[parameter]:.3g}, not between 0 and 1")


def individual_of(
    model: PopulationModel,
    times: Sequence[float],
    rows: Sequence[Row],
    occasions: Sequence[str] | None = None,
) -> Individual:
    """The individual whose row i holds from ``times[i]`` (h; the first is ``-inf``).

    ``occasions`` labels the occasion of each row: rows with one label share its random effects, those with an
    empty label have none. None: one occasion throughout, as in a population of people seen once.

    Raises ``ValueError`` for a model that gives typical values only.
    """
    if model.residual is None or model.use != "estimation":
        raise ValueError("typical values only")
    labels = ["occasion"] * len(rows) if occasions is None else list(occasions)
    effects = effects_of(model, [(row.acting, row.acting_within) for row in rows], labels, ORDER)
    transform, shape = transforms_of(model, ORDER)
    scale = model.units.concentration_factor
    residual = model.residual.error(scale)
    assays = tuple(assay.error(scale) for assay in model.assays.values())
    return Individual(
        structure=Structure(model.structure.compartments, "oral" in model.structure.routes),
        row_time=np.array(times, dtype=np.float64),
        typical=np.array([row.typical for row in rows], dtype=np.float64),
        eta_names=effects.names,
        eta_index=effects.eta_index,
        omega=effects.omega,
        residual=residual,
        binding=None if model.binding is None else np.array([row.binding for row in rows], dtype=np.float64),
        eta_acts=effects.acts,
        occasion_index=effects.occasion_index,
        transform=transform,
        shape=shape,
        residuals=(residual, *assays) if assays else (),
        assays=tuple((name, 1 + place) for place, name in enumerate(model.assays)),
    )
