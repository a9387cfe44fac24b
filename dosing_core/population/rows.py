"""From covariate values to an ``Individual``: typical parameters a row of time, in mg, L, h and mg/L.

Where the covariates come from (a patient's record, a dataset's columns) is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dosing_core.population.individual import Individual, ResidualError, Structure
from dosing_core.population.model import ParameterName, PopulationModel

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
    binding = (0.0, 1.0)
    if model.parsed_binding is not None:
        scale = model.units.concentration_factor
        capacity, constant = (part.evaluate(values) * scale for part in model.parsed_binding)
        if capacity < 0 or constant <= 0:
            raise ValueError("binding below zero")
        binding = (capacity, constant)
    acting = frozenset(
        name
        for name, effect in model.iiv.items()
        if effect.only_when is None or covariates[effect.only_when] == 1
    )
    return Row(tuple(typical), binding, acting)


def individual_of(model: PopulationModel, times: Sequence[float], rows: Sequence[Row]) -> Individual:
    """The individual whose row i holds from ``times[i]`` (h; the first is ``-inf``).

    Raises ``ValueError`` for a model that gives typical values only.
    """
    if model.residual is None or model.use != "estimation":
        raise ValueError("typical values only")
    # A random effect that acts in no row would only be noise.
    effects = tuple(name for name in model.iiv if any(name in row.acting for row in rows))
    acts = np.array([[name in row.acting for name in effects] for row in rows], dtype=np.bool_)
    index = [effects.index(name) if name in effects else -1 for name in ORDER]
    scale = model.units.concentration_factor
    return Individual(
        structure=Structure(model.structure.compartments, "oral" in model.structure.routes),
        row_time=np.array(times, dtype=np.float64),
        typical=np.array([row.typical for row in rows], dtype=np.float64),
        eta_names=effects,
        eta_index=np.array(index, dtype=np.int64),
        omega=model.omega(effects),
        residual=ResidualError(model.residual.additive_sd * scale, model.residual.proportional_sd),
        binding=None if model.binding is None else np.array([row.binding for row in rows], dtype=np.float64),
        eta_acts=None if acts.all() else acts,
    )
