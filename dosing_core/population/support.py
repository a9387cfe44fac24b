"""A non-parametric population brought to one person: support points as random effects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dosing_core.population.individual import FloatArray, IntArray, SupportPoints
from dosing_core.population.mixture import SupportTable

EVEN = 1e-9
"""Points whose ratio to the typical value differs by less from row to row count as constant."""
LEAST_VARIANCE = 1e-8
"""Added to the diagonal of the covariance: fewer points than parameters span no full space."""


def supported(
    table: SupportTable,
    columns: Sequence[str],
    typical: FloatArray,
    points: Sequence[Sequence[Sequence[float]]],
) -> tuple[tuple[str, ...], IntArray, FloatArray, SupportPoints]:
    """Names, index, covariance and points of the effects, one a parameter in which the points differ.

    ``typical`` [n_rows, n_parameters] and ``points`` [n_rows][n_points][n_parameters]. A point is
    ``typical * exp(eta)``. Raises ``ValueError`` where that ratio changes from row to row: covariates that
    add to what the points give, and change, cannot be told as one random effect.
    """
    values = np.array(points, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(values == typical[:, None, :], 0.0, np.log(values / typical[:, None, :]))
    if not np.isfinite(ratio).all():
        raise ValueError("support: a point changes the sign of a parameter or makes it 0")
    if np.abs(ratio - ratio[:1]).max() > EVEN:
        raise ValueError("support: covariates that change within this person do not act on all points alike")
    probability = np.array([point[0] for point in table.points], dtype=np.float64)
    probability = probability / probability.sum()
    varying = [int(column) for column in np.flatnonzero(np.abs(ratio[0]).max(axis=0) > 0.0)]
    eta = np.ascontiguousarray(ratio[0][:, varying])
    centred = eta - probability @ eta
    covariance = (centred * probability[:, None]).T @ centred + LEAST_VARIANCE * np.eye(len(varying))
    index = np.full(len(columns), -1, dtype=np.int64)
    index[varying] = np.arange(len(varying))
    return (
        tuple(columns[column] for column in varying),
        index,
        covariance,
        SupportPoints(eta=eta, probability=probability),
    )
