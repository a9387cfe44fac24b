"""Which random effects one individual has and where each acts: between people first, then each occasion's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dosing_core.population.individual import BOX_COX, BoolArray, FloatArray, IntArray
from dosing_core.population.model import PopulationModel
from dosing_core.population.variability import FORMS, Variability

Acting = tuple[frozenset[str], frozenset[str]]
"""Names in ``iiv`` and in ``iov`` that act while a row holds."""


@dataclass(frozen=True)
class Effects:
    """As ``Individual`` takes them, field by field."""

    names: tuple[str, ...]
    omega: FloatArray
    eta_index: IntArray
    acts: BoolArray | None
    occasion_index: IntArray | None


def effects_of(
    model: PopulationModel, acting: Sequence[Acting], labels: Sequence[str], columns: Sequence[str]
) -> Effects:
    """The effects of an individual with these rows, each with its occasion's label (empty: none)."""
    # A random effect that acts in no row would only be noise.
    between = tuple(name for name in model.iiv if any(name in row[0] for row in acting))
    names, omegas = list(between), [model.omega(between)]
    place: dict[tuple[str, str], int] = {}
    for label in dict.fromkeys(label for label in labels if label):
        here = [row[1] for row, other in zip(acting, labels, strict=True) if other == label]
        own = tuple(name for name in model.iov if any(name in row for row in here))
        place |= {(name, label): len(names) + i for i, name in enumerate(own)}
        names += [f"{name} {label}" for name in own]
        omegas.append(model.occasion_omega(own))
    eta_index = np.full(len(columns), -1, dtype=np.int64)
    for effect, name in enumerate(between):
        for parameter in _on(name, model.iiv):
            eta_index[columns.index(parameter)] = effect
    acts = np.ones((len(acting), len(names)), dtype=np.bool_)
    acts[:, : len(between)] = [[name in row[0] for name in between] for row in acting]
    within = np.full((len(acting), len(columns)), -1, dtype=np.int64)
    for i, (row, label) in enumerate(zip(acting, labels, strict=True)):
        for name in row[1] if label else ():
            for parameter in _on(name, model.iov):
                within[i, columns.index(parameter)] = place[name, label]
    return Effects(
        names=tuple(names),
        omega=_blocks(omegas),
        eta_index=eta_index,
        acts=None if acts.all() else acts,
        occasion_index=within if place else None,
    )


def _on(name: str, effects: Mapping[str, Variability]) -> tuple[str, ...]:
    """Parameters that this effect acts on."""
    return (name, *effects[name].also_on)


def _blocks(matrices: Sequence[FloatArray]) -> FloatArray:
    """Block-diagonal matrix."""
    size = sum(len(matrix) for matrix in matrices)
    whole = np.zeros((size, size))
    at = 0
    for matrix in matrices:
        whole[at : at + len(matrix), at : at + len(matrix)] = matrix
        at += len(matrix)
    return whole


def transforms_of(
    model: PopulationModel, columns: Sequence[str]
) -> tuple[IntArray | None, FloatArray | None]:
    """How effects act on each parameter, and Box-Cox's shapes; None: all log-normal, no shape."""
    kinds = np.zeros(len(columns), dtype=np.int64)
    shapes = np.ones(len(columns))
    for effects in (model.iiv, model.iov):
        for name, effect in effects.items():
            for parameter in _on(name, effects):
                kinds[columns.index(parameter)] = FORMS[effect.form]
                if effect.shape is not None:
                    shapes[columns.index(parameter)] = effect.shape
    return (kinds if kinds.any() else None), (shapes if (kinds == BOX_COX).any() else None)
